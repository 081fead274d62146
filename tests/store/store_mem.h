/*
 * The oracle: a store in memory, as simple as the contract of store.h allows. Other stores are held
 * against it, and the simulation runs on it.
 *
 * What a disk is to a real store is here a struct store_mem_disk: it has what was committed, and it
 * outlives the store, so a crash is simulated by closing the store.
 */
#ifndef INGESTD_STORE_MEM_H
#define INGESTD_STORE_MEM_H

#include "store.h"

struct store_mem_disk;

/* Where the disk can fail. */
enum store_mem_point { STORE_MEM_BEGIN, STORE_MEM_RUN, STORE_MEM_COMMIT, STORE_MEM_ROLLBACK };

enum store_mem_fault {
	STORE_MEM_WORKS,
	STORE_MEM_FULL, /* STORE_UNDONE, ERR_DISK_LOW */
	STORE_MEM_LOST, /* STORE_UNKNOWN, and the turn has left nothing */
	STORE_MEM_KEPT, /* STORE_UNKNOWN, but a commit has taken place */
	/* STORE_UNDONE, ERR_BUSY; a commit: STORE_LOST, and the turn has left nothing */
	STORE_MEM_AWAY,
	/* The same, but a commit has taken place; not of a turn with a claim that found something:
	 * there is nobody here who gives it back. */
	STORE_MEM_AWAY_KEPT,
};

struct store_mem_disk *store_mem_disk_new(void);
void store_mem_disk_free(struct store_mem_disk *disk);

/* `fault` is asked at every point; a NULL one makes everything work again. */
void store_mem_disk_faults(struct store_mem_disk *disk,
    enum store_mem_fault (*fault)(void *arg, enum store_mem_point point), void *arg);

/* What store_sqlite_open() does. `clock` and `disk` must outlive the store. */
struct store *store_mem_open(const struct store_settings *settings, const struct clock *clock,
    struct store_mem_disk *disk, struct store_found *found);

/* What store_sqlite_open_reader() does. */
struct store *store_mem_open_reader(const struct clock *clock, struct store_mem_disk *disk);

#endif
