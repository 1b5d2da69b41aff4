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

/* sd_effects_inner predicts a statement that another one contains. */
extern void sd_effects_inner(SdEffects *effects, Node *statement);

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
 * does not tell.  It returns what was in force before.
 */
extern bool sd_effect_certain(SdEffectContext *context, bool certain);

/* Effects on a relation of the catalog; those of the server's own are left out. */
extern void sd_locks(SdEffectContext *context, Oid relation, LOCKMODE mode);
/* sd_locks_meanwhile is for locks that the statement lets go when it ends. */
extern void sd_locks_meanwhile(SdEffectContext *context, List *relations, LOCKMODE mode);
extern void sd_locks_each(SdEffectContext *context, List *relations, LOCKMODE mode);
/* sd_locks_type is for statements that lock a type; those of relations are the relation's business. */
extern void sd_locks_type(SdEffectContext *context, Oid type, LOCKMODE mode);
extern void sd_rewrites(SdEffectContext *context, Oid relation);
extern void sd_builds(SdEffectContext *context, Oid index);
extern void sd_scans(SdEffectContext *context, Oid relation);

/*
 * sd_reports_drop reports the drop of an object; sd_drops makes it unknown to the
 * statements that follow.
 */
extern void sd_reports_drop(SdEffectContext *context, const ObjectAddress *object);
extern void sd_drops(SdEffectContext *context, const ObjectAddress *object);
extern bool sd_is_gone(SdEffectContext *context, Oid class, Oid object);
extern bool sd_is_column_gone(SdEffectContext *context, Oid table, AttrNumber attnum);

/*
 * sd_ties makes an object depend on another one from here on; sd_unties ends what the
 * catalog says of its dependence on an object, or, for InvalidOid, on all of that class.
 * sd_gives_to does both for its owner.  sd_unsettles tells that an object may depend on
 * something else from here on.  Drops that follow are predicted by that.
 */
extern void sd_ties(SdEffectContext *context, const ObjectAddress *object,
					const ObjectAddress *referenced);
extern void sd_unties(SdEffectContext *context, const ObjectAddress *object, Oid class,
					  Oid referenced);
extern void sd_gives_to(SdEffectContext *context, const ObjectAddress *object, Oid role);
extern void sd_unsettles(SdEffectContext *context, const ObjectAddress *object);

extern bool sd_is_untied(SdEffectContext *context, const ObjectAddress *object,
						 const ObjectAddress *referenced);
extern bool sd_is_unsettled(SdEffectContext *context, const ObjectAddress *object);
/* sd_tied_to lists what the script made depend on an object (ObjectAddress). */
extern List *sd_tied_to(SdEffectContext *context, const ObjectAddress *referenced);

/* sd_owned_now lists what a role owns at this point of the script (ObjectAddress). */
extern List *sd_owned_now(SdEffectContext *context, Oid role);

/* sd_relation_of_part returns the relation of a constraint, trigger, rule, policy, default or statistics. */
extern Oid sd_relation_of_part(const ObjectAddress *object);

/* sd_makes records a relation that the statement makes; sd_builds_new, that it is a costly index. */
extern void sd_makes(SdEffectContext *context, const char *schema, const char *name, char relkind);
extern void sd_makes_named(SdEffectContext *context, const RangeVar *name, char relkind);
extern void sd_builds_new(SdEffectContext *context, const char *schema, const char *name);

/* sd_is_named tells whether this statement has made a relation of that name. */
extern bool sd_is_named(SdEffectContext *context, const char *schema, const char *name);

/* sd_locks_name resolves and locks; the relation may turn out to be the script's own. */
extern SdRelation sd_locks_name(SdEffectContext *context, const RangeVar *name, LOCKMODE mode);

/* sd_renames gives an object of the catalog another name from here on; "schema" may be NULL. */
extern void sd_renames(SdEffectContext *context, Oid class, Oid object, int32 part,
					   const char *schema, const char *name);

/* sd_moves does so for what goes to another schema under its name. */
extern void sd_moves(SdEffectContext *context, const ObjectAddress *object, const char *schema);
extern bool sd_is_renamed(SdEffectContext *context, Oid class, Oid object);
/* sd_renamed_type finds a type by a name that the script gave to it, or InvalidOid. */
extern Oid sd_renamed_type(SdEffectContext *context, List *names);

/* sd_is_old tells whether a relation is there now, and was before the script. */
extern bool sd_is_old(SdEffectContext *context, const SdRelation *relation);

/* sd_effects_made returns where the pointer is to what sd_effect_made.c keeps, and its memory. */
extern struct SdMade **sd_effects_made(SdEffects *effects, MemoryContext *memory);

/* Constraints, indexes and statements that the script has made, for those that use them. */
extern void sd_remember_constraint(SdEffectContext *context, const SdRelation *relation,
								   const Constraint *constraint);
extern const Constraint *sd_made_constraint(SdEffectContext *context, const SdRelation *relation,
											const char *name);
extern void sd_remember_index(SdEffectContext *context, const SdRelation *relation,
							  const char *name, const IndexStmt *index);
/* sd_table_of_made_index returns the table that the script made an index of, or InvalidOid. */
extern Oid sd_table_of_made_index(SdEffectContext *context, const SdRelation *index);
extern bool sd_made_index(SdEffectContext *context, const SdRelation *relation,
						  const IndexStmt *index);
extern List *sd_made_keys(SdEffectContext *context, const SdRelation *relation);
extern List *sd_made_references(SdEffectContext *context, const SdRelation *relation);
extern void sd_remember_prepared(SdEffectContext *context, const char *name, Node *query);
extern List *sd_made_event_triggers(SdEffectContext *context);
extern Node *sd_prepared(SdEffectContext *context, const char *name);

/* ---- questions to the catalog; objects that the script dropped are left out ---- */

extern char sd_relkind(Oid relation);
extern Oid sd_owner(Oid relation);
extern bool sd_has_rows(char relkind); /* a relation of its own storage that is no index */

/* sd_indexes lists the indexes of a table. */
extern List *sd_indexes(SdEffectContext *context, Oid table);

/* sd_family_tree lists a relation and all that inherits from it; sd_children the next level only. */
extern List *sd_family_tree(SdEffectContext *context, Oid relation);
extern List *sd_children(SdEffectContext *context, Oid relation);

/* sd_typed_tables lists the tables that were made of a composite type. */
extern List *sd_typed_tables(SdEffectContext *context, Oid composite);

/* sd_has_data tells whether a table, or what inherits from it, has a page of rows. */
extern bool sd_has_data(SdEffectContext *context, Oid table);

/* sd_default_of returns the stored default of a column, or InvalidOid. */
extern Oid sd_default_of(Oid table, AttrNumber attnum);

/* sd_parents lists what a relation inherits from. */
extern List *sd_parents(SdEffectContext *context, Oid relation);

/* sd_default_partition returns that of a partitioned table, or InvalidOid. */
extern Oid sd_default_partition(SdEffectContext *context, Oid table);

/* sd_owned_sequences lists the sequences that belong to columns of a table; attnum 0 is any. */
extern List *sd_owned_sequences(SdEffectContext *context, Oid table, AttrNumber attnum);

/* A sequence that a column's default takes numbers from. */
typedef struct SdDefaultSequence
{
	Oid oid;
	AttrNumber attnum;
} SdDefaultSequence;

extern List *sd_default_sequences(SdEffectContext *context, Oid table);

/* sd_is_identity tells whether a column is one; sd_identity_columns lists their names. */
extern bool sd_is_identity(Oid table, AttrNumber attnum);
extern List *sd_identity_columns(Oid table);

/* sd_view_relations lists the relations in the query of a view. */
extern List *sd_view_relations(SdEffectContext *context, Oid view);

/* sd_relations_of_schema lists the relations of a schema; of all but the server's own for InvalidOid. */
extern List *sd_relations_of_schema(Oid schema);

/* sd_tables_of_type lists relations with a column of a type, or of a domain over it. */
extern List *sd_tables_of_type(SdEffectContext *context, Oid type);

extern bool sd_domain_is_not_null(Oid domain);
extern bool sd_domain_constraint_is_valid(Oid domain, const char *name);

/* A foreign key of the catalog. */
typedef struct SdForeignKey
{
	Oid oid;
	Oid from;
	Oid to;
	Oid parent; /* of the constraint that it was copied from, or InvalidOid */
	bool valid;
	char on_delete;
	char on_update;
	List *from_columns; /* attribute numbers */
	List *to_columns;
} SdForeignKey;

/* sd_foreign_keys lists those of a table; sd_foreign_keys_to those that point at it. */
extern List *sd_foreign_keys(SdEffectContext *context, Oid table);
extern List *sd_foreign_keys_to(SdEffectContext *context, Oid table);

/* sd_resolve finds what a statement names, without locks; InvalidOid when it is not there. */
extern ObjectAddress sd_resolve(SdEffectContext *context, ObjectType type, Node *object);

/* sd_resolve_relation finds the relation that a name means, or that it is a part of. */
extern Oid sd_resolve_relation(SdEffectContext *context, ObjectType type, Node *object);

/* ---- parts that families share ---- */

/* How far a query is taken. */
typedef enum SdQueryLevel
{
	SD_QUERY_ANALYZED,	/* names are looked up */
	SD_QUERY_REWRITTEN, /* views are replaced by their queries */
	SD_QUERY_PLANNED,
	SD_QUERY_RUN
} SdQueryLevel;

/* sd_effect_query records what a query, data change or expression touches; NULL does nothing. */
extern void sd_effect_query(SdEffectContext *context, Node *query, SdQueryLevel level);

/* sd_effect_view_query records what running the query of a view touches. */
extern void sd_effect_view_query(SdEffectContext *context, Oid view);

/* sd_effect_expressions looks into the routines that writing a row of a table runs, but for triggers. */
extern void sd_effect_expressions(SdEffectContext *context, Oid table);

/* sd_uses_type locks the relation that a composite type is kept as; NULL does nothing. */
extern void sd_uses_type(SdEffectContext *context, const TypeName *name, LOCKMODE mode);

/* sd_address appends an object to a list for sd_effect_drop. */
extern List *sd_address(List *list, Oid class, Oid object, int32 part);

/* sd_effect_drop records the drop of objects (ObjectAddress) and all that goes with them. */
extern void sd_effect_drop(SdEffectContext *context, List *objects);

extern void sd_effect_change_owner(SdEffectContext *context, Oid relation, Oid owner);

/* sd_choose_name makes the name that the server would give to a relation without one. */
extern const char *sd_choose_name(SdEffectContext *context, const char *schema, const char *first,
								  const char *second, const char *label);

/* sd_new_index records an index of a relation; "table" is InvalidOid when there is nothing to read. */
extern void sd_new_index(SdEffectContext *context, const SdRelation *relation, Oid table,
						 const IndexStmt *index, LOCKMODE lock);

/* sd_ensure_index is sd_new_index for a partition that may have such an index already. */
extern void sd_ensure_index(SdEffectContext *context, const SdRelation *partition, Oid table,
							const IndexStmt *index, LOCKMODE lock);

/* sd_copy_of_index describes an index so that another table can have one like it. */
extern IndexStmt *sd_copy_of_index(Oid index);

/* The families. */
#define X(function) extern void function(SdEffectContext *context, Node *statement);
X(sd_effect_alter_table)
X(sd_effect_drop_statement)
X(sd_effect_drop_mapping)
X(sd_effect_drop_role)
X(sd_effect_drop_database)
X(sd_effect_drop_tablespace)
X(sd_effect_drop_subscription)
X(sd_effect_alter_opfamily)
X(sd_effect_drop_owned)
X(sd_effect_reassign_owned)
X(sd_effect_index)
X(sd_effect_reindex)
X(sd_effect_cluster)
X(sd_effect_data)
X(sd_effect_copy)
X(sd_effect_truncate)
X(sd_effect_lock_table)
X(sd_effect_create_table)
X(sd_effect_create_table_as)
X(sd_effect_create_view)
X(sd_effect_create_sequence)
X(sd_effect_alter_sequence)
X(sd_effect_create_composite)
X(sd_effect_create_trigger)
X(sd_effect_create_rule)
X(sd_effect_create_policy)
X(sd_effect_alter_policy)
X(sd_effect_create_statistics)
X(sd_effect_create_function)
X(sd_effect_create_schema)
X(sd_effect_refresh)
X(sd_effect_rename)
X(sd_effect_set_schema)
X(sd_effect_set_owner)
X(sd_effect_comment)
X(sd_effect_security_label)
X(sd_effect_depends)
X(sd_effect_extension_contents)
X(sd_effect_alter_domain)
X(sd_effect_alter_enum)
X(sd_effect_vacuum)
X(sd_effect_move_all)
X(sd_effect_explain)
X(sd_effect_prepare)
X(sd_effect_execute)
X(sd_effect_declare)
X(sd_effect_call)
X(sd_effect_create_publication)
X(sd_effect_alter_publication)
X(sd_effect_create_event_trigger)
X(sd_effect_create_extension)
X(sd_effect_alter_extension)
X(sd_effect_grant)
X(sd_effect_nothing)
#undef X

#endif
