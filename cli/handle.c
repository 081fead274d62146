#include "handle.h"

#include "args.h"
#include "exits.h"
#include "json.h"
#include "out.h"
#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* In lower case, if it is a beginning of a UUID and long enough. */
static bool parse_prefix(const char *text, char prefix[UUID_TEXT_SIZE])
{
	size_t len = strlen(text), hex = 0;
	struct uuid low, high;

	if (len >= UUID_TEXT_SIZE)
		return false;
	for (size_t i = 0; i <= len; i++) {
		bool is_upper = text[i] >= 'A' && text[i] <= 'F';

		prefix[i] = (char)(is_upper ? text[i] - 'A' + 'a' : text[i]);
		hex += text[i] != '-' && text[i] != '\0';
	}
	return hex >= HANDLE_PREFIX_MIN && uuid_prefix(prefix, &low, &high);
}

int handle_parse(const char *text, struct handle *handle)
{
	*handle = (struct handle){0};
	handle->known = uuid_parse(text, &handle->uuid);
	if (handle->known || (parse_u63(text, strlen(text), &handle->seq) && handle->seq > 0))
		return ARGS_GO_ON;
	handle->seq = 0;
	if (parse_prefix(text, handle->prefix))
		return ARGS_GO_ON;
	return out_fail(EXITS_USAGE,
	    "\"%.64s\" is not an ingestion: give its UUID, at least the first %d digits of that, "
	    "or "
	    "its number",
	    text, HANDLE_PREFIX_MIN);
}

static int fail_missing(const struct handle *handle, struct fail *fail)
{
	if (handle->seq > 0)
		fail_set(
		    fail, ERR_NOT_FOUND, "ingestion number %" PRId64 " not found", handle->seq);
	else
		fail_set(fail, ERR_NOT_FOUND, "no ingestion has an id that begins with %s",
		    handle->prefix);
	return EXITS_NOT_FOUND;
}

static int fail_ambiguous(const struct handle *handle, const struct uuid *first,
    const struct uuid *second, struct fail *fail)
{
	char a[UUID_TEXT_SIZE], b[UUID_TEXT_SIZE];

	uuid_format(first, a);
	uuid_format(second, b);
	fail_set(fail, ERR_INVALID, "more than one ingestion begins with %s: %s, %s",
	    handle->prefix, a, b);
	return EXITS_USAGE;
}

/*
 * The first two that match, or fewer. A page may have only one of them and be followed by others.
 */
static int find_two(struct client *client, const struct handle *handle, struct uuid found[2],
    size_t *n, struct fail *fail)
{
	struct wire_list list = {.filter.seq = handle->seq};
	struct wire_reply reply;

	strcpy(list.filter.id_prefix, handle->prefix);
	*n = 0;
	do {
		int status;

		list.limit = 2 - (int64_t)*n;
		status = client_list(client, &list, &reply, fail);
		if (status)
			return status;
		for (size_t i = 0; i < reply.list.n && *n < 2; i++)
			found[(*n)++] = reply.list.v[i].uuid;
		strcpy(list.cursor, reply.list.next);
		wire_reply_free(&reply);
	} while (*n < 2 && list.cursor[0]);
	return 0;
}

int handle_find(struct client *client, struct handle *handle, struct fail *fail)
{
	struct uuid found[2];
	size_t n;
	int status;

	if (handle->known)
		return 0;
	if (handle->seq > JSON_MAX_EXACT) /* no number is so large, and it cannot be sent */
		return fail_missing(handle, fail);
	status = find_two(client, handle, found, &n, fail);
	if (status)
		return status;
	if (n == 0)
		return fail_missing(handle, fail);
	if (n > 1)
		return fail_ambiguous(handle, &found[0], &found[1], fail);
	handle->uuid = found[0];
	handle->known = true;
	return 0;
}
