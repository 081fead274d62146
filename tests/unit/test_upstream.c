/* The pure parts of the handler http, and the files that it reads. */
#include "unit.h"
#include "upstream_credentials.h"
#include "upstream_file.h"
#include "upstream_header.h"
#include "upstream_request.h"
#include "upstream_secret.h"
#include "upstream_url.h"
#include "util.h"

#include <curl/curl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- URLs ---- */

static void urls_are_http_or_https(void **state)
{
	static const char *const good[] = {"http://h", "https://h/", "HTTPS://h:8443/x?y=z",
	    "http://127.0.0.1:1/", "http://[::1]/"};
	static const struct {
		const char *url, *why;
	} bad[] = {{"", "http:https://host/path"}, {"h", "http:https://host/path"},
	    {"ftp://h/", "http:https://host/path"}, {"//h/", "http:https://host/path"},
	    {"http://", "not a URL"}, {"http://h:0x/", "not a URL"},
	    {"http://h:65536/", "not a URL"}, {"http://a b/", "not a URL"},
	    {"http://h/\n", "not a URL"}, {"http://u@h/", "a user or a password"},
	    {"http://u:p@h/", "a user or a password"}, {"http://:p@h/", "a user or a password"},
	    {"http://h/#f", "fragment"}};
	struct fail fail;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_int_equal(upstream_url_check(good[i], &fail), ERR_OK);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(upstream_url_check(bad[i].url, &fail), ERR_INVALID);
		assert_contains(fail.text, bad[i].why);
	}
}

/* ---- headers ---- */

static void headers_are_checked(void **state)
{
	static const char *const good[] = {"A: b", "A:b", "X-Tenant: 7, \"8\"", "Accept: text/html",
	    "User-Agent: me", "A: \xc3\xa4", "A:\tb", "Web: x", "Hos: x"};
	static const struct {
		const char *text, *why;
	} bad[] = {{"", "NAME: VALUE"}, {"secret", "NAME: VALUE"}, {": secret", "NAME: VALUE"},
	    {"A : secret", "NAME: VALUE"}, {" A: secret", "NAME: VALUE"},
	    {"A\xc3\xa4: secret", "NAME: VALUE"}, {"A:", "no value"}, {"A: \t", "no value"},
	    {"A: secret\r\nB: c", "control character"}, {"A: secret\x7f", "control character"},
	    {"host: secret", "host"}, {"Content-Length: 1", "Content-Length"},
	    {"Content-Type: secret", "not yours"}, {"transfer-encoding: secret", "not yours"},
	    {"Connection: secret", "not yours"}, {"Idempotency-Key: secret", "not yours"},
	    {"ingest-attempt: 1", "not yours"}, {"Webhook-Signature: secret", "not yours"},
	    {"webhook-: secret", "not yours"}, {"Expect: secret", "not yours"}};
	struct fail fail;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		if (upstream_header_check(good[i], &fail))
			fail_msg("%s: %s", good[i], fail.text);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(upstream_header_check(bad[i].text, &fail), ERR_INVALID);
		assert_contains(fail.text, bad[i].why);
		assert_lacks(fail.text, "secret");
	}
}

static void a_header_has_a_longest_length(void **state)
{
	char text[UPSTREAM_HEADER_MAX + 2];
	struct fail fail;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "A: ", 3);
	text[UPSTREAM_HEADER_MAX] = '\0';
	assert_int_equal(upstream_header_check(text, &fail), ERR_OK);
	text[UPSTREAM_HEADER_MAX] = 'x';
	text[UPSTREAM_HEADER_MAX + 1] = '\0';
	assert_int_equal(upstream_header_check(text, &fail), ERR_INVALID);
	assert_string_equal(fail.text, "the header A has 8193 bytes, more than 8192");
}

/* ---- secrets ---- */

/* The example that comes with the specification's libraries. */
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static void the_signature_is_that_of_the_specification(void **state)
{
	const char *body = "{\"test\": 2432232314}";
	struct upstream_secret secret;
	struct buf text = {0};
	struct fail fail;

	(void)state;
	assert_int_equal(upstream_secret_read(&secret, SECRET, &fail), ERR_OK);
	assert_int_equal(secret.len, 24);
	upstream_secret_sign(
	    &secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, strlen(body), &text);
	assert_string_equal(text.data, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	buf_free(&text);
}

static void secrets_are_checked(void **state)
{
	char longest[200] = "whsec_", longer[200] = "whsec_";
	const struct {
		const char *text, *why;
	} bad[] = {{"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_BASE64"}, {"whsec_", "not base64"},
	    {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "not base64"},
	    {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==x", "not base64"},
	    {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_", "not base64"},
	    {"whsec_MfKQ9r8G KYqrTwjUPD8ILPZIo2LaLaSw", "not base64"},
	    {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS=", "fewer than 24 bytes"},
	    {longer, "more than 64 bytes"}};
	struct upstream_secret secret;
	struct fail fail;

	(void)state;
	memset(longest + 6, 'A', 88);
	memcpy(longest + 6 + 86, "==", 3); /* 64 bytes */
	memset(longer + 6, 'A', 88); /* 66 */
	assert_int_equal(upstream_secret_read(&secret, longest, &fail), ERR_OK);
	assert_int_equal(secret.len, 64);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(upstream_secret_read(&secret, bad[i].text, &fail), ERR_INVALID);
		assert_contains(fail.text, bad[i].why);
		assert_lacks(fail.text, "MfKQ");
	}
}

/* ---- files ---- */

static char path[] = "/tmp/test_upstream.XXXXXX";

static void write_file(const char *text, size_t len, mode_t mode, uid_t owner)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
	if (geteuid() == 0)
		assert_int_equal(chown(path, owner, (gid_t)-1), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static enum err add_line(void *arg, const char *text, struct fail *fail)
{
	if (strcmp(text, "bad") == 0)
		return fail_set(fail, ERR_INVALID, "it is bad");
	buf_printf(arg, "%s|", text);
	return ERR_OK;
}

static void assert_lines(const char *text, const char *lines)
{
	struct buf got = {0};
	struct fail fail;

	write_file(text, strlen(text), 0600, geteuid());
	if (upstream_file_read("option", path, add_line, &got, &fail))
		fail_msg("%s", fail.text);
	assert_string_equal(got.data ? got.data : "", lines);
	buf_free(&got);
}

static void lines_are_trimmed_and_comments_left_out(void **state)
{
	(void)state;
	assert_lines("", "");
	assert_lines("\n\n", "");
	assert_lines("a: b", "a: b|");
	assert_lines("# no\n  a b \r\n\n\t# no\nc\n", "a b|c|");
}

static void assert_unread(const char *why)
{
	struct buf got = {0};
	struct fail fail;

	assert_int_equal(upstream_file_read("option", path, add_line, &got, &fail), ERR_INVALID);
	assert_contains(fail.text, "option: /tmp/test_upstream.");
	assert_contains(fail.text, why);
	assert_lacks(fail.text, "secret");
	buf_free(&got);
}

static void a_bad_line_is_named_by_its_number(void **state)
{
	(void)state;
	write_file("secret\n\nbad\n", 12, 0600, geteuid());
	assert_unread(":3: it is bad");
}

static void other_files_are_refused(void **state)
{
	char *large = calloc(1, UPSTREAM_FILE_MAX + 1);

	(void)state;
	memset(large, '\n', UPSTREAM_FILE_MAX + 1);
	write_file(large, UPSTREAM_FILE_MAX + 1, 0600, geteuid());
	assert_unread("more than 65536 bytes");
	free(large);
	write_file("a\0secret", 8, 0600, geteuid());
	assert_unread("NUL");
	unlink(path);
	assert_unread("No such file");
	assert_int_equal(mkdir(path, 0700), 0);
	assert_unread("it is not a file");
	rmdir(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_unread("it is not a file");
	unlink(path);
}

static void what_others_can_read_or_write_is_refused(void **state)
{
	static const mode_t readable[] = {0640, 0604, 0440}, writable[] = {0620, 0602, 0666};
	uid_t owner = geteuid() ? geteuid() : 65534;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(readable); i++) {
		write_file("secret", 6, readable[i], owner);
		assert_unread("may read it (chmod 600)");
		unlink(path);
	}
	for (size_t i = 0; i < COUNT_OF(writable); i++) {
		write_file("secret", 6, writable[i], owner);
		assert_unread("may write it (chmod 600)");
		unlink(path);
	}
	write_file("secret", 6, 0600, geteuid());
}

/* It was set up so, for a daemon that is somebody else. */
static void root_may_let_others_read(void **state)
{
	struct buf got = {0};
	struct fail fail;

	(void)state;
	if (geteuid() != 0)
		skip();
	write_file("secret", 6, 0640, 0);
	assert_int_equal(upstream_file_read("option", path, add_line, &got, &fail), ERR_OK);
	buf_free(&got);
	write_file("secret", 6, 0660, 0);
	assert_unread("may write it");
}

static void a_file_of_secrets_has_one(void **state)
{
	struct conf conf = {.http_ca = "",
	    .upstream_header = "",
	    .upstream_header_file = "",
	    .upstream_secret_file = path};
	struct upstream_credentials credentials;
	struct fail fail;

	(void)state;
	write_file("# none\n", 7, 0600, geteuid());
	assert_int_equal(upstream_credentials_read(&credentials, &conf, &fail), ERR_INVALID);
	assert_contains(fail.text, "it has no secret");
	write_file(SECRET, strlen(SECRET), 0600, geteuid());
	assert_int_equal(upstream_credentials_read(&credentials, &conf, &fail), ERR_OK);
	assert_int_equal(credentials.secrets_n, 1);
	upstream_credentials_free(&credentials);
}

/* ---- requests ---- */

/* By Python's uuid.uuid5(). */
#define KEY_OF_SOME "c66a419b-1136-554f-9b67-0d8f79b9c1bb"
#define KEY_OF_NOTICE "3fbaab17-9c06-5af0-8b2a-b005e8d888a3" /* {} */
#define KEY_OF_OTHER_NOTICE "de447fef-4961-5247-a3e3-6f6d2a82c4e3" /* {"x":1} */

static struct run a_run(void)
{
	struct run run = {.attempt = 3, .priority = PRIORITY_LOW, .whole = true};

	uuid_parse("019b2c6e-1234-7abc-8def-0123456789ab", &run.ingestion);
	uuid_parse("886313e1-3b8a-5372-9b90-0c9aee199e5d", &run.batch_id);
	idlist_push(&run.ids, INT64_MAX);
	idlist_push(&run.ids, 9007199254740993);
	return run;
}

static void assert_key(const struct run *run, const char *wanted)
{
	struct uuid key = upstream_request_key(run);
	char text[UUID_TEXT_SIZE];

	uuid_format(&key, text);
	assert_string_equal(text, wanted);
}

static void the_key_stands_for_the_body(void **state)
{
	struct run run = a_run();

	(void)state;
	assert_key(&run, "886313e1-3b8a-5372-9b90-0c9aee199e5d");
	run.whole = false;
	assert_key(&run, KEY_OF_SOME);
	run.notice = "{}";
	assert_key(&run, KEY_OF_NOTICE);
	run.notice = "{\"x\":1}";
	assert_key(&run, KEY_OF_OTHER_NOTICE);
	idlist_free(&run.ids);
}

static const char *header(const struct upstream_request *request, const char *name)
{
	for (const struct curl_slist *at = request->headers; at; at = at->next)
		if (strncmp(at->data, name, strlen(name)) == 0)
			return at->data + strlen(name);
	return NULL;
}

static void a_batch_becomes_json(void **state)
{
	struct upstream_credentials none = {.headers_n = 0};
	struct upstream_request request;
	struct run run = a_run();

	(void)state;
	upstream_request_make(&request, &run, &none, 1614265330);
	assert_string_equal(request.body.data,
	    "{\"ingestion_id\":\"019b2c6e-1234-7abc-8def-0123456789ab\",\"batch_id\":"
	    "\"886313e1-3b8a-5372-9b90-0c9aee199e5d\",\"ids\":[9223372036854775807,"
	    "9007199254740993],\"priority\":\"LOW\"}");
	assert_string_equal(header(&request, "Ingest-Attempt: "), "3");
	assert_string_equal(header(&request, "webhook-timestamp: "), "1614265330");
	assert_null(header(&request, "webhook-signature:"));
	upstream_request_free(&request);
	strcpy(run.label, "a\"b");
	upstream_request_make(&request, &run, &none, 1);
	assert_contains(request.body.data, ",\"label\":\"a\\\"b\"}");
	upstream_request_free(&request);
	idlist_free(&run.ids);
}

static void a_notice_is_sent_as_it_is(void **state)
{
	struct upstream_credentials credentials = {.headers = {"A: b"}, .headers_n = 1};
	struct upstream_request request;
	struct run run = a_run();

	(void)state;
	run.notice = "{\"x\":1}";
	upstream_request_make(&request, &run, &credentials, 1);
	assert_string_equal(request.body.data, "{\"x\":1}");
	assert_string_equal(header(&request, "Idempotency-Key: "), KEY_OF_OTHER_NOTICE);
	assert_string_equal(header(&request, "webhook-id: "), KEY_OF_OTHER_NOTICE);
	assert_string_equal(header(&request, "A: "), "b");
	upstream_request_free(&request);
	idlist_free(&run.ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(urls_are_http_or_https),
	    TEST(headers_are_checked),
	    TEST(a_header_has_a_longest_length),
	    TEST(the_signature_is_that_of_the_specification),
	    TEST(secrets_are_checked),
	    TEST(lines_are_trimmed_and_comments_left_out),
	    TEST(a_bad_line_is_named_by_its_number),
	    TEST(other_files_are_refused),
	    TEST(what_others_can_read_or_write_is_refused),
	    TEST(root_may_let_others_read),
	    TEST(a_file_of_secrets_has_one),
	    TEST(the_key_stands_for_the_body),
	    TEST(a_batch_becomes_json),
	    TEST(a_notice_is_sent_as_it_is),
	};
	int failed;

	close(mkstemp(path));
	failed = RUN(tests);
	unlink(path);
	return failed;
}
