#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS 10

static int try_for_a_while(int fd)
{
	struct timespec step = {.tv_nsec = STEP_MS * 1000000};

	for (int waited = 0; waited < LOCK_WAIT_MS; waited += STEP_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return -1;
		nanosleep(&step, NULL);
	}
	return flock(fd, LOCK_EX | LOCK_NB);
}

int lock_take(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int error;

	if (fd < 0 || try_for_a_while(fd) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}
