#include "exec_env.h"

#include "util.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Beginnings of entries that a command does not inherit. */
static const char *const dropped[] = {"INGESTD_", "INGEST_",
    "NOTIFY_SOCKET=", "LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES=", "WATCHDOG_"};

static bool is_dropped(const char *entry)
{
	for (size_t i = 0; i < COUNT_OF(dropped); i++)
		if (strncmp(entry, dropped[i], strlen(dropped[i])) == 0)
			return true;
	return false;
}

/* How many entries, the first ones, are ours: a notice has no batch. */
static size_t own_count(const struct run *run)
{
	return run->notice ? 6 : 7;
}

static void add_own(char **env, const struct run *run, const char *node)
{
	char ingestion[UUID_TEXT_SIZE], batch[UUID_TEXT_SIZE];

	uuid_format(&run->ingestion, ingestion);
	uuid_format(&run->batch_id, batch);
	*env++ = xasprintf("INGEST_ID=%s", ingestion);
	*env++ = xasprintf(EXEC_ENV_ATTEMPT "=%" PRId64, run->attempt);
	*env++ = xasprintf("INGEST_PRIORITY=%s", priority_name(run->priority));
	*env++ = xasprintf("INGEST_LABEL=%s", run->label);
	*env++ = xasprintf(EXEC_ENV_NODE "=%s", node);
	if (run->notice) {
		*env++ = xasprintf(EXEC_ENV_NOTICE "=%s", ingestion);
	} else {
		*env++ = xasprintf(EXEC_ENV_BATCH_ID "=%s", batch);
		*env++ = xasprintf("INGEST_BATCH_INDEX=%" PRId64, run->index);
	}
}

char **exec_env_new(char *const *inherited, const struct run *run, const char *node)
{
	size_t n = 0, to = own_count(run);
	char **env;

	while (inherited[n])
		n++;
	env = xcalloc(to + n + 1, sizeof(*env));
	add_own(env, run, node);
	for (size_t i = 0; i < n; i++)
		if (!is_dropped(inherited[i]))
			env[to++] = inherited[i];
	return env;
}

void exec_env_free(char **env, const struct run *run)
{
	for (size_t i = 0; i < own_count(run); i++)
		free(env[i]);
	free(env);
}
