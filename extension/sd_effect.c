/*
 * sd_effect.c
 *	  What the statements of a script would lock, rewrite, read and drop: the
 *	  collector of effects, and the table of the families.
 *
 * A transaction holds its locks to its end.  A statement that asks again for
 * what is held, or for less, adds nothing; so the collector keeps for each
 * relation the strongest mode held, with a log by which a rollback to a
 * savepoint is undone.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "sd_compat.h"
#include "sd_compat_catalog.h"
#include "sd_effect.h"
#include "sd_result.h"
#include "sd_tree.h"
#include "sd_try.h"
#include "sd_whole.h"

static const char *const effect_names[] = {
	"lock", "rewrite", "build", "scan", "drop", "new", "opaque",
};

/* What an effect is on: an object of the catalog, or a name. */
typedef struct EffectKey
{
	SdEffectKind kind;
	Oid class;
	Oid object;
	int32 part;
} EffectKey;

typedef struct Effect
{
	EffectKey key;
	LOCKMODE mode;
	bool certain;
	bool passing;		/* a lock that ends with the statement */
	const char *type;	/* kind of object, or NULL to ask the catalog */
	const char *name;	/* identity, likewise */
	const char *detail; /* NULL for none */
} Effect;

/* An object whose state the script has changed. */
typedef struct ObjectState
{
	ObjectAddress address; /* hash key */
	LOCKMODE held;		   /* relation: strongest mode that the transaction holds */
	bool gone;			   /* dropped by the script */
	const char *renamed;   /* what it is called now, when the script renamed it */
} ObjectState;

/* One change of a state, to be undone by a rollback. */
typedef struct Change
{
	ObjectAddress address; /* a class of InvalidOid is a savepoint */
	LOCKMODE held;
	bool gone;
	const char *renamed;
	const char *savepoint;
} Change;

struct SdEffects
{
	SdEffectContext context;
	MemoryContext memory; /* lives as long as the analysis */
	MemoryContext rows;	  /* effects of one statement */
	HTAB *states;
	Change *changes;
	int nchanges;
	int allocated;
	HTAB *known; /* effects of this statement, by key */
	List *list;	 /* Effect, in the order in which they were found */
	bool certain;
	List *made;	   /* what the script has made and statements use by name; sd_effect_made.c */
	List *renamed; /* of relations: old identity, new identity, and so on; newest first */
};

/*
 * Every statement that the server has; one that is missing here is reported as
 * opaque.  sd_effect_nothing is for those that touch no relation.
 */
static const struct
{
	NodeTag tag;
	SdEffectFunction function;
} families[] = {
	{ T_AlterTableStmt, sd_effect_alter_table },
	{ T_AlterTableMoveAllStmt, sd_effect_move_all },
	{ T_DropStmt, sd_effect_drop_statement },
	{ T_DropOwnedStmt, sd_effect_drop_owned },
	{ T_ReassignOwnedStmt, sd_effect_reassign_owned },
	{ T_IndexStmt, sd_effect_index },
	{ T_ReindexStmt, sd_effect_reindex },
	{ T_ClusterStmt, sd_effect_cluster },
	{ T_SelectStmt, sd_effect_data },
	{ T_InsertStmt, sd_effect_data },
	{ T_UpdateStmt, sd_effect_data },
	{ T_DeleteStmt, sd_effect_data },
#if PG_VERSION_NUM >= 150000
	{ T_MergeStmt, sd_effect_data },
#endif
	{ T_CopyStmt, sd_effect_copy },
	{ T_TruncateStmt, sd_effect_truncate },
	{ T_LockStmt, sd_effect_lock_table },
	{ T_CreateStmt, sd_effect_create_table },
	{ T_CreateForeignTableStmt, sd_effect_create_table },
	{ T_CreateTableAsStmt, sd_effect_create_table_as },
	{ T_ViewStmt, sd_effect_create_view },
	{ T_CreateSeqStmt, sd_effect_create_sequence },
	{ T_AlterSeqStmt, sd_effect_alter_sequence },
	{ T_CompositeTypeStmt, sd_effect_create_composite },
	{ T_CreateTrigStmt, sd_effect_create_trigger },
	{ T_RuleStmt, sd_effect_create_rule },
	{ T_CreatePolicyStmt, sd_effect_create_policy },
	{ T_AlterPolicyStmt, sd_effect_alter_policy },
	{ T_CreateStatsStmt, sd_effect_create_statistics },
	{ T_CreateFunctionStmt, sd_effect_create_function },
	{ T_CreateSchemaStmt, sd_effect_create_schema },
	{ T_RefreshMatViewStmt, sd_effect_refresh },
	{ T_RenameStmt, sd_effect_rename },
	{ T_AlterObjectSchemaStmt, sd_effect_set_schema },
	{ T_AlterOwnerStmt, sd_effect_set_owner },
	{ T_CommentStmt, sd_effect_comment },
	{ T_SecLabelStmt, sd_effect_security_label },
	{ T_AlterObjectDependsStmt, sd_effect_depends },
	{ T_AlterExtensionContentsStmt, sd_effect_extension_contents },
	{ T_AlterDomainStmt, sd_effect_alter_domain },
	{ T_VacuumStmt, sd_effect_vacuum },
	{ T_ExplainStmt, sd_effect_explain },
	{ T_PrepareStmt, sd_effect_prepare },
	{ T_ExecuteStmt, sd_effect_execute },
	{ T_DeclareCursorStmt, sd_effect_declare },
	{ T_CallStmt, sd_effect_call },
	{ T_CreatePublicationStmt, sd_effect_create_publication },
	{ T_AlterPublicationStmt, sd_effect_alter_publication },
	{ T_CreateExtensionStmt, sd_effect_create_extension },
	{ T_AlterExtensionStmt, sd_effect_alter_extension },
	/* bodies are statements of their own */
	{ T_DoStmt, sd_effect_nothing },
	{ T_TransactionStmt, sd_effect_nothing },
	{ T_VariableSetStmt, sd_effect_nothing },
	{ T_VariableShowStmt, sd_effect_nothing },
	{ T_DeallocateStmt, sd_effect_nothing },
	{ T_DiscardStmt, sd_effect_nothing },
	{ T_ListenStmt, sd_effect_nothing },
	{ T_NotifyStmt, sd_effect_nothing },
	{ T_UnlistenStmt, sd_effect_nothing },
	{ T_FetchStmt, sd_effect_nothing },
	{ T_ClosePortalStmt, sd_effect_nothing },
	{ T_ConstraintsSetStmt, sd_effect_nothing },
	{ T_CheckPointStmt, sd_effect_nothing },
	{ T_LoadStmt, sd_effect_nothing },
	{ T_DefineStmt, sd_effect_nothing },
	{ T_CreateEnumStmt, sd_effect_nothing },
	{ T_CreateRangeStmt, sd_effect_nothing },
	{ T_CreateDomainStmt, sd_effect_nothing },
	{ T_AlterEnumStmt, sd_effect_alter_enum },
	{ T_AlterTypeStmt, sd_effect_nothing },
	{ T_AlterFunctionStmt, sd_effect_nothing },
	{ T_AlterOperatorStmt, sd_effect_nothing },
	{ T_AlterOpFamilyStmt, sd_effect_nothing },
	{ T_AlterCollationStmt, sd_effect_nothing },
	{ T_AlterStatsStmt, sd_effect_nothing },
	{ T_AlterEventTrigStmt, sd_effect_nothing },
	{ T_AlterDefaultPrivilegesStmt, sd_effect_nothing },
	{ T_AlterRoleStmt, sd_effect_nothing },
	{ T_AlterRoleSetStmt, sd_effect_nothing },
	{ T_AlterDatabaseStmt, sd_effect_nothing },
	{ T_AlterDatabaseSetStmt, sd_effect_nothing },
	{ T_AlterSystemStmt, sd_effect_nothing },
	{ T_AlterTableSpaceOptionsStmt, sd_effect_nothing },
	{ T_AlterTSConfigurationStmt, sd_effect_nothing },
	{ T_AlterTSDictionaryStmt, sd_effect_nothing },
	{ T_AlterFdwStmt, sd_effect_nothing },
	{ T_AlterForeignServerStmt, sd_effect_nothing },
	{ T_AlterUserMappingStmt, sd_effect_nothing },
	{ T_CreateFdwStmt, sd_effect_nothing },
	{ T_CreateForeignServerStmt, sd_effect_nothing },
	{ T_CreateUserMappingStmt, sd_effect_nothing },
	{ T_DropUserMappingStmt, sd_effect_nothing },
	{ T_CreateAmStmt, sd_effect_nothing },
	{ T_CreateCastStmt, sd_effect_nothing },
	{ T_CreateConversionStmt, sd_effect_nothing },
	{ T_CreateEventTrigStmt, sd_effect_nothing },
	{ T_CreateOpClassStmt, sd_effect_nothing },
	{ T_CreateOpFamilyStmt, sd_effect_nothing },
	{ T_CreatePLangStmt, sd_effect_nothing },
	{ T_CreateTransformStmt, sd_effect_nothing },
	{ T_CreateRoleStmt, sd_effect_nothing },
	{ T_DropRoleStmt, sd_effect_nothing },
	{ T_CreatedbStmt, sd_effect_nothing },
	{ T_DropdbStmt, sd_effect_nothing },
	{ T_CreateTableSpaceStmt, sd_effect_nothing },
	{ T_DropTableSpaceStmt, sd_effect_nothing },
	{ T_GrantStmt, sd_effect_grant },
	{ T_GrantRoleStmt, sd_effect_nothing },
	{ T_CreateSubscriptionStmt, sd_effect_nothing },
	{ T_AlterSubscriptionStmt, sd_effect_nothing },
	{ T_DropSubscriptionStmt, sd_effect_nothing },
};

SdEffects *
sd_effects_create(SdAnalysis *analysis)
{
	SdEffects *effects = palloc0(sizeof(SdEffects));
	HASHCTL control = { 0 };

	effects->context.effects = effects;
	effects->context.analysis = analysis;
	effects->context.scope = analysis->scope;
	effects->memory = CurrentMemoryContext;
	effects->rows =
		AllocSetContextCreate(CurrentMemoryContext, "safedeploy effects", ALLOCSET_SMALL_SIZES);
	control.keysize = sizeof(ObjectAddress);
	control.entrysize = sizeof(ObjectState);
	control.hcxt = effects->memory;
	effects->states =
		hash_create("safedeploy object states", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	effects->certain = true;
	return effects;
}

/* log_change keeps the state that an object had, for a rollback. */
static void
log_change(SdEffects *effects, const ObjectState *state, const char *savepoint)
{
	Change *change;

	if (effects->nchanges == effects->allocated)
	{
		effects->allocated = Max(64, effects->allocated * 2);
		if (effects->changes == NULL)
			effects->changes =
				MemoryContextAlloc(effects->memory, effects->allocated * sizeof(Change));
		else
			effects->changes = repalloc_huge(effects->changes, effects->allocated * sizeof(Change));
	}
	change = &effects->changes[effects->nchanges++];
	memset(change, 0, sizeof(*change));
	if (state != NULL)
	{
		change->address = state->address;
		change->held = state->held;
		change->gone = state->gone;
		change->renamed = state->renamed;
	}
	else
		change->savepoint = MemoryContextStrdup(effects->memory, savepoint);
}

/* state_of returns what is known of an object, made when "create" says so; else it may be NULL. */
static ObjectState *
state_of(SdEffects *effects, Oid class, Oid object, int32 part, bool create)
{
	ObjectAddress address;
	ObjectState *state;
	bool found;

	memset(&address, 0, sizeof(address));
	ObjectAddressSubSet(address, class, object, part);
	state = hash_search(effects->states, &address, create ? HASH_ENTER : HASH_FIND, &found);
	if (create && !found)
	{
		state->held = NoLock;
		state->gone = false;
		state->renamed = NULL;
	}
	return state;
}

/* undo takes changes back down to a number of them. */
static void
undo(SdEffects *effects, int keep)
{
	while (effects->nchanges > keep)
	{
		Change *change = &effects->changes[--effects->nchanges];
		ObjectState *state;

		if (change->savepoint != NULL)
			continue;
		state = state_of(effects, change->address.classId, change->address.objectId,
						 change->address.objectSubId, true);
		state->held = change->held;
		state->gone = change->gone;
		state->renamed = change->renamed;
	}
}

/* undo_to_savepoint takes back what was changed since a savepoint. */
static void
undo_to_savepoint(SdEffects *effects, const char *savepoint)
{
	for (int i = effects->nchanges - 1; i >= 0; i--)
	{
		if (effects->changes[i].savepoint != NULL &&
			strcmp(effects->changes[i].savepoint, savepoint) == 0)
		{
			undo(effects, i + 1);
			return;
		}
	}
}

/* end_transaction lets all locks go, and forgets how to undo what is committed. */
static void
end_transaction(SdEffects *effects, bool committed)
{
	if (!committed)
		undo(effects, 0);
	for (int i = 0; i < effects->nchanges; i++)
	{
		Change *change = &effects->changes[i];

		if (change->savepoint == NULL)
			state_of(effects, change->address.classId, change->address.objectId,
					 change->address.objectSubId, true)
				->held = NoLock;
	}
	effects->nchanges = 0;
}

/* add_effect returns the effect of a key, made when the statement has it not yet. */
static Effect *
add_effect(SdEffects *effects, SdEffectKind kind, Oid class, Oid object, int32 part)
{
	MemoryContext old = MemoryContextSwitchTo(effects->rows);
	EffectKey key;
	Effect **slot;
	bool found = false;
	Effect *effect = NULL;

	memset(&key, 0, sizeof(key));
	key.kind = kind;
	key.class = class;
	key.object = object;
	key.part = part;
	if (OidIsValid(class))
	{
		struct
		{
			EffectKey key;
			Effect *effect;
		} * entry;

		if (effects->known == NULL)
		{
			HASHCTL control = { 0 };

			control.keysize = sizeof(EffectKey);
			control.entrysize = sizeof(*entry);
			control.hcxt = effects->rows;
			effects->known = hash_create("safedeploy effects", 32, &control,
										 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		}
		entry = hash_search(effects->known, &key, HASH_ENTER, &found);
		slot = &entry->effect;
		if (found)
			effect = *slot;
	}
	if (!found)
	{
		effect = palloc0(sizeof(Effect));
		effect->key = key;
		effect->mode = NoLock;
		effects->list = lappend(effects->list, effect);
		if (OidIsValid(class))
			*slot = effect;
	}
	MemoryContextSwitchTo(old);
	return effect;
}

/* add_certain adds an effect that is as certain as what is looked at. */
static void
add_certain(SdEffects *effects, SdEffectKind kind, Oid relation)
{
	Effect *effect;

	if (relation < FirstNormalObjectId || sd_is_gone(&effects->context, RelationRelationId, relation))
		return;
	effect = add_effect(effects, kind, RelationRelationId, relation, 0);
	effect->certain |= effects->certain;
}

bool
sd_effect_certain(SdEffectContext *context, bool certain)
{
	bool before = context->effects->certain;

	context->effects->certain = certain;
	return before;
}

/* add_lock returns the effect of a lock on a relation; NULL when none is to be told. */
static Effect *
add_lock(SdEffectContext *context, Oid relation, LOCKMODE mode)
{
	SdEffects *effects = context->effects;
	Effect *effect;
	char relkind;

	if (mode == NoLock || relation < FirstNormalObjectId ||
		sd_is_gone(context, RelationRelationId, relation))
		return NULL;
	relkind = sd_relkind(relation);
	if (relkind == 0 || relkind == RELKIND_TOASTVALUE ||
		(mode <= AccessShareLock &&
		 (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)) ||
		get_rel_namespace(relation) == PG_TOAST_NAMESPACE)
		return NULL;
	effect = add_effect(effects, SD_EFFECT_LOCK, RelationRelationId, relation, 0);
	if (mode > effect->mode)
	{
		effect->mode = mode;
		effect->certain = effects->certain;
	}
	else if (mode == effect->mode)
		effect->certain |= effects->certain;
	effect->passing = false;
	return effect;
}

void
sd_locks(SdEffectContext *context, Oid relation, LOCKMODE mode)
{
	(void) add_lock(context, relation, mode);
}

void
sd_locks_meanwhile(SdEffectContext *context, List *relations, LOCKMODE mode)
{
	ListCell *cell;

	foreach (cell, relations)
	{
		Effect *effect = add_lock(context, lfirst_oid(cell), mode);

		if (effect != NULL)
			effect->passing = true;
	}
}

void
sd_locks_each(SdEffectContext *context, List *relations, LOCKMODE mode)
{
	ListCell *cell;

	foreach (cell, relations)
		sd_locks(context, lfirst_oid(cell), mode);
}

void
sd_locks_type(SdEffectContext *context, Oid type, LOCKMODE mode)
{
	Effect *effect;

	if (type < FirstNormalObjectId || sd_is_gone(context, TypeRelationId, type))
		return;
	effect = add_effect(context->effects, SD_EFFECT_LOCK, TypeRelationId, type, 0);
	effect->mode = mode;
	effect->certain = context->effects->certain;
}

void
sd_scans(SdEffectContext *context, Oid relation)
{
	if (sd_has_rows(sd_relkind(relation)))
		add_certain(context->effects, SD_EFFECT_SCAN, relation);
}

void
sd_builds(SdEffectContext *context, Oid index)
{
	if (sd_relkind(index) == RELKIND_INDEX)
		add_certain(context->effects, SD_EFFECT_BUILD, index);
}

void
sd_rewrites(SdEffectContext *context, Oid relation)
{
	if (sd_has_rows(sd_relkind(relation)))
		add_certain(context->effects, SD_EFFECT_REWRITE, relation);
}

/*
 * with_new_names follows the script's renames in the identity of a part of a
 * relation, which ends with that of the relation.
 */
static const char *
with_new_names(SdEffects *effects, const char *identity)
{
	int len = strlen(identity);

	for (int i = 0; i + 1 < list_length(effects->renamed); i += 2)
	{
		const char *old = list_nth(effects->renamed, i);
		int tail = strlen(old);

		if (len > tail + 4 && strcmp(identity + len - tail, old) == 0 &&
			strncmp(identity + len - tail - 4, " on ", 4) == 0)
			return psprintf("%.*s%s", len - tail, identity,
							(char *) list_nth(effects->renamed, i + 1));
	}
	return identity;
}

/* name_of returns what an object is called at this point of the script. */
static const char *
name_of(SdEffects *effects, const EffectKey *key)
{
	ObjectState *state = state_of(effects, key->class, key->object, key->part, false);
	ObjectAddress address;

	if (state != NULL && state->renamed != NULL && key->part == 0)
		return state->renamed;
	if (key->class == RelationRelationId && key->part != 0)
	{
		EffectKey whole = *key;

		whole.part = 0;
		return psprintf("%s.%s", name_of(effects, &whole),
						state != NULL && state->renamed != NULL ?
							state->renamed :
							quote_identifier(get_attname(key->object, key->part, false)));
	}
	ObjectAddressSubSet(address, key->class, key->object, key->part);
	return with_new_names(effects, sd_compat_object_identity(&address));
}

/* keep_identity asks for the names of an object. */
static void
keep_identity(SdEffects *effects, Effect *effect)
{
	ObjectAddress address;

	ObjectAddressSubSet(address, effect->key.class, effect->key.object, effect->key.part);
	effect->name = name_of(effects, &effect->key);
	effect->type = sd_compat_object_type(&address);
}

void
sd_renames(SdEffectContext *context, Oid class, Oid object, int32 part, const char *schema,
		   const char *name)
{
	SdEffects *effects = context->effects;
	ObjectState *state;
	MemoryContext old;

	ListCell *cell;

	if (!effects->certain)
		return;
	/* this statement still names it as before */
	old = MemoryContextSwitchTo(effects->rows);
	foreach (cell, effects->list)
	{
		Effect *effect = lfirst(cell);

		if (effect->name == NULL && OidIsValid(effect->key.class))
			keep_identity(effects, effect);
	}
	state = state_of(effects, class, object, part, true);
	log_change(effects, state, NULL);
	MemoryContextSwitchTo(old);
	old = MemoryContextSwitchTo(effects->memory);
	if (part == 0)
	{
		ObjectAddress address;

		ObjectAddressSet(address, class, object);
		state->renamed = quote_qualified_identifier(schema, name);
		effects->renamed = lcons(sd_compat_object_identity(&address),
								 lcons((char *) state->renamed, effects->renamed));
	}
	else
		state->renamed = pstrdup(quote_identifier(name));
	MemoryContextSwitchTo(old);
}

void
sd_reports_drop(SdEffectContext *context, const ObjectAddress *object)
{
	Effect *effect = add_effect(context->effects, SD_EFFECT_DROP, object->classId, object->objectId,
								object->objectSubId);

	effect->certain |= context->effects->certain;
}

void
sd_drops(SdEffectContext *context, const ObjectAddress *object)
{
	ObjectState *state;

	/* what may be there still has its effects */
	if (!context->effects->certain)
		return;
	state = state_of(context->effects, object->classId, object->objectId, object->objectSubId, true);
	if (state->gone)
		return;
	log_change(context->effects, state, NULL);
	state->gone = true;
}

bool
sd_is_gone(SdEffectContext *context, Oid class, Oid object)
{
	ObjectState *state = state_of(context->effects, class, object, 0, false);

	return state != NULL && state->gone;
}

/* type_of_relkind says in the words of pg_identify_object what a relation is. */
static const char *
type_of_relkind(char relkind)
{
	switch (relkind)
	{
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			return "index";
		case RELKIND_SEQUENCE:
			return "sequence";
		case RELKIND_VIEW:
			return "view";
		case RELKIND_MATVIEW:
			return "materialized view";
		case RELKIND_COMPOSITE_TYPE:
			return "composite type";
		case RELKIND_FOREIGN_TABLE:
			return "foreign table";
		default:
			return "table";
	}
}

/* add_named adds an effect on something that the catalog does not know. */
static void
add_named(SdEffects *effects, SdEffectKind kind, const char *schema, const char *name,
		  const char *type)
{
	Effect *effect = add_effect(effects, kind, InvalidOid, InvalidOid, 0);

	effect->certain = effects->certain;
	effect->type = type;
	effect->name = MemoryContextStrdup(effects->rows, quote_qualified_identifier(schema, name));
}

void
sd_makes(SdEffectContext *context, const char *schema, const char *name, char relkind)
{
	add_named(context->effects, SD_EFFECT_NEW, schema, name, type_of_relkind(relkind));
	/* the statement may not say the name */
	if ((relkind == RELKIND_INDEX || relkind == RELKIND_SEQUENCE) &&
		sd_scope_relation_in(context->scope, schema, name).presence == SD_MISSING)
		sd_scope_make_relation(context->scope, schema, name, relkind, !context->effects->certain);
}

void
sd_builds_new(SdEffectContext *context, const char *schema, const char *name)
{
	add_named(context->effects, SD_EFFECT_BUILD, schema, name, type_of_relkind(RELKIND_INDEX));
}

bool
sd_is_named(SdEffectContext *context, const char *schema, const char *name)
{
	const char *identity = quote_qualified_identifier(schema, name);
	ListCell *cell;

	foreach (cell, context->effects->list)
	{
		Effect *effect = lfirst(cell);

		if (effect->key.kind == SD_EFFECT_NEW && strcmp(effect->name, identity) == 0)
			return true;
	}
	return false;
}

List **
sd_effects_made(SdEffects *effects, MemoryContext *memory)
{
	*memory = effects->memory;
	return &effects->made;
}

void
sd_effects_opaque(SdEffects *effects, const char *detail)
{
	Effect *effect = add_effect(effects, SD_EFFECT_OPAQUE, InvalidOid, InvalidOid, 0);

	effect->detail = MemoryContextStrdup(effects->rows, detail);
}

bool
sd_is_old(SdEffectContext *context, const SdRelation *relation)
{
	return relation->presence == SD_EXISTS && !sd_is_gone(context, RelationRelationId, relation->oid);
}

SdRelation
sd_locks_name(SdEffectContext *context, const RangeVar *name, LOCKMODE mode)
{
	SdRelation relation = sd_scope_relation(context->scope, name);

	if (sd_is_old(context, &relation))
		sd_locks(context, relation.oid, mode);
	return relation;
}

/* end_of_transaction follows COMMIT, ROLLBACK and savepoints. */
static void
follow_transaction(SdEffects *effects, const TransactionStmt *stmt)
{
	switch (stmt->kind)
	{
		case TRANS_STMT_COMMIT:
		case TRANS_STMT_PREPARE:
			end_transaction(effects, true);
			break;
		case TRANS_STMT_ROLLBACK:
			end_transaction(effects, false);
			break;
		case TRANS_STMT_SAVEPOINT:
			log_change(effects, NULL, stmt->savepoint_name);
			break;
		case TRANS_STMT_ROLLBACK_TO:
			undo_to_savepoint(effects, stmt->savepoint_name);
			break;
		default:
			break;
	}
}

void
sd_effects_inner(SdEffects *effects, Node *statement)
{
	for (int i = 0; i < lengthof(families); i++)
	{
		if (families[i].tag != nodeTag(statement))
			continue;
		families[i].function(&effects->context, statement);
		return;
	}
	sd_effects_opaque(effects, psprintf("what %s does is not known", sd_command_name(statement)));
}

/* A statement whose prediction may fail: trees hold what the server's walker does not know. */
typedef struct Attempt
{
	SdEffects *effects;
	Node *statement;
} Attempt;

static void
attempt(void *arg)
{
	Attempt *what = arg;

	sd_effects_inner(what->effects, what->statement);
}

void
sd_effects_statement(SdEffects *effects, Node *statement)
{
	SdAnalysis *analysis = effects->context.analysis;
	bool before = effects->certain;
	Attempt what = { effects, statement };
	char *error;

	/* the body of a routine that is only made does nothing yet */
	if (analysis->deferred)
		return;
	effects->certain = before && !analysis->conditional;
	if (IsA(statement, TransactionStmt) && analysis->inside == NULL)
		follow_transaction(effects, (TransactionStmt *) statement);
	if (!sd_try(attempt, &what, &error))
		sd_effects_opaque(effects, psprintf("it cannot be predicted: %s", error));
	effects->certain = before;
}

void
sd_effect_nothing(SdEffectContext *context, Node *statement)
{
}

/* put_effect hands one effect out. */
static void
put_effect(SdEffects *effects, Effect *effect)
{
	SdAnalysis *analysis = effects->context.analysis;
	Datum values[7] = { 0 };
	bool nulls[7] = { 0 };

	if (effect->name == NULL && OidIsValid(effect->key.class))
		keep_identity(effects, effect);
	values[0] = Int32GetDatum(analysis->number);
	values[1] = CStringGetTextDatum(effect_names[effect->key.kind]);
	sd_put_text_column(values, nulls, 2, effect->type);
	sd_put_text_column(values, nulls, 3, effect->name);
	nulls[4] = effect->mode == NoLock;
	if (effect->mode != NoLock)
		values[4] = CStringGetTextDatum(GetLockmodeName(DEFAULT_LOCKMETHOD, effect->mode));
	values[5] = BoolGetDatum(effect->certain);
	sd_put_text_column(values, nulls, 6, effect->detail);
	tuplestore_putvalues(analysis->store, analysis->desc, values, nulls);
}

/* is_implied tells whether a drop goes without saying: of a part of what this statement drops. */
static bool
is_implied(SdEffects *effects, const Effect *effect)
{
	ObjectAddress address;
	EffectKey whole = { SD_EFFECT_DROP };
	ObjectAddress found;
	bool hidden;

	if (effect->key.kind != SD_EFFECT_DROP || !OidIsValid(effect->key.class))
		return false;
	ObjectAddressSubSet(address, effect->key.class, effect->key.object, effect->key.part);
	if (!sd_whole_of(&address, &found, &hidden) || hidden)
		return hidden;
	whole.class = found.classId;
	whole.object = found.objectId;
	return hash_search(effects->known, &whole, HASH_FIND, NULL) != NULL;
}

/* is_news tells whether a lock adds to what the transaction holds, and holds it. */
static bool
is_news(SdEffects *effects, const Effect *effect)
{
	ObjectState *state;

	if (effect->key.kind != SD_EFFECT_LOCK)
		return true;
	state = state_of(effects, effect->key.class, effect->key.object, 0, true);
	if (effect->mode <= state->held)
		return false;
	if (effect->certain && !effect->passing)
	{
		log_change(effects, state, NULL);
		state->held = effect->mode;
	}
	return true;
}

void
sd_effects_flush(SdEffects *effects)
{
	MemoryContext old = MemoryContextSwitchTo(effects->rows);
	ListCell *cell;

	foreach (cell, effects->list)
	{
		Effect *effect = lfirst(cell);

		if (!is_implied(effects, effect) && is_news(effects, effect))
			put_effect(effects, effect);
	}
	MemoryContextSwitchTo(old);
	effects->list = NIL;
	effects->known = NULL;
	MemoryContextReset(effects->rows);
	/* outside a transaction each statement is one */
	if (!effects->context.analysis->in_transaction)
		end_transaction(effects, true);
}
