#include "strays.h"

#include "exec_env.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

static bool is_leader(const struct strays_view *view, pid_t pid)
{
	const struct pids *leaders = view->leaders;

	return leaders->n > 0 &&
	       bsearch(&pid, leaders->v, leaders->n, sizeof(*leaders->v), compare_pids);
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) != 0 || info.si_pid == pid;
}

static bool is_stray(const struct strays_view *view, pid_t pid, struct buf *entries)
{
	const char *node, *id, *attempt;

	if (!proc_environ(pid, entries))
		return false;
	node = proc_env(entries, EXEC_ENV_NODE);
	id = proc_env(entries, EXEC_ENV_BATCH_ID);
	if (!id)
		id = proc_env(entries, EXEC_ENV_NOTICE);
	attempt = proc_env(entries, EXEC_ENV_ATTEMPT);
	return node && strcmp(node, view->node) == 0 && id && attempt &&
	       !view->runs(view->arg, id, attempt);
}

size_t strays_end(const struct strays_view *view)
{
	struct pids children = {0};
	struct buf entries = {0};
	size_t n = 0;

	proc_children(&children);
	for (size_t i = 0; i < children.n; i++) {
		pid_t pid = children.v[i];

		if (is_leader(view, pid) || has_ended(pid))
			continue;
		if (is_stray(view, pid, &entries)) {
			proc_signal_group(pid, SIGKILL, view->leaders);
			n++;
		} else {
			n += proc_is_ending(pid);
		}
	}
	buf_free(&entries);
	pids_free(&children);
	return n;
}
