/* The command resume. */
#include "args.h"
#include "control.h"
#include "exits.h"
#include "out.h"

#include <stddef.h>

struct resume {
	bool clear_hold, json;
};

static const struct opt opts[] = {
    {ARGS_CLEAR_HOLD, "clear-hold", NULL,
	"also when the other side has said that it wants nothing for a while", NULL},
    {ARGS_JSON, "json", NULL, "JSON instead of text", NULL},
    {0},
};

static int take_arg(void *arg, int key, const char *value)
{
	struct resume *resume = arg;

	if (key == ARGS_OPERAND)
		return out_fail(EXITS_USAGE, "unexpected argument \"%.64s\"", value);
	if (key == ARGS_CLEAR_HOLD)
		resume->clear_hold = true;
	else
		resume->json = true;
	return ARGS_GO_ON;
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct wire_request request = {.method = WIRE_RESUME};
	struct resume resume = {0};
	int status = args_parse(&cmd_resume, env, argc, argv, take_arg, &resume);

	request.resume.clear_hold = resume.clear_hold;
	return status == ARGS_GO_ON ? control_run(env, &request, resume.json) : status;
}

const struct cmd cmd_resume = {
    .name = "resume",
    .summary = "Starts batches again after pause or drain",
    .operands = "",
    .opts = opts,
    .exits = "0  resumed, also when nothing was paused\n"
	     "3  the daemon is not reachable\n"
	     "4  you may not",
    .example = "ingestctl resume --clear-hold",
    .run = run,
};
