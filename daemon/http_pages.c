/* Health, the list of what there is, and the documentation. */
#include "http_exchange.h"

#include "version.h"

#include <string.h>

static const char openapi_json[] =
#include "openapi.json.h"
    ;

static const char docs_html[] =
#include "docs.html.h"
    ;

static void answer_text(struct http_exchange *exchange, const char *type, const char *text)
{
	exchange->reply.status = 200;
	exchange->reply.type = type;
	buf_add_str(&exchange->reply.body, text);
	http_answer(exchange);
}

void http_health(struct http_exchange *exchange)
{
	answer_text(exchange, "application/json", "{\"status\":\"ok\"}\n");
}

void http_openapi(struct http_exchange *exchange)
{
	answer_text(exchange, "application/json", openapi_json);
}

/* The page may load nothing but what is in it, and the document that it shows. */
void http_docs(struct http_exchange *exchange)
{
	http_reply_field(&exchange->reply, "Content-Security-Policy", "%s",
	    "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; "
	    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors "
	    "'none'");
	answer_text(exchange, "text/html; charset=utf-8", docs_html);
}

void http_index(struct http_exchange *exchange)
{
	http_reply_field(&exchange->reply, "Vary", "Accept");
	if (exchange->wants_html)
		http_docs(exchange);
	else
		answer_text(exchange, "application/json",
		    "{\"name\":\"ingestd\",\"version\":\"" INGESTD_VERSION
		    "\",\"documentation\":\"/docs\",\"openapi\":\"/openapi.json\"}\n");
}

/* ---- readiness ---- */

/* Longer than the longest pause of the sweeper (sweeper.c), which commits even when nothing is
 * done. */
#define COMMIT_AGE_MAX_MS 180000

/* What speaks against sending submissions here now. */
static const char *not_ready(
    const struct http_exchange *exchange, const struct wire_stats_reply *stats)
{
	if (api_is_draining(exchange->api))
		return "the daemon is shutting down";
	if (stats->commit_age_ms < 0 || stats->commit_age_ms > COMMIT_AGE_MAX_MS)
		return "the store has committed nothing lately";
	if (stats->free_bytes >= 0 && stats->free_bytes < exchange->conf->min_free_bytes)
		return "the disk of the store is almost full";
	return NULL;
}

/* Needs no scope, though it looks at the figures. */
void http_ready(struct http_exchange *exchange)
{
	exchange->call.scopes = SCOPE_ALL;
	http_stats(exchange);
}

void http_ready_done(struct http_exchange *exchange)
{
	const char *why = not_ready(exchange, &exchange->call.reply.stats);
	struct fail fail;

	if (why) {
		fail_set(&fail, ERR_BUSY, "not ready: %s", why);
		http_problem(&exchange->reply, 503, &fail, exchange->request_id);
	} else {
		buf_add_str(&exchange->reply.body, "{\"status\":\"ready\"}\n");
	}
}
