/*
 * The command migrate: from one kind of store to another. Stores are the daemon's business, so this
 * becomes the daemon's program, which does it.
 */
#include "args.h"
#include "cmd.h"
#include "exits.h"
#include "out.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "ingestd"

static const struct opt opts[] = {
    {ARGS_FROM, "from", "URL", "the store that there is: sqlite:PATH", NULL},
    {ARGS_TO, "to", "URL", "the one that gets everything: postgresql://...", NULL},
    {0},
};

struct migrate {
	const char *from, *to;
};

static int take_arg(void *arg, int key, const char *value)
{
	struct migrate *migrate = arg;

	if (key == ARGS_OPERAND)
		return out_fail(EXITS_USAGE, "unexpected argument \"%.64s\"", value);
	*(key == ARGS_FROM ? &migrate->from : &migrate->to) = value;
	return ARGS_GO_ON;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Whoever mixed the two up must not find a password in a log. */
static const char *shown(const char *url)
{
	return strpbrk(url, "@=") ? "..." : url;
}

static int check(const struct migrate *migrate)
{
	if (!migrate->from || !migrate->to)
		return out_fail(EXITS_USAGE, "--%s is missing; see: ingestctl migrate --help",
		    migrate->from ? "to" : "from");
	if (!begins(migrate->from, "sqlite:") || !migrate->from[strlen("sqlite:")])
		return out_fail(
		    EXITS_USAGE, "--from \"%.200s\" is not sqlite:PATH", shown(migrate->from));
	if (!begins(migrate->to, "postgresql://") && !begins(migrate->to, "postgres://"))
		return out_fail(EXITS_USAGE,
		    "--to \"%.200s\" does not begin with postgresql:// or postgres://",
		    shown(migrate->to));
	return ARGS_GO_ON;
}

/* The programs are installed side by side, or as bin and sbin, and built side by side. */
static bool find_beside(const char *where, char path[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (len < 0)
		return false;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash - path) + strlen(where) + 1 > PATH_MAX)
		return false;
	strcpy(slash, where);
	return access(path, X_OK) == 0;
}

/* Does not come back unless there is no such program. */
static int become(const struct migrate *migrate)
{
	char path[PATH_MAX];
	char *argv[] = {(char[]){PROGRAM}, (char[]){"--migrate-from"}, (char *)migrate->from,
	    (char[]){"--store"}, (char *)migrate->to, NULL};

	if (find_beside("/" PROGRAM, path) || find_beside("/../sbin/" PROGRAM, path))
		execv(path, argv);
	else
		execvp(PROGRAM, argv);
	return out_fail(EXITS_REFUSED, "cannot run " PROGRAM ": %s", strerror(errno));
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	struct migrate migrate = {0};
	int status = args_parse(&cmd_migrate, env, argc, argv, take_arg, &migrate);

	if (status == ARGS_GO_ON)
		status = check(&migrate);
	return status == ARGS_GO_ON ? become(&migrate) : status;
}

const struct cmd cmd_migrate = {
    .name = "migrate",
    .summary = "Copies a store of SQLite into PostgreSQL, by way of ingestd",
    .operands = "",
    .about =
	"No daemon may use either store meanwhile. What was interrupted goes on when the same\n"
	"command runs again. The old store is left as it is.",
    .opts = opts,
    .exits = "0  copied, and compared\n"
	     "1  failed; the text says why\n"
	     "2  wrong usage\n"
	     "3  one of the stores was refused",
    .example = "ingestctl migrate --from sqlite:/data/i.db --to postgresql://db.example/i",
    .run = run,
};
