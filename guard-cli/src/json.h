/*
 * json.h
 *	  JSON on stdout: cJSON trees whose texts are valid UTF-8 and free of secrets.
 */
#ifndef MG_JSON_H
#define MG_JSON_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "pg.h"

/* Lets cJSON end the program when memory is out, as the arena does. */
extern void mg_json_init(void);

/* A NULL value becomes null. */
extern void mg_json_text(cJSON *object, const char *key, const char *value);
extern void mg_json_bool(cJSON *object, const char *key, bool value);
extern void mg_json_int(cJSON *object, const char *key, long long value);
/* Text that is JSON already: a number, or a jsonb of the server. */
extern void mg_json_raw(cJSON *object, const char *key, const char *json);

/* Adds a text to an array. */
extern void mg_json_add_text(cJSON *array, const char *value);

/* A list as an array, in one text; secrets stay in it. */
extern const char *mg_json_strings(const MgStrings *list, MgArena *arena);

/* All of it in one text, and frees it; secrets stay in it. */
extern char *mg_json_take(MgArena *arena, cJSON *json);

/* A column of a row, with its name and type. */
extern void mg_json_cell(cJSON *object, const MgRows *rows, int row, int column);
/* A row as an object, with the columns' names and types. */
extern cJSON *mg_json_row(const MgRows *rows, int row);
/* All rows as an array. */
extern cJSON *mg_json_rows(const MgRows *rows);

/* Prints it with a line end, secrets replaced, and frees it. */
extern void mg_json_print(FILE *out, cJSON *json);

/* The same of an object whose last member is a list of rows, one row in memory at a time. */
extern void mg_json_print_rows(FILE *out, cJSON *object, const char *key, const MgRows *rows);

#endif
