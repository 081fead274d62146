/* A store moves: all rows are copied, read back and compared. */
#include "store_migrate.h"

#include "buf.h"
#include "clock.h"
#include "digest.h"
#include "store.h"
#include "store_rows.h"
#include "util.h"

#include <endian.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* A piece is there wholly or not at all. */
#define PIECE_ROWS 10000
#define PIECE_BYTES (4 * 1024 * 1024)

#define SAY_MS 3000 /* how often it tells how far it is */

static const struct rows_table tables[] = {
    {.name = "ingestion", .keys = 1, .store_time = "expires_ms"},
    {.name = "chunk", .keys = 1},
    {.name = "batch", .keys = 2},
    {.name = "result", .keys = 2},
    {.name = "output", .keys = 2},
    {.name = "redo", .keys = 3},
    {.name = "backoff", .keys = 3, .store_time = "due_ms"},
    {.name = "notice", .keys = 1, .store_time = "due_ms"},
};

/* The one row of ledger, control and lanes. */
static const struct rows_table moment = {.name = "moment", .array = "lanes"};

struct migration {
	struct rows_source *source;
	struct rows_target *target;
	const char *path; /* of the one, and of the other: */
	const char *shown;
	FILE *talk;
	int64_t said_at; /* boot_ns */
	int64_t copied[COUNT_OF(tables)], verified[COUNT_OF(tables)];
};

static void say_progress(
    struct migration *m, const struct rows_table *table, int64_t rows, const char *what)
{
	int64_t now = clock_boot_ns(clock_system());

	if (now - m->said_at < SAY_MS * NS_PER_MS)
		return;
	m->said_at = now;
	fprintf(m->talk, "%s: %" PRId64 " rows %s so far\n", table->name, rows, what);
	fflush(m->talk);
}

/* ---- copying ---- */

static size_t size_of(const struct row *row)
{
	size_t size = 0;

	for (int i = 0; i < row->n; i++)
		size += sizeof(int64_t) + row->cells[i].len;
	return size;
}

/* The row that was read, and those behind it, as many as fit. `*more`: there is one behind them. */
static enum err copy_piece(struct migration *m, const struct rows_table *table,
    const struct row_names *names, struct row *row, int64_t *copied, bool *more, struct fail *fail)
{
	size_t bytes = 0;
	int64_t rows = 0;

	if (rows_target_put_begin(m->target, table, names, fail))
		return fail->err;
	do {
		if (rows_target_put(m->target, row, fail))
			return fail->err;
		bytes += size_of(row);
		rows++;
		*more = rows_source_next(m->source, row, fail);
	} while (*more && rows < PIECE_ROWS && bytes < PIECE_BYTES);
	if (fail->err || rows_target_put_end(m->target, fail))
		return fail->err;
	*copied += rows;
	return ERR_OK;
}

/* Goes on behind what an earlier run has copied: that went by the same order. */
static enum err copy_table(struct migration *m, size_t i, struct fail *fail)
{
	const struct rows_table *table = &tables[i];
	int64_t last[ROWS_KEYS];
	struct row_names names;
	struct row row;
	bool any, more;

	if (rows_source_begin(m->source, table, NULL, &names, fail) ||
	    rows_target_last(m->target, table, &names, last, &any, fail) ||
	    (any && rows_source_begin(m->source, table, last, &names, fail)))
		return fail->err;
	more = rows_source_next(m->source, &row, fail);
	while (more && !copy_piece(m, table, &names, &row, &m->copied[i], &more, fail))
		say_progress(m, table, m->copied[i], "copied");
	return fail->err;
}

/* ---- comparing ---- */

/* The rows of a table as one of the stores has them. */
struct side {
	bool (*next)(struct side *side, struct fail *fail);
	struct migration *m;
	bool more; /* `row` is one */
	struct row row;
	int64_t rows;
	struct buf bytes; /* of the row, as they are hashed */
	EVP_MD_CTX *hash;
	struct digest digest; /* at the end */
};

static bool next_of_source(struct side *side, struct fail *fail)
{
	return rows_source_next(side->m->source, &side->row, fail);
}

static bool next_of_target(struct side *side, struct fail *fail)
{
	return rows_target_next(side->m->target, &side->row, fail);
}

/* Kind, number or length, content: no two rows of a table come to the same bytes. */
static void put_canonical(struct buf *bytes, const struct row *row)
{
	bytes->len = 0;
	for (int i = 0; i < row->n; i++) {
		const struct cell *cell = &row->cells[i];
		uint64_t value = cell->kind == CELL_NUMBER ? (uint64_t)cell->number : cell->len;
		uint64_t big = htobe64(value);

		buf_add(bytes, &"0itb"[cell->kind], 1);
		buf_add(bytes, &big, sizeof(big));
		if (cell->len > 0)
			buf_add(bytes, cell->data, cell->len);
	}
}

static void side_begin(struct side *side)
{
	side->more = true;
	side->hash = EVP_MD_CTX_new();
	if (!side->hash || !EVP_DigestInit_ex(side->hash, EVP_sha256(), NULL))
		abort();
}

/* Behind its last row a side has no more of them, however often it is asked. */
static void side_next(struct side *side, struct fail *fail)
{
	fail->err = ERR_OK;
	side->bytes.len = 0;
	side->more = side->more && side->next(side, fail);
	if (!side->more)
		return;
	side->rows++;
	put_canonical(&side->bytes, &side->row);
	if (!EVP_DigestUpdate(side->hash, side->bytes.data, side->bytes.len))
		abort();
}

static void side_end(struct side *side)
{
	if (!EVP_DigestFinal_ex(side->hash, side->digest.bytes, NULL))
		abort();
	EVP_MD_CTX_free(side->hash);
	buf_free(&side->bytes);
}

static bool same_row(const struct side *a, const struct side *b)
{
	return a->more == b->more && a->bytes.len == b->bytes.len &&
	       (a->bytes.len == 0 || memcmp(a->bytes.data, b->bytes.data, a->bytes.len) == 0);
}

/* Which of two different rows comes first: the other side lacks it, or has it otherwise. */
static const struct row *earlier(const struct side *a, const struct side *b, int keys)
{
	if (!a->more || !b->more)
		return a->more ? &a->row : &b->row;
	for (int i = 0; i < keys; i++)
		if (a->row.cells[i].number != b->row.cells[i].number)
			return a->row.cells[i].number < b->row.cells[i].number ? &a->row : &b->row;
	return &a->row;
}

/* " at num 3, idx 7" */
static void put_key(struct buf *text, const struct rows_table *table, const struct row_names *names,
    const struct row *row)
{
	for (int i = 0; i < table->keys; i++)
		buf_printf(text, "%s%s %" PRId64, i == 0 ? ", first at " : ", ", names->names[i],
		    row->cells[i].number);
}

/* Both side by side to their ends; `where` gets the key of the first difference. */
static enum err compare_sides(struct migration *m, const struct rows_table *table,
    const struct row_names *names, struct side *a, struct side *b, struct buf *where,
    struct fail *fail)
{
	bool same = true;

	do {
		side_next(a, fail);
		if (fail->err)
			return fail->err;
		side_next(b, fail);
		if (fail->err)
			return fail->err;
		if (same && !same_row(a, b)) {
			same = false;
			put_key(where, table, names, earlier(a, b, table->keys));
		}
		say_progress(m, table, a->rows, "compared");
	} while (a->more || b->more);
	return ERR_OK;
}

static enum err report_difference(struct migration *m, const struct rows_table *table,
    const struct side *a, const struct side *b, const struct buf *where, struct fail *fail)
{
	char ours[DIGEST_TEXT_SIZE], theirs[DIGEST_TEXT_SIZE];

	digest_format(&a->digest, ours);
	digest_format(&b->digest, theirs);
	return fail_set(fail, ERR_INTERNAL,
	    "%s differs%s: %" PRId64 " rows with sha256 %.16s in %.80s, %" PRId64
	    " rows with sha256 %.16s in %.80s; if one of them was changed meanwhile, drop the "
	    "schema ingestd there and run it again",
	    table->name, where->data ? where->data : "", a->rows, ours, m->path, b->rows, theirs,
	    m->shown);
}

static enum err verify_table(struct migration *m, const struct rows_table *table, int64_t copied,
    int64_t *verified, struct fail *fail)
{
	struct side a = {.next = next_of_source, .m = m}, b = {.next = next_of_target, .m = m};
	char text[DIGEST_TEXT_SIZE];
	struct buf where = {0};
	struct row_names names;

	if (rows_source_begin(m->source, table, NULL, &names, fail) ||
	    rows_target_begin(m->target, table, &names, fail))
		return fail->err;
	side_begin(&a);
	side_begin(&b);
	compare_sides(m, table, &names, &a, &b, &where, fail);
	side_end(&a);
	side_end(&b);
	if (!fail->err && (a.rows != b.rows || !digest_equal(&a.digest, &b.digest)))
		report_difference(m, table, &a, &b, &where, fail);
	buf_free(&where);
	if (fail->err)
		return fail->err;
	*verified = a.rows;
	digest_format(&a.digest, text);
	fprintf(m->talk, "%s: %" PRId64 " rows copied, %" PRId64 " verified, sha256 %s\n",
	    table->name, copied, a.rows, text);
	fflush(m->talk);
	return ERR_OK;
}

/* ---- all of it ---- */

/* The last step: with its commit the new store is one. */
static enum err finish(struct migration *m, struct fail *fail)
{
	struct row_names names;
	struct row row;
	int64_t rows;

	if (rows_source_begin(m->source, &moment, NULL, &names, fail))
		return fail->err;
	if (!rows_source_next(m->source, &row, fail))
		return fail->err ? fail->err
		                 : fail_set(fail, ERR_WRONG_STATE,
				       "the store %.160s is damaged: it has no ledger", m->path);
	if (rows_target_write_moment(
		m->target, &names, &row, rows_source_claimed(m->source), fail) ||
	    verify_table(m, &moment, 1, &rows, fail))
		return fail->err;
	return rows_target_commit(m->target, fail);
}

static enum err move(struct migration *m, struct fail *fail)
{
	for (size_t i = 0; i < COUNT_OF(tables); i++)
		if (copy_table(m, i, fail))
			return fail->err;
	for (size_t i = 0; i < COUNT_OF(tables); i++)
		if (verify_table(m, &tables[i], m->copied[i], &m->verified[i], fail) ||
		    rows_target_analyze(m->target, &tables[i], fail))
			return fail->err;
	return finish(m, fail);
}

bool store_migrate(const char *sqlite_path, const char *postgres_url, FILE *talk, struct fail *fail)
{
	char *shown = store_shown(postgres_url);
	struct migration m = {.path = sqlite_path,
	    .shown = shown,
	    .talk = talk,
	    .said_at = clock_boot_ns(clock_system())};
	struct uuid id;

	fail->err = ERR_OK;
	if (!rows_source_open(&m.source, sqlite_path, fail) &&
	    !rows_target_open(&m.target, postgres_url, shown, fail)) {
		id = rows_source_id(m.source);
		if (!rows_target_claim(m.target, &id, fail))
			move(&m, fail);
	}
	if (!fail->err)
		fprintf(talk,
		    "migrated: %" PRId64 " ingestions, %" PRId64 " batches that were started, "
		    "%" PRId64 " results of ids; the old store is left as it is at %s\n",
		    m.verified[0], m.verified[2], m.verified[3], sqlite_path);
	rows_target_close(m.target);
	rows_source_close(m.source);
	free(shown);
	return !fail->err;
}
