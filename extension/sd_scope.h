/*
 * sd_scope.h
 *	  What names mean at a point of a script: the catalog, and on top of it what
 *	  the script itself has made, dropped and renamed so far.
 *
 * Look-ups follow the search_path that is in force, take no locks and raise no
 * errors for names that mean nothing.
 */
#ifndef SD_SCOPE_H
#define SD_SCOPE_H

#include "nodes/parsenodes.h"

typedef enum SdPresence
{
	SD_MISSING, /* neither in the catalog nor made by the script */
	SD_GONE,	/* dropped, or renamed away, by the script */
	SD_MADE,	/* made by the script, so nobody uses it yet */
	SD_EXISTS	/* in the catalog */
} SdPresence;

struct SdKnownRelation;

typedef struct SdRelation
{
	SdPresence presence;
	Oid oid;		  /* valid when SD_EXISTS */
	char relkind;	  /* 0 when unknown */
	char persistence; /* RELPERSISTENCE_*, 0 when unknown */
	bool is_partition;
	bool dropped;				   /* SD_GONE: it was the catalog's, and DROP took it */
	const char *schema;			   /* NULL when an unqualified name means nothing */
	const char *name;			   /* as used now */
	struct SdKnownRelation *known; /* what is kept of one of the catalog, or NULL */
} SdRelation;

/* What the script knows of a column or constraint. */
typedef struct SdPart
{
	SdPresence presence;   /* SD_EXISTS: the script knows nothing of it, ask the catalog */
	const char *old_name;  /* name in the catalog, when the script renamed it */
	const char *not_null;  /* constraint: column that it proves to be not null */
	bool valid;			   /* constraint: it is validated */
	bool dropped;		   /* SD_GONE column: it was the catalog's, and DROP took it */
	bool same_transaction; /* constraint: made in the transaction that is still open */
} SdPart;

/* A routine that the script made. */
typedef struct SdRoutine
{
	const char *language; /* lower case */
	const char *body;
} SdRoutine;

typedef struct SdScope SdScope;

/* sd_scope_create makes a scope in the current memory context. */
extern SdScope *sd_scope_create(void);

/* sd_scope_relation resolves a name; strings live in the current context. */
extern SdRelation sd_scope_relation(SdScope *scope, const RangeVar *name);

/* sd_scope_relation_in does the same for a relation that is the member of a known one's schema. */
extern SdRelation sd_scope_relation_in(SdScope *scope, const char *schema, const char *name);

/* sd_shown returns a relation's name for people: qualified and quoted. */
extern const char *sd_shown(const SdRelation *relation);

/* sd_scope_forget must be called before memory of the last statement is given back. */
extern void sd_scope_forget(SdScope *scope);

/* sd_scope_relation_list resolves a list of name parts, as DROP has them. */
extern SdRelation sd_scope_relation_list(SdScope *scope, const List *names);

/* sd_scope_creation_schema names the schema that CREATE puts such a relation into; may be NULL. */
extern const char *sd_scope_creation_schema(SdScope *scope, const RangeVar *name);

/* sd_scope_has_column tells whether the catalog has a column of a relation that exists. */
extern bool sd_scope_has_column(SdScope *scope, const SdRelation *relation, const char *name);

extern SdPart sd_scope_column(SdScope *scope, const SdRelation *relation, const char *column);
extern SdPart sd_scope_constraint(SdScope *scope, const SdRelation *relation, const char *name);

/* sd_scope_proves_not_null tells whether a valid CHECK that the script made says so. */
extern bool sd_scope_proves_not_null(SdScope *scope, const SdRelation *relation, const char *column,
									 List *dropped_constraints);

/* sd_scope_makes_valid tells whether the script made a constraint of a table that is valid by now. */
extern bool sd_scope_makes_valid(SdScope *scope, const SdRelation *relation);

/*
 * sd_scope_changed_constraints lists the names of constraints of the catalog
 * that the script has dropped or validated so far.
 */
extern void sd_scope_changed_constraints(SdScope *scope, const SdRelation *relation, List **dropped,
										 List **validated);

/* sd_scope_schema and sd_scope_type tell whether there is one of that name. */
extern SdPresence sd_scope_schema(SdScope *scope, const char *name, Oid *oid);
extern SdPresence sd_scope_type(SdScope *scope, List *names, Oid *oid);

/* sd_scope_made_plain_type tells whether the script made it, and not as a domain. */
extern bool sd_scope_made_plain_type(SdScope *scope, List *names);

/* sd_scope_routine finds a routine that the script made, by its last name. */
extern const SdRoutine *sd_scope_routine(SdScope *scope, const char *name);

/*
 * Changes.  With "conditional", which says that the statement may not be
 * reached, a thing made counts only while the catalog knows no such name, and
 * a thing dropped does not count at all.
 */
extern void sd_scope_make_relation(SdScope *scope, const char *schema, const char *name,
								   char relkind, bool conditional);
extern void sd_scope_drop_relation(SdScope *scope, const SdRelation *relation, bool conditional);
extern void sd_scope_rename_relation(SdScope *scope, const SdRelation *relation, const char *schema,
									 const char *name, bool conditional);
extern void sd_scope_make_column(SdScope *scope, const SdRelation *relation, const char *column,
								 bool conditional);
extern void sd_scope_drop_column(SdScope *scope, const SdRelation *relation, const char *column,
								 bool conditional);
extern void sd_scope_rename_column(SdScope *scope, const SdRelation *relation, const char *column,
								   const char *new_name, bool conditional);
extern void sd_scope_make_constraint(SdScope *scope, const SdRelation *relation, const char *name,
									 const char *not_null, bool valid, bool conditional);
extern void sd_scope_validate_constraint(SdScope *scope, const SdRelation *relation,
										 const char *name, bool conditional);
extern void sd_scope_drop_constraint(SdScope *scope, const SdRelation *relation, const char *name,
									 bool conditional);
extern void sd_scope_make_schema(SdScope *scope, const char *name, bool conditional);
extern void sd_scope_drop_schema(SdScope *scope, const char *name, bool conditional);
extern void sd_scope_rename_schema(SdScope *scope, const char *name, const char *new_name,
								   bool conditional);
extern void sd_scope_make_type(SdScope *scope, List *names, bool is_domain, bool conditional);
extern void sd_scope_drop_type(SdScope *scope, List *names, bool conditional);
/* sd_scope_rename_type gives a type another schema, another name, or both; NULL leaves it. */
extern void sd_scope_rename_type(SdScope *scope, List *names, const char *schema, const char *name,
								 bool conditional);
extern void sd_scope_make_routine(SdScope *scope, const char *name, const SdRoutine *routine);

/* sd_scope_commit forgets how to undo what was changed since the last one. */
extern void sd_scope_commit(SdScope *scope);

/* sd_scope_savepoint opens one; sd_scope_release closes it and those above. */
extern void sd_scope_savepoint(SdScope *scope, const char *name);
extern void sd_scope_release(SdScope *scope, const char *name);

/* sd_scope_rollback undoes all changes since the last commit, or since a savepoint. */
extern void sd_scope_rollback(SdScope *scope, const char *savepoint);

/* sd_scope_apply records what a statement makes, drops and renames; see sd_effects.c. */
extern void sd_scope_apply(SdScope *scope, Node *statement, bool conditional);

#endif
