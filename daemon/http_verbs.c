/* What the routes do: requests become calls of the verbs, their replies become bodies. */
#include "http_exchange.h"

#include "http_fields.h"
#include "http_metrics.h"
#include "util.h"
#include "wire_http.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define JSON_TYPE "application/json"

/* ---- calls ---- */

/* What a reply can take, at most, per ingestion of a list. */
#define LIST_ROW_BYTES 960
/* What a call that waits holds, with all that belongs to it. */
#define WAIT_BYTES (8 * 1024)

static bool waits(const struct wire_request *request)
{
	return request->method == WIRE_STATUS && request->status.wait_ms > 0;
}

/* Whether the page that a long poll has brought can be sent: only now its size is known. */
static bool has_room(struct http_exchange *exchange, struct fail *fail)
{
	size_t len = exchange->reply.body.len;

	return !waits(&exchange->call.request) || len <= WAIT_BYTES ||
	       exchange->hold(exchange, (int64_t)len, fail);
}

static void on_done(struct api_call *call)
{
	struct http_exchange *exchange = (struct http_exchange *)call;
	struct fail fail;

	if (call->reply.fail.err) {
		http_refuse_fail(exchange, &call->reply.fail);
		return;
	}
	exchange->reply.status = 200;
	exchange->reply.type = JSON_TYPE;
	exchange->route->finish(exchange);
	if (has_room(exchange, &fail)) {
		http_answer(exchange);
	} else {
		buf_free(&exchange->reply.fields);
		http_refuse_fail(exchange, &fail);
	}
}

/* The possible size of a long reply. A long poll makes its page only when something has happened.
 */
static int64_t page_bytes(const struct wire_request *request)
{
	if (request->method == WIRE_LIST)
		return request->list.limit * LIST_ROW_BYTES;
	/* Its reply is short, but it holds a page meanwhile. */
	if (request->method == WIRE_BULK)
		return request->bulk.limit * LIST_ROW_BYTES;
	if (request->method == WIRE_NODES)
		return WIRE_NODES_BYTES;
	if (waits(request))
		return WAIT_BYTES;
	if (request->method == WIRE_REPORT ||
	    (request->method == WIRE_STATUS && request->status.limit > 0))
		return STORE_PAGE_BYTES;
	return 0;
}

void http_call(struct http_exchange *exchange, enum wire_method method)
{
	struct fail fail;

	exchange->call.request.method = method;
	exchange->call.done = on_done;
	if (exchange->hold(exchange, page_bytes(&exchange->call.request), &fail))
		api_start(exchange->api, &exchange->call);
	else
		http_refuse_fail(exchange, &fail);
}

/* ---- parameters in the query ---- */

/* What is wrong with a parameter, or nothing yet. */
struct query {
	const char *text;
	struct fail fail;
};

/* The value of a parameter, or NULL when it is not there, or when the query is wrong. */
static const char *parameter(struct query *query, const char *name, char value[HTTP_FIELD_MAX])
{
	if (query->fail.err)
		return NULL;
	switch (http_query_get(query->text, name, value, HTTP_FIELD_MAX)) {
	case HTTP_FOUND:
		return value;
	case HTTP_MISSING:
		return NULL;
	default:
		fail_set(&query->fail, ERR_INVALID,
		    "the value of \"%s\" is given twice, too long, or wrongly encoded", name);
		return NULL;
	}
}

static void number(struct query *query, const char *name, int64_t min, int64_t max, int64_t *result)
{
	char value[HTTP_FIELD_MAX];
	const char *text = parameter(query, name, value);
	int64_t n;

	if (!text)
		return;
	if (parse_u63(text, strlen(text), &n) && n >= min && n <= max)
		*result = n;
	else
		fail_set(&query->fail, ERR_INVALID,
		    "%s: \"%.40s\" is not an integer from %" PRId64 " to %" PRId64, name, text, min,
		    max);
}

static void boolean(struct query *query, const char *name, bool *result)
{
	char value[HTTP_FIELD_MAX];
	const char *text = parameter(query, name, value);

	if (!text)
		return;
	*result = strcmp(text, "true") == 0;
	if (!*result && strcmp(text, "false") != 0)
		fail_set(
		    &query->fail, ERR_INVALID, "%s: \"%.40s\" is not true or false", name, text);
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

/* Parameters that the route does not know are mistakes. */
static void only(struct query *query, const char *const *names)
{
	const char *at = query->text;
	struct http_pair pair;
	enum http_found found;

	while ((found = http_query_next(&at, &pair)) == HTTP_FOUND && !query->fail.err)
		if (!is_one_of(pair.name, names))
			fail_set(&query->fail, ERR_INVALID, "unknown parameter \"%s\"", pair.name);
	if (found == HTTP_BAD)
		fail_set(&query->fail, ERR_INVALID, "the query is wrongly encoded");
}

/* ---- POST /ingest ---- */

void http_ingest(struct http_exchange *exchange)
{
	struct wire_submit *submit = &exchange->call.request.submit;
	struct fail fail;

	if (wire_http_read_ingest(
		exchange->body, exchange->body_len, exchange->conf->max_id, submit, &fail)) {
		http_refuse_fail(exchange, &fail);
		return;
	}
	strcpy(submit->key, exchange->key);
	http_call(exchange, WIRE_SUBMIT);
}

void http_ingest_done(struct http_exchange *exchange)
{
	const struct uuid *id = &exchange->call.reply.submit.ingestion;
	char text[UUID_TEXT_SIZE];

	uuid_format(id, text);
	exchange->reply.status = (int)exchange->conf->http_accepted_status;
	http_reply_field(&exchange->reply, "Location", "/ingestions/%s", text);
	wire_http_write_ingest(id, &exchange->reply.body);
}

/* ---- GET /status/{id}, GET /ingestions/{id} ---- */

static void read_wait(struct query *query, struct wire_status *status)
{
	char value[HTTP_FIELD_MAX];
	const char *text = parameter(query, "wait", value);
	int64_t ns;

	if (text && (!parse_duration(text, &ns) || ns / NS_PER_MS > WIRE_WAIT_MAX_MS))
		fail_set(&query->fail, ERR_INVALID,
		    "wait: \"%.40s\" is not a duration (such as 30s) of at most 1h", text);
	else if (text)
		status->wait_ms = ns / NS_PER_MS;
	text = parameter(query, "until", value);
	if (text && strcmp(text, "final") == 0)
		status->until = WIRE_UNTIL_FINAL;
	else if (text && strcmp(text, "change") != 0)
		fail_set(
		    &query->fail, ERR_INVALID, "until: \"%.40s\" is not change or final", text);
}

/* The version in the client's entity tag W/"N", for a wait from there on; 0: none. */
static int64_t known_version(const char *if_none_match)
{
	const char *quote = strchr(if_none_match, '"');
	size_t len = quote ? strcspn(quote + 1, "\"") : 0;
	int64_t version;

	return len > 0 && parse_u63(quote + 1, len, &version) ? version : 0;
}

bool http_read_ingestion(struct http_exchange *exchange, struct uuid *ingestion)
{
	struct fail unknown;

	if (uuid_parse(exchange->id, ingestion))
		return true;
	fail_set(&unknown, ERR_NOT_FOUND, "Ingestion ID not found");
	http_refuse_fail(exchange, &unknown);
	return false;
}

void http_status(struct http_exchange *exchange)
{
	static const char *const names[] = {"batches", "limit", "wait", "until", "output", NULL};
	struct wire_status *status = &exchange->call.request.status;
	struct query query = {.text = exchange->query, .fail.err = ERR_OK};

	status->limit = WIRE_STATUS_LIMIT;
	if (!http_read_ingestion(exchange, &status->ingestion))
		return;
	only(&query, names);
	boolean(&query, "output", &status->output);
	number(&query, "batches", 0, IDLIST_MAX, &status->from_batch);
	number(&query, "limit", 0, WIRE_STATUS_LIMIT, &status->limit);
	read_wait(&query, status);
	status->since = known_version(exchange->if_none_match);
	if (query.fail.err)
		http_refuse_fail(exchange, &query.fail);
	else
		http_call(exchange, WIRE_STATUS);
}

void http_status_done(struct http_exchange *exchange)
{
	const struct status_page *page = &exchange->call.reply.status;
	char etag[32], id[UUID_TEXT_SIZE], next[128];

	snprintf(etag, sizeof(etag), "W/\"%" PRId64 "\"", page->ingestion.version);
	http_reply_field(&exchange->reply, "ETag", "%s", etag);
	http_reply_field(&exchange->reply, "Cache-Control", "no-cache");
	if (http_etags_have(exchange->if_none_match, etag)) {
		exchange->reply.status = 304;
		exchange->reply.type = NULL;
		return;
	}
	uuid_format(&page->ingestion.uuid, id);
	snprintf(next, sizeof(next), "/ingestions/%s?batches=%" PRId64 "&limit=%" PRId64 "%s", id,
	    page->next_batch, exchange->call.request.status.limit,
	    exchange->call.request.status.output ? "&output=true" : "");
	wire_http_write_page(WIRE_STATUS, &exchange->call.reply,
	    page->next_batch >= 0 ? next : NULL, &exchange->reply.body);
}

/* ---- GET /ingestions/{id}/report ---- */

void http_report(struct http_exchange *exchange)
{
	static const char *const names[] = {"failed", "id", "limit", "cursor", NULL};
	struct wire_report *report = &exchange->call.request.report;
	struct query query = {.text = exchange->query, .fail.err = ERR_OK};

	report->limit = WIRE_REPORT_LIMIT;
	if (!http_read_ingestion(exchange, &report->ingestion))
		return;
	only(&query, names);
	boolean(&query, "failed", &report->filter.failed);
	number(&query, "id", 1, INT64_MAX, &report->filter.id);
	number(&query, "limit", 1, WIRE_REPORT_LIMIT, &report->limit);
	number(&query, "cursor", 0, IDLIST_MAX, &report->from);
	if (query.fail.err)
		http_refuse_fail(exchange, &query.fail);
	else
		http_call(exchange, WIRE_REPORT);
}

/* The same query from another position on. */
static void write_next_report(const struct wire_report *report, int64_t position, struct buf *next)
{
	char id[UUID_TEXT_SIZE];

	uuid_format(&report->ingestion, id);
	buf_printf(next, "/ingestions/%s/report?limit=%" PRId64, id, report->limit);
	if (report->filter.failed)
		buf_add_str(next, "&failed=true");
	if (report->filter.id > 0)
		buf_printf(next, "&id=%" PRId64, report->filter.id);
	buf_printf(next, "&cursor=%" PRId64, position);
}

void http_report_done(struct http_exchange *exchange)
{
	const struct report_page *page = &exchange->call.reply.report.page;
	struct buf next = {0};

	if (page->next >= 0)
		write_next_report(&exchange->call.request.report, page->next, &next);
	wire_http_write_page(WIRE_REPORT, &exchange->call.reply, next.data, &exchange->reply.body);
	buf_free(&next);
}

/* ---- GET /ingestions ---- */

static void read_words(struct query *query, struct list_filter *filter)
{
	char value[HTTP_FIELD_MAX];
	const char *text = parameter(query, "status", value);

	filter->has_status = text != NULL;
	if (text && !ingestion_status_by_name(text, &filter->status))
		fail_set(&query->fail, ERR_INVALID, "status: \"%.40s\" is not a status", text);
	text = parameter(query, "priority", value);
	filter->has_priority = text != NULL;
	if (text && !priority_by_name(text, &filter->priority))
		fail_set(&query->fail, ERR_INVALID,
		    "priority: \"%.40s\" is not one of HIGH, MEDIUM, LOW", text);
}

static void read_age(struct query *query, int64_t *older_than_ms)
{
	char value[HTTP_FIELD_MAX];
	const char *text = parameter(query, "older_than", value);
	int64_t ns;

	if (text && (!parse_duration(text, &ns) || ns < NS_PER_MS))
		fail_set(&query->fail, ERR_INVALID,
		    "older_than: \"%.40s\" is not a duration (such as 2h) from 1ms to 365d", text);
	else if (text)
		*older_than_ms = ns / NS_PER_MS;
}

static void copy(struct query *query, const char *name, char *to, size_t size)
{
	char value[HTTP_FIELD_MAX];
	const char *text = parameter(query, name, value);

	if (text && (!*text || strlen(text) >= size))
		fail_set(&query->fail, ERR_INVALID, "%s: a value of 1 to %zu bytes is needed", name,
		    size - 1);
	else if (text)
		strcpy(to, text);
}

void http_list(struct http_exchange *exchange)
{
	static const char *const names[] = {
	    "status", "priority", "label", "older_than", "seq", "limit", "cursor", NULL};
	struct wire_list *list = &exchange->call.request.list;
	struct query query = {.text = exchange->query, .fail.err = ERR_OK};

	list->limit = WIRE_LIST_DEFAULT;
	only(&query, names);
	read_words(&query, &list->filter);
	copy(&query, "label", list->filter.label, sizeof(list->filter.label));
	read_age(&query, &list->older_than_ms);
	copy(&query, "cursor", list->cursor, sizeof(list->cursor));
	number(&query, "seq", 1, INT64_MAX, &list->filter.seq);
	number(&query, "limit", 1, WIRE_LIST_LIMIT, &list->limit);
	if (query.fail.err)
		http_refuse_fail(exchange, &query.fail);
	else
		http_call(exchange, WIRE_LIST);
}

static void encode(const char *text, struct buf *out)
{
	for (; *text; text++)
		if (http_is(*text, HTTP_TOKEN) && !strchr("#%&+", *text))
			buf_add(out, text, 1);
		else
			buf_printf(out, "%%%02X", (unsigned char)*text);
}

/* The same query with another cursor. */
static void write_next(const struct wire_list *list, const char *cursor, struct buf *next)
{
	const struct list_filter *filter = &list->filter;

	buf_printf(next, "/ingestions?limit=%" PRId64, list->limit);
	if (filter->has_status)
		buf_printf(next, "&status=%s", ingestion_status_name(filter->status));
	if (filter->has_priority)
		buf_printf(next, "&priority=%s", priority_name(filter->priority));
	if (filter->label[0]) {
		buf_add_str(next, "&label=");
		encode(filter->label, next);
	}
	if (list->older_than_ms > 0)
		buf_printf(next, "&older_than=%" PRId64 "ms", list->older_than_ms);
	buf_printf(next, "&cursor=%s", cursor);
}

void http_list_done(struct http_exchange *exchange)
{
	const struct list_page *page = &exchange->call.reply.list;
	struct buf next = {0};

	if (page->next[0])
		write_next(&exchange->call.request.list, page->next, &next);
	wire_http_write_page(WIRE_LIST, &exchange->call.reply, next.data, &exchange->reply.body);
	buf_free(&next);
}

/* ---- figures ---- */

void http_stats(struct http_exchange *exchange)
{
	http_call(exchange, WIRE_STATS);
}

void http_stats_done(struct http_exchange *exchange)
{
	wire_write_result(WIRE_STATS, &exchange->call.reply, &exchange->reply.body);
}

void http_metrics_done(struct http_exchange *exchange)
{
	exchange->reply.type = HTTP_METRICS_TYPE;
	http_metrics_write(&exchange->call.reply.stats, &exchange->reply.body);
}

void http_nodes(struct http_exchange *exchange)
{
	http_call(exchange, WIRE_NODES);
}

void http_nodes_done(struct http_exchange *exchange)
{
	wire_write_result(WIRE_NODES, &exchange->call.reply, &exchange->reply.body);
}
