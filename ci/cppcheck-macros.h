/*
 * cppcheck-macros.h
 *	  Macros of PostgreSQL that cppcheck cannot parse without its headers.
 *	  Only static analysis reads this file.
 */
#define PG_FUNCTION_INFO_V1(name)
#define PG_MODULE_MAGIC
#define PGDLLEXPORT
#define PGDLLIMPORT
#define pg_attribute_printf(f, a)
#define pg_attribute_noreturn()
#define pg_noreturn
#define PG_FUNCTION_ARGS FunctionCallInfo fcinfo
#define PG_TRY() \
	do           \
	{
#define PG_CATCH()          \
	}                       \
	while (0)               \
		;                   \
	if (sd_cppcheck_caught) \
	{
#define PG_FINALLY() \
	}                \
	while (0)        \
		;            \
	{
#define PG_END_TRY()  }
#define INT64_FORMAT  "%ld"
#define UINT64_FORMAT "%lu"
#define foreach(cell, list) \
	for (ListCell *cell = list_head(list); cell != NULL; cell = lnext(list, cell))
#define cJSON_ArrayForEach(item, list) for (item = (list)->child; item != NULL; item = item->next)
