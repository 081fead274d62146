/*
 * The keys of the submissions of a turn, looked up in one statement as soon as the ledger is
 * locked. What was not there then can come only from this turn; so each absence is believed once,
 * and whoever asks again asks the database.
 */
#include "store_postgres.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>

struct pg_keys {
	const struct store_key **v; /* borrowed until the end of the turn */
	bool *absent;
	size_t n, room;
	struct buf texts, principals;
};

struct pg_keys *pg_keys_new(void)
{
	return xcalloc(1, sizeof(struct pg_keys));
}

void pg_keys_free(struct pg_keys *keys)
{
	free(keys->v);
	free(keys->absent);
	buf_free(&keys->texts);
	buf_free(&keys->principals);
	free(keys);
}

void pg_keys_clear(struct pg_keys *keys)
{
	keys->n = 0;
}

void pg_keys_expect(struct pg_keys *keys, const struct store_key *key)
{
	if (!*key->text)
		return;
	if (keys->n == keys->room) {
		keys->room = keys->room ? 2 * keys->room : 64;
		keys->v = xreallocarray(keys->v, keys->room, sizeof(*keys->v));
		keys->absent = xreallocarray(keys->absent, keys->room, sizeof(*keys->absent));
	}
	keys->absent[keys->n] = false;
	keys->v[keys->n++] = key;
}

void pg_keys_send(struct pg_keys *keys, struct pg_conn *conn)
{
	if (keys->n == 0)
		return;
	pg_array_begin(&keys->texts);
	pg_array_begin(&keys->principals);
	for (size_t i = 0; i < keys->n; i++) {
		pg_array_put(&keys->texts, keys->v[i]->text, strlen(keys->v[i]->text));
		pg_array_put(
		    &keys->principals, keys->v[i]->principal, strlen(keys->v[i]->principal));
	}
	pg_array_end(&keys->texts, 't', (int64_t)keys->n);
	pg_array_end(&keys->principals, 't', (int64_t)keys->n);
	pg_send(conn, PG_KEYS_FIND, "TT", keys->texts.data, (int64_t)keys->texts.len,
	    keys->principals.data, (int64_t)keys->principals.len);
}

int pg_keys_take(struct pg_keys *keys, struct pg_conn *conn)
{
	int code;

	if (keys->n == 0)
		return SQL_DONE;
	code = pg_rows(conn, PG_KEYS_FIND);
	for (size_t i = 0; i < keys->n; i++)
		keys->absent[i] = sql_went_well(code);
	for (; code == SQL_ROW; code = pg_next(conn, PG_KEYS_FIND)) {
		int64_t place = pg_number(conn, PG_KEYS_FIND, 0);

		if (place >= 1 && (size_t)place <= keys->n)
			keys->absent[place - 1] = false;
	}
	return code;
}

bool pg_keys_absent(struct pg_keys *keys, const char *text, const char *principal)
{
	bool absent = false;

	/* The same key may come twice: all of its places are used up. */
	for (size_t i = 0; i < keys->n; i++) {
		if (strcmp(keys->v[i]->text, text) != 0 ||
		    strcmp(keys->v[i]->principal, principal) != 0)
			continue;
		absent = absent || keys->absent[i];
		keys->absent[i] = false;
	}
	return absent;
}
