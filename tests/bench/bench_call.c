/*
 * The daemon over its socket: bench_call SOCKET METHOD N [IDS] sends N requests one after the other
 * over one connection and prints the median of their times in nanoseconds.
 *
 *     submit     three ids, with a key
 *     status     of the ingestions that the file IDS lists, one id per line, in turn
 *     list       the newest 50
 *     ping
 *
 * bench_call SOCKET probe submits until SIGTERM and prints the longest time.
 *
 * bench_call SOCKET[,SOCKET...] crowd SECONDS CLIENTS submits over so many connections, which take
 * turns with the sockets and each wait for their answer; prints submissions per second.
 *
 * bench_call SOCKET flow SECONDS RATE submits RATE times per second.
 */
#include "sock.h"
#include "util.h"
#include "wire.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "bench_call: %s\n", what);
	exit(1);
}

static int64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static enum wire_method method_by_name(const char *name)
{
	for (int i = 0; i < WIRE_METHOD_COUNT; i++)
		if (strcmp(wire_method_name((enum wire_method)i), name) == 0)
			return (enum wire_method)i;
	die("no such method");
	return WIRE_PING;
}

/* ---- requests ---- */

struct ids {
	struct uuid *v;
	size_t n;
};

static struct ids read_ids(const char *path)
{
	struct ids ids = {0};
	FILE *file = fopen(path, "r");
	char line[64];

	if (!file)
		die("cannot open the list of ids");
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		ids.v = xreallocarray(ids.v, ids.n + 1, sizeof(*ids.v));
		if (!uuid_parse(line, &ids.v[ids.n++]))
			die("not an id");
	}
	fclose(file);
	if (ids.n == 0)
		die("no ids");
	return ids;
}

static void prepare(struct wire_request *request, const struct ids *ids, size_t i)
{
	struct uuid key = uuid_v7((int64_t)time(NULL) * 1000);

	snprintf(request->id, sizeof(request->id), "%zu", i);
	if (request->method == WIRE_SUBMIT) {
		uuid_format(&key, request->submit.key);
		request->submit.priority = (enum priority)(PRIORITY_HIGH + i % PRIORITY_COUNT);
	} else if (request->method == WIRE_STATUS) {
		request->status.ingestion = ids->v[i % ids->n];
	}
}

/* ---- calls ---- */

static void send_all(int fd, const struct buf *text)
{
	for (size_t at = 0; at < text->len;) {
		ssize_t n = send(fd, text->data + at, text->len - at, MSG_NOSIGNAL);

		if (n <= 0)
			die("the connection is lost");
		at += (size_t)n;
	}
}

static int64_t call(int fd, const struct wire_request *request, struct wire_lines *lines)
{
	struct buf text = {0};
	int64_t start;
	const char *line;
	size_t len;

	wire_write_request(request, &text);
	start = wall_ns();
	send_all(fd, &text);
	while (wire_lines_next(lines, &line, &len) == WIRE_MORE) {
		char piece[64 * 1024];
		ssize_t n = recv(fd, piece, sizeof(piece), 0);

		if (n <= 0)
			die("the connection is lost");
		wire_lines_add(lines, piece, (size_t)n);
	}
	start = wall_ns() - start;
	if (!memmem(line, len, "\"result\"", 8))
		die("refused");
	buf_free(&text);
	return start;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t median(int fd, struct wire_request *request, const struct ids *ids, int64_t n)
{
	struct wire_lines lines = {.max = 16 * 1024 * 1024};
	int64_t *ns = xcalloc((size_t)n, sizeof(*ns)), middle;

	for (int64_t i = 0; i < n; i++) {
		prepare(request, ids, (size_t)i);
		ns[i] = call(fd, request, &lines);
	}
	qsort(ns, (size_t)n, sizeof(*ns), by_size);
	middle = ns[n / 2];
	free(ns);
	wire_lines_free(&lines);
	return middle;
}

static volatile sig_atomic_t enough;

static void on_term(int number)
{
	(void)number;
	enough = 1;
}

/* With a pause between two calls: it is to notice what others cost, not to be a load itself. */
static int64_t longest(int fd, struct wire_request *request)
{
	struct sigaction action = {.sa_handler = on_term, .sa_flags = SA_RESTART};
	struct wire_lines lines = {.max = 1024 * 1024};
	int64_t worst = 0;

	sigaction(SIGTERM, &action, NULL);
	for (size_t i = 0; !enough; i++) {
		int64_t took;

		prepare(request, NULL, i);
		took = call(fd, request, &lines);
		worst = took > worst ? took : worst;
		usleep(1000);
	}
	wire_lines_free(&lines);
	return worst;
}

/* ---- many clients ---- */

struct member {
	pthread_t thread;
	struct wire_request request;
	int fd;
	int64_t until, calls;
};

static void *submit_on(void *arg)
{
	struct member *member = arg;
	struct wire_lines lines = {.max = 1024 * 1024};

	while (wall_ns() < member->until) {
		prepare(&member->request, NULL, (size_t)member->calls);
		call(member->fd, &member->request, &lines);
		member->calls++;
	}
	wire_lines_free(&lines);
	return NULL;
}

static int connect_to(const char *path)
{
	struct fail fail;
	int fd = sock_connect(path, 5000, &fail);

	if (fd < 0)
		die(fail.text);
	return fd;
}

/* The sockets in the list, which is cut into pieces. */
static size_t split(char *list, char **paths, size_t most)
{
	size_t n = 0;

	for (char *path = strtok(list, ","); path && n < most; path = strtok(NULL, ","))
		paths[n++] = path;
	if (n == 0)
		die("no socket");
	return n;
}

static void crowd(char *sockets, const struct wire_request *request, int64_t seconds, int64_t n)
{
	struct member *members = xcalloc((size_t)n, sizeof(*members));
	int64_t start, calls = 0;
	char *paths[16];
	size_t n_paths = split(sockets, paths, COUNT_OF(paths));

	for (int64_t i = 0; i < n; i++) {
		members[i].request = *request;
		members[i].fd = connect_to(paths[(size_t)i % n_paths]);
	}
	start = wall_ns();
	for (int64_t i = 0; i < n; i++) {
		members[i].until = start + seconds * NS_PER_S;
		if (pthread_create(&members[i].thread, NULL, submit_on, &members[i]))
			die("no thread");
	}
	for (int64_t i = 0; i < n; i++) {
		pthread_join(members[i].thread, NULL);
		calls += members[i].calls;
		close(members[i].fd);
	}
	printf("%" PRId64 "\n", (int64_t)(calls * NS_PER_S / (wall_ns() - start)));
	free(members);
}

/* At moments that are fixed in advance: what comes late does not put off the rest. */
static void flow(int fd, struct wire_request *request, int64_t seconds, int64_t rate)
{
	struct wire_lines lines = {.max = 1024 * 1024};
	int64_t start = wall_ns();

	for (int64_t i = 0; i < seconds * rate; i++) {
		int64_t at = start + i * NS_PER_S / rate;
		struct timespec moment = {at / NS_PER_S, at % NS_PER_S};

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL);
		prepare(request, NULL, (size_t)i);
		call(fd, request, &lines);
	}
	wire_lines_free(&lines);
}

/* The calls that have two numbers; false: it is none of these. */
static bool many(char **argv, struct wire_request *request)
{
	int64_t seconds, n;

	if (strcmp(argv[2], "crowd") != 0 && strcmp(argv[2], "flow") != 0)
		return false;
	if (!parse_u63(argv[3], strlen(argv[3]), &seconds) ||
	    !parse_u63(argv[4], strlen(argv[4]), &n) || n < 1)
		die("two numbers are wanted");
	request->method = WIRE_SUBMIT;
	if (strcmp(argv[2], "crowd") == 0) {
		crowd(argv[1], request, seconds, n);
	} else {
		int fd = connect_to(argv[1]);

		flow(fd, request, seconds, n);
		close(fd);
	}
	return true;
}

int main(int argc, char **argv)
{
	struct wire_request request = {
	    .submit.has_priority = true, .status.limit = WIRE_STATUS_LIMIT, .list.limit = 50};
	bool probe = argc == 3 && strcmp(argv[2], "probe") == 0;
	struct ids ids = {0};
	int64_t n = 0;
	int fd;

	for (int64_t id = 1; id <= 3; id++)
		idlist_push(&request.submit.ids, id);
	if (argc == 5 && many(argv, &request)) {
		idlist_free(&request.submit.ids);
		return 0;
	}
	if (!probe && (argc < 4 || !parse_u63(argv[3], strlen(argv[3]), &n) || n < 1))
		die("usage: bench_call SOCKET METHOD N [IDS] | bench_call SOCKET probe");
	request.method = method_by_name(probe ? "submit" : argv[2]);
	if (request.method == WIRE_STATUS)
		ids = read_ids(argc > 4 ? argv[4] : "");
	fd = connect_to(argv[1]);
	printf("%" PRId64 "\n", probe ? longest(fd, &request) : median(fd, &request, &ids, n));
	close(fd);
	free(ids.v);
	idlist_free(&request.submit.ids);
	return 0;
}
