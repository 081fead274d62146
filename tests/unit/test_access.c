#include "unit.h"

#include "access.h"
#include "util.h"

#include <grp.h>
#include <openssl/evp.h>
#include <pwd.h>
#include <unistd.h>

/* ---- the system's users, made up ---- */

static uid_t fake_uid = 1000;

uid_t geteuid(void)
{
	return fake_uid;
}

struct passwd *getpwnam(const char *name)
{
	static struct passwd user;

	user.pw_uid = strcmp(name, "ann") == 0 ? 11 : strcmp(name, "bob") == 0 ? 12 : 0;
	return user.pw_uid || strcmp(name, "root") == 0 ? &user : NULL;
}

struct group *getgrnam(const char *name)
{
	static struct group group;

	group.gr_gid = strcmp(name, "staff") == 0 ? 50 : strcmp(name, "ops") == 0 ? 60 : 0;
	return group.gr_gid ? &group : NULL;
}

/* ---- scopes ---- */

static unsigned parsed(const char *text)
{
	char *copy = exact_copy(text, strlen(text));
	unsigned scopes;
	bool good = scopes_parse(copy, strlen(text), &scopes);

	free(copy);
	return good ? scopes : 99;
}

static void scopes_are_words_with_a_plus_between(void **state)
{
	static const char *const wrong[] = {"", "+", "read+", "+read", "read++submit", "Read",
	    "reader", "rea", "read submit", "read,submit", "all", "*", "none", "read+x"};

	(void)state;
	assert_int_equal(parsed("read"), SCOPE_READ);
	assert_int_equal(parsed("submit"), SCOPE_SUBMIT);
	assert_int_equal(parsed("submit+read"), SCOPE_READ | SCOPE_SUBMIT);
	assert_int_equal(parsed("read+submit+read"), SCOPE_READ | SCOPE_SUBMIT);
	assert_int_equal(parsed("admin"), SCOPE_ALL);
	assert_int_equal(parsed("read+admin"), SCOPE_ALL);
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		if (parsed(wrong[i]) != 99)
			fail_msg("\"%s\" was taken", wrong[i]);
}

static void scopes_are_written_as_they_are_read(void **state)
{
	static const unsigned all[] = {
	    SCOPE_READ, SCOPE_SUBMIT, SCOPE_READ | SCOPE_SUBMIT, SCOPE_ALL};
	char text[SCOPES_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		scopes_format(all[i], text);
		assert_int_equal(parsed(text), all[i]);
	}
	scopes_format(SCOPE_NONE, text);
	assert_string_equal(text, "nothing");
}

/* ---- tokens ---- */

struct place {
	char path[64];
	struct tokens *tokens;
	struct fail fail;
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	int fd;

	assert_non_null(place);
	strcpy(place->path, "/tmp/test_access.XXXXXX");
	fd = mkstemp(place->path);
	assert_true(fd >= 0);
	close(fd);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	unlink(place->path);
	tokens_free(place->tokens);
	free(place);
	return 0;
}

static enum err load_bytes(struct place *place, const char *text, size_t len)
{
	FILE *file = fopen(place->path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
	tokens_free(place->tokens);
	return tokens_load(&place->tokens, place->path, &place->fail);
}

static enum err load(struct place *place, const char *text)
{
	return load_bytes(place, text, strlen(text));
}

/* "NAME SCOPES HASH" and a line break, where HASH is that of `token`. */
static const char *line_of(const char *name, const char *scopes, const char *token)
{
	static char line[256];
	unsigned char hash[32];
	int n = snprintf(line, sizeof(line), "%s %s ", name, scopes);

	assert_true(EVP_Digest(token, strlen(token), hash, NULL, EVP_sha256(), NULL));
	for (size_t i = 0; i < sizeof(hash); i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%02x", hash[i]);
	strcpy(line + n, "\n");
	return line;
}

static const struct token *find(const struct place *place, const char *token)
{
	char *copy = exact_copy(token, strlen(token));
	const struct token *found = tokens_find(place->tokens, copy, strlen(token));

	free(copy);
	return found;
}

static void a_token_is_found_by_its_hash(void **state)
{
	struct place *place = *state;
	char text[1024];

	snprintf(text, sizeof(text), "# comment\n\n \t%s", line_of("a.B_1-", "read", "one"));
	strcat(text, line_of("second", "submit+read", "two"));
	strcat(text, line_of("third", "admin", ""));
	assert_int_equal(load(place, text), ERR_OK);
	assert_string_equal(find(place, "one")->name, "a.B_1-");
	assert_int_equal(find(place, "one")->scopes, SCOPE_READ);
	assert_string_equal(find(place, "two")->name, "second");
	assert_int_equal(find(place, "two")->scopes, SCOPE_READ | SCOPE_SUBMIT);
	assert_null(find(place, "three"));
	assert_null(find(place, "on"));
	assert_null(find(place, "one "));
	assert_null(find(place, "second"));
	/* The hash is no token. */
	assert_null(find(place, strchr(strchr(text, ' ') + 1, ' ') + 1));
}

static void a_token_has_at_most_512_bytes(void **state)
{
	struct place *place = *state;
	char token[TOKEN_MAX + 2];

	memset(token, 'x', sizeof(token));
	token[TOKEN_MAX] = '\0';
	assert_int_equal(load(place, line_of("long", "read", token)), ERR_OK);
	assert_non_null(find(place, token));
	token[TOKEN_MAX] = 'x';
	token[TOKEN_MAX + 1] = '\0';
	assert_int_equal(load(place, line_of("longer", "read", token)), ERR_OK);
	assert_null(find(place, token));
}

static void a_line_may_end_in_other_ways(void **state)
{
	struct place *place = *state;
	char text[512];

	strcpy(text, line_of("a", "read", "one"));
	text[strlen(text) - 1] = '\0'; /* the last line without its end */
	assert_int_equal(load(place, text), ERR_OK);
	strcat(text, " \t # why\r\n");
	assert_int_equal(load(place, text), ERR_OK);
	assert_non_null(find(place, "one"));
	/* The hash in capitals, more white space. */
	snprintf(text, sizeof(text), "a\t\tread  \t%s", strrchr(line_of("a", "read", "one"), ' '));
	for (char *c = strrchr(text, '\t'); *c; c++)
		if (*c >= 'a' && *c <= 'f')
			*c &= (char)~0x20;
	assert_int_equal(load(place, text), ERR_OK);
	assert_non_null(find(place, "one"));
}

static void what_is_wrong_is_named_by_its_line(void **state)
{
	static const char hash[] =
	    "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
	static const struct {
		const char *format, *part;
	} wrong[] = {
	    {"one", "NAME SCOPES SHA256"},
	    {"one read", "NAME SCOPES SHA256"},
	    {"one read ", "NAME SCOPES SHA256"},
	    {"one read # %s", "NAME SCOPES SHA256"},
	    {"o/ne read %s", "\"o/ne\""},
	    {"\xc3\xa4 read %s", "the name"},
	    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx read %s",
		"1 to 64"},
	    {"one write %s", "\"write\""},
	    {"one read,submit %s", "\"read,submit\""},
	    {"one read %sa", "64 hexadecimal"},
	    {"one read %.63s", "64 hexadecimal"},
	    {"one read %.63sg", "64 hexadecimal"},
	    {"one read %s more", "64 hexadecimal"},
	    {"one read 0x%.62s", "64 hexadecimal"},
	};
	struct place *place = *state;
	char text[1024], where[128];

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		snprintf(where, sizeof(where), "%s:2: ", place->path);
		strcpy(text, "# first\n");
		snprintf(text + strlen(text), sizeof(text) - strlen(text), wrong[i].format, hash);
		load(place, text);
		assert_fail(&place->fail, ERR_INVALID, wrong[i].part);
		assert_ptr_equal(strstr(place->fail.text, where), place->fail.text);
		assert_null(place->tokens);
	}
}

static void names_and_tokens_are_there_once(void **state)
{
	struct place *place = *state;
	char text[512];

	strcpy(text, line_of("a", "read", "one"));
	strcat(text, line_of("a", "read", "two"));
	load(place, text);
	assert_fail(&place->fail, ERR_INVALID, ":2: ");
	strcpy(text, line_of("a", "read", "one"));
	strcat(text, line_of("b", "submit", "one"));
	load(place, text);
	assert_fail(&place->fail, ERR_INVALID, ":2: the name or the token is there already");
}

static void a_file_has_a_token(void **state)
{
	static const char long_line[600] = {[0 ... 598] = 'x'};
	struct place *place = *state;

	load(place, "");
	assert_fail(&place->fail, ERR_INVALID, "there is no token in it");
	load(place, "# nothing\n\n");
	assert_fail(&place->fail, ERR_INVALID, "there is no token in it");
	load(place, long_line);
	assert_fail(&place->fail, ERR_INVALID, ":1: longer than 510 bytes");
	assert_int_equal(tokens_load(&place->tokens, "/nowhere/tokens", &place->fail), ERR_INVALID);
	assert_contains(place->fail.text, "cannot open /nowhere/tokens");
	assert_int_equal(tokens_load(&place->tokens, "/tmp", &place->fail), ERR_INVALID);
	assert_contains(place->fail.text, "cannot read /tmp");
}

/* The rest of a line behind a NUL would count as nothing, and what it says with it. */
static void a_file_is_text(void **state)
{
	struct place *place = *state;
	char text[512];
	size_t len;

	strcpy(text, line_of("a", "read", "one"));
	len = strlen(text);
	memcpy(text + len, "\0b read\n", 8);
	load_bytes(place, text, len + 8);
	assert_fail(&place->fail, ERR_INVALID, ":2: ");
}

/* ---- rules of the socket ---- */

static unsigned scopes_for(const char *text, uid_t uid, gid_t first, gid_t second)
{
	struct socket_rules *rules;
	gid_t gids[2] = {first, second};
	struct fail fail;
	unsigned scopes;

	if (socket_rules_parse(&rules, text, &fail))
		fail_msg("%s: %s", text, fail.text);
	scopes = socket_rules_scopes(rules, uid, gids, 2);
	socket_rules_free(rules);
	return scopes;
}

static void without_rules_everybody_may_do_everything(void **state)
{
	(void)state;
	assert_int_equal(scopes_for("", 11, 1, 2), SCOPE_ALL);
}

static void users_and_groups_have_what_their_rules_say_together(void **state)
{
	static const char rules[] = "user:ann=read,group:staff=submit,group:ops=admin";

	(void)state;
	assert_int_equal(scopes_for(rules, 11, 1, 2), SCOPE_READ);
	assert_int_equal(scopes_for(rules, 12, 50, 2), SCOPE_SUBMIT);
	assert_int_equal(scopes_for(rules, 12, 2, 50), SCOPE_SUBMIT);
	assert_int_equal(scopes_for(rules, 11, 50, 2), SCOPE_READ | SCOPE_SUBMIT);
	assert_int_equal(scopes_for(rules, 11, 60, 2), SCOPE_ALL);
	/* Not named at all. */
	assert_int_equal(scopes_for(rules, 12, 1, 2), SCOPE_NONE);
	/* A user's number is no group's. */
	assert_int_equal(scopes_for("user:ann=read", 12, 11, 2), SCOPE_NONE);
	assert_int_equal(scopes_for("group:staff=read", 50, 1, 2), SCOPE_NONE);
}

static void the_star_is_for_those_whom_no_other_rule_names(void **state)
{
	(void)state;
	assert_int_equal(scopes_for("*=read", 12, 1, 2), SCOPE_READ);
	assert_int_equal(scopes_for("*=admin,user:ann=read", 11, 1, 2), SCOPE_READ);
	assert_int_equal(scopes_for("*=admin,user:ann=read", 12, 1, 2), SCOPE_ALL);
	assert_int_equal(scopes_for("*=read,*=submit", 12, 1, 2), SCOPE_READ | SCOPE_SUBMIT);
}

static void root_and_the_daemons_user_have_all(void **state)
{
	(void)state;
	assert_int_equal(scopes_for("*=read", 0, 1, 2), SCOPE_ALL);
	assert_int_equal(scopes_for("user:root=read", 0, 1, 2), SCOPE_ALL);
	assert_int_equal(scopes_for("*=read", 1000, 1, 2), SCOPE_ALL);
	fake_uid = 12;
	assert_int_equal(scopes_for("*=read", 12, 1, 2), SCOPE_ALL);
	assert_int_equal(scopes_for("*=read", 1000, 1, 2), SCOPE_READ);
	fake_uid = 1000;
	/* The group of root is not root. */
	assert_int_equal(scopes_for("*=read", 12, 0, 0), SCOPE_READ);
}

static void wrong_rules_are_named(void **state)
{
	static const struct {
		const char *text, *part;
	} wrong[] = {
	    {"ann=read", "\"ann\" is not user:NAME, group:NAME or *"},
	    {"user:carl=read", "no user \"carl\""},
	    {"group:carl=read", "no group \"carl\""},
	    {"user:=read", "no user \"\""},
	    {"user:ann", "\"user:ann\" is not WHO=SCOPES"},
	    {"user:ann=", "\"\" is not read"},
	    {"user:ann=write", "\"write\" is not read"},
	    {"*=read,", "\"\" is not WHO=SCOPES"},
	    {",", "\"\" is not WHO=SCOPES"},
	    {" *=read", "\" *\" is not"},
	    {"*=read, user:ann=read", "\" user:ann\" is not"},
	    {"User:ann=read", "\"User:ann\" is not"},
	};
	struct socket_rules *rules;
	struct fail fail;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		socket_rules_parse(&rules, wrong[i].text, &fail);
		assert_fail(&fail, ERR_INVALID, wrong[i].part);
		assert_null(rules);
	}
}

#define ACCESS_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(scopes_are_words_with_a_plus_between),
	    TEST(scopes_are_written_as_they_are_read),
	    ACCESS_TEST(a_token_is_found_by_its_hash),
	    ACCESS_TEST(a_token_has_at_most_512_bytes),
	    ACCESS_TEST(a_line_may_end_in_other_ways),
	    ACCESS_TEST(what_is_wrong_is_named_by_its_line),
	    ACCESS_TEST(names_and_tokens_are_there_once),
	    ACCESS_TEST(a_file_has_a_token),
	    ACCESS_TEST(a_file_is_text),
	    TEST(without_rules_everybody_may_do_everything),
	    TEST(users_and_groups_have_what_their_rules_say_together),
	    TEST(the_star_is_for_those_whom_no_other_rule_names),
	    TEST(root_and_the_daemons_user_have_all),
	    TEST(wrong_rules_are_named),
	};

	return RUN(tests);
}
