/* libcurl on libevent: many calls at a time, on the thread of the loop. */
#ifndef INGESTD_UPSTREAM_MULTI_H
#define INGESTD_UPSTREAM_MULTI_H

#include <curl/curl.h>

struct event_base;
struct upstream_multi;

/*
 * Keeps up to `keep` connections that are not used. A call that has ended is taken out, then done()
 * gets it, never from inside of upstream_multi_add().
 */
struct upstream_multi *upstream_multi_new(
    struct event_base *base, long keep, void (*done)(CURL *easy, CURLcode code));

void upstream_multi_add(struct upstream_multi *multi, CURL *easy);

/* Ends a call, for which done() does not come then. Not from inside of a callback of libcurl. */
void upstream_multi_remove(struct upstream_multi *multi, CURL *easy);

/* Closes all connections; no call is left. */
void upstream_multi_free(struct upstream_multi *multi);

#endif
