/* Who may ask for what: Host, Origin, tokens, scopes. */
#include "http_conn.h"

#include "http_fields.h"
#include "util.h"

#include <string.h>

/* ---- Host ---- */

static const char *const own_hosts[] = {"localhost", "127.0.0.1", "[::1]"};

static bool is_allowed_host(const struct conf *conf, const char *host)
{
	const char *at = conf->http_allow_host, *name;
	size_t len;

	for (size_t i = 0; i < COUNT_OF(own_hosts); i++)
		if (strcmp(own_hosts[i], host) == 0)
			return true;
	while (*conf->http_allow_host && http_list_next(&at, &name, &len))
		if (http_equal(name, len, host))
			return true;
	return false;
}

/*
 * A page from elsewhere whose name suddenly leads to 127.0.0.1 (DNS rebinding) shows in this field;
 * a listener for everybody cannot know its names.
 */
static bool check_host(const struct http_turn *turn, int *status, struct fail *fail)
{
	const char *host = turn->request->host;

	if (!turn->conn->loopback || !host || is_allowed_host(turn->exchange.conf, host))
		return true;
	*status = 421;
	fail_set(fail, ERR_FORBIDDEN,
	    "Host \"%.80s\" is not a name of this machine: see --http-allow-host", host);
	return false;
}

/* ---- Origin ---- */

/* The page's host. The scheme is that of the proxy in front of us, if there is one. */
static bool read_origin(const char *origin, char name[HTTP_HOST_MAX + 1], int *port)
{
	static const struct {
		const char *text;
		int port;
	} schemes[] = {{"http://", 80}, {"https://", 443}};

	for (size_t i = 0; i < COUNT_OF(schemes); i++) {
		size_t len = strlen(schemes[i].text);

		if (strncmp(origin, schemes[i].text, len) != 0)
			continue;
		if (!http_host_read(origin + len, strlen(origin + len), name, port))
			return false;
		if (*port == schemes[i].port)
			*port = 0;
		return true;
	}
	return false;
}

/* Whether a page of this host and port (0: the usual one) is ours. */
static bool is_own(const struct http_request *request, const char *name, int port)
{
	return request->host && strcmp(name, request->host) == 0 &&
	       (port == request->port ||
		   (port == 0 && (request->port == 80 || request->port == 443)));
}

/* Pages may ask only where they come from. */
static bool check_origin(const struct http_turn *turn, int *status, struct fail *fail)
{
	const char *origin = http_header(turn->request, "origin");
	const char *type = http_header(turn->request, "content-type");
	struct http_media media;
	char name[HTTP_HOST_MAX + 1];
	int port;

	if (!origin)
		return true;
	if (!read_origin(origin, name, &port) || !is_own(turn->request, name, port)) {
		*status = 403;
		fail_set(fail, ERR_FORBIDDEN, "pages of %.80s may not ask here", origin);
		return false;
	}
	if (!turn->exchange.route->has_body ||
	    (type && http_media_read(type, &media) && strcmp(media.type, "application/json") == 0))
		return true;
	*status = 415;
	fail_set(fail, ERR_INVALID, "from a page the body must be application/json");
	return false;
}

/* ---- tokens ---- */

static bool unauthorized(
    struct http_turn *turn, const char *challenge, const char *text, int *status, struct fail *fail)
{
	*status = 401;
	http_reply_field(&turn->exchange.reply, "WWW-Authenticate", "%s", challenge);
	fail_set(fail, ERR_UNAUTHORIZED, "%s", text);
	return false;
}

static bool check_token(struct http_turn *turn, int *status, struct fail *fail)
{
	struct api_call *call = &turn->exchange.call;
	const char *value = http_header(turn->request, "authorization");
	const struct token *token;

	if (!value)
		return unauthorized(turn, "Bearer", "a token is needed", status, fail);
	if (strlen(value) < 7 || !http_equal(value, 7, "bearer "))
		return unauthorized(
		    turn, "Bearer", "Authorization must be \"Bearer\" and a token", status, fail);
	value += 7;
	value += strspn(value, " ");
	token = tokens_find(turn->conn->http->tokens, value, strlen(value));
	if (!token)
		return unauthorized(turn, "Bearer error=\"invalid_token\"",
		    "the token is not one of those that are known", status, fail);
	snprintf(call->principal, sizeof(call->principal), "token:%s", token->name);
	call->scopes = token->scopes;
	return true;
}

static bool identify(struct http_turn *turn, int *status, struct fail *fail)
{
	struct http_conn *conn = turn->conn;
	struct api_call *call = &turn->exchange.call;

	if (conn->local) {
		snprintf(
		    call->principal, sizeof(call->principal), "uid:%u", (unsigned)conn->peer.uid);
		call->scopes = conn->scopes;
		return true;
	}
	if (turn->exchange.route->scope != SCOPE_NONE && conn->http->tokens)
		return check_token(turn, status, fail);
	strcpy(call->principal, "http");
	call->scopes = SCOPE_ALL;
	return true;
}

static bool check_scope(struct http_turn *turn, int *status, struct fail *fail)
{
	struct api_call *call = &turn->exchange.call;
	char needs[SCOPES_TEXT_SIZE], has[SCOPES_TEXT_SIZE];

	if (!(turn->exchange.route->scope & ~call->scopes))
		return true;
	*status = 403;
	scopes_format(turn->exchange.route->scope, needs);
	scopes_format(call->scopes, has);
	fail_set(fail, ERR_FORBIDDEN, "this needs the scope %s, and %s has %s", needs,
	    call->principal, has);
	return false;
}

bool http_access_check(struct http_turn *turn, int *status, struct fail *fail)
{
	bool is_health = turn->exchange.route->is_health;

	if (!is_health && (!check_host(turn, status, fail) || !check_origin(turn, status, fail)))
		return false;
	return identify(turn, status, fail) && check_scope(turn, status, fail);
}
