/*
 * sd_bodies.h
 *	  Routines of the catalog whose text mentions a name: the catalog keeps no
 *	  dependencies for text.
 */
#ifndef SD_BODIES_H
#define SD_BODIES_H

#include "sd_names.h"
#include "sd_rules.h"

/* What is looked for in a body. */
typedef struct SdMention
{
	const char *name;
	const char *schema; /* of a relation: it counts where the text names a relation */
	const char *table;	/* of a column: only where this relation is mentioned too */
	Oid trigger_table;	/* its trigger functions need not mention "table" */
	bool call;			/* only where it is called */
	const char *before; /* the word in front of the name, or NULL for any */
} SdMention;

/*
 * sd_bodies_mention adds the routines that mention a name, without those that
 * the script drops or makes anew.
 */
extern void sd_bodies_mention(SdAnalysis *analysis, const SdMention *mention, SdNames *names);

/* sd_bodies_list lists them all: qualified names. */
extern List *sd_bodies_list(SdAnalysis *analysis, const SdMention *mention);

/* sd_text_names tells whether a text has a name as an identifier, outside of strings. */
extern bool sd_text_names(const char *text, int len, const char *name);

/* sd_body_raises tells whether PL/pgSQL text raises exceptions. */
extern bool sd_body_raises(const char *text);

/* sd_body_catches_in_loop tells whether it has a block with EXCEPTION inside a loop. */
extern bool sd_body_catches_in_loop(const char *text);

#endif
