#include "tcp.h"

#include "util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;

		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	}
	return IN6_IS_ADDR_LOOPBACK(
	    &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static void write_address(
    const struct sockaddr *address, socklen_t len, char text[TCP_ADDRESS_SIZE])
{
	char host[INET6_ADDRSTRLEN + 20], port[8];

	if (getnameinfo(address, len, host, sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		strcpy(text, "?");
	else
		snprintf(
		    text, TCP_ADDRESS_SIZE, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static int open_socket(const struct addrinfo *info)
{
	static const int one = 1;
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), saved;

	if (fd < 0)
		return -1;
	/* A daemon that is started again finds its address free; IPv4 has sockets of its own. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
	    (info->ai_family != AF_INET6 ||
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) == 0) &&
	    bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static enum err err_of(int number)
{
	switch (number) {
	case EADDRINUSE:
		return ERR_CONFLICT;
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return ERR_NOT_FOUND;
	default:
		return ERR_INTERNAL;
	}
}

static enum err add(
    struct tcp_listeners *listeners, const struct addrinfo *info, bool open, struct fail *fail)
{
	struct tcp_listener *listener = &listeners->v[listeners->n];
	struct sockaddr_storage bound;
	socklen_t len = sizeof(bound);

	if (listeners->n == TCP_LISTENERS_MAX)
		return fail_set(fail, ERR_INVALID, "more than %d addresses", TCP_LISTENERS_MAX);
	*listener = (struct tcp_listener){.fd = -1, .loopback = is_loopback(info->ai_addr)};
	write_address(info->ai_addr, info->ai_addrlen, listener->address);
	if (open) {
		listener->fd = open_socket(info);
		if (listener->fd < 0)
			return fail_set(fail, err_of(errno), "cannot listen on %s: %s",
			    listener->address, strerror(errno));
		if (getsockname(listener->fd, (struct sockaddr *)&bound, &len) == 0)
			write_address((struct sockaddr *)&bound, len, listener->address);
	}
	listeners->n++;
	return ERR_OK;
}

/* Splits HOST:PORT, where HOST may be in brackets. */
static bool split(char *text, char **host, char **port)
{
	char *colon = strrchr(text, ':');
	size_t len;
	int64_t number;

	if (!colon || colon == text)
		return false;
	*colon = '\0';
	*host = text;
	*port = colon + 1;
	len = strlen(text);
	if (text[0] == '[' && text[len - 1] == ']') {
		text[len - 1] = '\0';
		++*host;
	} else if (strchr(text, ':')) {
		return false; /* an IPv6 address without brackets */
	}
	return parse_u63(*port, strlen(*port), &number) && number <= 65535;
}

/* Of the addresses of a name, such as localhost, this machine may not have all: IPv6 can be off. */
static enum err add_list(
    struct tcp_listeners *listeners, const struct addrinfo *info, bool open, struct fail *fail)
{
	size_t before = listeners->n;

	for (; info; info = info->ai_next)
		if (add(listeners, info, open, fail) && fail->err != ERR_NOT_FOUND)
			return fail->err;
	if (listeners->n > before)
		fail->err = ERR_OK;
	return fail->err;
}

static enum err add_all(struct tcp_listeners *listeners, char *text, bool open, struct fail *fail)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
			    .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
			*list;
	char *host, *port, *copy = xstrdup(text);
	int code;

	fail->err = ERR_OK;
	if (!split(copy, &host, &port)) {
		fail_set(
		    fail, ERR_INVALID, "\"%.80s\" is not HOST:PORT, such as 127.0.0.1:8000", text);
	} else if ((code = getaddrinfo(host, port, &hints, &list)) != 0) {
		fail_set(fail, ERR_INVALID, "\"%.80s\": %s", text, gai_strerror(code));
	} else {
		add_list(listeners, list, open, fail);
		freeaddrinfo(list);
	}
	free(copy);
	return fail->err;
}

enum err tcp_listen(
    struct tcp_listeners *listeners, const char *addresses, bool open, struct fail *fail)
{
	char *copy = xstrdup(addresses), *rest = *copy ? copy : NULL, *part;

	*listeners = (struct tcp_listeners){.n = 0};
	fail->err = ERR_OK;
	while (!fail->err && (part = strsep(&rest, ",")))
		add_all(listeners, part, open, fail);
	free(copy);
	if (fail->err)
		tcp_close(listeners);
	return fail->err;
}

void tcp_close(struct tcp_listeners *listeners)
{
	for (size_t i = 0; i < listeners->n; i++)
		if (listeners->v[i].fd >= 0)
			close(listeners->v[i].fd);
	listeners->n = 0;
}
