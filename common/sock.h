/* Unix domain sockets (unix(7)): where they are, who listens, who is at the other end. */
#ifndef INGESTD_SOCK_H
#define INGESTD_SOCK_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SOCK_PATH_SIZE 108 /* of sun_path, the NUL included */

/* A listening socket and what proves that it is ours. */
struct sock_listener {
	char path[SOCK_PATH_SIZE];
	int fd; /* non-blocking, close-on-exec; -1 when closed */
	int lock_fd; /* holds the lock on PATH.lock */
	dev_t dev; /* of the socket file, to unlink only what we made */
	ino_t ino;
};

struct sock_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

/*
 * The default path: /run/ingestd/ingestd.sock for root, $XDG_RUNTIME_DIR/ingestd.sock for others.
 * Returns 0, or -1 when XDG_RUNTIME_DIR is not set or too long.
 */
int sock_default_path(char path[SOCK_PATH_SIZE]);

/*
 * Listens on `path`. The lock on PATH.lock comes first: who holds it may remove a socket file that
 * a dead daemon left. The file gets exactly `mode`, whatever the umask is; there is no moment with
 * a wider one, nor with more than the owner's part before the group is set. `gid` is (gid_t)-1 for
 * no change. Errors: ERR_INVALID (path too long), ERR_CONFLICT (another daemon holds it),
 * ERR_INTERNAL (the system refused); the text names the path.
 */
enum err sock_listen(
    struct sock_listener *listener, const char *path, mode_t mode, gid_t gid, struct fail *fail);

/* Closes, removes the socket file if it is still ours, and gives the lock back. */
void sock_listener_close(struct sock_listener *listener);

/*
 * Connects to `path` within `timeout_ms` and returns a blocking, close-on-exec descriptor, or -1
 * with *fail set: ERR_INVALID (path too long), ERR_INTERNAL (nobody listens, or no permission).
 */
int sock_connect(const char *path, int64_t timeout_ms, struct fail *fail);

/* Who was at the other end when the connection was made (SO_PEERCRED). Returns 0 or -1 (errno). */
int sock_peer(int fd, struct sock_peer *peer);

#define SOCK_GROUPS_MAX 1024

/* The groups of the other end at that time, its primary one first (SO_PEERGROUPS); as many as fit.
 * Returns how many. */
size_t sock_peer_groups(int fd, gid_t groups[SOCK_GROUPS_MAX]);

#endif
