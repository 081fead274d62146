#include "input.h"

#include "buf.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The most text that one file may have. Text is read whole, so that errors can name its lines, and
 * /dev/zero has no end. A message of the default size holds half a million ids at most; this is
 * space for ten million with ten digits, and leaves room for comments.
 */
#define TEXT_MAX (128u * 1024 * 1024)
#define CHUNK (64 * 1024)
#define WHERE_MAX 80 /* bytes of a path in an error: the line number behind it has to fit, too */

static void add(const char ***list, size_t *n, const char *text)
{
	*list = xreallocarray(*list, *n + 1, sizeof(**list));
	(*list)[(*n)++] = text;
}

void input_add_arg(struct input *input, const char *arg)
{
	add(&input->args, &input->n_args, arg);
}

void input_add_file(struct input *input, const char *path)
{
	add(&input->files, &input->n_files, path);
}

static bool is_stdin(const char *path)
{
	return strcmp(path, "-") == 0;
}

/* What errors call the file. */
static void name_file(const char *path, char where[WHERE_MAX])
{
	size_t len = strlen(path);

	if (is_stdin(path))
		snprintf(where, WHERE_MAX, "stdin");
	else if (len < WHERE_MAX)
		memcpy(where, path, len + 1);
	else
		snprintf(where, WHERE_MAX, "...%s", path + len - (WHERE_MAX - 4));
}

static enum err read_text(int fd, const char *where, struct buf *text, struct fail *fail)
{
	for (;;) {
		ssize_t n = read(fd, buf_reserve(text, CHUNK), CHUNK);

		if (n == 0)
			return ERR_OK;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_set(
			    fail, ERR_INVALID, "cannot read %s: %s", where, strerror(errno));
		text->len += (size_t)n;
		if (text->len > TEXT_MAX)
			return fail_set(fail, ERR_TOO_LARGE, "%s has more than %u MiB of text",
			    where, TEXT_MAX / (1024 * 1024));
	}
}

static enum err read_file(const char *path, struct idlist *ids, struct fail *fail)
{
	int fd = is_stdin(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	struct buf text = {0};
	char where[WHERE_MAX];

	name_file(path, where);
	if (fd < 0)
		return fail_set(fail, ERR_INVALID, "cannot open %s: %s", where, strerror(errno));
	if (!read_text(fd, where, &text, fail))
		idlist_parse_text(ids, text.data, text.len, IDLIST_MAX, where, fail);
	buf_free(&text);
	if (fd != STDIN_FILENO)
		close(fd);
	return fail->err;
}

static enum err read_args(const struct input *input, struct idlist *ids, struct fail *fail)
{
	char where[32];

	for (size_t i = 0; i < input->n_args; i++) {
		snprintf(where, sizeof(where), "argument %zu", i + 1);
		if (idlist_parse_text(
			ids, input->args[i], strlen(input->args[i]), IDLIST_MAX, where, fail))
			return fail->err;
	}
	return ERR_OK;
}

static enum err check(const struct input *input, struct fail *fail)
{
	size_t stdins = 0;

	for (size_t i = 0; i < input->n_files; i++)
		stdins += is_stdin(input->files[i]);
	if (stdins > 1)
		return fail_set(
		    fail, ERR_INVALID, "\"-\" is given %zu times: stdin can be read once", stdins);
	if (input->n_args + input->n_files == 0)
		return fail_set(fail, ERR_INVALID,
		    "no ids: give them as arguments, with --file, or - for stdin");
	return ERR_OK;
}

/* Everything was read, and there were no ids in it. */
static enum err nothing(const struct input *input, struct fail *fail)
{
	char where[WHERE_MAX] = "the argument";

	if (input->n_args + input->n_files > 1)
		return fail_set(fail, ERR_INVALID, "no ids: all arguments and files are empty");
	if (input->n_files == 1)
		name_file(input->files[0], where);
	return fail_set(fail, ERR_INVALID, "no ids: %s is empty", where);
}

enum err input_read(const struct input *input, struct idlist *ids, struct fail *fail)
{
	fail->err = ERR_OK;
	if (check(input, fail) || read_args(input, ids, fail))
		return fail->err;
	for (size_t i = 0; i < input->n_files; i++)
		if (read_file(input->files[i], ids, fail))
			return fail->err;
	return ids->n > 0 ? ERR_OK : nothing(input, fail);
}

void input_free(struct input *input)
{
	free(input->args);
	free(input->files);
	*input = (struct input){0};
}
