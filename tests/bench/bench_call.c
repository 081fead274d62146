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
 */
#include "sock.h"
#include "util.h"
#include "wire.h"

#include <inttypes.h>
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

int main(int argc, char **argv)
{
	struct wire_request request = {
	    .submit.has_priority = true, .status.limit = WIRE_STATUS_LIMIT, .list.limit = 50};
	bool probe = argc == 3 && strcmp(argv[2], "probe") == 0;
	struct ids ids = {0};
	struct fail fail;
	int64_t n = 0;
	int fd;

	if (!probe && (argc < 4 || !parse_u63(argv[3], strlen(argv[3]), &n) || n < 1))
		die("usage: bench_call SOCKET METHOD N [IDS] | bench_call SOCKET probe");
	request.method = method_by_name(probe ? "submit" : argv[2]);
	if (request.method == WIRE_STATUS)
		ids = read_ids(argc > 4 ? argv[4] : "");
	for (int64_t id = 1; id <= 3; id++)
		idlist_push(&request.submit.ids, id);
	fd = sock_connect(argv[1], 5000, &fail);
	if (fd < 0)
		die(fail.text);
	printf("%" PRId64 "\n", probe ? longest(fd, &request) : median(fd, &request, &ids, n));
	close(fd);
	free(ids.v);
	idlist_free(&request.submit.ids);
	return 0;
}
