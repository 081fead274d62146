#include "log.h"

#include "unit.h"
#include "utf8.h"
#include "util.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

/* Standard error goes into a pipe from capture() to captured(). */
static int saved_stderr, read_end;
static char output[65536];

static void capture(void)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	fcntl(ends[1], F_SETPIPE_SZ, (int)sizeof(output));
	saved_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	read_end = ends[0];
}

static const char *captured(void)
{
	size_t len = 0;
	ssize_t n;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	while ((n = read(read_end, output + len, sizeof(output) - 1 - len)) > 0)
		len += (size_t)n;
	close(read_end);
	output[len] = '\0';
	return output;
}

/* The text behind "key=" of an event with one field. */
static const char *written(const char *value)
{
	const char *line;

	capture();
	log_info(log_str("key", value));
	line = captured();
	assert_non_null(strstr(line, " key="));
	return strstr(line, " key=") + 5;
}

static void a_line_has_time_level_and_fields(void **state)
{
	const char *line;
	char time[TIME_TEXT_SIZE];
	int64_t ms;

	(void)state;
	capture();
	log_warn(log_msg("batch started"), log_str("id", "019b-x"), log_int("attempt", 1));
	line = captured();
	assert_memory_equal(line, "ts=", 3);
	snprintf(time, sizeof(time), "%.24s", line + 3);
	assert_true(parse_time(time, &ms));
	assert_string_equal(line + 27, " level=warn msg=\"batch started\" id=019b-x attempt=1\n");
}

static void numbers_are_exact(void **state)
{
	(void)state;
	capture();
	log_info(log_int("max", INT64_MAX), log_int("min", INT64_MIN), log_int("zero", 0));
	assert_contains(captured(), " max=9223372036854775807 min=-9223372036854775808 zero=0\n");
}

static void each_level_has_its_name(void **state)
{
	const char *line;

	(void)state;
	log_set_level(LOG_DEBUG);
	capture();
	log_error(log_msg("a"));
	log_warn(log_msg("b"));
	log_info(log_msg("c"));
	log_debug(log_msg("d"));
	line = captured();
	log_set_level(LOG_INFO);
	assert_contains(line, " level=error msg=a\n");
	assert_contains(line, " level=warn msg=b\n");
	assert_contains(line, " level=info msg=c\n");
	assert_contains(line, " level=debug msg=d\n");
}

static void debug_is_off_at_first(void **state)
{
	(void)state;
	capture();
	log_debug(log_msg("x"));
	assert_string_equal(captured(), "");
}

static void events_above_the_level_are_dropped(void **state)
{
	const char *line;

	(void)state;
	log_set_level(LOG_ERROR);
	capture();
	log_error(log_msg("kept"));
	log_warn(log_msg("dropped"));
	log_info(log_msg("dropped"));
	line = captured();
	log_set_level(LOG_INFO);
	assert_contains(line, "msg=kept\n");
	assert_lacks(line, "dropped");
}

static void levels_are_found_by_name(void **state)
{
	(void)state;
	assert_int_equal(log_level_by_name("error"), LOG_ERROR);
	assert_int_equal(log_level_by_name("warn"), LOG_WARN);
	assert_int_equal(log_level_by_name("info"), LOG_INFO);
	assert_int_equal(log_level_by_name("debug"), LOG_DEBUG);
	assert_int_equal(log_level_by_name("INFO"), -1);
	assert_int_equal(log_level_by_name(""), -1);
}

static void plain_values_stand_without_quotes(void **state)
{
	(void)state;
	assert_string_equal(written("/run/x.sock:1@a,b+c-d_e"), "/run/x.sock:1@a,b+c-d_e\n");
}

static void other_values_are_quoted(void **state)
{
	(void)state;
	assert_string_equal(written("two words"), "\"two words\"\n");
	assert_string_equal(written("a=b"), "\"a=b\"\n");
	assert_string_equal(written(""), "\"\"\n");
	assert_string_equal(written(NULL), "\"\"\n");
}

static void quotes_and_backslashes_are_escaped(void **state)
{
	(void)state;
	assert_string_equal(written("say \"hi\" \\ bye"), "\"say \\\"hi\\\" \\\\ bye\"\n");
}

static void newlines_are_escaped(void **state)
{
	(void)state;
	assert_string_equal(written("one\ntwo\r\n"), "\"one\\ntwo\\u000d\\n\"\n");
}

static void control_characters_are_escaped(void **state)
{
	(void)state;
	assert_string_equal(written("\x01\t\x1b[0m\x7f"), "\"\\u0001\\u0009\\u001b[0m\\u007f\"\n");
}

static void c1_controls_are_escaped(void **state)
{
	(void)state;
	assert_string_equal(written("\xc2\x85\xc2\x9b"), "\"\\u0085\\u009b\"\n");
}

static void invalid_utf8_is_escaped(void **state)
{
	(void)state;
	assert_string_equal(written("\xff|\xc0\x80|\xe2\x82"), "\"\\xff|\\xc0\\x80|\\xe2\\x82\"\n");
}

static void other_languages_stay_readable(void **state)
{
	(void)state;
	assert_string_equal(written("gr\xc3\xbcn \xe2\x82\xac"), "\"gr\xc3\xbcn \xe2\x82\xac\"\n");
}

static void a_forged_event_stays_inside_its_value(void **state)
{
	const char *line, *newline;

	(void)state;
	line = written("x\"\nts=2026-01-01T00:00:00.000Z level=error msg=\"forged");
	newline = strchr(line, '\n');
	assert_non_null(newline);
	assert_string_equal(newline, "\n");
}

static void long_values_are_cut(void **state)
{
	char value[3000];

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	assert_in_range(strlen(written(value)), 1024, 1030);
	value[0] = ' ';
	assert_in_range(strlen(written(value)), 1024, 1030);
}

/* Whatever the bytes are: one line, valid UTF-8, no control characters. */
static void every_line_is_one_line_of_text(void **state)
{
	uint64_t seed = 4;
	char value[64];

	(void)state;
	for (int round = 0; round < 2000; round++) {
		const char *line;
		size_t left;

		for (size_t i = 0; i < sizeof(value) - 1; i++)
			value[i] = (char)(next_random(&seed) % 255 + 1);
		value[sizeof(value) - 1] = '\0';
		line = written(value);
		left = strlen(line) - 1;
		assert_int_equal(line[left], '\n');
		for (size_t length; left > 0; line += length, left -= length) {
			length = utf8_length(line, left);
			assert_int_not_equal(length, 0);
			assert_false(utf8_is_control(line, length));
		}
	}
}

static void *write_lines(void *arg)
{
	for (int i = 0; i < 100; i++)
		log_info(log_msg("a line that is not torn apart"), log_str("thread", arg));
	return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
	pthread_t threads[4];
	char *line, *rest;
	int n = 0;

	(void)state;
	capture();
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines, "t"), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
	captured();
	for (line = strtok_r(output, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), n++)
		assert_string_equal(
		    line + 27, " level=info msg=\"a line that is not torn apart\" thread=t");
	assert_int_equal(n, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_line_has_time_level_and_fields),
	    TEST(numbers_are_exact),
	    TEST(debug_is_off_at_first),
	    TEST(each_level_has_its_name),
	    TEST(events_above_the_level_are_dropped),
	    TEST(levels_are_found_by_name),
	    TEST(plain_values_stand_without_quotes),
	    TEST(other_values_are_quoted),
	    TEST(quotes_and_backslashes_are_escaped),
	    TEST(newlines_are_escaped),
	    TEST(control_characters_are_escaped),
	    TEST(c1_controls_are_escaped),
	    TEST(invalid_utf8_is_escaped),
	    TEST(other_languages_stay_readable),
	    TEST(a_forged_event_stays_inside_its_value),
	    TEST(long_values_are_cut),
	    TEST(every_line_is_one_line_of_text),
	    TEST(lines_of_threads_do_not_mix),
	};

	return RUN(tests);
}
