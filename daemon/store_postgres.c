/* The store of PostgreSQL: not there yet. */
#include "store.h"

static enum err check_url(const char *where, struct fail *fail)
{
	(void)where;
	return fail->err = ERR_OK;
}

static enum err not_built(struct fail *fail)
{
	return fail_set(fail, ERR_INTERNAL, "this ingestd was built without PostgreSQL");
}

static enum err open_store(struct store **store, const char *where,
    const struct store_settings *settings, const struct clock *clock, struct store_found *found,
    struct fail *fail)
{
	(void)store, (void)where, (void)settings, (void)clock, (void)found;
	return not_built(fail);
}

static enum err open_reader(
    struct store **store, const char *where, const struct clock *clock, struct fail *fail)
{
	(void)store, (void)where, (void)clock;
	return not_built(fail);
}

static bool rate(const char *where, int64_t *interval_ns)
{
	(void)where, (void)interval_ns;
	return false;
}

static bool check(const char *where, struct fail *fail)
{
	(void)where;
	not_built(fail);
	return false;
}

static enum err init(const char *where, struct fail *fail)
{
	(void)where;
	return not_built(fail);
}

static const char *library(void)
{
	return "none";
}

const struct store_kind store_postgres = {
    .scheme = "postgresql://",
    .alias = "postgres://",
    .shared = true,
    .check_url = check_url,
    .open = open_store,
    .open_reader = open_reader,
    .rate = rate,
    .check = check,
    .init = init,
    .schema = "",
    .library = library,
};
