#include "exec_limits.h"

#include "unit.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void assert_refused(const char *text, const char *why)
{
	struct exec_limits limits;
	struct fail fail;

	assert_int_equal(exec_limits_read(&limits, text, &fail), ERR_INVALID);
	assert_string_equal(fail.text, why);
}

static void no_limits_are_fine(void **state)
{
	struct exec_limits limits;
	struct fail fail;

	(void)state;
	assert_int_equal(exec_limits_read(&limits, "", &fail), ERR_OK);
	for (size_t i = 0; i < EXEC_LIMIT_COUNT; i++)
		assert_false(limits.v[i].given);
}

/* The order is that of the table: as, core, cpu, data, fsize, nofile, nproc, stack. */
static void every_limit_has_its_unit(void **state)
{
	static const int64_t values[] = {1 << 30, 0, 30, 4096, 3 << 20, 256, 77, 512};
	struct exec_limits limits;
	struct fail fail;

	(void)state;
	assert_int_equal(
	    exec_limits_read(&limits,
		"stack=512,cpu=30,nproc=77,as=1g,core=0,data=4k,nofile=256,fsize=3m", &fail),
	    ERR_OK);
	for (size_t i = 0; i < EXEC_LIMIT_COUNT; i++) {
		assert_true(limits.v[i].given);
		assert_int_equal(limits.v[i].value, values[i]);
	}
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	assert_refused("rss=1m",
	    "\"rss=1m\" is not NAME=VALUE with one of the names as, core, cpu, "
	    "data, fsize, nofile, nproc, stack");
	assert_refused("as", "\"as\" is not NAME=VALUE with one of the names as, core, cpu, data, "
			     "fsize, nofile, nproc, stack");
	assert_refused("cpu=1,,as=1", "\"\" is not NAME=VALUE with one of the names as, core, cpu, "
				      "data, fsize, nofile, nproc, stack");
	assert_refused("as=", "as: \"\" is not a size (such as 512m)");
	assert_refused("as=12x", "as: \"12x\" is not a size (such as 512m)");
	assert_refused("as=-1", "as: \"-1\" is not a size (such as 512m)");
	assert_refused("cpu=3s", "cpu: \"3s\" is not a number of seconds");
	assert_refused("nofile=4k", "nofile: \"4k\" is not a number");
	assert_refused("cpu=1,cpu=2", "cpu stands there twice");
	assert_refused("cpu=1,", "nothing follows the last comma");
	assert_refused("nofile=00000000000000000000000000000000001",
	    "nofile: \"0000000000000000000000000000000\" is not a number");
}

static bool both_are(int resource, rlim_t value)
{
	struct rlimit limit;

	getrlimit((__rlimit_resource_t)resource, &limit);
	return limit.rlim_cur == value && limit.rlim_max == value;
}

/* In a process of its own, since there is no way back. */
static void soft_and_hard_limits_are_set(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		struct exec_limits limits;
		struct fail fail;
		const char *name;

		exec_limits_read(&limits, "core=0,cpu=1000,nofile=33,fsize=5m", &fail);
		_exit(exec_limits_apply(&limits, &name) && both_are(RLIMIT_CORE, 0) &&
			      both_are(RLIMIT_CPU, 1000) && both_are(RLIMIT_NOFILE, 33) &&
			      both_are(RLIMIT_FSIZE, 5 << 20)
			  ? 0
			  : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void a_limit_that_cannot_be_set_is_named(void **state)
{
	struct exec_limits limits;
	struct fail fail;
	const char *name;

	(void)state;
	/* Nobody may have more descriptors than fs.nr_open. */
	assert_int_equal(exec_limits_read(&limits, "nofile=9000000000000", &fail), ERR_OK);
	assert_false(exec_limits_apply(&limits, &name));
	assert_string_equal(name, "nofile");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(no_limits_are_fine),
	    TEST(every_limit_has_its_unit),
	    TEST(what_is_wrong_is_named),
	    TEST(soft_and_hard_limits_are_set),
	    TEST(a_limit_that_cannot_be_set_is_named),
	};

	return RUN(tests);
}
