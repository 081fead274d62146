/*
 * Preloaded into a daemon: while the file that FULLDISK_FLAG names exists, writing to files whose
 * name ends in "-wal" fails with ENOSPC, as on a full disk.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_full(int fd)
{
	const char *flag = getenv("FULLDISK_FLAG");
	char link[32], path[4096];
	ssize_t n;

	if (!flag || access(flag, F_OK) != 0)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	return n > 4 && memcmp(path + n - 4, "-wal", 4) == 0;
}

/* SQLite uses the second name on some platforms; the offset has 64 bits in both. */
ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
	ssize_t (*next)(int, const void *, size_t, off_t) =
	    (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");

	if (is_full(fd)) {
		errno = ENOSPC;
		return -1;
	}
	return next(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
	ssize_t (*next)(int, const void *, size_t, off64_t) =
	    (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");

	if (is_full(fd)) {
		errno = ENOSPC;
		return -1;
	}
	return next(fd, data, size, at);
}
