#include "proc.h"

#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that does nothing, in a group of its own if wanted. */
static pid_t start_child(bool own_group)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(1);
	}
	assert_true(pid > 0);
	if (own_group)
		setpgid(pid, pid);
	return pid;
}

static int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	wait_for(pid);
}

static void children_are_found(void **state)
{
	pid_t a = start_child(false), b = start_child(false);
	struct pids found = {0};

	(void)state;
	/* One that has ended is there until it was waited for. */
	kill(a, SIGKILL);
	proc_children(&found);
	assert_int_equal(found.n, 2);
	assert_true(pids_have(&found, a));
	assert_true(pids_have(&found, b));
	assert_false(pids_have(&found, getpid()));
	wait_for(a);
	end_child(b);
	pids_free(&found);
	proc_children(&found);
	assert_int_equal(found.n, 0);
	pids_free(&found);
}

static void all_processes_are_found(void **state)
{
	pid_t a = start_child(false);
	struct pids found = {0};

	(void)state;
	proc_all(&found);
	assert_true(pids_have(&found, a));
	assert_true(pids_have(&found, getpid()));
	pids_free(&found);
	end_child(a);
}

static void ancestors_begin_with_the_process_itself(void **state)
{
	pid_t a = start_child(false);
	struct pids found = {0};

	(void)state;
	proc_ancestors(a, &found);
	assert_true(found.n >= 3);
	assert_int_equal(found.v[0], a);
	assert_int_equal(found.v[1], getpid());
	assert_int_equal(found.v[2], getppid());
	pids_free(&found);
	end_child(a);
}

static void names_are_compared_whole(void **state)
{
	(void)state;
	assert_true(proc_is_named(getpid(), "test_proc"));
	assert_false(proc_is_named(getpid(), "test_pro"));
	assert_false(proc_is_named(getpid(), "test_proc2"));
	assert_false(proc_is_named(0, "test_proc"));
}

static void the_environment_is_read(void **state)
{
	char *const argv[] = {(char[]){"sleep"}, (char[]){"1000"}, NULL};
	char *const env[] = {(char[]){"AB=1"}, (char[]){"A=x=y"}, (char[]){"EMPTY="}, NULL};
	pid_t pid = fork();
	struct buf entries = {0};

	(void)state;
	if (pid == 0) {
		execve("/bin/sleep", argv, env);
		_exit(1);
	}
	/* It may not be there yet, and it is ours before. */
	while (!proc_environ(pid, &entries) || !proc_env(&entries, "AB"))
		usleep(1000);
	assert_string_equal(proc_env(&entries, "A"), "x=y");
	assert_string_equal(proc_env(&entries, "AB"), "1");
	assert_string_equal(proc_env(&entries, "EMPTY"), "");
	assert_null(proc_env(&entries, "B"));
	assert_null(proc_env(&entries, "x"));
	assert_null(proc_env(&entries, "EMPT"));
	kill(pid, SIGKILL);
	while (proc_environ(pid, &entries))
		usleep(1000);
	assert_null(proc_env(&entries, "A"));
	wait_for(pid);
	buf_free(&entries);
}

static void who_is_ending_is_known(void **state)
{
	pid_t pid = start_child(false);

	(void)state;
	assert_false(proc_is_ending(pid));
	kill(pid, SIGKILL);
	while (!proc_is_ending(pid))
		usleep(1000);
	wait_for(pid);
	assert_false(proc_is_ending(pid));
}

static void a_group_gets_the_signal(void **state)
{
	pid_t leader = start_child(true), other = start_child(false);

	(void)state;
	setpgid(other, leader);
	proc_signal_group(other, SIGUSR1, NULL);
	assert_int_equal(wait_for(leader), SIGUSR1);
	assert_int_equal(wait_for(other), SIGUSR1);
}

/* Otherwise the test itself would end. */
static void our_own_group_is_spared(void **state)
{
	pid_t child = start_child(false);

	(void)state;
	proc_signal_group(child, SIGUSR1, NULL);
	assert_int_equal(wait_for(child), SIGUSR1);
}

static void the_group_of_another_is_spared(void **state)
{
	pid_t leader = start_child(true), other = start_child(false);
	struct pids spared = {0};

	(void)state;
	setpgid(other, leader);
	pids_add(&spared, leader);
	proc_signal_group(other, SIGUSR1, &spared);
	assert_int_equal(wait_for(other), SIGUSR1);
	assert_int_equal(waitpid(leader, NULL, WNOHANG), 0);
	end_child(leader);
	pids_free(&spared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(children_are_found),
	    TEST(all_processes_are_found),
	    TEST(ancestors_begin_with_the_process_itself),
	    TEST(names_are_compared_whole),
	    TEST(the_environment_is_read),
	    TEST(who_is_ending_is_known),
	    TEST(a_group_gets_the_signal),
	    TEST(our_own_group_is_spared),
	    TEST(the_group_of_another_is_spared),
	};

	return RUN(tests);
}
