/*
 * Preloaded into a daemon: makes fsync(2) and fdatasync(2) slow and uneven. Each call is delayed by
 * a random time of 0 to SLOWSYNC_MAX_MS milliseconds; SLOWSYNC_SEED chooses the sequence. While the
 * file that SLOWSYNC_HOLD names exists, calls do not return at all.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void sleep_us(long us)
{
	nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}, NULL);
}

static void delay(void)
{
	static _Thread_local unsigned state;
	static _Thread_local long max_us = -1;
	const char *hold = getenv("SLOWSYNC_HOLD");

	if (max_us < 0) {
		const char *max = getenv("SLOWSYNC_MAX_MS"), *seed = getenv("SLOWSYNC_SEED");

		max_us = max ? atol(max) * 1000 : 0;
		state = seed ? (unsigned)atol(seed) : 1;
		fprintf(stderr, "slowsync: up to %ld us\n", max_us);
	}
	if (max_us > 0)
		sleep_us(rand_r(&state) % (max_us + 1));
	while (hold && access(hold, F_OK) == 0)
		sleep_us(1000);
}

int fdatasync(int fd)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

	delay();
	return next(fd);
}

int fsync(int fd)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");

	delay();
	return next(fd);
}
