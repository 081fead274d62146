/* A command as text: its words and its program. */
#ifndef INGESTD_EXEC_COMMAND_H
#define INGESTD_EXEC_COMMAND_H

#include "err.h"

#include <stddef.h>
#include <wordexp.h>

struct exec_command {
	wordexp_t words; /* words.we_wordv ends with NULL */
	char *path; /* owned; of the program */
};

/*
 * Splits the text into words as a shell does, but without command substitution, and looks for the
 * program: at its path, or in PATH. Errors: ERR_INVALID; the text names the command and what is
 * wrong. Free with exec_command_free(), in any case.
 */
enum err exec_command_read(struct exec_command *command, const char *text, struct fail *fail);

void exec_command_free(struct exec_command *command);

#endif
