#include "digest.h"

#include "unit.h"
#include "util.h"

/*
 * Made with Python:
 *
 *     d = hashlib.sha256(f"ingestd 1\n{priority}\n{label}\n".encode()).digest()
 *     for i in range(0, len(ids), 1024):
 *         d = hashlib.sha256(d + b"".join(struct.pack("<q", x) for x in ids[i:i + 1024])).digest()
 */
static const struct vector {
	enum priority priority;
	const char *label;
	int64_t first; /* ids first, first + 1, ... */
	size_t n;
	const char *digest;
} vectors[] = {
    {PRIORITY_HIGH, "", 1, 0, "1e35747af30616ea6661cd3e24819f470298ed6ea86bf76f0cb45edb2e385e6a"},
    {PRIORITY_LOW, "a label", 1, 0,
	"a0ae5a68e57696dffc66212f98c262b97a21301ccb51a68865fe840fe6bc5f81"},
    {PRIORITY_MEDIUM, "gr\xc3\xbcn", 1, 0,
	"02c96aa2d14e491ca9da39212ba49efa65799261abe7a09ee1e47d89ed711619"},
    {PRIORITY_LOW, "", 1, 1, "c79d58865d91fcb5c992333636a76de63f7975b8142f84c408bcb234ca054e0e"},
    {PRIORITY_LOW, "", INT64_MAX, 1,
	"239b1bfc3998a0697aa32a9f34abba11ca19847a96dcbaf410c63752e57b7aa5"},
    {PRIORITY_LOW, "", 1, 3, "cd3ff01f485379018f974c70b1abe98238316a8c63e76f01deb122c6d0f169c9"},
    {PRIORITY_HIGH, "", 1, 3, "af9243248fd6f9a287aed4a8a23d60972dd1b99ed97c87bf746df70766b82431"},
    {PRIORITY_LOW, "x", 1, 3, "712b50b7ef33c8460c49f1efb0a0cca2424ff6d03b4905e768102dc7325beaf5"},
    {PRIORITY_LOW, "", 1, 1023, "a25a4427e46e3c853fc47b973e8431c83d7d7d00a25549e3d8ab7bf8b3f58be2"},
    {PRIORITY_LOW, "", 1, 1024, "2dd38c03f04ae76b20244c80e2022481ffa502a6a70ad45daec37fb532060188"},
    {PRIORITY_LOW, "", 1, 1025, "6ab3733a4c0b0db43179b24bbe438c098801c1d8987c13b447ae28c5839209dc"},
    {PRIORITY_LOW, "", 1, 2048, "58d8ecf86fc9c8b2f29ad07a92a3b14ba10ff950c42c5c3d0e1279711849f927"},
    {PRIORITY_LOW, "", 1, 2049, "e931de2177df488532c67d9061c2f4cff24918e9d43111eaff000132974937c4"},
    {PRIORITY_LOW, "nightly", 9007199254740993, 5000,
	"5e007996a5069fa5f76b4a9978874999d38de7666573ebdaf3ba3f3976f4c414"},
};

static int64_t *ids_of(const struct vector *vector)
{
	int64_t *ids = xmalloc((vector->n + 1) * sizeof(*ids));

	for (size_t i = 0; i < vector->n; i++)
		ids[i] = vector->first + (int64_t)i;
	return ids;
}

static void assert_digest(const struct digest *digest, const char *expected)
{
	char text[DIGEST_TEXT_SIZE];

	digest_format(digest, text);
	assert_string_equal(text, expected);
}

static void digests_are_those_that_anyone_computes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		const struct vector *vector = &vectors[i];
		struct digest digest = digest_begin(vector->priority, vector->label);
		int64_t *ids = ids_of(vector);

		digest_add(&digest, ids, vector->n);
		assert_digest(&digest, vector->digest);
		free(ids);
	}
}

static void pieces_do_not_matter(void **state)
{
	static const size_t sizes[] = {1, 7, 64, 1000, 1023, 1024, 1025, 4096};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++)
		for (size_t k = 0; k < COUNT_OF(sizes); k++) {
			const struct vector *vector = &vectors[i];
			int64_t *ids = ids_of(vector);
			struct digester digester;
			struct digest digest;

			digester_begin(&digester, vector->priority, vector->label);
			for (size_t at = 0; at < vector->n; at += sizes[k])
				digester_add(&digester, ids + at,
				    vector->n - at < sizes[k] ? vector->n - at : sizes[k]);
			digest = digester_value(&digester);
			assert_digest(&digest, vector->digest);
			free(ids);
		}
}

static void a_value_can_be_taken_at_any_time(void **state)
{
	const struct vector *vector = &vectors[COUNT_OF(vectors) - 1];
	int64_t *ids = ids_of(vector);
	struct digester digester;
	struct digest digest;

	(void)state;
	digester_begin(&digester, vector->priority, vector->label);
	for (size_t at = 0; at < vector->n; at += 100) {
		struct digest expected = digest_begin(vector->priority, vector->label);

		digest_add(&expected, ids, at);
		digest = digester_value(&digester);
		assert_true(digest_equal(&digest, &expected));
		digester_add(&digester, ids + at, 100);
	}
	digest = digester_value(&digester);
	assert_digest(&digest, vector->digest);
	free(ids);
}

static void full_blocks_go_on(void **state)
{
	const struct vector *vector = &vectors[COUNT_OF(vectors) - 1];
	int64_t *ids = ids_of(vector);
	struct digest digest = digest_begin(vector->priority, vector->label);

	(void)state;
	digest_add(&digest, ids, 1024);
	digest_add(&digest, ids + 1024, 2048);
	digest_add(&digest, ids + 3072, vector->n - 3072);
	assert_digest(&digest, vector->digest);
	free(ids);
}

static void everything_is_content(void **state)
{
	static const int64_t one[] = {1, 2, 3}, other[] = {1, 3, 2};
	struct digest a = digest_begin(PRIORITY_LOW, "l"), b = a, c = a;

	(void)state;
	digest_add(&a, one, 3);
	digest_add(&b, other, 3);
	digest_add(&c, one, 2);
	assert_false(digest_equal(&a, &b));
	assert_false(digest_equal(&a, &c));
	assert_true(digest_equal(&a, &a));
	b = digest_begin(PRIORITY_LOW, "l ");
	c = digest_begin(PRIORITY_MEDIUM, "l");
	a = digest_begin(PRIORITY_LOW, "l");
	assert_false(digest_equal(&a, &b));
	assert_false(digest_equal(&a, &c));
}

static void labels_of_all_lengths_fit(void **state)
{
	char label[LABEL_MAX + 1] = "";
	struct digest last = digest_begin(PRIORITY_MEDIUM, label);

	(void)state;
	for (int i = 0; i < LABEL_MAX; i++) {
		struct digest digest;

		label[i] = 'x';
		digest = digest_begin(PRIORITY_MEDIUM, label);
		assert_false(digest_equal(&digest, &last));
		last = digest;
	}
}

static void texts_are_read_back(void **state)
{
	struct digest digest;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		assert_true(digest_parse(vectors[i].digest, &digest));
		assert_digest(&digest, vectors[i].digest);
	}
}

static void other_texts_are_no_digests(void **state)
{
	static const char *const texts[] = {"", "0",
	    "1e35747af30616ea6661cd3e24819f470298ed6ea86bf76f0cb45edb2e385e6",
	    "1e35747af30616ea6661cd3e24819f470298ed6ea86bf76f0cb45edb2e385e6a0",
	    "1E35747AF30616EA6661CD3E24819F470298ED6EA86BF76F0CB45EDB2E385E6A",
	    "1e35747af30616ea6661cd3e24819f470298ed6ea86bf76f0cb45edb2e385e6g",
	    " e35747af30616ea6661cd3e24819f470298ed6ea86bf76f0cb45edb2e385e6a"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct digest digest;

		assert_false(digest_parse(texts[i], &digest));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(digests_are_those_that_anyone_computes),
	    TEST(pieces_do_not_matter),
	    TEST(a_value_can_be_taken_at_any_time),
	    TEST(full_blocks_go_on),
	    TEST(everything_is_content),
	    TEST(labels_of_all_lengths_fit),
	    TEST(texts_are_read_back),
	    TEST(other_texts_are_no_digests),
	};

	return RUN(tests);
}
