/* The inputs of tests/fuzz/corpus, without a fuzzer: what was found once stays found. */
#include "fuzz.h"

#include "unit.h"
#include "util.h"

#include <glob.h>

#define INPUT_MAX (1024 * 1024)

static void run_file(int (*target)(const uint8_t *data, size_t size), const char *path)
{
	FILE *file = fopen(path, "rb");
	char *data = xmalloc(INPUT_MAX), *copy;
	size_t n;

	assert_non_null(file);
	n = fread(data, 1, INPUT_MAX, file);
	fclose(file);
	copy = exact_copy(data, n);
	target((const uint8_t *)copy, n);
	free(copy);
	free(data);
}

static void run_corpus(int (*target)(const uint8_t *data, size_t size), const char *pattern)
{
	glob_t found;

	if (glob(pattern, 0, NULL, &found) != 0)
		fail_msg("no %s below the working directory", pattern);
	for (size_t i = 0; i < found.gl_pathc; i++)
		run_file(target, found.gl_pathv[i]);
	globfree(&found);
}

static void requests_are_read_or_refused(void **state)
{
	(void)state;
	run_corpus(fuzz_request, "tests/fuzz/corpus/request/*");
}

static void replies_are_read_or_refused(void **state)
{
	(void)state;
	run_corpus(fuzz_reply, "tests/fuzz/corpus/reply/*");
}

static void texts_of_ids_are_read_or_refused(void **state)
{
	(void)state;
	run_corpus(fuzz_ids, "tests/fuzz/corpus/ids/*");
}

static void lines_of_commands_are_taken_or_kept(void **state)
{
	(void)state;
	run_corpus(fuzz_outcome, "tests/fuzz/corpus/outcome/*");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(requests_are_read_or_refused),
	    TEST(replies_are_read_or_refused),
	    TEST(texts_of_ids_are_read_or_refused),
	    TEST(lines_of_commands_are_taken_or_kept),
	};

	return RUN(tests);
}
