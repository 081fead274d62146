/* Runs of real commands. This program is its own helper (exec_helper.h), as the daemon is. */
#include "exec_helper.h"
#include "exec_spawn.h"
#include "handler.h"
#include "unit.h"
#include "util.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* One that no other process has: what carries it can be ended. */
static char node[UUID_TEXT_SIZE];

struct seen {
	struct run run;
	int started, done;
	bool inside_start;
	struct ending ending;
};

struct place {
	struct event_base *base;
	struct handler *handler;
	struct handler *teller; /* a second one, for notices */
	struct conf conf;
	struct seen a, b;
	int runs; /* that have not ended */
};

static struct place *place_of_runs;

static void on_started(struct run *run)
{
	struct seen *seen = (struct seen *)run;

	assert_int_equal(seen->done, 0);
	seen->started++;
}

static void on_done(struct run *run, struct ending *ending)
{
	struct seen *seen = (struct seen *)run;

	assert_false(seen->inside_start);
	seen->done++;
	seen->ending = *ending;
	if (--place_of_runs->runs == 0)
		event_base_loopbreak(place_of_runs->base);
}

static const struct run_events events = {.started = on_started, .done = on_done};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	place->base = event_base_new();
	place->conf = (struct conf){.exec_timeout_ns = 60 * NS_PER_S,
	    .exec_grace_ns = 60 * NS_PER_S,
	    .exec_output = 100,
	    .exec_limits = ""};
	*state = place_of_runs = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	handler_close(place->handler);
	handler_close(place->teller);
	idlist_free(&place->a.run.ids);
	idlist_free(&place->b.run.ids);
	ending_free(&place->a.ending);
	ending_free(&place->b.ending);
	event_base_free(place->base);
	free(place);
	/* No child is left, not even one that has ended. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return 0;
}

static void open_one(struct place *place, struct handler **handler, const char *spec)
{
	struct handler_env env = {
	    .spec = spec, .base = place->base, .conf = &place->conf, .node = node};
	struct fail fail;

	if (handler_open(handler, &env, &fail))
		fail_msg("%s", fail.text);
}

static void open_handler(struct place *place, const char *spec)
{
	open_one(place, &place->handler, spec);
}

static void start_with(struct place *place, struct handler *handler, struct seen *seen)
{
	seen->run.events = &events;
	seen->run.priority = PRIORITY_HIGH;
	seen->run.attempt = 1;
	seen->run.batch_id.bytes[0] = seen == &place->a ? 0xa : 0xb;
	seen->run.ingestion.bytes[0] = seen == &place->a ? 0x1a : 0x1b;
	seen->inside_start = true;
	place->runs++;
	handler_start(handler, &seen->run);
	seen->inside_start = false;
}

static void start(struct place *place, struct seen *seen, int64_t first, int64_t last)
{
	for (int64_t id = first; id <= last; id++)
		idlist_push(&seen->run.ids, id);
	start_with(place, place->handler, seen);
}

static void start_notice(struct place *place, struct seen *seen, const char *notice)
{
	seen->run.notice = notice;
	start_with(place, place->teller, seen);
}

/* Until all runs have ended. */
static void wait_for_runs(struct place *place)
{
	while (place->runs > 0)
		event_base_loop(place->base, EVLOOP_ONCE);
}

static void run_command(struct place *place, const char *spec)
{
	open_handler(place, spec);
	start(place, &place->a, 1, 3);
	wait_for_runs(place);
}

static void assert_all(
    const struct seen *seen, enum outcome outcome, enum failure failure, const char *message)
{
	assert_int_equal(seen->done, 1);
	assert_null(seen->ending.results);
	assert_int_equal(seen->ending.outcome, outcome);
	assert_int_equal(seen->ending.failure, failure);
	if (message)
		assert_string_equal(seen->ending.message, message);
	else
		assert_null(seen->ending.message);
}

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void ids_come_on_stdin(void **state)
{
	struct place *place = *state;

	run_command(place, "exec:cat");
	assert_all(&place->a, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
	assert_int_equal(place->a.started, 1);
	assert_string_equal(place->a.ending.out.text, "1\n2\n3\n");
	assert_int_equal(place->a.ending.out.bytes, 6);
	assert_null(place->a.ending.err.text);
}

static void the_exit_status_counts(void **state)
{
	struct place *place = *state;

	run_command(place, "exec:sh -c 'echo one; echo two >&2; echo no such host >&2; exit 7'");
	assert_all(&place->a, OUTCOME_RETRY, FAILURE_EXIT, "exit status 7: no such host");
	assert_string_equal(place->a.ending.out.text, "one\n");
	assert_string_equal(place->a.ending.err.text, "two\nno such host\n");
}

static void lines_of_ids_count(void **state)
{
	struct place *place = *state;

	run_command(place, "exec:sh -c 'echo hi; printf \"2\\tfail\\tbad\\n1\\tretry\"; exit 0'");
	assert_int_equal(place->a.ending.failure, FAILURE_IDS);
	assert_string_equal(
	    place->a.ending.message, "2 of 3 ids were not done; id 1: to be tried again");
	assert_int_equal(ending_outcome(&place->a.ending, 0), OUTCOME_RETRY);
	assert_int_equal(ending_outcome(&place->a.ending, 1), OUTCOME_FAILED);
	assert_int_equal(ending_outcome(&place->a.ending, 2), OUTCOME_COMPLETED);
	assert_string_equal(ending_message(&place->a.ending, 1), "bad");
	assert_string_equal(place->a.ending.out.text, "hi\n");
}

static void a_signal_is_named(void **state)
{
	struct place *place = *state;

	run_command(place, "exec:sh -c 'kill -SEGV $$'");
	assert_all(
	    &place->a, OUTCOME_RETRY, FAILURE_SIGNAL, "ended by signal 11 (Segmentation fault)");
}

/* A script below /tmp, with this first line. */
static void make_script(const char *path, const char *first_line)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, "%s\n", first_line);
	fclose(file);
	assert_int_equal(chmod(path, 0700), 0);
}

static void a_command_that_has_vanished_fails(void **state)
{
	struct place *place = *state;
	char path[] = "/tmp/vanish.XXXXXX", spec[64], message[128];

	close(mkstemp(path));
	make_script(path, "#!/bin/sh");
	snprintf(spec, sizeof(spec), "exec:%s", path);
	open_handler(place, spec);
	unlink(path);
	start(place, &place->a, 1, 3);
	assert_int_equal(place->a.done, 0);
	wait_for_runs(place);
	snprintf(message, sizeof(message), "cannot run %s: No such file or directory", path);
	assert_all(&place->a, OUTCOME_RETRY, FAILURE_START, message);
}

static void a_script_without_its_interpreter_fails(void **state)
{
	struct place *place = *state;
	char path[] = "/tmp/script.XXXXXX", spec[64], message[128];

	close(mkstemp(path));
	make_script(path, "#!/no/such/interpreter");
	snprintf(spec, sizeof(spec), "exec:%s", path);
	run_command(place, spec);
	unlink(path);
	snprintf(message, sizeof(message),
	    "cannot run %s: its interpreter: No such file or directory", path);
	assert_all(&place->a, OUTCOME_RETRY, FAILURE_START, message);
}

static void a_limit_that_cannot_be_set_fails(void **state)
{
	struct place *place = *state;

	place->conf.exec_limits = "nofile=9000000000000";
	run_command(place, "exec:true");
	assert_all(&place->a, OUTCOME_RETRY, FAILURE_START,
	    "cannot set the limit nofile: Operation not permitted");
}

static void without_descriptors_a_run_fails_and_later_ones_do_not(void **state)
{
	struct place *place = *state;
	struct rlimit before, few;
	int taken[100], n = 0;

	getrlimit(RLIMIT_NOFILE, &before);
	few = (struct rlimit){.rlim_cur = COUNT_OF(taken), .rlim_max = before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &few);
	open_handler(place, "exec:true");
	while (n < (int)COUNT_OF(taken) && (taken[n] = dup(0)) >= 0)
		n++;
	close(taken[--n]);
	close(taken[--n]);
	start(place, &place->a, 1, 3);
	assert_int_equal(place->a.started, 0);
	while (n > 0)
		close(taken[--n]);
	setrlimit(RLIMIT_NOFILE, &before);
	start(place, &place->b, 1, 3);
	wait_for_runs(place);
	assert_int_equal(place->a.ending.failure, FAILURE_START);
	assert_contains(place->a.ending.message, "cannot run /");
	assert_contains(place->a.ending.message, "true: Too many open files");
	assert_all(&place->b, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
}

static void who_takes_too_long_is_ended(void **state)
{
	struct place *place = *state;

	place->conf.exec_timeout_ns = NS_PER_S;
	run_command(place, "exec:sh -c 'echo busy >&2; sleep 1000'");
	assert_all(&place->a, OUTCOME_RETRY, FAILURE_TIMEOUT, "timed out after 1s: busy");
}

static void who_ignores_term_is_killed(void **state)
{
	struct place *place = *state;

	place->conf.exec_timeout_ns = 300 * NS_PER_MS;
	place->conf.exec_grace_ns = 50 * NS_PER_MS;
	run_command(place, "exec:sh -c 'exec 2>/dev/null; trap \"echo still here\" TERM; while :; "
			   "do sleep 0.01; done'");
	assert_all(&place->a, OUTCOME_RETRY, FAILURE_TIMEOUT, "timed out after 300ms");
	assert_contains(place->a.ending.out.text, "still here");
}

static void no_timeout_is_none(void **state)
{
	struct place *place = *state;

	place->conf.exec_timeout_ns = 0;
	run_command(place, "exec:sleep 0.2");
	assert_all(&place->a, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
}

static void cancel_interrupts(void **state)
{
	struct place *place = *state;

	open_handler(place, "exec:sleep 1000");
	start(place, &place->a, 1, 3);
	start(place, &place->b, 4, 6);
	handler_cancel(place->handler, &place->a.run, false);
	handler_cancel(place->handler, &place->b.run, true);
	wait_for_runs(place);
	assert_all(&place->a, OUTCOME_INTERRUPTED, FAILURE_NONE, NULL);
	assert_all(&place->b, OUTCOME_INTERRUPTED, FAILURE_NONE, NULL);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct place *place = arg;

	(void)fd, (void)what;
	handler_cancel(place->handler, &place->a.run, place->conf.exec_grace_ns == 1);
}

/* After 300 ms, when a shell has set its traps. */
static void cancel_later(struct place *place)
{
	struct event *timer = evtimer_new(place->base, on_ready, place);

	evtimer_add(timer, &(struct timeval){.tv_usec = 300000});
	wait_for_runs(place);
	event_free(timer);
}

static void who_ends_well_after_cancel_is_done(void **state)
{
	struct place *place = *state;

	open_handler(place, "exec:sh -c 'trap \"exit 0\" TERM; while :; do sleep 0.01; done'");
	start(place, &place->a, 1, 3);
	cancel_later(place);
	assert_all(&place->a, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
}

static void cancel_now_does_not_ask(void **state)
{
	struct place *place = *state;

	place->conf.exec_grace_ns = 1;
	open_handler(place, "exec:sh -c 'trap \"exit 0\" TERM; while :; do sleep 0.01; done'");
	start(place, &place->a, 1, 3);
	cancel_later(place);
	assert_all(&place->a, OUTCOME_INTERRUPTED, FAILURE_NONE, NULL);
}

/* In its group, and in sessions of their own. */
static void what_it_leaves_behind_ends(void **state)
{
	struct place *place = *state;

	run_command(place, "exec:sh -c 'sleep 1000 & setsid sleep 1000 & "
			   "(setsid sh -c \"sleep 1000 & sleep 1000\" &); echo end'");
	assert_all(&place->a, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
	assert_string_equal(place->a.ending.out.text, "end\n");
	/* teardown() checks that closing the handler leaves no child. */
}

static void what_belongs_to_another_run_stays(void **state)
{
	struct place *place = *state;

	open_handler(place, "exec:sh -c 'read id; if [ $id = 4 ]; then setsid sh -c \"sleep 0.5; "
			    "echo 5\" & wait; fi'");
	start(place, &place->b, 4, 6);
	start(place, &place->a, 1, 3);
	wait_for_runs(place);
	assert_all(&place->a, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
	assert_all(&place->b, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
	assert_string_equal(place->b.ending.out.text, "5\n");
}

static void much_output_is_cut(void **state)
{
	struct place *place = *state;

	run_command(place,
	    "exec:sh -c 'echo begin; head -c 10000000 /dev/zero | tr \"\\0\" x; echo "
	    "end'");
	assert_all(&place->a, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
	assert_int_equal(place->a.ending.out.bytes, 10000010);
	assert_int_equal(strncmp(place->a.ending.out.text, "begin\nx", 7), 0);
	assert_contains(place->a.ending.out.text, "bytes left out");
	assert_contains(place->a.ending.out.text, "xend\n");
}

static void runs_leave_no_descriptors(void **state)
{
	struct place *place = *state;
	int before;

	open_handler(place, "exec:cat");
	before = descriptors();
	for (int i = 0; i < 20; i++) {
		ending_free(&place->a.ending);
		idlist_free(&place->a.run.ids);
		place->a.done = place->a.started = 0;
		start(place, &place->a, 1, 3);
		wait_for_runs(place);
		assert_all(&place->a, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
	}
	assert_int_equal(descriptors(), before);
}

static void a_run_takes_the_descriptors_that_it_says(void **state)
{
	struct place *place = *state;
	int before;

	open_handler(place, "exec:sleep 1000");
	before = descriptors();
	start(place, &place->a, 1, 3);
	assert_int_equal(descriptors(), before + EXEC_SPAWN_DESCRIPTORS);
	assert_int_equal(handler_exec.descriptors, EXEC_SPAWN_DESCRIPTORS);
	handler_cancel(place->handler, &place->a.run, true);
	wait_for_runs(place);
}

/* ---- notices ---- */

static void a_notice_comes_on_stdin(void **state)
{
	struct place *place = *state;

	open_one(place, &place->teller, "exec:cat");
	start_notice(place, &place->a, "{\"a\":1}");
	wait_for_runs(place);
	assert_all(&place->a, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
	assert_string_equal(place->a.ending.out.text, "{\"a\":1}\n");
}

static void of_a_notice_the_exit_status_alone_counts(void **state)
{
	struct place *place = *state;

	open_one(place, &place->teller, "exec:sh -c 'printf \"1\\tfail\\n0\\tok\\n\"; exit 3'");
	start_notice(place, &place->a, "{}");
	wait_for_runs(place);
	assert_all(&place->a, OUTCOME_RETRY, FAILURE_EXIT, "exit status 3");
	assert_string_equal(place->a.ending.out.text, "1\tfail\n0\tok\n");
}

/* Whichever ends first: its strays end, those of the other one stay until it ends. */
static void batches_and_notices_leave_each_other_alone(void **state)
{
	static const char slow[] = "exec:sh -c 'setsid sh -c \"sleep 0.5; echo 5\" & wait $!'",
			  quick[] = "exec:sh -c 'setsid sleep 1000 & sleep 0.1'";
	struct place *place = *state;

	for (int i = 0; i < 2; i++) {
		open_handler(place, i == 0 ? slow : quick);
		open_one(place, &place->teller, i == 0 ? quick : slow);
		start(place, &place->b, 4, 6);
		start_notice(place, &place->a, "{}");
		wait_for_runs(place);
		assert_all(&place->a, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
		assert_all(&place->b, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
		assert_string_equal(
		    i == 0 ? place->b.ending.out.text : place->a.ending.out.text, "5\n");
		handler_close(place->handler);
		handler_close(place->teller);
		/* Not even one that has ended. */
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
		place->handler = place->teller = NULL;
		ending_free(&place->a.ending);
		ending_free(&place->b.ending);
		place->a.done = place->b.done = place->a.started = place->b.started = 0;
	}
}

/* The first to close waits for no child of the other one, and kills none. */
static void one_can_be_closed_while_the_other_runs(void **state)
{
	struct place *place = *state;

	open_handler(place, "exec:true");
	open_one(
	    place, &place->teller, "exec:sh -c 'setsid sh -c \"sleep 0.3; echo 5\" & wait $!'");
	start_notice(place, &place->a, "{}");
	handler_close(place->handler);
	place->handler = NULL;
	wait_for_runs(place);
	assert_all(&place->a, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
	assert_string_equal(place->a.ending.out.text, "5\n");
}

/* ---- recovery ---- */

/* A process as a daemon of that node would have left it. */
static pid_t leave_process(const char *of, const char *script)
{
	char *env[] = {xasprintf("INGEST_NODE=%s", of), (char[]){"PATH=/bin:/usr/bin"}, NULL};
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		execle("/bin/sh", "sh", "-c", script, NULL, env);
		_exit(1);
	}
	free(env[0]);
	usleep(300000); /* until it has set its traps */
	return pid;
}

static void on_recovered(void *arg)
{
	struct place *place = arg;

	place->runs--;
}

static int64_t recover(struct place *place)
{
	struct timeval before, after;

	open_handler(place, "exec:true");
	place->runs = 1;
	evutil_gettimeofday(&before, NULL);
	assert_true(handler_recover(place->handler, on_recovered, place));
	assert_int_equal(place->runs, 1);
	wait_for_runs(place);
	evutil_gettimeofday(&after, NULL);
	evutil_timersub(&after, &before, &after);
	return after.tv_sec * 1000 + after.tv_usec / 1000;
}

static void survivors_are_ended(void **state)
{
	pid_t a = leave_process(node, "sleep 1000 & setsid sleep 1000 & sleep 1000");
	int status;

	recover(*state);
	/* It is a child of ours, which the handler has taken note of, or not yet. */
	assert_true(waitpid(a, &status, 0) == -1 || WTERMSIG(status) == SIGTERM);
}

static void survivors_have_the_grace_time(void **state)
{
	struct place *place = *state;

	place->conf.exec_grace_ns = 200 * NS_PER_MS;
	leave_process(node, "trap '' TERM; while :; do sleep 0.01; done");
	assert_true(recover(place) >= 200);
}

static void others_are_left_alone(void **state)
{
	char other[UUID_TEXT_SIZE] = "";
	pid_t a;

	/* The beginning of ours. */
	memcpy(other, node, strlen(node) - 1);
	a = leave_process(other, "sleep 1000");

	assert_true(recover(*state) < 5000);
	assert_int_equal(kill(a, 0), 0);
	kill(-a, SIGKILL);
	/* Its own child comes to us when it is gone. */
	while (waitpid(-1, NULL, 0) > 0)
		;
}

#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    RUN_TEST(ids_come_on_stdin),
	    RUN_TEST(the_exit_status_counts),
	    RUN_TEST(lines_of_ids_count),
	    RUN_TEST(a_signal_is_named),
	    RUN_TEST(a_command_that_has_vanished_fails),
	    RUN_TEST(a_script_without_its_interpreter_fails),
	    RUN_TEST(a_limit_that_cannot_be_set_fails),
	    RUN_TEST(without_descriptors_a_run_fails_and_later_ones_do_not),
	    RUN_TEST(who_takes_too_long_is_ended),
	    RUN_TEST(who_ignores_term_is_killed),
	    RUN_TEST(no_timeout_is_none),
	    RUN_TEST(cancel_interrupts),
	    RUN_TEST(who_ends_well_after_cancel_is_done),
	    RUN_TEST(cancel_now_does_not_ask),
	    RUN_TEST(what_it_leaves_behind_ends),
	    RUN_TEST(what_belongs_to_another_run_stays),
	    RUN_TEST(much_output_is_cut),
	    RUN_TEST(runs_leave_no_descriptors),
	    RUN_TEST(a_run_takes_the_descriptors_that_it_says),
	    RUN_TEST(a_notice_comes_on_stdin),
	    RUN_TEST(of_a_notice_the_exit_status_alone_counts),
	    RUN_TEST(batches_and_notices_leave_each_other_alone),
	    RUN_TEST(one_can_be_closed_while_the_other_runs),
	    RUN_TEST(survivors_are_ended),
	    RUN_TEST(survivors_have_the_grace_time),
	    RUN_TEST(others_are_left_alone),
	};

	if (exec_helper_is_meant(argc, argv))
		return exec_helper_main(argc, argv);
	snprintf(node, sizeof(node), "11111111-2222-3333-4444-%012d", getpid());
	return RUN(tests);
}
