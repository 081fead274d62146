/* ingestctl: the command line of ingestd. See ingestctl(1). */
#include "args.h"
#include "cmd.h"
#include "exits.h"
#include "out.h"
#include "version.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct cmd *const commands[] = {
    &cmd_submit,
    &cmd_status,
    &cmd_wait,
    &cmd_report,
    &cmd_list,
    &cmd_cancel,
    &cmd_retry,
    &cmd_bump,
    &cmd_pause,
    &cmd_resume,
    &cmd_drain,
    &cmd_rate,
    &cmd_reload,
    &cmd_stats,
    &cmd_nodes,
    &cmd_ping,
    &cmd_version,
    &cmd_migrate,
    &cmd_completion,
    NULL,
};

static const struct opt top_opts[] = {
    {ARGS_VERSION, "version", NULL, "the version of this program", NULL},
    {0},
};

const struct cmd cmd_top = {
    .operands = "COMMAND [ARGUMENT]...",
    .summary = "Gives lists of ids to ingestd and shows what becomes of them",
    .about = "\"ingestctl COMMAND --help\" tells more about a command, ingestctl(1) about all.",
    .opts = top_opts,
    .exits = "0  yes, done\n"
	     "1  no: the ingestion failed or was cancelled\n"
	     "2  wrong usage or input\n"
	     "3  the daemon is not reachable\n"
	     "4  refused, or an error of the daemon\n"
	     "5  busy, try again later\n"
	     "6  not found\n"
	     "7  the time given for waiting is over\n"
	     "130  interrupted",
    .example = "ingestctl submit --priority HIGH 1 2 3",
    .subs = commands,
};

/*
 * A descriptor that the caller has closed would be given to the next file that is opened, for
 * example the socket, and then "stdout" would be the daemon. These fail when they are used.
 */
static void occupy_std_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static int take_top_option(void *arg, int key, const char *value)
{
	(void)arg;
	(void)value;
	if (key == ARGS_VERSION)
		printf("ingestctl %s\n", INGESTD_VERSION);
	return EXITS_YES;
}

static const struct cmd *find(const char *name)
{
	for (const struct cmd *const *cmd = commands; *cmd; cmd++)
		if (strcmp((*cmd)->name, name) == 0)
			return *cmd;
	return NULL;
}

/* A name that begins alike is probably what was meant. */
static int unknown_command(const char *name)
{
	for (const struct cmd *const *cmd = commands; *cmd; cmd++)
		if (strncmp((*cmd)->name, name, 2) == 0)
			return out_fail(EXITS_USAGE, "unknown command \"%s\", did you mean \"%s\"?",
			    name, (*cmd)->name);
	return out_fail(EXITS_USAGE, "unknown command \"%s\"; see: ingestctl --help", name);
}

static int run(int argc, char **argv)
{
	struct cmd_env env = {0};
	const struct cmd *cmd;
	int first, status;

	status = args_parse_top(&cmd_top, &env, argc, argv, take_top_option, &first);
	if (status != ARGS_GO_ON)
		return status;
	if (first >= argc)
		return out_fail(EXITS_USAGE, "which command? see: ingestctl --help");
	cmd = find(argv[first]);
	if (!cmd)
		return unknown_command(argv[first]);
	return cmd->run(&env, argc - first, argv + first);
}

int main(int argc, char **argv)
{
	occupy_std_fds();
	return out_finish(run(argc, argv));
}
