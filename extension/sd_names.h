/*
 * sd_names.h
 *	  Names of objects of the catalog, for messages.
 */
#ifndef SD_NAMES_H
#define SD_NAMES_H

#include "lib/stringinfo.h"

#include "sd_rules.h"

/* A list of names that a message shortens after the first few. */
typedef struct SdNames
{
	StringInfoData text;
	int count;
} SdNames;

extern void sd_names_init(SdNames *names);
extern void sd_names_add(SdNames *names, const char *name);

/* sd_names_text returns the list; nothing may be added after that. */
extern const char *sd_names_text(SdNames *names);

/* sd_relation_name returns the qualified name of a relation. */
extern const char *sd_relation_name(Oid relation);

/* sd_relkind_name says in the words of pg_identify_object() what a relation is. */
extern const char *sd_relkind_name(char relkind);

/* sd_type_columns lists the columns of a type; "size" becomes that of the largest table. */
extern void sd_type_columns(SdAnalysis *analysis, Oid type, SdNames *names, SdSize *size);

#endif
