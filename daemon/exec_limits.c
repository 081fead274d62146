#include "exec_limits.h"

#include "util.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define VALUE_SIZE 32

static bool read_number(const char *text, int64_t *value)
{
	return parse_u63(text, strlen(text), value);
}

static const struct row {
	const char *name;
	int resource;
	bool (*read)(const char *text, int64_t *value);
	const char *wanted;
} rows[EXEC_LIMIT_COUNT] = {
#define SIZE parse_size, "a size (such as 512m)"
    {"as", RLIMIT_AS, SIZE},
    {"core", RLIMIT_CORE, SIZE},
    {"cpu", RLIMIT_CPU, read_number, "a number of seconds"},
    {"data", RLIMIT_DATA, SIZE},
    {"fsize", RLIMIT_FSIZE, SIZE},
    {"nofile", RLIMIT_NOFILE, read_number, "a number"},
    {"nproc", RLIMIT_NPROC, read_number, "a number"},
    {"stack", RLIMIT_STACK, SIZE},
#undef SIZE
};

static const struct row *find_row(const char *name, size_t len)
{
	for (size_t i = 0; i < EXEC_LIMIT_COUNT; i++)
		if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
			return &rows[i];
	return NULL;
}

/* One NAME=VALUE of `len` bytes. */
static enum err read_one(
    struct exec_limits *limits, const char *text, size_t len, struct fail *fail)
{
	const char *equals = memchr(text, '=', len);
	const struct row *row = equals ? find_row(text, (size_t)(equals - text)) : NULL;
	char value[VALUE_SIZE];
	size_t value_len, i;

	if (!row)
		return fail_set(fail, ERR_INVALID,
		    "\"%.*s\" is not NAME=VALUE with one of the names as, core, cpu, data, fsize, "
		    "nofile, nproc, stack",
		    (int)(len < 40 ? len : 40), text);
	i = (size_t)(row - rows);
	value_len = len - strlen(row->name) - 1;
	snprintf(value, sizeof(value), "%.*s", (int)(value_len < 40 ? value_len : 40), equals + 1);
	if (value_len >= sizeof(value) || !row->read(value, &limits->v[i].value))
		return fail_set(
		    fail, ERR_INVALID, "%s: \"%s\" is not %s", row->name, value, row->wanted);
	if (limits->v[i].given)
		return fail_set(fail, ERR_INVALID, "%s stands there twice", row->name);
	limits->v[i].given = true;
	return ERR_OK;
}

enum err exec_limits_read(struct exec_limits *limits, const char *text, struct fail *fail)
{
	*limits = (struct exec_limits){0};
	while (*text) {
		size_t len = strcspn(text, ",");

		if (read_one(limits, text, len, fail))
			return fail->err;
		if (text[len] == ',' && text[len + 1] == '\0')
			return fail_set(fail, ERR_INVALID, "nothing follows the last comma");
		text += len + (text[len] == ',');
	}
	return ERR_OK;
}

bool exec_limits_apply(const struct exec_limits *limits, const char **name)
{
	for (size_t i = 0; i < EXEC_LIMIT_COUNT; i++) {
		rlim_t value = (rlim_t)limits->v[i].value;

		*name = rows[i].name;
		if (limits->v[i].given &&
		    setrlimit((__rlimit_resource_t)rows[i].resource,
			&(struct rlimit){.rlim_cur = value, .rlim_max = value}) != 0)
			return false;
	}
	return true;
}
