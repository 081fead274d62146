/* The methods about starting batches at all: pause, resume, drain, rate; and reload. */
#include "wire_codec.h"

#include "util.h"

#include <stdlib.h>

/* ---- the control document ---- */

static void add_stamp(cJSON *object, const struct stamp *stamp, const char *who, const char *at)
{
	if (stamp->who[0])
		cJSON_AddStringToObject(object, who, stamp->who);
	wire_add_time(object, at, stamp->at_ms);
}

static bool get_stamp(const cJSON *object, struct stamp *stamp, const char *who, const char *at)
{
	const cJSON *name = json_get(object, who);

	return (!name || wire_get_text(name, stamp->who, sizeof(stamp->who))) &&
	       wire_get_time(json_get(object, at), &stamp->at_ms);
}

void wire_add_pause(cJSON *object, const struct control *control)
{
	cJSON_AddStringToObject(object, "pause", pause_name(control->pause));
	wire_add_time(object, "pause_until", control->pause_until_ms);
	add_stamp(object, &control->paused, "paused_by", "paused_at");
	if (control->hold_ms > 0)
		json_add_int(object, "hold_ms", control->hold_ms);
}

/* Older daemons know no pause. */
bool wire_get_pause(const cJSON *object, struct control *control)
{
	const cJSON *pause = json_get(object, "pause");
	const char *name = json_get_str(pause);

	return (!pause || (name && pause_by_name(name, &control->pause))) &&
	       wire_get_time(json_get(object, "pause_until"), &control->pause_until_ms) &&
	       get_stamp(object, &control->paused, "paused_by", "paused_at") &&
	       wire_get_count(object, "hold_ms", &control->hold_ms);
}

void wire_add_rated(cJSON *rate, const struct control *control, const char *who, const char *at)
{
	if (control->rate_ns > 0)
		add_stamp(rate, &control->rated, who, at);
}

bool wire_get_rated(const cJSON *rate, struct control *control, const char *who, const char *at,
    int64_t interval_ns)
{
	if (!get_stamp(rate, &control->rated, who, at))
		return false;
	control->rate_ns = control->rated.at_ms > 0 ? interval_ns : 0;
	return true;
}

static bool read_control_result(
    const struct json_doc *doc, const cJSON *result, struct wire_reply *reply)
{
	struct wire_control_reply *control = &reply->control;
	const cJSON *rate = json_get(result, "rate");

	(void)doc;
	return json_get(result, "pause") && wire_get_pause(result, &control->control) &&
	       json_get_int(
		   json_get(rate, "interval_ns"), 0, JSON_MAX_EXACT, &control->interval_ns) &&
	       wire_get_rated(rate, &control->control, "set_by", "set_at", control->interval_ns) &&
	       json_get_int(json_get(result, "running_batches"), 0, JSON_MAX_EXACT,
		   &control->running_batches) &&
	       json_get_int(json_get(result, "waiting_batches"), 0, JSON_MAX_EXACT,
		   &control->waiting_batches);
}

static void write_control_result(const struct wire_reply *reply, cJSON *result)
{
	const struct wire_control_reply *control = &reply->control;
	cJSON *rate;

	wire_add_pause(result, &control->control);
	rate = cJSON_AddObjectToObject(result, "rate");
	json_add_int(rate, "interval_ns", control->interval_ns);
	wire_add_rated(rate, &control->control, "set_by", "set_at");
	json_add_int(result, "running_batches", control->running_batches);
	json_add_int(result, "waiting_batches", control->waiting_batches);
}

/* ---- pause ---- */

static enum err read_pause(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	const cJSON *until = json_get(params, "until");
	const char *text = json_get_str(until);

	(void)doc;
	/* 1970 would mean: for good. */
	if (!until ||
	    (text && parse_utc(text, &request->pause.until_ms) && request->pause.until_ms > 0))
		return ERR_OK;
	return fail_set(
	    fail, ERR_INVALID, "\"until\" must be a time in UTC, such as \"2026-11-22T18:00:00Z\"");
}

static void write_pause(const struct wire_request *request, cJSON *params)
{
	wire_add_time(params, "until", request->pause.until_ms);
}

static const char *const pause_params[] = {"until", NULL};

const struct wire_codec wire_codec_pause = {
    .method = "pause",
    .params = pause_params,
    .read_params = read_pause,
    .write_params = write_pause,
    .read_result = read_control_result,
    .write_result = write_control_result,
};

/* ---- resume ---- */

static enum err read_resume(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	(void)doc;
	return wire_read_bool(params, "clear_hold", &request->resume.clear_hold, fail);
}

static void write_resume(const struct wire_request *request, cJSON *params)
{
	if (request->resume.clear_hold)
		cJSON_AddTrueToObject(params, "clear_hold");
}

static const char *const resume_params[] = {"clear_hold", NULL};

const struct wire_codec wire_codec_resume = {
    .method = "resume",
    .params = resume_params,
    .read_params = read_resume,
    .write_params = write_resume,
    .read_result = read_control_result,
    .write_result = write_control_result,
};

/* ---- drain ---- */

static enum err read_drain(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	const cJSON *wait = json_get(params, "wait_ms");

	(void)doc;
	if (wait && !json_get_int(wait, 0, WIRE_WAIT_MAX_MS, &request->drain.wait_ms))
		return fail_set(fail, ERR_INVALID, "\"wait_ms\" must be an integer from 0 to %d",
		    WIRE_WAIT_MAX_MS);
	return ERR_OK;
}

static void write_drain(const struct wire_request *request, cJSON *params)
{
	if (request->drain.wait_ms > 0)
		json_add_int(params, "wait_ms", request->drain.wait_ms);
}

static const char *const drain_params[] = {"wait_ms", NULL};

const struct wire_codec wire_codec_drain = {
    .method = "drain",
    .params = drain_params,
    .read_params = read_drain,
    .write_params = write_drain,
    .read_result = read_control_result,
    .write_result = write_control_result,
};

/* ---- rate ---- */

static enum err bad_interval(const char *name, struct fail *fail)
{
	return fail_set(fail, ERR_INVALID,
	    "\"%s\" must be %s: from one start per 1 us (%lld ns) to one in 100 days (%lld ns)",
	    name, name[0] == 'r' ? "a rate such as \"1/5s\"" : "an integer", WIRE_INTERVAL_MIN_NS,
	    WIRE_INTERVAL_MAX_NS);
}

static enum err read_rate(const struct json_doc *doc, const cJSON *params,
    struct wire_request *request, struct fail *fail)
{
	const cJSON *interval = json_get(params, "interval_ns"), *rate = json_get(params, "rate");
	const char *text = json_get_str(rate);
	int64_t *ns = &request->rate.interval_ns;
	bool reset;

	(void)doc;
	if (wire_read_bool(params, "reset", &reset, fail))
		return fail->err;
	if ((interval != NULL) + (rate != NULL) + reset != 1)
		return fail_set(fail, ERR_INVALID,
		    "exactly one of \"rate\", \"interval_ns\" and \"reset\": true is needed");
	if (interval && !json_get_int(interval, WIRE_INTERVAL_MIN_NS, WIRE_INTERVAL_MAX_NS, ns))
		return bad_interval("interval_ns", fail);
	if (rate && (!text || !parse_rate(text, ns) || *ns < WIRE_INTERVAL_MIN_NS ||
			*ns > WIRE_INTERVAL_MAX_NS))
		return bad_interval("rate", fail);
	return ERR_OK;
}

static void write_rate(const struct wire_request *request, cJSON *params)
{
	if (request->rate.interval_ns > 0)
		json_add_int(params, "interval_ns", request->rate.interval_ns);
	else
		cJSON_AddTrueToObject(params, "reset");
}

static const char *const rate_params[] = {"rate", "interval_ns", "reset", NULL};

const struct wire_codec wire_codec_rate = {
    .method = "rate",
    .params = rate_params,
    .read_params = read_rate,
    .write_params = write_rate,
    .read_result = read_control_result,
    .write_result = write_control_result,
};

/* ---- reload ---- */

static void write_reload_result(const struct wire_reply *reply, cJSON *result)
{
	(void)reply;
	(void)result;
}

static const char *const no_params[] = {NULL};

const struct wire_codec wire_codec_reload = {
    .method = "reload",
    .params = no_params,
    .write_result = write_reload_result,
};
