/*
 * sd_ddl_list.h
 *	  Lists of options as statements write them, from tables.
 */
#ifndef SD_DDL_LIST_H
#define SD_DDL_LIST_H

#include "sd_ddl.h"

typedef enum SdDdlForm
{
	SD_DDL_WORD,	/* WORD = text as it stands: a name, a number */
	SD_DDL_LITERAL, /* WORD = 'text' */
	SD_DDL_FLAG		/* WORD alone, when true */
} SdDdlForm;

/* One option; a table of them ends with a NULL key. */
typedef struct SdDdlOption
{
	const char *key;  /* in the facet core of the definition */
	const char *word; /* in the statement */
	SdDdlForm form;
	const char *unless;				  /* a value that need not be written */
	const char *const (*spelling)[2]; /* of the document, of the statement; NULL at the end */
} SdDdlOption;

/* "WORD = value, WORD" of all that the old definition has. */
extern char *sd_ddl_list(SdDdl *ddl, const SdDdlOption *options);
/* The same of what differs, with NONE for what has to go; "" when nothing differs. */
extern char *sd_ddl_list_changes(SdDdl *ddl, const SdDdlOption *options);
/* Whether any of the options differs. */
extern bool sd_ddl_list_changed(SdDdl *ddl, const SdDdlOption *options);
extern const char *sd_ddl_spell(const char *const (*spelling)[2], const char *value);

/*
 * " OPTIONS (a 'b')" of an object of foreign data; "" without any.  What a
 * snapshot hides becomes a step of its own, which has no statement.
 */
extern char *sd_ddl_foreign_options(SdDdl *ddl, SdNode *options);
/* " OPTIONS (ADD …, SET …, DROP …)" that leads from new to old; "" when they are equal. */
extern char *sd_ddl_foreign_changes(SdDdl *ddl, SdNode *old, SdNode *new);

/*
 * Member of a map of the new side that is the one of that key on the old side, or
 * the other way round: keys may hold names that have been changed back.
 */
extern SdNode *sd_ddl_counterpart(SdDdl *ddl, SdNode *map, const char *key, bool map_is_new);

/* "SET name TO value"; NULL when the value is hidden, which becomes a step of its own. */
extern char *sd_ddl_setting(SdDdl *ddl, SdNode *setting);

/* Splits at the last occurrence of a separator outside of quotes; false when there is none. */
extern bool sd_ddl_split(const char *text, const char *separator, char **before, char **after);
/* Identity without the list of arguments. */
extern char *sd_ddl_name(const char *identity);
/* Name without the quotes that SQL text needs. */
extern char *sd_ddl_unquote(const char *name);
/* Text of the server's answer to a query of two text parameters; NULL without one. */
extern char *sd_ddl_ask(const char *query, const char *first, const char *second);

#endif
