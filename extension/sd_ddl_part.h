/*
 * sd_ddl_part.h
 *	  What the writers of the parts of relations share: constraints, indexes, triggers,
 *	  rules and policies.
 */
#ifndef SD_DDL_PART_H
#define SD_DDL_PART_H

#include "sd_ddl_table.h"

typedef struct SdDdlPart
{
	const char *name;
	const char *quoted;
	SdNode *old; /* NULL when it was not there */
	SdNode *new; /* NULL when it is not there now */
} SdDdlPart;

/* How a kind of parts is written; what may be NULL says so. */
typedef struct SdDdlPartKind
{
	SdDiffCollection number;
	const char *collection;
	const char *facet;
	void (*create)(SdDdl *ddl, const SdDdlPart *part);
	/* false when it has to be made anew; then its steps are forgotten */
	bool (*alter)(SdDdl *ddl, const SdDdlPart *part);
	void (*drop)(SdDdl *ddl, const SdDdlPart *part);
	/* drops one that cannot go before everything else; false for one that can.  NULL: all can */
	bool (*drop_later)(SdDdl *ddl, const SdDdlPart *part);
	/* whether it is made and dropped with another table's.  NULL: none is */
	bool (*follows)(SdDdl *ddl, SdNode *part);
	/* writes what such a one has of its own.  NULL: nothing */
	void (*follow)(SdDdl *ddl, const SdDdlPart *part);
	/* notes what no statement can do.  NULL: nothing */
	void (*note)(SdDdl *ddl, const SdDdlPart *part);
} SdDdlPartKind;

extern const SdDdlPartKind sd_ddl_constraints;
extern const SdDdlPartKind sd_ddl_indexes;
extern const SdDdlPartKind sd_ddl_triggers;
extern const SdDdlPartKind sd_ddl_rules;
extern const SdDdlPartKind sd_ddl_policies;

/*
 * sd_ddl_table_part
 */

/* Name of the relation at this stage: names are changed after the drops. */
extern const char *sd_ddl_here(SdDdl *ddl);
/* Whether the table hangs under its parents all the while. */
extern bool sd_ddl_stays_child(SdDdl *ddl);
extern bool sd_ddl_is_partitioned(SdNode *side);
/* Whether both sides of a part say the same but for the values of these keys. */
extern bool sd_ddl_differs_only_in(SdDdl *ddl, const SdDdlPart *part, const char *const *keys,
								   int count);
extern bool sd_ddl_key_differs(const SdDdlPart *part, const char *key);

/*
 * sd_ddl_table_trigger
 */

/* "DISABLE", "ENABLE ALWAYS": what leads to a state of a trigger or rule. */
extern const char *sd_ddl_enable_words(const char *state);

#endif
