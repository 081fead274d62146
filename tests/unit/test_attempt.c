#include "attempt.h"

#include "unit.h"
#include "util.h"

/* ---- endings ---- */

static void one_outcome_holds_for_all(void **state)
{
	struct ending ending = {.outcome = OUTCOME_RETRY, .message = xstrdup("why")};
	struct tally tally = ending_tally(&ending, 5);

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(ending_outcome(&ending, i), OUTCOME_RETRY);
		assert_null(ending_message(&ending, i));
	}
	for (int i = 0; i < OUTCOME_COUNT; i++)
		assert_int_equal(tally.ids[i], i == OUTCOME_RETRY ? 5 : 0);
	ending_free(&ending);
}

/* An ending of completed, failed, completed, retry; the second one with a message. */
static struct ending mixed(void)
{
	static const enum outcome outcomes[] = {
	    OUTCOME_COMPLETED, OUTCOME_FAILED, OUTCOME_COMPLETED, OUTCOME_RETRY};
	struct ending ending = {.outcome = OUTCOME_INTERRUPTED,
	    .message = xstrdup("all"),
	    .n = COUNT_OF(outcomes),
	    .out = {xstrdup("out"), 3},
	    .err = {xstrdup("err"), 3}};

	ending.results = xcalloc(ending.n, sizeof(*ending.results));
	for (size_t i = 0; i < ending.n; i++)
		ending.results[i].outcome = outcomes[i];
	ending.results[1].message = xstrdup("own");
	return ending;
}

static void results_go_before_the_outcome(void **state)
{
	struct ending ending = mixed();
	struct tally tally = ending_tally(&ending, ending.n);

	(void)state;
	assert_int_equal(ending_outcome(&ending, 0), OUTCOME_COMPLETED);
	assert_int_equal(ending_outcome(&ending, 1), OUTCOME_FAILED);
	assert_int_equal(ending_outcome(&ending, 3), OUTCOME_RETRY);
	assert_null(ending_message(&ending, 0));
	assert_string_equal(ending_message(&ending, 1), "own");
	assert_int_equal(tally.ids[OUTCOME_COMPLETED], 2);
	assert_int_equal(tally.ids[OUTCOME_FAILED], 1);
	assert_int_equal(tally.ids[OUTCOME_RETRY], 1);
	assert_int_equal(tally.ids[OUTCOME_INTERRUPTED], 0);
	ending_free(&ending);
}

static void a_freed_ending_is_empty(void **state)
{
	struct ending ending = mixed();

	(void)state;
	ending_free(&ending);
	assert_null(ending.message);
	assert_null(ending.results);
	assert_null(ending.out.text);
	assert_null(ending.err.text);
	assert_int_equal(ending.n, 0);
	ending_free(&ending);
}

static void nothing_has_no_tally(void **state)
{
	struct ending ending = {.outcome = OUTCOME_FAILED};
	struct tally tally = ending_tally(&ending, 0);

	(void)state;
	for (int i = 0; i < OUTCOME_COUNT; i++)
		assert_int_equal(tally.ids[i], 0);
}

/* ---- verdicts ---- */

struct row {
	struct tally tally; /* completed, retry, failed, interrupted, unknown */
	struct situation situation; /* failed, attempt, max_attempts, cancelling */
	struct verdict verdict; /* status, counts, retry, interrupted, unknown */
};

static void assert_verdict(const struct row *row, size_t i)
{
	struct verdict verdict = attempt_verdict(&row->tally, &row->situation);

	if (verdict.status != row->verdict.status || verdict.counts != row->verdict.counts ||
	    verdict.retry != row->verdict.retry ||
	    verdict.interrupted != row->verdict.interrupted ||
	    verdict.unknown != row->verdict.unknown)
		fail_msg("row %zu: %s, counts %d, retry %s, interrupted %s, unknown %s", i,
		    batch_status_name(verdict.status), verdict.counts,
		    id_outcome_name(verdict.retry), id_outcome_name(verdict.interrupted),
		    id_outcome_name(verdict.unknown));
}

#define GOES_ON(status, counts)                                                                    \
	{                                                                                          \
		status, counts, ID_PENDING, ID_PENDING, ID_PENDING                                 \
	}
#define EXHAUSTED(status)                                                                          \
	{                                                                                          \
		status, true, ID_FAILED, ID_PENDING, ID_PENDING                                    \
	}
#define GIVEN_UP                                                                                   \
	{                                                                                          \
		BATCH_CANCELLED, true, ID_CANCELLED, ID_CANCELLED, ID_UNKNOWN                      \
	}

static void verdicts_follow_the_table(void **state)
{
	static const struct row rows[] = {
	    {{{3, 0, 0, 0, 0}}, {0, 1, 5, false}, GOES_ON(BATCH_COMPLETED, true)},
	    {{{0, 0, 3, 0, 0}}, {0, 1, 5, false}, GOES_ON(BATCH_FAILED, true)},
	    {{{2, 0, 1, 0, 0}}, {0, 1, 5, false}, GOES_ON(BATCH_FAILED, true)},
	    /* One that failed before spoils the batch. */
	    {{{3, 0, 0, 0, 0}}, {1, 2, 5, false}, GOES_ON(BATCH_FAILED, true)},
	    {{{0, 3, 0, 0, 0}}, {0, 1, 5, false}, GOES_ON(BATCH_RETRYING, true)},
	    {{{2, 1, 0, 0, 0}}, {0, 1, 5, false}, GOES_ON(BATCH_RETRYING, true)},
	    {{{1, 1, 1, 0, 0}}, {7, 4, 5, false}, GOES_ON(BATCH_RETRYING, true)},
	    {{{0, 3, 0, 0, 0}}, {0, 5, 5, false}, EXHAUSTED(BATCH_FAILED)},
	    {{{2, 1, 0, 0, 0}}, {0, 5, 5, false}, EXHAUSTED(BATCH_FAILED)},
	    /* The limit was higher before. */
	    {{{0, 1, 0, 0, 0}}, {0, 6, 5, false}, EXHAUSTED(BATCH_FAILED)},
	    {{{0, 1, 0, 0, 0}}, {0, 1, 1, false}, EXHAUSTED(BATCH_FAILED)},
	    /* The last attempt may succeed. */
	    {{{3, 0, 0, 0, 0}}, {0, 5, 5, false}, EXHAUSTED(BATCH_COMPLETED)},
	    {{{0, 0, 1, 0, 0}}, {0, 5, 5, false}, EXHAUSTED(BATCH_FAILED)},
	    /* One interruption is enough, and no limit counts then. */
	    {{{0, 0, 0, 3, 0}}, {0, 1, 5, false}, GOES_ON(BATCH_RETRYING, false)},
	    {{{2, 0, 0, 1, 0}}, {0, 1, 5, false}, GOES_ON(BATCH_RETRYING, false)},
	    {{{1, 1, 1, 1, 0}}, {1, 5, 5, false}, GOES_ON(BATCH_RETRYING, false)},
	    {{{0, 1, 0, 1, 0}}, {0, INT64_MAX, 1, false}, GOES_ON(BATCH_RETRYING, false)},
	    /* As long as nobody gives it up, what is unknown is as what was interrupted. */
	    {{{0, 0, 0, 0, 3}}, {0, 1, 5, false}, GOES_ON(BATCH_RETRYING, false)},
	    {{{1, 1, 1, 0, 1}}, {1, 5, 5, false}, GOES_ON(BATCH_RETRYING, false)},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_verdict(&rows[i], i);
}

static void what_is_given_up_follows_the_table(void **state)
{
	static const struct row rows[] = {
	    /* What was recorded wins. */
	    {{{3, 0, 0, 0, 0}}, {0, 1, 5, true}, GOES_ON(BATCH_COMPLETED, true)},
	    {{{2, 0, 1, 0, 0}}, {0, 1, 5, true}, GOES_ON(BATCH_FAILED, true)},
	    {{{3, 0, 0, 0, 0}}, {1, 2, 5, true}, GOES_ON(BATCH_FAILED, true)},
	    /* One id that is left is enough, and no limit counts. */
	    {{{0, 3, 0, 0, 0}}, {0, 1, 5, true}, GIVEN_UP},
	    {{{2, 1, 0, 0, 0}}, {0, 5, 5, true}, GIVEN_UP},
	    {{{0, 0, 0, 3, 0}}, {0, 1, 5, true}, GIVEN_UP},
	    {{{2, 0, 1, 1, 0}}, {7, 5, 5, true}, GIVEN_UP},
	    {{{0, 0, 0, 0, 3}}, {0, 1, 5, true}, GIVEN_UP},
	    {{{1, 0, 1, 0, 1}}, {0, 9, 5, true}, GIVEN_UP},
	    {{{1, 1, 1, 1, 1}}, {1, 1, 1, true}, GIVEN_UP},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_verdict(&rows[i], i);
}

static void outcomes_of_ids_follow_the_verdict(void **state)
{
	static const struct {
		struct verdict verdict;
		enum id_outcome ids[OUTCOME_COUNT];
	} rows[] = {
	    {GOES_ON(BATCH_RETRYING, true),
		{ID_COMPLETED, ID_PENDING, ID_FAILED, ID_PENDING, ID_PENDING}},
	    {EXHAUSTED(BATCH_FAILED), {ID_COMPLETED, ID_FAILED, ID_FAILED, ID_PENDING, ID_PENDING}},
	    {GIVEN_UP, {ID_COMPLETED, ID_CANCELLED, ID_FAILED, ID_CANCELLED, ID_UNKNOWN}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
			assert_int_equal(verdict_outcome(&rows[i].verdict, (enum outcome)outcome),
			    rows[i].ids[outcome]);
}

/* ---- delays ---- */

static struct uuid uuid_of(uint64_t n)
{
	struct uuid uuid = {.bytes = {0x01, 0x9b, 0x2c, 0x6e, [6] = 0x70, [8] = 0x80}};

	for (int i = 15; i > 8; i--, n >>= 8)
		uuid.bytes[i] = (uint8_t)n;
	return uuid;
}

/* The shortest and the longest delay that many batches get. */
struct range {
	int64_t least, most;
};

static struct range range_of(const struct retry_policy *policy, int64_t attempt)
{
	struct range range = {INT64_MAX, INT64_MIN};

	for (uint64_t n = 0; n < 100; n++)
		for (int64_t index = 0; index < 20; index++) {
			struct uuid uuid = uuid_of(n);
			int64_t delay = retry_delay_ms(policy, &uuid, index, attempt);

			range.least = delay < range.least ? delay : range.least;
			range.most = delay > range.most ? delay : range.most;
		}
	return range;
}

/* From a half to the whole of `whole`, and with 2000 batches close to both ends. */
static void assert_range(const struct retry_policy *policy, int64_t attempt, int64_t whole)
{
	struct range range = range_of(policy, attempt);
	int64_t half = whole - whole / 2;

	if (range.least < half || range.most > whole || range.least > half + whole / 100 ||
	    range.most < whole - whole / 100)
		fail_msg("attempt %lld: from %lld to %lld of %lld", (long long)attempt,
		    (long long)range.least, (long long)range.most, (long long)whole);
}

static void delays_double_up_to_the_most(void **state)
{
	static const struct retry_policy policy = {10, 1000, 10000};
	static const int64_t whole[] = {1000, 2000, 4000, 8000, 10000, 10000, 10000};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(whole); i++)
		assert_range(&policy, (int64_t)i + 1, whole[i]);
	assert_range(&policy, 1000000, 10000);
	assert_range(&policy, INT64_MAX, 10000);
}

static void delays_reach_the_most_exactly(void **state)
{
	static const struct retry_policy power = {10, 1000, 8000}, less = {10, 1000, 7999},
					 below = {10, 1000, 300};

	(void)state;
	assert_range(&power, 3, 4000);
	assert_range(&power, 4, 8000);
	assert_range(&power, 5, 8000);
	assert_range(&less, 4, 7999);
	assert_range(&below, 1, 300);
	assert_range(&below, 9, 300);
}

static void delays_may_be_nothing(void **state)
{
	static const struct retry_policy none = {10, 0, 10000}, at_most_none = {10, 1000, 0},
					 one = {10, 1, 1};
	struct uuid uuid = uuid_of(1);

	(void)state;
	for (int64_t attempt = 1; attempt < 100; attempt++) {
		assert_int_equal(retry_delay_ms(&none, &uuid, 0, attempt), 0);
		assert_int_equal(retry_delay_ms(&at_most_none, &uuid, 0, attempt), 0);
		assert_int_equal(retry_delay_ms(&one, &uuid, 0, attempt), 1);
	}
}

static void extreme_values_do_not_overflow(void **state)
{
	static const struct retry_policy policies[] = {{1, INT64_MAX, INT64_MAX}, {1, 1, INT64_MAX},
	    {1, INT64_MAX - 1, INT64_MAX}, {1, INT64_MAX / 2 + 1, INT64_MAX},
	    {INT64_MAX, 3, INT64_MAX - 1}};
	static const int64_t attempts[] = {1, 2, 62, 63, 64, 65, 1000, INT64_MAX};

	(void)state;
	for (size_t p = 0; p < COUNT_OF(policies); p++)
		for (size_t a = 0; a < COUNT_OF(attempts); a++) {
			int64_t whole = policies[p].base_ms;

			for (int64_t i = 1; i < attempts[a] && whole < policies[p].max_ms; i++)
				whole =
				    whole > policies[p].max_ms / 2 ? policies[p].max_ms : 2 * whole;
			for (int64_t index = 0; index < 50; index++) {
				struct uuid uuid = uuid_of((uint64_t)index);
				int64_t delay = retry_delay_ms(&policies[p], &uuid,
				    index ? INT64_MAX - index : 0, attempts[a]);

				assert_true(delay >= whole - whole / 2 && delay <= whole);
			}
		}
}

static void everybody_gets_the_same_answer(void **state)
{
	static const struct retry_policy policy = {5, 10000, 600000};
	struct uuid uuid = uuid_of(42);

	(void)state;
	for (int64_t attempt = 1; attempt < 5; attempt++)
		for (int64_t index = 0; index < 50; index++)
			assert_int_equal(retry_delay_ms(&policy, &uuid, index, attempt),
			    retry_delay_ms(&policy, &uuid, index, attempt));
	/* On every machine. */
	assert_int_equal(retry_delay_ms(&policy, &uuid, 0, 1), 9417);
	assert_int_equal(retry_delay_ms(&policy, &uuid, 7, 3), 20414);
}

static void each_argument_matters(void **state)
{
	static const struct retry_policy policy = {5, 1000000, 1000000};
	struct uuid uuid = uuid_of(1), other = uuid, first = uuid;
	int64_t delay = retry_delay_ms(&policy, &uuid, 3, 2);

	(void)state;
	other.bytes[15] ^= 1;
	first.bytes[0] ^= 0x80;
	assert_int_not_equal(retry_delay_ms(&policy, &other, 3, 2), delay);
	assert_int_not_equal(retry_delay_ms(&policy, &first, 3, 2), delay);
	assert_int_not_equal(retry_delay_ms(&policy, &uuid, 4, 2), delay);
	assert_int_not_equal(retry_delay_ms(&policy, &uuid, 3, 3), delay);
}

/* Each tenth of the range gets about a tenth of the batches. */
static void assert_spread(int64_t (*delay)(const struct retry_policy *policy, int64_t i))
{
	static const struct retry_policy policy = {5, 10000, 10000};
	enum { BATCHES = 10000 };
	int tenths[10] = {0};

	for (int64_t i = 0; i < BATCHES; i++) {
		int64_t tenth = (delay(&policy, i) - 5000) / 500;

		tenths[tenth < 10 ? tenth : 9]++;
	}
	for (size_t i = 0; i < COUNT_OF(tenths); i++)
		if (tenths[i] < BATCHES / 12 || tenths[i] > BATCHES / 8)
			fail_msg("%d of %d in tenth %zu", tenths[i], BATCHES, i);
}

static int64_t by_index(const struct retry_policy *policy, int64_t i)
{
	struct uuid uuid = uuid_of(1);

	return retry_delay_ms(policy, &uuid, i, 1);
}

static int64_t by_ingestion(const struct retry_policy *policy, int64_t i)
{
	struct uuid uuid = uuid_of((uint64_t)i);

	return retry_delay_ms(policy, &uuid, 0, 1);
}

static int64_t by_attempt(const struct retry_policy *policy, int64_t i)
{
	struct uuid uuid = uuid_of(1);

	return retry_delay_ms(policy, &uuid, 0, i + 1);
}

static void batches_do_not_come_back_together(void **state)
{
	(void)state;
	assert_spread(by_index);
	assert_spread(by_ingestion);
	assert_spread(by_attempt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(one_outcome_holds_for_all),
	    TEST(results_go_before_the_outcome),
	    TEST(a_freed_ending_is_empty),
	    TEST(nothing_has_no_tally),
	    TEST(verdicts_follow_the_table),
	    TEST(what_is_given_up_follows_the_table),
	    TEST(outcomes_of_ids_follow_the_verdict),
	    TEST(delays_double_up_to_the_most),
	    TEST(delays_reach_the_most_exactly),
	    TEST(delays_may_be_nothing),
	    TEST(extreme_values_do_not_overflow),
	    TEST(everybody_gets_the_same_answer),
	    TEST(each_argument_matters),
	    TEST(batches_do_not_come_back_together),
	};

	return RUN(tests);
}
