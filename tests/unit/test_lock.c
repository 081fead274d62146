#include "lock.h"
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char path[64];

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/ingestd-lock-XXXXXX");
	close(mkstemp(path));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A process that has inherited the lock, as a child does before its exec, and keeps it for so long.
 */
static pid_t holder(int64_t ms)
{
	struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	int fd = lock_take(path);
	pid_t pid = fork();

	assert_true(fd >= 0 && pid >= 0);
	if (pid == 0) {
		nanosleep(&wait, NULL);
		_exit(0);
	}
	close(fd);
	return pid;
}

static void one_has_it(void **state)
{
	int fd = lock_take(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(lock_take(path), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	close(fd);
	fd = lock_take(path);
	assert_true(fd >= 0);
	close(fd);
}

static void what_a_dead_process_holds_is_waited_for(void **state)
{
	pid_t pid = holder(300);
	int fd = lock_take(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	waitpid(pid, NULL, 0);
}

static void nobody_waits_for_ever(void **state)
{
	pid_t pid = holder(60000);
	int64_t begin = now_ms();

	(void)state;
	assert_int_equal(lock_take(path), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_true(now_ms() - begin >= LOCK_WAIT_MS);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void the_reason_is_told(void **state)
{
	(void)state;
	assert_int_equal(lock_take("/nonexistent/lock"), -1);
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(one_has_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		what_a_dead_process_holds_is_waited_for, setup, teardown),
	    cmocka_unit_test_setup_teardown(nobody_waits_for_ever, setup, teardown),
	    TEST(the_reason_is_told),
	};

	return RUN(tests);
}
