/* The command pause. */
#include "args.h"
#include "clock.h"
#include "control.h"
#include "exits.h"
#include "out.h"
#include "util.h"

#include <stddef.h>

struct pause_args {
	int64_t until_ms;
	bool json;
};

static const struct opt opts[] = {
    {ARGS_UNTIL, "until", "TIME", "end by itself then: a time in UTC, or a duration from now",
	NULL},
    {ARGS_JSON, "json", NULL, "JSON instead of text", NULL},
    {0},
};

static int take_until(const char *text, int64_t *until_ms)
{
	int64_t ns;

	if (parse_utc(text, until_ms) && *until_ms > 0) /* 1970 would mean: for good */
		return ARGS_GO_ON;
	if (!parse_duration(text, &ns) || ns < NS_PER_MS)
		return out_fail(EXITS_USAGE,
		    "until \"%.40s\": neither a time in UTC such as 2026-11-22T18:00:00Z nor a "
		    "duration such as 2h",
		    text);
	*until_ms = clock_utc_ms(clock_system()) + ns / NS_PER_MS;
	return ARGS_GO_ON;
}

static int take_arg(void *arg, int key, const char *value)
{
	struct pause_args *args = arg;

	if (key == ARGS_UNTIL)
		return take_until(value, &args->until_ms);
	if (key == ARGS_OPERAND)
		return out_fail(EXITS_USAGE, "unexpected argument \"%.64s\"", value);
	args->json = true;
	return ARGS_GO_ON;
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct wire_request request = {.method = WIRE_PAUSE};
	struct pause_args args = {0};
	int status = args_parse(&cmd_pause, env, argc, argv, take_arg, &args);

	request.pause.until_ms = args.until_ms;
	return status == ARGS_GO_ON ? control_run(env, &request, args.json) : status;
}

const struct cmd cmd_pause = {
    .name = "pause",
    .summary = "Starts no more batches until resume",
    .operands = "",
    .about = "What runs goes on, and submissions are accepted. A restart does not end a pause.",
    .opts = opts,
    .exits = "0  paused\n"
	     "2  the time is over already, or more than 365 days away\n"
	     "3  the daemon is not reachable\n"
	     "4  you may not",
    .example = "ingestctl pause --until 2h",
    .run = run,
};
