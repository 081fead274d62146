#include "stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

int64_t stats_rss_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	int64_t size, resident = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%" SCNd64 " %" SCNd64, &size, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * sysconf(_SC_PAGESIZE);
}
