/* Who waits for a change of which ingestion. A table of lists; it knows neither time nor store. */
#ifndef INGESTD_WATCH_H
#define INGESTD_WATCH_H

#include "uuid.h"

struct watch;

/* One who waits; the memory is the caller's. */
struct watch_entry {
	struct uuid uuid;
	/* The ingestion has changed. May remove this entry, but no other one. */
	void (*changed)(struct watch_entry *entry);
	struct watch_entry *next, **link; /* the table's; link points at what points here */
};

struct watch *watch_new(void);

/* Only when it is empty. */
void watch_free(struct watch *watch);

/* Adds an entry whose uuid and changed() are set. */
void watch_add(struct watch *watch, struct watch_entry *entry);

void watch_remove(struct watch_entry *entry);

/* Calls changed() of all who wait for this ingestion. */
void watch_tell(struct watch *watch, const struct uuid *uuid);

/* Calls changed() of all who wait for anything. */
void watch_tell_all(struct watch *watch);

#endif
