#include "conf_check.h"

#include "door.h"
#include "handler.h"
#include "sock.h"
#include "store.h"

#include <grp.h>
#include <string.h>

static enum err check_store(const struct conf *conf, struct conf_found *found, struct fail *fail)
{
	size_t scheme = strlen(STORE_SQLITE_SCHEME);
	const char *url = conf->store;

	found->store_path = url + scheme;
	/* SQLite takes ":memory:" and "file:..." for something else than paths. */
	if (strncmp(url, STORE_SQLITE_SCHEME, scheme) != 0 || url[scheme] == '\0' ||
	    url[scheme] == ':' || strncmp(url + scheme, "file:", 5) == 0)
		return fail_set(fail, ERR_INVALID,
		    "%s: store: \"%.80s\" is not " STORE_SQLITE_SCHEME "PATH",
		    conf_origin(conf, "store"), url);
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

enum err conf_check(const struct conf *conf, struct conf_found *found, struct fail *fail)
{
	if (check_store(conf, found, fail) || check_socket(conf, found, fail) ||
	    doors_check(conf, fail) || check_handler(conf, "handler", conf->handler, fail))
		return fail->err;
	return check_notify(conf, fail);
}
