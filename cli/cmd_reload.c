/* The command reload. */
#include "args.h"
#include "client.h"
#include "cmd.h"
#include "exits.h"
#include "out.h"

#include <stddef.h>
#include <stdio.h>

static const struct opt opts[] = {
    {ARGS_JSON, "json", NULL, "JSON instead of text", NULL},
    {0},
};

/* `arg` is the flag of --json. */
static int take_arg(void *arg, int key, const char *value)
{
	if (key == ARGS_OPERAND)
		return out_fail(EXITS_USAGE, "unexpected argument \"%.64s\"", value);
	*(bool *)arg = true;
	return ARGS_GO_ON;
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct client client = CLIENT_INIT;
	struct wire_request request = {.method = WIRE_RELOAD};
	struct wire_reply reply;
	struct fail fail;
	bool json = false;
	int status = args_parse(&cmd_reload, env, argc, argv, take_arg, &json);

	if (status != ARGS_GO_ON)
		return status;
	status = client_open(&client, env->socket, &fail);
	if (!status)
		status = client_call(&client, &request, &reply, &fail);
	client_close(&client);
	if (status)
		return out_fail(status, "%s", fail.text);
	printf("%s\n", json ? "{}" : "reloaded");
	wire_reply_free(&reply);
	return EXITS_YES;
}

const struct cmd cmd_reload = {
    .name = "reload",
    .summary = "Makes the daemon read its configuration again",
    .operands = "",
    .about = "As SIGHUP does, but says how it went. What is wrong changes nothing.",
    .opts = opts,
    .exits = "0  reloaded\n"
	     "2  something in the configuration is wrong\n"
	     "3  the daemon is not reachable\n"
	     "4  you may not",
    .example = "ingestctl reload",
    .run = run,
};
