#include "unit.h"
#include "utf8.h"

/* The list as the manuals promise it. */
static const struct promise {
	enum err err;
	const char *name;
	int rpc_code, exit_status, retry_ms;
} promises[] = {
    {ERR_OK, "ok", 0, 0, 0},
    {ERR_PARSE_ERROR, "parse_error", -32700, 2, 0},
    {ERR_INVALID_REQUEST, "invalid", -32600, 2, 0},
    {ERR_INVALID, "invalid", -32602, 2, 0},
    {ERR_UNKNOWN_METHOD, "unknown_method", -32601, 2, 0},
    {ERR_METHOD_NOT_ALLOWED, "method_not_allowed", -32001, 2, 0},
    {ERR_TOO_LARGE, "too_large", -32002, 2, 0},
    {ERR_UNAUTHORIZED, "unauthorized", -32003, 4, 0},
    {ERR_FORBIDDEN, "forbidden", -32004, 4, 0},
    {ERR_NOT_FOUND, "not_found", -32005, 6, 0},
    {ERR_CONFLICT, "conflict", -32006, 4, 0},
    {ERR_IN_PROGRESS, "in_progress", -32007, 5, 1000},
    {ERR_WRONG_STATE, "wrong_state", -32008, 4, 0},
    {ERR_UPLOAD_GAP, "upload_gap", -32009, 4, 0},
    {ERR_STALE_ATTEMPT, "stale_attempt", -32010, 4, 0},
    {ERR_LIMITED, "limited", -32011, 5, 1000},
    {ERR_BUSY, "busy", -32012, 5, 1000},
    {ERR_DRAINING, "draining", -32013, 5, 2000},
    {ERR_DISK_LOW, "disk_low", -32014, 5, 10000},
    {ERR_UNKNOWN_OUTCOME, "unknown_outcome", -32015, 5, 0},
    {ERR_INTERNAL, "internal", -32603, 4, 0},
};

static void the_list_is_the_promised_one(void **state)
{
	(void)state;
	assert_int_equal(sizeof(promises) / sizeof(promises[0]), ERR_COUNT);
	for (int i = 0; i < ERR_COUNT; i++) {
		const struct promise *promise = &promises[i];

		assert_int_equal(promise->err, i);
		assert_string_equal(err_name(promise->err), promise->name);
		assert_int_equal(err_rpc_code(promise->err), promise->rpc_code);
		assert_int_equal(err_exit_status(promise->err), promise->exit_status);
		assert_int_equal(
		    fail_retry_ms(&(struct fail){.err = promise->err}), promise->retry_ms);
	}
}

static void no_two_errors_share_a_code(void **state)
{
	(void)state;
	for (int a = ERR_OK; a < ERR_COUNT; a++)
		for (int b = a + 1; b < ERR_COUNT; b++)
			assert_int_not_equal(err_rpc_code((enum err)a), err_rpc_code((enum err)b));
}

static void each_name_leads_back_to_its_error(void **state)
{
	(void)state;
	for (int err = ERR_OK + 1; err < ERR_COUNT; err++)
		if (err != ERR_INVALID_REQUEST)
			assert_int_equal(err_by_name(err_name((enum err)err)), err);
}

static void the_name_invalid_means_the_parameters(void **state)
{
	(void)state;
	assert_int_equal(err_by_name("invalid"), ERR_INVALID);
}

static void unknown_names_are_internal_errors(void **state)
{
	static const char *const names[] = {
	    "", "ok", "INVALID", "not_found ", "of_a_later_version"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(err_by_name(names[i]), ERR_INTERNAL);
}

static void fail_set_formats_and_returns_the_error(void **state)
{
	struct fail fail;

	(void)state;
	assert_int_equal(fail_set(&fail, ERR_BUSY, "%s has %d", "queue", 7), ERR_BUSY);
	assert_int_equal(fail.err, ERR_BUSY);
	assert_string_equal(fail.text, "queue has 7");
}

static void fail_set_without_format_takes_the_default_text(void **state)
{
	struct fail fail;

	(void)state;
	fail_set(&fail, ERR_NOT_FOUND, NULL);
	assert_string_equal(fail.text, "not found");
}

/* Exit status 5 says: try again later. The outcome being unknown is the exception: nobody knows
 * when. */
static void what_may_be_tried_again_says_when(void **state)
{
	(void)state;
	for (int err = ERR_OK + 1; err < ERR_COUNT; err++) {
		struct fail fail = {.err = (enum err)err};

		if (err != ERR_UNKNOWN_OUTCOME)
			assert_int_equal(fail_retry_ms(&fail) > 0, err_exit_status(fail.err) == 5);
	}
}

static void who_knows_more_says_when(void **state)
{
	struct fail fail;

	(void)state;
	fail.retry_ms = 77;
	fail_set(&fail, ERR_BUSY, NULL);
	assert_int_equal(fail.retry_ms, 0);
	assert_int_equal(fail_retry_ms(&fail), 1000);
	fail.retry_ms = 50;
	assert_int_equal(fail_retry_ms(&fail), 50);
	fail.retry_ms = 60000;
	assert_int_equal(fail_retry_ms(&fail), 60000);
	fail_set(&fail, ERR_NOT_FOUND, NULL);
	assert_int_equal(fail_retry_ms(&fail), 0);
}

static void the_text_has_no_control_characters(void **state)
{
	struct fail fail;

	(void)state;
	fail_set(&fail, ERR_INVALID, "%s",
	    "a\nb\tc\x1b[31md\x7f"
	    "e\xc2\x85"
	    "f");
	assert_string_equal(fail.text, "a?b?c?[31md?e?f");
}

static void the_text_is_valid_utf8(void **state)
{
	struct fail fail;

	(void)state;
	fail_set(&fail, ERR_INVALID, "%s",
	    "gr\xc3\xbc\xc3\x9f"
	    "e \xff\xc0\x80 \xed\xa0\x80");
	assert_string_equal(fail.text, "gr\xc3\xbc\xc3\x9f"
				       "e ??? ???");
}

static void a_long_text_is_cut_at_a_character(void **state)
{
	char text[1000];
	struct fail fail;

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		size_t left;

		memset(text, 'x', shift);
		for (size_t i = shift; i + 4 < sizeof(text); i += 3)
			memcpy(text + i, "\xe2\x82\xac", 4);
		fail_set(&fail, ERR_INVALID, "%s", text);
		left = strlen(fail.text);
		assert_in_range(left, sizeof(fail.text) - 4, sizeof(fail.text) - 1);
		assert_memory_equal(fail.text, text, left);
		for (size_t at = 0, length; left > 0; at += length, left -= length) {
			length = utf8_length(fail.text + at, left);
			assert_int_not_equal(length, 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_list_is_the_promised_one),
	    TEST(no_two_errors_share_a_code),
	    TEST(each_name_leads_back_to_its_error),
	    TEST(the_name_invalid_means_the_parameters),
	    TEST(unknown_names_are_internal_errors),
	    TEST(fail_set_formats_and_returns_the_error),
	    TEST(fail_set_without_format_takes_the_default_text),
	    TEST(what_may_be_tried_again_says_when),
	    TEST(who_knows_more_says_when),
	    TEST(the_text_has_no_control_characters),
	    TEST(the_text_is_valid_utf8),
	    TEST(a_long_text_is_cut_at_a_character),
	};

	return RUN(tests);
}
