/*
 * sd_effect_query.h
 *	  Effects of queries: what is shared by those that read and those that write.
 *
 * A statement goes as far as it is taken: it may be analysed only, as the query
 * of a view is; rewritten, which locks what is under views; planned, which locks
 * children and indexes; or run.  Whether a plan reads a table from end to end is
 * certain only when there is no other way to read it.
 */
#ifndef SD_EFFECT_QUERY_H
#define SD_EFFECT_QUERY_H

#include "sd_effect.h"

/* A query that is walked. */
typedef struct SdQueryWalk
{
	SdEffectContext *context;
	SdQueryLevel level;
	List *ctes;			/* names that are no relations here */
	LOCKMODE mode;		/* of the relations that are read */
	bool filtered;		/* a condition or limit may leave a table unread */
	bool opens_indexes; /* an INSERT, which locks indexes to its end; COPY lets them go before */
} SdQueryWalk;

/* sd_read_relation records that a query uses a relation of the catalog. */
extern void sd_read_relation(SdQueryWalk *walk, Oid relation, LOCKMODE mode, bool inherits);

/* sd_read_rules records what the rules of a relation for one kind of command use. */
extern void sd_read_rules(SdQueryWalk *walk, Oid relation, char event);

/* sd_write_table records that rows of a table, and of what inherits from it, are written. */
extern void sd_write_table(SdQueryWalk *walk, Oid table, CmdType command, const List *columns,
						   bool inherits, bool rows_for_sure);

/* sd_fire_triggers looks into the functions of the triggers of a table. */
extern void sd_fire_triggers(SdEffectContext *context, Oid table, int16 event);

#endif
