/* The command drain. */
#include "args.h"
#include "clock.h"
#include "control.h"
#include "exits.h"
#include "interrupt.h"
#include "out.h"
#include "util.h"

#include <stddef.h>

struct drain {
	bool wait, json;
	int64_t timeout_ns; /* negative: none */
};

static const struct opt opts[] = {
    {ARGS_WAIT, "wait", NULL, "wait until nothing runs", NULL},
    {ARGS_TIMEOUT, "timeout", "D", "wait no longer than this, such as 90s or 1h30m", NULL},
    {ARGS_JSON, "json", NULL, "JSON instead of text", NULL},
    {0},
};

static int take_arg(void *arg, int key, const char *value)
{
	struct drain *drain = arg;

	switch (key) {
	case ARGS_WAIT:
		drain->wait = true;
		return ARGS_GO_ON;
	case ARGS_TIMEOUT:
		if (!parse_duration(value, &drain->timeout_ns))
			return out_fail(EXITS_USAGE,
			    "timeout \"%.40s\" is not a duration such as 500ms, 90s or 1h30m",
			    value);
		return ARGS_GO_ON;
	case ARGS_JSON:
		drain->json = true;
		return ARGS_GO_ON;
	default:
		return out_fail(EXITS_USAGE, "unexpected argument \"%.64s\"", value);
	}
}

static int64_t wait_ms(int64_t until)
{
	int64_t left = (until - clock_boot_ns(clock_system())) / NS_PER_MS;

	return left < 0 ? 0 : left < WIRE_WAIT_MAX_MS ? left : WIRE_WAIT_MAX_MS;
}

/* Asks until nothing runs, the time is over, or somebody has ended the drain. */
static int wait_for_rest(
    struct client *client, int64_t until, struct wire_control_reply *reply, struct fail *fail)
{
	int64_t left;

	do {
		struct wire_request request = {.method = WIRE_DRAIN};
		struct wire_reply answer;
		int status;

		request.drain.wait_ms = left = wait_ms(until);
		client->reply_ms = left + CLIENT_REPLY_MS;
		status = client_call(client, &request, &answer, fail);
		if (status)
			return status;
		*reply = answer.control;
		wire_reply_free(&answer);
	} while (left > 0 && reply->running_batches > 0 && reply->control.pause == PAUSE_DRAINING);
	return 0;
}

/* What the end of the wait means. */
static int judge(const struct wire_control_reply *reply)
{
	if (reply->control.pause != PAUSE_DRAINING)
		return out_fail(EXITS_NO, "%s has ended the drain", reply->control.paused.who);
	if (reply->running_batches > 0)
		return out_fail(EXITS_TIMED_OUT, "timed out while something still runs");
	return EXITS_YES;
}

static int run_wait(const struct drain *drain, const char *socket)
{
	int64_t now = clock_boot_ns(clock_system());
	int64_t until = drain->timeout_ns < 0 ? CLOCK_NEVER : now + drain->timeout_ns;
	struct client client = CLIENT_INIT;
	struct wire_control_reply reply = {0};
	struct fail fail;
	int status = client_open(&client, socket, &fail);

	client.stop = &interrupt_came;
	interrupt_catch();
	if (!status)
		status = wait_for_rest(&client, until, &reply, &fail);
	client_close(&client);
	if (interrupt_came)
		return out_fail(EXITS_INTERRUPTED, "interrupted; it stays so until resume");
	if (status)
		return out_fail(status, "%s", fail.text);
	control_print(&reply, drain->json);
	out_flush();
	return judge(&reply);
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct wire_request request = {.method = WIRE_DRAIN};
	struct drain drain = {.timeout_ns = -1};
	int status = args_parse(&cmd_drain, env, argc, argv, take_arg, &drain);

	if (status != ARGS_GO_ON)
		return status;
	if (drain.timeout_ns >= 0 && !drain.wait)
		return out_fail(EXITS_USAGE, "--timeout needs --wait");
	return drain.wait ? run_wait(&drain, env->socket) : control_run(env, &request, drain.json);
}

const struct cmd cmd_drain = {
    .name = "drain",
    .summary = "Starts no more batches, to get what runs to an end",
    .operands = "",
    .about = "A pause that says why it is there. Submissions are accepted; resume ends it.",
    .opts = opts,
    .exits = "0  nothing is started any more; with --wait: and nothing runs\n"
	     "1  somebody has ended the drain meanwhile\n"
	     "3  the daemon is not reachable\n"
	     "4  you may not\n"
	     "7  the timeout came first\n"
	     "130  interrupted; the drain goes on",
    .example = "ingestctl drain --wait --timeout 10m && reboot",
    .run = run,
};
