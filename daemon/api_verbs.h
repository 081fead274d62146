/* What the files of the verbs share; only api*.c include this. */
#ifndef INGESTD_API_VERBS_H
#define INGESTD_API_VERBS_H

#include "api.h"
#include "watch.h"

struct api {
	struct api_env env;
	struct watch *watch; /* calls that wait for a change */
	struct control_call *drains; /* calls that wait until nothing runs */
	int64_t started_ms; /* UTC */
	bool draining;
	int64_t draining_since; /* boot_ns */
};

/* A call that waits for the store. The struct of a verb begins with it. */
struct pending {
	struct storeq_op op; /* first */
	struct api *api;
	struct api_call *call;
};

/* The verbs that go to the store. */
void api_submit(struct api *api, struct api_call *call);
void api_append(struct api *api, struct api_call *call);
void api_seal(struct api *api, struct api_call *call);
void api_cancel(struct api *api, struct api_call *call);
void api_status(struct api *api, struct api_call *call);
void api_report(struct api *api, struct api_call *call);
void api_list(struct api *api, struct api_call *call);
void api_stats(struct api *api, struct api_call *call);
void api_nodes(struct api *api, struct api_call *call);
void api_retry(struct api *api, struct api_call *call);
void api_bump(struct api *api, struct api_call *call);
void api_bulk(struct api *api, struct api_call *call);
void api_pause(struct api *api, struct api_call *call);
void api_resume(struct api *api, struct api_call *call);
void api_start_drain(struct api *api, struct api_call *call);
void api_rate(struct api *api, struct api_call *call);
void api_reload(struct api *api, struct api_call *call);

/*
 * A cancel, retry or bump was committed: who has to know is told. True: it was one step of several,
 * to be posted again.
 */
bool api_changed_by(struct api *api, const struct store_op *op);

/* Something was committed: whether anything runs is looked at soon, for those who wait for that. */
void api_look_at_drains(struct api *api);

/* Says in the log what somebody has done to others' work. */
void api_log_control(const struct api_call *call, const char *what);

/* What list_filter.before_ms has to be for "older than"; 0 for 0. */
int64_t api_before_ms(const struct api *api, int64_t older_than_ms);

/* Ends a call. */
void api_answer(struct api_call *call);

/* A new struct of `size` bytes that begins with a struct pending, zeroed but for what is given. */
void *api_pending_new(struct api *api, struct api_call *call, size_t size, enum store_verb verb,
    void (*done)(struct storeq_op *op));

/* Posts the operation. False: the queue is full; pending->op.op.fail says so. */
bool api_post(struct pending *pending);

/* The same, for a verb that ends when its operation does. */
void api_post_or_finish(struct pending *pending);

/* Ends the call if the daemon takes nothing new any more; true: it has. */
bool api_refuses(struct api *api, struct api_call *call);

/* Ends the call with op.fail as its outcome and frees `pending`. */
void api_finish(struct pending *pending);

#endif
