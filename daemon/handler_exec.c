/*
 * The handler exec:COMMAND: a run is a process. It gets the ids on stdin, one per line, and what it
 * has to know of the run in the environment; its exit status, and lines on stdout, say what has
 * become of them. A notice is on stdin instead of the ids, and then the exit status alone counts.
 * Its process group ends with it, and so does all else that it has started.
 */
#include "handler.h"

#include "exec_command.h"
#include "exec_ending.h"
#include "exec_env.h"
#include "exec_family.h"
#include "exec_helper.h"
#include "exec_spawn.h"
#include "exec_stream.h"
#include "log.h"
#include "survivors.h"
#include "utf8.h"
#include "util.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct exec {
	struct handler handler;
	struct handler_env env;
	struct exec_command command;
	struct exec_helper how; /* what the daemon was started with */
	struct exec_family *family;
	struct survivors *survivors;
	void (*recovered)(void *arg);
	void *recovered_arg;
};

struct exec_run {
	struct exec *exec;
	struct exec_member member;
	struct run *run;
	struct exec_child child; /* pid 0: there is none */
	struct event *exited;
	struct event *timer; /* timeout, end of the grace, or the news that nothing was started */
	struct exec_stream out, err;
	struct exec_outcomes outcomes;
	enum exec_cause cause;
	int64_t timeout_ns;
	int spawn_error;
};

static void arm(struct exec_run *run, int64_t wait_ns)
{
	struct timeval wait = {.tv_sec = wait_ns / NS_PER_S, .tv_usec = wait_ns % NS_PER_S / 1000};

	/* The loop's own idea of now may be older. */
	event_base_update_cache_time(run->exec->env.base);
	evtimer_add(run->timer, &wait);
}

/* They go before clients, however many there are. */
static struct event *new_event(struct exec *exec, int fd, short what,
    void (*callback)(evutil_socket_t, short, void *), void *arg)
{
	struct event *event = event_new(exec->env.base, fd, what, callback, arg);

	if (!event)
		abort();
	event_priority_set(event, 0);
	return event;
}

/* ---- the end of a run ---- */

static void forget(struct exec_run *run)
{
	exec_family_remove(&run->member);
	exec_outcomes_free(&run->outcomes);
	exec_output_free(&run->out.output);
	exec_output_free(&run->err.output);
	event_free(run->timer);
	free(run);
}

/* `why` may have the bytes of a path. */
static void fails_to_start(struct ending *ending, const char *why)
{
	char cleaned[ATTEMPT_ERROR_MAX + 1];

	utf8_clean(cleaned, sizeof(cleaned), why);
	*ending = (struct ending){
	    .outcome = OUTCOME_RETRY, .failure = FAILURE_START, .message = xstrdup(cleaned)};
}

static void on_not_spawned(struct exec_run *run)
{
	struct run *of = run->run;
	struct ending ending;
	char *why =
	    xasprintf("cannot run %s: %s", run->exec->command.path, strerror(run->spawn_error));

	fails_to_start(&ending, why);
	free(why);
	forget(run);
	of->events->done(of, &ending);
}

static void judge(struct exec_run *run, const siginfo_t *info, struct ending *ending)
{
	char last_line[ATTEMPT_ERROR_MAX + 1], why[ATTEMPT_ERROR_MAX + 1];
	ssize_t n = read(run->child.status, why, sizeof(why) - 1);

	if (n > 0) {
		why[n] = '\0';
		fails_to_start(ending, why);
		return;
	}
	exec_outcomes_end(&run->outcomes, &run->out.output);
	exec_output_last_line(&run->err.output, last_line, sizeof(last_line));
	exec_ending(ending, &run->outcomes,
	    &(struct exec_end){.cause = run->cause,
		.signaled = info->si_code != CLD_EXITED,
		.status = info->si_status,
		.timeout_ns = run->timeout_ns,
		.last_line = last_line});
	exec_output_take(&run->out.output, &ending->out);
	exec_output_take(&run->err.output, &ending->err);
}

static void on_exited(evutil_socket_t fd, short events, void *arg)
{
	struct exec_run *run = arg;
	struct exec *exec = run->exec;
	struct run *of = run->run;
	struct ending ending;
	siginfo_t info = {.si_pid = 0};

	(void)events;
	/* While the leader is not waited for, the number of its group is nobody else's. */
	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
		return;
	kill(-run->child.pid, SIGKILL);
	exec_stream_drain(&run->out);
	exec_stream_drain(&run->err);
	waitid(P_PIDFD, (id_t)fd, &info, WEXITED);
	judge(run, &info, &ending);
	event_free(run->exited);
	close(run->child.pidfd);
	close(run->child.status);
	forget(run);
	exec_family_end_strays(exec->family);
	of->events->done(of, &ending);
}

/* The command itself may have gone to another group. */
static void signal_run(const struct exec_run *run, int number)
{
	pid_t pid = run->child.pid;

	kill(-pid, number);
	if (getpgid(pid) != pid)
		kill(pid, number);
}

/* TERM first, KILL when that does not help in time or there is no time. */
static void press_on(struct exec_run *run, enum exec_cause cause, bool now)
{
	int64_t grace_ns = run->exec->env.conf->exec_grace_ns;
	bool first = run->cause == EXEC_ENDED;

	if (first)
		run->cause = cause;
	if (now || grace_ns == 0) {
		signal_run(run, SIGKILL);
		evtimer_del(run->timer);
	} else if (first) {
		signal_run(run, SIGTERM);
		arm(run, grace_ns);
	}
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct exec_run *run = arg;

	(void)fd, (void)events;
	if (run->child.pid == 0)
		on_not_spawned(run);
	else
		press_on(run, EXEC_TIMED_OUT, run->cause != EXEC_ENDED);
}

/* ---- the start of a run ---- */

/* What the command finds on stdin. */
static void write_input(const struct run *run, struct buf *input)
{
	if (run->notice)
		buf_add_str(input, run->notice);
	else
		idlist_format(run->ids.v, run->ids.n, '\n', input);
	buf_add_str(input, "\n");
}

static int spawn(struct exec_run *run)
{
	const struct exec *exec = run->exec;
	struct exec_helper how = exec->how;
	struct buf input = {0};
	char **argv, **env;
	int error;

	how.nice = exec->env.conf->exec_nice;
	how.limits = exec->env.conf->exec_limits;
	argv = exec_helper_arguments(&how);
	env = exec_env_new(environ, run->run, exec->env.node);
	write_input(run->run, &input);
	error = exec_spawn(&run->child, argv, env, &input);
	run->member.leader = run->child.pid;
	buf_free(&input);
	exec_env_free(env, run->run);
	exec_helper_arguments_free(argv);
	return error;
}

static struct exec_run *new_run(struct exec *exec, struct run *of)
{
	struct exec_run *run = xcalloc(1, sizeof(*run));

	run->exec = exec;
	run->run = of;
	uuid_format(of->notice ? &of->ingestion : &of->batch_id, run->member.id);
	snprintf(run->member.attempt, EXEC_ATTEMPT_SIZE, "%" PRId64, of->attempt);
	exec_family_add(exec->family, &run->member);
	run->timeout_ns = exec->env.conf->exec_timeout_ns;
	run->timer = new_event(exec, -1, 0, on_timer, run);
	exec_outcomes_init(&run->outcomes, &of->ids);
	of->work = run;
	return run;
}

static void exec_start(struct handler *handler, struct run *of)
{
	struct exec *exec = (struct exec *)handler;
	struct exec_run *run = new_run(exec, of);
	struct event_base *base = exec->env.base;
	size_t max = (size_t)exec->env.conf->exec_output;

	run->spawn_error = spawn(run);
	if (run->spawn_error) {
		arm(run, 0);
		return;
	}
	exec_stream_open(&run->out, base, run->child.out, max, of->notice ? NULL : &run->outcomes);
	exec_stream_open(&run->err, base, run->child.err, max, NULL);
	/*
	 * At an edge: who traces the command gets its end first, and may take long to let us have
	 * it.
	 */
	run->exited =
	    new_event(run->exec, run->child.pidfd, EV_READ | EV_ET | EV_PERSIST, on_exited, run);
	event_add(run->exited, NULL);
	if (run->timeout_ns > 0)
		arm(run, run->timeout_ns);
	of->events->started(of);
}

static void exec_cancel(struct handler *handler, struct run *of, bool now)
{
	struct exec_run *run = of->work;

	(void)handler;
	if (run->child.pid > 0)
		press_on(run, EXEC_CANCELLED, now);
}

/* ---- the handler ---- */

static void exec_close(struct handler *handler)
{
	struct exec *exec = (struct exec *)handler;

	exec_family_leave(exec->family);
	survivors_free(exec->survivors);
	exec_command_free(&exec->command);
	free(exec);
}

static void on_recovered(void *arg)
{
	struct exec *exec = arg;

	exec->recovered(exec->recovered_arg);
}

static void exec_recover(struct handler *handler, void (*done)(void *arg), void *arg)
{
	struct exec *exec = (struct exec *)handler;

	exec->recovered = done;
	exec->recovered_arg = arg;
	exec->survivors = survivors_end(
	    exec->env.base, exec->env.node, exec->env.conf->exec_grace_ns, on_recovered, exec);
}

static struct exec *new_exec(const struct handler_env *env, struct exec_command *command)
{
	struct exec *exec = xcalloc(1, sizeof(*exec));

	exec->handler.ops = &handler_exec;
	exec->env = *env;
	exec->command = *command;
	exec_helper_look(&exec->how);
	exec->how.path = command->path;
	exec->how.words = command->words.we_wordv;
	exec->family = exec_family_join(env->base, env->node);
	return exec;
}

static enum err exec_open(struct handler **handler, const char *arguments,
    const struct handler_env *env, struct fail *fail)
{
	struct exec_command command;
	int error = exec_spawn_check();

	fail->err = ERR_OK;
	if (error)
		return fail_set(fail, ERR_INVALID,
		    "handler exec: pidfd_open: %s (it needs Linux 5.4 or later)", strerror(error));
	/* The helper is started by it, and what a killed daemon has left is found by it. */
	if (access("/proc/self/exe", F_OK) != 0)
		return fail_set(fail, ERR_INVALID,
		    "handler exec: /proc/self/exe: %s (it needs /proc)", strerror(errno));
	if (exec_command_read(&command, arguments, fail) || !env->base) {
		exec_command_free(&command);
		return fail->err;
	}
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		log_warn(log_msg("what commands leave behind is not found"),
		    log_str("reason", strerror(errno)));
	*handler = &new_exec(env, &command)->handler;
	return ERR_OK;
}

const struct handler_ops handler_exec = {
    .scheme = "exec",
    .descriptors = EXEC_SPAWN_DESCRIPTORS,
    .open = exec_open,
    .recover = exec_recover,
    .start = exec_start,
    .cancel = exec_cancel,
    .close = exec_close,
};
