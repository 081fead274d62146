/*
 * The handler http:URL: a run is a call of one server, which gets the ids as JSON. The status of
 * its answer, and results in the body, say what has become of them.
 */
#include "handler.h"

#include "upstream_credentials.h"
#include "upstream_multi.h"
#include "upstream_reply.h"
#include "upstream_request.h"
#include "upstream_url.h"
#include "util.h"
#include "version.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIPTORS                                                                                \
	4 /* two addresses are tried at a time; a pair tells that names are resolved               \
	   */

struct http {
	struct handler handler;
	struct handler_env env;
	char *url;
	struct upstream_credentials credentials;
	struct upstream_multi *multi;
};

/* The work of a run. */
struct call {
	struct http *http;
	struct run *run;
	CURL *easy;
	struct upstream_request request;
	struct upstream_reply reply;
	struct event *silence; /* until the answer begins */
	int64_t connect_ns, first_byte_ns, total_ns; /* timeouts in force */
	bool started;
	char error[CURL_ERROR_SIZE];
};

/* ---- the end of a call, which libcurl has forgotten ---- */

static void end_call(struct call *call, struct ending *ending)
{
	struct run *run = call->run;

	curl_easy_cleanup(call->easy);
	event_free(call->silence);
	upstream_request_free(&call->request);
	upstream_reply_free(&call->reply);
	free(call);
	run->events->done(run, ending);
}

static void times_out(struct ending *ending, const char *what, int64_t after_ns)
{
	char duration[DURATION_TEXT_SIZE];

	format_duration(after_ns, duration);
	*ending = (struct ending){.outcome = OUTCOME_RETRY,
	    .failure = FAILURE_TIMEOUT,
	    .message = xasprintf("%s within %s", what, duration)};
}

static void judge_timeout(const struct call *call, struct ending *ending)
{
	if (call->started)
		times_out(ending, "no whole answer", call->total_ns);
	else
		times_out(ending, "no connection",
		    call->connect_ns < call->total_ns ? call->connect_ns : call->total_ns);
}

/* There is no answer, or no whole one. */
static void judge_error(const struct call *call, CURLcode code, struct ending *ending)
{
	bool unreadable = code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_UNSUPPORTED_PROTOCOL;
	const char *why = *call->error ? call->error : curl_easy_strerror(code);

	if (code == CURLE_ABORTED_BY_CALLBACK) /* by on_ready() */
		why = "the connection was closed before an answer began";
	*ending = (struct ending){.outcome = OUTCOME_RETRY,
	    .failure = unreadable ? FAILURE_REPLY : FAILURE_NETWORK,
	    .message = xstrdup(why)};
}

static void on_call_done(CURL *easy, CURLcode code)
{
	struct ending ending;
	struct call *call;
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK || call->reply.too_long)
		upstream_reply_judge(&call->reply, status, &call->run->ids, &ending);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		judge_timeout(call, &ending);
	else
		judge_error(call, code, &ending);
	upstream_reply_output(&call->reply, &ending.out);
	end_call(call, &ending);
}

static void on_silence(evutil_socket_t fd, short events, void *arg)
{
	struct call *call = arg;
	struct ending ending;

	(void)fd, (void)events;
	times_out(&ending, "no answer", call->first_byte_ns);
	upstream_multi_remove(call->http->multi, call->easy);
	end_call(call, &ending);
}

static void http_cancel(struct handler *handler, struct run *run, bool now)
{
	struct call *call = run->work;
	struct ending ending = {.outcome = call->started ? OUTCOME_UNKNOWN : OUTCOME_INTERRUPTED};

	(void)handler, (void)now;
	upstream_multi_remove(call->http->multi, call->easy);
	end_call(call, &ending);
}

/* ---- what happens to a call ---- */

/*
 * The connection is there and the request about to leave. libcurl comes here again, with another
 * connection, when the other side has closed one that was kept. But each request takes a slot.
 */
static int on_ready(void *arg, char *to, char *from, int to_port, int from_port)
{
	struct call *call = arg;
	struct timeval wait = {.tv_sec = call->first_byte_ns / NS_PER_S,
	    .tv_usec = call->first_byte_ns % NS_PER_S / 1000};

	(void)to, (void)from, (void)to_port, (void)from_port;
	if (call->started)
		return CURL_PREREQFUNC_ABORT;
	call->started = true;
	event_base_update_cache_time(call->http->env.base);
	evtimer_add(call->silence, &wait);
	call->run->events->started(call->run);
	return CURL_PREREQFUNC_OK;
}

static size_t on_header(char *line, size_t one, size_t len, void *arg)
{
	struct call *call = arg;

	(void)one;
	evtimer_del(call->silence);
	upstream_reply_header(&call->reply, line, len, clock_utc_ms(call->http->env.clock));
	return len;
}

static size_t on_body(char *data, size_t one, size_t len, void *arg)
{
	struct call *call = arg;

	(void)one;
	return upstream_reply_body(&call->reply, data, len) ? len : 0;
}

/* ---- the start of a call ---- */

static long ms(int64_t ns)
{
	return (long)((ns + NS_PER_MS - 1) / NS_PER_MS);
}

/* One server, nothing from the environment, no way around its certificate. */
#define SET(option, value)                                                                         \
	do {                                                                                       \
		if (curl_easy_setopt(easy, CURLOPT_##option, value) != CURLE_OK)                   \
			abort();                                                                   \
	} while (0)

static void set_connection(const struct call *call, CURL *easy)
{
	const struct buf *ca = &call->http->credentials.ca;

	SET(URL, call->http->url);
	SET(PROTOCOLS_STR, "http,https");
	SET(PROXY, "");
	SET(NOSIGNAL, 1L);
	SET(QUICK_EXIT, 1L); /* a name that is being resolved is not waited for */
	SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(TCP_KEEPALIVE, 1L);
	SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(SSL_VERIFYPEER, 1L);
	SET(SSL_VERIFYHOST, 2L);
	if (ca->len > 0) {
		SET(CAINFO_BLOB, (&(struct curl_blob){
				     .data = ca->data, .len = ca->len, .flags = CURL_BLOB_COPY}));
		SET(CAPATH, NULL); /* the system's, which would count as well */
	}
	SET(CONNECTTIMEOUT_MS, ms(call->connect_ns));
	SET(TIMEOUT_MS, ms(call->total_ns));
}

static void set_request(struct call *call, CURL *easy)
{
	SET(POST, 1L);
	SET(POSTFIELDSIZE_LARGE, (curl_off_t)call->request.body.len);
	SET(POSTFIELDS, call->request.body.data);
	SET(USERAGENT, "ingestd/" INGESTD_VERSION);
	SET(HTTPHEADER, call->request.headers);
	SET(PREREQFUNCTION, on_ready);
	SET(PREREQDATA, call);
	SET(HEADERFUNCTION, on_header);
	SET(HEADERDATA, call);
	SET(WRITEFUNCTION, on_body);
	SET(WRITEDATA, call);
	SET(ERRORBUFFER, call->error);
	SET(PRIVATE, call);
}

static void http_start(struct handler *handler, struct run *run)
{
	struct http *http = (struct http *)handler;
	const struct conf *conf = http->env.conf;
	struct call *call = xcalloc(1, sizeof(*call));

	call->http = http;
	call->run = run;
	call->connect_ns = conf->upstream_connect_timeout_ns;
	call->first_byte_ns = conf->upstream_first_byte_timeout_ns;
	call->total_ns = conf->upstream_timeout_ns;
	upstream_request_make(
	    &call->request, run, &http->credentials, clock_utc_ms(http->env.clock) / 1000);
	upstream_reply_init(&call->reply, conf->upstream_max_reply);
	call->silence = evtimer_new(http->env.base, on_silence, call);
	call->easy = curl_easy_init();
	if (!call->easy || !call->silence)
		abort();
	event_priority_set(call->silence, 0);
	set_connection(call, call->easy);
	set_request(call, call->easy);
	run->work = call;
	upstream_multi_add(http->multi, call->easy);
}

/* ---- the handler ---- */

static enum err http_reload(struct handler *handler, struct fail *fail)
{
	struct http *http = (struct http *)handler;
	struct upstream_credentials fresh;

	if (upstream_credentials_read(&fresh, http->env.conf, fail))
		return fail->err;
	upstream_credentials_free(&http->credentials);
	http->credentials = fresh;
	return ERR_OK;
}

static void http_close(struct handler *handler)
{
	struct http *http = (struct http *)handler;

	upstream_multi_free(http->multi);
	upstream_credentials_free(&http->credentials);
	free(http->url);
	free(http);
}

static enum err http_open(struct handler **handler, const char *arguments,
    const struct handler_env *env, struct fail *fail)
{
	struct upstream_credentials credentials;
	struct http *http;

	if (upstream_url_check(arguments, fail) ||
	    upstream_credentials_read(&credentials, env->conf, fail))
		return fail->err;
	if (!env->base) {
		upstream_credentials_free(&credentials);
		return ERR_OK;
	}
	http = xcalloc(1, sizeof(*http));
	http->handler.ops = &handler_http;
	http->env = *env;
	http->url = xstrdup(arguments);
	http->credentials = credentials;
	http->multi = upstream_multi_new(env->base, (long)env->conf->concurrency, on_call_done);
	*handler = &http->handler;
	return ERR_OK;
}

const struct handler_ops handler_http = {
    .scheme = "http",
    .descriptors = DESCRIPTORS,
    .open = http_open,
    .reload = http_reload,
    .start = http_start,
    .cancel = http_cancel,
    .close = http_close,
};
