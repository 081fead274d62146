#include "exec_helper.h"

#include "exec_limits.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXIT_NO_COMMAND 127
#define EXIT_MISUSED 2

/* What follows the flag, then the words of the command. */
enum { NOFILE = 2, UMASK, NICE, LIMITS, PATH, WORDS };

/* ---- in the daemon ---- */

void exec_helper_look(struct exec_helper *how)
{
	struct rlimit nofile = {.rlim_cur = RLIM_INFINITY};

	getrlimit(RLIMIT_NOFILE, &nofile);
	how->nofile = nofile.rlim_cur;
	how->umask = umask(077);
	umask(how->umask);
}

char **exec_helper_arguments(const struct exec_helper *how)
{
	size_t n = 0;
	char **argv;

	while (how->words[n])
		n++;
	argv = xcalloc(WORDS + n + 1, sizeof(*argv));
	argv[0] = xstrdup("ingestd");
	argv[1] = xstrdup(EXEC_HELPER_FLAG);
	argv[NOFILE] = xasprintf("%" PRIu64, how->nofile);
	argv[UMASK] = xasprintf("%o", (unsigned)how->umask);
	argv[NICE] = xasprintf("%" PRId64, how->nice);
	argv[LIMITS] = xstrdup(how->limits);
	argv[PATH] = how->path;
	memcpy(argv + WORDS, how->words, n * sizeof(*argv));
	return argv;
}

void exec_helper_arguments_free(char **argv)
{
	for (size_t i = 0; i < PATH; i++)
		free(argv[i]);
	free(argv);
}

/* ---- in the child ---- */

__attribute__((format(printf, 1, 2))) static int complain(const char *format, ...)
{
	char text[512];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* Nobody else could be told of a failure. */
	if (len > 0 && write(EXEC_HELPER_STATUS_FD, text, strlen(text)) < 0)
		return EXIT_NO_COMMAND;
	return EXIT_NO_COMMAND;
}

/*
 * posix_spawn(3) of glibc leaves the two signals that it uses itself ignored, and sigaction(2) does
 * not let us change that. The structure of the kernel is all zeros for "default, no flags".
 */
static void reset_signals(void)
{
	static const unsigned long by_default[8];

	for (int number = 32; number < 34; number++)
		syscall(SYS_rt_sigaction, number, by_default, NULL, _NSIG / 8);
}

static bool set_descriptors(const char *text)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return false;
	limit.rlim_cur = strtoull(text, NULL, 10);
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static bool set_nice(const char *text)
{
	int by = atoi(text);

	errno = 0;
	return by == 0 || nice(by) != -1 || errno == 0;
}

static int become(const char *path, char **words)
{
	int why;

	execv(path, words);
	why = errno;
	/* The system does not say that the first line of a script is what it means. */
	if (why == ENOENT && access(path, F_OK) == 0)
		return complain("cannot run %s: its interpreter: %s", path, strerror(why));
	return complain("cannot run %s: %s", path, strerror(why));
}

bool exec_helper_is_meant(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], EXEC_HELPER_FLAG) == 0;
}

int exec_helper_main(int argc, char **argv)
{
	struct exec_limits limits;
	struct fail fail;
	const char *name;

	if (argc <= WORDS || fcntl(EXEC_HELPER_STATUS_FD, F_SETFD, FD_CLOEXEC) != 0) {
		fputs("ingestd: " EXEC_HELPER_FLAG " is for ingestd alone\n", stderr);
		return EXIT_MISUSED;
	}
	reset_signals();
	umask((mode_t)strtoul(argv[UMASK], NULL, 8));
	if (!set_descriptors(argv[NOFILE]))
		return complain("cannot set the limit of descriptors: %s", strerror(errno));
	if (!set_nice(argv[NICE]))
		return complain("cannot set the nice value: %s", strerror(errno));
	if (exec_limits_read(&limits, argv[LIMITS], &fail))
		return complain("exec-limits: %s", fail.text);
	if (!exec_limits_apply(&limits, &name))
		return complain("cannot set the limit %s: %s", name, strerror(errno));
	return become(argv[PATH], argv + WORDS);
}
