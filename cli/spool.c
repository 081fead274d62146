#include "spool.h"

#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *directory(void)
{
	const char *env = getenv("TMPDIR");

	return env && *env ? env : "/tmp";
}

/* For file systems that know no files without a name. */
static int open_and_unlink(void)
{
	char *path = xasprintf("%s/ingestctl.XXXXXX", directory());
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

int spool_open(struct fail *fail)
{
	int fd = open(directory(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		fd = open_and_unlink();
	if (fd < 0)
		fail_set(fail, ERR_INTERNAL, "cannot create a temporary file in %s: %s (TMPDIR)",
		    directory(), strerror(errno));
	return fd;
}

enum err spool_write(int fd, const char *data, size_t len, struct fail *fail)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_set(fail, ERR_INTERNAL,
			    "cannot write to a temporary file in %s: %s (TMPDIR)", directory(),
			    strerror(errno));
		data += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}
