#include "fuzz.h"

#include "exec_outcome.h"
#include "utf8.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N 6
#define KEPT 200 /* bytes of the rest */

struct reading {
	struct exec_outcomes outcomes;
	struct output rest;
};

static struct reading read_pieces(
    const struct idlist *ids, const char *text, size_t len, size_t piece)
{
	struct reading reading;
	struct exec_output rest;

	exec_outcomes_init(&reading.outcomes, ids);
	exec_output_init(&rest, KEPT);
	for (size_t at = 0; at < len; at += piece)
		exec_outcomes_add(
		    &reading.outcomes, text + at, len - at < piece ? len - at : piece, &rest);
	exec_outcomes_end(&reading.outcomes, &rest);
	exec_output_take(&rest, &reading.rest);
	return reading;
}

static void end_reading(struct reading *reading)
{
	exec_outcomes_free(&reading->outcomes);
	free(reading->rest.text);
}

static void check_clean(const char *text, bool is_line)
{
	for (size_t n; *text; text += n) {
		n = utf8_length(text, strlen(text));
		if (n == 0 || (utf8_is_control(text, n) && (is_line || !strchr("\n\t", *text))))
			abort();
	}
}

static bool is_outcome(const struct idlist *ids, const char *line, size_t len)
{
	static const char *const words[] = {"ok", "retry", "fail"};
	char start[64];

	if (len > EXEC_OUTCOME_LINE_MAX)
		return false;
	len -= len > 0 && line[len - 1] == '\n';
	len -= len > 0 && line[len - 1] == '\r';
	for (size_t i = 0; i < 3 * ids->n; i++) {
		size_t n = (size_t)snprintf(
		    start, sizeof(start), "%" PRId64 "\t%s", ids->v[i / 3], words[i % 3]);

		if (len >= n && memcmp(line, start, n) == 0 && (len == n || line[n] == '\t'))
			return true;
	}
	return false;
}

/* The bytes of the lines that are taken out, found in the simplest way. */
static size_t length_of_outcomes(const struct idlist *ids, const char *text, size_t len)
{
	size_t sum = 0;

	for (size_t at = 0, n; at < len; at += n) {
		const char *newline = memchr(text + at, '\n', len - at);

		n = newline ? (size_t)(newline - text) + 1 - at : len - at;
		sum += is_outcome(ids, text + at, n) ? n : 0;
	}
	return sum;
}

static void compare(const struct reading *a, const struct reading *b)
{
	if (a->rest.bytes != b->rest.bytes ||
	    !a->outcomes.of_ids.results != !b->outcomes.of_ids.results ||
	    strcmp(a->rest.text ? a->rest.text : "", b->rest.text ? b->rest.text : "") != 0)
		abort();
	for (size_t i = 0; a->outcomes.of_ids.results && i < N; i++) {
		const struct result *x = &a->outcomes.of_ids.results[i],
				    *y = &b->outcomes.of_ids.results[i];

		if (a->outcomes.of_ids.said[i] != b->outcomes.of_ids.said[i] ||
		    x->outcome != y->outcome ||
		    strcmp(x->message ? x->message : "", y->message ? y->message : "") != 0)
			abort();
		if (x->message && strlen(x->message) > ATTEMPT_ID_ERROR_MAX)
			abort();
		check_clean(x->message ? x->message : "", true);
	}
}

int fuzz_outcome(const uint8_t *data, size_t size)
{
	int64_t v[N] = {7, 1, 12, 7, INT64_MAX, 3};
	struct idlist ids = {.v = v, .n = N};
	const char *text = (const char *)data + 1;
	struct reading whole, pieces;

	if (size == 0)
		return 0;
	whole = read_pieces(&ids, text, size - 1, size);
	pieces = read_pieces(&ids, text, size - 1, 1 + data[0] % 100);
	compare(&whole, &pieces);
	if (whole.rest.bytes != (int64_t)(size - 1 - length_of_outcomes(&ids, text, size - 1)))
		abort();
	check_clean(whole.rest.text ? whole.rest.text : "", false);
	end_reading(&whole);
	end_reading(&pieces);
	return 0;
}
