#include "exec_command.h"

#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"

static const char *why_no_words(int error)
{
	static const struct {
		int error;
		const char *why;
	} reasons[] = {
	    {WRDE_BADCHAR, "it has a newline or one of |&;<>(){} outside of quotes; no shell is "
			   "involved unless you write exec:sh -c '...'"},
	    {WRDE_BADVAL, "it has a variable that is not set; quote the $ if the command is to see "
			  "it"},
	    {WRDE_CMDSUB, "it has a command substitution; no shell is involved unless you write "
			  "exec:sh -c '...'"},
	    {WRDE_SYNTAX, "its quotes or braces are not in pairs"},
	    /* glibc says so of "$NAME" when the value is "". */
	    {WRDE_NOSPACE, "it has a variable in quotes that is empty, or needs too much memory"},
	};

	for (size_t i = 0; i < COUNT_OF(reasons); i++)
		if (reasons[i].error == error)
			return reasons[i].why;
	return "it cannot be split into words";
}

/* Why the file cannot be run; NULL: it can. */
static const char *why_not(const char *path)
{
	struct stat about;

	if (stat(path, &about) != 0)
		return strerror(errno);
	if (S_ISDIR(about.st_mode))
		return "it is a directory";
	if (!S_ISREG(about.st_mode))
		return "it is not a file";
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0)
		return errno == EACCES ? "it is not executable" : strerror(errno);
	return NULL;
}

/* The first file in PATH that can be run, or else the first one of that name, or NULL. */
static char *look_in_path(const char *name)
{
	const char *path = getenv("PATH");
	char *second_best = NULL;

	for (path = path ? path : PATH_DEFAULT;; path++) {
		size_t len = strcspn(path, ":");
		char *file = xasprintf("%.*s%s%s", (int)len, path, len ? "/" : "./", name);
		const char *why = why_not(file);

		if (!why) {
			free(second_best);
			return file;
		}
		if (!second_best && access(file, F_OK) == 0)
			second_best = file;
		else
			free(file);
		path += len;
		if (!*path)
			return second_best;
	}
}

static enum err find_program(struct exec_command *command, const char *text, struct fail *fail)
{
	const char *name = command->words.we_wordv[0], *why;

	command->path = strchr(name, '/') ? xstrdup(name) : look_in_path(name);
	if (!command->path)
		return fail_set(fail, ERR_INVALID,
		    "handler exec: there is no \"%.80s\" in PATH, to run \"%.80s\"", name, text);
	why = why_not(command->path);
	if (why)
		return fail_set(fail, ERR_INVALID,
		    "handler exec: cannot run %.160s, for \"%.80s\": %s", command->path, text, why);
	return ERR_OK;
}

enum err exec_command_read(struct exec_command *command, const char *text, struct fail *fail)
{
	int error;

	*command = (struct exec_command){.path = NULL};
	error = wordexp(text, &command->words, WRDE_NOCMD | WRDE_UNDEF);
	if (error) {
		exec_command_free(command);
		return fail_set(fail, ERR_INVALID, "handler exec: \"%.80s\" is not a command: %s",
		    text, why_no_words(error));
	}
	if (command->words.we_wordc == 0 || !*command->words.we_wordv[0])
		return fail_set(fail, ERR_INVALID,
		    "handler exec: \"%.80s\" has no command, as in exec:COMMAND", text);
	return find_program(command, text, fail);
}

void exec_command_free(struct exec_command *command)
{
	if (command->words.we_wordv)
		wordfree(&command->words);
	free(command->path);
	*command = (struct exec_command){.path = NULL};
}
