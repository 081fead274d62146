#include "random.h"

#include "util.h"

static const char *random_who(struct both *both)
{
	static const char *const who[] = {"uid:0", "uid:1000", "token:ops", "http"};

	return who[rng_range(&both->rng, 0, COUNT_OF(who) - 1)];
}

/* Mostly one of which a batch was claimed not long ago, or even runs. */
static struct uuid random_ingestion(struct both *both)
{
	int64_t known =
	    both->n_attempts < ATTEMPTS_KEPT ? (int64_t)both->n_attempts : ATTEMPTS_KEPT;

	if (known == 0 || rng_chance(&both->rng, 30))
		return rng_chance(&both->rng, 20) ? random_upload(both) : any_uuid(both);
	if (known > 3 && rng_chance(&both->rng, 60))
		known = 3;
	return both
	    ->attempts[(both->n_attempts - (size_t)rng_range(&both->rng, 1, known)) % ATTEMPTS_KEPT]
	    .uuid;
}

/* ---- of one ---- */

void random_cancel(struct both *both)
{
	struct store_op a = {.verb = STORE_CANCEL}, b;

	a.cancel.uuid = random_ingestion(both);
	a.cancel.who = random_who(both);
	b = a;
	run_both(both, &a, &b);
}

void random_retry(struct both *both)
{
	struct store_op a = {.verb = STORE_RETRY}, b;

	a.retry.uuid = random_ingestion(both);
	a.retry.cancelled = rng_chance(&both->rng, 60);
	b = a;
	run_both(both, &a, &b);
}

/* How many steps it takes is each store's own business. */
void random_bump(struct both *both)
{
	struct uuid uuid = random_ingestion(both);
	enum priority priority = (enum priority)rng_range(&both->rng, PRIORITY_HIGH, PRIORITY_LOW);

	same("bump: error", try_bump(both->fx[0], &uuid, priority),
	    try_bump(both->fx[1], &uuid, priority));
}

/* ---- of all ---- */

/* Pauses are short, so that something happens. */
static struct store_control random_brake(struct both *both)
{
	static const enum store_control_verb verbs[] = {STORE_PAUSE, STORE_PAUSE, STORE_DRAIN,
	    STORE_RESUME, STORE_RESUME, STORE_RESUME, STORE_RESUME, STORE_RATE, STORE_RATE};
	struct store_control wish = {
	    .verb = verbs[rng_range(&both->rng, 0, COUNT_OF(verbs) - 1)],
	    .who = random_who(both),
	};

	if (wish.verb == STORE_PAUSE && rng_chance(&both->rng, 80))
		wish.until_ms = both->fx[0]->utc_ms + rng_range(&both->rng, -2000, 15000);
	wish.clear_hold = wish.verb == STORE_RESUME && rng_chance(&both->rng, 40);
	if (wish.verb == STORE_RATE && rng_chance(&both->rng, 60))
		wish.interval_ns = rng_range(&both->rng, 1, 9000) * MS;
	return wish;
}

void random_control(struct both *both)
{
	struct store_op a = {.verb = STORE_CONTROL}, b;

	a.control = random_brake(both);
	b = a;
	run_both(both, &a, &b);
}

/* ---- notices ---- */

void random_notice(struct both *both)
{
	struct store_op a = {.verb = STORE_NOTICE}, b = a;

	run_both(both, &a, &b);
}

/* Mostly one of the last ones; sometimes of an end that never was. */
void random_told(struct both *both)
{
	int64_t known = both->n_notices < NOTICES_KEPT ? (int64_t)both->n_notices : NOTICES_KEPT;
	struct store_op a = {.verb = STORE_TOLD}, b;

	a.told.uuid = any_uuid(both);
	if (known > 0) {
		const struct ingestion *it =
		    &both->notices[rng_range(&both->rng, 0, known - 1)].ingestion;

		a.told.uuid = it->uuid;
		a.told.version = it->version - rng_chance(&both->rng, 10);
	}
	a.told.told = rng_chance(&both->rng, 50);
	a.told.retry_ms = rng_range(&both->rng, 0, 20000);
	a.told.uncounted = rng_chance(&both->rng, 30);
	b = a;
	run_both(both, &a, &b);
}
