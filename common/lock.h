/* A lock file: the one who has its lock is alone. */
#ifndef INGESTD_LOCK_H
#define INGESTD_LOCK_H

/*
 * Makes the file if it is missing and takes its lock (flock(2)), which ends when the returned
 * descriptor is closed. -1: errno says why; EWOULDBLOCK when another process has it, and kept it
 * for LOCK_WAIT_MS.
 */
int lock_take(const char *path);

/*
 * A process that was killed while it started a child may live on for a moment in that child, with
 * all its descriptors, until the child's exec closes them.
 */
#define LOCK_WAIT_MS 1000

#endif
