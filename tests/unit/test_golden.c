/* The sessions of tests/golden: what is read there is written again, byte for byte. */
#include "unit.h"
#include "util.h"
#include "wire.h"

#include <glob.h>

/* A session as it is read, and what all of them had so far. */
struct reader {
	const char *path;
	int line;
	bool has_request; /* below: the last one, read or refused */
	struct wire_request request;
	struct fail refusal;
	bool methods[WIRE_METHOD_COUNT]; /* answered with a result */
	bool errors[ERR_COUNT];
	bool statuses[INGESTION_STATUS_COUNT];
	bool batches[BATCH_STATUS_COUNT];
	bool outcomes[ID_OUTCOME_COUNT];
};

/* Members that a reply has got after lines without them were released. */
static const char *const newer[] = {"ids_completed", "ids_failed", "attempts", "retries",
    "max_attempts", "retry_base_ms", "retry_max_ms", "later", "oldest_waiting_ms", "cancelled",
    "cancelling", "ids_cancelled", "ids_unknown", "network", "status", "reply", "notices", "pause"};

/* The end of a JSON value: the comma or bracket behind it. */
static const char *value_end(const char *at)
{
	bool in_string = false;

	for (int depth = 0; depth > 0 || in_string || !strchr(",]}", *at); at++) {
		if (in_string && *at == '\\')
			at++;
		else if (*at == '"')
			in_string = !in_string;
		else if (!in_string)
			depth += (strchr("[{", *at) != NULL) - (strchr("]}", *at) != NULL);
	}
	return at;
}

/* Behind the member, with its comma, that is new and missing in the line; else `written`. */
static const char *skip_newer(const char *line, const char *written)
{
	for (size_t i = 0; i < COUNT_OF(newer); i++) {
		char start[32];
		int len = snprintf(start, sizeof(start), ",\"%s\":", newer[i]);

		if (strncmp(written, start, (size_t)len) == 0 &&
		    strncmp(line, start, (size_t)len) != 0)
			return value_end(written + len);
	}
	return written;
}

/* Whether both are the same, but for members that are new. */
static bool is_same(const char *line, const char *written)
{
	for (;;) {
		const char *next = skip_newer(line, written);

		if (next != written)
			written = next;
		else if (!*line || *line != *written)
			return !*line && strcmp(written, "\n") == 0;
		else
			line++, written++;
	}
}

static void assert_same_line(
    const struct reader *reader, const char *what, const char *line, const struct buf *out)
{
	if (!is_same(line, out->data))
		fail_msg("%s:%d: this %s\n%s\nis written as\n%s", reader->path, reader->line, what,
		    line, out->data);
}

static void read_request(struct reader *reader, const char *line)
{
	struct buf out = {0};

	if (reader->has_request && !reader->refusal.err)
		wire_request_free(&reader->request);
	reader->refusal.err = ERR_OK;
	reader->has_request = true;
	if (wire_read_request(line, strlen(line), INT64_MAX, &reader->request, &reader->refusal))
		return;
	wire_write_request(&reader->request, &out);
	assert_same_line(reader, "request", line, &out);
	buf_free(&out);
}

/* The request was refused: with this error. Its text may have been another one. */
static void check_refusal(struct reader *reader, const char *line, const struct wire_reply *reply)
{
	struct fail fail = reader->refusal;
	struct buf out = {0};

	if (!reply->fail.err)
		fail_msg(
		    "%s:%d: the request cannot be read: %s", reader->path, reader->line, fail.text);
	strcpy(fail.text, reply->fail.text);
	wire_write_error(reader->request.id, &fail, &out);
	assert_same_line(reader, "refusal", line, &out);
	buf_free(&out);
	reader->errors[fail.err] = true;
}

static void note_states(struct reader *reader, const struct wire_reply *reply)
{
	if (reader->request.method == WIRE_STATUS)
		reader->statuses[ingestion_status_of(&reply->status.ingestion)] = true;
	for (size_t i = 0; i < reply->status.n; i++)
		reader->batches[reply->status.batches[i].status] = true;
	for (size_t i = 0; i < reply->report.page.n; i++)
		reader->outcomes[reply->report.page.v[i].outcome] = true;
}

static void check_reply(struct reader *reader, const char *line, struct wire_reply *reply)
{
	enum wire_method method = reader->request.method;
	struct buf out = {0};

	/* No client needs it, and it is too large for the numbers of JSON in most languages. */
	reply->hello.limits.max_id = INT64_MAX;
	if (reply->fail.err)
		wire_write_error(reply->id, &reply->fail, &out);
	else
		wire_write_reply(reply->id, method, reply, &out);
	assert_same_line(reader, "reply", line, &out);
	buf_free(&out);
	reader->errors[reply->fail.err] = true;
	if (reply->fail.err)
		return;
	assert_string_equal(reply->id, reader->request.id);
	reader->methods[method] = true;
	note_states(reader, reply);
}

static void read_reply(struct reader *reader, const char *line)
{
	struct wire_reply reply;
	struct fail fail;

	assert_true(reader->has_request);
	if (!wire_read_reply(line, strlen(line), reader->request.method, &reply, &fail))
		fail_msg("%s:%d: %s: %s", reader->path, reader->line, fail.text, line);
	if (reader->refusal.err)
		check_refusal(reader, line, &reply);
	else
		check_reply(reader, line, &reply);
	wire_reply_free(&reply);
}

static void read_line(struct reader *reader, const char *line)
{
	reader->line++;
	if (line[0] == '\0' || line[0] == '#')
		return;
	assert_int_equal(line[1], ' ');
	if (line[0] == '>' || line[0] == '~')
		read_request(reader, line + 2);
	else if (line[0] == '<')
		read_reply(reader, line + 2);
	else
		fail_msg("%s:%d: %s", reader->path, reader->line, line);
}

static void read_session(struct reader *reader, const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;

	assert_non_null(file);
	reader->path = path;
	reader->line = 0;
	reader->has_request = false;
	while (getline(&line, &cap, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		read_line(reader, line);
	}
	if (reader->has_request && !reader->refusal.err)
		wire_request_free(&reader->request);
	free(line);
	fclose(file);
}

static struct reader read_all(void)
{
	struct reader reader = {.line = 0};
	glob_t found;

	if (glob("tests/golden/*.txt", 0, NULL, &found) != 0)
		fail_msg("no sessions below the working directory");
	for (size_t i = 0; i < found.gl_pathc; i++)
		read_session(&reader, found.gl_pathv[i]);
	globfree(&found);
	return reader;
}

static void sessions_are_written_as_they_are_read(void **state)
{
	(void)state;
	read_all();
}

static void sessions_have_everything(void **state)
{
	struct reader reader = read_all();

	(void)state;
	for (int i = 0; i < WIRE_METHOD_COUNT; i++)
		if (!reader.methods[i])
			fail_msg("no result of %s", wire_method_name((enum wire_method)i));
	for (int i = ERR_OK + 1; i < ERR_COUNT; i++)
		if (!reader.errors[i])
			fail_msg("no error %s", err_name((enum err)i));
	for (int i = 0; i < INGESTION_STATUS_COUNT; i++)
		if (!reader.statuses[i])
			fail_msg("no status %s", ingestion_status_name((enum ingestion_status)i));
	for (int i = 0; i < BATCH_STATUS_COUNT; i++)
		if (!reader.batches[i])
			fail_msg("no batch %s", batch_status_name((enum batch_status)i));
	for (int i = 0; i < ID_OUTCOME_COUNT; i++)
		if (!reader.outcomes[i])
			fail_msg("no outcome %s", id_outcome_name((enum id_outcome)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(sessions_are_written_as_they_are_read),
	    TEST(sessions_have_everything),
	};

	return RUN(tests);
}
