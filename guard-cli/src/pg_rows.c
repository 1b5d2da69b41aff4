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

bool
mg_pg_rows(MgPg *pg, const char *sql, int count, const char *const *values, MgRows *rows, MgError *err)
{
	PGresult *result = NULL;

	memset(rows, 0, sizeof *rows);
	if (!mg_pg_exec(pg, sql, count, values, &result, err))
		return false;
	rows->count = PQntuples(result);
	rows->columns = PQnfields(result);
	rows->names = mg_alloc(pg->arena, (size_t) rows->columns * sizeof(char *));
	rows->types = mg_alloc(pg->arena, (size_t) rows->columns * sizeof(MgColumnType));
	rows->cells = mg_alloc(pg->arena, (size_t) rows->columns * (size_t) rows->count * sizeof(char *));
	for (int c = 0; c < rows->columns; c++)
	{
		rows->names[c] = mg_strdup(pg->arena, PQfname(result, c));
		rows->types[c] = column_type(PQftype(result, c));
	}
	for (int r = 0; r < rows->count; r++)
		for (int c = 0; c < rows->columns; c++)
			rows->cells[r * rows->columns + c] = mg_pg_value(pg->arena, result, r, c);
	PQclear(result);
	return true;
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
