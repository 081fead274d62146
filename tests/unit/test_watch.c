#include "unit.h"

#include "watch.h"

#include <string.h>

struct waiter {
	struct watch_entry entry; /* first */
	int told;
	int remove; /* removes itself when it is told */
};

static void on_changed(struct watch_entry *entry)
{
	struct waiter *waiter = (struct waiter *)entry;

	waiter->told++;
	if (waiter->remove)
		watch_remove(entry);
}

/* Ids that differ in their first byte alone are in one bucket. */
static struct uuid id(uint8_t first)
{
	struct uuid uuid = {{first}};

	return uuid;
}

static void add(struct watch *watch, struct waiter *waiter, uint8_t first)
{
	*waiter = (struct waiter){.entry = {.uuid = id(first), .changed = on_changed}};
	watch_add(watch, &waiter->entry);
}

static void tell(struct watch *watch, uint8_t first)
{
	struct uuid uuid = id(first);

	watch_tell(watch, &uuid);
}

static void all_who_wait_for_the_ingestion_are_told_and_no_others(void **state)
{
	struct watch *watch = watch_new();
	struct waiter a, b, other;

	(void)state;
	add(watch, &a, 1);
	add(watch, &other, 2);
	add(watch, &b, 1);
	tell(watch, 1);
	tell(watch, 3);
	assert_int_equal(a.told, 1);
	assert_int_equal(b.told, 1);
	assert_int_equal(other.told, 0);
	watch_free(watch);
}

static void who_is_removed_is_not_told_any_more(void **state)
{
	struct watch *watch = watch_new();
	struct waiter waiters[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		add(watch, &waiters[i], 1);
	watch_remove(&waiters[1].entry);
	tell(watch, 1);
	assert_int_equal(waiters[0].told, 1);
	assert_int_equal(waiters[1].told, 0);
	assert_int_equal(waiters[2].told, 1);
	watch_free(watch);
}

static void a_waiter_may_remove_itself_when_it_is_told(void **state)
{
	struct watch *watch = watch_new();
	struct waiter waiters[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		add(watch, &waiters[i], 1);
		waiters[i].remove = 1;
	}
	tell(watch, 1);
	tell(watch, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(waiters[i].told, 1);
	watch_free(watch);
}

static void all_are_told_whatever_they_wait_for(void **state)
{
	struct watch *watch = watch_new();
	struct waiter waiters[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		waiters[i] = (struct waiter){.entry = {.changed = on_changed}, .remove = i % 2};
		waiters[i].entry.uuid.bytes[15] = (uint8_t)(i < 2 ? 0 : 255);
		waiters[i].entry.uuid.bytes[14] = (uint8_t)(i < 2 ? 0 : 255);
		watch_add(watch, &waiters[i].entry);
	}
	watch_tell_all(watch);
	watch_tell_all(watch);
	for (int i = 0; i < 4; i++)
		assert_int_equal(waiters[i].told, i % 2 ? 1 : 2);
	watch_free(watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_who_wait_for_the_ingestion_are_told_and_no_others),
	    cmocka_unit_test(who_is_removed_is_not_told_any_more),
	    cmocka_unit_test(a_waiter_may_remove_itself_when_it_is_told),
	    cmocka_unit_test(all_are_told_whatever_they_wait_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
