#include "json.h"

#include "unit.h"
#include "util.h"

#include <cjson/cJSON.h>

/* Parses a copy without a NUL behind it. doc->id points into *copy, which the caller frees. */
static enum err parse(
    const char *text, size_t len, struct json_doc *doc, char **copy, struct fail *fail)
{
	*copy = exact_copy(text, len);
	return json_parse(*copy, len, INT64_MAX, doc, fail);
}

static void assert_accepts(const char *text)
{
	struct json_doc doc;
	struct fail fail;
	char *copy;

	if (parse(text, strlen(text), &doc, &copy, &fail))
		fail_msg("%s is refused: %s", text, fail.text);
	assert_non_null(doc.root);
	json_free(&doc);
	free(copy);
}

static void assert_refuses_bytes(const char *text, size_t len, const char *why)
{
	struct json_doc doc;
	struct fail fail;
	char *copy;

	if (!parse(text, len, &doc, &copy, &fail))
		fail_msg("%s is accepted", text);
	assert_fail(&fail, ERR_PARSE_ERROR, why);
	assert_null(doc.root);
	assert_null(doc.spans);
	assert_int_equal(doc.ids.n, 0);
	free(copy);
}

static void assert_refuses(const char *text, const char *why)
{
	assert_refuses_bytes(text, strlen(text), why);
}

/* ---- what is JSON ---- */

static void every_kind_of_value_is_a_text(void **state)
{
	static const char *const texts[] = {"null", "true", "false", "0", "-0", "17", "-1.5e-3",
	    "1E+2", "\"\"", "\"x\"", "[]", "{}", " \t\r\n[ 1 , [ ] , { } ]\n",
	    "{\"a\":{\"b\":[1,\"\",null]}}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_accepts(texts[i]);
}

static void every_escape_is_known(void **state)
{
	struct json_doc doc;
	struct fail fail;
	char *copy;
	const char text[] = "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\ud83d\\uDE00\"";

	(void)state;
	assert_int_equal(parse(text, strlen(text), &doc, &copy, &fail), ERR_OK);
	assert_string_equal(
	    json_get_str(doc.root), "\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	json_free(&doc);
	free(copy);
}

static void utf8_in_strings_is_kept(void **state)
{
	struct json_doc doc;
	struct fail fail;
	char *copy;
	const char text[] = "\"gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80 \x7f\"";

	(void)state;
	assert_int_equal(parse(text, strlen(text), &doc, &copy, &fail), ERR_OK);
	assert_string_equal(
	    json_get_str(doc.root), "gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80 \x7f");
	json_free(&doc);
	free(copy);
}

static void nothing_is_no_text(void **state)
{
	(void)state;
	assert_refuses("", "the text ends too early");
	assert_refuses(" \n ", "the text ends too early");
}

static void a_text_that_is_cut_off_is_refused(void **state)
{
	const char text[] = "{\"a\":[1,-2.5e3,\"b\\u00e9\\n\",true],\"ids\":[1,\"2\"],\"c\":null}";

	(void)state;
	assert_accepts(text);
	for (size_t len = 0; len < strlen(text); len++)
		assert_refuses_bytes(text, len, "");
}

static void leading_zeros_are_refused(void **state)
{
	(void)state;
	assert_refuses("01", "leading zero");
	assert_refuses("[00]", "leading zero");
	assert_refuses("-01", "leading zero");
	assert_refuses("[1,007.5]", "leading zero");
}

static void numbers_need_digits_everywhere(void **state)
{
	static const char *const texts[] = {
	    "1.", "[1.]", "-", "[-]", "1.e5", "1e", "1e+", "1E-", "-.5", "1.5.", "1e5.5"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_refuses(texts[i], "");
}

static void other_spellings_of_numbers_are_refused(void **state)
{
	static const char *const texts[] = {".5", "+1", "NaN", "nan", "Infinity", "-Infinity",
	    "inf", "0x10", "1_000", "--1", "1e5e5", "\xd9\xa1"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_refuses(texts[i], "");
}

static void numbers_have_at_most_63_characters(void **state)
{
	char text[80];

	(void)state;
	memset(text, '1', sizeof(text));
	text[63] = '\0';
	assert_accepts(text);
	text[63] = '1';
	text[64] = '\0';
	assert_refuses(text, "byte 0: a number of more than 63 characters");
}

static void other_words_are_refused(void **state)
{
	static const char *const texts[] = {
	    "True", "TRUE", "nul", "truefalse", "null0", "undefined", "None", "'a'", "a", "[tru]"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_refuses(texts[i], "");
}

static void garbage_behind_the_value_is_refused(void **state)
{
	static const char *const texts[] = {
	    "[1] x", "{}{}", "1 2", "\"a\"\"b\"", "[]]", "{}}", "null,", "{} //", "[1]\v"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_refuses(texts[i], "more behind the value");
	assert_refuses_bytes("[1]\0", 4, "byte 3: more behind the value");
}

static void stray_commas_are_refused(void **state)
{
	static const char *const texts[] = {
	    "[1,]", "[,1]", "[1,,2]", "[,]", "{\"a\":1,}", "{,}", "{\"a\":1,,\"b\":2}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_refuses(texts[i], "");
}

static void brackets_have_to_match(void **state)
{
	static const char *const texts[] = {"[1}", "{\"a\":1]", "[", "{", "]", "}", "[[]", "[{]}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_refuses(texts[i], "");
}

static void members_need_a_name_and_a_colon(void **state)
{
	(void)state;
	assert_refuses("{a:1}", "expected a member name");
	assert_refuses("{1:1}", "expected a member name");
	assert_refuses("{\"a\"}", "expected ':'");
	assert_refuses("{\"a\" 1}", "expected ':'");
	assert_refuses("{\"a\":}", "a value is missing");
	assert_refuses("{\"a\"::1}", "a value is missing");
}

static void comments_are_refused(void **state)
{
	(void)state;
	assert_refuses("/* x */ 1", "a value is missing");
	assert_refuses("[1 // x\n]", "expected ',' or ']'");
}

static void a_byte_order_mark_is_refused(void **state)
{
	(void)state;
	assert_refuses("\xef\xbb\xbf{}", "byte 0: a value is missing");
}

static void only_four_bytes_are_white_space(void **state)
{
	char text[] = "[ ]";

	(void)state;
	for (int c = 0; c < 256; c++) {
		if (c == ']')
			continue;
		text[1] = (char)c;
		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			assert_accepts(text);
		else if (c < '0' || c > '9')
			assert_refuses_bytes(text, 3, "");
	}
}

static void control_bytes_in_strings_are_refused(void **state)
{
	char text[] = "\"a?b\"";

	(void)state;
	for (int c = 0; c < 0x20; c++) {
		text[2] = (char)c;
		assert_refuses_bytes(text, 5, "byte 2: control character in a string");
	}
}

static void escaped_nul_is_refused(void **state)
{
	(void)state;
	assert_refuses("\"a\\u0000b\"", "\\u0000 in a string");
	assert_refuses("{\"id\\u0000x\":1}", "\\u0000 in a string");
	assert_refuses("{\"ids\":[\"1\\u0000\"]}", "\\u0000 in a string");
}

static void lone_surrogates_are_refused(void **state)
{
	static const char *const texts[] = {"\"\\ud800\"", "\"\\udc00\"", "\"\\ud800x\"",
	    "\"\\ud800\\n\"", "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"", "\"\\udc00\\ud800\"",
	    "\"\\uDBFF\\uE000\"", "\"\\ud800\\\"", "\"\\ud800\\u\""};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_refuses(texts[i], "half of a surrogate pair");
}

static void unknown_escapes_are_refused(void **state)
{
	char text[] = "\"\\?\"";

	(void)state;
	for (int c = 0; c < 256; c++) {
		text[2] = (char)c;
		if (c == '\0' || !strchr("\"\\/bfnrtu", c))
			assert_refuses_bytes(text, 4, "unknown escape");
	}
}

static void unicode_escapes_have_four_hex_digits(void **state)
{
	static const char *const texts[] = {"\"\\u\"", "\"\\u1\"", "\"\\u123\"", "\"\\u12g4\"",
	    "\"\\u 123\"", "\"\\u-123\"", "\"\\u+123\"", "\"\\u0x12\"", "\"\\U00e9\"",
	    "\"\\u12\x10"
	    "4\""};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_refuses(texts[i], "");
}

static void invalid_utf8_is_refused(void **state)
{
	static const char *const texts[] = {"\"\xff\xfe\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"",
	    "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "\"\x80\"", "{\"\xff\":1}", "\"\xc3"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_refuses(texts[i], "invalid UTF-8");
}

static void the_error_names_the_byte(void **state)
{
	(void)state;
	assert_refuses("[1, 02]", "not valid JSON at byte 4: ");
	assert_refuses("{\"a\":1 \"b\":2}", "not valid JSON at byte 7: expected ',' or '}'");
}

/* ---- limits ---- */

static char *nested(int depth, const char *open, const char *inner, const char *close)
{
	struct buf text = {0};

	for (int i = 0; i < depth; i++)
		buf_add_str(&text, open);
	buf_add_str(&text, inner);
	for (int i = 0; i < depth; i++)
		buf_add_str(&text, close);
	return text.data;
}

static void check_depth(int depth, const char *open, const char *inner, const char *close, bool ok)
{
	char *text = nested(depth, open, inner, close);

	if (ok)
		assert_accepts(text);
	else
		assert_refuses(text, "nested deeper than 32 levels");
	free(text);
}

static void the_depth_may_be_32(void **state)
{
	(void)state;
	check_depth(32, "[", "", "]", true);
	check_depth(32, "{\"a\":", "1", "}", true);
	check_depth(31, "{\"a\":", "{\"ids\":1}", "}", true);
	check_depth(30, "{\"a\":", "{\"ids\":[1]}", "}", true);
}

static void a_greater_depth_is_refused(void **state)
{
	(void)state;
	check_depth(33, "[", "", "]", false);
	check_depth(33, "{\"a\":", "1", "}", false);
	check_depth(31, "{\"a\":", "{\"ids\":[1]}", "}", false);
	check_depth(1, "{\"ids\":[", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "]}", false);
}

static void a_depth_of_a_thousand_is_refused(void **state)
{
	(void)state;
	check_depth(1000, "[", "", "]", false);
	check_depth(1000000, "[", "", "", false);
	check_depth(100000, "{\"ids\":[", "", "", false);
}

static char *array_of(int n, const char *element)
{
	struct buf text = {0};

	buf_add_str(&text, "[");
	for (int i = 0; i < n; i++) {
		buf_add_str(&text, i ? "," : "");
		buf_add_str(&text, element);
	}
	buf_add_str(&text, "]");
	return text.data;
}

static void the_number_of_values_is_bounded(void **state)
{
	char *fits = array_of(JSON_MAX_VALUES - 1, "1"), *more = array_of(JSON_MAX_VALUES, "1");

	(void)state;
	assert_accepts(fits);
	assert_refuses(more, "more than 65536 values");
	free(fits);
	free(more);
}

static void the_number_of_members_is_bounded(void **state)
{
	struct buf text = {0};

	(void)state;
	for (int i = 0; i < JSON_MAX_MEMBERS; i++)
		buf_printf(&text, "%s\"m%d\":0", i ? "," : "{", i);
	buf_add_str(&text, "}");
	assert_accepts(text.data);
	text.data[text.len - 1] = ',';
	buf_add_str(&text, "\"m\":0}");
	assert_refuses(text.data, "an object with more than 64 members");
	buf_free(&text);
}

static void duplicate_members_are_refused(void **state)
{
	(void)state;
	assert_refuses("{\"a\":1,\"a\":1}", "duplicate member \"a\"");
	assert_refuses("{\"a\":1,\"b\":2,\"c\":3,\"a\":4}", "duplicate member \"a\"");
	assert_refuses("{\"x\":[{\"a\":1,\"a\":2}]}", "duplicate member \"a\"");
	assert_refuses("{\"\":1,\"\":2}", "duplicate member \"\"");
	assert_refuses("{\"ids\":[1],\"ids\":[2]}", "duplicate member \"ids\"");
	assert_refuses("{\"ids\":[1],\"ids\":2}", "duplicate member \"ids\"");
}

static void duplicates_by_escapes_are_refused(void **state)
{
	(void)state;
	assert_refuses("{\"a\":1,\"\\u0061\":2}", "duplicate member \"a\"");
	assert_refuses("{\"/\":1,\"\\/\":2}", "duplicate member \"/\"");
	assert_refuses("{\"ids\":[1],\"\\u0069ds\":2}", "duplicate member \"ids\"");
	assert_refuses("{\"id\":1,\"i\\u0064\":2}", "duplicate member \"id\"");
}

static void names_that_differ_in_case_are_two(void **state)
{
	struct json_doc doc;
	struct fail fail;
	char *copy;
	int64_t value;

	(void)state;
	assert_int_equal(parse("{\"A\":1,\"a\":2}", 13, &doc, &copy, &fail), ERR_OK);
	assert_true(json_get_int(json_get(doc.root, "a"), 0, 9, &value));
	assert_int_equal(value, 2);
	json_free(&doc);
	free(copy);
}

/* ---- ids ---- */

/* The ids of the member "ids" of the top object, as text; the caller frees it. */
static char *ids_of(const char *text, struct fail *ids_fail)
{
	struct json_doc doc;
	struct buf out = {0};
	struct fail fail;
	const int64_t *ids;
	size_t n;
	char *copy;

	if (parse(text, strlen(text), &doc, &copy, &fail))
		fail_msg("%s is refused: %s", text, fail.text);
	*ids_fail = doc.ids_fail;
	assert_true(json_get_ids(&doc, json_get(doc.root, "ids"), &ids, &n));
	idlist_format(ids, n, ' ', &out);
	buf_add(&out, "", 0);
	json_free(&doc);
	free(copy);
	return out.data;
}

static void assert_ids(const char *text, const char *expected)
{
	struct fail fail;
	char *ids = ids_of(text, &fail);

	assert_int_equal(fail.err, ERR_OK);
	assert_string_equal(ids, expected);
	free(ids);
}

static void assert_bad_id(const char *text, const char *why)
{
	struct fail fail;

	free(ids_of(text, &fail));
	assert_fail(&fail, ERR_INVALID, why);
}

static void ids_are_integers(void **state)
{
	(void)state;
	assert_ids("{\"ids\":[1,2,3]}", "1 2 3");
	assert_ids("{\"ids\":[ 1 ,\n2\t, 3 ]}", "1 2 3");
	assert_ids("{\"ids\" : [7]}", "7");
	assert_ids("{\"ids\":[]}", "");
	assert_ids("{\"ids\":[ ]}", "");
}

static void ids_above_2_to_53_are_exact(void **state)
{
	(void)state;
	assert_ids("{\"ids\":[9007199254740991,9007199254740992,9007199254740993]}",
	    "9007199254740991 9007199254740992 9007199254740993");
	assert_ids("{\"ids\":[9223372036854775806,9223372036854775807]}",
	    "9223372036854775806 9223372036854775807");
}

static void ids_may_be_strings_of_digits(void **state)
{
	(void)state;
	assert_ids("{\"ids\":[\"1\",2,\"9007199254740993\",\"9223372036854775807\"]}",
	    "1 2 9007199254740993 9223372036854775807");
}

static void bad_ids_are_named_with_their_index(void **state)
{
	static const char *const elements[] = {"0", "-1", "-0", "1.5", "1.0", "1e3", "1E3", "true",
	    "false", "null", "[]", "[1]", "{}", "{\"a\":1}", "\"\"", "\"0\"", "\"abc\"", "\"1.5\"",
	    "\"-1\"", "\" 1\"", "\"1 \"", "\"01\"", "\"\\u0031\"", "9223372036854775808",
	    "\"9223372036854775808\"", "18446744073709551617",
	    "99999999999999999999999999999999999"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(elements); i++) {
		char *first = xasprintf("{\"ids\":[%s,5]}", elements[i]);
		char *later = xasprintf("{\"ids\":[5,6,%s,7]}", elements[i]);

		assert_bad_id(first, "ids[0]: ");
		assert_bad_id(later, "ids[2]: ");
		assert_bad_id(later, " is not an integer from 1 to 9223372036854775807");
		free(first);
		free(later);
	}
}

static void the_bad_id_is_shown(void **state)
{
	(void)state;
	assert_bad_id("{\"ids\":[1,1.5]}", "ids[1]: 1.5 is not");
	assert_bad_id("{\"ids\":[true]}", "ids[0]: true is not");
	assert_bad_id("{\"ids\":[\"abc\"]}", "ids[0]: \"abc\" is not");
	assert_bad_id("{\"ids\":[\"1x\"]}", "ids[0]: \"1x\" is not");
	assert_bad_id("{\"ids\":[[1, 2]]}", "ids[0]: [1, 2] is not");
}

static void the_first_bad_id_counts(void **state)
{
	(void)state;
	assert_bad_id("{\"ids\":[1,-7,2,-8]}", "ids[1]: -7 is not");
	assert_bad_id("{\"ids\":[1,-7],\"x\":{\"ids\":[-8]}}", "ids[1]: -7 is not");
}

/* What an inner "id" is read as; 0: it is none. */
static int64_t inner_id(const char *value)
{
	char *text = xasprintf("{\"ids\":[{\"id\":3}],\"id\":4,\"a\":[{\"x\":1,\"id\" : %s,\"y\":"
			       "2}]}",
		 value),
	     *copy;
	const cJSON *object;
	struct json_doc doc;
	struct fail fail;
	int64_t id, y = 0;

	if (parse(text, strlen(text), &doc, &copy, &fail))
		fail_msg("%s is refused: %s", text, fail.text);
	object = json_get(doc.root, "a")->child;
	if (!json_get_id(json_get(object, "id"), &id))
		id = 0;
	assert_true(json_get_int(json_get(object, "y"), 2, 2, &y));
	/* The outermost one is nobody's id but the message's, and what is in "ids" is skipped. */
	assert_int_equal(doc.id_len, 1);
	assert_true(json_get_int(json_get(doc.root, "id"), 4, 4, &y));
	assert_fail(&doc.ids_fail, ERR_INVALID, "ids[0]: {\"id\":3}");
	json_free(&doc);
	free(copy);
	free(text);
	return id;
}

static void an_inner_id_is_exact(void **state)
{
	(void)state;
	assert_int_equal(inner_id("1"), 1);
	assert_int_equal(inner_id("9007199254740993"), 9007199254740993);
	assert_int_equal(inner_id("9223372036854775807"), INT64_MAX);
	assert_int_equal(inner_id("\"9223372036854775806\""), INT64_MAX - 1);
}

static void other_inner_ids_are_none(void **state)
{
	static const char *const values[] = {"0", "-1", "1.0", "1e3", "1E3", "true", "null", "{}",
	    "[]", "[1]", "\"\"", "\"a\"", "\"01\"", "9223372036854775808", "{\"id\":1}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(values); i++)
		assert_int_equal(inner_id(values[i]), 0);
	assert_refuses("{\"a\":{\"id\":01}}", "leading zero");
	assert_refuses("{\"a\":{\"id\":1,\"id\":1}}", "duplicate member");
	assert_refuses("{\"a\":{\"id\":1.}}", "digit is missing");
}

static void ids_end_at_the_given_maximum(void **state)
{
	const char text[] = "{\"ids\":[1000,1001]}";
	struct json_doc doc;
	struct fail fail;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), 1000, &doc, &fail), ERR_OK);
	assert_fail(&doc.ids_fail, ERR_INVALID, "ids[1]: 1001 is not an integer from 1 to 1000");
	json_free(&doc);
}

/* A digit string as long as the largest id may be longer than any number of cJSON. */
static void a_number_too_long_for_cjson_is_a_bad_id(void **state)
{
	char text[200];

	(void)state;
	snprintf(text, sizeof(text), "{\"ids\":[5,1%0100d]}", 0);
	assert_bad_id(text, "ids[1]: 1000");
}

static void a_bad_id_leaves_the_rest_readable(void **state)
{
	const char text[] = "{\"id\":7,\"ids\":[0],\"b\":\"x\"}";
	struct json_doc doc;
	struct fail fail;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), INT64_MAX, &doc, &fail), ERR_OK);
	assert_int_equal(doc.ids_fail.err, ERR_INVALID);
	assert_string_equal(json_get_str(json_get(doc.root, "b")), "x");
	assert_int_equal(doc.id_len, 1);
	json_free(&doc);
}

static void broken_json_inside_ids_is_a_parse_error(void **state)
{
	static const char *const texts[] = {"{\"ids\":[1,]}", "{\"ids\":[,1]}", "{\"ids\":[1 2]}",
	    "{\"ids\":[01]}", "{\"ids\":[1", "{\"ids\":[", "{\"ids\":[1}", "{\"ids\":[+1]}",
	    "{\"ids\":[nan]}", "{\"ids\":[\"\xff\"]}", "{\"ids\":[0x1]}", "{\"ids\":[0,]}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_refuses(texts[i], "not valid JSON at byte ");
}

static void several_id_arrays_stay_apart(void **state)
{
	const char text[] = "{\"a\":[{\"ids\":[1,2]},{\"ids\":[]},{\"ids\":[3]}],\"ids\":[4,5]}";
	const char *expected[] = {"1 2", "", "3"};
	struct json_doc doc;
	struct fail fail;
	const cJSON *item;
	size_t n, i = 0;
	const int64_t *ids;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), INT64_MAX, &doc, &fail), ERR_OK);
	cJSON_ArrayForEach(item, json_get(doc.root, "a"))
	{
		struct buf out = {0};

		assert_true(json_get_ids(&doc, json_get(item, "ids"), &ids, &n));
		idlist_format(ids, n, ' ', &out);
		buf_add(&out, "", 0);
		assert_string_equal(out.data, expected[i++]);
		buf_free(&out);
	}
	assert_int_equal(i, 3);
	assert_true(json_get_ids(&doc, json_get(doc.root, "ids"), &ids, &n));
	assert_int_equal(n, 2);
	assert_int_equal(ids[0], 4);
	json_free(&doc);
}

static void ids_that_are_no_array_have_no_ids(void **state)
{
	static const char *const texts[] = {"{\"ids\":5}", "{\"ids\":\"5\"}", "{\"ids\":{\"a\":5}}",
	    "{\"ids\":null}", "{\"\\u0069ds\":5}", "{}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct json_doc doc;
		struct fail fail;
		const int64_t *ids;
		size_t n;

		assert_int_equal(
		    json_parse(texts[i], strlen(texts[i]), INT64_MAX, &doc, &fail), ERR_OK);
		assert_false(json_get_ids(&doc, json_get(doc.root, "ids"), &ids, &n));
		json_free(&doc);
	}
}

static void id_arrays_inside_id_arrays_are_bad_ids(void **state)
{
	(void)state;
	assert_bad_id("{\"ids\":[5,[6,7]]}", "ids[1]: [6,7] is not");
	assert_bad_id("{\"ids\":[{\"ids\":[1]}]}", "ids[0]: {\"ids\":[1]} is not");
	assert_bad_id("{\"ids\":[5,{\"ids\":[1,{\"ids\":[2]}]},6]}", "ids[1]: {\"ids\"");
}

static void an_id_array_behind_a_nested_one_is_found(void **state)
{
	const char text[] = "{\"ids\":[{\"ids\":[1]}],\"x\":{\"ids\":[8,9]}}";
	struct json_doc doc;
	struct fail fail;
	const int64_t *ids;
	size_t n;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), INT64_MAX, &doc, &fail), ERR_OK);
	assert_fail(&doc.ids_fail, ERR_INVALID, "ids[0]: ");
	assert_true(json_get_ids(&doc, json_get(doc.root, "ids"), &ids, &n));
	assert_true(json_get_ids(&doc, json_get(json_get(doc.root, "x"), "ids"), &ids, &n));
	json_free(&doc);
}

static void ids_must_be_written_without_escapes(void **state)
{
	static const char *const texts[] = {
	    "{\"\\u0069ds\":[1]}",
	    "{\"id\\u0073\":[]}",
	    "{\"a\":{\"i\\u0064s\":[0]}}",
	    "{\"\\u0069ds\":[0],\"a\":{\"ids\":[7]}}",
	    "{\"a\":{\"ids\":[7]},\"\\u0069ds\":[1]}",
	    "{\"a\":{\"ids\":[7]},\"\\u0069ds\":[0]}",
	    /* An array in disguise around a real one, and its index points anywhere. */
	    "{\"\\u0069ds\":[{\"ids\":[7]}]}",
	    "{\"\\u0069ds\":[0,{\"ids\":[7]}]}",
	    "{\"\\u0069ds\":[99999999,{\"ids\":[7]}]}",
	    "{\"\\u0069ds\":[-1,{\"ids\":[7]}]}",
	    "{\"\\u0069ds\":[\"x\",{\"ids\":[7]}]}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_refuses(texts[i], "the name \"ids\" must be written without escapes");
}

static void a_list_of_a_million_ids_is_read(void **state)
{
	struct buf text = {0};
	struct json_doc doc;
	struct fail fail;

	(void)state;
	buf_add_str(&text, "{\"ids\":[1");
	for (int i = 2; i <= 1000000; i++)
		buf_printf(&text, ",%d", i);
	buf_add_str(&text, "]}");
	assert_int_equal(json_parse(text.data, text.len, INT64_MAX, &doc, &fail), ERR_OK);
	assert_int_equal(doc.ids.n, 1000000);
	for (size_t i = 0; i < doc.ids.n; i++)
		assert_int_equal(doc.ids.v[i], i + 1);
	json_free(&doc);
	buf_free(&text);
}

/* ---- the member "id" ---- */

static void assert_id(const char *text, const char *id)
{
	struct json_doc doc;
	struct fail fail;

	assert_int_equal(json_parse(text, strlen(text), INT64_MAX, &doc, &fail), ERR_OK);
	if (!id) {
		assert_null(doc.id);
	} else {
		assert_non_null(doc.id);
		assert_int_equal(doc.id_len, strlen(id));
		assert_memory_equal(doc.id, id, strlen(id));
	}
	json_free(&doc);
}

static void the_top_id_is_kept_as_written(void **state)
{
	(void)state;
	assert_id("{\"id\":9007199254740993}", "9007199254740993");
	assert_id("{ \"id\" : -0 , \"a\":1}", "-0");
	assert_id("{\"a\":1,\"id\":\"x\\u00e9\\n\"}", "\"x\\u00e9\\n\"");
	assert_id("{\"id\":[1, 2]}", "[1, 2]");
}

static void other_ids_are_not_the_top_id(void **state)
{
	(void)state;
	assert_id("{\"a\":{\"id\":1}}", NULL);
	assert_id("[{\"id\":1}]", NULL);
	assert_id("{\"ids\":[{\"id\":1}]}", NULL);
	assert_id("{\"ID\":1}", NULL);
	assert_id("{\"\\u0069d\":1}", NULL);
	assert_id("{\"a\":{\"id\":1},\"id\":2,\"b\":{\"id\":3}}", "2");
}

/* ---- reading ---- */

static bool get_int(const char *text, int64_t min, int64_t max, int64_t *value)
{
	struct json_doc doc;
	struct fail fail;
	bool ok;

	assert_int_equal(json_parse(text, strlen(text), INT64_MAX, &doc, &fail), ERR_OK);
	ok = json_get_int(doc.root, min, max, value);
	json_free(&doc);
	return ok;
}

static void integers_are_read_within_their_range(void **state)
{
	int64_t value;

	(void)state;
	assert_true(get_int("0", 0, 10, &value));
	assert_true(get_int("10", 0, 10, &value));
	assert_int_equal(value, 10);
	assert_true(get_int("3000000000", 0, INT64_MAX, &value));
	assert_int_equal(value, 3000000000);
	assert_true(get_int("-5", -5, 0, &value));
	assert_int_equal(value, -5);
	assert_false(get_int("11", 0, 10, &value));
	assert_false(get_int("-1", 0, 10, &value));
}

static void integers_that_a_double_would_round_are_refused(void **state)
{
	int64_t value;

	(void)state;
	assert_true(get_int("9007199254740991", 0, INT64_MAX, &value));
	assert_int_equal(value, 9007199254740991);
	assert_false(get_int("9007199254740992", 0, INT64_MAX, &value));
	assert_false(get_int("9007199254740993", 0, INT64_MAX, &value));
	assert_false(get_int("-9007199254740993", INT64_MIN, INT64_MAX, &value));
	assert_false(get_int("9223372036854775807", 0, INT64_MAX, &value));
	assert_false(get_int("1e400", 0, INT64_MAX, &value));
	assert_false(get_int("-1e400", INT64_MIN, INT64_MAX, &value));
}

static void other_values_are_no_integers(void **state)
{
	static const char *const texts[] = {"1.5", "\"1\"", "true", "null", "[1]", "{}", "0.1"};
	int64_t value;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_false(get_int(texts[i], INT64_MIN, INT64_MAX, &value));
	assert_false(json_get_int(NULL, 0, 1, &value));
}

static void getters_take_what_is_missing(void **state)
{
	struct json_doc doc;
	struct fail fail;

	(void)state;
	assert_int_equal(json_parse("[{\"a\":1}]", 9, INT64_MAX, &doc, &fail), ERR_OK);
	assert_null(json_get(doc.root, "a"));
	assert_null(json_get(NULL, "a"));
	assert_null(json_get_str(NULL));
	assert_null(json_get_str(doc.root));
	json_free(&doc);
}

static void only_names_the_unknown_member(void **state)
{
	static const char *const names[] = {"a", "b", NULL};
	struct json_doc doc;
	struct fail fail;
	const char text[] = "{\"b\":1,\"A\":2}";

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), INT64_MAX, &doc, &fail), ERR_OK);
	assert_int_equal(json_only(doc.root, names, "the test", &fail), ERR_INVALID);
	assert_string_equal(fail.text, "unknown member \"A\" in the test");
	json_free(&doc);
	assert_int_equal(json_parse("{\"b\":1}", 7, INT64_MAX, &doc, &fail), ERR_OK);
	assert_int_equal(json_only(doc.root, names, "the test", &fail), ERR_OK);
	assert_int_equal(json_only(NULL, names, "the test", &fail), ERR_OK);
	json_free(&doc);
}

/* ---- writing ---- */

static void writers_are_exact(void **state)
{
	cJSON *object = cJSON_CreateObject();
	struct buf out = {0};

	(void)state;
	json_add_int(object, "big", INT64_MAX);
	json_add_int(object, "small", INT64_MIN);
	json_add_int(object, "round", 1000000000000000);
	json_add_ids(object, "ids", (const int64_t[]){9007199254740993, INT64_MAX}, 2);
	json_add_ids(object, "none", NULL, 0);
	buf_add_str(&out, "> ");
	json_print(object, &out);
	assert_string_equal(out.data,
	    "> {\"big\":9223372036854775807,\"small\":-9223372036854775808,"
	    "\"round\":1000000000000000,\"ids\":[9007199254740993,9223372036854775807],\"none\":[]"
	    "}");
	buf_free(&out);
	cJSON_Delete(object);
}

static void printed_text_has_no_line_breaks(void **state)
{
	cJSON *object = cJSON_CreateObject();
	struct buf out = {0};

	(void)state;
	cJSON_AddStringToObject(object, "a", "one\ntwo\r\t\"");
	json_print(object, &out);
	assert_string_equal(out.data, "{\"a\":\"one\\ntwo\\r\\t\\\"\"}");
	buf_free(&out);
	cJSON_Delete(object);
}

/* ---- against cJSON ---- */

static const char *const seeds[] = {
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
    "{\"jsonrpc\":\"2.0\",\"id\":\"a\\u00e9\",\"method\":\"submit\",\"params\":{\"ids\":[1,\"2\","
    "9007199254740993],\"priority\":\"HIGH\",\"label\":\"gr\xc3\xbcn \\ud83d\\ude00\"}}",
    "{\"ids\":[{\"ids\":[1,2]},3],\"x\":{\"ids\":[]},\"\\u0069d\":-0.5e+3}",
    "[null,true,false,0,-1,1.5,1e10,\"\",\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",[],{},[[]],{\"a\":{}}]",
    " { \"a\" : [ 1 , 2 ] , \"b\" : \"x\" } ",
};

static size_t pick(uint64_t *seed, size_t n)
{
	return (size_t)(next_random(seed) % n);
}

/* One small change: a byte set, removed, inserted, or a piece copied to another place. */
static void mutate(struct buf *text, uint64_t *seed)
{
	static const char likely[] =
	    "{}[]\",:\\/u0123456789abcdefnrt-+.eE \t\n\x01\x7f\x80\xc3\xff";
	char c = likely[pick(seed, sizeof(likely))];
	size_t at = pick(seed, text->len), n;

	switch (pick(seed, 4)) {
	case 0:
		text->data[at] = c;
		break;
	case 1:
		memmove(text->data + at, text->data + at + 1, text->len - at - 1);
		text->len--;
		break;
	case 2:
		buf_add(text, "", 1);
		memmove(text->data + at + 1, text->data + at, text->len - at - 1);
		text->data[at] = c;
		break;
	default:
		n = pick(seed, text->len - at < 12 ? text->len - at : 12);
		memmove(text->data + pick(seed, text->len - n), text->data + at, n);
	}
}

/* cJSON must accept it too, and what cJSON prints of it must be accepted again. */
static void check_against_cjson(const char *text, size_t len, const struct json_doc *doc)
{
	char *terminated = xcalloc(len + 1, 1);
	struct buf printed = {0};
	struct json_doc again;
	struct fail fail;
	cJSON *other;

	memcpy(terminated, text, len);
	other = cJSON_ParseWithLengthOpts(terminated, len + 1, NULL, 1);
	if (!other)
		fail_msg("cJSON refuses %s", terminated);
	json_print(doc->root, &printed);
	if (json_parse(printed.data, printed.len, INT64_MAX, &again, &fail))
		fail_msg("%s from %s is refused: %s", printed.data, terminated, fail.text);
	json_free(&again);
	cJSON_Delete(other);
	buf_free(&printed);
	free(terminated);
}

static void what_is_accepted_cjson_accepts_too(void **state)
{
	uint64_t seed = 5;
	size_t accepted = 0;

	(void)state;
	for (int round = 0; round < 40000; round++) {
		const char *start = seeds[pick(&seed, COUNT_OF(seeds))];
		struct buf text = {0};
		struct json_doc doc;
		struct fail fail;
		char *copy;

		buf_add_str(&text, start);
		for (size_t i = pick(&seed, 4); i > 0 && text.len > 1; i--)
			mutate(&text, &seed);
		if (!parse(text.data, text.len, &doc, &copy, &fail)) {
			check_against_cjson(text.data, text.len, &doc);
			accepted++;
		} else if (!strstr(fail.text, " at byte ") && !strstr(fail.text, "duplicate") &&
			   !strstr(fail.text, "without escapes")) {
			fail_msg("unclear error: %s", fail.text);
		}
		assert_lacks(fail.text, "cJSON");
		json_free(&doc);
		free(copy);
		buf_free(&text);
	}
	/* The mutations are worth something only if both verdicts are frequent. */
	assert_in_range(accepted, 5000, 35000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(every_kind_of_value_is_a_text),
	    TEST(every_escape_is_known),
	    TEST(utf8_in_strings_is_kept),
	    TEST(nothing_is_no_text),
	    TEST(a_text_that_is_cut_off_is_refused),
	    TEST(leading_zeros_are_refused),
	    TEST(numbers_need_digits_everywhere),
	    TEST(other_spellings_of_numbers_are_refused),
	    TEST(numbers_have_at_most_63_characters),
	    TEST(other_words_are_refused),
	    TEST(garbage_behind_the_value_is_refused),
	    TEST(stray_commas_are_refused),
	    TEST(brackets_have_to_match),
	    TEST(members_need_a_name_and_a_colon),
	    TEST(comments_are_refused),
	    TEST(a_byte_order_mark_is_refused),
	    TEST(only_four_bytes_are_white_space),
	    TEST(control_bytes_in_strings_are_refused),
	    TEST(escaped_nul_is_refused),
	    TEST(lone_surrogates_are_refused),
	    TEST(unknown_escapes_are_refused),
	    TEST(unicode_escapes_have_four_hex_digits),
	    TEST(invalid_utf8_is_refused),
	    TEST(the_error_names_the_byte),
	    TEST(the_depth_may_be_32),
	    TEST(a_greater_depth_is_refused),
	    TEST(a_depth_of_a_thousand_is_refused),
	    TEST(the_number_of_values_is_bounded),
	    TEST(the_number_of_members_is_bounded),
	    TEST(duplicate_members_are_refused),
	    TEST(duplicates_by_escapes_are_refused),
	    TEST(names_that_differ_in_case_are_two),
	    TEST(ids_are_integers),
	    TEST(ids_above_2_to_53_are_exact),
	    TEST(ids_may_be_strings_of_digits),
	    TEST(bad_ids_are_named_with_their_index),
	    TEST(the_bad_id_is_shown),
	    TEST(the_first_bad_id_counts),
	    TEST(an_inner_id_is_exact),
	    TEST(other_inner_ids_are_none),
	    TEST(ids_end_at_the_given_maximum),
	    TEST(a_number_too_long_for_cjson_is_a_bad_id),
	    TEST(a_bad_id_leaves_the_rest_readable),
	    TEST(broken_json_inside_ids_is_a_parse_error),
	    TEST(several_id_arrays_stay_apart),
	    TEST(ids_that_are_no_array_have_no_ids),
	    TEST(id_arrays_inside_id_arrays_are_bad_ids),
	    TEST(an_id_array_behind_a_nested_one_is_found),
	    TEST(ids_must_be_written_without_escapes),
	    TEST(a_list_of_a_million_ids_is_read),
	    TEST(the_top_id_is_kept_as_written),
	    TEST(other_ids_are_not_the_top_id),
	    TEST(integers_are_read_within_their_range),
	    TEST(integers_that_a_double_would_round_are_refused),
	    TEST(other_values_are_no_integers),
	    TEST(getters_take_what_is_missing),
	    TEST(only_names_the_unknown_member),
	    TEST(writers_are_exact),
	    TEST(printed_text_has_no_line_breaks),
	    TEST(what_is_accepted_cjson_accepts_too),
	};

	return RUN(tests);
}
