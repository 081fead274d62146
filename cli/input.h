/*
 * Where the ids of a submission come from: arguments, files, standard input. They are read as a
 * stream, so a list can be longer than memory.
 */
#ifndef INGESTCTL_INPUT_H
#define INGESTCTL_INPUT_H

#include "err.h"
#include "idlist.h"
#include "idtext.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct input_file {
	const char *path; /* borrowed; "-" is standard input */
	off_t start; /* where it begins, when it is standard input and can be read again */
	bool again; /* it can be read again */
	int spool; /* its copy, or -1 */
};

/* Zero, then filled with input_add_*(). What is below the files is for input.c alone. */
struct input {
	const char **args; /* owned; the strings are borrowed */
	size_t n_args;
	struct input_file *files; /* owned */
	size_t n_files;
	bool twice; /* it will be read a second time */
	size_t
	    source; /* which text is being read or comes next; the arguments are the first ones */
	bool open; /* it is being read */
	int fd;
	char *piece; /* owned */
	char where[96];
	struct idtext text;
	bool spooled; /* a second pass: what has a copy is read from that */
	int64_t bytes, total; /* read so far; of all texts, or -1 */
};

void input_add_arg(struct input *input, const char *arg);
void input_add_file(struct input *input, const char *path);

/*
 * To be called once, before the first id is read. With `twice` what cannot be read again is copied
 * to a temporary file on the way. Errors: ERR_INVALID (no ids could come, standard input named
 * twice).
 */
enum err input_open(struct input *input, bool twice, struct fail *fail);

/*
 * Appends at most `max` ids: those of the arguments, then those of the files, each in their order.
 * Fewer than that means that no more follow. Errors: ERR_INVALID (no ids at all, something that is
 * no id, a file that cannot be read), ERR_TOO_LARGE (more than IDLIST_MAX in total), ERR_INTERNAL
 * (the copy cannot be written, or interrupt.h's signal came).
 */
enum err input_read(struct input *input, size_t max, struct idlist *ids, struct fail *fail);

/*
 * Begins again with the first id. Errors: ERR_INVALID, when there is something that cannot be read
 * again. Files may have changed since: the digest of the ids tells.
 */
enum err input_rewind(struct input *input, struct fail *fail);

/* How many ids the input has, guessed from the part of it that was read; -1: cannot be guessed. */
int64_t input_estimate(const struct input *input);

void input_free(struct input *input);

#endif
