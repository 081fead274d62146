/*
 * Who may do what: scopes, the tokens that HTTP clients present, and the rules for users of the
 * socket. No sockets, no clock; each object is read once and never changes.
 */
#ifndef INGESTD_ACCESS_H
#define INGESTD_ACCESS_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What a verb needs, and what somebody has. `admin` has the others, too. */
enum scope {
	SCOPE_NONE = 0,
	SCOPE_READ = 1,
	SCOPE_SUBMIT = 2,
	SCOPE_ADMIN = 4,
	SCOPE_ALL = SCOPE_READ | SCOPE_SUBMIT | SCOPE_ADMIN,
};

#define SCOPES_TEXT_SIZE 32

/*
 * Reads scopes joined by '+', such as "submit+read"; "admin" stands for all of them. False: it is
 * something else.
 */
bool scopes_parse(const char *text, size_t len, unsigned *scopes);

/* The same as text; "nothing" for none. */
void scopes_format(unsigned scopes, char text[SCOPES_TEXT_SIZE]);

/* ---- tokens ---- */

#define TOKEN_NAME_MAX 64 /* bytes; letters, digits, '.', '_', '-' */
#define TOKEN_MAX 512 /* bytes of a token */
#define TOKENS_MAX 10000

struct token {
	char name[TOKEN_NAME_MAX + 1];
	unsigned scopes;
	unsigned char hash[32]; /* SHA-256 of the token: the file does not have to be secret */
};

struct tokens;

/*
 * Reads a tokens file: one token per line, "NAME SCOPES SHA256", the hash in hexadecimal digits;
 * '#' starts a comment. ERR_INVALID with a text that names the line.
 */
enum err tokens_load(struct tokens **tokens, const char *path, struct fail *fail);

void tokens_free(struct tokens *tokens);

/* The token that hashes to one of the list, or NULL. Takes the same time for every wrong one. */
const struct token *tokens_find(const struct tokens *tokens, const char *text, size_t len);

/* ---- users of the socket ---- */

struct socket_rules;

/*
 * Reads rules "WHO=SCOPES", separated by commas, where WHO is user:NAME, group:NAME or *, for
 * everybody else. Without rules everybody who can connect may do everything. ERR_INVALID with a
 * text that names the rule; `rules` is NULL then.
 */
enum err socket_rules_parse(struct socket_rules **rules, const char *text, struct fail *fail);

void socket_rules_free(struct socket_rules *rules);

/*
 * The scopes of a user in these groups: those of all rules that fit, together; "*" counts when no
 * other does. Root, and the user that the daemon runs as, have all.
 */
unsigned socket_rules_scopes(
    const struct socket_rules *rules, uid_t uid, const gid_t *gids, size_t n);

#endif
