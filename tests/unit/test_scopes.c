/* The table of scopes in ingestd-http(7) says what the table of verbs does. */
#include "access.h"
#include "api.h"
#include "unit.h"
#include "util.h"
#include "wire.h"

#define PAGE "man/ingestd-http.7"
#define LINE_SIZE 512

/* The verbs that the manual lists behind a scope: ".It read Ta status, list Ta ROUTES". */
static void read_verbs(const char *scope, char verbs[LINE_SIZE])
{
	char line[LINE_SIZE], start[64];
	FILE *page = fopen(PAGE, "r");

	assert_non_null(page);
	snprintf(start, sizeof(start), ".It %s Ta ", scope);
	verbs[0] = '\0';
	while (fgets(line, sizeof(line), page))
		if (strncmp(line, start, strlen(start)) == 0) {
			line[strcspn(line, "\n")] = '\0';
			snprintf(verbs, LINE_SIZE, "%s", line + strlen(start));
			*strstr(verbs, " Ta ") = '\0';
		}
	fclose(page);
	if (!*verbs)
		fail_msg(PAGE " has no verbs for %s", scope);
}

static bool has_verb(const char *verbs, const char *name)
{
	char copy[LINE_SIZE], *rest = copy, *verb;

	snprintf(copy, sizeof(copy), "%s", verbs);
	while ((verb = strsep(&rest, ", ")))
		if (strcmp(verb, name) == 0)
			return true;
	return false;
}

static void the_manual_has_the_scope_of_every_verb(void **state)
{
	static const struct {
		const char *name;
		unsigned scope;
	} scopes[] = {{"read", SCOPE_READ}, {"submit", SCOPE_SUBMIT}, {"admin", SCOPE_ADMIN},
	    {"none", SCOPE_NONE}};
	char verbs[LINE_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(scopes); i++) {
		read_verbs(scopes[i].name, verbs);
		for (int method = 0; method < WIRE_METHOD_COUNT; method++) {
			const char *name = wire_method_name((enum wire_method)method);
			bool needs = api_scope((enum wire_method)method) == scopes[i].scope;

			if (needs != has_verb(verbs, name))
				fail_msg("%s: the manual %s it under %s", name,
				    needs ? "does not list" : "lists", scopes[i].name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_manual_has_the_scope_of_every_verb),
	};

	return RUN(tests);
}
