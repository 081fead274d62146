/* One connection to PostgreSQL: how it is made, waited for and lost. */
#include "store_postgres_conn.h"

#include "log.h"
#include "util.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS 1000 /* of a client, when the database is away */
#define DELAY_MIN_MS 100
#define DELAY_MAX_MS 5000
#define CONNECT_MAX_S 30

/* plan_cache_mode came with it. */
#define OLDEST_VERSION 120000

/*
 * What a session is set to. The time-outs let go of locks when a node hangs or its machine is gone.
 * The statements are look-ups by index whatever their arguments are, so a plan for all of them is
 * as good as one for each, and `auto` would plan again and again where it guesses otherwise. A plan
 * that was made while a table was empty must not read all of it later. Our
 * tables are found in our schema. All else is as the administrator has set it: how safe a commit
 * is, too.
 */
#define SET_UP                                                                                     \
	"SET statement_timeout = '8s'; SET lock_timeout = '5s'; "                                  \
	"SET idle_in_transaction_session_timeout = '5s'; SET tcp_keepalives_idle = 10; "           \
	"SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET jit = off; "           \
	"SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; "                     \
	"SET default_transaction_isolation = 'read committed'; "                                   \
	"SELECT set_config('search_path', concat_ws(', ', 'ingestd', "                             \
	"nullif(trim(current_setting('search_path')), '')), false); "

/* Then it is asked what it is. */
enum column {
	COLUMN_RECOVERY,
	COLUMN_ENCODING,
	COLUMN_FSYNC,
	COLUMN_PAGES,
	COLUMN_COMMIT,
	COLUMN_LOCAL,
	COLUMN_STANDBY,
	COLUMN_COUNT
};

#define ASK                                                                                        \
	"SELECT pg_is_in_recovery(), current_setting('server_encoding'), "                         \
	"NOT current_setting('fsync')::boolean, "                                                  \
	"NOT current_setting('full_page_writes')::boolean, "                                       \
	"current_setting('synchronous_commit') = 'off', "                                          \
	"current_setting('synchronous_commit') = 'local' AND standbys > 0, "                       \
	"current_setting('synchronous_standby_names') = '' AND standbys > 0 "                      \
	"FROM (SELECT count(*) AS standbys FROM pg_stat_replication) s"

/* How what was acknowledged can get lost. */
static const char *const risks[COLUMN_COUNT] = {
    [COLUMN_FSYNC] = "a power cut can lose what was acknowledged, and the whole database: fsync is "
		     "off",
    [COLUMN_PAGES] = "a power cut can damage the database: full_page_writes is off",
    [COLUMN_COMMIT] = "a crash of the database can lose what was acknowledged: synchronous_commit "
		      "is off",
    [COLUMN_LOCAL] = "a failover to a standby can lose what was acknowledged: synchronous_commit "
		     "is local",
    [COLUMN_STANDBY] = "a failover to a standby can lose what was acknowledged: "
		       "synchronous_standby_names is empty",
};

/* ---- texts ---- */

/* The lines of libpq's messages as one; those that begin with a tab are only advice. */
static void one_line(char *to, size_t size, const char *text)
{
	size_t len = 0;

	to[0] = '\0';
	while (*text && len + 1 < size) {
		size_t line = strcspn(text, "\n");

		if (line > 0 && *text != '\t')
			len += (size_t)snprintf(
			    to + len, size - len, "%s%.*s", len > 0 ? "; " : "", (int)line, text);
		text += line + (text[line] == '\n');
	}
}

static void take_shown(struct pg_conn *conn)
{
	snprintf(conn->shown, sizeof(conn->shown), "%s:%s/%s", PQhost(conn->pg), PQport(conn->pg),
	    PQdb(conn->pg));
}

/* ---- what failures mean ---- */

struct meaning {
	const char *state; /* how the SQLSTATE begins */
	enum err err;
	bool drops; /* this session is of no use any more */
	bool own; /* the message says nothing more */
	const char *text;
};

#define AWAY "the database cannot be reached"
#define BUSY "the database is busy"
#define LOST_STATE                                                                                 \
	"08006" /* connection_failure; ours, too, when the server did not say anything             \
	         */

/* The first that fits. */
static const struct meaning meanings[] = {
    {"08", ERR_BUSY, true, false, AWAY},
    {"57P", ERR_BUSY, true, false, AWAY}, /* it stops, has crashed, or starts */
    {"25006", ERR_BUSY, true, false, AWAY}, /* not the primary any more: libpq looks for it */
    {"25P03", ERR_BUSY, true, false, BUSY}, /* idle in a transaction for too long */
    {"55P03", ERR_BUSY, false, false, BUSY}, /* lock_timeout */
    {"57014", ERR_BUSY, false, false, BUSY}, /* statement_timeout, or somebody cancelled it */
    {"40", ERR_BUSY, false, false, BUSY}, /* deadlocks and the like */
    {"53100", ERR_DISK_LOW, false, true, "the disk of the database is full"},
    {"53", ERR_BUSY, false, false, BUSY}, /* too many connections, too little memory */
    {"", ERR_INTERNAL, false, false, "the database refused"},
};

static const struct meaning *meaning_of(const struct pg_failure *failure)
{
	const struct meaning *meaning = meanings;

	while (strncmp(meaning->state, failure->state, strlen(meaning->state)) != 0)
		meaning++;
	return meaning;
}

/* Only the first failure counts: the others follow from it. */
static void remember(
    struct pg_conn *conn, int sql, const char *state, const char *text, const char *detail)
{
	struct pg_failure *failure = &conn->failure;

	if (conn->failed)
		return;
	conn->failed = true;
	failure->sql = sql;
	snprintf(failure->state, sizeof(failure->state), "%s", state);
	one_line(failure->text, sizeof(failure->text), text);
	one_line(failure->detail, sizeof(failure->detail), detail);
}

static void remember_result(struct pg_conn *conn, int sql, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

	/* Without a state it comes from libpq: it has lost the server, or lost its way. */
	remember(conn, sql, state ? state : LOST_STATE, text ? text : PQresultErrorMessage(result),
	    detail ? detail : "");
}

/* What the server says unasked, its last word included. */
static void take_notice(void *arg, const PGresult *notice)
{
	const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
	char line[512];

	one_line(line, sizeof(line), PQresultErrorMessage(notice));
	log_debug(log_msg("the database says"), log_str("text", line));
	if (severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
		remember_result(arg, -1, notice);
}

enum store_result pg_conn_failed(struct pg_conn *conn, struct fail *fail)
{
	const struct pg_failure *failure = &conn->failure;
	const struct meaning *meaning = meaning_of(failure);

	if (meaning->err == ERR_INTERNAL) {
		fail_set(fail, meaning->err, "%s: %s (%s)", meaning->text, failure->text,
		    failure->state);
		log_error(log_msg("the database refused a statement"),
		    log_str("store", conn->shown),
		    log_str("statement", pg_statement_name(failure->sql)),
		    log_str("reason", failure->text), log_str("detail", failure->detail),
		    log_str("sqlstate", failure->state));
	} else if (meaning->own) {
		fail_set(fail, meaning->err, "%s", meaning->text);
	} else {
		fail_set(fail, meaning->err, "%s: %s", meaning->text, failure->text);
	}
	fail->retry_ms = meaning->err == ERR_BUSY ? RETRY_MS : 0;
	return STORE_UNDONE;
}

/* ---- losing it ---- */

/* Nobody is to try again before a while has passed, longer each time. */
static void wait_longer(struct pg_conn *conn)
{
	conn->not_before = clock_boot_ns(conn->clock) + conn->delay_ms * NS_PER_MS;
	conn->delay_ms = conn->delay_ms == 0 ? DELAY_MIN_MS : 2 * conn->delay_ms;
	if (conn->delay_ms > DELAY_MAX_MS)
		conn->delay_ms = DELAY_MAX_MS;
}

static void tell_lost(struct pg_conn *conn, const char *reason)
{
	if (!conn->told)
		log_warn(log_msg(conn->session > 0 ? "the database is lost" : "no database yet"),
		    log_str("store", conn->shown), log_str("reason", reason));
	conn->told = true;
}

void pg_conn_lose(struct pg_conn *conn, const char *reason)
{
	char text[256];

	if (!conn->pg)
		return;
	one_line(text, sizeof(text), reason ? reason : PQerrorMessage(conn->pg));
	PQfinish(conn->pg);
	conn->pg = NULL;
	conn->n_sent = 0;
	remember(conn, -1, LOST_STATE, text, "");
	fail_set(&conn->why, ERR_BUSY, "%s: %s", AWAY, text);
	tell_lost(conn, text);
	wait_longer(conn);
}

void pg_conn_drop(struct pg_conn *conn)
{
	pg_conn_lose(conn, "the session was given up");
}

void pg_conn_hush(struct pg_conn *conn)
{
	conn->quiet = true;
}

bool pg_conn_is_lost(const struct pg_conn *conn)
{
	return !conn->pg;
}

/* ---- waiting ---- */

/*
 * Sends what is left and takes what comes, for a while. With TLS bytes can be there that poll(2)
 * does not see, so it looks again soon in any case. The while is counted, not measured: a clock
 * would be one more thing that can jump.
 */
#define LOOK_MS 100

static bool wait_a_little(struct pg_conn *conn, int *waited_ms)
{
	struct pollfd fd = {.fd = PQsocket(conn->pg), .events = POLLIN};

	if (PQflush(conn->pg) > 0)
		fd.events |= POLLOUT;
	switch (poll(&fd, 1, LOOK_MS)) {
	case 0:
		*waited_ms += LOOK_MS;
		break;
	case -1:
		if (errno != EINTR)
			return false;
		break;
	default:
		break;
	}
	return *waited_ms < PG_ANSWER_MS;
}

/* True when PQgetResult() is not going to block; false: the session is lost. */
static bool await(struct pg_conn *conn)
{
	int waited_ms = 0;

	while (PQisBusy(conn->pg)) {
		if (!PQconsumeInput(conn->pg) && PQstatus(conn->pg) != CONNECTION_BAD) {
			pg_conn_lose(conn, NULL);
			return false;
		}
		/* PQgetResult() has what came before the end, and then the reason. */
		if (PQstatus(conn->pg) == CONNECTION_BAD || !PQisBusy(conn->pg))
			break;
		if (!wait_a_little(conn, &waited_ms)) {
			pg_conn_lose(conn, "the database does not answer");
			return false;
		}
	}
	return true;
}

static bool is_good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
	       status == PGRES_EMPTY_QUERY;
}

/* The results of one message, up to the NULL that ends them. False: the session is lost. */
static bool read_answer(struct pg_conn *conn, const struct pg_sent *sent)
{
	PGresult *good = NULL, *result;

	for (;;) {
		if (!await(conn)) {
			PQclear(good);
			return false;
		}
		result = PQgetResult(conn->pg);
		if (!result)
			break;
		if (is_good(result) && !good) {
			good = result;
			continue;
		}
		if (!is_good(result) && PQresultStatus(result) != PGRES_PIPELINE_ABORTED)
			remember_result(conn, sent->sql, result);
		PQclear(result);
		if (PQstatus(conn->pg) == CONNECTION_BAD)
			break;
	}
	pg_statement_done(conn, sent, good);
	return true;
}

/* After a failure the server skips all up to here. */
static bool read_sync(struct pg_conn *conn)
{
	PGresult *result;
	bool there;

	if (!await(conn))
		return false;
	result = PQgetResult(conn->pg);
	there = result && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
	if (!there && result)
		remember_result(conn, -1, result);
	PQclear(result);
	return there;
}

/*
 * It is a Sync and not only a Flush that is waited for: only then the server counts the session as
 * idle, so that idle_in_transaction_session_timeout holds between the statements of a transaction.
 * Nothing is ever sent behind a Sync before its results were seen, so what has failed before it
 * still makes all fail.
 */
bool pg_conn_settle(struct pg_conn *conn)
{
	bool there;

	if (!conn->pg) {
		remember(conn, -1, LOST_STATE, "there is no session", "");
		return false;
	}
	if (conn->n_sent == 0)
		return !conn->failed;
	if (!PQpipelineSync(conn->pg)) {
		pg_conn_lose(conn, NULL);
		return false;
	}
	for (size_t i = 0; i < conn->n_sent; i++)
		if (!read_answer(conn, &conn->sent[i]))
			return false;
	there = read_sync(conn);
	conn->n_sent = 0;
	if (!there || (conn->failed && meaning_of(&conn->failure)->drops))
		pg_conn_lose(conn, conn->failed ? conn->failure.text : NULL);
	return !conn->failed;
}

bool pg_conn_room(struct pg_conn *conn, size_t n)
{
	if (!conn->pg || conn->failed)
		return pg_conn_settle(conn);
	return conn->n_sent + n <= PG_SENT_MAX || pg_conn_settle(conn);
}

void pg_conn_sent(struct pg_conn *conn, int sql, bool prepares)
{
	conn->sent[conn->n_sent++] = (struct pg_sent){sql, prepares};
}

bool pg_conn_sync(struct pg_conn *conn)
{
	bool ok = pg_conn_settle(conn);

	conn->failed = false;
	if (ok)
		conn->delay_ms = 0;
	return ok;
}

/* ---- outside of the pipeline ---- */

/* The last result, for the caller to free; NULL: it has failed. */
static PGresult *run_plain(struct pg_conn *conn, const char *sql)
{
	PGresult *last = NULL, *result;

	conn->failed = false;
	if (!PQsendQuery(conn->pg, sql)) {
		pg_conn_lose(conn, NULL);
		return NULL;
	}
	while (await(conn) && (result = PQgetResult(conn->pg))) {
		if (!is_good(result))
			remember_result(conn, -1, result);
		PQclear(last);
		last = result;
		if (PQstatus(conn->pg) == CONNECTION_BAD)
			break;
	}
	if (conn->failed && meaning_of(&conn->failure)->drops)
		pg_conn_lose(conn, conn->failure.text);
	if (!conn->failed)
		return last;
	PQclear(last);
	return NULL;
}

bool pg_conn_exec(struct pg_conn *conn, const char *sql, struct fail *fail)
{
	PGresult *result = NULL;

	if (conn->n_sent > 0)
		abort();
	if (!conn->pg)
		remember(conn, -1, LOST_STATE, "there is no session", "");
	else if (!PQexitPipelineMode(conn->pg))
		pg_conn_lose(conn, NULL);
	else
		result = run_plain(conn, sql);
	if (conn->pg && !PQenterPipelineMode(conn->pg))
		pg_conn_lose(conn, NULL);
	PQclear(result);
	if (result && conn->pg)
		return true;
	pg_conn_failed(conn, fail);
	conn->failed = false;
	return false;
}

/* ---- connecting ---- */

/*
 * The blocking way, since with it alone libpq goes on to the next host after connect_timeout. What
 * comes before the URL gives way to it; what comes behind does not.
 */
static PGconn *dial(const char *url)
{
	static const char *const keys[] = {"fallback_application_name", "connect_timeout",
	    "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
	    "tcp_user_timeout", "target_session_attrs", "dbname", "client_encoding", NULL};
	const char *const values[] = {
	    "ingestd", "5", "1", "5", "2", "3", "10000", "read-write", url, "UTF8", NULL};

	return PQconnectdbParams(keys, values, 1);
}

static enum err refuse(struct pg_conn *conn, enum err err, const char *reason)
{
	return fail_set(&conn->why, err, "%s: %s", AWAY, reason);
}

static bool is_true(const PGresult *answer, enum column column)
{
	return *PQgetvalue(answer, 0, column) == 't';
}

static enum err judge(struct pg_conn *conn, const PGresult *answer)
{
	const char *encoding = PQgetvalue(answer, 0, COLUMN_ENCODING);

	if (strcmp(encoding, "UTF8") != 0)
		return fail_set(&conn->why, ERR_WRONG_STATE,
		    "the database is encoded in %s; it has to be UTF8", encoding);
	if (is_true(answer, COLUMN_RECOVERY))
		return refuse(conn, ERR_BUSY, "this is a standby, which cannot be written to");
	for (int i = 0; i < COLUMN_COUNT; i++)
		if (conn->session == 0 && !conn->quiet && risks[i] &&
		    is_true(answer, (enum column)i))
			log_warn(log_msg(risks[i]), log_str("store", conn->shown));
	return ERR_OK;
}

/* Makes a usable session of what is connected. */
static enum err set_up(struct pg_conn *conn)
{
	PGresult *answer;
	enum err err;

	PQsetNoticeReceiver(conn->pg, take_notice, conn);
	if (PQserverVersion(conn->pg) < OLDEST_VERSION)
		return fail_set(&conn->why, ERR_WRONG_STATE,
		    "the database is PostgreSQL %s; 12 is the oldest that is supported",
		    PQparameterStatus(conn->pg, "server_version"));
	if (PQsetnonblocking(conn->pg, 1) != 0)
		return refuse(conn, ERR_BUSY, "its socket cannot be set up");
	answer = run_plain(conn, SET_UP ASK);
	if (!answer) {
		pg_conn_failed(conn, &conn->why);
		return conn->why.err;
	}
	err = judge(conn, answer);
	PQclear(answer);
	if (err == ERR_OK && !PQenterPipelineMode(conn->pg))
		err = refuse(conn, ERR_BUSY, "no pipeline can be set up");
	return err;
}

static enum err connect_now(struct pg_conn *conn)
{
	char reason[256];

	conn->pg = dial(conn->url);
	if (!conn->pg)
		abort(); /* out of memory */
	take_shown(conn);
	pg_statements_forget(conn);
	if (PQstatus(conn->pg) == CONNECTION_OK)
		return set_up(conn);
	one_line(reason, sizeof(reason), PQerrorMessage(conn->pg));
	return refuse(conn, ERR_BUSY, reason);
}

/* The server may have ended the session meanwhile; its last words come before the end. */
static void look(struct pg_conn *conn)
{
	struct pollfd fd = {.events = POLLIN};

	if (!conn->pg || conn->n_sent > 0)
		return;
	fd.fd = PQsocket(conn->pg);
	do {
		if (!PQconsumeInput(conn->pg)) {
			pg_conn_lose(conn, NULL);
			return;
		}
	} while (poll(&fd, 1, 0) > 0);
	PQisBusy(conn->pg); /* this takes notices */
	if (conn->failed && meaning_of(&conn->failure)->drops)
		pg_conn_lose(conn, conn->failure.text);
}

/* What is known since the last try. */
static enum err still_lost(const struct pg_conn *conn, int64_t now, struct fail *fail)
{
	*fail = conn->why;
	fail->retry_ms = (conn->not_before - now + NS_PER_MS - 1) / NS_PER_MS;
	return fail->err;
}

static void came_back(struct pg_conn *conn)
{
	if (conn->told)
		log_info(log_msg("the database is back"), log_str("store", conn->shown));
	conn->told = false;
	conn->failed = false;
	conn->session++;
}

enum err pg_conn_ready(struct pg_conn *conn, struct fail *fail)
{
	int64_t now;

	look(conn);
	if (conn->pg)
		return ERR_OK;
	now = clock_boot_ns(conn->clock);
	if (now < conn->not_before)
		return still_lost(conn, now, fail);
	if (connect_now(conn) == ERR_OK) {
		came_back(conn);
		return ERR_OK;
	}
	PQfinish(conn->pg);
	conn->pg = NULL;
	tell_lost(conn, conn->why.text);
	if (conn->delay_ms == 0)
		conn->delay_ms = DELAY_MIN_MS;
	wait_longer(conn);
	return still_lost(conn, clock_boot_ns(conn->clock), fail);
}

int64_t pg_conn_session(const struct pg_conn *conn)
{
	return conn->session;
}

/* ---- life ---- */

/* How long connecting takes must have an end. */
static bool is_bounded(const PQconninfoOption *options)
{
	int64_t seconds;

	for (; options->keyword; options++)
		if (strcmp(options->keyword, "connect_timeout") == 0 && options->val)
			return parse_u63(options->val, strlen(options->val), &seconds) &&
			       seconds >= 1 && seconds <= CONNECT_MAX_S;
	return true;
}

static enum err check_url(const char *url, struct fail *fail)
{
	char *message = NULL, reason[256];
	PQconninfoOption *options = PQconninfoParse(url, &message);
	enum err err = ERR_OK;

	if (!options) {
		one_line(reason, sizeof(reason), message ? message : "memory is out");
		/* What is quoted may be the password. */
		reason[strcspn(reason, "\"")] = '\0';
		PQfreemem(message);
		return fail_set(fail, ERR_INVALID, "libpq does not take this URL: %s...", reason);
	}
	if (!is_bounded(options))
		err = fail_set(
		    fail, ERR_INVALID, "connect_timeout must be 1 to %d seconds", CONNECT_MAX_S);
	PQconninfoFree(options);
	return err;
}

enum err pg_conn_new(
    struct pg_conn **result, const char *url, const struct clock *clock, struct fail *fail)
{
	struct pg_conn *conn;
	enum err err = check_url(url, fail);

	*result = NULL;
	if (err != ERR_OK)
		return err;
	conn = xcalloc(1, sizeof(*conn));
	conn->url = xstrdup(url);
	conn->clock = clock;
	fail_set(&conn->why, ERR_BUSY, "%s: it was not tried yet", AWAY);
	*result = conn;
	return ERR_OK;
}

void pg_conn_free(struct pg_conn *conn)
{
	if (!conn)
		return;
	PQfinish(conn->pg);
	pg_statements_free(conn);
	free(conn->url);
	free(conn);
}
