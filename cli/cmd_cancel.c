/* The command cancel. */
#include "change.h"

#include <stddef.h>

static const struct opt opts[] = {
    BULK_OPTS,
    {ARGS_JSON, "json", NULL, "print the daemon's answers as JSON, one per line", NULL},
    {0},
};

static int take_arg(void *arg, int key, const char *value)
{
	return change_take(arg, key, value);
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct change change = {.request.method = WIRE_CANCEL};
	int status = args_parse(&cmd_cancel, env, argc, argv, take_arg, &change);

	if (status == ARGS_GO_ON)
		return change_run(&change, env);
	change_free(&change);
	return status;
}

const struct cmd cmd_cancel = {
    .name = "cancel",
    .summary = "Gives up what ingestions have not done yet",
    .operands = "[ID]...",
    .about =
	"Prints the id and the status of each: cancelled, or cancelling while something of it\n"
	"still runs. Without ids: all that the options select, after a question.",
    .opts = opts,
    .exits = "0  all of them are cancelled, or will be\n"
	     "1  not all that were selected could be, or the answer was no\n"
	     "3  the daemon is not reachable\n"
	     "4  one of them has ended otherwise, or you may not\n"
	     "6  one of them does not exist",
    .example = "ingestctl cancel --status yet_to_start --label nightly --older-than 2h",
    .run = run,
};
