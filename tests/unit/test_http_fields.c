#include "buf.h"
#include "http_fields.h"
#include "unit.h"

static void characters_have_the_classes_of_the_rfc(void **state)
{
	static const char tchar[] = "!#$%&'*+-.^_`|~0123456789"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const char not_in_targets[] = "\"#<>\\ ";

	(void)state;
	for (int i = 0; i < 256; i++) {
		char c = (char)i;
		bool visible = i > 0x20 && i < 0x7f;

		if (http_is(c, HTTP_TOKEN) != (i > 0 && strchr(tchar, c) != NULL))
			fail_msg("byte %d: token", i);
		if (http_is(c, HTTP_TARGET) != (visible && !strchr(not_in_targets, c)))
			fail_msg("byte %d: target", i);
		if (http_is(c, HTTP_FIELD) != (visible || c == ' ' || c == '\t' || i >= 0x80))
			fail_msg("byte %d: field", i);
		if (http_is(c, HTTP_SPACE) != (c == ' ' || c == '\t'))
			fail_msg("byte %d: space", i);
	}
}

static void hexadecimal_digits_have_two_cases(void **state)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	(void)state;
	for (int i = 0; i < 256; i++) {
		const char *at = i ? strchr(digits, i) : NULL;
		int want = !at                       ? -1
		           : (int)(at - digits) < 16 ? (int)(at - digits)
		                                     : (int)(at - digits) - 6;

		assert_int_equal(http_hex((char)i), want);
	}
}

static void only_letters_have_a_case(void **state)
{
	(void)state;
	assert_true(http_equal("Close", 5, "cLOSE"));
	assert_true(http_equal("", 0, ""));
	assert_false(http_equal("close", 4, "close"));
	assert_false(http_equal("closed", 6, "close"));
	/* Only letters have a case: these differ in the same bit. */
	assert_false(http_equal("@", 1, "`"));
	assert_false(http_equal("\xc0", 1, "\xe0"));
}

static void assert_list(const char *list, const char *want)
{
	char got[256] = "";
	const char *at = list, *element;
	size_t len;

	while (http_list_next(&at, &element, &len))
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "[%.*s]", (int)len, element);
	assert_string_equal(got, want);
	assert_null(at);
}

static void lists_are_cut_at_commas_outside_of_quotes(void **state)
{
	(void)state;
	assert_list("a", "[a]");
	assert_list("a,b , \tc d\t,", "[a][b][c d][]");
	assert_list("", "[]");
	assert_list(" ,,", "[][][]");
	assert_list("a=\"b,c\",d", "[a=\"b,c\"][d]");
	assert_list("\"a\\\",b\",c", "[\"a\\\",b\"][c]");
	assert_list("a, \"b, c", "[a][\"b, c]");
	assert_list("\"\\", "[\"\\]");
}

static void tokens_in_lists_are_whole_elements(void **state)
{
	(void)state;
	assert_true(http_list_has("close, te", "close"));
	assert_true(http_list_has("te,\tCLOSE", "close"));
	assert_false(http_list_has("closed, enclose", "close"));
	assert_false(http_list_has("close te", "close"));
	assert_false(http_list_has("\"close\"", "close"));
	assert_false(http_list_has("", "close"));
}

/* Each byte once: a bad list of the longest kind must not take quadratic time. */
static void quotes_that_do_not_end_take_linear_time(void **state)
{
	static char list[4 * 1024 * 1024];
	const char *at = list, *element;
	size_t len, n = 0;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(list); i++)
		list[i] = i % 2 ? '\\' : '"';
	list[0] = ',';
	while (http_list_next(&at, &element, &len))
		n++;
	assert_int_equal(n, 2);
}

static void media_types_follow_the_grammar(void **state)
{
	static const char *const good[][2] = {
	    {"application/json", "application/json"},
	    {"Application/JSON; charset=utf-8", "application/json"},
	    {"application/problem+json \t;\ta=\"\\\";,\" ;; b=c;", "application/problem+json"},
	    {"*/*", "*/*"},
	};
	static const char *const bad[] = {"", "json", "/json", "application/", "application /json",
	    "application/json charset=utf-8", "application/json, text/html", "a/b;c",
	    "a/b;c=", "a/b;=d", "a/b;c=d e", "a/b;c=\"d", "a/b;c=\"d\"e", "a/b;c =d", "a/b/c",
	    "a/b;c=\"\\"};
	char longest[HTTP_MEDIA_TYPE_SIZE + 1];
	struct http_media media;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!http_media_read(good[i][0], &media))
			fail_msg("refused: %s", good[i][0]);
		assert_string_equal(media.type, good[i][1]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (http_media_read(bad[i], &media))
			fail_msg("accepted: %s", bad[i]);
	memset(longest, 'a', sizeof(longest));
	longest[1] = '/';
	longest[HTTP_MEDIA_TYPE_SIZE] = '\0';
	assert_false(http_media_read(longest, &media));
	longest[HTTP_MEDIA_TYPE_SIZE - 1] = '\0';
	assert_true(http_media_read(longest, &media));
	assert_string_equal(media.type, longest);
}

static void etags_are_compared_weakly(void **state)
{
	static const struct {
		const char *list;
		bool found;
	} cases[] = {
	    {"W/\"7\"", true},
	    {"\"7\"", true},
	    {"*", true},
	    {"\"6\" , W/\"7\",\"8\"", true},
	    {",, \"7\"", true},
	    {"\"a,b\", \"7\"", true},
	    {"\"7\",", true},
	    {"7", false},
	    {"w/\"7\"", false},
	    {"W/ \"7\"", false},
	    {"\"77\"", false},
	    {"\"\"", false},
	    {"\"7", false},
	    {"\"7\"x", false},
	    {"\"6\" \"7\"", false},
	    {"\"6, \"7\"", false},
	    {"x, \"7\"", false},
	    {"*, \"8\"", false},
	    {"", false},
	    {",", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (http_etags_have(cases[i].list, "W/\"7\"") != cases[i].found)
			fail_msg("weak: %s", cases[i].list);
		if (http_etags_have(cases[i].list, "\"7\"") != cases[i].found)
			fail_msg("strong: %s", cases[i].list);
	}
	assert_false(http_etags_have("*", "7"));
}

static void only_who_names_html_gets_it(void **state)
{
	(void)state;
	assert_true(http_accepts_html("text/html"));
	assert_true(http_accepts_html("text/html,application/xhtml+xml,*/*;q=0.8"));
	assert_true(http_accepts_html("application/json, TEXT/HTML ;q=0.5"));
	assert_true(http_accepts_html("text/html;level=1"));
	assert_false(http_accepts_html("*/*"));
	assert_false(http_accepts_html("text/*"));
	assert_false(http_accepts_html("text/htmlx, xtext/html"));
	assert_false(http_accepts_html("application/json;a=\",text/html\""));
	assert_false(http_accepts_html(""));
}

static void assert_host(const char *text, const char *want, int want_port)
{
	char name[HTTP_HOST_MAX + 1], *copy = exact_copy(text, strlen(text));
	int port;

	if (!http_host_read(copy, strlen(text), name, &port))
		fail_msg("refused: %s", text);
	assert_string_equal(name, want);
	assert_int_equal(port, want_port);
	free(copy);
}

static void hosts_are_names_or_addresses(void **state)
{
	static const char *const bad[] = {"", ":", ":80", "a:b", "a:-1", "a:65536", "a:100000",
	    "a:000080", "a b", "a/b", "a@b", "a,b", "a%41", "a:80:80", "[]", "[", "[::1", "[::1]x",
	    "[::1]80", "[::1%25lo]", "[1.2.3.4]", "[::g]", "::1", "a]", "[a]b",
	    "[0000:0000:0000:0000:0000:0000:255.255.255.2555555]"};
	char name[HTTP_HOST_MAX + 1], longest[HTTP_HOST_MAX + 2];
	int port;

	(void)state;
	assert_host("localhost", "localhost", 0);
	assert_host("Local_Host-1.a.:8080", "local_host-1.a.", 8080);
	assert_host("127.0.0.1:65535", "127.0.0.1", 65535);
	assert_host("a:", "a", 0);
	assert_host("[::1]", "[::1]", 0);
	assert_host("[2001:DB8::A]:00080", "[2001:db8::a]", 80);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *copy = exact_copy(bad[i], strlen(bad[i]));

		if (http_host_read(copy, strlen(bad[i]), name, &port))
			fail_msg("accepted: %s", bad[i]);
		free(copy);
	}
	assert_false(http_host_read("a\0b", 3, name, &port));
	memset(longest, 'a', sizeof(longest));
	assert_true(http_host_read(longest, HTTP_HOST_MAX, name, &port));
	assert_int_equal(strlen(name), HTTP_HOST_MAX);
	assert_false(http_host_read(longest, HTTP_HOST_MAX + 1, name, &port));
}

static void assert_decoded(const char *from, enum http_decoding how, const char *want)
{
	char to[64], *copy = exact_copy(from, strlen(from));
	ssize_t n = http_decode(copy, strlen(from), how, NULL);

	if (!want) {
		assert_int_equal(n, -1);
		assert_int_equal(http_decode(copy, strlen(from), how, to), -1);
	} else {
		assert_int_equal(n, strlen(want));
		assert_int_equal(http_decode(copy, strlen(from), how, to), n);
		assert_string_equal(to, want);
	}
	free(copy);
}

static void decoding_wants_two_digits_and_no_nul(void **state)
{
	static const char *const bad[] = {
	    "%", "%4", "%%41", "%4g", "%g4", "%+4", "% 4", "%00", "a%0", "%0x", "%-1"};

	(void)state;
	assert_decoded("", HTTP_DECODE_PATH, "");
	assert_decoded("a%41%7e%C3%a4%01%ff", HTTP_DECODE_PATH, "aA~\xc3\xa4\x01\xff");
	assert_decoded("%2f%2F/%2541+%2b", HTTP_DECODE_PATH, "%2f%2F/%41++");
	assert_decoded("%2f%2F/%2541+%2b", HTTP_DECODE_FORM, "///%41 +");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_decoded(bad[i], HTTP_DECODE_PATH, NULL);
		assert_decoded(bad[i], HTTP_DECODE_FORM, NULL);
	}
}

static void assert_query(const char *query, const char *want)
{
	struct buf got = {0};
	struct http_pair pair;
	enum http_found found;

	while ((found = http_query_next(&query, &pair)) == HTTP_FOUND)
		buf_printf(&got, "[%s=%s]", pair.name, pair.value);
	buf_add_str(&got, found == HTTP_BAD ? "bad" : "");
	assert_string_equal(got.data, want);
	buf_free(&got);
}

static void queries_are_read_as_forms(void **state)
{
	(void)state;
	assert_query(NULL, "");
	assert_query("", "");
	assert_query("&&", "");
	assert_query("a=b&c=d", "[a=b][c=d]");
	assert_query("&a&b=&&c==d=&", "[a=][b=][c==d=]");
	assert_query("a%3Db=c%26d+%2B&e?/=%C3%a4", "[a=b=c&d +][e?/=\xc3\xa4]");
	assert_query("a=b&=c", "[a=b]bad");
	assert_query("a=%4", "bad");
	assert_query("a%=b", "bad");
	assert_query("a=%00", "bad");
	/* Neither in JSON nor in a log. */
	assert_query("a=%ff", "bad");
	assert_query("a=%0a", "bad");
	assert_query("a=%c2%80", "bad");
	assert_query("%c3=%a4", "bad");
}

static void names_and_values_of_queries_are_bounded(void **state)
{
	char query[2 * HTTP_QUERY_VALUE_SIZE * 3];
	const char *at;
	struct http_pair pair;

	(void)state;
	/* The longest name and, encoded, the longest value. */
	memset(query, 'n', HTTP_QUERY_NAME_SIZE - 1);
	query[HTTP_QUERY_NAME_SIZE - 1] = '=';
	for (size_t i = 0; i < HTTP_QUERY_VALUE_SIZE; i++)
		memcpy(query + HTTP_QUERY_NAME_SIZE + 3 * i, "%76", 3);
	at = query;
	query[HTTP_QUERY_NAME_SIZE + 3 * (HTTP_QUERY_VALUE_SIZE - 1)] = '\0';
	assert_int_equal(http_query_next(&at, &pair), HTTP_FOUND);
	assert_int_equal(strlen(pair.name), HTTP_QUERY_NAME_SIZE - 1);
	assert_int_equal(strlen(pair.value), HTTP_QUERY_VALUE_SIZE - 1);
	at = query;
	query[HTTP_QUERY_NAME_SIZE + 3 * (HTTP_QUERY_VALUE_SIZE - 1)] = '%';
	query[HTTP_QUERY_NAME_SIZE + 3 * HTTP_QUERY_VALUE_SIZE] = '\0';
	assert_int_equal(http_query_next(&at, &pair), HTTP_BAD);
	memset(query, 'n', HTTP_QUERY_NAME_SIZE);
	query[HTTP_QUERY_NAME_SIZE] = '\0';
	at = query;
	assert_int_equal(http_query_next(&at, &pair), HTTP_BAD);
}

static void a_parameter_is_there_once(void **state)
{
	char value[4];

	(void)state;
	assert_int_equal(http_query_get("a=1&b=%32+", "b", value, 4), HTTP_FOUND);
	assert_string_equal(value, "2 ");
	assert_int_equal(http_query_get("a=1&b=2", "c", value, 4), HTTP_MISSING);
	assert_int_equal(http_query_get("a=1", "A", value, 4), HTTP_MISSING);
	assert_int_equal(http_query_get(NULL, "a", value, 4), HTTP_MISSING);
	assert_int_equal(http_query_get("a=1&b=2&a=1", "a", value, 4), HTTP_BAD);
	assert_int_equal(http_query_get("a=123", "a", value, 4), HTTP_FOUND);
	assert_int_equal(http_query_get("a=1234", "a", value, 4), HTTP_BAD);
	assert_int_equal(http_query_get("a=1&b=%", "a", value, 4), HTTP_BAD);
}

static void assert_key(const char *value, const char *want)
{
	char key[KEY_MAX + 1];
	bool ok = http_key_read(value, key);

	if (ok != (want != NULL))
		fail_msg("%s: %s", value, ok ? "accepted" : "refused");
	if (want)
		assert_string_equal(key, want);
}

static void keys_are_bare_or_quoted(void **state)
{
	(void)state;
	assert_key("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324");
	assert_key("\"8e03978e\"", "8e03978e");
	assert_key("order:1/2=x'(y)", "order:1/2=x'(y)");
	assert_key("\"a\\\"b\\\\c,;\"", "a\"b\\c,;");
	assert_key("", NULL);
	assert_key("\"\"", NULL);
	assert_key("\"a", NULL);
	assert_key("a\"", NULL);
	assert_key("\"a\\b\"", NULL);
	assert_key("\"a\\\"", NULL);
	assert_key("\"a\\", NULL);
	assert_key("\"a\"b", NULL);
	assert_key("\"a\";b=1", NULL);
	assert_key("\"a\", \"b\"", NULL);
	assert_key("a,b", NULL);
	assert_key("a;b", NULL);
	assert_key("a\\b", NULL);
	assert_key("a b", NULL);
	assert_key("\"a b\"", NULL);
	assert_key("a\tb", NULL);
	assert_key("\xc3\xa4", NULL);
	assert_key("\"\xc3\xa4\"", NULL);
}

static void keys_are_bounded(void **state)
{
	char bare[KEY_MAX + 2], quoted[KEY_MAX + 4];

	(void)state;
	memset(bare, 'k', sizeof(bare));
	bare[KEY_MAX + 1] = '\0';
	assert_key(bare, NULL);
	snprintf(quoted, sizeof(quoted), "\"%s\"", bare);
	assert_key(quoted, NULL);
	bare[KEY_MAX] = '\0';
	assert_key(bare, bare);
	snprintf(quoted, sizeof(quoted), "\"%s\"", bare);
	assert_key(quoted, bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(characters_have_the_classes_of_the_rfc),
	    TEST(hexadecimal_digits_have_two_cases),
	    TEST(only_letters_have_a_case),
	    TEST(lists_are_cut_at_commas_outside_of_quotes),
	    TEST(tokens_in_lists_are_whole_elements),
	    TEST(quotes_that_do_not_end_take_linear_time),
	    TEST(media_types_follow_the_grammar),
	    TEST(etags_are_compared_weakly),
	    TEST(only_who_names_html_gets_it),
	    TEST(hosts_are_names_or_addresses),
	    TEST(decoding_wants_two_digits_and_no_nul),
	    TEST(queries_are_read_as_forms),
	    TEST(names_and_values_of_queries_are_bounded),
	    TEST(a_parameter_is_there_once),
	    TEST(keys_are_bare_or_quoted),
	    TEST(keys_are_bounded),
	};

	return RUN(tests);
}
