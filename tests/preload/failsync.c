/*
 * Preloaded into a daemon: one call of fsync(2) or fdatasync(2) fails with EIO, all others are as
 * ever; a disk that has lost data says so once, too. Which one: number FAILSYNC_AT, both counted
 * together from 1; or the first one after the file that FAILSYNC_FLAG names was made, which is
 * removed then.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int fails(void)
{
	static atomic_int calls;
	const char *at = getenv("FAILSYNC_AT"), *flag = getenv("FAILSYNC_FLAG");
	int call = atomic_fetch_add(&calls, 1) + 1;

	if (!(at && call == atoi(at)) && !(flag && unlink(flag) == 0))
		return 0;
	fprintf(stderr, "failsync: call %d fails\n", call);
	errno = EIO;
	return 1;
}

int fdatasync(int fd)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

	return fails() ? -1 : next(fd);
}

int fsync(int fd)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");

	return fails() ? -1 : next(fd);
}
