#include "sock.h"

#include "lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024 /* a full backlog makes clients wait in connect(2) */

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) == SOCK_PATH_SIZE,
    "sun_path is 108 bytes on Linux");

int sock_default_path(char path[SOCK_PATH_SIZE])
{
	const char *dir = geteuid() == 0 ? "/run/ingestd" : getenv("XDG_RUNTIME_DIR");

	if (!dir || !*dir)
		return -1;
	return snprintf(path, SOCK_PATH_SIZE, "%s/ingestd.sock", dir) < SOCK_PATH_SIZE ? 0 : -1;
}

static enum err set_address(struct sockaddr_un *address, const char *path, struct fail *fail)
{
	if (strlen(path) >= sizeof(address->sun_path))
		return fail_set(fail, ERR_INVALID,
		    "socket path of %zu bytes, more than %zu: %.60s...", strlen(path),
		    sizeof(address->sun_path) - 1, path);
	if (!*path)
		return fail_set(fail, ERR_INVALID, "the socket path is empty");
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	strcpy(address->sun_path, path);
	return ERR_OK;
}

static enum err system_fail(struct fail *fail, const char *what, const char *path)
{
	return fail_set(fail, ERR_INTERNAL, "%s %s: %s", what, path, strerror(errno));
}

static int take_lock(const char *path, struct fail *fail)
{
	char name[SOCK_PATH_SIZE + 8];
	int fd;

	snprintf(name, sizeof(name), "%s.lock", path);
	fd = lock_take(name);
	if (fd < 0 && errno == EWOULDBLOCK)
		fail_set(fail, ERR_CONFLICT, "another daemon listens on %s", path);
	else if (fd < 0)
		system_fail(fail, "cannot take the lock", name);
	return fd;
}

/* Whether somebody answers on the path, lock or not (a daemon of another make). */
static int is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int alive;

	if (fd < 0)
		return 1;
	/* Only a refusal says that nobody is there (unix(7)). */
	alive = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	        errno != ECONNREFUSED;
	close(fd);
	return alive;
}

static enum err remove_stale(const struct sockaddr_un *address, struct fail *fail)
{
	struct stat st;

	if (lstat(address->sun_path, &st) != 0)
		return ERR_OK;
	if (!S_ISSOCK(st.st_mode))
		return fail_set(
		    fail, ERR_CONFLICT, "%s exists and is not a socket", address->sun_path);
	if (is_alive(address))
		return fail_set(
		    fail, ERR_CONFLICT, "another program listens on %s", address->sun_path);
	if (unlink(address->sun_path) != 0)
		return system_fail(fail, "cannot remove the stale socket", address->sun_path);
	return ERR_OK;
}

static enum err bind_and_listen(struct sock_listener *listener, const struct sockaddr_un *address,
    mode_t mode, gid_t gid, struct fail *fail)
{
	struct stat st;

	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return system_fail(fail, "no socket for", address->sun_path);
	/* bind(2) takes the umask off; the rest of the mode comes when the group is the right one.
	 */
	if (fchmod(listener->fd, mode & 0700) != 0 ||
	    bind(listener->fd, (const struct sockaddr *)address, sizeof(*address)) != 0 ||
	    lstat(address->sun_path, &st) != 0)
		return system_fail(fail, "cannot listen on", address->sun_path);
	listener->dev = st.st_dev;
	listener->ino = st.st_ino;
	if ((gid != (gid_t)-1 && lchown(address->sun_path, (uid_t)-1, gid) != 0) ||
	    chmod(address->sun_path, mode) != 0 || listen(listener->fd, BACKLOG) != 0)
		return system_fail(fail, "cannot listen on", address->sun_path);
	return ERR_OK;
}

enum err sock_listen(
    struct sock_listener *listener, const char *path, mode_t mode, gid_t gid, struct fail *fail)
{
	struct sockaddr_un address;

	*listener = (struct sock_listener){.fd = -1, .lock_fd = -1};
	fail->err = ERR_OK;
	if (set_address(&address, path, fail))
		return fail->err;
	strcpy(listener->path, path);
	listener->lock_fd = take_lock(path, fail);
	if (listener->lock_fd < 0)
		return fail->err;
	if (remove_stale(&address, fail) || bind_and_listen(listener, &address, mode, gid, fail))
		sock_listener_close(listener);
	return fail->err;
}

void sock_listener_close(struct sock_listener *listener)
{
	struct stat st;

	if (listener->fd >= 0) {
		if (listener->ino != 0 && lstat(listener->path, &st) == 0 &&
		    st.st_dev == listener->dev && st.st_ino == listener->ino)
			unlink(listener->path);
		close(listener->fd);
	}
	/* The lock file stays: removing it would let two daemons lock two files of one name. */
	if (listener->lock_fd >= 0)
		close(listener->lock_fd);
	listener->fd = listener->lock_fd = -1;
}

int sock_connect(const char *path, int64_t timeout_ms, struct fail *fail)
{
	/* Limits the wait in connect(2) while the backlog is full (socket(7)). */
	struct timeval timeout = {
	    .tv_sec = timeout_ms / 1000, .tv_usec = (timeout_ms % 1000) * 1000};
	struct sockaddr_un address;
	int fd;

	if (set_address(&address, path, fail))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		system_fail(fail, "no socket for", path);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		system_fail(fail, "cannot connect to", path);
		close(fd);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){0}, sizeof(timeout));
	return fd;
}

int sock_peer(int fd, struct sock_peer *peer)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) != 0)
		return -1;
	*peer = (struct sock_peer){.uid = cred.uid, .gid = cred.gid, .pid = cred.pid};
	return 0;
}

size_t sock_peer_groups(int fd, gid_t groups[SOCK_GROUPS_MAX])
{
	struct sock_peer peer;
	socklen_t size = (SOCK_GROUPS_MAX - 1) * sizeof(*groups);

	if (sock_peer(fd, &peer) != 0)
		return 0;
	groups[0] = peer.gid;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups + 1, &size) != 0)
		return 1;
	return 1 + size / sizeof(*groups);
}
