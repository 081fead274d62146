/* The command retry. */
#include "change.h"

#include <stddef.h>

static const struct opt opts[] = {
    {ARGS_FAILED, "failed", NULL, "what has failed; that is so without saying it", NULL},
    {ARGS_CANCELLED, "cancelled", NULL, "what was cancelled, too", NULL},
    BULK_OPTS,
    {ARGS_JSON, "json", NULL, "print the daemon's answers as JSON, one per line", NULL},
    {0},
};

static int take_arg(void *arg, int key, const char *value)
{
	struct change *change = arg;

	if (key == ARGS_FAILED)
		return ARGS_GO_ON;
	if (key != ARGS_CANCELLED)
		return change_take(change, key, value);
	change->request.retry.cancelled = change->bulk.request.cancelled = true;
	return ARGS_GO_ON;
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct change change = {.request.method = WIRE_RETRY};
	int status = args_parse(&cmd_retry, env, argc, argv, take_arg, &change);

	if (status == ARGS_GO_ON)
		return change_run(&change, env);
	change_free(&change);
	return status;
}

const struct cmd cmd_retry = {
    .name = "retry",
    .summary = "Tries again what has failed",
    .operands = "[ID]...",
    .about = "Prints the id and the status of each, and how many batches wait again. Without ids:\n"
	     "all that the options select, after a question.",
    .opts = opts,
    .exits = "0  done, also when there was nothing to try again\n"
	     "1  not all that were selected have something to try again, or the answer was no\n"
	     "3  the daemon is not reachable\n"
	     "4  one of them is an upload or is being cancelled, or you may not\n"
	     "6  one of them does not exist",
    .example = "ingestctl retry --status failed --label nightly --yes",
    .run = run,
};
