/* Commands about the daemon itself: ping, version. */
#include "args.h"
#include "client.h"
#include "clock.h"
#include "cmd.h"
#include "exits.h"
#include "out.h"
#include "util.h"
#include "version.h"

#include <stdio.h>

static const struct opt opts[] = {
    {ARGS_JSON, "json", NULL, "JSON instead of text", NULL},
    {0},
};

/* The only option is --json, and there are no operands. `arg` is the flag. */
static int take_arg(void *arg, int key, const char *value)
{
	if (key == ARGS_OPERAND)
		return out_fail(EXITS_USAGE, "unexpected argument \"%s\"", value);
	*(bool *)arg = true;
	return ARGS_GO_ON;
}

/* ---- ping ---- */

static void print_pong(const struct client *client, int64_t ns, bool json)
{
	double ms = (double)ns / (double)NS_PER_MS;

	if (json)
		printf("{\"pong\":true,\"round_trip_ms\":%.3f}\n", ms);
	else
		printf("pong from ingestd %s in %.1f ms\n", client->hello.version, ms);
}

static int run_ping(struct cmd_env *env, int argc, char **argv)
{
	struct client client = CLIENT_INIT;
	struct wire_request request = {.method = WIRE_PING};
	struct wire_reply reply;
	struct fail fail;
	bool json = false;
	int64_t start;
	int status = args_parse(&cmd_ping, env, argc, argv, take_arg, &json);

	if (status != ARGS_GO_ON)
		return status;
	status = client_open(&client, env->socket, &fail);
	start = clock_boot_ns(clock_system());
	if (!status)
		status = client_call(&client, &request, &reply, &fail);
	if (status) {
		client_close(&client);
		return out_fail(status, "%s", fail.text);
	}
	print_pong(&client, clock_boot_ns(clock_system()) - start, json);
	wire_reply_free(&reply);
	client_close(&client);
	return EXITS_YES;
}

const struct cmd cmd_ping = {
    .name = "ping",
    .summary = "Asks the daemon for a sign of life",
    .operands = "",
    .opts = opts,
    .exits = "0  it answers\n3  it is not reachable\n5  it does not answer",
    .example = "ingestctl ping",
    .run = run_ping,
};

/* ---- version ---- */

static int ask_version(
    struct client *client, const char *socket, struct wire_reply *reply, struct fail *fail)
{
	struct wire_request request = {.method = WIRE_VERSION};
	int status = client_open(client, socket, fail);

	if (!status)
		status = client_call(client, &request, reply, fail);
	client_close(client);
	return status;
}

/* `daemon` is NULL when it did not answer. */
static void print_versions(const struct wire_reply *daemon)
{
	printf("ingestctl %s (protocol %d)\n", INGESTD_VERSION, WIRE_PROTOCOL);
	if (!daemon)
		return;
	printf("ingestd %s (protocol %d)\n", daemon->version.version, WIRE_PROTOCOL);
	printf("  libevent %s, SQLite %s, cJSON %s\n", daemon->version.libevent,
	    daemon->version.sqlite, daemon->version.cjson);
}

static void print_versions_json(const struct wire_reply *daemon)
{
	struct buf out = {0};

	buf_printf(&out,
	    "{\"client\":{\"version\":\"%s\",\"protocol\":%d},\"daemon\":", INGESTD_VERSION,
	    WIRE_PROTOCOL);
	if (daemon)
		wire_write_result(WIRE_VERSION, daemon, &out);
	else
		buf_add_str(&out, "null\n");
	out.data[out.len - 1] = '}';
	buf_add_str(&out, "\n");
	out_data(&out);
}

static int run_version(struct cmd_env *env, int argc, char **argv)
{
	struct client client = CLIENT_INIT;
	struct wire_reply reply;
	struct fail fail;
	bool json = false;
	int status = args_parse(&cmd_version, env, argc, argv, take_arg, &json);

	if (status != ARGS_GO_ON)
		return status;
	status = ask_version(&client, env->socket, &reply, &fail);
	(json ? print_versions_json : print_versions)(status ? NULL : &reply);
	if (status)
		return out_fail(status, "%s", fail.text);
	wire_reply_free(&reply);
	return EXITS_YES;
}

const struct cmd cmd_version = {
    .name = "version",
    .summary = "Shows the versions of this program and of the daemon",
    .operands = "",
    .opts = opts,
    .exits = "0  both are shown\n3  the daemon is not reachable, only the own one is shown",
    .example = "ingestctl version",
    .run = run_version,
};
