#include "handler.h"

#include "unit.h"
#include "util.h"

#include <event2/event.h>

/* ---- what a handler is made from ---- */

static enum err open_spec(
    struct handler **handler, const char *spec, struct event_base *base, struct fail *fail)
{
	struct conf conf = {.handler = spec};

	return handler_open(handler,
	    &(struct handler_env){.base = base, .conf = &conf, .spec = conf.handler}, fail);
}

static void assert_good(const char *spec)
{
	struct handler *handler = (struct handler *)&handler;
	struct fail fail;

	if (open_spec(&handler, spec, NULL, &fail))
		fail_msg("%s: %s", spec, fail.text);
	assert_null(handler);
}

/* The text is exactly this one. */
static void assert_bad(const char *spec, const char *text)
{
	struct event_base *base = event_base_new();
	struct event_base *const bases[] = {NULL, base};

	for (size_t i = 0; i < COUNT_OF(bases); i++) {
		struct handler *handler = (struct handler *)&handler;
		struct fail fail;

		assert_int_equal(open_spec(&handler, spec, bases[i], &fail), ERR_INVALID);
		assert_int_equal(fail.err, ERR_INVALID);
		assert_string_equal(fail.text, text);
		assert_null(handler);
	}
	event_base_free(base);
}

static void simulate_needs_no_arguments(void **state)
{
	(void)state;
	assert_good("simulate");
	assert_good("simulate:");
}

static void simulate_takes_a_delay(void **state)
{
	(void)state;
	assert_good("simulate:delay=1s");
	assert_good("simulate:delay=0");
	assert_good("simulate:delay=1h30m");
	assert_good("simulate:delay=365d");
}

static void simulate_takes_ids_that_fail(void **state)
{
	(void)state;
	assert_good("simulate:fail=3");
	assert_good("simulate:fail=3,9223372036854775807,5");
	assert_good("simulate:fail=3-7,9");
	assert_good("simulate:delay=5ms,fail=3,1");
}

static void another_scheme_is_refused(void **state)
{
	(void)state;
	assert_bad("mail:x", "handler \"mail:x\" is not known; there are: simulate, exec, http");
	assert_bad("simulat", "handler \"simulat\" is not known; there are: simulate, exec, http");
	assert_bad(
	    "simulate2:", "handler \"simulate2:\" is not known; there are: simulate, exec, http");
	assert_bad(
	    "Simulate", "handler \"Simulate\" is not known; there are: simulate, exec, http");
	assert_bad("", "handler \"\" is not known; there are: simulate, exec, http");
	assert_bad(
	    ":delay=1s", "handler \":delay=1s\" is not known; there are: simulate, exec, http");
}

static void another_argument_is_refused(void **state)
{
	(void)state;
	assert_bad("simulate:speed=2",
	    "handler simulate: \"speed=2\" is neither delay=DURATION nor fail=ID,...");
	assert_bad("simulate:delay",
	    "handler simulate: \"delay\" is neither delay=DURATION nor fail=ID,...");
	assert_bad("simulate:delay=1s,x",
	    "handler simulate: \"x\" is neither delay=DURATION nor fail=ID,...");
	assert_bad(
	    "simulate:,", "handler simulate: \",\" is neither delay=DURATION nor fail=ID,...");
}

static void a_wrong_delay_is_refused(void **state)
{
	(void)state;
	assert_bad("simulate:delay=", "handler simulate: \"\" is not a duration");
	assert_bad("simulate:delay=5", "handler simulate: \"5\" is not a duration");
	assert_bad("simulate:delay=-1s", "handler simulate: \"-1s\" is not a duration");
	assert_bad("simulate:delay=366d", "handler simulate: \"366d\" is not a duration");
	assert_bad("simulate:delay=1x,fail=3", "handler simulate: \"1x\" is not a duration");
}

/* The first 31 characters alone would be a duration. */
static void a_delay_that_is_too_long_is_not_cut(void **state)
{
	(void)state;
	assert_good("simulate:delay=1s1s1s1s1s1s1s1s1s1s1s1s1s1s1ms");
	assert_bad("simulate:delay=1s1s1s1s1s1s1s1s1s1s1s1s1s1s1ms1s",
	    "handler simulate: \"delay=1s1s1s1s1s1s1s1s1s1s1s1s1s1s1ms1s\" is neither "
	    "delay=DURATION nor fail=ID,...");
}

static void a_long_wrong_argument_is_cut(void **state)
{
	char spec[400] = "simulate:";
	struct handler *handler;
	struct fail fail;

	(void)state;
	memset(spec + strlen(spec), 'x', sizeof(spec) - 1 - strlen(spec));
	assert_int_equal(open_spec(&handler, spec, NULL, &fail), ERR_INVALID);
	assert_contains(fail.text, "xxxx\" is neither");
	assert_true(strlen(fail.text) < 120);
}

static void wrong_ids_are_refused(void **state)
{
	(void)state;
	assert_bad("simulate:fail=x", "handler simulate, fail=: x is not an integer from 1 to "
				      "9223372036854775807");
	assert_bad("simulate:fail=3,0", "handler simulate, fail=: 0 is not an integer from 1 to "
					"9223372036854775807");
	assert_bad("simulate:fail=9223372036854775808",
	    "handler simulate, fail=: 9223372036854775808 is not an integer from 1 to "
	    "9223372036854775807");
	assert_bad("simulate:fail=7-3", "handler simulate, fail=: range 7-3 ends before it begins");
}

/* It takes the rest. */
static void nothing_can_follow_the_ids(void **state)
{
	(void)state;
	assert_bad("simulate:fail=3,delay=1s",
	    "handler simulate, fail=: delay=1s is not an integer from 1 to 9223372036854775807");
}

static void too_many_ids_are_refused(void **state)
{
	struct handler *handler;
	struct fail fail;

	(void)state;
	assert_good("simulate:fail=1-10000");
	assert_int_equal(open_spec(&handler, "simulate:fail=1-10001", NULL, &fail), ERR_TOO_LARGE);
	assert_string_equal(
	    fail.text, "handler simulate, fail=: with 1-10001 the list has more than 10000 ids");
	assert_null(handler);
}

static void simulate_leaves_nothing_behind(void **state)
{
	(void)state;
	assert_null(handler_simulate.recover);
}

static void no_handler_can_be_closed(void **state)
{
	(void)state;
	handler_close(NULL);
}

/* ---- runs ---- */

struct seen {
	struct run run;
	int started, done;
	bool inside_start;
	struct ending ending;
};

static void on_started(struct run *run)
{
	struct seen *seen = (struct seen *)run;

	assert_int_equal(seen->done, 0);
	seen->started++;
}

static void on_done(struct run *run, struct ending *ending)
{
	struct seen *seen = (struct seen *)run;

	assert_false(seen->inside_start);
	assert_int_equal(seen->started, 1);
	seen->done++;
	seen->ending = *ending;
}

static const struct run_events events = {.started = on_started, .done = on_done};

struct place {
	struct event_base *base;
	struct handler *handler;
	struct seen a, b;
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	place->base = event_base_new();
	*state = place;
	return place->base ? 0 : -1;
}

static int teardown(void **state)
{
	struct place *place = *state;

	handler_close(place->handler);
	idlist_free(&place->a.run.ids);
	idlist_free(&place->b.run.ids);
	ending_free(&place->a.ending);
	ending_free(&place->b.ending);
	event_base_free(place->base);
	free(place);
	return 0;
}

static void open_handler(struct place *place, const char *spec)
{
	struct fail fail;

	if (open_spec(&place->handler, spec, place->base, &fail))
		fail_msg("%s", fail.text);
	assert_non_null(place->handler);
}

static void start(struct place *place, struct seen *seen, int64_t first, int64_t last)
{
	seen->run.events = &events;
	for (int64_t id = first; id <= last; id++)
		idlist_push(&seen->run.ids, id);
	seen->inside_start = true;
	handler_start(place->handler, &seen->run);
	seen->inside_start = false;
}

/* All ids have this outcome. */
static void assert_ended(const struct seen *seen, enum outcome outcome)
{
	assert_int_equal(seen->started, 1);
	assert_int_equal(seen->done, 1);
	assert_int_equal(seen->ending.outcome, outcome);
	assert_null(seen->ending.results);
	assert_null(seen->ending.message);
	assert_int_equal(seen->ending.failure, FAILURE_NONE);
}

/* The ids from `first` to `last` have failed, those before and behind are completed. */
static void assert_failed(const struct seen *seen, int64_t first, int64_t last)
{
	const struct ending *ending = &seen->ending;
	char message[64];

	snprintf(message, sizeof(message), "simulated failure of id %d", (int)first);
	assert_int_equal(seen->done, 1);
	assert_int_equal(ending->failure, FAILURE_IDS);
	assert_string_equal(ending->message, message);
	assert_int_equal(ending->n, seen->run.ids.n);
	for (size_t i = 0; i < ending->n; i++) {
		int64_t id = seen->run.ids.v[i];
		bool failed = id >= first && id <= last;

		assert_int_equal(
		    ending_outcome(ending, i), failed ? OUTCOME_FAILED : OUTCOME_COMPLETED);
		snprintf(message, sizeof(message), "simulated failure of id %d", (int)id);
		if (failed)
			assert_string_equal(ending_message(ending, i), message);
		else
			assert_null(ending_message(ending, i));
	}
}

static void a_run_starts_at_once_and_ends_later(void **state)
{
	struct place *place = *state;

	open_handler(place, "simulate:delay=1ms");
	start(place, &place->a, 1, 3);
	assert_int_equal(place->a.started, 1);
	assert_int_equal(place->a.done, 0);
	event_base_dispatch(place->base);
	assert_ended(&place->a, OUTCOME_COMPLETED);
}

static void without_a_delay_it_still_ends_later(void **state)
{
	struct place *place = *state;

	open_handler(place, "simulate:delay=0");
	start(place, &place->a, 1, 3);
	assert_int_equal(place->a.done, 0);
	event_base_dispatch(place->base);
	assert_ended(&place->a, OUTCOME_COMPLETED);
}

static void a_run_takes_its_delay(void **state)
{
	struct place *place = *state;
	struct timeval before, after;

	open_handler(place, "simulate:delay=50ms");
	evutil_gettimeofday(&before, NULL);
	start(place, &place->a, 1, 3);
	event_base_dispatch(place->base);
	evutil_gettimeofday(&after, NULL);
	evutil_timersub(&after, &before, &after);
	assert_true(after.tv_sec > 0 || after.tv_usec >= 45000);
	assert_ended(&place->a, OUTCOME_COMPLETED);
}

static void the_failing_ids_of_a_batch_fail_and_no_others(void **state)
{
	struct place *place = *state;

	open_handler(place, "simulate:delay=0,fail=90,7,8,1000");
	start(place, &place->a, 5, 8);
	event_base_dispatch(place->base);
	assert_failed(&place->a, 7, 8);
}

static void failing_ids_can_stand_in_any_order(void **state)
{
	struct place *place = *state;

	open_handler(place, "simulate:delay=0,fail=9,8,7,6,5,4,3");
	start(place, &place->a, 3, 3);
	start(place, &place->b, 9, 9);
	event_base_dispatch(place->base);
	assert_failed(&place->a, 3, 3);
	assert_failed(&place->b, 9, 9);
}

static void a_batch_without_a_failing_id_is_completed(void **state)
{
	struct place *place = *state;

	open_handler(place, "simulate:delay=0,fail=90,4,9");
	start(place, &place->a, 5, 8);
	event_base_dispatch(place->base);
	assert_ended(&place->a, OUTCOME_COMPLETED);
}

static void runs_go_side_by_side(void **state)
{
	struct place *place = *state;

	open_handler(place, "simulate:delay=0,fail=4");
	start(place, &place->a, 1, 3);
	start(place, &place->b, 4, 6);
	event_base_dispatch(place->base);
	assert_ended(&place->a, OUTCOME_COMPLETED);
	assert_failed(&place->b, 4, 4);
}

static void a_run_that_is_cancelled_was_interrupted(void **state)
{
	struct place *place = *state;

	open_handler(place, "simulate:delay=1h,fail=1");
	start(place, &place->a, 1, 3);
	handler_cancel(place->handler, &place->a.run, false);
	event_base_dispatch(place->base);
	assert_ended(&place->a, OUTCOME_INTERRUPTED);
}

static void a_cancelled_run_leaves_the_others(void **state)
{
	struct place *place = *state;

	open_handler(place, "simulate:delay=1ms");
	start(place, &place->a, 1, 3);
	start(place, &place->b, 4, 6);
	handler_cancel(place->handler, &place->a.run, false);
	event_base_dispatch(place->base);
	assert_ended(&place->a, OUTCOME_INTERRUPTED);
	assert_ended(&place->b, OUTCOME_COMPLETED);
}

#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(simulate_needs_no_arguments),
	    TEST(simulate_takes_a_delay),
	    TEST(simulate_takes_ids_that_fail),
	    TEST(another_scheme_is_refused),
	    TEST(another_argument_is_refused),
	    TEST(a_wrong_delay_is_refused),
	    TEST(a_delay_that_is_too_long_is_not_cut),
	    TEST(a_long_wrong_argument_is_cut),
	    TEST(wrong_ids_are_refused),
	    TEST(nothing_can_follow_the_ids),
	    TEST(too_many_ids_are_refused),
	    TEST(simulate_leaves_nothing_behind),
	    TEST(no_handler_can_be_closed),
	    RUN_TEST(a_run_starts_at_once_and_ends_later),
	    RUN_TEST(without_a_delay_it_still_ends_later),
	    RUN_TEST(a_run_takes_its_delay),
	    RUN_TEST(the_failing_ids_of_a_batch_fail_and_no_others),
	    RUN_TEST(failing_ids_can_stand_in_any_order),
	    RUN_TEST(a_batch_without_a_failing_id_is_completed),
	    RUN_TEST(runs_go_side_by_side),
	    RUN_TEST(a_run_that_is_cancelled_was_interrupted),
	    RUN_TEST(a_cancelled_run_leaves_the_others),
	};

	return RUN(tests);
}
