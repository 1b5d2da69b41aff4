/*
 * sd_effect_int.h
 *	  The prediction of one script, for the files that keep it.
 */
#ifndef SD_EFFECT_INT_H
#define SD_EFFECT_INT_H

#include "utils/hsearch.h"

#include "sd_effect.h"

/* What an effect is on: an object of the catalog, or a name. */
typedef struct SdEffectKey
{
	SdEffectKind kind;
	Oid class;
	Oid object;
	int32 part;
} SdEffectKey;

typedef struct SdEffect
{
	SdEffectKey key;
	LOCKMODE mode;
	bool certain;
	bool passing;		/* a lock that ends with the statement */
	const char *type;	/* kind of object, or NULL to ask the catalog */
	const char *name;	/* identity, likewise */
	const char *schema; /* of what is not in the catalog, or NULL */
	const char *plain_name;
	const char *detail; /* NULL for none */
} SdEffect;

typedef struct SdTie SdTie;
typedef struct SdTied SdTied;

/* An object whose state the script has changed. */
typedef struct SdObjectState
{
	ObjectAddress address; /* hash key */
	LOCKMODE held;		   /* relation: strongest mode that the transaction holds */
	bool gone;			   /* dropped by the script */
	bool unsettled;		   /* nobody knows what it depends on: its definition is another one */
	const char *renamed;   /* what it is called now, when the script renamed it */
	const SdTie *ties;	   /* what it depends on since the script changed that; newest first */
	const SdTied *tied;	   /* what the script made depend on it */
} SdObjectState;

/* One change of a state, to be undone by a rollback. */
typedef struct SdChange
{
	SdObjectState before; /* a class of InvalidOid is a savepoint */
	const char *savepoint;
} SdChange;

/* What pg_class says of a relation; of one that is not there, 0. */
typedef struct SdClass
{
	Oid relation;
	Oid namespace;
	char relkind;
	char persistence;
} SdClass;

struct SdEffects
{
	SdEffectContext context;
	MemoryContext memory; /* lives as long as the analysis */
	MemoryContext rows;	  /* effects of one statement */
	HTAB *states;
	SdChange *changes;
	int nchanges;
	int allocated;
	HTAB *known;  /* effects of this statement, by key; NULL while there are few */
	List *list;	  /* SdEffect, in the order in which they were found */
	SdClass last; /* asked for: a statement is mostly about one relation */
	bool certain;
	bool has_ties;
	struct SdMade *made; /* what the script has made and statements use by name; sd_effect_made.c */
	List *renamed;		 /* of relations: old identity, new identity, and so on; newest first */
	List *renamed_types; /* OIDs */
};

/* sd_effects_find finds an effect of the statement; NULL when it has it not. */
extern SdEffect *sd_effects_find(const SdEffects *effects, SdEffectKind kind, Oid class, Oid object,
								 int32 part);

/* sd_effects_class looks a relation up. */
extern const SdClass *sd_effects_class(SdEffects *effects, Oid relation);

/* ---- what the script did to objects: sd_effect_state.c ---- */

/* sd_effects_state returns what is known of an object, made when "create" says so; else it may be NULL. */
extern SdObjectState *sd_effects_state(SdEffects *effects, Oid class, Oid object, int32 part,
									   bool create);

/* sd_effects_log keeps the state that an object had, for a rollback, or notes a savepoint. */
extern void sd_effects_log(SdEffects *effects, const SdObjectState *state, const char *savepoint);

/* sd_effects_end_transaction lets all locks go, and forgets how to undo what is committed. */
extern void sd_effects_end_transaction(SdEffects *effects, bool committed);

/* sd_effects_follow follows COMMIT, ROLLBACK and savepoints. */
extern void sd_effects_follow(SdEffects *effects, const TransactionStmt *stmt);

/* sd_effect_identify asks for the names that an object has at this point of the script. */
extern void sd_effect_identify(SdEffects *effects, SdEffect *effect);

#endif
