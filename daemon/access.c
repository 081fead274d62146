#include "access.h"

#include "util.h"

#include <errno.h>
#include <grp.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512

/* ---- scopes ---- */

static const struct {
	const char *name;
	unsigned scopes;
} scope_names[] = {
    {"read", SCOPE_READ},
    {"submit", SCOPE_SUBMIT},
    {"admin", SCOPE_ALL},
};

static bool scope_by_name(const char *name, size_t len, unsigned *scopes)
{
	for (size_t i = 0; i < COUNT_OF(scope_names); i++)
		if (strlen(scope_names[i].name) == len &&
		    memcmp(scope_names[i].name, name, len) == 0) {
			*scopes |= scope_names[i].scopes;
			return true;
		}
	return false;
}

bool scopes_parse(const char *text, size_t len, unsigned *scopes)
{
	*scopes = SCOPE_NONE;
	for (;;) {
		const char *plus = memchr(text, '+', len);
		size_t n = plus ? (size_t)(plus - text) : len;

		if (!scope_by_name(text, n, scopes))
			return false;
		if (!plus)
			return true;
		text += n + 1;
		len -= n + 1;
	}
}

void scopes_format(unsigned scopes, char text[SCOPES_TEXT_SIZE])
{
	if ((scopes & SCOPE_ADMIN) == SCOPE_ADMIN)
		strcpy(text, "admin");
	else if (scopes == (SCOPE_READ | SCOPE_SUBMIT))
		strcpy(text, "read+submit");
	else if (scopes == SCOPE_NONE)
		strcpy(text, "nothing");
	else
		strcpy(text, scopes == SCOPE_READ ? "read" : "submit");
}

/* ---- tokens ---- */

struct tokens {
	struct token *v;
	size_t n;
};

static bool is_name(const char *text)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t len = strlen(text);

	return len >= 1 && len <= TOKEN_NAME_MAX && strspn(text, allowed) == len;
}

static bool read_hash(const char *text, unsigned char hash[32])
{
	if (strlen(text) != 64 || strspn(text, "0123456789abcdefABCDEF") != 64)
		return false;
	for (size_t i = 0; i < 32; i++) {
		char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};

		hash[i] = (unsigned char)strtoul(pair, NULL, 16);
	}
	return true;
}

static bool is_taken(const struct tokens *tokens, const struct token *token)
{
	for (size_t i = 0; i < tokens->n; i++)
		if (strcmp(tokens->v[i].name, token->name) == 0 ||
		    memcmp(tokens->v[i].hash, token->hash, sizeof(token->hash)) == 0)
			return true;
	return false;
}

static enum err read_token(struct tokens *tokens, char *line, const char *where, struct fail *fail)
{
	struct token token = {.scopes = SCOPE_NONE};
	char *rest = line, *name = strsep(&rest, " \t");
	char *scopes = rest ? rest + strspn(rest, " \t") : NULL, *hash = NULL;

	if (scopes) {
		rest = scopes;
		scopes = strsep(&rest, " \t");
		hash = rest ? rest + strspn(rest, " \t") : NULL;
	}
	if (!hash)
		return fail_set(fail, ERR_INVALID, "%s: a line is NAME SCOPES SHA256", where);
	if (!is_name(name))
		return fail_set(fail, ERR_INVALID,
		    "%s: the name \"%.80s\" is not 1 to %d letters, digits, '.', '_' or '-'", where,
		    name, TOKEN_NAME_MAX);
	if (!scopes_parse(scopes, strlen(scopes), &token.scopes))
		return fail_set(fail, ERR_INVALID,
		    "%s: \"%.40s\" is not read, submit or admin, joined by '+'", where, scopes);
	if (!read_hash(hash, token.hash))
		return fail_set(
		    fail, ERR_INVALID, "%s: the hash is not 64 hexadecimal digits", where);
	strcpy(token.name, name);
	if (is_taken(tokens, &token))
		return fail_set(
		    fail, ERR_INVALID, "%s: the name or the token is there already", where);
	if (tokens->n == TOKENS_MAX)
		return fail_set(fail, ERR_INVALID, "%s: more than %d tokens", where, TOKENS_MAX);
	tokens->v = xreallocarray(tokens->v, tokens->n + 1, sizeof(*tokens->v));
	tokens->v[tokens->n++] = token;
	return ERR_OK;
}

/* The line without comment and white space around it; it may be empty. */
static char *trim(char *line)
{
	size_t len;

	line[strcspn(line, "#\r\n")] = '\0';
	line += strspn(line, " \t");
	len = strlen(line);
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		line[--len] = '\0';
	return line;
}

static enum err read_lines(struct tokens *tokens, FILE *file, const char *path, struct fail *fail)
{
	char line[LINE_MAX_BYTES], where[LINE_MAX_BYTES];
	int number = 0;

	while (fgets(line, sizeof(line), file)) {
		char *text;

		snprintf(where, sizeof(where), "%.400s:%d", path, ++number);
		if (!strchr(line, '\n') && !feof(file))
			return fail_set(fail, ERR_INVALID, "%s: longer than %d bytes", where,
			    LINE_MAX_BYTES - 2);
		text = trim(line);
		if (*text && read_token(tokens, text, where, fail))
			return fail->err;
	}
	if (ferror(file))
		return fail_set(fail, ERR_INVALID, "cannot read %.200s: %s", path, strerror(errno));
	return ERR_OK;
}

enum err tokens_load(struct tokens **result, const char *path, struct fail *fail)
{
	FILE *file = fopen(path, "re");
	struct tokens *tokens;

	*result = NULL;
	if (!file)
		return fail_set(fail, ERR_INVALID, "cannot open %.200s: %s", path, strerror(errno));
	tokens = xcalloc(1, sizeof(*tokens));
	fail->err = ERR_OK;
	if (!read_lines(tokens, file, path, fail) && tokens->n == 0)
		fail_set(fail, ERR_INVALID, "%.200s: there is no token in it", path);
	fclose(file);
	if (fail->err)
		tokens_free(tokens);
	else
		*result = tokens;
	return fail->err;
}

void tokens_free(struct tokens *tokens)
{
	if (tokens)
		free(tokens->v);
	free(tokens);
}

const struct token *tokens_find(const struct tokens *tokens, const char *text, size_t len)
{
	const struct token *found = NULL;
	unsigned char hash[EVP_MAX_MD_SIZE];

	if (len > TOKEN_MAX || !EVP_Digest(text, len, hash, NULL, EVP_sha256(), NULL))
		return NULL;
	/* All of them, each as a whole: time tells nothing about the right one. */
	for (size_t i = 0; i < tokens->n; i++)
		if (CRYPTO_memcmp(hash, tokens->v[i].hash, sizeof(tokens->v[i].hash)) == 0)
			found = &tokens->v[i];
	return found;
}

/* ---- users of the socket ---- */

enum who { WHO_USER, WHO_GROUP, WHO_ALL };

struct rule {
	enum who who;
	uid_t uid;
	gid_t gid;
	unsigned scopes;
};

struct socket_rules {
	struct rule *v;
	size_t n;
};

static bool find_user(const char *name, struct rule *rule)
{
	const struct passwd *user = getpwnam(name);

	rule->who = WHO_USER;
	if (user)
		rule->uid = user->pw_uid;
	return user;
}

static bool find_group(const char *name, struct rule *rule)
{
	const struct group *group = getgrnam(name);

	rule->who = WHO_GROUP;
	if (group)
		rule->gid = group->gr_gid;
	return group;
}

static enum err read_who(const char *who, struct rule *rule, struct fail *fail)
{
	if (strcmp(who, "*") == 0) {
		rule->who = WHO_ALL;
		return ERR_OK;
	}
	if (strncmp(who, "user:", 5) == 0)
		return find_user(who + 5, rule)
		           ? ERR_OK
		           : fail_set(fail, ERR_INVALID, "there is no user \"%.80s\"", who + 5);
	if (strncmp(who, "group:", 6) == 0)
		return find_group(who + 6, rule)
		           ? ERR_OK
		           : fail_set(fail, ERR_INVALID, "there is no group \"%.80s\"", who + 6);
	return fail_set(fail, ERR_INVALID, "\"%.80s\" is not user:NAME, group:NAME or *", who);
}

static enum err read_rule(struct socket_rules *rules, char *text, struct fail *fail)
{
	char *equals = strrchr(text, '=');
	struct rule rule = {.scopes = SCOPE_NONE};

	if (!equals)
		return fail_set(fail, ERR_INVALID, "\"%.80s\" is not WHO=SCOPES", text);
	*equals++ = '\0';
	if (read_who(text, &rule, fail))
		return fail->err;
	if (!scopes_parse(equals, strlen(equals), &rule.scopes))
		return fail_set(fail, ERR_INVALID,
		    "\"%.40s\" is not read, submit or admin, joined by '+'", equals);
	rules->v = xreallocarray(rules->v, rules->n + 1, sizeof(*rules->v));
	rules->v[rules->n++] = rule;
	return ERR_OK;
}

enum err socket_rules_parse(struct socket_rules **result, const char *text, struct fail *fail)
{
	struct socket_rules *rules = xcalloc(1, sizeof(*rules));
	char *copy = xstrdup(text), *rest = *copy ? copy : NULL, *part;

	*result = NULL;
	fail->err = ERR_OK;
	while (!fail->err && (part = strsep(&rest, ",")))
		read_rule(rules, part, fail);
	free(copy);
	if (fail->err)
		socket_rules_free(rules);
	else
		*result = rules;
	return fail->err;
}

void socket_rules_free(struct socket_rules *rules)
{
	if (rules)
		free(rules->v);
	free(rules);
}

static bool is_in(gid_t gid, const gid_t *gids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (gids[i] == gid)
			return true;
	return false;
}

unsigned socket_rules_scopes(
    const struct socket_rules *rules, uid_t uid, const gid_t *gids, size_t n)
{
	unsigned scopes = SCOPE_NONE, others = SCOPE_NONE;
	bool fits = false;

	if (rules->n == 0 || uid == 0 || uid == geteuid())
		return SCOPE_ALL;
	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *rule = &rules->v[i];
		bool meant = (rule->who == WHO_USER && rule->uid == uid) ||
		             (rule->who == WHO_GROUP && is_in(rule->gid, gids, n));

		if (meant)
			scopes |= rule->scopes;
		if (rule->who == WHO_ALL)
			others |= rule->scopes;
		fits |= meant;
	}
	return fits ? scopes : others;
}
