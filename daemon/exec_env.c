#include "exec_env.h"

#include "util.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define OWN_COUNT 7

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

/* The first OWN_COUNT entries are ours. */
static void add_own(char **env, const struct run *run, const char *node)
{
	char ingestion[UUID_TEXT_SIZE], batch[UUID_TEXT_SIZE];

	uuid_format(&run->ingestion, ingestion);
	uuid_format(&run->batch_id, batch);
	env[0] = xasprintf("INGEST_ID=%s", ingestion);
	env[1] = xasprintf(EXEC_ENV_BATCH_ID "=%s", batch);
	env[2] = xasprintf("INGEST_BATCH_INDEX=%" PRId64, run->index);
	env[3] = xasprintf(EXEC_ENV_ATTEMPT "=%" PRId64, run->attempt);
	env[4] = xasprintf("INGEST_PRIORITY=%s", priority_name(run->priority));
	env[5] = xasprintf("INGEST_LABEL=%s", run->label);
	env[6] = xasprintf(EXEC_ENV_NODE "=%s", node);
}

char **exec_env_new(char *const *inherited, const struct run *run, const char *node)
{
	size_t n = 0, to = OWN_COUNT;
	char **env;

	while (inherited[n])
		n++;
	env = xcalloc(OWN_COUNT + n + 1, sizeof(*env));
	add_own(env, run, node);
	for (size_t i = 0; i < n; i++)
		if (!is_dropped(inherited[i]))
			env[to++] = inherited[i];
	return env;
}

void exec_env_free(char **env)
{
	for (size_t i = 0; i < OWN_COUNT; i++)
		free(env[i]);
	free(env);
}
