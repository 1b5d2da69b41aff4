/*
 * sd_effect.h
 *	  What the statements of a script would lock, rewrite, read and drop.
 *
 * The engine is run by the same walk as the rules: for each statement, also
 * those inside of bodies, it asks the table of sd_effect.c for the function of
 * the statement's family, in sd_effect_*.c.  That function names each relation
 * that the server would touch by the calls below; it reads catalogs, takes no
 * locks and executes nothing.  Objects that the script itself has made are no
 * hazard to anybody, so that locks of them are left out.
 */
#ifndef SD_EFFECT_H
#define SD_EFFECT_H

#include "catalog/objectaddress.h"
#include "nodes/parsenodes.h"
#include "storage/lockdefs.h"

#include "sd_rules.h"

typedef enum SdEffectKind
{
	SD_EFFECT_LOCK,
	SD_EFFECT_REWRITE,
	SD_EFFECT_BUILD,
	SD_EFFECT_SCAN,
	SD_EFFECT_DROP,
	SD_EFFECT_NEW,
	SD_EFFECT_OPAQUE
} SdEffectKind;

/* The prediction of one script; in an SdAnalysis as "effects". */
typedef struct SdEffects SdEffects;

extern SdEffects *sd_effects_create(SdAnalysis *analysis);

/* sd_effects_statement predicts a statement, before the scope knows what it does. */
extern void sd_effects_statement(SdEffects *effects, Node *statement);

/* sd_effects_flush hands the effects of the top-level statement out. */
extern void sd_effects_flush(SdEffects *effects);

/* sd_effects_opaque says that something cannot be told. */
extern void sd_effects_opaque(SdEffects *effects, const char *detail);

/* ---- for the families ---- */

/* What a family's function gets. */
typedef struct SdEffectContext
{
	SdEffects *effects;
	SdAnalysis *analysis;
	SdScope *scope;
} SdEffectContext;

typedef void (*SdEffectFunction)(SdEffectContext *context, Node *statement);

/*
 * What follows is certain, or happens only under a condition that the catalog
 * does not tell.  sd_certain returns what was in force before.
 */
extern bool sd_effect_certain(SdEffectContext *context, bool certain);

/* Effects on a relation of the catalog; those of the server's own are left out. */
extern void sd_locks(SdEffectContext *context, Oid relation, LOCKMODE mode);
extern void sd_locks_each(SdEffectContext *context, List *relations, LOCKMODE mode);
extern void sd_rewrites(SdEffectContext *context, Oid relation);
extern void sd_builds(SdEffectContext *context, Oid index);
extern void sd_scans(SdEffectContext *context, Oid relation);

/* sd_drops records the drop of an object, which has no effects from then on. */
extern void sd_drops(SdEffectContext *context, const ObjectAddress *object);
extern bool sd_is_gone(SdEffectContext *context, Oid class, Oid object);

/* sd_makes and sd_new_index record a relation that the statement makes. */
extern void sd_makes(SdEffectContext *context, const char *schema, const char *name, char relkind);

/* sd_locks_name resolves and locks; the relation may turn out to be the script's own. */
extern SdRelation sd_locks_name(SdEffectContext *context, const RangeVar *name, LOCKMODE mode);

/* sd_is_old tells whether a relation is there now, and was before the script. */
extern bool sd_is_old(SdEffectContext *context, const SdRelation *relation);

/* ---- questions to the catalog; objects that the script dropped are left out ---- */

extern char sd_relkind(Oid relation);
extern bool sd_has_rows(char relkind); /* a relation of its own storage that is no index */

/* sd_indexes lists the indexes of a table. */
extern List *sd_indexes(SdEffectContext *context, Oid table);

/* sd_tree lists a relation and all that inherits from it; sd_children the next level only. */
extern List *sd_family_tree(SdEffectContext *context, Oid relation);
extern List *sd_children(SdEffectContext *context, Oid relation);

/* sd_parents lists what a relation inherits from. */
extern List *sd_parents(SdEffectContext *context, Oid relation);

/* sd_default_partition returns that of a partitioned table, or InvalidOid. */
extern Oid sd_default_partition(SdEffectContext *context, Oid table);

/* sd_owned_sequences lists the sequences that belong to columns of a table; attnum 0 is any. */
extern List *sd_owned_sequences(SdEffectContext *context, Oid table, AttrNumber attnum);

/* A foreign key of the catalog. */
typedef struct SdForeignKey
{
	Oid oid;
	Oid from;
	Oid to;
	Oid parent; /* of the constraint that it was copied from, or InvalidOid */
	bool valid;
	const char *name;
	char on_delete;
	char on_update;
} SdForeignKey;

/* sd_foreign_keys lists those of a table; sd_foreign_keys_to those that point at it. */
extern List *sd_foreign_keys(SdEffectContext *context, Oid table);
extern List *sd_foreign_keys_to(SdEffectContext *context, Oid table);

/* ---- parts that families share ---- */

/* sd_effect_query records what a query, data change or expression touches. */
extern void sd_effect_query(SdEffectContext *context, Node *query);

/* sd_effect_expression does so for an expression that is only analysed. */
extern void sd_effect_names(SdEffectContext *context, Node *tree, LOCKMODE mode);

/* sd_effect_drop records the drop of objects and all that goes with them. */
extern void sd_effect_drop(SdEffectContext *context, const ObjectAddress *objects, int count);

/* sd_effect_drop_column and _constraint drop a part of a relation. */
extern void sd_effect_drop_column(SdEffectContext *context, Oid relation, AttrNumber attnum);
extern void sd_effect_drop_constraint(SdEffectContext *context, Oid constraint);

/* sd_choose_name makes the name that the server would give to a relation without one. */
extern const char *sd_choose_name(SdEffectContext *context, const char *schema, const char *first,
								  const char *second, const char *label);

/* The families. */
extern void sd_effect_alter_table(SdEffectContext *context, Node *statement);

#endif
