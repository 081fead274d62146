#include "exec_command.h"

#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory with files of all kinds, as working directory and in PATH. */
struct place {
	char dir[32], before[512], path[512];
};

static void make_file(const char *name, mode_t mode)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(chmod(name, mode), 0);
}

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	assert_non_null(getcwd(place->before, sizeof(place->before)));
	strcpy(place->path, getenv("PATH"));
	strcpy(place->dir, "/tmp/command.XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	assert_int_equal(chdir(place->dir), 0);
	mkdir("bin", 0700);
	mkdir("second", 0700);
	mkdir("bin/both", 0700);
	make_file("plain", 0600);
	make_file("tool", 0700);
	make_file("bin/tool", 0700);
	make_file("bin/plain", 0600);
	make_file("second/plain", 0700);
	make_file("second/only", 0600);
	setenv("PATH", "missing:bin:second", 1);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"bin/both", "bin/tool", "bin/plain", "second/plain",
	    "second/only", "bin", "second", "plain", "tool"};
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove(names[i]);
	assert_int_equal(chdir(place->before), 0);
	rmdir(place->dir);
	setenv("PATH", place->path, 1);
	free(place);
	return 0;
}

/* The words, with | between. */
static void assert_command(const char *text, const char *path, const char *words)
{
	struct exec_command command;
	struct fail fail;
	char joined[200] = "";

	if (exec_command_read(&command, text, &fail))
		fail_msg("%s", fail.text);
	assert_string_equal(command.path, path);
	for (size_t i = 0; i < command.words.we_wordc; i++) {
		strcat(joined, i ? "|" : "");
		strcat(joined, command.words.we_wordv[i]);
	}
	assert_null(command.words.we_wordv[command.words.we_wordc]);
	assert_string_equal(joined, words);
	exec_command_free(&command);
}

static void assert_refused(const char *text, const char *why)
{
	struct exec_command command;
	struct fail fail;

	assert_int_equal(exec_command_read(&command, text, &fail), ERR_INVALID);
	assert_string_equal(fail.text, why);
	exec_command_free(&command);
}

static void words_are_those_of_a_shell(void **state)
{
	(void)state;
	setenv("PLACE", "two words", 1);
	assert_command("./tool", "./tool", "./tool");
	assert_command("  ./tool  a 'b c' \"d  e\" f\\ g '' ", "./tool", "./tool|a|b c|d  e|f g|");
	assert_command("./tool \"$PLACE\" '$PLACE'", "./tool", "./tool|two words|$PLACE");
	assert_command("./tool '|&;<>(){}'", "./tool", "./tool||&;<>(){}");
	assert_command("./tool b*/[bt]o*", "./tool", "./tool|bin/both|bin/tool");
}

static void what_only_a_shell_can_do_is_refused(void **state)
{
	(void)state;
	assert_refused("./tool | cat",
	    "handler exec: \"./tool | cat\" is not a command: it has a newline or one of "
	    "|&;<>(){} outside of quotes; no shell is involved unless you write exec:sh -c '...'");
	assert_refused("./tool $(id)",
	    "handler exec: \"./tool $(id)\" is not a command: it has a command substitution; no "
	    "shell is involved unless you write exec:sh -c '...'");
	assert_refused("./tool `id`",
	    "handler exec: \"./tool `id`\" is not a command: it has a command substitution; no "
	    "shell is involved unless you write exec:sh -c '...'");
	assert_refused("./tool $NO_SUCH_VARIABLE",
	    "handler exec: \"./tool $NO_SUCH_VARIABLE\" is not a command: it has a variable that "
	    "is not set; quote the $ if the command is to see it");
	assert_refused("./tool 'x",
	    "handler exec: \"./tool 'x\" is not a command: its quotes or braces are not in pairs");
}

static void there_must_be_a_command(void **state)
{
	(void)state;
	assert_refused("", "handler exec: \"\" has no command, as in exec:COMMAND");
	assert_refused("  ", "handler exec: \"  \" has no command, as in exec:COMMAND");
	assert_refused("'' x", "handler exec: \"'' x\" has no command, as in exec:COMMAND");
}

static void the_first_file_in_path_that_can_be_run_is_meant(void **state)
{
	(void)state;
	assert_command("tool x", "bin/tool", "tool|x");
	assert_command("plain", "second/plain", "plain");
	setenv("PATH", ":second", 1);
	assert_command("tool", "./tool", "tool");
	setenv("PATH", "second:", 1);
	assert_command("tool", "./tool", "tool");
	unsetenv("PATH");
	assert_command("sh -c x", "/usr/bin/sh", "sh|-c|x");
}

static void what_cannot_be_run_is_refused(void **state)
{
	(void)state;
	assert_refused(
	    "nothing x", "handler exec: there is no \"nothing\" in PATH, to run \"nothing x\"");
	assert_refused("./no/such x",
	    "handler exec: cannot run ./no/such, for \"./no/such x\": No such file or directory");
	assert_refused(
	    "./plain/x", "handler exec: cannot run ./plain/x, for \"./plain/x\": Not a directory");
	assert_refused(
	    "./bin x", "handler exec: cannot run ./bin, for \"./bin x\": it is a directory");
	assert_refused(
	    "/dev/null", "handler exec: cannot run /dev/null, for \"/dev/null\": it is not a file");
	assert_refused("./plain x",
	    "handler exec: cannot run ./plain, for \"./plain x\": it is not executable");
	assert_refused(
	    "only", "handler exec: cannot run second/only, for \"only\": it is not executable");
	assert_refused(
	    "both", "handler exec: cannot run bin/both, for \"both\": it is a directory");
}

#define COMMAND_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    COMMAND_TEST(words_are_those_of_a_shell),
	    COMMAND_TEST(what_only_a_shell_can_do_is_refused),
	    COMMAND_TEST(there_must_be_a_command),
	    COMMAND_TEST(the_first_file_in_path_that_can_be_run_is_meant),
	    COMMAND_TEST(what_cannot_be_run_is_refused),
	};

	return RUN(tests);
}
