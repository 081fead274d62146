/*
 * A command for batches that says when it began: recorder FILE appends one line to FILE, with one
 * write:
 *
 *     NANOSECONDS NODE BATCH ATTEMPT ID,ID,...
 *
 * of CLOCK_BOOTTIME, as the log of the daemon has them. recorder FILE PATH ends only when PATH is
 * there.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *from_environment(const char *name)
{
	const char *text = getenv(name);

	return text ? text : "-";
}

int main(int argc, char **argv)
{
	char ids[2000], line[4000];
	struct timespec now;
	ssize_t n, at = 0;
	int file, len;

	clock_gettime(CLOCK_BOOTTIME, &now);
	if (argc < 2 || argc > 3)
		return 2;
	while ((n = read(0, ids + at, sizeof(ids) - 1 - (size_t)at)) > 0)
		at += n;
	while (at > 0 && ids[at - 1] == '\n')
		at--;
	ids[at] = '\0';
	for (char *end = ids; (end = strchr(end, '\n'));)
		*end = ',';
	len = snprintf(line, sizeof(line), "%lld%09ld %s %s %s %s\n", (long long)now.tv_sec,
	    now.tv_nsec, from_environment("INGEST_NODE"), from_environment("INGEST_BATCH_ID"),
	    from_environment("INGEST_ATTEMPT"), ids);
	file = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (file < 0 || write(file, line, (size_t)len) != len)
		return 1;
	close(file);
	while (argc == 3 && access(argv[2], F_OK) != 0)
		usleep(10000);
	return 0;
}
