/*
 * The command completion: scripts that make shells complete commands, options and their values. All
 * of it comes from the tables that the parser uses, so it cannot get out of step with them.
 */
#include "args.h"
#include "buf.h"
#include "cmd.h"
#include "exits.h"
#include "out.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

#define SHELLS "bash zsh fish"

static bool takes_files(const struct opt *opt)
{
	return opt->values && strcmp(opt->values, ARGS_FILES) == 0;
}

/* Calls `print` for the options of the command, then for those that all commands have. */
static void for_each_opt(const struct cmd *cmd, struct buf *out,
    void (*print)(const struct cmd *cmd, const struct opt *opt, struct buf *out))
{
	for (const struct opt *opt = cmd->opts; opt && opt->name; opt++)
		print(cmd, opt, out);
	for (const struct opt *opt = args_common; opt->name; opt++)
		print(cmd, opt, out);
}

static void for_each_cmd(struct buf *out, void (*print)(const struct cmd *cmd, struct buf *out))
{
	for (const struct cmd *const *cmd = cmd_top.subs; *cmd; cmd++)
		print(*cmd, out);
}

/* Appends the text with a backslash before each of the `special` characters, for a place between
 * single quotes; `quote` is how these themselves are written there. */
static void add_quoted(struct buf *out, const char *text, const char *special, const char *quote)
{
	for (; *text; text++) {
		if (*text == '\'') {
			buf_add_str(out, quote);
			continue;
		}
		if (strchr(special, *text))
			buf_add_str(out, "\\");
		buf_add(out, text, 1);
	}
}

/* ---- bash ---- */

static const char bash_begin[] =
    "# Completion of ingestctl for bash. Made by: ingestctl completion bash\n"
    "\n"
    "_ingestctl() {\n"
    "	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "	local command='' words='' values='' i\n"
    "\n"
    "	COMPREPLY=()\n"
    "	# --option=value is three words.\n"
    "	if [[ $cur == = ]]; then\n"
    "		cur=''\n"
    "	elif [[ $prev == = ]]; then\n"
    "		prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "	fi\n"
    "	for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "		case ${COMP_WORDS[i]} in\n"
    "		--socket)\n"
    "			i=$((i + 1))\n"
    "			[[ ${COMP_WORDS[i]} != = ]] || i=$((i + 1))\n"
    "			;;\n"
    "		-*) ;;\n"
    "		*)\n"
    "			command=${COMP_WORDS[i]}\n"
    "			break\n"
    "			;;\n"
    "		esac\n"
    "	done\n"
    "	case $command:$prev in\n";

static const char bash_end[] =
    "	esac\n"
    "	if [[ $values == " ARGS_FILES " ]]; then\n"
    "		compopt -o filenames 2>/dev/null\n"
    "		mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "	elif [[ $values ]]; then\n"
    "		mapfile -t COMPREPLY < <(compgen -W \"$values\" -- \"$cur\")\n"
    "	else\n"
    "		mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
    "	fi\n"
    "}\n"
    "complete -F _ingestctl ingestctl\n";

static void add_bash_value(const struct cmd *cmd, const struct opt *opt, struct buf *out)
{
	const char *name = cmd->name ? cmd->name : "";

	if (!opt->arg)
		return;
	buf_printf(out, "	%s:--%s", name, opt->name);
	if (opt->key < ARGS_SOCKET)
		buf_printf(out, " | %s:-%c", name, opt->key);
	/* A value that nothing is known about is not completed with words that stand elsewhere. */
	buf_printf(out, ") values='%s' ;;\n", opt->values ? opt->values : " ");
}

static void add_bash_word(const struct cmd *cmd, const struct opt *opt, struct buf *out)
{
	(void)cmd;
	buf_printf(out, " --%s", opt->name);
}

static void add_bash_values(const struct cmd *cmd, struct buf *out)
{
	for_each_opt(cmd, out, add_bash_value);
}

/* Options are offered once a dash is there. */
static void add_bash_words(const struct cmd *cmd, struct buf *out)
{
	const char *name = cmd->name ? cmd->name : "''";

	buf_printf(out, "	%s:-*) words='", name);
	buf_add_str(out, cmd->words ? cmd->words : "");
	for_each_opt(cmd, out, add_bash_word);
	buf_printf(out, "' ;;\n	%s:*) words='", name);
	for (const struct cmd *const *sub = cmd->subs; sub && *sub; sub++)
		buf_printf(out, "%s%s", sub == cmd->subs ? "" : " ", (*sub)->name);
	buf_printf(out, "%s' ;;\n", cmd->words ? cmd->words : "");
}

static void make_bash(struct buf *out)
{
	buf_add_str(out, bash_begin);
	add_bash_values(&cmd_top, out);
	for_each_cmd(out, add_bash_values);
	buf_add_str(out, "	esac\n	case $command:$cur in\n");
	add_bash_words(&cmd_top, out);
	for_each_cmd(out, add_bash_words);
	buf_add_str(out, bash_end);
}

/* ---- zsh ---- */

static void add_zsh_spec(
    const char *dashes, const char *name, const char *glue, const struct opt *opt, struct buf *out)
{
	buf_printf(out, " \\\n			'*%s%s%s[", dashes, name, opt->arg ? glue : "");
	add_quoted(out, opt->help, "[]:\\", "'\\''");
	buf_add_str(out, "]");
	if (takes_files(opt))
		buf_printf(out, ":%s:_files", opt->arg);
	else if (opt->arg && opt->values)
		buf_printf(out, ":%s:(%s)", opt->arg, opt->values);
	else if (opt->arg)
		buf_printf(out, ":%s: ", opt->arg);
	buf_add_str(out, "'");
}

static void add_zsh_opt(const struct cmd *cmd, const struct opt *opt, struct buf *out)
{
	char letter[2] = {(char)opt->key, '\0'};

	(void)cmd;
	if (opt->key < ARGS_SOCKET)
		add_zsh_spec("-", letter, "+", opt, out);
	add_zsh_spec("--", opt->name, "=", opt, out);
}

static void add_zsh_name(const struct cmd *cmd, struct buf *out)
{
	buf_printf(out, "			'%s:", cmd->name);
	add_quoted(out, cmd->summary, ":\\", "'\\''");
	buf_add_str(out, "'\n");
}

static void add_zsh_cmd(const struct cmd *cmd, struct buf *out)
{
	buf_printf(out, "		%s)\n			_arguments -s", cmd->name);
	for_each_opt(cmd, out, add_zsh_opt);
	if (*cmd->operands)
		buf_printf(out, " \\\n			'*:operand:%s%s%s'", cmd->words ? "(" : " ",
		    cmd->words ? cmd->words : "", cmd->words ? ")" : "");
	buf_add_str(out, "\n			;;\n");
}

static void make_zsh(struct buf *out)
{
	buf_add_str(out, "#compdef ingestctl\n"
			 "# Completion of ingestctl for zsh. Made by: ingestctl completion zsh\n"
			 "\n"
			 "_ingestctl() {\n"
			 "	local curcontext=$curcontext state line\n"
			 "	local -a commands\n"
			 "	typeset -A opt_args\n"
			 "\n"
			 "	_arguments -C");
	for_each_opt(&cmd_top, out, add_zsh_opt);
	buf_add_str(out, " \\\n			'1:command:->command' \\\n"
			 "			'*::argument:->argument'\n"
			 "	case $state in\n"
			 "	command)\n"
			 "		commands=(\n");
	for_each_cmd(out, add_zsh_name);
	buf_add_str(out, "		)\n"
			 "		_describe command commands\n"
			 "		;;\n"
			 "	argument)\n"
			 "		case $line[1] in\n");
	for_each_cmd(out, add_zsh_cmd);
	buf_add_str(out, "		esac\n"
			 "		;;\n"
			 "	esac\n"
			 "}\n"
			 "\n"
			 "# As a file of $fpath this is the function itself; else it was sourced.\n"
			 "if [[ $funcstack[1] == _ingestctl ]]; then\n"
			 "	_ingestctl \"$@\"\n"
			 "else\n"
			 "	compdef _ingestctl ingestctl\n"
			 "fi\n");
}

/* ---- fish ---- */

/* Where the option or operand is offered; the common options are, wherever. */
static void begin_fish_line(const struct cmd *cmd, struct buf *out)
{
	buf_add_str(out, "complete -c ingestctl -n ");
	if (cmd->name)
		buf_printf(out, "'__fish_seen_subcommand_from %s'", cmd->name);
	else
		buf_add_str(out, "__fish_use_subcommand");
}

static void end_fish_line(const char *help, struct buf *out)
{
	buf_add_str(out, " -d '");
	add_quoted(out, help, "\\", "\\'");
	buf_add_str(out, "'\n");
}

static void add_fish_opt(const struct cmd *cmd, const struct opt *opt, struct buf *out)
{
	begin_fish_line(cmd, out);
	if (opt->key < ARGS_SOCKET)
		buf_printf(out, " -s %c", opt->key);
	buf_printf(out, " -l %s", opt->name);
	if (takes_files(opt))
		buf_add_str(out, " -r -F");
	else if (opt->arg)
		buf_add_str(out, " -x");
	if (opt->values && !takes_files(opt))
		buf_printf(out, " -a '%s'", opt->values);
	end_fish_line(opt->help, out);
}

static void add_fish_cmd(const struct cmd *cmd, struct buf *out)
{
	begin_fish_line(&cmd_top, out);
	buf_printf(out, " -a %s", cmd->name);
	end_fish_line(cmd->summary, out);
	for_each_opt(cmd, out, add_fish_opt);
	if (!cmd->words)
		return;
	begin_fish_line(cmd, out);
	buf_printf(out, " -a '%s'\n", cmd->words);
}

static void make_fish(struct buf *out)
{
	buf_add_str(out, "# Completion of ingestctl for fish. Made by: ingestctl completion fish\n"
			 "\n"
			 "complete -c ingestctl -f\n");
	for_each_opt(&cmd_top, out, add_fish_opt);
	for_each_cmd(out, add_fish_cmd);
}

/* ---- the command ---- */

static const struct shell {
	const char *name;
	void (*make)(struct buf *out);
} shells[] = {
    {"bash", make_bash},
    {"zsh", make_zsh},
    {"fish", make_fish},
};

/* `arg` is the shell. */
static int take_arg(void *arg, int key, const char *value)
{
	const struct shell **shell = arg;

	(void)key;
	if (*shell)
		return out_fail(EXITS_USAGE, "unexpected argument \"%.64s\"", value);
	for (size_t i = 0; i < COUNT_OF(shells); i++)
		if (strcmp(shells[i].name, value) == 0)
			*shell = &shells[i];
	if (!*shell)
		return out_fail(
		    EXITS_USAGE, "\"%.64s\" is not one of these shells: " SHELLS, value);
	return ARGS_GO_ON;
}

static int run(struct cmd_env *env, int argc, char **argv)
{
	const struct shell *shell = NULL;
	struct buf out = {0};
	int status = args_parse(&cmd_completion, env, argc, argv, take_arg, &shell);

	if (status != ARGS_GO_ON)
		return status;
	if (!shell)
		return out_fail(EXITS_USAGE, "for which shell? give one of: " SHELLS);
	shell->make(&out);
	out_data(&out);
	return EXITS_YES;
}

static const struct opt opts[] = {
    {0},
};

const struct cmd cmd_completion = {
    .name = "completion",
    .summary = "Prints a script that makes a shell complete the arguments of ingestctl",
    .operands = "bash|zsh|fish",
    .words = SHELLS,
    .about = "\"make install\" puts the scripts where the shells look for them.",
    .opts = opts,
    .exits = "0  printed\n2  wrong usage",
    .example = "source <(ingestctl completion bash)",
    .run = run,
};
