#include "input.h"

#include "interrupt.h"
#include "spool.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE (64 * 1024)
#define PATH_SHOWN 80 /* bytes of a path in an error: the line number behind it has to fit, too */

void input_add_arg(struct input *input, const char *arg)
{
	input->args = xreallocarray(input->args, input->n_args + 1, sizeof(*input->args));
	input->args[input->n_args++] = arg;
}

void input_add_file(struct input *input, const char *path)
{
	input->files = xreallocarray(input->files, input->n_files + 1, sizeof(*input->files));
	input->files[input->n_files++] = (struct input_file){.path = path, .spool = -1};
}

static bool is_stdin(const char *path)
{
	return strcmp(path, "-") == 0;
}

/* What errors call the file. */
static void name_file(const char *path, char *where, size_t size)
{
	size_t len = strlen(path);

	if (is_stdin(path))
		snprintf(where, size, "stdin");
	else if (len < PATH_SHOWN)
		snprintf(where, size, "%s", path);
	else
		snprintf(where, size, "...%s", path + len - (PATH_SHOWN - 4));
}

/* ---- before reading ---- */

static enum err check(const struct input *input, struct fail *fail)
{
	size_t stdins = 0;

	for (size_t i = 0; i < input->n_files; i++)
		stdins += is_stdin(input->files[i].path);
	if (stdins > 1)
		return fail_set(
		    fail, ERR_INVALID, "\"-\" is given %zu times: stdin can be read once", stdins);
	if (input->n_args + input->n_files == 0)
		return fail_set(fail, ERR_INVALID,
		    "no ids: give them as arguments, with --file, or - for stdin");
	return ERR_OK;
}

/* Looks at the file without reading it. What is wrong with it is said when its turn comes. */
static void look(struct input *input, struct input_file *file)
{
	struct stat stat_;
	bool is_regular =
	    (is_stdin(file->path) ? fstat(STDIN_FILENO, &stat_) : stat(file->path, &stat_)) == 0 &&
	    S_ISREG(stat_.st_mode);

	file->again = is_regular;
	if (is_regular && is_stdin(file->path)) {
		/* Who started this program may have read some of it. */
		file->start = lseek(STDIN_FILENO, 0, SEEK_CUR);
		file->again = file->start >= 0;
	}
	if (!file->again)
		input->total = -1;
	else if (input->total >= 0)
		input->total += stat_.st_size - file->start;
}

enum err input_open(struct input *input, bool twice, struct fail *fail)
{
	if (check(input, fail))
		return fail->err;
	input->twice = twice;
	input->fd = -1;
	input->piece = xmalloc(PIECE);
	for (size_t i = 0; i < input->n_args; i++)
		input->total += (int64_t)strlen(input->args[i]);
	for (size_t i = 0; i < input->n_files; i++)
		look(input, &input->files[i]);
	return ERR_OK;
}

/* ---- one text after the other ---- */

static void open_arg(struct input *input, const char *arg)
{
	size_t len = strlen(arg);

	snprintf(input->where, sizeof(input->where), "argument %zu", input->source + 1);
	idtext_start(&input->text, input->where, strchr(arg, '\n'), input->text.n, IDLIST_MAX);
	if (len > 0)
		idtext_add(&input->text, arg, len);
	input->bytes += (int64_t)len;
}

static enum err open_file(struct input *input, struct input_file *file, struct fail *fail)
{
	name_file(file->path, input->where, sizeof(input->where));
	if (input->spooled && file->spool >= 0)
		input->fd = file->spool;
	else if (is_stdin(file->path))
		input->fd = STDIN_FILENO;
	else
		input->fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (input->fd < 0)
		return fail_set(
		    fail, ERR_INVALID, "cannot open %s: %s", input->where, strerror(errno));
	if (input->twice && !input->spooled && !file->again) {
		file->spool = spool_open(fail);
		if (file->spool < 0)
			return fail->err;
	}
	/* Always with the line: whether there will be a second one is not known. */
	idtext_start(&input->text, input->where, true, input->text.n, IDLIST_MAX);
	return ERR_OK;
}

static enum err open_source(struct input *input, struct fail *fail)
{
	input->open = true;
	if (input->source >= input->n_args)
		return open_file(input, &input->files[input->source - input->n_args], fail);
	open_arg(input, input->args[input->source]);
	return ERR_OK;
}

static void close_source(struct input *input)
{
	bool is_file = input->open && input->source >= input->n_args;

	/* Copies are closed in the end. */
	if (is_file && input->fd > STDIN_FILENO &&
	    input->fd != input->files[input->source - input->n_args].spool)
		close(input->fd);
	input->fd = -1;
	input->open = false;
}

/* The next piece of the file, or its end. */
static enum err add_piece(struct input *input, struct input_file *file, struct fail *fail)
{
	ssize_t n;

	while ((n = read(input->fd, input->piece, PIECE)) < 0 && errno == EINTR)
		if (interrupt_came)
			return fail_set(fail, ERR_INTERNAL, "interrupted");
	if (n < 0)
		return fail_set(
		    fail, ERR_INVALID, "cannot read %s: %s", input->where, strerror(errno));
	if (file->spool >= 0 && input->fd != file->spool &&
	    spool_write(file->spool, input->piece, (size_t)n, fail))
		return fail->err;
	input->bytes += n;
	idtext_add(&input->text, input->piece, (size_t)n);
	return ERR_OK;
}

/*
 * What comes behind the piece that has been read: the next one, or the next text. The last piece of
 * each text is the empty one, so a text is over when the piece in front was that.
 */
static enum err go_on(struct input *input, bool *ended, struct fail *fail)
{
	bool is_arg = input->source < input->n_args;

	if (!input->open)
		return open_source(input, fail);
	*ended = idtext_ended(&input->text);
	if (*ended)
		return ERR_OK;
	if (!is_arg)
		return add_piece(input, &input->files[input->source - input->n_args], fail);
	idtext_add(&input->text, NULL, 0);
	return ERR_OK;
}

/* Everything was read, and there were no ids in it. */
static enum err nothing(const struct input *input, struct fail *fail)
{
	char where[sizeof(input->where)] = "the argument";

	if (input->n_args + input->n_files > 1)
		return fail_set(fail, ERR_INVALID, "no ids: all arguments and files are empty");
	if (input->n_files == 1)
		name_file(input->files[0].path, where, sizeof(where));
	return fail_set(fail, ERR_INVALID, "no ids: %s is empty", where);
}

enum err input_read(struct input *input, size_t max, struct idlist *ids, struct fail *fail)
{
	size_t sources = input->n_args + input->n_files;
	bool ended;

	max += ids->n;
	fail->err = ERR_OK;
	while (ids->n < max && input->source < sources) {
		ended = false;
		if (input->open && idtext_read(&input->text, max, ids, fail))
			return fail->err;
		if (ids->n == max)
			break;
		if (go_on(input, &ended, fail))
			return fail->err;
		if (ended) {
			close_source(input);
			input->source++;
		}
	}
	if (input->source == sources && input->text.n == 0)
		return nothing(input, fail);
	return ERR_OK;
}

/* ---- again ---- */

static enum err rewind_file(struct input *input, struct input_file *file, struct fail *fail)
{
	off_t at = 0;
	char where[sizeof(input->where)];

	name_file(file->path, where, sizeof(where));
	if (file->spool >= 0)
		at = lseek(file->spool, 0, SEEK_SET);
	else if (!file->again)
		return fail_set(fail, ERR_INVALID, "%s cannot be read a second time", where);
	else if (is_stdin(file->path))
		at = lseek(STDIN_FILENO, file->start, SEEK_SET);
	if (at < 0)
		return fail_set(
		    fail, ERR_INVALID, "cannot read %s a second time: %s", where, strerror(errno));
	return ERR_OK;
}

enum err input_rewind(struct input *input, struct fail *fail)
{
	for (size_t i = 0; i < input->n_files; i++)
		if (rewind_file(input, &input->files[i], fail))
			return fail->err;
	close_source(input);
	input->spooled = input->twice;
	input->source = 0;
	input->bytes = 0;
	input->text.n = 0;
	return ERR_OK;
}

int64_t input_estimate(const struct input *input)
{
	int64_t unread = input->open ? input->text.end - input->text.at : 0;
	int64_t bytes = input->bytes - unread, n = (int64_t)input->text.n;

	if (input->source == input->n_args + input->n_files)
		return n;
	if (input->total < 0 || bytes <= 0)
		return -1;
	/* A file may have grown. */
	return bytes < input->total ? (int64_t)((double)n * (double)input->total / (double)bytes)
	                            : n;
}

void input_free(struct input *input)
{
	close_source(input);
	for (size_t i = 0; i < input->n_files; i++)
		if (input->files[i].spool >= 0)
			close(input->files[i].spool);
	free(input->args);
	free(input->files);
	free(input->piece);
	*input = (struct input){0};
}
