/*
 * Time, injected: nothing below main() but the log's time stamps asks the system, so that tests can
 * turn the clock.
 *
 * Two clocks, never mixed. `boot_ns` is CLOCK_BOOTTIME: it only goes forward, counts suspended time
 * and starts anew with each boot; rate and timers use it. `utc_ms` can jump; it is for people.
 */
#ifndef INGESTD_CLOCK_H
#define INGESTD_CLOCK_H

#include <stdint.h>

struct clock {
	int64_t (*boot_ns)(void *arg);
	int64_t (*utc_ms)(void *arg);
	void *arg;
	char boot_id[40]; /* tells this boot from all others (proc(5), random/boot_id) */
};

/* Later than every moment: "no wake-up needed". */
#define CLOCK_NEVER INT64_MAX

/* The clocks of the machine. Safe in every thread. Call once before threads are started. */
const struct clock *clock_system(void);

static inline int64_t clock_boot_ns(const struct clock *clock)
{
	return clock->boot_ns(clock->arg);
}

static inline int64_t clock_utc_ms(const struct clock *clock)
{
	return clock->utc_ms(clock->arg);
}

#endif
