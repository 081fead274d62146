#include "unit.h"

#include "http_exchange.h"
#include "util.h"

static char id[HTTP_FIELD_MAX], allow[64];
static int status;

static const char *find(const char *method, const char *path)
{
	const struct http_route *route;

	status = 0;
	strcpy(id, "before");
	strcpy(allow, "before");
	route = http_route_find(method, path, id, allow, &status);
	return route ? route->path : NULL;
}

static void paths_lead_to_routes(void **state)
{
	(void)state;
	assert_string_equal(find("POST", "/ingest"), "/ingest");
	assert_string_equal(id, "");
	assert_string_equal(find("GET", "/"), "/");
	assert_string_equal(find("GET", "/ingestions"), "/ingestions");
	assert_string_equal(find("GET", "/status/a"), "/status/{id}");
	assert_string_equal(id, "a");
	assert_string_equal(find("GET", "/ingestions/x y%2Fz"), "/ingestions/{id}");
	assert_string_equal(id, "x y%2Fz");
	assert_string_equal(find("GET", "/ingestions/a/report"), "/ingestions/{id}/report");
	assert_string_equal(id, "a");
	assert_string_equal(find("GET", "/ingestions/report"), "/ingestions/{id}");
	/* The pattern itself is a path as good as any. */
	assert_string_equal(find("GET", "/status/{id}"), "/status/{id}");
	assert_string_equal(id, "{id}");
}

static void methods_of_a_path_differ(void **state)
{
	(void)state;
	assert_string_equal(find("DELETE", "/ingestions/a"), "/ingestions/{id}");
	assert_string_equal(id, "a");
	assert_string_equal(find("POST", "/ingestions/a/retry"), "/ingestions/{id}/retry");
	assert_string_equal(find("PUT", "/ingestions/a/priority"), "/ingestions/{id}/priority");
	assert_null(find("GET", "/ingestions/a/retry"));
	assert_int_equal(status, 405);
	assert_string_equal(allow, "OPTIONS, POST");
	assert_null(find("POST", "/rate"));
	assert_string_equal(allow, "OPTIONS, PUT, DELETE");
	assert_null(find("POST", "/ingestions/a"));
	assert_string_equal(allow, "OPTIONS, GET, HEAD, DELETE");
}

static void head_goes_where_get_goes(void **state)
{
	(void)state;
	for (const struct http_route *route = http_routes; route->method; route++) {
		if (strcmp(route->method, "GET") != 0)
			continue;
		assert_string_equal(find("HEAD", route->path), route->path);
	}
	assert_null(find("HEAD", "/ingest"));
	assert_int_equal(status, 405);
}

static void what_is_not_there_is_404(void **state)
{
	static const char *const paths[] = {"", "*", "/nope", "/ingest/", "/Ingest", "//ingest",
	    "/ingest\n", "/status", "/status/", "/status/a/b", "/status//", "/statusx/a",
	    "/ingestions/a/", "/ingestions//report", "/ingestions/a/report/",
	    "/ingestions/a/b/report", "/ingestions/a/reports", "/status/a/report", "/healthz/",
	    "/healthx", "x/ingest"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		assert_null(find("GET", paths[i]));
		/* "*" is what OPTIONS asks about. */
		assert_int_equal(status, strcmp(paths[i], "*") == 0 ? 405 : 404);
	}
}

static void wrong_methods_are_405_with_those_that_there_are(void **state)
{
	(void)state;
	assert_null(find("GET", "/ingest"));
	assert_int_equal(status, 405);
	assert_string_equal(allow, "OPTIONS, POST");
	assert_null(find("POST", "/status/a"));
	assert_int_equal(status, 405);
	assert_string_equal(allow, "OPTIONS, GET, HEAD");
	assert_null(find("get", "/health"));
	assert_int_equal(status, 405);
	assert_null(find("", "/health"));
	assert_int_equal(status, 405);
}

static void methods_of_a_path(void **state)
{
	(void)state;
	assert_true(http_route_methods("*", allow));
	assert_string_equal(allow, "OPTIONS");
	assert_true(http_route_methods("/metrics", allow));
	assert_string_equal(allow, "OPTIONS, GET, HEAD");
	assert_false(http_route_methods("/nope", allow));
}

static void an_id_that_is_too_long_is_empty(void **state)
{
	char path[512] = "/status/";

	(void)state;
	memset(path + 8, 'x', HTTP_FIELD_MAX - 1);
	assert_string_equal(find("GET", path), "/status/{id}");
	assert_string_equal(id, path + 8);
	memset(path + 8, 'x', HTTP_FIELD_MAX);
	assert_string_equal(find("GET", path), "/status/{id}");
	assert_string_equal(id, "");
}

static void routes_are_there_once_and_guarded(void **state)
{
	(void)state;
	for (const struct http_route *route = http_routes; route->method; route++) {
		bool open = route->is_health || strcmp(route->path, "/") == 0 ||
		            strcmp(route->path, "/docs") == 0 ||
		            strcmp(route->path, "/openapi.json") == 0;

		for (const struct http_route *other = http_routes; other != route; other++)
			if (strcmp(other->path, route->path) == 0)
				assert_string_not_equal(other->method, route->method);
		if ((route->scope == SCOPE_NONE) != open)
			fail_msg("%s needs a scope, or none", route->path);
		if (route->scope == SCOPE_READ)
			assert_string_equal(route->method, "GET");
		assert_int_equal(route->has_body,
		    strcmp(route->method, "POST") == 0 || strcmp(route->method, "PUT") == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(paths_lead_to_routes),
	    TEST(methods_of_a_path_differ),
	    TEST(head_goes_where_get_goes),
	    TEST(what_is_not_there_is_404),
	    TEST(wrong_methods_are_405_with_those_that_there_are),
	    TEST(methods_of_a_path),
	    TEST(an_id_that_is_too_long_is_empty),
	    TEST(routes_are_there_once_and_guarded),
	};

	return RUN(tests);
}
