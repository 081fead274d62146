/* TCP addresses to listen on. */
#ifndef INGESTD_TCP_H
#define INGESTD_TCP_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

#define TCP_LISTENERS_MAX 16
#define TCP_ADDRESS_SIZE 80 /* "[address]:port" as text */

struct tcp_listener {
	int fd; /* non-blocking, close-on-exec; -1 while only the address is known */
	bool loopback; /* only programs on this machine can connect */
	char address[TCP_ADDRESS_SIZE]; /* with the port that was given, or chosen for port 0 */
};

struct tcp_listeners {
	struct tcp_listener v[TCP_LISTENERS_MAX];
	size_t n;
};

/*
 * Reads HOST:PORT, or several with commas between; an IPv6 address stands in brackets, a name
 * counts with all its addresses that this machine has. With `open` it listens on them, else it only
 * looks. ERR_INVALID for what is no address, ERR_CONFLICT for one that is taken, ERR_NOT_FOUND for
 * one that this machine does not have, ERR_INTERNAL; the text names it. Nothing is open then.
 */
enum err tcp_listen(
    struct tcp_listeners *listeners, const char *addresses, bool open, struct fail *fail);

void tcp_close(struct tcp_listeners *listeners);

#endif
