#include "sock.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Stands in for bind(2), to see the socket file at the moment at which it gets its name. */
static mode_t mode_at_bind;

int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
	int result = (int)syscall(SYS_bind, fd, address.__sockaddr__, len);
	struct stat st;

	if (result == 0 && lstat(address.__sockaddr_un__->sun_path, &st) == 0)
		mode_at_bind = st.st_mode & 07777;
	return result;
}

/* ---- a directory for each test ---- */

struct place {
	char dir[64];
	char path[SOCK_PATH_SIZE];
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	strcpy(place->dir, "/tmp/test_sock.XXXXXX");
	if (!mkdtemp(place->dir))
		return -1;
	snprintf(place->path, sizeof(place->path), "%s/s", place->dir);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;
	char command[128];
	int status;

	snprintf(command, sizeof(command), "rm -rf '%s'", place->dir);
	status = system(command);
	free(place);
	return status;
}

static struct stat look(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st;
}

static struct sock_listener listening(const char *path, mode_t mode)
{
	struct sock_listener listener;
	struct fail fail;

	if (sock_listen(&listener, path, mode, (gid_t)-1, &fail))
		fail_msg("%s", fail.text);
	return listener;
}

static void assert_listen_fails(const char *path, enum err err, const char *why)
{
	struct sock_listener listener;
	struct fail fail;

	assert_int_equal(sock_listen(&listener, path, 0600, (gid_t)-1, &fail), err);
	assert_fail(&fail, err, why);
	assert_int_equal(listener.fd, -1);
	assert_int_equal(listener.lock_fd, -1);
}

static int connected(const char *path)
{
	struct fail fail;
	int fd = sock_connect(path, 1000, &fail);

	if (fd < 0)
		fail_msg("%s", fail.text);
	return fd;
}

/* A socket at `path` that was not made by sock_listen(). */
static int foreign_socket(const char *path, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

/* ---- listening ---- */

static void clients_can_connect(void **state)
{
	struct place *place = *state;
	struct sock_listener listener = listening(place->path, 0600);
	int client = connected(place->path), server = accept(listener.fd, NULL, NULL);
	char c = 0;

	assert_true(server >= 0);
	assert_int_equal(write(client, "x", 1), 1);
	assert_int_equal(read(server, &c, 1), 1);
	assert_int_equal(c, 'x');
	close(client);
	close(server);
	sock_listener_close(&listener);
}

static void descriptors_do_not_leak_into_children(void **state)
{
	struct place *place = *state;
	struct sock_listener listener = listening(place->path, 0600);
	int client = connected(place->path);

	assert_true(fcntl(listener.fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(listener.lock_fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(client, F_GETFD) & FD_CLOEXEC);
	close(client);
	sock_listener_close(&listener);
}

static void the_listener_does_not_block(void **state)
{
	struct place *place = *state;
	struct sock_listener listener = listening(place->path, 0600);

	assert_true(fcntl(listener.fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(accept(listener.fd, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	sock_listener_close(&listener);
}

static void check_mode(const char *path, mode_t mask, mode_t mode)
{
	mode_t saved = umask(mask);
	struct sock_listener listener = listening(path, mode);

	umask(saved);
	assert_int_equal(look(path).st_mode & 07777, mode);
	sock_listener_close(&listener);
}

static void the_file_has_the_mode(void **state)
{
	struct place *place = *state;

	check_mode(place->path, 022, 0600);
	check_mode(place->path, 022, 0660);
}

static void the_umask_does_not_change_the_mode(void **state)
{
	struct place *place = *state;

	check_mode(place->path, 0, 0600);
	check_mode(place->path, 077, 0660);
	check_mode(place->path, 0277, 0600);
}

static void the_mode_is_never_wider(void **state)
{
	struct place *place = *state;

	mode_at_bind = 07777;
	check_mode(place->path, 0, 0600);
	assert_int_equal(mode_at_bind & ~0600u, 0);
}

/* The group is another one until the file has been given to the right one. */
static void the_group_comes_before_its_rights(void **state)
{
	struct place *place = *state;

	mode_at_bind = 07777;
	check_mode(place->path, 0, 0660);
	assert_int_equal(mode_at_bind & ~0600u, 0);
}

static void the_file_belongs_to_the_group(void **state)
{
	struct place *place = *state;
	gid_t gid = geteuid() == 0 ? 12345 : getegid();
	struct sock_listener listener;
	struct fail fail;

	assert_int_equal(sock_listen(&listener, place->path, 0660, gid, &fail), ERR_OK);
	assert_int_equal(look(place->path).st_gid, gid);
	assert_int_equal(look(place->path).st_mode & 07777, 0660);
	sock_listener_close(&listener);
}

/* ---- one daemon at a time ---- */

static void a_second_listener_is_refused(void **state)
{
	struct place *place = *state;
	struct sock_listener listener = listening(place->path, 0600);

	assert_listen_fails(place->path, ERR_CONFLICT, "another daemon listens on ");
	assert_listen_fails(place->path, ERR_CONFLICT, place->path);
	close(connected(place->path));
	sock_listener_close(&listener);
}

static void the_lock_counts_without_the_socket(void **state)
{
	struct place *place = *state;
	struct sock_listener listener = listening(place->path, 0600);

	unlink(place->path);
	assert_listen_fails(place->path, ERR_CONFLICT, "another daemon");
	assert_int_equal(access(place->path, F_OK), -1);
	sock_listener_close(&listener);
}

static void a_listener_can_follow_another(void **state)
{
	struct place *place = *state;

	for (int i = 0; i < 3; i++) {
		struct sock_listener listener = listening(place->path, 0600);

		close(connected(place->path));
		sock_listener_close(&listener);
	}
}

static void a_stale_socket_is_taken_over(void **state)
{
	struct place *place = *state;
	struct sock_listener listener;

	close(foreign_socket(place->path, 5));
	listener = listening(place->path, 0600);
	close(connected(place->path));
	assert_int_equal(look(place->path).st_ino, listener.ino);
	sock_listener_close(&listener);
}

static void a_killed_daemon_is_followed(void **state)
{
	struct place *place = *state;
	struct sock_listener listener;
	int ready[2], status;
	char c;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		struct fail fail;

		if (sock_listen(&listener, place->path, 0600, (gid_t)-1, &fail) == ERR_OK)
			(void)!write(ready[1], "x", 1);
		pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_listen_fails(place->path, ERR_CONFLICT, "another daemon");
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	listener = listening(place->path, 0600);
	close(connected(place->path));
	sock_listener_close(&listener);
	close(ready[0]);
	close(ready[1]);
}

static void a_living_foreign_socket_is_left_alone(void **state)
{
	struct place *place = *state;
	int fd = foreign_socket(place->path, 5);
	ino_t before = look(place->path).st_ino;

	assert_listen_fails(place->path, ERR_CONFLICT, "another program listens on ");
	assert_int_equal(look(place->path).st_ino, before);
	close(fd);
}

static void a_foreign_socket_with_a_full_backlog_lives(void **state)
{
	struct place *place = *state;
	int fd = foreign_socket(place->path, 0), client = connected(place->path);

	assert_listen_fails(place->path, ERR_CONFLICT, "another program listens on ");
	close(client);
	close(fd);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
	struct place *place = *state;
	int fd = open(place->path, O_CREAT | O_WRONLY, 0644);

	assert_int_equal(write(fd, "data", 4), 4);
	close(fd);
	assert_listen_fails(place->path, ERR_CONFLICT, "exists and is not a socket");
	assert_true(S_ISREG(look(place->path).st_mode));
	assert_int_equal(look(place->path).st_size, 4);
}

static void a_symbolic_link_is_left_alone(void **state)
{
	struct place *place = *state;
	char target[128];
	int fd;

	snprintf(target, sizeof(target), "%s/target", place->dir);
	fd = foreign_socket(target, -1);
	close(fd);
	assert_int_equal(symlink(target, place->path), 0);
	assert_listen_fails(place->path, ERR_CONFLICT, "exists and is not a socket");
	assert_true(S_ISSOCK(look(target).st_mode));
}

static void a_lock_file_that_is_a_link_is_refused(void **state)
{
	struct place *place = *state;
	char lock[SOCK_PATH_SIZE + 8], target[128];

	snprintf(lock, sizeof(lock), "%s.lock", place->path);
	snprintf(target, sizeof(target), "%s/target", place->dir);
	assert_int_equal(symlink(target, lock), 0);
	assert_listen_fails(place->path, ERR_INTERNAL, "cannot take the lock ");
	assert_int_equal(access(target, F_OK), -1);
}

static void a_missing_directory_is_named(void **state)
{
	struct place *place = *state;
	char path[SOCK_PATH_SIZE];

	snprintf(path, sizeof(path), "%s/none/s", place->dir);
	assert_listen_fails(path, ERR_INTERNAL, path);
	assert_listen_fails(path, ERR_INTERNAL, "No such file or directory");
}

/* ---- closing ---- */

static void closing_removes_the_socket(void **state)
{
	struct place *place = *state;
	struct sock_listener listener = listening(place->path, 0600);

	sock_listener_close(&listener);
	assert_int_equal(access(place->path, F_OK), -1);
	assert_int_equal(listener.fd, -1);
	assert_int_equal(listener.lock_fd, -1);
}

/* Removing it would let two daemons lock two files of one name. */
static void closing_leaves_the_lock_file(void **state)
{
	struct place *place = *state;
	struct sock_listener listener = listening(place->path, 0600);
	char lock[SOCK_PATH_SIZE + 8];
	int fd;

	sock_listener_close(&listener);
	snprintf(lock, sizeof(lock), "%s.lock", place->path);
	fd = open(lock, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	close(fd);
}

static void closing_removes_only_its_own_socket(void **state)
{
	struct place *place = *state;
	struct sock_listener listener = listening(place->path, 0600);
	int fd;

	/* Both sockets exist at once, so their inodes differ. */
	assert_int_equal(chdir(place->dir), 0);
	assert_int_equal(rename(place->path, "moved"), 0);
	fd = foreign_socket(place->path, 5);
	sock_listener_close(&listener);
	assert_true(S_ISSOCK(look(place->path).st_mode));
	close(connected(place->path));
	close(fd);
	assert_int_equal(chdir("/"), 0);
}

static void closing_twice_does_nothing(void **state)
{
	struct place *place = *state;
	struct sock_listener listener = listening(place->path, 0600);

	sock_listener_close(&listener);
	sock_listener_close(&listener);
}

/* ---- lengths ---- */

static void long_path(char *path, const struct place *place, size_t len)
{
	memset(path, 'p', len);
	path[len] = '\0';
	memcpy(path, place->dir, strlen(place->dir));
	path[strlen(place->dir)] = '/';
}

static void a_path_of_107_bytes_fits(void **state)
{
	struct place *place = *state;
	struct sock_listener listener;
	char path[SOCK_PATH_SIZE];

	long_path(path, place, 107);
	listener = listening(path, 0600);
	close(connected(path));
	assert_int_equal(access(path, F_OK), 0);
	sock_listener_close(&listener);
}

static void a_path_of_108_bytes_is_too_long(void **state)
{
	struct place *place = *state;
	struct fail fail;
	char path[201];

	long_path(path, place, 108);
	assert_listen_fails(path, ERR_INVALID, "socket path of 108 bytes, more than 107: /tmp/");
	assert_int_equal(sock_connect(path, 1000, &fail), -1);
	assert_fail(&fail, ERR_INVALID, "socket path of 108 bytes, more than 107: /tmp/");
	long_path(path, place, 200);
	assert_listen_fails(path, ERR_INVALID, "socket path of 200 bytes, more than 107");
}

static void an_empty_path_is_refused(void **state)
{
	struct fail fail;

	(void)state;
	assert_listen_fails("", ERR_INVALID, "the socket path is empty");
	assert_int_equal(sock_connect("", 1000, &fail), -1);
	assert_fail(&fail, ERR_INVALID, "the socket path is empty");
}

/* ---- connecting ---- */

static void connecting_to_nobody_names_the_path(void **state)
{
	struct place *place = *state;
	struct fail fail;

	assert_int_equal(sock_connect(place->path, 1000, &fail), -1);
	assert_fail(&fail, ERR_INTERNAL, place->path);
	assert_fail(&fail, ERR_INTERNAL, "No such file or directory");
	close(foreign_socket(place->path, 5));
	assert_int_equal(sock_connect(place->path, 1000, &fail), -1);
	assert_fail(&fail, ERR_INTERNAL, "Connection refused");
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void connecting_does_not_wait_for_ever(void **state)
{
	struct place *place = *state;
	int fd = foreign_socket(place->path, 0), client = connected(place->path);
	int64_t start = now_ms();
	struct fail fail;

	assert_int_equal(sock_connect(place->path, 100, &fail), -1);
	assert_fail(&fail, ERR_INTERNAL, place->path);
	assert_in_range(now_ms() - start, 80, 10000);
	close(client);
	close(fd);
}

/* The time limit is one for connecting only: a daemon that is slow to read is not an error. */
static void a_connection_blocks_without_limit(void **state)
{
	struct place *place = *state;
	struct sock_listener listener = listening(place->path, 0600);
	int fd = connected(place->path);
	struct timeval limit = {.tv_sec = 1};
	socklen_t len = sizeof(limit);

	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, &len), 0);
	assert_int_equal(limit.tv_sec, 0);
	assert_int_equal(limit.tv_usec, 0);
	close(fd);
	sock_listener_close(&listener);
}

static void the_peer_is_known(void **state)
{
	struct place *place = *state;
	struct sock_listener listener = listening(place->path, 0600);
	int client = connected(place->path), server = accept(listener.fd, NULL, NULL);
	struct sock_peer peer = {.pid = -1};

	assert_int_equal(sock_peer(server, &peer), 0);
	assert_int_equal(peer.uid, geteuid());
	assert_int_equal(peer.gid, getegid());
	assert_int_equal(peer.pid, getpid());
	close(client);
	close(server);
	sock_listener_close(&listener);
}

/* The kernel tells who connected, whoever holds the other end by now. */
static void the_peer_is_the_process_that_connected(void **state)
{
	struct place *place = *state;
	struct sock_listener listener = listening(place->path, 0600);
	struct sock_peer peer = {.pid = -1};
	pid_t child = fork();
	int server, status;

	if (child == 0) {
		struct fail fail;

		_exit(sock_connect(place->path, 1000, &fail) < 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	server = accept(listener.fd, NULL, NULL);
	assert_int_equal(sock_peer(server, &peer), 0);
	assert_int_equal(peer.pid, child);
	close(server);
	sock_listener_close(&listener);
}

static void what_is_no_socket_has_no_peer(void **state)
{
	struct place *place = *state;
	struct sock_peer peer;
	int fd = open(place->dir, O_RDONLY);

	assert_int_equal(sock_peer(fd, &peer), -1);
	close(fd);
}

/* ---- the default path ---- */

static void the_path_of_root_is_in_run(void **state)
{
	char path[SOCK_PATH_SIZE];

	(void)state;
	if (geteuid() != 0)
		skip();
	setenv("XDG_RUNTIME_DIR", "/elsewhere", 1);
	assert_int_equal(sock_default_path(path), 0);
	assert_string_equal(path, "/run/ingestd/ingestd.sock");
}

/* What sock_default_path() says to a user who is not root, as an exit status. */
static int status_of_user(const char *runtime_dir, const char *expected)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		char path[SOCK_PATH_SIZE];

		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(77);
		if (runtime_dir)
			setenv("XDG_RUNTIME_DIR", runtime_dir, 1);
		else
			unsetenv("XDG_RUNTIME_DIR");
		if (sock_default_path(path) != 0)
			_exit(1);
		_exit(expected && strcmp(path, expected) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void the_path_of_users_is_in_their_runtime_directory(void **state)
{
	(void)state;
	assert_int_equal(status_of_user("/run/user/1000", "/run/user/1000/ingestd.sock"), 0);
}

static void without_runtime_directory_there_is_no_path(void **state)
{
	char dir[200];

	(void)state;
	assert_int_equal(status_of_user(NULL, NULL), 1);
	assert_int_equal(status_of_user("", NULL), 1);
	memset(dir, 'd', sizeof(dir) - 1);
	dir[sizeof(dir) - 1] = '\0';
	assert_int_equal(status_of_user(dir, NULL), 1);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    PLACED(clients_can_connect),
	    PLACED(descriptors_do_not_leak_into_children),
	    PLACED(the_listener_does_not_block),
	    PLACED(the_file_has_the_mode),
	    PLACED(the_umask_does_not_change_the_mode),
	    PLACED(the_mode_is_never_wider),
	    PLACED(the_group_comes_before_its_rights),
	    PLACED(the_file_belongs_to_the_group),
	    PLACED(a_second_listener_is_refused),
	    PLACED(the_lock_counts_without_the_socket),
	    PLACED(a_listener_can_follow_another),
	    PLACED(a_stale_socket_is_taken_over),
	    PLACED(a_killed_daemon_is_followed),
	    PLACED(a_living_foreign_socket_is_left_alone),
	    PLACED(a_foreign_socket_with_a_full_backlog_lives),
	    PLACED(a_file_that_is_no_socket_is_left_alone),
	    PLACED(a_symbolic_link_is_left_alone),
	    PLACED(a_lock_file_that_is_a_link_is_refused),
	    PLACED(a_missing_directory_is_named),
	    PLACED(closing_removes_the_socket),
	    PLACED(closing_leaves_the_lock_file),
	    PLACED(closing_removes_only_its_own_socket),
	    PLACED(closing_twice_does_nothing),
	    PLACED(a_path_of_107_bytes_fits),
	    PLACED(a_path_of_108_bytes_is_too_long),
	    PLACED(an_empty_path_is_refused),
	    PLACED(connecting_to_nobody_names_the_path),
	    PLACED(connecting_does_not_wait_for_ever),
	    PLACED(a_connection_blocks_without_limit),
	    PLACED(the_peer_is_known),
	    PLACED(the_peer_is_the_process_that_connected),
	    PLACED(what_is_no_socket_has_no_peer),
	    TEST(the_path_of_root_is_in_run),
	    TEST(the_path_of_users_is_in_their_runtime_directory),
	    TEST(without_runtime_directory_there_is_no_path),
	};

	return RUN(tests);
}
