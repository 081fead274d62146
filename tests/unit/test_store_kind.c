/* Which kind of store a URL means, and how a URL is shown. */
#include "store.h"

#include "unit.h"
#include "util.h"

static void a_scheme_names_the_kind_and_the_rest_the_place(void **state)
{
	static const struct {
		const char *url;
		const struct store_kind *kind;
		const char *where;
	} cases[] = {
	    {"sqlite:/tmp/a.db", &store_sqlite, "/tmp/a.db"},
	    {"sqlite:", &store_sqlite, ""},
	    {"postgresql://u@h/d", &store_postgres, "postgresql://u@h/d"},
	    {"postgres://u@h/d", &store_postgres, "postgres://u@h/d"},
	    {"postgresql://", &store_postgres, "postgresql://"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *where = NULL;

		assert_ptr_equal(store_kind_of(cases[i].url, &where), cases[i].kind);
		assert_string_equal(where, cases[i].where);
	}
}

static void other_schemes_are_none(void **state)
{
	static const char *const urls[] = {"", "sqlite", "SQLITE:/a", "postgresql:/h",
	    "postgres:", "mysql://h", "/tmp/a.db", "xsqlite:/a", "host=h dbname=d"};
	const char *where;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++)
		assert_null(store_kind_of(urls[i], &where));
}

static void only_one_of_the_kinds_is_shared(void **state)
{
	(void)state;
	assert_false(store_sqlite.shared);
	assert_null(store_sqlite.init);
	assert_true(store_postgres.shared);
	assert_non_null(store_postgres.init);
}

static void paths_of_sqlite_are_checked(void **state)
{
	static const char *const bad[] = {"", ":memory:", "file:x.db"};
	struct fail fail;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(store_sqlite.check_url(bad[i], &fail), ERR_INVALID);
		assert_fail(&fail, ERR_INVALID, "is not sqlite:PATH");
	}
	assert_int_equal(store_sqlite.check_url("/tmp/a:b.db", &fail), ERR_OK);
	assert_int_equal(store_sqlite.check_url("relative.db", &fail), ERR_OK);
}

static void the_schema_of_sqlite_is_there_to_read(void **state)
{
	(void)state;
	assert_contains(store_sqlite.schema, "CREATE TABLE ledger (");
	assert_contains(store_sqlite.schema, "CREATE TABLE ingestion (");
}

static void a_password_is_never_shown(void **state)
{
	static const struct {
		const char *url, *shown;
	} cases[] = {
	    {"postgresql://u:secret@h/d", "postgresql://u:***@h/d"},
	    {"postgres://u:secret@h:5432/d?a=b", "postgres://u:***@h:5432/d?a=b"},
	    {"postgresql://u:@h", "postgresql://u:***@h"},
	    {"postgresql://:secret@h", "postgresql://:***@h"},
	    {"postgresql://h/d?password=secret", "postgresql://h/d?password=***"},
	    {"postgresql://h/d?password=secret&user=u", "postgresql://h/d?password=***&user=u"},
	    {"postgresql://h/d?user=u&sslpassword=secret",
		"postgresql://h/d?user=u&sslpassword=***"},
	    {"postgresql://h?p%61ssword=secret", "postgresql://h?p%61ssword=***"},
	    {"postgresql:///d?password=secret=x&password=",
		"postgresql:///d?password=***&password=***"},
	    /* Passwords that should have been written with escapes. */
	    {"postgresql://u:secr/et@h/d", "postgresql://u:***@h/d"},
	    {"postgresql://u:secr@et@h/d", "postgresql://u:***@h/d"},
	    {"postgresql://u:secr?et@h/d", "postgresql://u:***@h/d"},
	    {"postgresql://u:s@ecr/et@h/d", "postgresql://u:***@h/d"},
	    {"postgresql://u:se:cret@h", "postgresql://u:***@h"},
	    /* What is not a URL of ours is shown in an error. */
	    {"mysql://u:secret@h/d", "mysql://u:***@h/d"},
	    {"host=h password=secret user=u", "host=h password=*** user=u"},
	    {"password=secret", "password=***"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *shown = store_shown(cases[i].url);

		assert_string_equal(shown, cases[i].shown);
		free(shown);
	}
}

static void all_the_rest_is_shown_as_it_is(void **state)
{
	static const char *const urls[] = {"", "sqlite:/tmp/a@b:c.db", "/tmp/a b?c&d.db",
	    "postgresql://u@h/d", "postgresql://h1:5432,h2:5433/d?target_session_attrs=read-write",
	    "postgresql://h:5432/d?application_name=a@b", "postgresql:///d?host=%2Frun%2Fpg",
	    "postgresql://[::1]:5432/d", "sqlite:/tmp/100%=x", "postgresql://h/d?passfile=/x"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		char *shown = store_shown(urls[i]);

		assert_string_equal(shown, urls[i]);
		free(shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_scheme_names_the_kind_and_the_rest_the_place),
	    TEST(other_schemes_are_none),
	    TEST(only_one_of_the_kinds_is_shared),
	    TEST(paths_of_sqlite_are_checked),
	    TEST(the_schema_of_sqlite_is_there_to_read),
	    TEST(a_password_is_never_shown),
	    TEST(all_the_rest_is_shown_as_it_is),
	};

	return RUN(tests);
}
