/* Option tables: the getopt_long(3) arrays and the text of --help are made from them. */
#ifndef INGESTCTL_ARGS_H
#define INGESTCTL_ARGS_H

#include "cmd.h"
#include "model.h"

struct opt {
	int key; /* the short option, or one of the keys below when there is none */
	const char *name; /* long option, without dashes */
	const char *arg; /* name of its value; NULL: it takes none */
	const char *help; /* one line */
	/* What completion offers as its value: words with spaces between them, or ARGS_FILES; NULL:
	 * nothing. */
	const char *values;
};

#define ARGS_FILES "/" /* names of files */

enum args_key {
	ARGS_OPERAND = 1, /* not an option */
	ARGS_SOCKET = 256,
	ARGS_JSON,
	ARGS_TIMEOUT,
	ARGS_FROM,
	ARGS_ALL,
	ARGS_VERSION,
	ARGS_KEY,
	ARGS_ONCE,
	ARGS_STATUS,
	ARGS_ID,
	ARGS_SEQ,
	ARGS_CURSOR,
	ARGS_FAILED,
	ARGS_FORMAT,
	ARGS_OLDER,
	ARGS_DRY_RUN,
	ARGS_CANCELLED,
	ARGS_UNTIL,
	ARGS_CLEAR_HOLD,
	ARGS_WAIT,
	ARGS_RESET,
	ARGS_TO,
};

/* The options that every command has; an entry without a name ends the list. */
extern const struct opt args_common[];

/* The result of parsing that means: nothing to report, go on. All others are exit statuses. */
#define ARGS_GO_ON (-1)

/*
 * Gives the arguments behind argv[0] to `take` in their order: (arg, key, value), where value is
 * NULL for an option without one, and lives as long as argv. `take` returns ARGS_GO_ON, or an exit
 * status after it has said an error. Options and operands may be mixed. A minus sign before a digit
 * starts an operand: there are no such options, and -5 has to be refused as an id. --socket and
 * --help are done here. Returns ARGS_GO_ON or an exit status.
 */
int args_parse(const struct cmd *cmd, struct cmd_env *env, int argc, char **argv,
    int (*take)(void *arg, int key, const char *value), void *arg);

/*
 * The same for the options in front of the command: ends at the first operand and puts its index
 * into *first, or argc when there is none.
 */
int args_parse_top(const struct cmd *top, struct cmd_env *env, int argc, char **argv,
    int (*take)(void *arg, int key, const char *value), int *first);

/* Values that several commands take. They return ARGS_GO_ON or an exit status. */
int args_priority(const char *text, enum priority *priority);
int args_label(const char *text, char label[LABEL_MAX + 1]);

#endif
