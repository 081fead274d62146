/*
 * A command is one constant of this type and the functions behind it in a cmd_*.c file; main.c
 * lists them all.
 */
#ifndef INGESTCTL_CMD_H
#define INGESTCTL_CMD_H

struct opt;

/* What the options in front of the command and behind it have said, for all commands alike. */
struct cmd_env {
	const char *socket; /* --socket; NULL: not given */
};

struct cmd {
	const char *name; /* NULL: the program itself, without a command */
	const char *summary; /* one line */
	const char *operands; /* behind the options, in the usage line */
	/* What completion offers as operands: words with spaces between them, or NULL. */
	const char *words;
	const char *about; /* more for --help, lines with '\n'; NULL: nothing */
	const struct opt *opts; /* its own; an entry without a name ends the list */
	const char *exits; /* lines for --help */
	const char *example; /* likewise */
	const struct cmd *const *subs; /* commands below this one, a list that NULL ends; or NULL */
	/* argv[0] is the command's name. Returns the exit status; what went wrong has been said. */
	int (*run)(struct cmd_env *env, int argc, char **argv);
};

/* The program itself: `subs` are its commands. */
extern const struct cmd cmd_top;

extern const struct cmd cmd_submit, cmd_status, cmd_wait, cmd_report, cmd_list, cmd_cancel,
    cmd_retry, cmd_bump, cmd_pause, cmd_resume, cmd_drain, cmd_rate, cmd_reload, cmd_stats,
    cmd_nodes, cmd_migrate, cmd_ping, cmd_version, cmd_completion;

#endif
