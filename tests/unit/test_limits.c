#include "unit.h"

#include "limits.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The limits of a daemon whose every value is different. */
struct place {
	struct conf conf;
	struct limits *limits;
	struct rlimit descriptors; /* as they were */
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	place->conf = (struct conf){.max_connections = 10,
	    .max_connections_per_uid = 4,
	    .max_in_flight = 3,
	    .max_message_bytes = 1001,
	    .max_buffer_bytes = 1002,
	    .max_unsent_bytes = 1003,
	    .max_reply_bytes = 1004,
	    .max_queued = 1005,
	    .max_queued_bytes = 1006,
	    .max_uploads = 1007,
	    .max_upload_bytes = 1008,
	    .request_timeout_ns = 1009000000,
	    .send_timeout_ns = 1010000000};
	place->limits = limits_new(&place->conf);
	getrlimit(RLIMIT_NOFILE, &place->descriptors);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	setrlimit(RLIMIT_NOFILE, &place->descriptors);
	limits_free(place->limits);
	free(place);
	return 0;
}

static struct wire_limit shown(struct place *place, enum limit which)
{
	struct wire_limit list[WIRE_STATS_LIMITS];

	assert_int_equal(limits_list(place->limits, list), LIMIT_COUNT);
	return list[which];
}

static void assert_shown(
    struct place *place, enum limit which, int64_t limit, int64_t used, int64_t hits)
{
	struct wire_limit found = shown(place, which);

	assert_int_equal(found.limit, limit);
	assert_int_equal(found.used, used);
	assert_int_equal(found.hits, hits);
}

/* ---- values ---- */

static void every_limit_has_the_name_of_its_option(void **state)
{
	struct place *place = *state;

	for (int i = 0; i < LIMIT_COUNT; i++) {
		struct wire_limit found = shown(place, (enum limit)i);

		if (i == LIMIT_DESCRIPTORS)
			assert_string_equal(found.name, "descriptors");
		else if (!conf_option_by_name(found.name))
			fail_msg("there is no option %s", found.name);
	}
}

static void every_limit_has_the_value_of_its_option(void **state)
{
	static const int64_t values[] = {
	    10, 4, 3, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010};
	struct place *place = *state;

	for (int i = 0; i < LIMIT_DESCRIPTORS; i++) {
		assert_int_equal(limits_value(place->limits, (enum limit)i), values[i]);
		assert_int_equal(shown(place, (enum limit)i).limit, values[i]);
	}
}

static void a_new_value_counts_at_once(void **state)
{
	struct place *place = *state;

	assert_false(limits_allow(place->limits, LIMIT_BUFFER_BYTES, 1003));
	place->conf.max_buffer_bytes = 2000;
	assert_true(limits_allow(place->limits, LIMIT_BUFFER_BYTES, 1003));
	assert_int_equal(limits_value(place->limits, LIMIT_BUFFER_BYTES), 2000);
}

static void what_is_used_leaves_less(void **state)
{
	struct place *place = *state;

	assert_true(limits_allow(place->limits, LIMIT_REPLY_BYTES, 1004));
	limits_use(place->limits, LIMIT_REPLY_BYTES, 1000);
	assert_true(limits_allow(place->limits, LIMIT_REPLY_BYTES, 4));
	assert_false(limits_allow(place->limits, LIMIT_REPLY_BYTES, 5));
	assert_shown(place, LIMIT_REPLY_BYTES, 1004, 1000, 1);
	limits_use(place->limits, LIMIT_REPLY_BYTES, -10);
	assert_true(limits_allow(place->limits, LIMIT_REPLY_BYTES, 14));
	assert_int_equal(limits_used(place->limits, LIMIT_REPLY_BYTES), 990);
	assert_shown(place, LIMIT_REPLY_BYTES, 1004, 990, 1);
}

/* A limit that was lowered below what is in use allows nothing. */
static void more_than_the_limit_can_be_in_use(void **state)
{
	struct place *place = *state;

	limits_use(place->limits, LIMIT_REPLY_BYTES, 5000);
	assert_false(limits_allow(place->limits, LIMIT_REPLY_BYTES, 1));
	assert_true(limits_allow(place->limits, LIMIT_BUFFER_BYTES, 1));
}

static void hits_are_counted_one_by_one(void **state)
{
	struct place *place = *state;

	for (int i = 0; i < LIMIT_COUNT; i++)
		for (int n = 0; n <= i; n++)
			limits_hit(place->limits, (enum limit)i);
	for (int i = 0; i < LIMIT_COUNT; i++)
		assert_int_equal(shown(place, (enum limit)i).hits, i + 1);
}

static void timeouts_and_descriptors_have_no_use(void **state)
{
	struct place *place = *state;

	assert_int_equal(shown(place, LIMIT_REQUEST_TIMEOUT).used, -1);
	assert_int_equal(shown(place, LIMIT_SEND_TIMEOUT).used, -1);
	assert_int_equal(shown(place, LIMIT_DESCRIPTORS).used, -1);
}

static void measure(void *arg)
{
	struct place *place = arg;

	limits_set_used(place->limits, LIMIT_IN_FLIGHT, 2);
}

static void what_is_measured_is_measured_before_it_is_shown(void **state)
{
	struct place *place = *state;

	limits_set_measure(place->limits, measure, place);
	assert_shown(place, LIMIT_IN_FLIGHT, 3, 2, 0);
}

/* ---- connections ---- */

static void admit(struct place *place, uid_t uid)
{
	struct fail fail;

	if (limits_admit(place->limits, uid, &fail))
		fail_msg("%s", fail.text);
}

static void assert_refused(struct place *place, uid_t uid, const char *part)
{
	struct fail fail;

	assert_int_equal(limits_admit(place->limits, uid, &fail), ERR_LIMITED);
	assert_fail(&fail, ERR_LIMITED, part);
	assert_true(fail_retry_ms(&fail) > 0);
}

static void so_many_connections_at_a_time(void **state)
{
	struct place *place = *state;

	for (uid_t uid = 0; uid < 10; uid++)
		admit(place, uid);
	assert_refused(place, 77, "there are 10 connections already, and max-connections is 10");
	assert_refused(place, 3, "max-connections is 10");
	assert_shown(place, LIMIT_CONNECTIONS, 10, 10, 2);
	limits_leave(place->limits, 5);
	admit(place, 77);
	assert_refused(place, 5, "max-connections is 10");
}

static void so_many_connections_of_a_user(void **state)
{
	struct place *place = *state;

	for (int i = 0; i < 4; i++)
		admit(place, 1000);
	assert_refused(place, 1000,
	    "there are 4 connections of uid 1000 already, and max-connections-per-uid is 4");
	/* Others are not concerned, not even those of the same bucket. */
	admit(place, 1000 + 256);
	admit(place, 0);
	assert_shown(place, LIMIT_CONNECTIONS, 10, 6, 0);
	assert_shown(place, LIMIT_CONNECTIONS_PER_UID, 4, 4, 1);
	limits_leave(place->limits, 1000);
	assert_shown(place, LIMIT_CONNECTIONS_PER_UID, 4, 3, 1);
	admit(place, 1000);
	assert_refused(place, 1000, "max-connections-per-uid is 4");
}

static void who_was_refused_does_not_count(void **state)
{
	struct place *place = *state;

	place->conf.max_connections_per_uid = 1;
	admit(place, 7);
	for (int i = 0; i < 20; i++)
		assert_refused(place, 7, "max-connections-per-uid is 1");
	limits_leave(place->limits, 7);
	admit(place, 7);
	limits_leave(place->limits, 7);
	assert_int_equal(limits_used(place->limits, LIMIT_CONNECTIONS), 0);
}

/* Whoever comes and goes, the books agree with those of a plain count. */
static void comings_and_goings(void **state)
{
	struct place *place = *state;
	int of_uid[600] = {0}, all = 0;
	uint64_t seed = 11;

	for (int i = 0; i < 20000; i++) {
		uid_t uid = (uid_t)(next_random(&seed) % 600);
		struct fail fail;

		if (of_uid[uid] > 0 && next_random(&seed) % 2 == 0) {
			limits_leave(place->limits, uid);
			of_uid[uid]--, all--;
			continue;
		}
		if (!limits_admit(place->limits, uid, &fail)) {
			assert_true(all < 10 && of_uid[uid] < 4);
			of_uid[uid]++, all++;
		} else {
			assert_true(all == 10 || of_uid[uid] == 4);
		}
		assert_int_equal(limits_used(place->limits, LIMIT_CONNECTIONS), all);
	}
}

/* ---- descriptors ---- */

static void set_descriptors(rlim_t soft, rlim_t hard)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = soft;
	if (hard > 0)
		limit.rlim_max = hard;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static rlim_t descriptors(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

static void the_limit_of_descriptors_is_raised_as_far_as_needed(void **state)
{
	struct place *place = *state;

	place->conf.max_connections = 100;
	set_descriptors(50, 0);
	limits_fit_descriptors(place->limits, 0);
	assert_int_equal(descriptors(), 100 + LIMITS_DESCRIPTORS_KEPT);
	assert_int_equal(limits_value(place->limits, LIMIT_CONNECTIONS), 100);
	assert_shown(place, LIMIT_DESCRIPTORS, 100 + LIMITS_DESCRIPTORS_KEPT, -1, 0);
}

static void runs_take_descriptors_beside_connections(void **state)
{
	struct place *place = *state;

	place->conf.max_connections = 100;
	set_descriptors(50, 0);
	limits_fit_descriptors(place->limits, 40);
	assert_int_equal(descriptors(), 140 + LIMITS_DESCRIPTORS_KEPT);
	assert_int_equal(limits_value(place->limits, LIMIT_CONNECTIONS), 100);
}

static void the_limit_of_descriptors_is_not_lowered(void **state)
{
	struct place *place = *state;

	set_descriptors(500, 0);
	limits_fit_descriptors(place->limits, 0);
	assert_int_equal(descriptors(), 500);
	assert_int_equal(limits_value(place->limits, LIMIT_CONNECTIONS), 10);
}

/*
 * What is left for connections when no more than 90 descriptors can be open. In a process of its
 * own: the hard limit can only be raised again by root.
 */
static void assert_connections_of_90(struct place *place, int64_t runs, int64_t connections)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2); /* the warning */
		place->conf.max_connections = 100;
		set_descriptors(80, 90);
		limits_fit_descriptors(place->limits, runs);
		_exit(limits_value(place->limits, LIMIT_CONNECTIONS) == connections &&
			      limits_value(place->limits, LIMIT_DESCRIPTORS) == 90 &&
			      shown(place, LIMIT_CONNECTIONS).limit == connections
			  ? 0
			  : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void with_too_few_descriptors_fewer_connections_are_taken(void **state)
{
	assert_connections_of_90(*state, 0, 26);
	assert_connections_of_90(*state, 6, 20);
}

static void runs_leave_half_of_the_descriptors_to_connections(void **state)
{
	assert_connections_of_90(*state, 13, 13);
	assert_connections_of_90(*state, 4000, 13);
}

#define LIMIT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void what_is_received_counts_beyond_the_free_part(void **state)
{
	struct place *place = *state;
	int64_t a = 0, b = 0;

	place->conf.max_buffer_bytes = 1000;
	assert_true(limits_receive(place->limits, &a, LIMITS_FREE_BYTES));
	assert_int_equal(limits_used(place->limits, LIMIT_BUFFER_BYTES), 0);
	assert_true(limits_receive(place->limits, &a, LIMITS_FREE_BYTES + 600));
	assert_true(limits_receive(place->limits, &b, LIMITS_FREE_BYTES + 400));
	assert_false(limits_receive(place->limits, &b, LIMITS_FREE_BYTES + 401));
	assert_int_equal(limits_used(place->limits, LIMIT_BUFFER_BYTES), 1000);
	assert_true(limits_receive(place->limits, &a, 0));
	assert_int_equal(limits_used(place->limits, LIMIT_BUFFER_BYTES), 400);
	/* Whoever is alone has room, whatever the limit is. */
	assert_true(limits_receive(place->limits, &b, LIMITS_FREE_BYTES + 5000));
	assert_false(limits_receive(place->limits, &a, LIMITS_FREE_BYTES + 1));
	assert_true(limits_receive(place->limits, &a, LIMITS_FREE_BYTES));
	limits_receive_end(place->limits, &b);
	assert_int_equal(b, 0);
	assert_int_equal(limits_used(place->limits, LIMIT_BUFFER_BYTES), 0);
}

static void little_may_be_unread_while_too_much_is_altogether(void **state)
{
	struct place *place = *state;

	place->conf.max_unsent_bytes = 100000;
	place->conf.max_reply_bytes = 200000;
	limits_use(place->limits, LIMIT_REPLY_BYTES, 199999);
	assert_int_equal(limits_most_unsent(place->limits), 100000);
	limits_use(place->limits, LIMIT_REPLY_BYTES, 1);
	assert_int_equal(limits_most_unsent(place->limits), LIMITS_FREE_BYTES);
	place->conf.max_unsent_bytes = 1000;
	assert_int_equal(limits_most_unsent(place->limits), 1000);
	limits_use(place->limits, LIMIT_REPLY_BYTES, -200000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    LIMIT_TEST(every_limit_has_the_name_of_its_option),
	    LIMIT_TEST(every_limit_has_the_value_of_its_option),
	    LIMIT_TEST(a_new_value_counts_at_once),
	    LIMIT_TEST(what_is_used_leaves_less),
	    LIMIT_TEST(more_than_the_limit_can_be_in_use),
	    LIMIT_TEST(hits_are_counted_one_by_one),
	    LIMIT_TEST(timeouts_and_descriptors_have_no_use),
	    LIMIT_TEST(what_is_measured_is_measured_before_it_is_shown),
	    LIMIT_TEST(so_many_connections_at_a_time),
	    LIMIT_TEST(so_many_connections_of_a_user),
	    LIMIT_TEST(who_was_refused_does_not_count),
	    LIMIT_TEST(comings_and_goings),
	    LIMIT_TEST(what_is_received_counts_beyond_the_free_part),
	    LIMIT_TEST(little_may_be_unread_while_too_much_is_altogether),
	    LIMIT_TEST(the_limit_of_descriptors_is_raised_as_far_as_needed),
	    LIMIT_TEST(runs_take_descriptors_beside_connections),
	    LIMIT_TEST(the_limit_of_descriptors_is_not_lowered),
	    LIMIT_TEST(with_too_few_descriptors_fewer_connections_are_taken),
	    LIMIT_TEST(runs_leave_half_of_the_descriptors_to_connections),
	};

	return RUN(tests);
}
