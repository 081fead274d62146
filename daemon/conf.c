/* Where option values come from, and which one counts. */
#include "conf.h"

#include "log.h"
#include "sock.h"
#include "store.h"
#include "util.h"

#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETTLE_AUTO_MAX_NS (300 * NS_PER_MS)
#define GUARD_AUTO_MIN_NS (50 * NS_PER_MS)
#define GUARD_AUTO_MAX_NS (250 * NS_PER_MS)
#define POLL_AUTO_MIN_NS (50 * NS_PER_MS)
#define POLL_AUTO_MAX_NS NS_PER_S
#define ENV_SIZE 64

static const struct action {
	const char *name;
	enum conf_action action;
	const char *argument; /* NULL: it takes none */
	const char *help;
} actions[] = {
    {"help", CONF_HELP, NULL, "show this help"},
    {"version", CONF_VERSION, NULL, "show the version"},
    {"print-config", CONF_PRINT, NULL,
	"show every option with its value and where that comes from"},
    {"check-config", CONF_CHECK_CONFIG, NULL, "check all options and exit: 0 good, 2 not"},
    {"check", CONF_CHECK_STORE, NULL,
	"check the whole store, which no daemon may be using, and exit"},
    {"init-store", CONF_INIT_STORE, NULL,
	"make what the store needs in its database, or bring it up to date, and exit"},
    {"store-schema", CONF_STORE_SCHEMA, NULL, "show what --init-store makes, as SQL"},
    {"migrate-from", CONF_MIGRATE, "URL",
	"copy that store of SQLite into --store, a new one of PostgreSQL, and exit"},
};

/* ---- one value ---- */

static void env_name(const struct conf_option *option, char name[ENV_SIZE])
{
	size_t len = (size_t)snprintf(name, ENV_SIZE, "INGESTD_%s", option->name);

	for (size_t i = 0; i < len; i++)
		name[i] = name[i] == '-' ? '_' : (char)toupper((unsigned char)name[i]);
}

/* Sets an option and remembers where the value came from. An error names that place, too. */
static enum err set(void *arg, const struct conf_option *option, const char *text,
    const char *origin, struct fail *fail)
{
	struct conf *conf = arg;
	struct conf_value *value = &conf->values[option - conf_options];
	char *copy = xstrdup(text);
	struct fail why;

	if (option->read(option, copy, (char *)conf + option->offset, &why)) {
		free(copy);
		return fail_set(fail, why.err, "%s: %s", origin, why.text);
	}
	free(value->text);
	free(value->origin);
	value->text = copy;
	value->origin = xstrdup(origin);
	return ERR_OK;
}

/* ---- defaults ---- */

/* As root below /var/lib, else in the state directory of the user (XDG Base Directory). */
static char *default_store(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return xstrdup(STORE_SQLITE_SCHEME "/var/lib/ingestd/ingestd.db");
	if (state && *state)
		return xasprintf(STORE_SQLITE_SCHEME "%s/ingestd/ingestd.db", state);
	if (home && *home)
		return xasprintf(STORE_SQLITE_SCHEME "%s/.local/state/ingestd/ingestd.db", home);
	return NULL;
}

static char *default_socket(void)
{
	char path[SOCK_PATH_SIZE];

	return sock_default_path(path) == 0 ? xstrdup(path) : NULL;
}

/*
 * Who listens there: no other node is called so. NULL when that cannot be a name: it matters only
 * where a store is shared (conf_check.h).
 */
static char *default_node_name(const struct conf *conf)
{
	char host[HOST_NAME_MAX + 1], here[PATH_MAX];
	bool relative = conf->socket && conf->socket[0] != '/';

	if (!conf->socket || gethostname(host, sizeof(host)) != 0 ||
	    (relative && !getcwd(here, sizeof(here))))
		return NULL;
	return relative ? xasprintf("%s:%s/%s", host, here, conf->socket)
	                : xasprintf("%s:%s", host, conf->socket);
}

/* A default that depends on who runs the daemon; none at all is fine when a value is given. */
static enum err set_found(struct conf *conf, const char *name, char *text, struct fail *fail)
{
	enum err err = ERR_OK;

	if (text)
		err = set(conf, conf_option_by_name(name), text, "default", fail);
	free(text);
	return err;
}

/* Once all the rest is known. */
static void set_node_name(struct conf *conf)
{
	struct conf_value *value = &conf->values[conf_option_by_name("node-name") - conf_options];
	struct fail ignored;

	if (!value->text)
		set_found(conf, "node-name", default_node_name(conf), &ignored);
	if (value->text)
		return;
	conf->node_name = value->text = xstrdup("");
	value->origin = xstrdup("default");
}

static enum err set_defaults(struct conf *conf, struct fail *fail)
{
	for (size_t i = 0; i < CONF_OPTION_COUNT; i++)
		if (conf_options[i].fallback &&
		    set(conf, &conf_options[i], conf_options[i].fallback, "default", fail))
			return fail->err;
	if (set_found(conf, "socket", default_socket(), fail))
		return fail->err;
	return set_found(conf, "store", default_store(), fail);
}

/* ---- environment and command line ---- */

static enum err set_environment(struct conf *conf, struct fail *fail)
{
	for (size_t i = 0; i < CONF_OPTION_COUNT; i++) {
		char name[ENV_SIZE];
		const char *text;

		env_name(&conf_options[i], name);
		text = getenv(name);
		if (text && *text && set(conf, &conf_options[i], text, name, fail))
			return fail->err;
	}
	return ERR_OK;
}

/* Behind all characters, since getopt_long() answers with some, too. */
#define FIRST_LONG 256

/* It answers with FIRST_LONG and the place in this array: actions first, then options. */
static void fill_long_options(struct option *longs)
{
	size_t n = 0;

	for (; n < COUNT_OF(actions); n++)
		longs[n] = (struct option){actions[n].name,
		    actions[n].argument ? required_argument : no_argument, NULL,
		    FIRST_LONG + (int)n};
	for (size_t i = 0; i < CONF_OPTION_COUNT; i++, n++)
		longs[n] = (struct option){conf_options[i].name,
		    conf_options[i].argument ? required_argument : optional_argument, NULL,
		    FIRST_LONG + (int)n};
	longs[n] = (struct option){0};
}

static enum err set_flag(struct conf *conf, int found, struct fail *fail)
{
	const struct conf_option *option = &conf_options[(size_t)found - COUNT_OF(actions)];
	char origin[ENV_SIZE];

	snprintf(origin, sizeof(origin), "--%s", option->name);
	return set(conf, option, optarg ? optarg : "yes", origin, fail);
}

/* Only that of one action is of interest: the last one counts. */
static void take_action(struct conf *conf, const struct action *taken, enum conf_action *action)
{
	*action = taken->action;
	if (taken->argument)
		conf->migrate_from = optarg;
}

/*
 * Walks the command line. With `only_config` it looks for --config alone, since the file that this
 * names goes before the other flags.
 */
static enum err read_flags(struct conf *conf, int argc, char **argv, bool only_config,
    enum conf_action *action, struct fail *fail)
{
	struct option longs[COUNT_OF(actions) + CONF_OPTION_COUNT + 1];
	int found;

	fill_long_options(longs);
	optind = 0; /* starts anew (getopt(3)) */
	opterr = 0;
	while ((found = getopt_long(argc, argv, "+:h", longs, NULL)) != -1) {
		if (found == ':')
			return fail_set(
			    fail, ERR_INVALID, "option %s needs a value", argv[optind - 1]);
		if (found == '?' && optopt > 0 && optopt < FIRST_LONG)
			return fail_set(fail, ERR_INVALID, "unknown option -%c", optopt);
		if (found == '?')
			return fail_set(fail, ERR_INVALID, "unknown option %s", argv[optind - 1]);
		found = found == 'h' ? 0 : found - FIRST_LONG;
		if ((size_t)found < COUNT_OF(actions))
			take_action(conf, &actions[found], action);
		else if ((!only_config || (size_t)found == COUNT_OF(actions)) &&
			 set_flag(conf, found, fail))
			return fail->err;
	}
	if (optind < argc)
		return fail_set(fail, ERR_INVALID, "unexpected argument \"%s\"", argv[optind]);
	return ERR_OK;
}

static enum err check_complete(const struct conf *conf, enum conf_action action, struct fail *fail)
{
	if (!conf->socket && conf_action_serves(action))
		return fail_set(fail, ERR_INVALID,
		    "no socket: give --socket, since XDG_RUNTIME_DIR is not set (or too long)");
	if (!conf->store)
		return fail_set(fail, ERR_INVALID, "no store: give --store, since HOME is not set");
	return ERR_OK;
}

enum err conf_load(
    struct conf *conf, int argc, char **argv, enum conf_action *action, struct fail *fail)
{
	const char *file;

	*conf = (struct conf){0};
	*action = CONF_RUN;
	if (set_defaults(conf, fail) || read_flags(conf, argc, argv, true, action, fail))
		return fail->err;
	/* The file's name may come from the environment, too; a flag has set it already, then. */
	file = getenv("INGESTD_CONFIG");
	if (strcmp(conf->values[0].origin, "default") == 0 && file && *file &&
	    set(conf, &conf_options[0], file, "INGESTD_CONFIG", fail))
		return fail->err;
	if (*conf->config && conf_file_read(conf->config, set, conf, fail))
		return fail->err;
	if (set_environment(conf, fail) || read_flags(conf, argc, argv, false, action, fail))
		return fail->err;
	set_node_name(conf);
	return check_complete(conf, *action, fail);
}

void conf_free(struct conf *conf)
{
	for (size_t i = 0; i < CONF_OPTION_COUNT; i++) {
		free(conf->values[i].text);
		free(conf->values[i].origin);
	}
	*conf = (struct conf){0};
}

static bool differs(const struct conf *a, const struct conf *b, size_t i)
{
	return strcmp(a->values[i].text, b->values[i].text) != 0;
}

/* Sets the field again from its text, which was good once. */
static void read_again(struct conf *conf, size_t i)
{
	const struct conf_option *option = &conf_options[i];
	struct fail fail;

	option->read(option, conf->values[i].text, (char *)conf + option->offset, &fail);
}

void conf_reload(struct conf *conf, struct conf *fresh)
{
	for (size_t i = 0; i < CONF_OPTION_COUNT; i++) {
		struct conf_value value = conf->values[i];

		if (!conf_options[i].reloadable || !differs(conf, fresh, i))
			continue;
		conf->values[i] = fresh->values[i];
		fresh->values[i] = value;
		read_again(conf, i);
		read_again(fresh, i);
	}
}

/* The text of a value, for people. The caller frees it. */
static char *shown(const struct conf *conf, size_t i)
{
	const char *text = conf->values[i].text ? conf->values[i].text : "";

	return strcmp(conf_options[i].name, "store") == 0 ? store_shown(text) : xstrdup(text);
}

static void warn_of_restart(const struct conf *fresh, size_t i)
{
	char *value = shown(fresh, i);

	log_warn(log_msg("the new value needs a restart"), log_str("option", conf_options[i].name),
	    log_str("value", value), log_str("origin", fresh->values[i].origin));
	free(value);
}

/* A default that follows from another value is not news by itself. */
static bool is_default(const struct conf *conf, size_t i)
{
	return strcmp(conf->values[i].origin, "default") == 0;
}

void conf_warn_of_restart(const struct conf *conf, const struct conf *fresh)
{
	for (size_t i = 0; i < CONF_OPTION_COUNT; i++)
		if (!conf_options[i].reloadable && differs(conf, fresh, i) &&
		    !(is_default(conf, i) && is_default(fresh, i)))
			warn_of_restart(fresh, i);
}

void conf_set_interval(struct conf *conf, int64_t interval_ns, const char *origin)
{
	char duration[DURATION_TEXT_SIZE], text[DURATION_TEXT_SIZE + 2];
	struct fail fail;

	format_duration(interval_ns, duration);
	snprintf(text, sizeof(text), "1/%s", duration);
	set(conf, conf_option_by_name("rate"), text, origin, &fail);
}

const char *conf_origin(const struct conf *conf, const char *name)
{
	return conf->values[conf_option_by_name(name) - conf_options].origin;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t conf_settle_ns(const struct conf *conf)
{
	if (conf->settle_ns != CONF_AUTO)
		return conf->settle_ns;
	return smaller(conf->interval_ns / 10, SETTLE_AUTO_MAX_NS);
}

int64_t conf_slot_guard_ns(const struct conf *conf)
{
	if (conf->slot_guard_ns != CONF_AUTO)
		return conf->slot_guard_ns;
	/* A claim takes several round trips, however short the interval is. */
	return conf->interval_ns / 10 > GUARD_AUTO_MIN_NS
	           ? smaller(conf->interval_ns / 10, GUARD_AUTO_MAX_NS)
	           : GUARD_AUTO_MIN_NS;
}

int64_t conf_poll_ns(const struct conf *conf)
{
	if (conf->poll_ns != CONF_AUTO)
		return conf->poll_ns;
	return conf->interval_ns > POLL_AUTO_MIN_NS ? smaller(conf->interval_ns, POLL_AUTO_MAX_NS)
	                                            : POLL_AUTO_MIN_NS;
}

/* ---- output ---- */

/* What the reader of the file would take for a comment, for quotes, or for space around a value. */
static bool needs_quotes(const char *text)
{
	return *text && (strstr(text, " #") || strstr(text, "\t#") || strchr("#\" \t", *text) ||
			    strchr(" \t", text[strlen(text) - 1]));
}

void conf_print(const struct conf *conf, FILE *out)
{
	for (size_t i = 0; i < CONF_OPTION_COUNT; i++) {
		const char *origin = conf->values[i].origin;
		char *text = shown(conf, i);
		const char *quote = needs_quotes(text) ? "\"" : "";
		/* What is empty, and the file itself, cannot stand in a file. */
		char *line = xasprintf("%s%s = %s%s%s", *text && i > 0 ? "" : "# ",
		    conf_options[i].name, quote, text, quote);

		fprintf(out, "%-44s # %s\n", line, origin ? origin : "default");
		free(line);
		free(text);
	}
}

/* Prints `text` in lines that begin at column `indent`; the first one is there already. */
static void print_wrapped(FILE *out, const char *text, int indent, int width)
{
	int column = indent;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column > indent && column + 1 + len > width)
			column = fprintf(out, "\n%*s", indent, "") - 1;
		else if (column > indent)
			column += fprintf(out, " ");
		column += fprintf(out, "%.*s", len, text);
		text += len + (text[len] != '\0');
	}
	fputc('\n', out);
}

#define HELP_COLUMN 29

static void print_option(FILE *out, const char *name, const char *argument, const char *help)
{
	char left[64];
	int len = snprintf(
	    left, sizeof(left), "  --%s%s%s", name, argument ? " " : "", argument ? argument : "");

	/* What is longer stands alone. */
	if (len >= HELP_COLUMN)
		fprintf(out, "%s\n%*s", left, HELP_COLUMN, "");
	else
		fprintf(out, "%-*s", HELP_COLUMN, left);
	print_wrapped(out, help, HELP_COLUMN, 96);
}

void conf_print_help(FILE *out)
{
	fputs("usage: ingestd [OPTION]...\n\n"
	      "Feeds lists of ids in small batches, by priority and never faster than a rate, to a "
	      "handler.\nIt stays in the foreground and logs to stderr; ingestctl talks to it.\n\n",
	    out);
	for (size_t i = 0; i < CONF_OPTION_COUNT; i++) {
		const struct conf_option *option = &conf_options[i];
		bool shown = option->argument && option->fallback && *option->fallback;
		char *help = xasprintf("%s%s%s%s", option->help, shown ? " (default " : "",
		    shown ? option->fallback : "", shown ? ")" : "");

		print_option(out, option->name, option->argument, help);
		free(help);
	}
	fputs("\n", out);
	for (size_t i = 0; i < COUNT_OF(actions); i++)
		print_option(out, actions[i].name, actions[i].argument, actions[i].help);
	fputs("\nEvery option --batch-size is also INGESTD_BATCH_SIZE in the environment and "
	      "batch-size "
	      "in the\nfile; flags go before the environment, that before the file. Manual: "
	      "ingestd(8).\n",
	    out);
}
