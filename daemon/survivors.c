#include "survivors.h"

#include "exec_env.h"
#include "log.h"
#include "proc.h"
#include "util.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAEMON_NAME "ingestd"
#define STEP_NS (20 * NS_PER_MS)
#define PATIENCE_NS (10 * NS_PER_S) /* after KILL, before a warning, and between warnings */

struct survivors {
	struct event *timer;
	const char *node;
	int64_t grace_ns;
	void (*done)(void *arg);
	void *arg;
	struct pids spared;
	int64_t waited_ns; /* since TERM, then since KILL or the last warning */
	bool told, killed; /* they got TERM, KILL */
	bool none; /* at the last look */
};

/*
 * Two stores have the same id when one is a copy of the other. A daemon that is ending may have let
 * go of the store and not of its children yet.
 */
static bool has_living_daemon(const struct survivors *survivors, pid_t pid)
{
	struct pids line = {0};
	bool has = false;

	proc_ancestors(pid, &line);
	/* The first one is the process itself, which may just be the helper. */
	for (size_t i = 1; i < line.n && !has; i++)
		has = !pids_have(&survivors->spared, line.v[i]) &&
		      proc_is_named(line.v[i], DAEMON_NAME) && !proc_is_ending(line.v[i]);
	pids_free(&line);
	return has;
}

static void find(const struct survivors *survivors, struct pids *found)
{
	struct pids all = {0};
	struct buf entries = {0};

	proc_all(&all);
	for (size_t i = 0; i < all.n; i++) {
		const char *node = NULL;

		if (!pids_have(&survivors->spared, all.v[i]) && proc_environ(all.v[i], &entries))
			node = proc_env(&entries, EXEC_ENV_NODE);
		if (node && strcmp(node, survivors->node) == 0 &&
		    !has_living_daemon(survivors, all.v[i]))
			pids_add(found, all.v[i]);
	}
	buf_free(&entries);
	pids_free(&all);
}

static void signal_all(const struct survivors *survivors, const struct pids *found, int number)
{
	for (size_t i = 0; i < found->n; i++)
		proc_signal_group(found->v[i], number, &survivors->spared);
}

/* Some are left. */
static void press_on(struct survivors *survivors, const struct pids *found)
{
	int64_t n = (int64_t)found->n;

	survivors->waited_ns += STEP_NS;
	if (!survivors->told) {
		log_warn(log_msg("ending processes of a daemon that was killed"),
		    log_int("processes", n), log_int("pid", found->v[0]));
		signal_all(survivors, found, SIGTERM);
		survivors->told = true;
		survivors->waited_ns = 0;
	} else if (survivors->killed || survivors->waited_ns >= survivors->grace_ns) {
		/* Each time: they may have started others meanwhile. */
		signal_all(survivors, found, SIGKILL);
		survivors->waited_ns = survivors->killed ? survivors->waited_ns : 0;
		survivors->killed = true;
		if (survivors->waited_ns >= PATIENCE_NS) {
			log_warn(log_msg("nothing is started while these do not end"),
			    log_int("processes", n), log_int("pid", found->v[0]));
			survivors->waited_ns = 0;
		}
	}
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct survivors *survivors = arg;
	struct timeval step = {.tv_usec = STEP_NS / 1000};
	struct pids found = {0};
	bool none_before = survivors->none;

	(void)fd, (void)events;
	find(survivors, &found);
	survivors->none = found.n == 0;
	if (!survivors->none)
		press_on(survivors, &found);
	pids_free(&found);
	/* Once more: one that is just becoming another program has no environment for a moment. */
	if (!survivors->none || !none_before) {
		evtimer_add(survivors->timer, &step);
		return;
	}
	if (survivors->told)
		log_info(log_msg("processes of a daemon that was killed have ended"));
	survivors->done(survivors->arg);
}

struct survivors *survivors_end(
    struct event_base *base, const char *node, int64_t grace_ns, void (*done)(void *arg), void *arg)
{
	struct survivors *survivors = xcalloc(1, sizeof(*survivors));

	survivors->node = node;
	survivors->grace_ns = grace_ns;
	survivors->done = done;
	survivors->arg = arg;
	proc_ancestors(getpid(), &survivors->spared);
	survivors->timer = evtimer_new(base, on_timer, survivors);
	if (!survivors->timer)
		abort();
	event_active(survivors->timer, EV_TIMEOUT, 1);
	return survivors;
}

void survivors_free(struct survivors *survivors)
{
	if (!survivors)
		return;
	event_free(survivors->timer);
	pids_free(&survivors->spared);
	free(survivors);
}
