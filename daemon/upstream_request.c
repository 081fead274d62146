#include "upstream_request.h"

#include "util.h"
#include "wire_upstream.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct uuid upstream_request_key(const struct run *run)
{
	struct buf name = {0};
	struct uuid key;

	if (run->notice)
		return uuid_v5(&run->ingestion, run->notice, strlen(run->notice));
	if (run->whole)
		return run->batch_id;
	idlist_format(run->ids.v, run->ids.n, ',', &name);
	key = uuid_v5(&run->batch_id, name.data, name.len);
	buf_free(&name);
	return key;
}

static void add_header(struct upstream_request *request, const char *text)
{
	struct curl_slist *longer = curl_slist_append(request->headers, text);

	if (!longer)
		abort();
	request->headers = longer;
}

__attribute__((format(printf, 2, 3))) static void print_header(
    struct upstream_request *request, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add_header(request, text);
}

/* All secrets sign, so that the other side can take its time to learn a new one. */
static void sign(
    struct upstream_request *request, const struct upstream_credentials *credentials, int64_t utc_s)
{
	struct buf text = {0};

	buf_add_str(&text, "webhook-signature:");
	for (size_t i = 0; i < credentials->secrets_n; i++) {
		buf_add_str(&text, " ");
		upstream_secret_sign(&credentials->secrets[i], request->key, utc_s,
		    request->body.data, request->body.len, &text);
	}
	add_header(request, text.data);
	buf_free(&text);
}

static void write_body(struct upstream_request *request, const struct run *run)
{
	if (run->notice)
		buf_add_str(&request->body, run->notice);
	else
		wire_write_batch(&(struct wire_batch){.ingestion = &run->ingestion,
				     .batch = &run->batch_id,
				     .ids = &run->ids,
				     .priority = run->priority,
				     .label = run->label},
		    &request->body);
}

void upstream_request_make(struct upstream_request *request, const struct run *run,
    const struct upstream_credentials *credentials, int64_t utc_s)
{
	struct uuid key = upstream_request_key(run);

	*request = (struct upstream_request){.headers = NULL};
	uuid_format(&key, request->key);
	write_body(request, run);
	add_header(request, "Content-Type: application/json");
	add_header(request, "Expect:"); /* none: it would only cost a round trip */
	print_header(request, "Idempotency-Key: %s", request->key);
	print_header(request, "Ingest-Attempt: %" PRId64, run->attempt);
	print_header(request, "webhook-id: %s", request->key);
	print_header(request, "webhook-timestamp: %" PRId64, utc_s);
	if (credentials->secrets_n > 0)
		sign(request, credentials, utc_s);
	for (size_t i = 0; i < credentials->headers_n; i++)
		add_header(request, credentials->headers[i]);
}

void upstream_request_free(struct upstream_request *request)
{
	curl_slist_free_all(request->headers);
	buf_free(&request->body);
	*request = (struct upstream_request){.headers = NULL};
}
