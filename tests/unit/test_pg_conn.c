#include "unit.h"

#include "store_postgres_conn.h"
#include "util.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fail fail;
static int64_t now_ms;

static int64_t read_clock(void *arg)
{
	(void)arg;
	return now_ms * NS_PER_MS;
}

static const struct clock turned = {.boot_ns = read_clock, .utc_ms = read_clock};

/* ---- texts ---- */

static void becomes(const char *text, const char *expected)
{
	char *result = pg_placeholders(text);

	assert_string_equal(result, expected);
	free(result);
}

static void placeholders_are_numbered(void **state)
{
	(void)state;
	becomes("BEGIN", "BEGIN");
	becomes("", "");
	becomes("?", "$1");
	becomes("VALUES (?, ?, ?)", "VALUES ($1, $2, $3)");
	becomes("a = ?2 AND b = ?1 AND c = ?2", "a = $2 AND b = $1 AND c = $2");
	becomes("?10+?32", "$10+$32");
}

static void a_bare_placeholder_comes_after_the_highest(void **state)
{
	(void)state;
	becomes("?3, ?, ?1, ?", "$3, $4, $1, $5");
}

/* ---- URLs ---- */

static void is_refused(const char *url, const char *why)
{
	struct pg_conn *conn;

	assert_int_equal(pg_conn_new(&conn, url, &turned, &fail), ERR_INVALID);
	assert_null(conn);
	assert_fail(&fail, ERR_INVALID, why);
	assert_lacks(fail.text, "secret");
}

static void urls_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	is_refused("postgresql://host/db?nonsense=1", "URI query parameter");
	is_refused("postgresql://me:secret@[::1/db", "matching");
	is_refused("postgresql://me:%zzsecret@host/db", "percent-encoded");
}

static void connecting_has_an_end(void **state)
{
	(void)state;
	is_refused("postgresql://host/db?connect_timeout=0", "1 to 30");
	is_refused("postgresql://host/db?connect_timeout=-1", "1 to 30");
	is_refused("postgresql://host/db?connect_timeout=31", "1 to 30");
	is_refused("postgresql://host/db?connect_timeout=soon", "1 to 30");
}

/* ---- a server that is not there ---- */

/* A port of this machine where nobody listens, as long as *fd is open. */
static int closed_port(int *fd)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

static struct pg_conn *refused(int *fd)
{
	struct pg_conn *conn;
	char *url = xasprintf("postgresql://me:secret@127.0.0.1:%d/db", closed_port(fd));

	now_ms = 1000;
	assert_int_equal(pg_conn_new(&conn, url, &turned, &fail), ERR_OK);
	free(url);
	return conn;
}

static int64_t tried(struct pg_conn *conn)
{
	assert_int_equal(pg_conn_ready(conn, &fail), ERR_BUSY);
	assert_fail(&fail, ERR_BUSY, "cannot be reached");
	assert_contains(fail.text, "refused");
	assert_lacks(fail.text, "secret");
	return fail.retry_ms;
}

static void a_refused_connection_is_tried_again_later_and_later(void **state)
{
	static const int64_t waits[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
	int fd;
	struct pg_conn *conn = refused(&fd);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(waits); i++) {
		assert_int_equal(tried(conn), waits[i]);
		/* Until then nothing is tried, and the wait gets shorter. */
		now_ms += waits[i] - 1;
		assert_int_equal(tried(conn), 1);
		now_ms++;
	}
	assert_int_equal(pg_conn_session(conn), 0);
	pg_conn_free(conn);
	close(fd);
}

static void without_a_session_all_fails(void **state)
{
	int fd;
	struct pg_conn *conn = refused(&fd);

	(void)state;
	assert_true(pg_conn_is_lost(conn));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pg_run(conn, PG_BEGIN, ""), PG_FAILED);
		assert_int_equal(pg_rows(conn, PG_BEGIN), PG_FAILED);
		assert_false(pg_conn_sync(conn));
		assert_int_equal(pg_conn_failed(conn, &fail), STORE_UNDONE);
		assert_fail(&fail, ERR_BUSY, "cannot be reached: there is no session");
		assert_int_equal(fail.retry_ms, 1000);
		assert_false(pg_conn_exec(conn, "SELECT 1", &fail));
		assert_fail(&fail, ERR_BUSY, "cannot be reached");
		tried(conn);
	}
	pg_conn_drop(conn);
	pg_conn_free(conn);
	close(fd);
}

/* ---- what failures mean ---- */

static void means(const char *sqlstate, enum err err, int64_t retry_ms, const char *text)
{
	int fd;
	struct pg_conn *conn = refused(&fd);

	snprintf(conn->failure.state, sizeof(conn->failure.state), "%s", sqlstate);
	snprintf(conn->failure.text, sizeof(conn->failure.text), "too bad");
	conn->failure.sql = PG_COMMIT;
	assert_int_equal(pg_conn_failed(conn, &fail), STORE_UNDONE);
	assert_fail(&fail, err, text);
	assert_int_equal(fail.retry_ms, retry_ms);
	pg_conn_free(conn);
	close(fd);
}

static void failures_are_told_apart_by_their_sqlstate(void **state)
{
	(void)state;
	means("08006", ERR_BUSY, 1000, "the database cannot be reached: too bad");
	means("57P01", ERR_BUSY, 1000, "the database cannot be reached: too bad");
	means("57P03", ERR_BUSY, 1000, "the database cannot be reached: too bad");
	means("25006", ERR_BUSY, 1000, "the database cannot be reached: too bad");
	means("25P03", ERR_BUSY, 1000, "the database is busy: too bad");
	means("55P03", ERR_BUSY, 1000, "the database is busy: too bad");
	means("57014", ERR_BUSY, 1000, "the database is busy: too bad");
	means("40001", ERR_BUSY, 1000, "the database is busy: too bad");
	means("40P01", ERR_BUSY, 1000, "the database is busy: too bad");
	means("53300", ERR_BUSY, 1000, "the database is busy: too bad");
	means("53100", ERR_DISK_LOW, 0, "the disk of the database is full");
	means("23505", ERR_INTERNAL, 0, "the database refused: too bad (23505)");
	means("42P01", ERR_INTERNAL, 0, "the database refused: too bad (42P01)");
	means("XX001", ERR_INTERNAL, 0, "the database refused: too bad (XX001)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(placeholders_are_numbered),
	    TEST(a_bare_placeholder_comes_after_the_highest),
	    TEST(urls_that_make_no_sense_are_refused),
	    TEST(connecting_has_an_end),
	    TEST(a_refused_connection_is_tried_again_later_and_later),
	    TEST(without_a_session_all_fails),
	    TEST(failures_are_told_apart_by_their_sqlstate),
	};

	return RUN(tests);
}
