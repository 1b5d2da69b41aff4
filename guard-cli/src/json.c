/*
 * json.c
 *	  Building and printing of JSON.
 */
#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "text.h"

static void *
must_alloc(size_t size)
{
	return mg_must(malloc(size));
}

void
mg_json_init(void)
{
	cJSON_Hooks hooks = { must_alloc, free };

	cJSON_InitHooks(&hooks);
}

void
mg_json_raw(cJSON *object, const char *key, const char *json)
{
	cJSON_AddItemToObject(object, key, json != NULL ? cJSON_CreateRaw(json) : cJSON_CreateNull());
}

const char *
mg_json_strings(const MgStrings *list, MgArena *arena)
{
	MgBuf buf;

	mg_buf_init(&buf, arena);
	mg_buf_add(&buf, "[");
	for (int i = 0; i < list->count; i++)
	{
		mg_buf_add(&buf, i > 0 ? ", " : "");
		mg_text_json(&buf, list->items[i]);
	}
	mg_buf_add(&buf, "]");
	return buf.data;
}

/* Quoted here, since a server with encoding SQL_ASCII may send any bytes. */
static cJSON *
text_item(const char *value)
{
	MgArena *arena;
	MgBuf buf;
	cJSON *item;

	if (value == NULL)
		return cJSON_CreateNull();
	arena = mg_arena_new();
	mg_buf_init(&buf, arena);
	mg_text_json(&buf, value);
	item = cJSON_CreateRaw(buf.data);
	mg_arena_free(arena);
	return item;
}

void
mg_json_text(cJSON *object, const char *key, const char *value)
{
	cJSON_AddItemToObject(object, key, text_item(value));
}

void
mg_json_add_text(cJSON *array, const char *value)
{
	cJSON_AddItemToArray(array, text_item(value));
}

void
mg_json_bool(cJSON *object, const char *key, bool value)
{
	cJSON_AddBoolToObject(object, key, value);
}

void
mg_json_int(cJSON *object, const char *key, long long value)
{
	char digits[32];

	/* cJSON's numbers are doubles, too short for a bigint. */
	snprintf(digits, sizeof digits, "%lld", value);
	mg_json_raw(object, key, digits);
}

char *
mg_json_take(MgArena *arena, cJSON *json)
{
	char *printed = cJSON_PrintUnformatted(json);
	char *text = mg_strdup(arena, printed);

	cJSON_free(printed);
	cJSON_Delete(json);
	return text;
}

void
mg_json_cell(cJSON *object, const MgRows *rows, int row, int column)
{
	const char *name = rows->names[column];
	const char *value = rows->cells[row * rows->columns + column];

	switch (rows->types[column])
	{
		case MG_COLUMN_TEXT:
			mg_json_text(object, name, value);
			break;
		case MG_COLUMN_BOOL:
			mg_json_raw(object, name, value == NULL ? NULL : value[0] == 't' ? "true" : "false");
			break;
		case MG_COLUMN_NUMBER:
		case MG_COLUMN_JSON:
			mg_json_raw(object, name, value);
			break;
	}
}

cJSON *
mg_json_row(const MgRows *rows, int row)
{
	cJSON *object = cJSON_CreateObject();

	for (int c = 0; c < rows->columns; c++)
		mg_json_cell(object, rows, row, c);
	return object;
}

cJSON *
mg_json_rows(const MgRows *rows)
{
	cJSON *array = cJSON_CreateArray();

	for (int r = 0; r < rows->count; r++)
		cJSON_AddItemToArray(array, mg_json_row(rows, r));
	return array;
}

/* Prints all but the last "cut" bytes, secrets replaced, and frees it. */
static void
print_cut(FILE *out, cJSON *json, size_t cut)
{
	MgArena *arena = mg_arena_new();
	char *text = cJSON_PrintUnformatted(json);

	text[strlen(text) - cut] = '\0';
	fputs(mg_log_redact_json(arena, mg_text_json_escaped(arena, text)), out);
	cJSON_free(text);
	cJSON_Delete(json);
	mg_arena_free(arena);
}

void
mg_json_print(FILE *out, cJSON *json)
{
	print_cut(out, json, 0);
	fputc('\n', out);
}

void
mg_json_print_rows(FILE *out, cJSON *object, const char *key, const MgRows *rows)
{
	cJSON_AddArrayToObject(object, key);
	/* without the end of the array and of the object */
	print_cut(out, object, 2);
	for (int r = 0; r < rows->count; r++)
	{
		if (r > 0)
			fputc(',', out);
		print_cut(out, mg_json_row(rows, r), 0);
	}
	fputs("]}\n", out);
}
