#include "random.h"

#include <stdio.h>
#include <string.h>

void compare_status(struct both *both, const struct uuid *uuid, int64_t from_batch, int64_t limit)
{
	struct store_op a = {.verb = STORE_STATUS}, b;

	a.status.uuid = *uuid;
	a.status.from_batch = from_batch;
	a.status.limit = limit;
	a.status.output = rng_chance(&both->rng, 50);
	b = a;
	run_both(both, &a, &b);
}

void random_status(struct both *both)
{
	struct uuid uuid = any_uuid(both);

	compare_status(both, &uuid, rng_chance(&both->rng, 50) ? 0 : rng_range(&both->rng, 0, 900),
	    rng_chance(&both->rng, 50) ? STORE_PAGE_BATCHES : rng_range(&both->rng, 0, 20));
}

void compare_report(
    struct both *both, const struct uuid *uuid, const struct report_filter *filter, int64_t limit)
{
	struct report_page all[2];

	for (int i = 0; i < 2; i++)
		all[i] = report_all(both->fx[i], uuid, filter, limit);
	same_reports(&all[0], &all[1]);
	for (int i = 0; i < 2; i++)
		report_page_free(&all[i]);
}

/* One of the ids of a page, or one that is not there. */
static int64_t random_id(struct both *both, const struct status_page *page)
{
	if (page->ids.n == 0 || rng_chance(&both->rng, 10))
		return 4;
	return page->ids.v[rng_range(&both->rng, 0, (int64_t)page->ids.n - 1)];
}

void random_report(struct both *both)
{
	struct uuid uuid = any_uuid(both);
	struct store_op op = {.verb = STORE_STATUS};
	struct report_filter filter = {.failed = rng_chance(&both->rng, 40)};

	op.status.uuid = uuid;
	op.status.limit = 3;
	do_op(both->fx[0], &op);
	if (op.fail.err)
		return;
	if (rng_chance(&both->rng, 40))
		filter.id = random_id(both, &op.status.page);
	compare_report(both, &uuid, &filter,
	    rng_range(&both->rng, 1, 10) + op.status.page.ingestion.counts.ids / 20);
	store_op_reset(&op);
}

/* Page by page, each store with its own cursors. */
void compare_lists(struct both *both, const struct list_filter *filter, int64_t limit)
{
	struct store_op ops[2] = {{.verb = STORE_LIST}, {.verb = STORE_LIST}};

	do {
		for (int i = 0; i < 2; i++) {
			char cursor[LIST_CURSOR_SIZE];

			strcpy(cursor, ops[i].list.page.next);
			store_op_reset(&ops[i]);
			ops[i] = try_list(both->fx[i], filter, limit, cursor);
		}
		same("list: error", ops[0].fail.err, ops[1].fail.err);
		same_lists(&ops[0].list.page, &ops[1].list.page);
		same("list: goes on", ops[0].list.page.next[0] != 0, ops[1].list.page.next[0] != 0);
	} while (ops[0].list.page.next[0]);
	store_op_reset(&ops[0]);
	store_op_reset(&ops[1]);
}

static void random_prefix(struct both *both, char prefix[UUID_TEXT_SIZE])
{
	struct uuid uuid = any_uuid(both);

	uuid_format(&uuid, prefix);
	prefix[rng_chance(&both->rng, 50) ? 36 : rng_range(&both->rng, 1, 8)] = 0;
}

void random_list(struct both *both)
{
	struct list_filter filter = {.has_status = rng_chance(&both->rng, 50),
	    .status = (enum ingestion_status)rng_range(&both->rng, 0, INGESTION_STATUS_COUNT - 1),
	    .has_priority = rng_chance(&both->rng, 30),
	    .priority = (enum priority)rng_range(&both->rng, PRIORITY_HIGH, PRIORITY_LOW)};

	if (rng_chance(&both->rng, 20))
		strcpy(filter.label, "label 1");
	if (rng_chance(&both->rng, 10))
		filter.seq = rng_range(&both->rng, 1, 200);
	if (rng_chance(&both->rng, 30))
		random_prefix(both, filter.id_prefix);
	if (rng_chance(&both->rng, 20))
		filter.before_ms = both->fx[0]->utc_ms - rng_range(&both->rng, 0, 1000000);
	compare_lists(
	    both, &filter, rng_chance(&both->rng, 50) ? 1000 : rng_range(&both->rng, 1, 50));
}

void compare_stats(struct both *both)
{
	struct store_op a = {.verb = STORE_STATS}, b = {.verb = STORE_STATS};

	/* Totals are written at the end of a turn; nobody reads them before. */
	if (!both->fx[0]->in_turn)
		run_both(both, &a, &b);
}
