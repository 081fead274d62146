#include "store_sql.h"

#include <string.h>

int sql_first(struct sql_store *store, enum sql sql, const char *types, ...)
{
	va_list args;
	int code;

	va_start(args, types);
	code = store->driver->first(store, sql, types, args);
	va_end(args);
	return code;
}

void sql_ahead(struct sql_store *store, enum sql sql, const char *types, ...)
{
	va_list args;

	if (!store->driver->ahead)
		return;
	va_start(args, types);
	store->driver->ahead(store, sql, types, args);
	va_end(args);
}

int sql_only(struct sql_store *store, enum sql sql)
{
	int code = sql_next(sql_row(store, sql));

	sql_reset(sql_row(store, sql));
	return code;
}

int sql_count(struct sql_store *store, enum sql sql, int code, int *rows)
{
	*rows = 0;
	for (; code == SQL_ROW; code = sql_next(sql_row(store, sql)))
		++*rows;
	sql_reset(sql_row(store, sql));
	return code;
}

bool sql_take_blob(struct sql_row row, int column, void *to, size_t size)
{
	size_t found;
	const void *blob = sql_blob(row, column, &found);

	if (!blob || found != size)
		return false;
	memcpy(to, blob, size);
	return true;
}
