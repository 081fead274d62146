#include "sched.h"

#include "unit.h"
#include "util.h"

enum { HIGH, MEDIUM, LOW };

/*
 * A view whose next slot is at 1000, with 3 ids at the head of the lanes whose letters are given;
 * no batch is to come, and nobody wishes that nothing is started.
 */
static struct sched_view view_of(const char *lanes)
{
	struct sched_view view = {
	    .ledger = LEDGER_NEW, .not_before = LEDGER_NONE, .next_due = CLOCK_NEVER};

	view.ledger.interval_ns = 1000;
	ledger_claimed(&view.ledger, 0);
	ledger_started(&view.ledger, 0);
	for (int lane = 0; lane < PRIORITY_COUNT; lane++)
		view.heads[lane] = (struct sched_head){
		    .present = strchr(lanes, "HML"[lane]) != NULL, .seq = 10 - lane, .ids = 3};
	return view;
}

static void choices_follow_the_table(void **state)
{
	static const struct {
		const char *lanes;
		int64_t now;
		enum sched_verdict verdict;
		int lane;
		int64_t at;
	} rows[] = {
	    {"", 5000, SCHED_IDLE, 0, CLOCK_NEVER},
	    {"", 0, SCHED_IDLE, 0, CLOCK_NEVER},
	    {"H", 999, SCHED_WAIT, 0, 1000},
	    {"HML", 0, SCHED_WAIT, 0, 1000},
	    {"L", -5, SCHED_WAIT, 0, 1000},
	    {"H", 1000, SCHED_START, HIGH, 0},
	    {"M", 1000, SCHED_START, MEDIUM, 0},
	    {"L", 1000, SCHED_START, LOW, 0},
	    {"HM", 1000, SCHED_START, HIGH, 0},
	    {"HL", 1001, SCHED_START, HIGH, 0},
	    {"ML", 1000, SCHED_START, MEDIUM, 0},
	    {"HML", 999999, SCHED_START, HIGH, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sched_view view = view_of(rows[i].lanes);
		struct sched_choice choice = sched_pick(&view, rows[i].now);

		if (choice.verdict != rows[i].verdict ||
		    (choice.verdict == SCHED_START && choice.lane != rows[i].lane) ||
		    (choice.verdict != SCHED_START && choice.at != rows[i].at))
			fail_msg("row %zu: verdict %d, lane %d, at %lld", i, (int)choice.verdict,
			    choice.lane, (long long)choice.at);
	}
}

/* What is not in line has no say where something is; where nothing is, it tells when to ask again.
 */
static void what_is_to_come_only_wakes(void **state)
{
	static const struct {
		const char *lanes;
		int64_t now, next_due;
		enum sched_verdict verdict;
		int64_t at;
	} rows[] = {
	    {"", 0, 700, SCHED_IDLE, 700},
	    {"", 0, 5000, SCHED_IDLE, 5000},
	    {"", 2000, 5000, SCHED_IDLE, 5000},
	    {"", 0, -3, SCHED_IDLE, -3},
	    {"L", 0, 700, SCHED_WAIT, 1000},
	    {"L", 0, 5000, SCHED_WAIT, 1000},
	    {"HML", 0, -3, SCHED_WAIT, 1000},
	    {"L", 1000, 1001, SCHED_START, 0},
	    {"L", 1000, 0, SCHED_START, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sched_view view = view_of(rows[i].lanes);
		struct sched_choice choice;

		view.next_due = rows[i].next_due;
		choice = sched_pick(&view, rows[i].now);
		assert_int_equal(choice.verdict, rows[i].verdict);
		if (choice.verdict != SCHED_START)
			assert_int_equal(choice.at, rows[i].at);
	}
}

/* A wish puts off what waits, never brings it forward, and does not make anything idle or busy. */
static void wishes_put_slots_off(void **state)
{
	static const struct {
		const char *lanes;
		int64_t now, not_before;
		enum sched_verdict verdict;
		int64_t at;
	} rows[] = {
	    {"L", 999, 0, SCHED_WAIT, 1000},
	    {"L", 1000, 999, SCHED_START, 0},
	    {"L", 1000, 1000, SCHED_START, 0},
	    {"L", 1000, 1001, SCHED_WAIT, 1001},
	    {"L", 0, 1001, SCHED_WAIT, 1001},
	    {"HML", 5000, 9000, SCHED_WAIT, 9000},
	    {"HML", 9000, 9000, SCHED_START, 0},
	    {"L", 5000, CLOCK_NEVER, SCHED_WAIT, CLOCK_NEVER},
	    {"", 5000, 9000, SCHED_IDLE, 7000},
	    {"", 5000, CLOCK_NEVER, SCHED_IDLE, 7000},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sched_view view = view_of(rows[i].lanes);
		struct sched_choice choice;

		view.next_due = 7000;
		view.not_before = rows[i].not_before;
		choice = sched_pick(&view, rows[i].now);
		if (choice.verdict != rows[i].verdict ||
		    (choice.verdict != SCHED_START && choice.at != rows[i].at))
			fail_msg("row %zu: verdict %d, at %lld", i, (int)choice.verdict,
			    (long long)choice.at);
	}
}

/* The submission number orders within a lane; between lanes the priority is all that counts. */
static void a_lower_seq_does_not_beat_a_priority(void **state)
{
	struct sched_view view = view_of("HML");

	(void)state;
	view.heads[HIGH].seq = 1000000;
	view.heads[LOW].seq = 1;
	assert_int_equal(sched_pick(&view, 1000).lane, HIGH);
}

static void nothing_starts_while_a_start_is_unknown(void **state)
{
	struct sched_view view = view_of("H");

	(void)state;
	ledger_claimed(&view.ledger, 1000);
	assert_int_equal(sched_pick(&view, INT64_MAX - 1).verdict, SCHED_WAIT);
	assert_int_equal(sched_pick(&view, 5000).at, CLOCK_NEVER);
}

static void the_first_batch_waits_to_settle(void **state)
{
	struct sched_view view = {.ledger = LEDGER_NEW, .not_before = LEDGER_NONE};

	(void)state;
	view.heads[LOW].present = true;
	view.ledger.settle_ns = 300;
	assert_int_equal(sched_pick(&view, 0).verdict, SCHED_START);
	ledger_ready(&view.ledger, 4000);
	assert_int_equal(sched_pick(&view, 4299).verdict, SCHED_WAIT);
	assert_int_equal(sched_pick(&view, 4299).at, 4300);
	assert_int_equal(sched_pick(&view, 4300).verdict, SCHED_START);
}

static void picking_changes_nothing(void **state)
{
	struct sched_view view = view_of("ML"), before = view;

	(void)state;
	sched_pick(&view, 1000);
	sched_pack(&view, 0, 3);
	assert_memory_equal(&view, &before, sizeof(view));
}

/* ---- packing ---- */

static void packing_follows_the_table(void **state)
{
	static const struct {
		const char *lanes;
		int64_t ids, taken, room;
		int lane;
	} rows[] = {
	    {"", 1, 0, 3, -1},
	    {"H", 1, 1, 3, HIGH},
	    {"H", 2, 1, 3, HIGH},
	    {"H", 3, 1, 3, -1},
	    {"H", 1, 3, 3, -1},
	    {"H", 3, 0, 3, HIGH},
	    {"M", 2, 1, 3, MEDIUM},
	    {"L", 2, 1, 3, LOW},
	    {"HML", 1, 1, 3, HIGH},
	    {"ML", 1, 1, 3, MEDIUM},
	    /* A retried batch of a larger size than today's can have filled more than the room. */
	    {"H", 1, 5, 3, -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sched_view view = view_of(rows[i].lanes);
		int lane;

		view.ledger.pack = true;
		for (int l = 0; l < PRIORITY_COUNT; l++)
			view.heads[l].ids = rows[i].ids;
		lane = sched_pack(&view, rows[i].taken, rows[i].room);
		if (lane != rows[i].lane)
			fail_msg("row %zu: lane %d", i, lane);
	}
}

/* A batch that does not fit ends the slot: a smaller one behind it does not slip past. */
static void packing_does_not_overtake(void **state)
{
	struct sched_view view = view_of("HM");

	(void)state;
	view.ledger.pack = true;
	view.heads[HIGH].ids = 3;
	view.heads[MEDIUM].ids = 1;
	assert_int_equal(sched_pack(&view, 1, 3), -1);
}

static void without_packing_a_slot_is_one_batch(void **state)
{
	struct sched_view view = view_of("HML");

	(void)state;
	view.ledger.pack = false;
	assert_int_equal(sched_pack(&view, 0, 1000), -1);
}

/* ---- the whole order ---- */

struct item {
	int lane;
	int64_t seq, index;
	bool taken;
};

/* Fills the heads with the smallest (seq, index) that waits in each lane, by looking at everything.
 */
static void set_heads(struct sched_view *view, const struct item *items, size_t n)
{
	memset(view->heads, 0, sizeof(view->heads));
	for (size_t i = 0; i < n; i++) {
		struct sched_head *head = &view->heads[items[i].lane];

		if (items[i].taken || (head->present && (head->seq < items[i].seq ||
							    (head->seq == items[i].seq &&
								head->index < items[i].index))))
			continue;
		*head = (struct sched_head){
		    .present = true, .seq = items[i].seq, .index = items[i].index, .ids = 3};
	}
}

static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->lane != y->lane)
		return x->lane - y->lane;
	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void a_backlog_is_started_in_the_order_of_its_keys(void **state)
{
	uint64_t seed = 10;

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct item items[60], sorted[60];
		size_t n = next_random(&seed) % COUNT_OF(items) + 1;
		struct sched_view view = view_of("");
		int64_t now = 1000;

		for (size_t i = 0; i < n; i++)
			items[i] = (struct item){.lane = (int)(next_random(&seed) % 3),
			    .seq = (int64_t)(next_random(&seed) % 5),
			    .index = (int64_t)i};
		memcpy(sorted, items, sizeof(items));
		qsort(sorted, n, sizeof(*sorted), compare);
		for (size_t k = 0; k < n; k++, now += 1000) {
			struct sched_choice choice;

			set_heads(&view, items, n);
			choice = sched_pick(&view, now - 1);
			assert_int_equal(choice.verdict, SCHED_WAIT);
			assert_int_equal(choice.at, now);
			choice = sched_pick(&view, now);
			assert_int_equal(choice.verdict, SCHED_START);
			assert_int_equal(choice.lane, sorted[k].lane);
			assert_int_equal(view.heads[choice.lane].seq, sorted[k].seq);
			assert_int_equal(view.heads[choice.lane].index, sorted[k].index);
			items[sorted[k].index].taken = true;
			ledger_claimed(&view.ledger, now);
			ledger_started(&view.ledger, now);
		}
		set_heads(&view, items, n);
		assert_int_equal(sched_pick(&view, now).verdict, SCHED_IDLE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(choices_follow_the_table),
	    TEST(what_is_to_come_only_wakes),
	    TEST(wishes_put_slots_off),
	    TEST(a_lower_seq_does_not_beat_a_priority),
	    TEST(nothing_starts_while_a_start_is_unknown),
	    TEST(the_first_batch_waits_to_settle),
	    TEST(picking_changes_nothing),
	    TEST(packing_follows_the_table),
	    TEST(packing_does_not_overtake),
	    TEST(without_packing_a_slot_is_one_batch),
	    TEST(a_backlog_is_started_in_the_order_of_its_keys),
	};

	return RUN(tests);
}
