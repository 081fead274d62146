#include "storeq.h"

#include "unit.h"
#include "util.h"

#include <ctype.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define JOURNAL_SIZE 65536
#define PATIENCE_S 60
#define AWAY_MS 1234 /* what the store says when it is away */

/* ---- a store that does what the test says and writes down what it was asked for ---- */

/*
 * The journal has one character per call:
 *   [ begin   ( a begin that failed    ] commit    ) a commit that failed    ~ one that was lost
 *   < rollback  > a rollback that failed   the name of an operation: it was run
 *   ! a call that was not allowed: outside of a turn, or after an unknown outcome
 *
 * Results are scripted with one character per call: d done, u undone, ? unknown, r done with a
 * refusal as answer, b undone since the store is away, l lost. What has no script is done.
 */
struct fake {
	struct store store;
	struct world *world;
	const char *begins, *commits, *rollbacks;
	void (*during_commit)(struct world *world); /* once */
	int64_t begin_ns, run_ns, commit_ns; /* how long these take */
	bool in_turn, lost;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed;
	bool closed; /* commits wait until the gate is opened */
	bool at_gate;
	bool takes_signals; /* a call came on a thread that does */
	char journal[JOURNAL_SIZE];
	size_t len;
};

/* An operation of these tests. Its name says whose it is: a-z front doors, A-Z engine, 0-9 reads.
 */
struct op {
	struct storeq_op q;
	struct world *world;
	char name;
	const char *script;
	int done; /* calls */
	struct idlist ids;
	struct op *next;
};

struct world {
	struct storeq *queue;
	struct fake writer, reader;
	struct clock clock;
	_Atomic int64_t now;
	const char *scripts[128]; /* of operations, by name */
	struct op *ops; /* all, the last one first */
	pthread_t loop; /* where answers may come */

	char answers[JOURNAL_SIZE]; /* names in the order of done() */
	size_t answered;
	int64_t done_ns; /* how long done() takes */
	void (*during_done)(struct world *world); /* once */
	int broken; /* calls */
	struct fail why;

	pthread_mutex_t lock; /* guards the two below */
	pthread_cond_t notified;
	int notifies, notifies_reads;
};

static int64_t fake_boot_ns(void *arg)
{
	return ((struct world *)arg)->now;
}

static void note(struct fake *fake, char event)
{
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	pthread_mutex_lock(&fake->lock);
	if (fake->len < JOURNAL_SIZE - 1)
		fake->journal[fake->len++] = event;
	fake->takes_signals |= !sigismember(&mask, SIGTERM);
	pthread_mutex_unlock(&fake->lock);
}

static enum store_result next_result(const char **script, struct fail *fail, const char *what)
{
	switch (*script && **script ? *(*script)++ : 'd') {
	case 'u':
		fail_set(fail, ERR_DISK_LOW, "undone %s", what);
		return STORE_UNDONE;
	case '?':
		fail_set(fail, ERR_INTERNAL, "lost %s", what);
		return STORE_UNKNOWN;
	case 'b':
		fail_set(fail, ERR_BUSY, "away at %s", what);
		fail->retry_ms = AWAY_MS;
		return STORE_UNDONE;
	case 'l':
		fail_set(fail, ERR_BUSY, "the connection is gone");
		fail->retry_ms = AWAY_MS;
		return STORE_LOST;
	case 'r':
		fail_set(fail, ERR_NOT_FOUND, "refused %s", what);
	}
	return STORE_DONE;
}

/* Writes down whether the call is allowed, and how it ends. */
static enum store_result end_call(
    struct fake *fake, bool allowed, enum store_result result, char good, char bad)
{
	if (!allowed || fake->lost)
		note(fake, '!');
	note(fake, result == STORE_DONE ? good : bad);
	fake->lost |= result == STORE_UNKNOWN;
	return result;
}

static enum store_result fake_begin(struct store *store, struct fail *fail)
{
	struct fake *fake = (struct fake *)store;
	enum store_result result = next_result(&fake->begins, fail, "begin");
	bool allowed = !fake->in_turn;

	fake->world->now += fake->begin_ns;
	fake->in_turn = result == STORE_DONE;
	return end_call(fake, allowed, result, '[', '(');
}

/* A claim finds something that is owned by its operation. */
static void claim_one(struct store_claim *claim)
{
	claim->batches = xcalloc(1, sizeof(*claim->batches));
	claim->n = 1;
	idlist_push(&claim->batches->ids, 1);
}

static enum store_result fake_run(struct store *store, struct store_op *store_op)
{
	struct fake *fake = (struct fake *)store;
	struct op *op = (struct op *)store_op;
	char what[2] = {op->name};
	enum store_result result = next_result(&op->script, &store_op->fail, what);

	fake->world->now += fake->run_ns;
	if (store_op->verb == STORE_CLAIM)
		claim_one(&store_op->claim);
	else if (store_op->verb == STORE_STATUS)
		status_page_add(&store_op->status.page);
	return end_call(fake, fake->in_turn, result, op->name, op->name);
}

static void wait_for_gate(struct fake *fake)
{
	pthread_mutex_lock(&fake->lock);
	fake->at_gate = true;
	pthread_cond_broadcast(&fake->changed);
	while (fake->closed)
		pthread_cond_wait(&fake->changed, &fake->lock);
	fake->at_gate = false;
	pthread_mutex_unlock(&fake->lock);
}

static enum store_result fake_commit(struct store *store, struct fail *fail)
{
	struct fake *fake = (struct fake *)store;
	enum store_result result = next_result(&fake->commits, fail, "commit");
	void (*during)(struct world * world) = fake->during_commit;
	bool allowed = fake->in_turn;

	wait_for_gate(fake);
	fake->world->now += fake->commit_ns;
	fake->during_commit = NULL;
	if (during)
		during(fake->world);
	fake->in_turn = result == STORE_UNDONE; /* to be rolled back */
	return end_call(fake, allowed, result, ']', result == STORE_LOST ? '~' : ')');
}

/* Where nothing was begun there is nothing to do and to write down. */
static enum store_result fake_rollback(struct store *store, struct fail *fail)
{
	struct fake *fake = (struct fake *)store;
	enum store_result result;

	if (!fake->in_turn)
		return STORE_DONE;
	result = next_result(&fake->rollbacks, fail, "rollback");
	fake->in_turn = false;
	return end_call(fake, true, result, '<', '>');
}

static const struct store_ops fake_ops = {
    .begin = fake_begin,
    .run = {[STORE_SUBMIT] = fake_run,
	[STORE_APPEND] = fake_run,
	[STORE_CLAIM] = fake_run,
	[STORE_STARTED] = fake_run,
	[STORE_FINISH] = fake_run,
	[STORE_STATUS] = fake_run,
	[STORE_REPORT] = fake_run,
	[STORE_LIST] = fake_run},
    .commit = fake_commit,
    .rollback = fake_rollback,
};

static void fake_init(struct fake *fake, struct world *world)
{
	fake->store.ops = &fake_ops;
	fake->world = world;
	pthread_mutex_init(&fake->lock, NULL);
	pthread_cond_init(&fake->changed, NULL);
}

static void fake_destroy(struct fake *fake)
{
	pthread_cond_destroy(&fake->changed);
	pthread_mutex_destroy(&fake->lock);
}

/* For the threads of the queue, once they are idle or at the gate. */
static void assert_journal(struct fake *fake, const char *journal)
{
	char copy[JOURNAL_SIZE];

	pthread_mutex_lock(&fake->lock);
	memcpy(copy, fake->journal, fake->len);
	copy[fake->len] = '\0';
	pthread_mutex_unlock(&fake->lock);
	assert_string_equal(copy, journal);
}

/* ---- the queue and its surroundings ---- */

static void on_notify(void *arg)
{
	struct world *world = arg;

	pthread_mutex_lock(&world->lock);
	world->notifies++;
	pthread_cond_signal(&world->notified);
	pthread_mutex_unlock(&world->lock);
}

static void on_notify_reads(void *arg)
{
	struct world *world = arg;

	pthread_mutex_lock(&world->lock);
	world->notifies_reads++;
	pthread_cond_signal(&world->notified);
	pthread_mutex_unlock(&world->lock);
}

static void on_broken(void *arg, const struct fail *why)
{
	struct world *world = arg;

	assert_true(pthread_equal(pthread_self(), world->loop));
	world->broken++;
	world->why = *why;
}

static void on_done(struct storeq_op *q)
{
	struct op *op = (struct op *)q;
	struct world *world = op->world;
	void (*during)(struct world * world) = world->during_done;

	assert_true(pthread_equal(pthread_self(), world->loop));
	op->done++;
	if (world->answered < JOURNAL_SIZE - 1)
		world->answers[world->answered] = op->name;
	world->answered++;
	world->now += world->done_ns;
	world->during_done = NULL;
	if (during)
		during(world);
}

static struct storeq_env env_of(struct world *world)
{
	return (struct storeq_env){.writer = &world->writer.store,
	    .reader = &world->reader.store,
	    .clock = &world->clock,
	    .notify = on_notify,
	    .notify_reads = on_notify_reads,
	    .broken = on_broken,
	    .arg = world};
}

static void start(void **state, bool threads, int64_t gather_ns)
{
	struct world *world = calloc(1, sizeof(*world));
	struct storeq_env env;

	assert_non_null(world);
	fake_init(&world->writer, world);
	fake_init(&world->reader, world);
	pthread_mutex_init(&world->lock, NULL);
	pthread_cond_init(&world->notified, NULL);
	world->clock = (struct clock){.boot_ns = fake_boot_ns, .arg = world};
	world->now = 1000;
	world->loop = pthread_self();
	env = env_of(world);
	env.gather_ns = gather_ns;
	world->queue = storeq_new(&env, threads);
	*state = world;
}

static int setup(void **state)
{
	start(state, false, 0);
	return 0;
}

static int setup_threads(void **state)
{
	start(state, true, 0);
	return 0;
}

/* A queue that waits longer for those who came together than any test does for it. */
static int setup_gathering(void **state)
{
	struct world *world;

	start(state, true, 10 * PATIENCE_S * NS_PER_S);
	world = *state;
	world->writer.commit_ns = 100 * PATIENCE_S * NS_PER_S;
	return 0;
}

static void free_queue(struct world *world)
{
	if (world->queue)
		storeq_free(world->queue);
	world->queue = NULL;
}

static void open_gate(struct fake *fake)
{
	pthread_mutex_lock(&fake->lock);
	fake->closed = false;
	pthread_cond_broadcast(&fake->changed);
	pthread_mutex_unlock(&fake->lock);
}

static int teardown(void **state)
{
	struct world *world = *state;

	open_gate(&world->writer); /* a test that failed may have left it closed */
	free_queue(world);
	while (world->ops) {
		struct op *op = world->ops;

		world->ops = op->next;
		store_op_reset(&op->q.op);
		free(op);
	}
	fake_destroy(&world->writer);
	fake_destroy(&world->reader);
	pthread_cond_destroy(&world->notified);
	pthread_mutex_destroy(&world->lock);
	free(world);
	return 0;
}

/* ---- operations ---- */

static struct op *op_new(struct world *world, char name)
{
	struct op *op = calloc(1, sizeof(*op));

	assert_non_null(op);
	op->world = world;
	op->name = name;
	op->script = world->scripts[(size_t)name];
	op->q.op.verb = STORE_FINISH;
	if (isdigit((unsigned char)name))
		op->q.op.verb = STORE_STATUS;
	op->q.done = on_done;
	op->next = world->ops;
	world->ops = op;
	return op;
}

static bool try_post(struct op *op)
{
	return storeq_post(op->world->queue, &op->q);
}

/* One operation per character, in that order. */
static void post(struct world *world, const char *names)
{
	for (; *names; names++) {
		struct op *op = op_new(world, *names);

		if (isupper((unsigned char)*names))
			storeq_post_engine(world->queue, &op->q);
		else
			assert_true(try_post(op));
	}
}

/* A list of so many ids; nothing here reads them. */
static struct op *submit_new(struct world *world, char name, size_t ids)
{
	struct op *op = op_new(world, name);

	op->ids.n = ids;
	op->q.op.verb = STORE_SUBMIT;
	op->q.op.submit.ids = &op->ids;
	return op;
}

static struct op *op_named(struct world *world, char name)
{
	for (struct op *op = world->ops; op; op = op->next)
		if (op->name == name)
			return op;
	fail_msg("no operation %c", name);
	return NULL;
}

/* Each of the operations has had its answer, once: this one. */
static void assert_answers(struct world *world, const char *names, enum err err, const char *part)
{
	for (; *names; names++) {
		struct op *op = op_named(world, *names);

		if (op->done != 1)
			fail_msg("%c: done() was called %d times", *names, op->done);
		if (err == ERR_OK)
			assert_int_equal(op->q.op.fail.err, ERR_OK);
		else
			assert_fail(&op->q.op.fail, err, part);
	}
}

static void assert_done(struct world *world, const char *names)
{
	assert_answers(world, names, ERR_OK, "");
}

static void assert_not_done(struct world *world, const char *names)
{
	for (; *names; names++)
		assert_int_equal(op_named(world, *names)->done, 0);
}

/* In the order of done(). */
static void assert_order(struct world *world, const char *names)
{
	assert_true(world->answered < JOURNAL_SIZE);
	world->answers[world->answered] = '\0';
	assert_string_equal(world->answers, names);
}

/* Posted and not taken: nothing happens to it, but it knows why. */
static void assert_not_taken(struct op *op, const char *part)
{
	assert_false(try_post(op));
	assert_fail(&op->q.op.fail, ERR_BUSY, part);
}

/* Runs and delivers all there is, without threads. */
static void run_all(struct world *world)
{
	for (int steps = 0; storeq_step(world->queue); steps++)
		assert_true(steps < 10000);
	storeq_deliver(world->queue);
}

/* ---- turns ---- */

static void nothing_runs_while_nothing_waits(void **state)
{
	struct world *world = *state;

	assert_false(storeq_step(world->queue));
	storeq_deliver(world->queue);
	assert_false(storeq_deliver_reads(world->queue));
	assert_journal(&world->writer, "");
	assert_journal(&world->reader, "");
}

static void one_commit_for_what_waits_together(void **state)
{
	struct world *world = *state;

	post(world, "abc");
	assert_true(storeq_step(world->queue));
	assert_false(storeq_step(world->queue));
	storeq_deliver(world->queue);
	assert_journal(&world->writer, "[abc]");
	assert_done(world, "abc");
}

static void what_comes_later_is_a_turn_of_its_own(void **state)
{
	struct world *world = *state;

	post(world, "ab");
	storeq_step(world->queue);
	post(world, "c");
	run_all(world);
	assert_journal(&world->writer, "[ab][c]");
	assert_done(world, "abc");
}

static void the_engine_goes_before_the_front_doors(void **state)
{
	struct world *world = *state;

	post(world, "aAbB");
	run_all(world);
	assert_journal(&world->writer, "[ABab]");
	assert_order(world, "ABab");
}

static void post_z_and_engine_z(struct world *world)
{
	post(world, "zZ");
}

static void what_comes_while_a_turn_commits_waits_for_the_next(void **state)
{
	struct world *world = *state;

	world->writer.during_commit = post_z_and_engine_z;
	post(world, "aA");
	run_all(world);
	assert_journal(&world->writer, "[Aa][Zz]");
	assert_done(world, "aAzZ");
}

static void answers_come_only_by_delivery(void **state)
{
	struct world *world = *state;

	post(world, "aA1");
	assert_not_done(world, "aA1");
	storeq_step(world->queue);
	assert_not_done(world, "aA1");
	storeq_deliver(world->queue);
	assert_done(world, "aA1");
	storeq_deliver(world->queue);
	assert_done(world, "aA1");
}

static void answers_come_in_the_order_of_the_work(void **state)
{
	struct world *world = *state;

	post(world, "ab");
	storeq_step(world->queue);
	post(world, "cA");
	storeq_step(world->queue);
	post(world, "B");
	storeq_step(world->queue);
	storeq_deliver(world->queue);
	assert_order(world, "abAcB");
}

static void a_refusal_is_an_answer_and_ends_no_turn(void **state)
{
	struct world *world = *state;

	world->scripts['b'] = "r";
	post(world, "abc");
	run_all(world);
	assert_journal(&world->writer, "[abc]");
	assert_done(world, "ac");
	assert_answers(world, "b", ERR_NOT_FOUND, "refused b");
}

static void post_n(struct world *world)
{
	post(world, "n");
}

static void done_may_post_the_next_operation(void **state)
{
	struct world *world = *state;

	world->during_done = post_n;
	post(world, "ab");
	run_all(world);
	assert_order(world, "ab");
	assert_not_done(world, "n");
	run_all(world);
	assert_order(world, "abn");
}

static void free_op(struct storeq_op *op)
{
	free(op);
}

static void done_may_free_the_operation(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 3; i++) {
		struct storeq_op *op = (struct storeq_op *)xcalloc(1, sizeof(struct op));

		op->op.verb = i == 0 ? STORE_STATUS : STORE_STARTED;
		op->done = free_op;
		((struct op *)op)->name = 'f';
		assert_true(storeq_post(world->queue, op));
	}
	world->reader.begins = "u"; /* or its page would be lost */
	run_all(world);
	assert_true(storeq_is_idle(world->queue));
}

static void idle_is_when_everything_is_delivered(void **state)
{
	static const char *const names[] = {"a", "A", "1"};
	struct world *world = *state;

	assert_true(storeq_is_idle(world->queue));
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		post(world, names[i]);
		assert_false(storeq_is_idle(world->queue));
		storeq_step(world->queue);
		assert_false(storeq_is_idle(world->queue));
		storeq_deliver(world->queue);
		assert_true(storeq_is_idle(world->queue));
	}
}

static bool idle_in_commit;

static void ask_whether_idle(struct world *world)
{
	idle_in_commit = storeq_is_idle(world->queue);
}

static void a_turn_that_runs_is_not_idle(void **state)
{
	struct world *world = *state;

	idle_in_commit = true;
	world->writer.during_commit = ask_whether_idle;
	post(world, "a");
	run_all(world);
	assert_false(idle_in_commit);
}

/* ---- turns that are rolled back ---- */

static void only_the_culprit_fails(void **state)
{
	struct world *world = *state;

	world->scripts['b'] = "uu";
	post(world, "abc");
	run_all(world);
	assert_journal(&world->writer, "[ab<[a][b<[c]");
	assert_done(world, "ac");
	assert_answers(world, "b", ERR_DISK_LOW, "undone b");
	assert_order(world, "abc");
}

static void each_culprit_has_its_own_reason(void **state)
{
	struct world *world = *state;

	world->scripts['A'] = "uu";
	world->scripts['c'] = "u";
	post(world, "aAc");
	run_all(world);
	assert_journal(&world->writer, "[A<[A<[a][c<");
	assert_done(world, "a");
	assert_answers(world, "A", ERR_DISK_LOW, "undone A");
	assert_answers(world, "c", ERR_DISK_LOW, "undone c");
}

static void what_goes_well_the_second_time_is_done(void **state)
{
	struct world *world = *state;

	world->scripts['b'] = "u";
	post(world, "ab");
	run_all(world);
	assert_journal(&world->writer, "[ab<[a][b]");
	assert_done(world, "ab");
}

static void a_refusal_is_kept_in_a_replay(void **state)
{
	struct world *world = *state;

	world->scripts['a'] = "rr";
	world->scripts['b'] = "uu";
	post(world, "ab");
	run_all(world);
	assert_answers(world, "a", ERR_NOT_FOUND, "refused a");
	assert_answers(world, "b", ERR_DISK_LOW, "undone b");
}

/* The first run was refused, the second not: the first answer is forgotten. */
static void an_answer_of_the_first_run_does_not_count(void **state)
{
	struct world *world = *state;

	world->scripts['a'] = "rd";
	world->scripts['b'] = "uu";
	post(world, "ab");
	run_all(world);
	assert_done(world, "a");
}

static void a_commit_that_was_undone_is_replayed(void **state)
{
	struct world *world = *state;

	world->writer.commits = "u";
	post(world, "abc");
	run_all(world);
	assert_journal(&world->writer, "[abc)<[a][b][c]");
	assert_done(world, "abc");
}

static void the_culprit_of_a_commit_is_found(void **state)
{
	struct world *world = *state;

	world->writer.commits = "udu";
	post(world, "abc");
	run_all(world);
	assert_journal(&world->writer, "[abc)<[a][b)<[c]");
	assert_done(world, "ac");
	assert_answers(world, "b", ERR_DISK_LOW, "undone commit");
}

static void after_a_replay_turns_are_whole_again(void **state)
{
	struct world *world = *state;

	world->scripts['b'] = "uu";
	post(world, "ab");
	run_all(world);
	post(world, "cd");
	run_all(world);
	assert_journal(&world->writer, "[ab<[a][b<[cd]");
	assert_int_equal(world->broken, 0);
}

static void a_failed_begin_refuses_the_whole_turn_at_once(void **state)
{
	struct world *world = *state;

	world->writer.begins = "u";
	post(world, "abA");
	run_all(world);
	assert_journal(&world->writer, "(");
	assert_answers(world, "abA", ERR_DISK_LOW, "undone begin");
	assert_order(world, "Aab");
}

static void after_a_failed_begin_the_next_turn_runs(void **state)
{
	struct world *world = *state;

	world->writer.begins = "u";
	post(world, "ab");
	storeq_step(world->queue);
	post(world, "cd");
	run_all(world);
	assert_journal(&world->writer, "([cd]");
	assert_done(world, "cd");
	assert_int_equal(world->broken, 0);
}

static void a_failed_begin_in_a_replay_refuses_the_rest(void **state)
{
	struct world *world = *state;

	world->scripts['a'] = "u";
	world->writer.begins = "ddu";
	post(world, "abcd");
	run_all(world);
	assert_journal(&world->writer, "[a<[a](");
	assert_done(world, "a");
	assert_answers(world, "bcd", ERR_DISK_LOW, "undone begin");
	assert_int_equal(world->broken, 0);
}

static struct op *post_claim(struct world *world, char name)
{
	struct op *op = op_new(world, name);

	op->q.op.verb = STORE_CLAIM;
	storeq_post_engine(world->queue, &op->q);
	return op;
}

static void a_claim_that_was_undone_has_nothing(void **state)
{
	struct world *world = *state;
	struct op *claim;

	world->scripts['C'] = "uu";
	claim = post_claim(world, 'C');
	run_all(world);
	assert_answers(world, "C", ERR_DISK_LOW, "undone C");
	assert_int_equal(claim->q.op.claim.n, 0);
	assert_null(claim->q.op.claim.batches);
}

static void a_claim_that_was_replayed_has_its_batches_once(void **state)
{
	struct world *world = *state;
	struct op *claim = post_claim(world, 'C');

	world->scripts['a'] = "uu";
	post(world, "a");
	run_all(world);
	assert_journal(&world->writer, "[Ca<[C][a<");
	assert_done(world, "C");
	assert_int_equal(claim->q.op.claim.n, 1);
	assert_int_equal(claim->q.op.claim.batches[0].ids.n, 1);
}

/* ---- unknown outcomes ---- */

static void an_unknown_commit_is_told_to_all_of_the_turn(void **state)
{
	struct world *world = *state;

	world->writer.commits = "?";
	post(world, "abA");
	run_all(world);
	assert_journal(&world->writer, "[Aab)");
	assert_answers(world, "abA", ERR_UNKNOWN_OUTCOME, "lost commit");
	assert_order(world, "Aab");
}

static void what_waits_is_not_done_after_an_unknown_outcome(void **state)
{
	struct world *world = *state;

	world->writer.commits = "?";
	world->writer.during_commit = post_z_and_engine_z;
	post(world, "ab");
	run_all(world);
	assert_journal(&world->writer, "[ab)");
	assert_answers(world, "ab", ERR_UNKNOWN_OUTCOME, "lost commit");
	assert_answers(world, "z", ERR_BUSY, "not done");
	assert_answers(world, "Z", ERR_UNKNOWN_OUTCOME, "lost commit");
	assert_true(storeq_is_idle(world->queue));
}

static void broken_is_told_once_and_by_delivery(void **state)
{
	struct world *world = *state;

	world->writer.commits = "?";
	post(world, "a");
	storeq_step(world->queue);
	assert_int_equal(world->broken, 0);
	storeq_deliver(world->queue);
	assert_int_equal(world->broken, 1);
	assert_fail(&world->why, ERR_UNKNOWN_OUTCOME, "lost commit");
	storeq_deliver(world->queue);
	post(world, "A");
	storeq_deliver(world->queue);
	assert_int_equal(world->broken, 1);
}

static void broken_is_not_told_when_all_is_well(void **state)
{
	struct world *world = *state;

	world->scripts['a'] = "uu";
	post(world, "abA1");
	run_all(world);
	free_queue(world);
	assert_int_equal(world->broken, 0);
}

static void later_posts_are_refused(void **state)
{
	struct world *world = *state;

	world->writer.commits = "?";
	post(world, "a");
	storeq_step(world->queue);
	assert_not_taken(op_new(world, 'b'), "not done: the store has failed");
	storeq_deliver(world->queue);
	assert_not_taken(op_new(world, 'c'), "not done: the store has failed");
	assert_not_taken(op_new(world, '1'), "not done: the store has failed");
	run_all(world);
	assert_not_done(world, "bc1");
	assert_journal(&world->writer, "[a)");
}

static void later_posts_of_the_engine_are_answered(void **state)
{
	struct world *world = *state;
	int notifies;

	world->writer.commits = "?";
	post(world, "a");
	run_all(world);
	notifies = world->notifies;
	post(world, "AB");
	assert_not_done(world, "AB");
	assert_true(world->notifies > notifies);
	assert_false(storeq_is_idle(world->queue));
	assert_false(storeq_step(world->queue));
	storeq_deliver(world->queue);
	assert_answers(world, "AB", ERR_UNKNOWN_OUTCOME, "lost commit");
	assert_journal(&world->writer, "[a)");
}

static void an_unknown_run_is_told_to_those_that_ran(void **state)
{
	struct world *world = *state;

	world->scripts['b'] = "?";
	post(world, "abcA");
	run_all(world);
	assert_journal(&world->writer, "[Aab");
	assert_answers(world, "Aab", ERR_UNKNOWN_OUTCOME, "lost b");
	assert_answers(world, "c", ERR_BUSY, "not done");
	assert_int_equal(world->broken, 1);
}

static void the_engine_hears_of_an_unknown_run_before_its_own(void **state)
{
	struct world *world = *state;

	world->scripts['A'] = "?";
	post(world, "ABa");
	run_all(world);
	assert_journal(&world->writer, "[A");
	assert_answers(world, "AB", ERR_UNKNOWN_OUTCOME, "lost A");
	assert_answers(world, "a", ERR_BUSY, "not done");
}

static void a_failed_rollback_is_an_unknown_outcome(void **state)
{
	struct world *world = *state;

	world->scripts['b'] = "u";
	world->writer.rollbacks = "?";
	post(world, "abc");
	run_all(world);
	assert_journal(&world->writer, "[ab>");
	assert_answers(world, "ab", ERR_UNKNOWN_OUTCOME, "lost rollback");
	assert_answers(world, "c", ERR_BUSY, "not done");
	assert_int_equal(world->broken, 1);
}

static void a_rollback_that_is_itself_undone_is_an_unknown_outcome(void **state)
{
	struct world *world = *state;

	world->writer.commits = "u";
	world->writer.rollbacks = "u";
	post(world, "ab");
	run_all(world);
	assert_journal(&world->writer, "[ab)>");
	assert_answers(world, "ab", ERR_UNKNOWN_OUTCOME, "undone rollback");
	assert_int_equal(world->broken, 1);
}

static void an_unknown_begin_breaks_the_queue(void **state)
{
	struct world *world = *state;

	world->writer.begins = "?";
	post(world, "Aab");
	run_all(world);
	assert_journal(&world->writer, "(");
	assert_answers(world, "A", ERR_UNKNOWN_OUTCOME, "lost begin");
	assert_answers(world, "ab", ERR_BUSY, "not done");
	assert_int_equal(world->broken, 1);
}

static void an_unknown_replay_keeps_the_answers_before_it(void **state)
{
	struct world *world = *state;

	world->scripts['b'] = "uu";
	world->scripts['c'] = "?";
	post(world, "abcde");
	run_all(world);
	assert_journal(&world->writer, "[ab<[a][b<[c");
	assert_done(world, "a");
	assert_answers(world, "b", ERR_DISK_LOW, "undone b");
	assert_answers(world, "c", ERR_UNKNOWN_OUTCOME, "lost c");
	assert_answers(world, "de", ERR_BUSY, "not done");
	assert_order(world, "abcde");
	assert_int_equal(world->broken, 1);
}

static void an_unknown_commit_of_a_replay_is_told_to_its_operation(void **state)
{
	struct world *world = *state;

	world->writer.commits = "ud?";
	post(world, "abc");
	run_all(world);
	assert_journal(&world->writer, "[abc)<[a][b)");
	assert_done(world, "a");
	assert_answers(world, "b", ERR_UNKNOWN_OUTCOME, "lost commit");
	assert_answers(world, "c", ERR_BUSY, "not done");
}

static void the_engine_hears_of_an_unknown_replay(void **state)
{
	struct world *world = *state;

	world->scripts['A'] = "u?";
	post(world, "ABab");
	run_all(world);
	assert_journal(&world->writer, "[A<[A");
	assert_answers(world, "AB", ERR_UNKNOWN_OUTCOME, "lost A");
	assert_answers(world, "ab", ERR_BUSY, "not done");
}

static void an_unknown_replay_refuses_what_waits(void **state)
{
	struct world *world = *state;

	world->writer.commits = "u?";
	world->writer.during_commit = post_z_and_engine_z;
	post(world, "ab");
	run_all(world);
	assert_answers(world, "a", ERR_UNKNOWN_OUTCOME, "lost commit");
	assert_answers(world, "bz", ERR_BUSY, "not done");
	assert_answers(world, "Z", ERR_UNKNOWN_OUTCOME, "lost commit");
}

static void a_claim_with_an_unknown_outcome_has_nothing(void **state)
{
	struct world *world = *state;
	struct op *claim = post_claim(world, 'C');

	world->writer.commits = "?";
	run_all(world);
	assert_answers(world, "C", ERR_UNKNOWN_OUTCOME, "lost commit");
	assert_int_equal(claim->q.op.claim.n, 0);
}

static void reads_that_wait_are_answered_after_an_unknown_outcome(void **state)
{
	struct world *world = *state;

	world->writer.commits = "?";
	post(world, "a12");
	run_all(world);
	assert_done(world, "12");
	assert_journal(&world->reader, "[1<[2<");
}

/* ---- limits of a turn ---- */

/* So many operations, named a to y in turn. */
static void post_many(struct world *world, size_t n)
{
	char name[2] = {0};

	for (size_t i = 0; i < n; i++) {
		name[0] = (char)('a' + i % 25);
		post(world, name);
	}
}

static size_t journal_count(const struct fake *fake, char event)
{
	size_t n = 0;

	for (size_t i = 0; i < fake->len; i++)
		n += fake->journal[i] == event;
	return n;
}

/* Runs a turn and returns how many operations were in it. */
static size_t step_size(struct world *world)
{
	size_t len = world->writer.len;

	if (!storeq_step(world->queue))
		return 0;
	return world->writer.len - len - 2;
}

static void a_turn_has_so_many_operations_at_most(void **state)
{
	struct world *world = *state;

	post_many(world, STOREQ_TURN_OPS + 1);
	assert_int_equal(step_size(world), STOREQ_TURN_OPS);
	assert_int_equal(step_size(world), 1);
	assert_int_equal(step_size(world), 0);
}

static void those_of_the_engine_count(void **state)
{
	struct world *world = *state;

	post_many(world, 2);
	for (size_t i = 0; i < STOREQ_TURN_OPS + 10; i++)
		post(world, "E");
	assert_int_equal(step_size(world), STOREQ_TURN_OPS);
	assert_int_equal(journal_count(&world->writer, 'E'), STOREQ_TURN_OPS);
	assert_int_equal(step_size(world), 12);
	assert_int_equal(journal_count(&world->writer, 'E'), STOREQ_TURN_OPS + 10);
}

static void operations_stay_in_order_over_turns(void **state)
{
	struct world *world = *state;
	size_t n = 3 * STOREQ_TURN_OPS + 5;

	post_many(world, n);
	run_all(world);
	assert_int_equal(world->answered, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(world->answers[i], 'a' + i % 25);
}

static void a_turn_has_so_many_bytes_of_ids_at_most(void **state)
{
	struct world *world = *state;
	size_t ids = STOREQ_TURN_BYTES / sizeof(int64_t) * 2 / 5;

	for (char name = 'a'; name <= 'e'; name++)
		assert_true(try_post(submit_new(world, name, ids)));
	run_all(world);
	assert_journal(&world->writer, "[ab][cd][e]");
	assert_done(world, "abcde");
}

static void a_list_that_is_longer_than_a_turn_goes_alone(void **state)
{
	struct world *world = *state;

	assert_true(try_post(submit_new(world, 'a', STOREQ_TURN_BYTES)));
	assert_true(try_post(submit_new(world, 'b', STOREQ_TURN_BYTES)));
	assert_true(try_post(submit_new(world, 'c', 1)));
	run_all(world);
	assert_journal(&world->writer, "[a][b][c]");
}

static void the_engine_does_not_wait_for_a_long_list(void **state)
{
	struct world *world = *state;

	assert_true(try_post(submit_new(world, 'a', STOREQ_TURN_BYTES)));
	post(world, "AB");
	run_all(world);
	assert_journal(&world->writer, "[AB][a]");
}

/* With 2 ms each the third ends behind the 5 ms of a turn. */
static void a_turn_whose_time_is_over_commits(void **state)
{
	struct world *world = *state;

	world->writer.run_ns = STOREQ_TURN_NS * 2 / 5;
	post(world, "abcdefg");
	run_all(world);
	assert_journal(&world->writer, "[abc][def][g]");
	assert_order(world, "abcdefg");
	assert_done(world, "abcdefg");
}

static void a_turn_may_last_exactly_its_time(void **state)
{
	struct world *world = *state;

	world->writer.run_ns = STOREQ_TURN_NS / 2;
	post(world, "abcd");
	run_all(world);
	assert_journal(&world->writer, "[abc][d]");
}

static void what_is_left_of_a_turn_is_not_answered_yet(void **state)
{
	struct world *world = *state;

	world->writer.run_ns = STOREQ_TURN_NS * 2 / 5;
	post(world, "abcde");
	storeq_step(world->queue);
	storeq_deliver(world->queue);
	assert_done(world, "abc");
	assert_not_done(world, "de");
	assert_false(storeq_is_idle(world->queue));
	run_all(world);
	assert_done(world, "de");
}

static void what_is_left_of_a_turn_goes_before_what_came_later(void **state)
{
	struct world *world = *state;

	world->writer.run_ns = STOREQ_TURN_NS * 2 / 5;
	world->writer.during_commit = post_z_and_engine_z;
	post(world, "abABCDE");
	storeq_step(world->queue);
	world->writer.run_ns = 0;
	run_all(world);
	assert_journal(&world->writer, "[ABC][DEZabz]");
	assert_order(world, "ABCDEZabz");
}

static void what_is_left_goes_back_to_an_empty_line(void **state)
{
	struct world *world = *state;

	world->writer.run_ns = STOREQ_TURN_NS + 1;
	post(world, "ab");
	storeq_step(world->queue);
	post(world, "c");
	world->writer.run_ns = 0;
	run_all(world);
	assert_journal(&world->writer, "[a][bc]");
}

static void even_a_late_turn_runs_one_operation(void **state)
{
	struct world *world = *state;

	world->writer.begin_ns = 10 * STOREQ_TURN_NS;
	post(world, "Aab");
	run_all(world);
	assert_journal(&world->writer, "[A][a][b]");
}

/* Those that were not run in the turn are replayed, too: their answers do not depend on it. */
static void a_late_turn_that_is_undone_is_replayed_whole(void **state)
{
	struct world *world = *state;

	world->writer.run_ns = STOREQ_TURN_NS * 2 / 5;
	world->writer.commits = "u";
	post(world, "abcde");
	run_all(world);
	assert_done(world, "abcde");
	assert_order(world, "abcde");
	assert_int_equal(world->broken, 0);
}

/* ---- limits of what waits ---- */

static void so_many_operations_may_wait(void **state)
{
	struct world *world = *state;

	post_many(world, STOREQ_MAX_OPS);
	assert_not_taken(
	    op_new(world, 'z'), "4096 requests wait for the store already, and max-queued is 4096");
	run_all(world);
	assert_not_done(world, "z");
	assert_int_equal(world->answered, STOREQ_MAX_OPS);
}

static void a_full_queue_takes_more_when_some_have_run(void **state)
{
	struct world *world = *state;

	post_many(world, STOREQ_MAX_OPS);
	storeq_step(world->queue);
	post_many(world, STOREQ_TURN_OPS);
	assert_not_taken(op_new(world, 'z'), "requests wait");
}

static void who_finds_it_full_is_told_when_by_the_pace_of_the_store(void **state)
{
	struct world *world = *state;
	struct op *op;

	/* 2 s for each commit of one operation: half of the queue takes more than the longest wait.
	 */
	world->writer.commit_ns = 2 * NS_PER_S;
	post(world, "a");
	run_all(world);
	post_many(world, STOREQ_MAX_OPS);
	op = op_new(world, 'z');
	assert_not_taken(op, "requests wait");
	assert_int_equal(op->q.op.fail.retry_ms, 60000);
	/* Turns of many: 17 commits, half of them. */
	world->writer.commit_ns = NS_PER_S;
	run_all(world);
	post_many(world, STOREQ_MAX_OPS);
	op = op_new(world, 'z');
	assert_not_taken(op, "requests wait");
	assert_in_range(op->q.op.fail.retry_ms, 5000, 15000);
}

static void a_full_queue_takes_operations_of_the_engine(void **state)
{
	struct world *world = *state;

	post_many(world, STOREQ_MAX_OPS);
	post(world, "A");
	storeq_step(world->queue);
	storeq_deliver(world->queue);
	assert_done(world, "A");
}

static void the_engine_does_not_fill_the_queue(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < STOREQ_MAX_OPS + 10; i++)
		post(world, "E");
	post(world, "a");
	run_all(world);
	assert_done(world, "a");
}

static void so_many_bytes_of_ids_may_wait(void **state)
{
	struct world *world = *state;
	size_t half = STOREQ_MAX_BYTES / sizeof(int64_t) / 2;

	assert_true(try_post(submit_new(world, 'a', half)));
	assert_not_taken(submit_new(world, 'b', half), "and max-queued-bytes is 67108864");
	assert_true(try_post(submit_new(world, 'c', half / 2)));
	post(world, "d");
	run_all(world);
	assert_done(world, "acd");
	assert_not_done(world, "b");
}

static void bytes_that_have_run_do_not_count(void **state)
{
	struct world *world = *state;
	size_t most = STOREQ_MAX_BYTES / sizeof(int64_t) - 1000;

	for (char name = 'a'; name <= 'd'; name++) {
		assert_true(try_post(submit_new(world, name, most)));
		assert_not_taken(submit_new(world, 'z', most), "max-queued-bytes");
		storeq_step(world->queue);
	}
	storeq_deliver(world->queue);
	assert_done(world, "abcd");
}

/* What a turn did not get to is counted as waiting again. */
static void bytes_that_went_back_count(void **state)
{
	struct world *world = *state;
	size_t ids = STOREQ_TURN_BYTES / sizeof(int64_t) / 4;
	size_t rest = STOREQ_MAX_BYTES / sizeof(int64_t) - ids;

	world->writer.run_ns = STOREQ_TURN_NS + 1;
	assert_true(try_post(submit_new(world, 'a', ids)));
	assert_true(try_post(submit_new(world, 'b', ids)));
	storeq_step(world->queue);
	assert_journal(&world->writer, "[a]");
	assert_not_taken(submit_new(world, 'c', rest), "max-queued-bytes");
	storeq_step(world->queue);
	assert_true(try_post(submit_new(world, 'd', rest)));
	run_all(world);
	assert_done(world, "abd");
}

static void reads_have_a_limit_of_their_own(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < STOREQ_MAX_OPS; i++)
		post(world, "1");
	assert_not_taken(
	    op_new(world, '2'), "4096 requests wait for the store already, and max-queued is 4096");
	post_many(world, STOREQ_MAX_OPS);
	assert_not_taken(
	    op_new(world, 'z'), "4096 requests wait for the store already, and max-queued is 4096");
}

/* The queue with limits of its own, which can be changed while it is there. */
static struct limits *limit_queue(struct world *world, const struct conf *conf)
{
	struct limits *limits = limits_new(conf);
	struct storeq_env env = env_of(world);

	free_queue(world);
	env.limits = limits;
	world->queue = storeq_new(&env, false);
	return limits;
}

static int64_t hits_of(struct limits *limits, enum limit which)
{
	struct wire_limit list[WIRE_STATS_LIMITS];

	limits_list(limits, list);
	return list[which].hits;
}

static void limits_are_read_at_each_use_and_hits_counted(void **state)
{
	struct world *world = *state;
	struct conf conf = {.max_queued = 2, .max_queued_bytes = 1 << 20};
	struct limits *limits = limit_queue(world, &conf);

	post(world, "ab");
	assert_not_taken(
	    op_new(world, 'z'), "2 requests wait for the store already, and max-queued is 2");
	post(world, "A");
	conf.max_queued = 3;
	post(world, "c");
	assert_not_taken(op_new(world, 'z'), "and max-queued is 3");
	conf.max_queued = 10;
	assert_not_taken(submit_new(world, 'z', 1 << 17), "and max-queued-bytes is 1048576");
	assert_int_equal(hits_of(limits, LIMIT_QUEUED), 2);
	assert_int_equal(hits_of(limits, LIMIT_QUEUED_BYTES), 1);
	run_all(world);
	assert_done(world, "abAc");
	free_queue(world);
	limits_free(limits);
}

static void the_ids_of_appends_count(void **state)
{
	struct world *world = *state;
	struct conf conf = {.max_queued = 100, .max_queued_bytes = 1 << 20};
	struct limits *limits = limit_queue(world, &conf);
	struct op *op = submit_new(world, 'z', 1 << 17);

	op->q.op.verb = STORE_APPEND;
	op->q.op.append.ids = &op->ids;
	post(world, "a");
	assert_not_taken(op, "and max-queued-bytes is 1048576");
	run_all(world);
	free_queue(world);
	limits_free(limits);
}

/* ---- figures ---- */

static void figures_of_commits(void **state)
{
	struct world *world = *state;
	struct storeq_figures figures;

	storeq_figures(world->queue, &figures);
	assert_int_equal(figures.commits, 0);
	assert_int_equal(figures.commit_mean_ns, 0);
	world->writer.commit_ns = 300;
	post(world, "abA");
	run_all(world);
	world->writer.commit_ns = 100;
	post(world, "c1");
	run_all(world);
	storeq_figures(world->queue, &figures);
	assert_int_equal(figures.operations, 4);
	assert_int_equal(figures.commits, 2);
	assert_int_equal(figures.commit_last_ns, 100);
	assert_int_equal(figures.commit_mean_ns, 200);
	assert_int_equal(figures.commit_max_ns, 300);
}

static void what_was_not_committed_is_not_in_the_figures(void **state)
{
	struct world *world = *state;
	struct storeq_figures figures;

	world->writer.commits = "u";
	post(world, "ab");
	run_all(world);
	storeq_figures(world->queue, &figures);
	/* The turn was rolled back; then each of them had a commit of its own. */
	assert_int_equal(figures.operations, 2);
	assert_int_equal(figures.commits, 2);
}

static void figures_of_what_waits(void **state)
{
	struct world *world = *state;
	struct storeq_figures figures;
	size_t empty = 4 * sizeof(struct storeq_op);

	post(world, "aA1");
	assert_true(try_post(submit_new(world, 'b', 1000)));
	storeq_figures(world->queue, &figures);
	assert_int_equal(figures.queued, 4);
	assert_int_equal(figures.queued_bytes, empty + 1000 * sizeof(int64_t));
	run_all(world);
	storeq_figures(world->queue, &figures);
	assert_int_equal(figures.queued, 0);
	assert_int_equal(figures.queued_bytes, 0);
}

/* ---- reads ---- */

static void reads_do_not_go_into_write_turns(void **state)
{
	struct world *world = *state;

	post(world, "a1bA2");
	run_all(world);
	assert_journal(&world->writer, "[Aab]");
	assert_journal(&world->reader, "[1<[2<");
	assert_done(world, "aAb12");
	assert_int_equal(op_named(world, '1')->q.op.status.page.n, 1);
}

/* Lists and reports are those that look at thousands of rows. */
static void a_read_waits_for_one_scan_at_most(void **state)
{
	static const enum store_verb verbs[] = {STORE_LIST, STORE_REPORT, STORE_REPORT};
	struct world *world = *state;

	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		struct op *read = op_new(world, (char)('1' + i));

		read->q.op.verb = verbs[i];
		assert_true(try_post(read));
	}
	post(world, "567");
	run_all(world);
	assert_journal(&world->reader, "[1<[5<[2<[6<[3<[7<");
	assert_done(world, "123567");
}

static void without_a_reader_reads_go_through_the_writer(void **state)
{
	struct world *world = *state;
	struct storeq_env env = env_of(world);

	free_queue(world);
	env.reader = NULL;
	world->queue = storeq_new(&env, false);
	post(world, "1ab2");
	run_all(world);
	assert_journal(&world->writer, "[ab][1<[2<");
	assert_journal(&world->reader, "");
	assert_done(world, "ab12");
}

static void a_read_that_fails_is_an_internal_error(void **state)
{
	struct world *world = *state;

	world->scripts['1'] = "u";
	world->scripts['2'] = "?";
	post(world, "12");
	run_all(world);
	assert_answers(world, "1", ERR_INTERNAL, "the store could not be read: undone 1");
	assert_answers(world, "2", ERR_INTERNAL, "the store could not be read: lost 2");
	assert_int_equal(op_named(world, '1')->q.op.status.page.n, 0);
}

static void a_read_that_cannot_begin_is_an_internal_error(void **state)
{
	struct world *world = *state;

	world->reader.begins = "u";
	post(world, "12");
	run_all(world);
	assert_journal(&world->reader, "([2<");
	assert_answers(world, "1", ERR_INTERNAL, "the store could not be read: undone begin");
	assert_done(world, "2");
}

static void reads_of_a_store_that_is_away_are_told_to_come_back(void **state)
{
	struct world *world = *state;

	world->reader.begins = "b";
	world->scripts['2'] = "b";
	post(world, "123");
	run_all(world);
	assert_answers(world, "1", ERR_BUSY, "away at begin");
	assert_answers(world, "2", ERR_BUSY, "away at 2");
	assert_int_equal(op_named(world, '1')->q.op.fail.retry_ms, AWAY_MS);
	assert_int_equal(op_named(world, '2')->q.op.fail.retry_ms, AWAY_MS);
	assert_int_equal(op_named(world, '2')->q.op.status.page.n, 0);
	assert_done(world, "3");
}

/* What `logged` finds on stderr while it lives. */
struct log_catch {
	FILE *file;
	int stderr_fd;
};

static void catch_log(struct log_catch *caught)
{
	fflush(stderr);
	caught->file = tmpfile();
	assert_non_null(caught->file);
	caught->stderr_fd = dup(STDERR_FILENO);
	dup2(fileno(caught->file), STDERR_FILENO);
}

/* How many lines have that in them. */
static int release_log(struct log_catch *caught, const char *what)
{
	char line[2048];
	int n = 0;

	fflush(stderr);
	dup2(caught->stderr_fd, STDERR_FILENO);
	close(caught->stderr_fd);
	rewind(caught->file);
	while (fgets(line, sizeof(line), caught->file))
		n += strstr(line, what) != NULL;
	fclose(caught->file);
	return n;
}

static void a_store_that_cannot_be_read_is_logged_once_per_trouble(void **state)
{
	struct world *world = *state;
	struct log_catch caught;

	world->reader.begins = "bbbdbb";
	catch_log(&caught);
	post(world, "123456");
	run_all(world);
	assert_int_equal(release_log(&caught, "the store cannot be read"), 2);
	assert_answers(world, "12356", ERR_BUSY, "away");
	assert_done(world, "4");
}

static void a_lost_turn_is_unknown_to_the_doors_and_repeated_by_the_engine(void **state)
{
	struct world *world = *state;

	world->writer.commits = "l";
	post(world, "abAB");
	run_all(world);
	assert_journal(&world->writer, "[ABab~");
	assert_answers(world, "AB", ERR_BUSY, "the connection is gone");
	assert_answers(world, "ab", ERR_UNKNOWN_OUTCOME, "the connection is gone");
	assert_int_equal(world->broken, 0);
}

static void after_a_lost_turn_the_queue_goes_on(void **state)
{
	struct world *world = *state;

	world->writer.commits = "l";
	post(world, "aA");
	run_all(world);
	post(world, "bB");
	run_all(world);
	assert_journal(&world->writer, "[Aa~[Bb]");
	assert_done(world, "bB");
}

static void what_a_lost_turn_did_not_come_to_is_run_in_the_next(void **state)
{
	struct world *world = *state;

	world->writer.commits = "l";
	world->writer.run_ns = STOREQ_TURN_NS;
	post(world, "abc");
	run_all(world);
	assert_answers(world, "ab", ERR_UNKNOWN_OUTCOME, "gone");
	assert_done(world, "c");
}

static void a_claim_that_was_lost_has_nothing(void **state)
{
	struct world *world = *state;
	struct op *op = op_new(world, 'A');

	op->q.op.verb = STORE_CLAIM;
	world->writer.commits = "l";
	storeq_post_engine(world->queue, &op->q);
	run_all(world);
	assert_answers(world, "A", ERR_BUSY, "gone");
	assert_int_equal(op->q.op.claim.n, 0);
	assert_null(op->q.op.claim.batches);
}

static void one_that_is_lost_in_a_replay_takes_no_others_along(void **state)
{
	struct world *world = *state;

	world->writer.commits = "uldl";
	post(world, "abAB");
	run_all(world);
	/* All together, then each by itself. */
	assert_journal(&world->writer, "[ABab)<[A~[B][a~[b]");
	assert_answers(world, "A", ERR_BUSY, "gone");
	assert_answers(world, "a", ERR_UNKNOWN_OUTCOME, "gone");
	assert_done(world, "Bb");
	assert_int_equal(world->broken, 0);
}

static void lost_operations_are_not_in_the_figures(void **state)
{
	struct world *world = *state;
	struct storeq_figures figures;

	world->writer.commits = "l";
	post(world, "ab");
	run_all(world);
	storeq_figures(world->queue, &figures);
	assert_int_equal(figures.operations, 0);
	assert_int_equal(figures.commits, 0);
}

static void a_store_that_is_away_says_when_to_come_back(void **state)
{
	struct world *world = *state;

	world->writer.begins = "b";
	post(world, "aA");
	run_all(world);
	assert_answers(world, "aA", ERR_BUSY, "away at begin");
	assert_int_equal(op_named(world, 'a')->q.op.fail.retry_ms, AWAY_MS);
	assert_int_equal(op_named(world, 'A')->q.op.fail.retry_ms, AWAY_MS);
}

static void a_read_that_fails_breaks_nothing(void **state)
{
	struct world *world = *state;

	world->reader.begins = "?";
	post(world, "1");
	run_all(world);
	post(world, "a");
	run_all(world);
	assert_answers(world, "1", ERR_INTERNAL, "lost begin");
	assert_done(world, "a");
	assert_int_equal(world->broken, 0);
}

static void a_read_can_be_refused(void **state)
{
	struct world *world = *state;

	world->scripts['1'] = "r";
	post(world, "1");
	run_all(world);
	assert_answers(world, "1", ERR_NOT_FOUND, "refused 1");
}

static void writes_are_delivered_before_reads(void **state)
{
	struct world *world = *state;

	post(world, "12ab");
	run_all(world);
	assert_order(world, "ab12");
}

static void run_reads(struct world *world, const char *names)
{
	post(world, names);
	while (storeq_step(world->queue))
		;
}

static void delivering_reads_takes_no_writes(void **state)
{
	struct world *world = *state;

	run_reads(world, "1a2");
	assert_false(storeq_deliver_reads(world->queue));
	assert_order(world, "12");
	storeq_deliver(world->queue);
	assert_order(world, "12a");
}

static void delivering_reads_stops_after_its_time(void **state)
{
	struct world *world = *state;

	run_reads(world, "12345");
	world->done_ns = STOREQ_DELIVER_NS / 2;
	assert_true(storeq_deliver_reads(world->queue));
	assert_order(world, "12");
	assert_true(storeq_deliver_reads(world->queue));
	assert_order(world, "1234");
	assert_false(storeq_deliver_reads(world->queue));
	assert_order(world, "12345");
}

static void at_least_one_read_is_delivered(void **state)
{
	struct world *world = *state;

	run_reads(world, "123");
	world->done_ns = 10 * STOREQ_DELIVER_NS;
	assert_true(storeq_deliver_reads(world->queue));
	assert_order(world, "1");
	assert_true(storeq_deliver_reads(world->queue));
	assert_order(world, "12");
}

static void fast_reads_are_delivered_all_at_once(void **state)
{
	struct world *world = *state;

	run_reads(world, "0123456789");
	assert_false(storeq_deliver_reads(world->queue));
	assert_order(world, "0123456789");
}

/* ---- the end ---- */

static void answers_that_were_not_delivered_are_at_the_end(void **state)
{
	struct world *world = *state;

	world->done_ns = 10 * STOREQ_DELIVER_NS;
	post(world, "ab12A");
	while (storeq_step(world->queue))
		;
	free_queue(world);
	assert_done(world, "Aab12");
	assert_order(world, "Aab12");
}

static void broken_that_was_not_told_is_at_the_end(void **state)
{
	struct world *world = *state;

	world->writer.commits = "?";
	post(world, "a");
	storeq_step(world->queue);
	free_queue(world);
	assert_int_equal(world->broken, 1);
	assert_answers(world, "a", ERR_UNKNOWN_OUTCOME, "lost commit");
}

/* ---- with threads ---- */

static struct timespec deadline(void)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_S;
	return end;
}

/* Waits until a thread of the queue says that there is something to deliver. */
static void wait_for_notify(struct world *world)
{
	struct timespec end = deadline();
	int error = 0;

	pthread_mutex_lock(&world->lock);
	while (!error && world->notifies + world->notifies_reads == 0)
		error = pthread_cond_timedwait(&world->notified, &world->lock, &end);
	world->notifies = world->notifies_reads = 0;
	pthread_mutex_unlock(&world->lock);
	assert_int_equal(error, 0);
}

static void wait_for_answers(struct world *world, size_t n)
{
	while (world->answered < n) {
		wait_for_notify(world);
		storeq_deliver(world->queue);
		while (storeq_deliver_reads(world->queue))
			;
	}
}

/* From now on commits wait. */
static void close_gate(struct fake *fake)
{
	pthread_mutex_lock(&fake->lock);
	fake->closed = true;
	pthread_mutex_unlock(&fake->lock);
}

/* Waits until a commit waits. */
static void wait_at_gate(struct fake *fake)
{
	struct timespec end = deadline();
	int error = 0;

	pthread_mutex_lock(&fake->lock);
	while (!error && !fake->at_gate)
		error = pthread_cond_timedwait(&fake->changed, &fake->lock, &end);
	pthread_mutex_unlock(&fake->lock);
	assert_int_equal(error, 0);
}

/* Posts, and returns while the turn with these operations waits for the gate. */
static void post_to_gate(struct world *world, const char *names)
{
	close_gate(&world->writer);
	post(world, names);
	wait_at_gate(&world->writer);
}

static void threads_do_the_work(void **state)
{
	struct world *world = *state;

	post(world, "ab1A");
	wait_for_answers(world, 4);
	assert_done(world, "ab1A");
	assert_true(storeq_is_idle(world->queue));
}

static void threads_give_no_answers_by_themselves(void **state)
{
	struct world *world = *state;

	post(world, "a");
	wait_for_notify(world);
	assert_not_done(world, "a");
	storeq_deliver(world->queue);
	assert_done(world, "a");
	post(world, "1");
	wait_for_notify(world);
	assert_not_done(world, "1");
	storeq_deliver_reads(world->queue);
	assert_done(world, "1");
}

static void with_threads_reads_are_delivered_apart(void **state)
{
	struct world *world = *state;

	post(world, "1");
	wait_for_notify(world);
	storeq_deliver(world->queue);
	assert_not_done(world, "1");
	storeq_deliver_reads(world->queue);
	assert_done(world, "1");
}

static void those_who_came_together_are_waited_for(void **state)
{
	struct world *world = *state;

	post_to_gate(world, "a");
	post(world, "bcd");
	open_gate(&world->writer);
	wait_for_answers(world, 4);
	post(world, "e");
	usleep(20000); /* the writer would take it at once */
	post(world, "fg");
	wait_for_answers(world, 7);
	assert_journal(&world->writer, "[a][bcd][efg]");
}

static void what_came_alone_is_not_waited_with(void **state)
{
	struct world *world = *state;

	for (const char *name = "abc"; *name; name++) {
		post(world, (char[]){*name, '\0'});
		wait_for_answers(world, (size_t)(*name - 'a') + 1);
	}
	assert_journal(&world->writer, "[a][b][c]");
}

static void the_engine_does_not_wait_for_others(void **state)
{
	struct world *world = *state;

	post_to_gate(world, "a");
	post(world, "bcd");
	open_gate(&world->writer);
	wait_for_answers(world, 4);
	post(world, "eA");
	wait_for_answers(world, 6);
	assert_journal(&world->writer, "[a][bcd][Ae]");
}

static void what_is_waited_for_ends_with_the_queue(void **state)
{
	struct world *world = *state;

	post_to_gate(world, "a");
	post(world, "bcd");
	open_gate(&world->writer);
	wait_for_answers(world, 4);
	post(world, "e");
	usleep(20000);
	free_queue(world);
	assert_int_equal(world->answered, 5);
}

static void what_comes_during_a_commit_is_committed_together(void **state)
{
	struct world *world = *state;

	post_to_gate(world, "a");
	post(world, "bcB");
	assert_false(storeq_is_idle(world->queue));
	open_gate(&world->writer);
	wait_for_answers(world, 4);
	assert_journal(&world->writer, "[a][Bbc]");
	assert_order(world, "aBbc");
}

static void nothing_is_answered_before_the_commit(void **state)
{
	struct world *world = *state;

	post_to_gate(world, "a");
	storeq_deliver(world->queue);
	assert_not_done(world, "a");
	open_gate(&world->writer);
	wait_for_answers(world, 1);
	assert_done(world, "a");
}

static void reads_do_not_wait_for_a_commit(void **state)
{
	struct world *world = *state;

	post_to_gate(world, "a");
	post(world, "12");
	wait_for_answers(world, 2);
	assert_done(world, "12");
	assert_not_done(world, "a");
	open_gate(&world->writer);
	wait_for_answers(world, 3);
}

static bool took_signals(struct fake *fake)
{
	bool took;

	pthread_mutex_lock(&fake->lock);
	took = fake->takes_signals;
	pthread_mutex_unlock(&fake->lock);
	return took;
}

/* Waits until the reader has said so often that it has an answer. */
static void wait_for_reads(struct world *world, int n)
{
	struct timespec end = deadline();
	int error = 0;

	pthread_mutex_lock(&world->lock);
	while (!error && world->notifies_reads < n)
		error = pthread_cond_timedwait(&world->notified, &world->lock, &end);
	pthread_mutex_unlock(&world->lock);
	assert_int_equal(error, 0);
}

/* Pages are large: the reader must not get far ahead of the loop. */
static void the_reader_rests_while_many_answers_are_not_delivered(void **state)
{
	struct world *world = *state;
	struct timespec while_it_rests = {.tv_nsec = 30000000};

	for (int i = 0; i < 3 * STOREQ_UNDELIVERED_READS; i++)
		post(world, "1");
	wait_for_reads(world, STOREQ_UNDELIVERED_READS);
	nanosleep(&while_it_rests, NULL);
	pthread_mutex_lock(&world->reader.lock);
	assert_int_equal(journal_count(&world->reader, '<'), STOREQ_UNDELIVERED_READS);
	pthread_mutex_unlock(&world->reader.lock);
	wait_for_answers(world, 3 * STOREQ_UNDELIVERED_READS);
	assert_true(storeq_is_idle(world->queue));
}

static void signals_are_left_to_the_loop(void **state)
{
	struct world *world = *state;
	sigset_t mask;

	post(world, "a1");
	wait_for_answers(world, 2);
	assert_false(took_signals(&world->writer));
	assert_false(took_signals(&world->reader));
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	assert_false(sigismember(&mask, SIGTERM));
}

static void an_unknown_outcome_of_a_thread_breaks_the_queue(void **state)
{
	struct world *world = *state;

	world->writer.commits = "?";
	post_to_gate(world, "aA");
	post(world, "bB");
	open_gate(&world->writer);
	wait_for_answers(world, 4);
	assert_answers(world, "A", ERR_UNKNOWN_OUTCOME, "lost commit");
	assert_answers(world, "B", ERR_UNKNOWN_OUTCOME, "lost commit");
	assert_answers(world, "b", ERR_BUSY, "not done");
	assert_int_equal(world->broken, 1);
	assert_not_taken(op_new(world, 'c'), "not done");
	post(world, "C");
	wait_for_answers(world, 5);
	assert_answers(world, "C", ERR_UNKNOWN_OUTCOME, "lost commit");
	assert_int_equal(world->broken, 1);
}

static void an_idle_queue_can_be_freed_at_once(void **state)
{
	struct world *world = *state;

	free_queue(world);
	assert_journal(&world->writer, "");
}

/* The state of a thread of this process: 'S' when it waits for something (proc(5)). */
static char thread_state(pid_t thread)
{
	char path[64], line[256] = "", *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
	file = fopen(path, "re");
	if (!file)
		return 'S';
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	end = strrchr(line, ')');
	return end && end[1] == ' ' ? end[2] : '?';
}

/*
 * Opens the gate when the main thread has slept for a while, that is, when storeq_free() waits for
 * the threads of the queue and has refused already what it refuses.
 */
static void *open_gate_later(void *arg)
{
	struct world *world = arg;

	for (int asleep = 0; asleep < 50;) {
		asleep = thread_state(getpid()) == 'S' ? asleep + 1 : 0;
		usleep(1000);
	}
	open_gate(&world->writer);
	return NULL;
}

/* Frees the queue while a commit waits for the gate. */
static void free_at_gate(struct world *world)
{
	pthread_t helper;

	assert_int_equal(pthread_create(&helper, NULL, open_gate_later, world), 0);
	free_queue(world);
	pthread_join(helper, NULL);
}

static void the_end_refuses_what_waits_from_the_front_doors(void **state)
{
	struct world *world = *state;

	post_to_gate(world, "a");
	post(world, "bc");
	free_at_gate(world);
	assert_journal(&world->writer, "[a]");
	assert_answers(world, "bc", ERR_DRAINING, "not done: shutting down");
}

static void the_end_answers_what_runs(void **state)
{
	struct world *world = *state;

	post_to_gate(world, "a");
	free_at_gate(world);
	assert_done(world, "a");
}

static void post_another(struct world *world)
{
	struct op *again = op_new(world, 'b'), *look = op_new(world, '1');

	assert_false(try_post(again));
	assert_int_equal(again->q.op.fail.err, ERR_DRAINING);
	assert_false(try_post(look));
	assert_int_equal(look->q.op.fail.err, ERR_DRAINING);
}

/* Nobody would do it any more. */
static void what_is_answered_at_the_end_has_no_next_step(void **state)
{
	struct world *world = *state;

	world->during_done = post_another;
	post_to_gate(world, "a");
	free_at_gate(world);
	assert_done(world, "a");
}

static void the_end_runs_what_waits_from_the_engine(void **state)
{
	struct world *world = *state;

	post_to_gate(world, "a");
	post(world, "bBCc");
	free_at_gate(world);
	assert_journal(&world->writer, "[a][BC]");
	assert_done(world, "aBC");
	assert_answers(world, "bc", ERR_DRAINING, "shutting down");
}

static void the_end_runs_the_engine_over_many_turns(void **state)
{
	struct world *world = *state;

	post_to_gate(world, "A");
	for (size_t i = 0; i < 2 * STOREQ_TURN_OPS + 10; i++)
		post(world, "B");
	free_at_gate(world);
	assert_int_equal(journal_count(&world->writer, 'B'), 2 * STOREQ_TURN_OPS + 10);
	assert_int_equal(world->answered, 2 * STOREQ_TURN_OPS + 11);
}

static void an_unknown_outcome_at_the_end_is_told(void **state)
{
	struct world *world = *state;

	world->writer.commits = "?";
	post_to_gate(world, "a");
	post(world, "bB");
	free_at_gate(world);
	assert_journal(&world->writer, "[a)");
	assert_answers(world, "a", ERR_UNKNOWN_OUTCOME, "lost commit");
	assert_answers(world, "B", ERR_UNKNOWN_OUTCOME, "lost commit");
	assert_answers(world, "b", ERR_DRAINING, "shutting down");
	assert_int_equal(world->broken, 1);
}

/* Whatever happens at the same time: every operation is answered once, on this thread. */
static void every_operation_is_answered_exactly_once(void **state)
{
	static const char *const scripts[] = {"", "", "", "", "r", "u", "uu"};
	struct world *world = *state;
	uint64_t seed = 3;
	size_t posted = 0;

	for (int round = 0; round < 3000; round++) {
		char name = "abcABC123"[next_random(&seed) % 9];
		char names[2] = {name};

		world->scripts[(size_t)name] =
		    scripts[isdigit((unsigned char)name) ? 0
							 : next_random(&seed) % COUNT_OF(scripts)];
		post(world, names);
		posted++;
		storeq_deliver_reads(world->queue);
		if (next_random(&seed) % 20 == 0)
			wait_for_answers(world, posted - next_random(&seed) % 10);
	}
	free_queue(world);
	assert_int_equal(world->answered, posted);
	for (struct op *op = world->ops; op; op = op->next)
		assert_int_equal(op->done, 1);
	assert_int_equal(journal_count(&world->writer, '!'), 0);
	assert_int_equal(journal_count(&world->reader, '!'), 0);
}

/* Posts to both sides until the queue is seen to be broken; returns how many were taken. */
static size_t post_until_broken(struct world *world)
{
	size_t taken = 0;

	for (;;) {
		struct op *op = op_new(world, 'a');

		post(world, "A");
		taken++;
		if (try_post(op))
			taken++;
		else if (strstr(op->q.op.fail.text, "not done"))
			return taken;
	}
}

static void posting_while_the_queue_breaks_loses_nothing(void **state)
{
	struct world *world = *state;
	struct storeq_env env = env_of(world);
	size_t taken = 0;

	for (int round = 1; round <= 50; round++) {
		free_queue(world);
		world->writer.commits = "dd?";
		world->writer.lost = false;
		world->queue = storeq_new(&env, true);
		taken += post_until_broken(world);
		free_queue(world);
		assert_int_equal(world->answered, taken);
		assert_int_equal(world->broken, round);
	}
}

#define Q_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define GATHER_TEST(name) cmocka_unit_test_setup_teardown(name, setup_gathering, teardown)
#define THREAD_TEST(name) cmocka_unit_test_setup_teardown(name, setup_threads, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    Q_TEST(nothing_runs_while_nothing_waits),
	    Q_TEST(one_commit_for_what_waits_together),
	    Q_TEST(what_comes_later_is_a_turn_of_its_own),
	    Q_TEST(the_engine_goes_before_the_front_doors),
	    Q_TEST(what_comes_while_a_turn_commits_waits_for_the_next),
	    Q_TEST(answers_come_only_by_delivery),
	    Q_TEST(answers_come_in_the_order_of_the_work),
	    Q_TEST(a_refusal_is_an_answer_and_ends_no_turn),
	    Q_TEST(done_may_post_the_next_operation),
	    Q_TEST(done_may_free_the_operation),
	    Q_TEST(idle_is_when_everything_is_delivered),
	    Q_TEST(a_turn_that_runs_is_not_idle),
	    Q_TEST(only_the_culprit_fails),
	    Q_TEST(each_culprit_has_its_own_reason),
	    Q_TEST(what_goes_well_the_second_time_is_done),
	    Q_TEST(a_refusal_is_kept_in_a_replay),
	    Q_TEST(an_answer_of_the_first_run_does_not_count),
	    Q_TEST(a_commit_that_was_undone_is_replayed),
	    Q_TEST(the_culprit_of_a_commit_is_found),
	    Q_TEST(after_a_replay_turns_are_whole_again),
	    Q_TEST(a_failed_begin_refuses_the_whole_turn_at_once),
	    Q_TEST(after_a_failed_begin_the_next_turn_runs),
	    Q_TEST(a_failed_begin_in_a_replay_refuses_the_rest),
	    Q_TEST(a_claim_that_was_undone_has_nothing),
	    Q_TEST(a_claim_that_was_replayed_has_its_batches_once),
	    Q_TEST(an_unknown_commit_is_told_to_all_of_the_turn),
	    Q_TEST(what_waits_is_not_done_after_an_unknown_outcome),
	    Q_TEST(broken_is_told_once_and_by_delivery),
	    Q_TEST(broken_is_not_told_when_all_is_well),
	    Q_TEST(later_posts_are_refused),
	    Q_TEST(later_posts_of_the_engine_are_answered),
	    Q_TEST(an_unknown_run_is_told_to_those_that_ran),
	    Q_TEST(the_engine_hears_of_an_unknown_run_before_its_own),
	    Q_TEST(a_failed_rollback_is_an_unknown_outcome),
	    Q_TEST(a_rollback_that_is_itself_undone_is_an_unknown_outcome),
	    Q_TEST(an_unknown_begin_breaks_the_queue),
	    Q_TEST(an_unknown_replay_keeps_the_answers_before_it),
	    Q_TEST(an_unknown_commit_of_a_replay_is_told_to_its_operation),
	    Q_TEST(the_engine_hears_of_an_unknown_replay),
	    Q_TEST(an_unknown_replay_refuses_what_waits),
	    Q_TEST(a_claim_with_an_unknown_outcome_has_nothing),
	    Q_TEST(reads_that_wait_are_answered_after_an_unknown_outcome),
	    Q_TEST(a_turn_has_so_many_operations_at_most),
	    Q_TEST(those_of_the_engine_count),
	    Q_TEST(operations_stay_in_order_over_turns),
	    Q_TEST(a_turn_has_so_many_bytes_of_ids_at_most),
	    Q_TEST(a_list_that_is_longer_than_a_turn_goes_alone),
	    Q_TEST(the_engine_does_not_wait_for_a_long_list),
	    Q_TEST(a_turn_whose_time_is_over_commits),
	    Q_TEST(a_turn_may_last_exactly_its_time),
	    Q_TEST(what_is_left_of_a_turn_is_not_answered_yet),
	    Q_TEST(what_is_left_of_a_turn_goes_before_what_came_later),
	    Q_TEST(what_is_left_goes_back_to_an_empty_line),
	    Q_TEST(even_a_late_turn_runs_one_operation),
	    Q_TEST(a_late_turn_that_is_undone_is_replayed_whole),
	    Q_TEST(so_many_operations_may_wait),
	    Q_TEST(a_full_queue_takes_more_when_some_have_run),
	    Q_TEST(who_finds_it_full_is_told_when_by_the_pace_of_the_store),
	    Q_TEST(a_full_queue_takes_operations_of_the_engine),
	    Q_TEST(the_engine_does_not_fill_the_queue),
	    Q_TEST(so_many_bytes_of_ids_may_wait),
	    Q_TEST(bytes_that_have_run_do_not_count),
	    Q_TEST(bytes_that_went_back_count),
	    Q_TEST(reads_have_a_limit_of_their_own),
	    Q_TEST(limits_are_read_at_each_use_and_hits_counted),
	    Q_TEST(the_ids_of_appends_count),
	    Q_TEST(figures_of_commits),
	    Q_TEST(what_was_not_committed_is_not_in_the_figures),
	    Q_TEST(figures_of_what_waits),
	    Q_TEST(reads_do_not_go_into_write_turns),
	    Q_TEST(a_read_waits_for_one_scan_at_most),
	    Q_TEST(without_a_reader_reads_go_through_the_writer),
	    Q_TEST(a_read_that_fails_is_an_internal_error),
	    Q_TEST(a_read_that_cannot_begin_is_an_internal_error),
	    Q_TEST(reads_of_a_store_that_is_away_are_told_to_come_back),
	    Q_TEST(a_store_that_cannot_be_read_is_logged_once_per_trouble),
	    Q_TEST(a_lost_turn_is_unknown_to_the_doors_and_repeated_by_the_engine),
	    Q_TEST(after_a_lost_turn_the_queue_goes_on),
	    Q_TEST(what_a_lost_turn_did_not_come_to_is_run_in_the_next),
	    Q_TEST(a_claim_that_was_lost_has_nothing),
	    Q_TEST(one_that_is_lost_in_a_replay_takes_no_others_along),
	    Q_TEST(lost_operations_are_not_in_the_figures),
	    Q_TEST(a_store_that_is_away_says_when_to_come_back),
	    Q_TEST(a_read_that_fails_breaks_nothing),
	    Q_TEST(a_read_can_be_refused),
	    Q_TEST(writes_are_delivered_before_reads),
	    Q_TEST(delivering_reads_takes_no_writes),
	    Q_TEST(delivering_reads_stops_after_its_time),
	    Q_TEST(at_least_one_read_is_delivered),
	    Q_TEST(fast_reads_are_delivered_all_at_once),
	    Q_TEST(answers_that_were_not_delivered_are_at_the_end),
	    Q_TEST(broken_that_was_not_told_is_at_the_end),
	    THREAD_TEST(threads_do_the_work),
	    THREAD_TEST(threads_give_no_answers_by_themselves),
	    GATHER_TEST(those_who_came_together_are_waited_for),
	    GATHER_TEST(what_came_alone_is_not_waited_with),
	    GATHER_TEST(the_engine_does_not_wait_for_others),
	    GATHER_TEST(what_is_waited_for_ends_with_the_queue),
	    THREAD_TEST(with_threads_reads_are_delivered_apart),
	    THREAD_TEST(what_comes_during_a_commit_is_committed_together),
	    THREAD_TEST(nothing_is_answered_before_the_commit),
	    THREAD_TEST(reads_do_not_wait_for_a_commit),
	    THREAD_TEST(the_reader_rests_while_many_answers_are_not_delivered),
	    THREAD_TEST(signals_are_left_to_the_loop),
	    THREAD_TEST(an_unknown_outcome_of_a_thread_breaks_the_queue),
	    THREAD_TEST(an_idle_queue_can_be_freed_at_once),
	    THREAD_TEST(the_end_refuses_what_waits_from_the_front_doors),
	    THREAD_TEST(the_end_answers_what_runs),
	    THREAD_TEST(what_is_answered_at_the_end_has_no_next_step),
	    THREAD_TEST(the_end_runs_what_waits_from_the_engine),
	    THREAD_TEST(the_end_runs_the_engine_over_many_turns),
	    THREAD_TEST(an_unknown_outcome_at_the_end_is_told),
	    THREAD_TEST(every_operation_is_answered_exactly_once),
	    THREAD_TEST(posting_while_the_queue_breaks_loses_nothing),
	};

	return RUN(tests);
}
