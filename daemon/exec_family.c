#include "exec_family.h"

#include "strays.h"
#include "util.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLOSE_STEP_NS (5 * NS_PER_MS)
#define CLOSE_STEPS 200

struct exec_family {
	const char *node;
	struct exec_member *members;
	struct event *child_signal, *sweep;
	int handlers;
};

static struct exec_family *of_this_process;

/* ---- strays ---- */

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

static bool attempt_runs(void *arg, const char *id, const char *attempt)
{
	const struct exec_family *family = arg;

	for (const struct exec_member *member = family->members; member; member = member->next)
		if (strcmp(member->id, id) == 0 && strcmp(member->attempt, attempt) == 0)
			return true;
	return false;
}

size_t exec_family_end_strays(struct exec_family *family)
{
	struct pids leaders = {0};
	size_t n;

	for (const struct exec_member *member = family->members; member; member = member->next)
		if (member->leader > 0)
			pids_add(&leaders, member->leader);
	if (leaders.n > 0)
		qsort(leaders.v, leaders.n, sizeof(*leaders.v), compare_pids);
	n = strays_end(&(struct strays_view){
	    .node = family->node, .leaders = &leaders, .runs = attempt_runs, .arg = family});
	pids_free(&leaders);
	return n;
}

static void on_sweep(evutil_socket_t fd, short events, void *arg)
{
	(void)fd, (void)events;
	exec_family_end_strays(arg);
}

/* One look is enough for all signals that came together. */
static void on_child_signal(evutil_socket_t number, short events, void *arg)
{
	struct exec_family *family = arg;

	(void)number, (void)events;
	event_active(family->sweep, EV_TIMEOUT, 1);
}

/* ---- members ---- */

void exec_family_add(struct exec_family *family, struct exec_member *member)
{
	member->next = family->members;
	member->link = &family->members;
	if (member->next)
		member->next->link = &member->next;
	family->members = member;
}

void exec_family_remove(struct exec_member *member)
{
	if (member->next)
		member->next->link = member->link;
	*member->link = member->next;
}

/* ---- life ---- */

/* It goes before clients, however many there are. */
static struct event *new_event(struct event_base *base, evutil_socket_t fd, short what,
    void (*callback)(evutil_socket_t, short, void *), void *arg)
{
	struct event *event = event_new(base, fd, what, callback, arg);

	if (!event)
		abort();
	event_priority_set(event, 0);
	return event;
}

struct exec_family *exec_family_join(struct event_base *base, const char *node)
{
	struct exec_family *family = of_this_process;

	if (!family) {
		family = of_this_process = xcalloc(1, sizeof(*family));
		family->node = node;
		family->sweep = new_event(base, -1, 0, on_sweep, family);
		family->child_signal =
		    new_event(base, SIGCHLD, EV_SIGNAL | EV_PERSIST, on_child_signal, family);
		event_add(family->child_signal, NULL);
	}
	family->handlers++;
	return family;
}

/* The last run may just have left something behind. */
static void end_last_strays(struct exec_family *family)
{
	struct timespec step = {.tv_nsec = CLOSE_STEP_NS};

	for (int i = 0; i < CLOSE_STEPS && exec_family_end_strays(family) > 0; i++)
		nanosleep(&step, NULL);
}

void exec_family_leave(struct exec_family *family)
{
	if (--family->handlers > 0)
		return;
	if (family->node)
		end_last_strays(family);
	event_free(family->sweep);
	event_free(family->child_signal);
	free(family);
	of_this_process = NULL;
}
