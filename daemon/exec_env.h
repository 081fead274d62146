/* The environment of a command. */
#ifndef INGESTD_EXEC_ENV_H
#define INGESTD_EXEC_ENV_H

#include "handler.h"

/*
 * That of the daemon without what is meant for the daemon alone (its options, the descriptors and
 * sockets of its supervisor), and what the command has to know of the run. `inherited` is borrowed
 * until the result, which ends with NULL, is freed.
 */
char **exec_env_new(char *const *inherited, const struct run *run, const char *node);

void exec_env_free(char **env, const struct run *run);

/* By these a process is recognized as part of a run: of a batch, or of a notice. */
#define EXEC_ENV_NODE "INGEST_NODE"
#define EXEC_ENV_BATCH_ID "INGEST_BATCH_ID"
#define EXEC_ENV_NOTICE "INGEST_NOTICE" /* id of the ingestion */
#define EXEC_ENV_ATTEMPT "INGEST_ATTEMPT"

#endif
