#include "clock.h"

#include "util.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t system_boot_ns(void *arg)
{
	struct timespec now;

	(void)arg;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int64_t system_utc_ms(void *arg)
{
	struct timespec now;

	(void)arg;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000 + now.tv_nsec / NS_PER_MS;
}

const struct clock *clock_system(void)
{
	static struct clock clock = {.boot_ns = system_boot_ns, .utc_ms = system_utc_ms};
	FILE *file;

	if (clock.boot_id[0])
		return &clock;
	file = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (file) {
		if (!fgets(clock.boot_id, sizeof(clock.boot_id), file))
			clock.boot_id[0] = '\0';
		clock.boot_id[strcspn(clock.boot_id, "\n")] = '\0';
		fclose(file);
	}
	/* Without /proc no boot can be recognised: an id of its own for each process makes every
	 * start wait a full interval, which is the careful side. */
	if (!clock.boot_id[0])
		snprintf(clock.boot_id, sizeof(clock.boot_id), "unknown-%lld",
		    (long long)system_utc_ms(NULL));
	return &clock;
}
