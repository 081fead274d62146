/* The daemon as a whole. Only main*.c include this. */
#ifndef INGESTD_MAIN_H
#define INGESTD_MAIN_H

#include "api.h"
#include "conf_check.h"
#include "door.h"
#include "handler.h"
#include "member.h"
#include "notifier.h"
#include "sock.h"

#include <event2/event.h>
#include <stdatomic.h>

enum { EXIT_STOPPED = 0, EXIT_FAILED = 1, EXIT_CONFIG = 2, EXIT_STORE = 3 };

struct daemon {
	int argc;
	char **argv;
	struct conf conf;
	struct conf_found found;
	const struct clock *clock;

	struct event_base *base;
	struct event *tick; /* the engine's only timer */
	struct event *beat; /* the member's */
	struct event *deliver, *deliver_reads; /* the store's threads have answers */
	atomic_bool reads_told; /* deliver_reads is going to run */
	struct event *signals[3];
	struct event *grace; /* ends what still runs at a shutdown */
	struct event *linger;

	struct handler *handler;
	struct handler *teller; /* of ends of ingestions; NULL: nobody is to be told */
	char node[UUID_TEXT_SIZE]; /* its id, which the children of the handlers carry */
	struct store *writer, *reader;
	struct storeq *queue;
	struct limits *limits;
	struct stats stats;
	struct engine *engine;
	struct member *member; /* NULL: nobody else has this store */
	struct sweeper *sweeper;
	struct notifier *notifier; /* NULL as the teller */
	struct api *api;
	struct doors *doors;
	struct sock_listener socket;
	struct tcp_listeners tcp;

	int recovering; /* handlers that end what an earlier daemon left behind: nothing starts */
	bool stopping;
	int64_t leave_at; /* boot_ns; 0: something is not recorded yet */
	int exit_status;
};

/* ---- main_loop.c: timers, signals, answers of the store, the end in order ---- */

/* Makes the loop and its events. */
void daemon_open_loop(struct daemon *daemon);
void daemon_close_loop(struct daemon *daemon);

/* Lets the handlers end what an earlier daemon left behind; then batches and notices start. */
void daemon_recover(struct daemon *daemon);

/* Callbacks, for the parts; `arg` is the daemon. */
void daemon_wake(void *arg);
void daemon_wake_member(void *arg);
/* Another node may have changed anything. */
void daemon_moved(void *arg);
void daemon_changed(void *arg, const struct uuid *ingestion);
void daemon_broken(void *arg, const struct fail *why);
/* On a thread of the store. */
void daemon_answers(void *arg);
void daemon_answers_reads(void *arg);

/* ---- main_reload.c ---- */

/*
 * Takes over the reloadable options and reads again the files that options name: all of it, or
 * nothing when something is wrong. Runs and connections stay. Logs what came of it. `arg` is the
 * daemon.
 */
enum err daemon_reload(void *arg, struct fail *fail);

/* Fits the limit of descriptors to the options. */
void daemon_fit_descriptors(struct daemon *daemon);

#endif
