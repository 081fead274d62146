#include "upstream_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPACE " \t\r"

/* What is wrong with the file as such; NULL: nothing. */
static const char *why_not(const struct stat *about)
{
	if (!S_ISREG(about->st_mode))
		return "it is not a file";
	if (about->st_mode & (S_IWGRP | S_IWOTH))
		return "others than its owner may write it (chmod 600)";
	if (about->st_uid != 0 && about->st_mode & (S_IRGRP | S_IROTH))
		return "others than its owner may read it (chmod 600)";
	if (about->st_size > UPSTREAM_FILE_MAX)
		return "it has more than 65536 bytes";
	return NULL;
}

/* Reads the file whole; its length, or -1 with *why. */
static ssize_t read_whole(const char *path, char text[UPSTREAM_FILE_MAX + 1], const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat about;
	ssize_t n = -1;

	*why = NULL;
	if (fd >= 0 && fstat(fd, &about) == 0 && !(*why = why_not(&about)))
		n = read(fd, text, UPSTREAM_FILE_MAX);
	if (n < 0 && !*why)
		*why = strerror(errno);
	if (fd >= 0)
		close(fd);
	return n;
}

/* Without white space at both ends; cuts in place. */
static char *trim(char *line)
{
	size_t len;

	line += strspn(line, SPACE);
	len = strlen(line);
	while (len > 0 && strchr(SPACE, line[len - 1]))
		len--;
	line[len] = '\0';
	return line;
}

enum err upstream_file_read(const char *option, const char *path,
    enum err (*line)(void *arg, const char *text, struct fail *fail), void *arg, struct fail *fail)
{
	char text[UPSTREAM_FILE_MAX + 1], *at = text, *newline;
	const char *why;
	ssize_t n = read_whole(path, text, &why);
	struct fail reason = {.err = ERR_OK};

	if (n < 0)
		return fail_set(fail, ERR_INVALID, "%s: %.200s: %s", option, path, why);
	text[n] = '\0';
	if (strlen(text) != (size_t)n)
		fail_set(&reason, ERR_INVALID, "%s: %.200s: it has a NUL byte", option, path);
	for (int number = 1; at && !reason.err; number++, at = newline) {
		char *trimmed;
		struct fail said;

		newline = strchr(at, '\n');
		if (newline)
			*newline++ = '\0';
		trimmed = trim(at);
		if (*trimmed && *trimmed != '#' && line(arg, trimmed, &said))
			fail_set(&reason, ERR_INVALID, "%s: %.200s:%d: %s", option, path, number,
			    said.text);
	}
	OPENSSL_cleanse(text, sizeof(text));
	return reason.err ? fail_set(fail, reason.err, "%s", reason.text) : ERR_OK;
}
