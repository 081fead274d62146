#include "unit.h"

#include "tcp.h"
#include "util.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tcp_listeners found;
static struct fail fail;

static enum err look(const char *addresses)
{
	return tcp_listen(&found, addresses, false, &fail);
}

static void addresses_are_host_and_port(void **state)
{
	(void)state;
	assert_int_equal(look("127.0.0.1:8000"), ERR_OK);
	assert_int_equal(found.n, 1);
	assert_string_equal(found.v[0].address, "127.0.0.1:8000");
	assert_int_equal(found.v[0].fd, -1);
	assert_int_equal(look("127.0.0.1:8000,[::1]:65535,0.0.0.0:0"), ERR_OK);
	assert_int_equal(found.n, 3);
	assert_string_equal(found.v[1].address, "[::1]:65535");
	assert_string_equal(found.v[2].address, "0.0.0.0:0");
	/* In brackets or not. */
	assert_int_equal(look("[127.0.0.1]:1"), ERR_OK);
	assert_string_equal(found.v[0].address, "127.0.0.1:1");
	assert_int_equal(look(""), ERR_OK);
	assert_int_equal(found.n, 0);
}

static void names_count_with_all_their_addresses(void **state)
{
	(void)state;
	assert_int_equal(look("localhost:80"), ERR_OK);
	assert_true(found.n >= 1);
	for (size_t i = 0; i < found.n; i++)
		assert_true(found.v[i].loopback);
}

/* What others can reach must not pass for an address of this machine. */
static void loopback_is_127_and_1_alone(void **state)
{
	static const struct {
		const char *address;
		bool loopback;
	} cases[] = {
	    {"127.0.0.1:1", true},
	    {"127.1.2.3:1", true},
	    {"127.255.255.255:1", true},
	    {"[::1]:1", true},
	    {"0.0.0.0:1", false},
	    {"[::]:1", false},
	    {"128.0.0.1:1", false},
	    {"126.255.255.255:1", false},
	    {"10.0.0.127:1", false},
	    {"192.168.0.1:1", false},
	    {"[::2]:1", false},
	    {"[fe80::1]:1", false},
	    {"[1::1]:1", false},
	    {"[::ffff:10.0.0.1]:1", false},
	    {"[::ffff:0.0.0.0]:1", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (look(cases[i].address))
			fail_msg("%s: %s", cases[i].address, fail.text);
		if (found.v[0].loopback != cases[i].loopback)
			fail_msg("%s: loopback is %d", cases[i].address, found.v[0].loopback);
	}
}

/* Nothing that would be looked up in the DNS. */
static void what_is_no_address_is_named(void **state)
{
	static const char *const wrong[] = {"8000", ":8000", "127.0.0.1",
	    "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1",
	    "127.0.0.1:08x", "127.0.0.1: 80", "::1:80", "[::1]", "[]:80", "[:80", "127.0.0.1:80 ",
	    "http://localhost"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		if (look(wrong[i]) != ERR_INVALID)
			fail_msg("\"%s\" was taken as %s", wrong[i], found.v[0].address);
		assert_contains(fail.text, wrong[i]);
		assert_int_equal(found.n, 0);
	}
	assert_int_equal(look("127.0.0.1:1,,127.0.0.1:2"), ERR_INVALID);
	assert_int_equal(look("127.0.0.1:1,"), ERR_INVALID);
	assert_int_equal(look(","), ERR_INVALID);
}

static void there_are_at_most_16(void **state)
{
	char text[512] = "127.0.0.1:1";

	(void)state;
	for (int i = 1; i < TCP_LISTENERS_MAX; i++)
		strcat(text, ",127.0.0.1:1");
	assert_int_equal(look(text), ERR_OK);
	assert_int_equal(found.n, TCP_LISTENERS_MAX);
	strcat(text, ",127.0.0.1:1");
	assert_int_equal(look(text), ERR_INVALID);
	assert_contains(fail.text, "more than 16");
	assert_int_equal(found.n, 0);
}

static void the_port_that_was_chosen_is_in_the_address(void **state)
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);
	char text[TCP_ADDRESS_SIZE];
	int yes = 0;
	socklen_t size = sizeof(yes);

	(void)state;
	assert_int_equal(tcp_listen(&found, "127.0.0.1:0", true, &fail), ERR_OK);
	assert_int_equal(getsockname(found.v[0].fd, (struct sockaddr *)(void *)&address, &len), 0);
	snprintf(text, sizeof(text), "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
	assert_string_equal(found.v[0].address, text);
	assert_int_equal(getsockopt(found.v[0].fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size), 0);
	assert_true(yes);
	tcp_close(&found);
	assert_int_equal(found.n, 0);
}

static int highest_descriptor(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void an_address_that_is_taken_is_named_and_nothing_stays_open(void **state)
{
	struct tcp_listeners first;
	char both[2 * TCP_ADDRESS_SIZE + 16];
	int before;

	(void)state;
	assert_int_equal(tcp_listen(&first, "127.0.0.1:0", true, &fail), ERR_OK);
	before = highest_descriptor();
	snprintf(both, sizeof(both), "127.0.0.1:0,%s", first.v[0].address);
	assert_int_equal(tcp_listen(&found, both, true, &fail), ERR_CONFLICT);
	assert_contains(fail.text, first.v[0].address);
	assert_int_equal(found.n, 0);
	assert_int_equal(highest_descriptor(), before);
	tcp_close(&first);
}

/* 192.0.2.0/24 is for examples: no machine has it. */
static void an_address_of_somebody_else_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(tcp_listen(&found, "192.0.2.1:0", true, &fail), ERR_NOT_FOUND);
	assert_contains(fail.text, "192.0.2.1:0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(addresses_are_host_and_port),
	    TEST(names_count_with_all_their_addresses),
	    TEST(loopback_is_127_and_1_alone),
	    TEST(what_is_no_address_is_named),
	    TEST(there_are_at_most_16),
	    TEST(the_port_that_was_chosen_is_in_the_address),
	    TEST(an_address_that_is_taken_is_named_and_nothing_stays_open),
	    TEST(an_address_of_somebody_else_is_an_error),
	};

	return RUN(tests);
}
