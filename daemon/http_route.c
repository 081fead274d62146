/* Which path leads where. */
#include "http_exchange.h"

#include <stdio.h>
#include <string.h>

/* The manual ingestd-http(7) and openapi.json list the same; tests compare them. */
const struct http_route http_routes[] = {
    {"POST", "/ingest", SCOPE_SUBMIT, false, true, http_ingest, http_ingest_done},
    {"GET", "/status/{id}", SCOPE_READ, false, false, http_status, http_status_done},
    {"GET", "/ingestions", SCOPE_READ, false, false, http_list, http_list_done},
    {"GET", "/ingestions/{id}", SCOPE_READ, false, false, http_status, http_status_done},
    {"DELETE", "/ingestions/{id}", SCOPE_SUBMIT, false, false, http_cancel, http_control_done},
    {"POST", "/ingestions/{id}/retry", SCOPE_SUBMIT, false, true, http_retry, http_control_done},
    {"PUT", "/ingestions/{id}/priority", SCOPE_SUBMIT, false, true, http_bump, http_control_done},
    {"GET", "/ingestions/{id}/report", SCOPE_READ, false, false, http_report, http_report_done},
    {"POST", "/bulk", SCOPE_ADMIN, false, true, http_bulk, http_control_done},
    {"POST", "/pause", SCOPE_ADMIN, false, true, http_pause, http_control_done},
    {"POST", "/resume", SCOPE_ADMIN, false, true, http_resume, http_control_done},
    {"POST", "/drain", SCOPE_ADMIN, false, true, http_start_drain, http_control_done},
    {"PUT", "/rate", SCOPE_ADMIN, false, true, http_rate, http_control_done},
    {"DELETE", "/rate", SCOPE_ADMIN, false, false, http_reset_rate, http_control_done},
    {"POST", "/reload", SCOPE_ADMIN, false, true, http_start_reload, http_control_done},
    {"GET", "/stats", SCOPE_READ, false, false, http_stats, http_stats_done},
    {"GET", "/nodes", SCOPE_READ, false, false, http_nodes, http_nodes_done},
    {"GET", "/metrics", SCOPE_READ, false, false, http_stats, http_metrics_done},
    {"GET", "/health", SCOPE_NONE, true, false, http_health, NULL},
    {"GET", "/healthz", SCOPE_NONE, true, false, http_health, NULL},
    {"GET", "/readyz", SCOPE_NONE, true, false, http_ready, http_ready_done},
    {"GET", "/openapi.json", SCOPE_NONE, false, false, http_openapi, NULL},
    {"GET", "/docs", SCOPE_NONE, false, false, http_docs, NULL},
    {"GET", "/", SCOPE_NONE, false, false, http_index, NULL},
    {0},
};

/* Whether the path has the pattern; what stands for {id} goes to `id`. */
static bool fits(const char *pattern, const char *path, char id[HTTP_FIELD_MAX])
{
	const char *brace = strchr(pattern, '{');
	size_t fixed = brace ? (size_t)(brace - pattern) : 0, len;

	id[0] = '\0';
	if (!brace)
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, fixed) != 0)
		return false;
	len = strcspn(path + fixed, "/");
	if (len == 0 || strcmp(path + fixed + len, brace + strlen("{id}")) != 0)
		return false;
	if (len < HTTP_FIELD_MAX)
		snprintf(id, HTTP_FIELD_MAX, "%.*s", (int)len, path + fixed);
	return true;
}

static void allow_also(char allow[64], const char *method)
{
	size_t len = strlen(allow);

	snprintf(allow + len, 64 - len, "%s%s%s", len ? ", " : "", method,
	    strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

bool http_route_methods(const char *path, char allow[64])
{
	char id[HTTP_FIELD_MAX];
	bool found = strcmp(path, "*") == 0;

	strcpy(allow, "OPTIONS");
	for (const struct http_route *route = http_routes; route->method; route++)
		if (fits(route->path, path, id)) {
			allow_also(allow, route->method);
			found = true;
		}
	return found;
}

const struct http_route *http_route_find(
    const char *method, const char *path, char id[HTTP_FIELD_MAX], char allow[64], int *status)
{
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;

	for (const struct http_route *route = http_routes; route->method; route++)
		if (strcmp(route->method, wanted) == 0 && fits(route->path, path, id))
			return route;
	*status = http_route_methods(path, allow) ? 405 : 404;
	return NULL;
}
