/*
 * sd_keys.h
 *	  What a script does with keys, remembered from statement to statement.
 *
 * A foreign key may get its index before it or after it, so that a missing one
 * is known at the end of the script only.
 */
#ifndef SD_KEYS_H
#define SD_KEYS_H

#include "sd_rules.h"

/* sd_keys_index remembers an index that begins with these columns (String). */
extern void sd_keys_index(SdAnalysis *analysis, const char *schema, const char *table, List *columns);

/* sd_keys_has_index tells whether the script made an index of a table so far. */
extern bool sd_keys_has_index(SdAnalysis *analysis, const SdRelation *table);

/* sd_keys_foreign remembers a foreign key, unless the catalog has an index for it. */
extern void sd_keys_foreign(SdAnalysis *analysis, const SdRelation *table, List *columns,
							const Constraint *constraint);

/*
 * sd_keys_locked remembers that a foreign key locks an existing table.  It
 * returns another one that the same transaction locks so, if this one is new.
 */
extern Oid sd_keys_locked(SdAnalysis *analysis, Oid table);

/* sd_keys_end_transaction forgets these locks. */
extern void sd_keys_end_transaction(SdAnalysis *analysis);

/* sd_keys_note_change remembers that rows of a table are changed; sd_keys_changed asks for it. */
extern void sd_keys_note_change(SdAnalysis *analysis, const char *table);
extern bool sd_keys_changed(SdAnalysis *analysis, const SdRelation *table);

/* sd_keys_rewritten reports that a rewrite builds an index again that the script has just built. */
extern void sd_keys_rewritten(SdAnalysis *analysis, const SdFinding *rewrite);

/* sd_keys_finish reports the foreign keys without an index. */
extern void sd_keys_finish(SdAnalysis *analysis);

#endif
