#include "store.h"

static enum err open_nothing(struct store **store, const char *where,
    const struct store_settings *settings, const struct clock *clock, struct store_found *found,
    struct fail *fail)
{
	(void)store, (void)where, (void)settings, (void)clock, (void)found;
	return fail_set(fail, ERR_INTERNAL, "not built");
}

static enum err init_nothing(const char *where, struct fail *fail)
{
	(void)where;
	return fail_set(fail, ERR_INTERNAL, "not built");
}

static bool check_nothing(const char *where, struct fail *fail)
{
	(void)where;
	fail_set(fail, ERR_INTERNAL, "not built");
	return false;
}

const struct store_kind store_postgres = {.scheme = "postgresql://",
    .alias = "postgres://",
    .shared = true,
    .open = open_nothing,
    .check = check_nothing,
    .init = init_nothing};
