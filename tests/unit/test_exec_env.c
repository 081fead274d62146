#include "exec_env.h"

#include "unit.h"

#define NODE "5f5e1a4b-f224-58af-4dc1-a1c029f5fb83"

static void assert_environment(
    const char *notice, char *const *inherited, const char *const *wanted)
{
	struct run run = {.index = 3,
	    .attempt = 12,
	    .priority = PRIORITY_LOW,
	    .label = "a b=c",
	    .notice = notice};
	char **env;
	size_t n = 0;

	run.ingestion.bytes[0] = 0xab;
	run.batch_id.bytes[15] = 0xcd;
	env = exec_env_new(inherited, &run, NODE);
	for (; wanted[n]; n++)
		assert_string_equal(env[n], wanted[n]);
	assert_null(env[n]);
	exec_env_free(env, &run);
}

#define ANY                                                                                        \
	"INGEST_ID=ab000000-0000-0000-0000-000000000000", "INGEST_ATTEMPT=12",                     \
	    "INGEST_PRIORITY=LOW", "INGEST_LABEL=a b=c", "INGEST_NODE=" NODE
#define OWN ANY, "INGEST_BATCH_ID=00000000-0000-0000-0000-0000000000cd", "INGEST_BATCH_INDEX=3"

static void the_run_is_described(void **state)
{
	char *const inherited[] = {NULL};
	const char *const wanted[] = {OWN, NULL};

	(void)state;
	assert_environment(NULL, inherited, wanted);
}

static void a_notice_has_no_batch(void **state)
{
	static char home[] = "HOME=/root", other[] = "INGEST_NOTICE=x";
	char *const inherited[] = {home, other, NULL};
	const char *const wanted[] = {
	    ANY, "INGEST_NOTICE=ab000000-0000-0000-0000-000000000000", "HOME=/root", NULL};

	(void)state;
	assert_environment("{}", inherited, wanted);
}

static void what_is_meant_for_the_daemon_is_left_out(void **state)
{
	static char path[] = "PATH=/bin", socket[] = "INGESTD_SOCKET=/x", node[] = "INGEST_NODE=y",
		    other[] = "INGEST_FOO=1", notify[] = "NOTIFY_SOCKET=/run/n",
		    fds[] = "LISTEN_FDS=1", pid[] = "LISTEN_PID=7", names[] = "LISTEN_FDNAMES=a",
		    usec[] = "WATCHDOG_USEC=5", dog[] = "WATCHDOG_PID=5", mine[] = "INGEST=1",
		    more[] = "LISTEN_FDSX=1", home[] = "HOME=/root", odd[] = "odd";
	char *const inherited[] = {path, socket, node, other, notify, fds, pid, names, usec, dog,
	    mine, more, home, odd, NULL};
	const char *const wanted[] = {
	    OWN, "PATH=/bin", "INGEST=1", "LISTEN_FDSX=1", "HOME=/root", "odd", NULL};

	(void)state;
	assert_environment(NULL, inherited, wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_run_is_described),
	    TEST(a_notice_has_no_batch),
	    TEST(what_is_meant_for_the_daemon_is_left_out),
	};

	return RUN(tests);
}
