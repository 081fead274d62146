/* The command bump. */
#include "change.h"
#include "exits.h"
#include "out.h"

#include <stddef.h>

struct bump {
	struct change change; /* first */
	const char *last; /* the last operand so far: in the end it is the priority */
};

static const struct opt opts[] = {
    BULK_OPTS,
    {ARGS_JSON, "json", NULL, "print the daemon's answers as JSON, one per line", NULL},
    {0},
};

static int take_arg(void *arg, int key, const char *value)
{
	struct bump *bump = arg;
	const char *before = bump->last;

	if (key != ARGS_OPERAND)
		return change_take(&bump->change, key, value);
	bump->last = value;
	return before ? change_take(&bump->change, key, before) : ARGS_GO_ON;
}

static int take_priority(struct bump *bump)
{
	enum priority *priority = &bump->change.request.bump.priority;
	int status;

	if (!bump->last)
		return out_fail(EXITS_USAGE, "to which priority? give HIGH, MEDIUM or LOW");
	status = args_priority(bump->last, priority);
	bump->change.bulk.request.to_priority = *priority;
	return status;
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct bump bump = {.change.request.method = WIRE_BUMP};
	int status = args_parse(&cmd_bump, env, argc, argv, take_arg, &bump);

	if (status == ARGS_GO_ON)
		status = take_priority(&bump);
	if (status == ARGS_GO_ON)
		return change_run(&bump.change, env);
	change_free(&bump.change);
	return status;
}

const struct cmd cmd_bump = {
    .name = "bump",
    .summary = "Moves what waits to the line of another priority",
    .operands = "[ID]... PRIORITY",
    .words = "HIGH MEDIUM LOW",
    .about = "The place in that line is that of the number. Prints the id and the priority of\n"
	     "each. Without ids: all that the options select, after a question.",
    .opts = opts,
    .exits = "0  done\n"
	     "1  not all that were selected could be moved, or the answer was no\n"
	     "3  the daemon is not reachable\n"
	     "4  one of them has ended, or you may not\n"
	     "6  one of them does not exist",
    .example = "ingestctl bump 42 HIGH",
    .run = run,
};
