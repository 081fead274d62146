/* Replays the corpus of the fuzzer, and gives it the table of requests too. */
#include "buf.h"
#include "fuzz.h"
#include "requests.h"
#include "unit.h"

#include <dirent.h>

#define CORPUS "tests/fuzz/corpus/http"

static void replay(const char *name)
{
	struct buf input = {0};
	char path[512], piece[4096];
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), CORPUS "/%s", name);
	file = fopen(path, "r");
	assert_non_null(file);
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(&input, piece, n);
	fclose(file);
	fuzz_http((const uint8_t *)input.data, input.len);
	buf_free(&input);
}

static void the_corpus_finds_nothing(void **state)
{
	DIR *dir = opendir(CORPUS);
	struct dirent *entry;
	int n = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.') {
			replay(entry->d_name);
			n++;
		}
	closedir(dir);
	assert_true(n >= 20);
}

static void the_table_finds_nothing(void **state)
{
	size_t n;
	struct request_case *cases = requests_read("tests/http/requests.txt", &n);

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (uint8_t cut = 0; cut < 4; cut++) {
			const uint8_t how[] = {cut, 23};
			struct buf input = {0};

			buf_add(&input, how, sizeof(how));
			buf_add(&input, cases[i].sent.data,
			    cases[i].sent.len < 65536 ? cases[i].sent.len : 65536);
			fuzz_http((const uint8_t *)input.data, input.len);
			buf_free(&input);
		}
	requests_free(cases, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_corpus_finds_nothing),
	    TEST(the_table_finds_nothing),
	};

	return RUN(tests);
}
