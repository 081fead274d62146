#include "requests.h"

#include "http_fields.h"
#include "util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct file {
	const char *path;
	int line;
	struct request_case *cases;
	size_t n;
};

static void bad(const struct file *file, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", file->path, file->line, what);
	exit(1);
}

/* Behind the '\' of an escape; returns the byte and moves *at behind the escape. */
static char unescape(const struct file *file, const char **at)
{
	static const char names[] = "rnt0\\", bytes[] = "\r\n\t\0\\";
	const char *name = **at ? strchr(names, **at) : NULL;
	char c;

	if (name) {
		++*at;
		return bytes[name - names];
	}
	if (**at != 'x' || http_hex((*at)[1]) < 0 || http_hex((*at)[2]) < 0)
		bad(file, "unknown escape");
	c = (char)(http_hex((*at)[1]) << 4 | http_hex((*at)[2]));
	*at += 3;
	return c;
}

static void add_unescaped(const struct file *file, const char *text, struct buf *out)
{
	while (*text) {
		char c = *text++;

		if (c == '\\')
			c = unescape(file, &text);
		buf_add(out, &c, 1);
	}
}

static void read_repeat(const struct file *file, char *text, struct buf *out)
{
	char *behind;
	long n = strtol(text, &behind, 10);
	struct buf one = {0};

	if (n < 1 || *behind != ' ')
		bad(file, "not repeat N TEXT");
	add_unescaped(file, behind + 1, &one);
	while (n-- > 0)
		buf_add(out, one.data, one.len);
	buf_free(&one);
}

static void read_line(struct file *file, char *line)
{
	char *text = strchr(line, ' ');
	struct request_case *last = file->n ? &file->cases[file->n - 1] : NULL;

	if (*line == '\0' || *line == '#')
		return;
	if (!text || (!last && strncmp(line, "case ", 5) != 0))
		bad(file, "expected case, send, repeat or want, and its text");
	*text++ = '\0';
	if (strcmp(line, "case") == 0) {
		file->cases = xreallocarray(file->cases, file->n + 1, sizeof(*file->cases));
		file->cases[file->n++] = (struct request_case){.name = xstrdup(text)};
	} else if (strcmp(line, "send") == 0) {
		add_unescaped(file, text, &last->sent);
	} else if (strcmp(line, "repeat") == 0) {
		read_repeat(file, text, &last->sent);
	} else if (strcmp(line, "want") == 0) {
		buf_printf(&last->want, "%s\n", text);
	} else {
		bad(file, "expected case, send, repeat or want");
	}
}

struct request_case *requests_read(const char *path, size_t *n)
{
	struct file file = {.path = path};
	FILE *in = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;

	if (!in)
		bad(&file, "cannot be opened");
	while (getline(&line, &size, in) >= 0) {
		file.line++;
		line[strcspn(line, "\n")] = '\0';
		read_line(&file, line);
	}
	free(line);
	fclose(in);
	*n = file.n;
	for (size_t i = 0; i < file.n; i++)
		if (file.cases[i].sent.len == 0 || file.cases[i].want.len == 0)
			bad(&file, "a case without send or want");
	return file.cases;
}

void requests_free(struct request_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(cases[i].name);
		buf_free(&cases[i].sent);
		buf_free(&cases[i].want);
	}
	free(cases);
}
