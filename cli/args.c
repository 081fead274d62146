#include "args.h"

#include "exits.h"
#include "out.h"
#include "utf8.h"
#include "util.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define OPTS_MAX 16 /* in one table, the common ones included */

const struct opt args_common[] = {
    {ARGS_SOCKET, "socket", "PATH", "socket of the daemon (else $INGESTD_SOCKET, or the default)",
	ARGS_FILES},
    {'h', "help", NULL, "this text", NULL},
    {0},
};

/* The tables as getopt_long() wants them; its key for an operand, 1, is ARGS_OPERAND. */
struct parser {
	const struct cmd *cmd;
	struct cmd_env *env;
	struct option longs[OPTS_MAX + 1];
	size_t n;
	char shorts[2 * OPTS_MAX + 3];
};

static bool has_letter(const struct opt *opt)
{
	return opt->key < ARGS_SOCKET;
}

static void add_opts(struct parser *parser, const struct opt *opts)
{
	char *end = parser->shorts + strlen(parser->shorts);

	for (const struct opt *opt = opts; opt && opt->name && parser->n < OPTS_MAX; opt++) {
		parser->longs[parser->n++] = (struct option){
		    .name = opt->name,
		    .has_arg = opt->arg ? required_argument : no_argument,
		    .val = opt->key,
		};
		if (has_letter(opt))
			*end++ = (char)opt->key;
		if (has_letter(opt) && opt->arg)
			*end++ = ':';
	}
	*end = '\0';
}

/*
 * `mode` is a prefix of the short options (getopt(3)): '-' hands out operands in their place, '+'
 * ends at the first one.
 */
static void start(
    struct parser *parser, const struct cmd *cmd, struct cmd_env *env, const char *mode)
{
	*parser = (struct parser){.cmd = cmd, .env = env};
	snprintf(parser->shorts, sizeof(parser->shorts), "%s:", mode);
	add_opts(parser, cmd->opts);
	add_opts(parser, args_common);
	/* Zero makes getopt read the mode anew, in its next call; that call gets nothing to do, so
	 * that args_parse() sees each argument before getopt does. */
	opterr = 0;
	optind = 0;
	getopt_long(1, (char *[]){"", NULL}, parser->shorts, parser->longs, NULL);
	optind = 1;
}

/* ---- help ---- */

static void print_invocation(const struct cmd *cmd)
{
	printf("ingestctl%s%s", cmd->name ? " " : "", cmd->name ? cmd->name : "");
}

static int opt_text(const struct opt *opt, char *text, size_t size)
{
	char letter[5] = "    ";

	if (has_letter(opt))
		snprintf(letter, sizeof(letter), "-%c, ", opt->key);
	return snprintf(text, size, "%s--%s%s%s", letter, opt->name, opt->arg ? " " : "",
	    opt->arg ? opt->arg : "");
}

static void print_opts(const struct opt *opts, int width)
{
	char text[64];

	for (; opts && opts->name; opts++) {
		opt_text(opts, text, sizeof(text));
		printf("  %-*s  %s\n", width, text, opts->help);
	}
}

static int opts_width(const struct opt *opts, int width)
{
	char text[64];

	for (; opts && opts->name; opts++) {
		int len = opt_text(opts, text, sizeof(text));

		width = len > width ? len : width;
	}
	return width;
}

static void print_section(const char *title, const char *lines)
{
	if (!lines)
		return;
	printf("\n%s:\n", title);
	while (*lines) {
		int len = (int)strcspn(lines, "\n");

		printf("  %.*s\n", len, lines);
		lines += len + (lines[len] == '\n');
	}
}

static void print_help(const struct cmd *cmd)
{
	int width = opts_width(args_common, opts_width(cmd->opts, 0));

	printf("usage: ");
	print_invocation(cmd);
	printf(" [OPTION]...%s%s\n\n%s.\n", *cmd->operands ? " " : "", cmd->operands, cmd->summary);
	if (cmd->about)
		printf("%s\n", cmd->about);
	if (cmd->subs)
		printf("\ncommands:\n");
	for (const struct cmd *const *sub = cmd->subs; sub && *sub; sub++)
		printf("  %-10s  %s\n", (*sub)->name, (*sub)->summary);
	printf("\noptions:\n");
	print_opts(cmd->opts, width);
	print_opts(args_common, width);
	print_section("exit status", cmd->exits);
	print_section("example", cmd->example);
}

/* ---- parsing ---- */

static int bad_usage(const struct parser *parser, const char *what, const char *which)
{
	const char *name = parser->cmd->name;

	return out_fail(EXITS_USAGE, "%s%s; see: ingestctl%s%s --help", what, which,
	    name ? " " : "", name ? name : "");
}

static const char *name_of(const struct parser *parser, int key)
{
	for (size_t i = 0; i < parser->n; i++)
		if (parser->longs[i].val == key)
			return parser->longs[i].name;
	return NULL;
}

/* Says why getopt_long() returned '?' or ':'. */
static int bad_option(const struct parser *parser, int result, char **argv)
{
	const char *name = optopt ? name_of(parser, optopt) : NULL;
	char text[64];

	if (name) {
		snprintf(text, sizeof(text), "%s %s", name,
		    result == ':' ? "needs a value" : "takes no value");
		return bad_usage(parser, "option --", text);
	}
	if (optopt == 0)
		return bad_usage(parser, "unknown option ", argv[optind - 1]);
	snprintf(text, sizeof(text), "%c", optopt);
	return bad_usage(parser, "unknown option -", text);
}

/* An option, with its value in optarg. */
static int take_option(struct parser *parser, int key, char **argv,
    int (*take)(void *arg, int key, const char *value), void *arg)
{
	switch (key) {
	case '?':
	case ':':
		return bad_option(parser, key, argv);
	case 'h':
		print_help(parser->cmd);
		return EXITS_YES;
	case ARGS_SOCKET:
		parser->env->socket = optarg;
		return ARGS_GO_ON;
	default:
		return take(arg, key, optarg);
	}
}

static bool is_negative_number(const char *text)
{
	return text[0] == '-' && text[1] >= '0' && text[1] <= '9';
}

int args_parse(const struct cmd *cmd, struct cmd_env *env, int argc, char **argv,
    int (*take)(void *arg, int key, const char *value), void *arg)
{
	struct parser parser;
	int status = ARGS_GO_ON, key = 0;

	start(&parser, cmd, env, "-");
	while (status == ARGS_GO_ON) {
		/* getopt would take it for a row of options. */
		if (optind < argc && is_negative_number(argv[optind])) {
			status = take(arg, ARGS_OPERAND, argv[optind++]);
			continue;
		}
		key = getopt_long(argc, argv, parser.shorts, parser.longs, NULL);
		if (key == -1)
			break;
		status = take_option(&parser, key, argv, take, arg);
	}
	/* What follows "--". */
	while (status == ARGS_GO_ON && optind < argc)
		status = take(arg, ARGS_OPERAND, argv[optind++]);
	return status;
}

int args_parse_top(const struct cmd *top, struct cmd_env *env, int argc, char **argv,
    int (*take)(void *arg, int key, const char *value), int *first)
{
	struct parser parser;
	int status = ARGS_GO_ON, key;

	start(&parser, top, env, "+");
	while (status == ARGS_GO_ON &&
	       (key = getopt_long(argc, argv, parser.shorts, parser.longs, NULL)) != -1)
		status = take_option(&parser, key, argv, take, NULL);
	*first = optind;
	return status;
}

/* ---- values ---- */

int args_priority(const char *text, enum priority *priority)
{
	char name[16] = "";

	for (size_t i = 0; text[i] && i < sizeof(name) - 1; i++) {
		name[i] = text[i];
		if (name[i] >= 'a' && name[i] <= 'z')
			name[i] = (char)(name[i] - 'a' + 'A');
	}
	if (!priority_by_name(name, priority))
		return out_fail(
		    EXITS_USAGE, "priority \"%.40s\" is not one of HIGH, MEDIUM, LOW", text);
	return ARGS_GO_ON;
}

/* The daemon checks labels too, but bytes that are no text would not get there as JSON. */
int args_label(const char *text, char label[LABEL_MAX + 1])
{
	size_t len = strlen(text);

	if (len == 0)
		return out_fail(EXITS_USAGE, "the label is empty");
	if (len > LABEL_MAX)
		return out_fail(
		    EXITS_USAGE, "the label has %zu bytes, more than %d", len, LABEL_MAX);
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_length(text + i, len - i);
		if (n == 0)
			return out_fail(EXITS_USAGE, "the label is not valid UTF-8");
		if (utf8_is_control(text + i, n))
			return out_fail(EXITS_USAGE, "the label has a control character");
	}
	strcpy(label, text);
	return ARGS_GO_ON;
}
