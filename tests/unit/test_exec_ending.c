#include "exec_ending.h"

#include "unit.h"
#include "util.h"

#include <signal.h>

/* A run of the ids 1 to 3, and how it ended. */
struct place {
	struct idlist ids;
	struct exec_end end;
	struct ending ending;
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	for (int64_t id = 1; id <= 3; id++)
		idlist_push(&place->ids, id);
	place->end.timeout_ns = 600 * NS_PER_S;
	place->end.last_line = "";
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	ending_free(&place->ending);
	idlist_free(&place->ids);
	free(place);
	return 0;
}

/* The command has written these lines to stdout. */
static void judge(struct place *place, const char *lines)
{
	struct exec_outcomes outcomes;
	struct exec_output rest;

	ending_free(&place->ending);
	exec_outcomes_init(&outcomes, &place->ids);
	exec_output_init(&rest, 100);
	exec_outcomes_add(&outcomes, lines, strlen(lines), &rest);
	exec_outcomes_end(&outcomes, &rest);
	exec_ending(&place->ending, &outcomes, &place->end);
	exec_outcomes_free(&outcomes);
	exec_output_free(&rest);
}

static void assert_ended(const struct place *place, enum failure failure, const char *message)
{
	assert_int_equal(place->ending.failure, failure);
	if (message)
		assert_string_equal(place->ending.message, message);
	else
		assert_null(place->ending.message);
}

/* Of all ids. */
static void assert_all(
    const struct place *place, enum outcome outcome, enum failure failure, const char *message)
{
	assert_null(place->ending.results);
	assert_int_equal(place->ending.outcome, outcome);
	assert_ended(place, failure, message);
}

/* A letter per id: o, r, f, i. */
static void assert_each(
    const struct place *place, const char *letters, enum failure failure, const char *message)
{
	assert_int_equal(place->ending.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal("orfi"[ending_outcome(&place->ending, i)], letters[i]);
	assert_ended(place, failure, message);
}

static void exit_0_completes_all(void **state)
{
	struct place *place = *state;

	place->end.last_line = "chatter";
	judge(place, "hello\n");
	assert_all(place, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
}

static void another_status_is_a_failure(void **state)
{
	struct place *place = *state;

	place->end.status = 3;
	judge(place, "");
	assert_all(place, OUTCOME_RETRY, FAILURE_EXIT, "exit status 3");
	place->end.last_line = "no such host";
	judge(place, "");
	assert_all(place, OUTCOME_RETRY, FAILURE_EXIT, "exit status 3: no such host");
}

static void status_75_asks_to_try_again(void **state)
{
	struct place *place = *state;

	place->end.status = 75;
	judge(place, "");
	assert_all(place, OUTCOME_RETRY, FAILURE_TRY_AGAIN, "exit status 75");
}

static void signals_have_names(void **state)
{
	struct place *place = *state;

	place->end.signaled = true;
	place->end.status = SIGKILL;
	judge(place, "");
	assert_all(place, OUTCOME_RETRY, FAILURE_SIGNAL, "ended by signal 9 (Killed)");
	place->end.status = 40;
	place->end.last_line = "x";
	judge(place, "");
	assert_all(place, OUTCOME_RETRY, FAILURE_SIGNAL, "ended by signal 40: x");
}

static void a_timeout_beats_every_status(void **state)
{
	struct place *place = *state;

	place->end.cause = EXEC_TIMED_OUT;
	judge(place, "");
	assert_all(place, OUTCOME_RETRY, FAILURE_TIMEOUT, "timed out after 10m");
	place->end.signaled = true;
	place->end.status = SIGTERM;
	place->end.last_line = "still busy";
	judge(place, "");
	assert_all(place, OUTCOME_RETRY, FAILURE_TIMEOUT, "timed out after 10m: still busy");
	judge(place, "2\tok\n");
	assert_each(place, "ror", FAILURE_TIMEOUT, "timed out after 10m: still busy");
}

static void who_is_cancelled_is_interrupted_unless_it_exits_with_0(void **state)
{
	struct place *place = *state;

	place->end.cause = EXEC_CANCELLED;
	judge(place, "");
	assert_all(place, OUTCOME_COMPLETED, FAILURE_NONE, NULL);
	place->end.status = 75;
	judge(place, "");
	assert_all(place, OUTCOME_INTERRUPTED, FAILURE_NONE, NULL);
	place->end.signaled = true;
	place->end.status = SIGTERM;
	judge(place, "");
	assert_all(place, OUTCOME_INTERRUPTED, FAILURE_NONE, NULL);
	judge(place, "2\tok\n3\tfail\tx\n");
	assert_each(place, "iof", FAILURE_NONE, NULL);
	judge(place, "1\tok\n2\tok\n3\tfail\tx\n");
	assert_each(place, "oof", FAILURE_IDS, "id 3: x");
}

static void lines_beat_the_exit_status(void **state)
{
	struct place *place = *state;

	place->end.status = 1;
	place->end.last_line = "boom";
	judge(place, "2\tok\n");
	assert_each(place, "ror", FAILURE_EXIT, "exit status 1: boom");
	judge(place, "1\tok\n2\tok\n3\tok\n");
	assert_each(place, "ooo", FAILURE_NONE, NULL);
	judge(place, "1\tok\n2\tok\n3\tretry\n");
	assert_each(place, "oor", FAILURE_IDS, "id 3: to be tried again");
}

static void ids_that_are_not_done_are_named(void **state)
{
	struct place *place = *state;

	judge(place, "2\tfail\tno such user\n");
	assert_each(place, "ofo", FAILURE_IDS, "id 2: no such user");
	assert_string_equal(ending_message(&place->ending, 1), "no such user");
	assert_null(ending_message(&place->ending, 0));
	judge(place, "3\tretry\n2\tfail\n");
	assert_each(place, "ofr", FAILURE_IDS, "2 of 3 ids were not done; id 2: failed");
	assert_string_equal(ending_message(&place->ending, 1), "failed");
	assert_string_equal(ending_message(&place->ending, 2), "to be tried again");
	judge(place, "1\tok\n");
	assert_each(place, "ooo", FAILURE_NONE, NULL);
}

static void messages_are_cut(void **state)
{
	struct place *place = *state;
	char line[2000];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	place->end.status = 1;
	place->end.last_line = line;
	judge(place, "");
	assert_int_equal(strlen(place->ending.message), ATTEMPT_ERROR_MAX);
}

#define END_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    END_TEST(exit_0_completes_all),
	    END_TEST(another_status_is_a_failure),
	    END_TEST(status_75_asks_to_try_again),
	    END_TEST(signals_have_names),
	    END_TEST(a_timeout_beats_every_status),
	    END_TEST(who_is_cancelled_is_interrupted_unless_it_exits_with_0),
	    END_TEST(lines_beat_the_exit_status),
	    END_TEST(ids_that_are_not_done_are_named),
	    END_TEST(messages_are_cut),
	};

	return RUN(tests);
}
