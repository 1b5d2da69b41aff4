/*
 * pg_rows.c
 *	  Results as plain rows, so that commands need not know libpq.
 */
#include <string.h>

#include "pg.h"

/* Type OIDs of the wire protocol, fixed for ever */
#define OID_BOOL   16
#define OID_INT8   20
#define OID_INT2   21
#define OID_INT4   23
#define OID_OID	   26
#define OID_JSON   114
#define OID_FLOAT4 700
#define OID_FLOAT8 701
#define OID_JSONB  3802

static MgColumnType
column_type(Oid type)
{
	switch (type)
	{
		case OID_BOOL:
			return MG_COLUMN_BOOL;
		case OID_INT8:
		case OID_INT2:
		case OID_INT4:
		case OID_OID:
		case OID_FLOAT4:
		case OID_FLOAT8:
			return MG_COLUMN_NUMBER;
		case OID_JSON:
		case OID_JSONB:
			return MG_COLUMN_JSON;
		default:
			return MG_COLUMN_TEXT;
	}
}

static void
describe(MgRows *rows, const MgStream *stream)
{
	MgArena *arena = stream->pg->arena;

	rows->columns = stream->columns;
	rows->names = mg_alloc(arena, (size_t) rows->columns * sizeof(char *));
	rows->types = mg_alloc(arena, (size_t) rows->columns * sizeof(MgColumnType));
	for (int c = 0; c < rows->columns; c++)
	{
		rows->names[c] = mg_strdup(arena, PQfname(stream->result, c));
		rows->types[c] = column_type(PQftype(stream->result, c));
	}
}

/* Room for one more row; *size is how many there is room for. */
static void
grow(MgRows *rows, int *size, MgArena *arena)
{
	char **cells;

	if (rows->count < *size)
		return;
	*size = *size == 0 ? 16 : *size * 2;
	cells = mg_alloc(arena, (size_t) *size * (size_t) rows->columns * sizeof(char *));
	if (rows->count > 0)
		memcpy(cells, rows->cells, (size_t) rows->count * (size_t) rows->columns * sizeof(char *));
	rows->cells = cells;
}

/* Row by row, so that a large result is in memory once and not twice. */
bool
mg_pg_rows(MgPg *pg, const char *sql, int count, const char *const *values, MgRows *rows, MgError *err)
{
	MgStream stream;
	bool more = true;
	bool ok = mg_stream_open(&stream, pg, sql, count, values, err);
	int size = 0;

	memset(rows, 0, sizeof *rows);
	while (ok && (ok = mg_stream_next(&stream, &more, err)) && more)
	{
		if (rows->names == NULL)
			describe(rows, &stream);
		grow(rows, &size, pg->arena);
		for (int c = 0; c < rows->columns; c++)
			rows->cells[rows->count * rows->columns + c] = mg_strdup(pg->arena, stream.cells[c]);
		rows->count++;
	}
	if (ok && rows->names == NULL && stream.result != NULL)
		describe(rows, &stream);
	mg_stream_close(&stream);
	return ok;
}

const char *
mg_rows_get(const MgRows *rows, int row, const char *name)
{
	for (int c = 0; c < rows->columns; c++)
		if (strcmp(rows->names[c], name) == 0)
			return rows->cells[row * rows->columns + c];
	return NULL;
}

char *
mg_pg_array(MgArena *arena, char *const *items, int count)
{
	MgBuf buf;

	mg_buf_init(&buf, arena);
	mg_buf_add(&buf, "{");
	for (int i = 0; i < count; i++)
	{
		mg_buf_add(&buf, i > 0 ? ",\"" : "\"");
		for (const char *p = items[i]; *p != '\0';)
		{
			size_t plain = strcspn(p, "\\\"");

			mg_buf_add_bytes(&buf, p, plain);
			p += plain;
			if (*p != '\0')
			{
				mg_buf_add_bytes(&buf, "\\", 1);
				mg_buf_add_bytes(&buf, p++, 1);
			}
		}
		mg_buf_add(&buf, "\"");
	}
	mg_buf_add(&buf, "}");
	return buf.data;
}
