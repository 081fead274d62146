/*
 * Uploads: lists that come in parts. The ids lie in chunks from the beginning; the row keeps the
 * digest of the full ones, so that going on needs no more than the last chunk.
 */
#include "store_sql.h"

#include "util.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The row of an ingestion that a part is for. */
struct upload {
	int64_t num;
	enum stage stage;
	int64_t seq;
	enum priority priority;
	int64_t ids; /* that have arrived */
	int64_t batch_size;
	int64_t batches;
	bool has_digest; /* sealed: if it has a key; cancelled: no */
	struct digest digest; /* while receiving: of the full chunks */
};

/* SQL_ROW, SQL_DONE (there is none) or an error. */
static int read_upload(struct sql_store *store, const struct uuid *uuid, struct upload *upload)
{
	int code =
	    sql_first(store, SQL_UPLOAD_READ, "b", uuid->bytes, (int64_t)sizeof(uuid->bytes));
	struct sql_row row = sql_row(store, SQL_UPLOAD_READ);

	if (code != SQL_ROW)
		return code;
	*upload = (struct upload){.num = sql_number(row, 0),
	    .stage = (enum stage)(int)sql_number(row, 1),
	    .seq = sql_number(row, 2),
	    .priority = (enum priority)(int)sql_number(row, 3),
	    .ids = sql_number(row, 5),
	    .batch_size = sql_number(row, 6),
	    .batches = sql_number(row, 7)};
	upload->has_digest =
	    sql_take_blob(row, 8, upload->digest.bytes, sizeof(upload->digest.bytes));
	if (!upload->has_digest && upload->stage == STAGE_RECEIVING)
		return SQL_CORRUPT;
	sql_reset(row);
	return SQL_ROW;
}

/* The same for an operation: STORE_DONE with *upload, or with op->fail set. */
static enum store_result find_upload(
    struct sql_store *store, struct store_op *op, const struct uuid *uuid, struct upload *upload)
{
	int code = read_upload(store, uuid, upload);

	if (code == SQL_DONE)
		fail_set(&op->fail, ERR_NOT_FOUND, "Ingestion ID not found");
	return sql_went_well(code) ? STORE_DONE : sql_failed(store, code, &op->fail);
}

/* Appends the ids of the chunk that is not full yet. SQL_DONE or an error. */
static int read_last_chunk(
    struct sql_store *store, int64_t num, int64_t received, struct idlist *ids)
{
	int64_t rest = received % CHUNK_IDS;

	return rest == 0 ? SQL_DONE : sql_chunk_read(store, num, received - rest, rest, ids);
}

/* From the digest of the full chunks to that of all that has arrived. SQL_DONE or an error. */
static int complete_digest(
    struct sql_store *store, int64_t num, int64_t received, struct digest *digest)
{
	struct idlist rest = {0};
	int code = read_last_chunk(store, num, received, &rest);

	digest_add(digest, rest.v, rest.n);
	idlist_free(&rest);
	return code;
}

/* ---- open ---- */

static enum store_result open_known(
    struct sql_store *store, struct store_op *op, const struct keyed *keyed)
{
	struct store_open *open = &op->open;
	int code = SQL_DONE;

	if (keyed->priority != open->priority || strcmp(keyed->label, open->label) != 0) {
		fail_set(&op->fail, ERR_CONFLICT,
		    "the key was used with another priority or another label");
		return STORE_DONE;
	}
	open->ingestion = keyed->uuid;
	open->replayed = true;
	open->sealed = keyed->stage == STAGE_SEALED;
	open->seq = keyed->seq;
	open->batches = keyed->batches;
	open->received = keyed->ids;
	open->digest = keyed->digest;
	if (!open->sealed)
		code = complete_digest(store, keyed->num, keyed->ids, &open->digest);
	return code == SQL_DONE ? STORE_DONE : sql_failed(store, code, &op->fail);
}

static int add_upload(struct sql_store *store, const struct store_open *open)
{
	bool has_key = *open->key.text;
	int64_t expires = sql_now_ms(store) + store->settings.upload_expiry_ms;

	return sql_first(store, SQL_INGESTION_ADD, "iibitiiiittbibi", (int64_t)STAGE_RECEIVING,
	    (int64_t)0, open->uuid.bytes, (int64_t)sizeof(open->uuid.bytes),
	    (int64_t)open->priority, open->label, open->batch_size, (int64_t)0, (int64_t)0,
	    sql_utc_ms(store), has_key ? open->key.principal : NULL,
	    has_key ? open->key.text : NULL, open->digest.bytes,
	    (int64_t)sizeof(open->digest.bytes), expires, NULL, (int64_t)0, store->now.next_num++);
}

enum store_result sql_open(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	struct store_open *open = &op->open;
	struct keyed keyed;
	int code = sql_key_find(store, &open->key, &keyed);

	if (code == SQL_ROW)
		return open_known(store, op, &keyed);
	if (code != SQL_DONE)
		return sql_failed(store, code, &op->fail);
	if (sql_is_disk_low(store, &op->fail))
		return STORE_DONE;
	if (store->now.uploads >= store->settings.max_uploads) {
		fail_set(&op->fail, ERR_LIMITED,
		    "%" PRId64 " uploads are open, and --max-uploads is %" PRId64,
		    store->now.uploads, store->settings.max_uploads);
		return STORE_DONE;
	}
	open->ingestion = open->uuid;
	open->digest = digest_begin(open->priority, open->label);
	open->received = open->seq = open->batches = 0;
	open->replayed = open->sealed = false;
	code = add_upload(store, open);
	if (code != SQL_DONE)
		return sql_failed(store, code, &op->fail);
	store->now.uploads++;
	sql_lane(store, open->priority)->ingestions[INGESTION_RECEIVING]++;
	return STORE_DONE;
}

/* ---- append ---- */

static void refuse_state(struct fail *fail, const struct upload *upload)
{
	fail_set(fail, ERR_WRONG_STATE,
	    upload->stage == STAGE_SEALED ? "the ingestion is sealed: nothing can be added to it"
					  : "the upload was cancelled, or has expired");
}

/* What speaks against the part, but for ids that are there already. */
static bool may_append(const struct sql_store *store, const struct store_append *append,
    const struct upload *upload, struct fail *fail)
{
	int64_t more = append->offset + (int64_t)append->ids->n - upload->ids;

	if (upload->stage != STAGE_RECEIVING) {
		refuse_state(fail, upload);
	} else if (append->offset > upload->ids) {
		fail_set(fail, ERR_UPLOAD_GAP,
		    "the part begins at %" PRId64 ", but only %" PRId64 " ids have arrived",
		    append->offset, upload->ids);
	} else if (upload->ids + more > IDLIST_MAX) {
		fail_set(fail, ERR_TOO_LARGE,
		    "with this part the list has %" PRId64 " ids, more than %d", upload->ids + more,
		    IDLIST_MAX);
	} else if (more > 0 && store->now.upload_ids + more > store->settings.max_upload_ids) {
		fail_set(fail, ERR_LIMITED,
		    "with this part of %zu ids open uploads would hold %" PRId64
		    " bytes, and --max-upload-bytes is %" PRId64,
		    append->ids->n, (store->now.upload_ids + more) * (int64_t)sizeof(int64_t),
		    store->settings.max_upload_ids * (int64_t)sizeof(int64_t));
	} else {
		return more <= 0 || !sql_is_disk_low(store, fail);
	}
	return false;
}

/* Adds the ids behind those that are there: the last chunk is filled up first. */
static int add_ids(struct sql_store *store, struct upload *upload, const int64_t *ids, size_t n)
{
	struct idlist list = {0};
	int code = read_last_chunk(store, upload->num, upload->ids, &list);
	int64_t chunk = upload->ids / CHUNK_IDS;

	idlist_add(&list, ids, n);
	if (code == SQL_DONE)
		code = sql_chunks_write(store, upload->num, chunk, list.v, list.n);
	digest_add(&upload->digest, list.v, list.n - list.n % CHUNK_IDS);
	idlist_free(&list);
	upload->ids += (int64_t)n;
	store->now.upload_ids += (int64_t)n;
	return code;
}

enum store_result sql_append(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	struct store_append *append = &op->append;
	struct upload upload;
	enum store_result result = find_upload(store, op, &append->uuid, &upload);
	size_t known;
	int code = SQL_DONE;

	if (result != STORE_DONE || op->fail.err || !may_append(store, append, &upload, &op->fail))
		return result;
	known = (size_t)(upload.ids - append->offset);
	if (known < append->ids->n)
		code = add_ids(store, &upload, append->ids->v + known, append->ids->n - known);
	append->received = upload.ids;
	if (code == SQL_DONE)
		code = sql_first(store, SQL_UPLOAD_APPEND, "ibiii", upload.ids, upload.digest.bytes,
		    (int64_t)sizeof(upload.digest.bytes),
		    sql_now_ms(store) + store->settings.upload_expiry_ms,
		    (int64_t)(known < append->ids->n), upload.num);
	return code == SQL_DONE ? STORE_DONE : sql_failed(store, code, &op->fail);
}

/* ---- seal ---- */

/* The upload has the digest of all that has arrived. */
static bool may_seal(const struct store_seal *seal, const struct upload *upload, struct fail *fail)
{
	if (upload->stage == STAGE_CANCELLED)
		refuse_state(fail, upload);
	else if (upload->ids == 0)
		fail_set(fail, ERR_INVALID, "the upload has no ids yet: at least one is needed");
	else if (seal->expected >= 0 && seal->expected != upload->ids)
		fail_set(fail, ERR_UPLOAD_GAP, "%" PRId64 " ids have arrived, not %" PRId64,
		    upload->ids, seal->expected);
	else if (seal->digest && upload->has_digest && !digest_equal(seal->digest, &upload->digest))
		fail_set(fail, ERR_CONFLICT,
		    "other ids have arrived: somebody else sends a list with the same key");
	else
		return true;
	return false;
}

/* A short list moves into the row; the caller frees *packed. */
static int make_inline(struct sql_store *store, const struct upload *upload, void **packed)
{
	struct idlist ids = {0};
	int code, removed;

	*packed = NULL;
	if (upload->ids > INLINE_IDS)
		return SQL_DONE;
	code = sql_chunk_read(store, upload->num, 0, upload->ids, &ids);
	if (code == SQL_DONE)
		*packed = sql_ids_pack(ids.v, ids.n);
	idlist_free(&ids);
	return code == SQL_DONE ? sql_chunks_remove(store, upload->num, 1, &removed) : code;
}

static void close_upload(struct sql_store *store, enum priority priority, int64_t ids)
{
	store->now.uploads--;
	store->now.upload_ids -= ids;
	sql_lane(store, priority)->ingestions[INGESTION_RECEIVING]--;
}

static int seal_upload(struct sql_store *store, struct upload *upload)
{
	void *packed = NULL;
	int code = make_inline(store, upload, &packed);

	upload->seq = store->now.next_seq++;
	upload->batches = batches_of(upload->ids, upload->batch_size);
	if (code == SQL_DONE)
		code = sql_first(store, SQL_UPLOAD_SEAL, "iibbi", upload->seq, upload->batches,
		    upload->digest.bytes, (int64_t)sizeof(upload->digest.bytes), packed,
		    upload->ids * (int64_t)sizeof(int64_t), upload->num);
	free(packed);
	close_upload(store, upload->priority, upload->ids);
	sql_lane(store, upload->priority)->ingestions[INGESTION_YET_TO_START]++;
	sql_line_join(store, upload->priority, upload->batches, upload->ids);
	return code;
}

enum store_result sql_seal(struct store *base, struct store_op *op)
{
	struct sql_store *store = (struct sql_store *)base;
	struct store_seal *seal = &op->seal;
	struct upload upload;
	enum store_result result = find_upload(store, op, &seal->uuid, &upload);
	int code = SQL_DONE;

	if (result != STORE_DONE || op->fail.err)
		return result;
	if (upload.stage == STAGE_RECEIVING)
		code = complete_digest(store, upload.num, upload.ids, &upload.digest);
	if (code != SQL_DONE)
		return sql_failed(store, code, &op->fail);
	if (!may_seal(seal, &upload, &op->fail))
		return STORE_DONE;
	seal->replayed = upload.stage == STAGE_SEALED;
	if (!seal->replayed)
		code = seal_upload(store, &upload);
	if (code != SQL_DONE)
		return sql_failed(store, code, &op->fail);
	seal->ids = upload.ids;
	seal->seq = upload.seq;
	seal->batches = upload.batches;
	return STORE_DONE;
}

/* ---- the other end ---- */

int sql_give_up(struct sql_store *store, const struct given_up *upload)
{
	/* Due at once, for the sweep that removes the ids; this moment is over by then. */
	int64_t due = upload->ids > 0 ? sql_now_ms(store) : LEDGER_NONE;

	close_upload(store, upload->priority, upload->ids);
	sql_lane(store, upload->priority)->ingestions[INGESTION_CANCELLED]++;
	return sql_first(
	    store, SQL_UPLOAD_GIVE_UP, "itoi", sql_utc_ms(store), upload->who, due, upload->num);
}
