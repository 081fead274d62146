/* Where the ids of a submission come from: arguments, files, standard input. */
#ifndef INGESTCTL_INPUT_H
#define INGESTCTL_INPUT_H

#include "err.h"
#include "idlist.h"

#include <stddef.h>

struct input {
	const char **args; /* owned; the strings are borrowed */
	size_t n_args;
	const char **files; /* owned likewise; "-" is standard input */
	size_t n_files;
};

void input_add_arg(struct input *input, const char *arg);
void input_add_file(struct input *input, const char *path);

/*
 * Appends the ids of the arguments, then those of the files, each in their order. Errors:
 * ERR_INVALID (no ids at all, something that is no id, a file that cannot be read, standard input
 * named twice), ERR_TOO_LARGE.
 */
enum err input_read(const struct input *input, struct idlist *ids, struct fail *fail);

void input_free(struct input *input);

#endif
