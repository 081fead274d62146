/* New ingestions that come whole, and the keys that name submissions. */
#include "store_sql.h"

#include "util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- free space ---- */

bool sql_is_disk_low(const struct sql_store *store, struct fail *fail)
{
	int64_t available = store->driver->disk_free(store);

	if (available < 0 || available >= store->settings.min_free_bytes)
		return false;
	fail_set(fail, ERR_DISK_LOW,
	    "%" PRId64 " bytes are free on the disk of %s, fewer than %" PRId64 " (--min-free)",
	    available, store->shown, store->settings.min_free_bytes);
	return true;
}

/* ---- keys ---- */

int sql_key_find(struct sql_store *store, const struct store_key *key, struct keyed *keyed)
{
	struct sql_row row;
	int code;

	if (!*key->text)
		return SQL_DONE;
	code = sql_first(store, SQL_KEY_FIND, "tt", key->text, key->principal);
	row = sql_row(store, SQL_KEY_FIND);
	if (code != SQL_ROW)
		return code;
	*keyed = (struct keyed){.num = sql_number(row, 0),
	    .stage = (enum stage)(int)sql_number(row, 2),
	    .seq = sql_number(row, 3),
	    .priority = (enum priority)(int)sql_number(row, 4),
	    .ids = sql_number(row, 6),
	    .batches = sql_number(row, 7)};
	snprintf(keyed->label, sizeof(keyed->label), "%s", sql_text(row, 5));
	if (!sql_take_blob(row, 1, keyed->uuid.bytes, sizeof(keyed->uuid.bytes)) ||
	    !sql_take_blob(row, 8, keyed->digest.bytes, sizeof(keyed->digest.bytes)))
		return SQL_CORRUPT;
	sql_reset(row);
	return SQL_ROW;
}

static struct digest digest_of(const struct store_submit *submit)
{
	struct digest digest = digest_begin(submit->priority, submit->label);

	digest_add(&digest, submit->ids->v, submit->ids->n);
	return digest;
}

/* The key is known: the answer of the first time, if it was about the same. */
static enum store_result replay(
    struct store_op *op, const struct keyed *keyed, const struct digest *digest)
{
	struct store_submit *submit = &op->submit;

	if (keyed->stage == STAGE_RECEIVING) {
		fail_set(&op->fail, ERR_IN_PROGRESS,
		    "the key belongs to an upload that is not sealed yet");
	} else if (!digest_equal(&keyed->digest, digest)) {
		fail_set(&op->fail, ERR_CONFLICT,
		    "the key was used for other ids, another priority or another label");
	} else {
		submit->ingestion = keyed->uuid;
		submit->seq = keyed->seq;
		submit->batches = keyed->batches;
		submit->replayed = true;
	}
	return STORE_DONE;
}

/* ---- submit ---- */

/* `digest` is NULL without a key. */
static int add_ingestion(
    struct sql_store *store, const struct store_submit *submit, const struct digest *digest)
{
	const struct idlist *ids = submit->ids;
	bool is_inline = ids->n <= INLINE_IDS;
	void *packed = is_inline ? sql_ids_pack(ids->v, ids->n) : NULL;
	int64_t num = store->now.next_num++;
	int code = sql_first(store, SQL_INGESTION_ADD, "iibitiiiittbobi", (int64_t)STAGE_SEALED,
	    submit->seq, submit->uuid.bytes, (int64_t)sizeof(submit->uuid.bytes),
	    (int64_t)submit->priority, submit->label, submit->batch_size, (int64_t)ids->n,
	    submit->batches, sql_utc_ms(store), digest ? submit->key.principal : NULL,
	    digest ? submit->key.text : NULL, digest ? digest->bytes : NULL,
	    (int64_t)sizeof(digest->bytes), LEDGER_NONE, packed,
	    (int64_t)(ids->n * sizeof(int64_t)), num);

	free(packed);
	if (code == SQL_DONE && !is_inline)
		code = sql_chunks_write(store, num, 0, ids->v, ids->n);
	return code;
}

enum store_result sql_submit(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	struct store_submit *submit = &op->submit;
	bool has_key = *submit->key.text;
	struct digest digest;
	struct keyed keyed;
	int code;

	if (has_key)
		digest = digest_of(submit);
	code = sql_key_find(store, &submit->key, &keyed);
	if (code == SQL_ROW)
		return replay(op, &keyed, &digest);
	if (code != SQL_DONE)
		return sql_failed(store, code, &op->fail);
	if (sql_is_disk_low(store, &op->fail))
		return STORE_DONE;
	submit->ingestion = submit->uuid;
	submit->seq = store->now.next_seq;
	submit->batches = batches_of((int64_t)submit->ids->n, submit->batch_size);
	submit->replayed = false;
	code = add_ingestion(store, submit, has_key ? &digest : NULL);
	if (code != SQL_DONE)
		return sql_failed(store, code, &op->fail);
	store->now.next_seq++;
	sql_lane(store, submit->priority)->ingestions[INGESTION_YET_TO_START]++;
	sql_line_join(store, submit->priority, submit->batches, (int64_t)submit->ids->n);
	return STORE_DONE;
}
