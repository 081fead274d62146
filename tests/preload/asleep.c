/*
 * Preloaded into a daemon: a machine that has been asleep. While the file that ASLEEP_FLAG names
 * exists, CLOCK_BOOTTIME is an hour later, as after a sleep of an hour in which timers stood still.
 * Timers (CLOCK_MONOTONIC) run ASLEEP_SPEED times as fast, so that tests need not wait for long
 * ones.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000

static int64_t speed(void)
{
	const char *text = getenv("ASLEEP_SPEED");

	return text ? atoll(text) : 1;
}

static struct timespec times(struct timespec time, int64_t factor, int64_t divisor)
{
	int64_t ns = ((int64_t)time.tv_sec * NS_PER_S + time.tv_nsec) * factor / divisor;

	return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

int clock_gettime(clockid_t id, struct timespec *now)
{
	const char *flag = getenv("ASLEEP_FLAG");
	int result = (int)syscall(SYS_clock_gettime, id, now);

	if (id == CLOCK_BOOTTIME && flag && access(flag, F_OK) == 0)
		now->tv_sec += 3600;
	if (id == CLOCK_MONOTONIC)
		*now = times(*now, speed(), 1);
	return result;
}

/* What libevent waits with. */
int timerfd_settime(int fd, int flags, const struct itimerspec *wanted, struct itimerspec *before)
{
	struct itimerspec real = {
	    .it_interval = wanted->it_interval, .it_value = times(wanted->it_value, 1, speed())};

	/* Zero would mean never. */
	if (real.it_value.tv_sec == 0 && real.it_value.tv_nsec == 0)
		real.it_value.tv_nsec = wanted->it_value.tv_sec || wanted->it_value.tv_nsec;
	return (int)syscall(SYS_timerfd_settime, fd, flags, &real, before);
}
