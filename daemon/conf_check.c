#include "conf_check.h"

#include "door.h"
#include "handler.h"
#include "sock.h"
#include "store.h"

#include <grp.h>
#include <stdlib.h>
#include <string.h>

static enum err no_such_kind(const struct conf *conf, struct fail *fail)
{
	char *shown = store_shown(conf->store);

	fail_set(fail, ERR_INVALID,
	    "%s: store: \"%.80s\" is not " STORE_SQLITE_SCHEME "PATH or postgresql://...",
	    conf_origin(conf, "store"), shown);
	free(shown);
	return fail->err;
}

/* Only who joins a shared store needs it; the default may be impossible. */
static enum err check_node_name(const struct conf *conf, enum conf_action action,
    const struct store_kind *kind, struct fail *fail)
{
	if (!kind->shared || !conf_action_serves(action) || *conf->node_name)
		return ERR_OK;
	return fail_set(fail, ERR_INVALID,
	    "no node name: give --node-name, since HOST:SOCKET is longer than %d bytes or "
	    "not plain ASCII",
	    NODE_NAME_MAX);
}

static enum err check_store(const struct conf *conf, struct conf_found *found, struct fail *fail)
{
	struct fail why;

	found->store_kind = store_kind_of(conf->store, &found->store_where);
	if (!found->store_kind)
		return no_such_kind(conf, fail);
	if (found->store_kind->check_url(found->store_where, &why))
		return fail_set(
		    fail, why.err, "%s: store: %s", conf_origin(conf, "store"), why.text);
	return ERR_OK;
}

static enum err check_socket(const struct conf *conf, struct conf_found *found, struct fail *fail)
{
	const struct group *group = *conf->socket_group ? getgrnam(conf->socket_group) : NULL;

	found->socket_gid = group ? group->gr_gid : (gid_t)-1;
	if (*conf->socket_group && !group)
		return fail_set(fail, ERR_INVALID, "%s: socket-group: there is no group \"%.80s\"",
		    conf_origin(conf, "socket-group"), conf->socket_group);
	if (conf->socket && strlen(conf->socket) >= SOCK_PATH_SIZE)
		return fail_set(fail, ERR_INVALID,
		    "socket: path of %zu bytes, more than %d: %.60s...", strlen(conf->socket),
		    SOCK_PATH_SIZE - 1, conf->socket);
	return ERR_OK;
}

static enum err check_handler(
    const struct conf *conf, const char *option, const char *spec, struct fail *fail)
{
	struct handler *none;
	struct fail why;

	if (handler_open(&none, &(struct handler_env){.conf = conf, .spec = spec}, &why))
		return fail_set(fail, why.err, "%s: %s", conf_origin(conf, option), why.text);
	return ERR_OK;
}

static enum err check_notify(const struct conf *conf, struct fail *fail)
{
	const char *spec = conf->notify, *tells_nobody = handler_simulate.scheme;
	size_t len = strcspn(spec, ":");

	if (!*spec)
		return ERR_OK;
	if (strlen(tells_nobody) == len && memcmp(spec, tells_nobody, len) == 0)
		return fail_set(fail, ERR_INVALID,
		    "%s: notify: \"%.80s\" tells nobody; give exec:COMMAND or http:URL",
		    conf_origin(conf, "notify"), spec);
	return check_handler(conf, "notify", spec, fail);
}

enum err conf_check(
    const struct conf *conf, enum conf_action action, struct conf_found *found, struct fail *fail)
{
	if (check_store(conf, found, fail) ||
	    check_node_name(conf, action, found->store_kind, fail) ||
	    check_socket(conf, found, fail) || doors_check(conf, fail) ||
	    check_handler(conf, "handler", conf->handler, fail))
		return fail->err;
	return check_notify(conf, fail);
}
