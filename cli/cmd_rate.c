/* The command rate. */
#include "args.h"
#include "control.h"
#include "exits.h"
#include "out.h"
#include "util.h"

#include <stddef.h>

struct rate {
	int64_t interval_ns; /* 0: not given */
	bool reset, json;
};

static const struct opt opts[] = {
    {ARGS_RESET, "reset", NULL, "go back to the rate of the daemon's options", NULL},
    {ARGS_JSON, "json", NULL, "JSON instead of text", NULL},
    {0},
};

static int take_rate(struct rate *rate, const char *text)
{
	if (rate->interval_ns > 0)
		return out_fail(
		    EXITS_USAGE, "unexpected argument \"%.64s\": one rate at a time", text);
	if (!parse_rate(text, &rate->interval_ns) || rate->interval_ns < WIRE_INTERVAL_MIN_NS ||
	    rate->interval_ns > WIRE_INTERVAL_MAX_NS)
		return out_fail(EXITS_USAGE,
		    "\"%.40s\" is not a rate N/DURATION such as 1/5s, from 1/100d to 1000/ms",
		    text);
	return ARGS_GO_ON;
}

static int take_arg(void *arg, int key, const char *value)
{
	struct rate *rate = arg;

	if (key == ARGS_OPERAND)
		return take_rate(rate, value);
	if (key == ARGS_RESET)
		rate->reset = true;
	else
		rate->json = true;
	return ARGS_GO_ON;
}

/* The same document, from the figures: to look needs less than to change. */
static int show(const struct cmd_env *env, bool json)
{
	struct client client = CLIENT_INIT;
	struct wire_request request = {.method = WIRE_STATS};
	struct wire_control_reply control = {0};
	struct wire_reply reply;
	struct fail fail;
	int status = client_open(&client, env->socket, &fail);

	if (!status)
		status = client_call(&client, &request, &reply, &fail);
	client_close(&client);
	if (status)
		return out_fail(status, "%s", fail.text);
	control.control = reply.stats.control;
	control.interval_ns = reply.stats.interval_ns;
	control.running_batches = reply.stats.running_batches;
	for (int i = 0; i < PRIORITY_COUNT; i++)
		control.waiting_batches += reply.stats.lanes[i].batches[BATCH_YET_TO_START] +
		                           reply.stats.lanes[i].batches[BATCH_RETRYING];
	wire_reply_free(&reply);
	control_print(&control, json);
	return EXITS_YES;
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct wire_request request = {.method = WIRE_RATE};
	struct rate rate = {0};
	int status = args_parse(&cmd_rate, env, argc, argv, take_arg, &rate);

	if (status != ARGS_GO_ON)
		return status;
	if (rate.reset && rate.interval_ns > 0)
		return out_fail(EXITS_USAGE, "a rate and --reset exclude each other");
	if (!rate.reset && rate.interval_ns == 0)
		return show(env, rate.json);
	request.rate.interval_ns = rate.interval_ns;
	return control_run(env, &request, rate.json);
}

const struct cmd cmd_rate = {
    .name = "rate",
    .summary = "Shows the rate, or sets another one",
    .operands = "[N/DURATION]",
    .about = "Holds from the last start on, and stays over a restart.",
    .opts = opts,
    .exits = "0  shown or set\n"
	     "2  that is no rate\n"
	     "3  the daemon is not reachable\n"
	     "4  you may not",
    .example = "ingestctl rate 2/1s",
    .run = run,
};
