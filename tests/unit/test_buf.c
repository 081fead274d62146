#include "buf.h"

#include "unit.h"

static void an_empty_buffer_holds_nothing(void **state)
{
	struct buf buf = {0};

	(void)state;
	buf_free(&buf);
	assert_null(buf.data);
	assert_int_equal(buf.len, 0);
}

static void adding_appends_and_terminates(void **state)
{
	struct buf buf = {0};

	(void)state;
	buf_add(&buf, "abc", 3);
	buf_add_str(&buf, "de");
	buf_printf(&buf, "%d-%s", 42, "x");
	assert_int_equal(buf.len, 9);
	assert_string_equal(buf.data, "abcde42-x");
	buf_free(&buf);
}

static void adding_nothing_makes_an_empty_string(void **state)
{
	struct buf buf = {0};

	(void)state;
	buf_add(&buf, NULL, 0);
	assert_string_equal(buf.data, "");
	buf_printf(&buf, "%s", "");
	assert_string_equal(buf.data, "");
	assert_int_equal(buf.len, 0);
	buf_free(&buf);
}

static void bytes_may_be_nul(void **state)
{
	struct buf buf = {0};

	(void)state;
	buf_add(&buf, "a\0b", 3);
	buf_add(&buf, "\0", 1);
	assert_int_equal(buf.len, 4);
	assert_memory_equal(buf.data, "a\0b\0", 5);
	buf_free(&buf);
}

static void printf_takes_long_texts(void **state)
{
	struct buf buf = {0};

	(void)state;
	buf_printf(&buf, "%5000d%s", 7, "end");
	assert_int_equal(buf.len, 5003);
	assert_string_equal(buf.data + 4999, "7end");
	buf_free(&buf);
}

static void reserve_makes_room_behind_the_content(void **state)
{
	struct buf buf = {0};
	char *room;

	(void)state;
	buf_add(&buf, "ab", 2);
	room = buf_reserve(&buf, 100);
	assert_ptr_equal(room, buf.data + 2);
	memset(room, 'x', 101);
	assert_int_equal(buf.len, 2);
	assert_memory_equal(buf.data, "abxx", 4);
	buf_free(&buf);
}

static void growing_moves_the_content_rarely(void **state)
{
	struct buf buf = {0};
	int grown = 0;

	(void)state;
	for (size_t i = 0; i < 1000000; i++) {
		size_t cap = buf.cap;

		buf_add(&buf, "x", 1);
		grown += buf.cap != cap;
	}
	assert_in_range(grown, 1, 25);
	buf_free(&buf);
}

static void a_freed_buffer_can_be_used_again(void **state)
{
	struct buf buf = {0};

	(void)state;
	buf_add_str(&buf, "first");
	buf_free(&buf);
	buf_add_str(&buf, "second");
	assert_string_equal(buf.data, "second");
	buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_empty_buffer_holds_nothing),
	    TEST(adding_appends_and_terminates),
	    TEST(adding_nothing_makes_an_empty_string),
	    TEST(bytes_may_be_nul),
	    TEST(printf_takes_long_texts),
	    TEST(reserve_makes_room_behind_the_content),
	    TEST(growing_moves_the_content_rarely),
	    TEST(a_freed_buffer_can_be_used_again),
	};

	return RUN(tests);
}
