/*
 * sd_effect_state.c
 *	  What a script did to objects of the catalog: locks held, drops, renames.
 *
 * A transaction holds its locks to its end.  A statement that asks again for
 * what is held, or for less, adds nothing; so the strongest mode held is kept for
 * each relation, with a log by which a rollback to a savepoint is undone.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_compat_catalog.h"
#include "sd_effect_int.h"

/* sd_effects_log keeps the state that an object had, for a rollback. */
void
sd_effects_log(SdEffects *effects, const SdObjectState *state, const char *savepoint)
{
	SdChange *change;

	if (effects->nchanges == effects->allocated)
	{
		effects->allocated = Max(64, effects->allocated * 2);
		if (effects->changes == NULL)
			effects->changes =
				MemoryContextAlloc(effects->memory, effects->allocated * sizeof(SdChange));
		else
			effects->changes = repalloc_huge(effects->changes, effects->allocated * sizeof(SdChange));
	}
	change = &effects->changes[effects->nchanges++];
	memset(change, 0, sizeof(*change));
	if (state != NULL)
		change->before = *state;
	else
		change->savepoint = MemoryContextStrdup(effects->memory, savepoint);
}

/* sd_effects_state returns what is known of an object, made when "create" says so; else it may be NULL. */
SdObjectState *
sd_effects_state(SdEffects *effects, Oid class, Oid object, int32 part, bool create)
{
	ObjectAddress address;
	SdObjectState *state;
	bool found;

	if (!create && hash_get_num_entries(effects->states) == 0)
		return NULL;
	memset(&address, 0, sizeof(address));
	ObjectAddressSubSet(address, class, object, part);
	state = hash_search(effects->states, &address, create ? HASH_ENTER : HASH_FIND, &found);
	if (create && !found)
		*state = (SdObjectState){ .address = address, .held = NoLock };
	return state;
}

/* undo takes changes back down to a number of them. */
static void
undo(SdEffects *effects, int keep)
{
	while (effects->nchanges > keep)
	{
		SdChange *change = &effects->changes[--effects->nchanges];
		const ObjectAddress *address = &change->before.address;

		if (change->savepoint == NULL)
			*sd_effects_state(effects, address->classId, address->objectId, address->objectSubId,
							  true) = change->before;
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

/* sd_effects_end_transaction lets all locks go, and forgets how to undo what is committed. */
void
sd_effects_end_transaction(SdEffects *effects, bool committed)
{
	if (!committed)
		undo(effects, 0);
	for (int i = 0; i < effects->nchanges; i++)
	{
		const SdChange *change = &effects->changes[i];
		const ObjectAddress *address = &change->before.address;

		if (change->savepoint == NULL)
			sd_effects_state(effects, address->classId, address->objectId, address->objectSubId, true)
				->held = NoLock;
	}
	effects->nchanges = 0;
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

/* relation_identity is sd_compat_object_identity() of a relation, the short way; NULL when it is gone. */
static const char *
relation_identity(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Form_pg_class form;
	const char *result;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_class) GETSTRUCT(tuple);
	result = quote_qualified_identifier(get_namespace_name_or_temp(form->relnamespace),
										NameStr(form->relname));
	ReleaseSysCache(tuple);
	return result;
}

/* sd_effects_name returns what an object is called at this point of the script. */
static const char *
sd_effects_name(SdEffects *effects, const SdEffectKey *key)
{
	SdObjectState *state = sd_effects_state(effects, key->class, key->object, key->part, false);
	ObjectAddress address;

	if (state != NULL && state->renamed != NULL && key->part == 0)
		return state->renamed;
	if (key->class == RelationRelationId && key->part != 0)
	{
		SdEffectKey whole = *key;

		whole.part = 0;
		return psprintf("%s.%s", sd_effects_name(effects, &whole),
						state != NULL && state->renamed != NULL ?
							state->renamed :
							quote_identifier(get_attname(key->object, key->part, false)));
	}
	if (key->class == RelationRelationId)
	{
		const char *name = relation_identity(key->object);

		if (name != NULL)
			return name;
	}
	ObjectAddressSubSet(address, key->class, key->object, key->part);
	return with_new_names(effects, sd_compat_object_identity(&address));
}

/* keep_names gives what the statement has touched the names that it has until now. */
static void
keep_names(SdEffects *effects)
{
	MemoryContext old = MemoryContextSwitchTo(effects->rows);
	ListCell *cell;

	foreach (cell, effects->list)
	{
		SdEffect *effect = lfirst(cell);

		if (effect->name == NULL && OidIsValid(effect->key.class))
			sd_effect_identify(effects, effect);
	}
	MemoryContextSwitchTo(old);
}

/* rename_to gives an object, or a part of one, a name from here on. */
static void
rename_to(SdEffects *effects, const ObjectAddress *object, const char *name)
{
	SdObjectState *state;
	MemoryContext old;

	keep_names(effects);
	state = sd_effects_state(effects, object->classId, object->objectId, object->objectSubId, true);
	sd_effects_log(effects, state, NULL);
	old = MemoryContextSwitchTo(effects->memory);
	state->renamed = pstrdup(name);
	if (object->objectSubId == 0)
		effects->renamed = lcons(sd_compat_object_identity(object),
								 lcons((char *) state->renamed, effects->renamed));
	if (object->classId == TypeRelationId)
		effects->renamed_types = list_append_unique_oid(effects->renamed_types, object->objectId);
	MemoryContextSwitchTo(old);
}

void
sd_renames(SdEffectContext *context, Oid class, Oid object, int32 part, const char *schema,
		   const char *name)
{
	ObjectAddress address;

	ObjectAddressSubSet(address, class, object, part);
	if (context->effects->certain)
		rename_to(context->effects, &address,
				  part == 0 ? quote_qualified_identifier(schema, name) : quote_identifier(name));
}

/* behind_schema returns the part of an identity from the dot behind the schema on; NULL without one. */
static const char *
behind_schema(const char *identity)
{
	bool quoted = false;

	for (; *identity != '\0'; identity++)
		if (*identity == '"')
			quoted = !quoted;
		else if (*identity == '.' && !quoted)
			return identity;
	return NULL;
}

void
sd_moves(SdEffectContext *context, const ObjectAddress *object, const char *schema)
{
	SdEffectKey key = { .class = object->classId, .object = object->objectId };
	const char *name = behind_schema(sd_effects_name(context->effects, &key));

	if (context->effects->certain && name != NULL)
		rename_to(context->effects, object, psprintf("%s%s", quote_identifier(schema), name));
}

bool
sd_is_renamed(SdEffectContext *context, Oid class, Oid object)
{
	SdObjectState *state = sd_effects_state(context->effects, class, object, 0, false);

	return state != NULL && state->renamed != NULL;
}

/* is_called tells whether an identity is what a name, with or without a schema, means. */
static bool
is_called(const char *identity, const char *schema, const char *name)
{
	List *path;
	ListCell *cell;
	bool found = false;

	if (schema != NULL)
		return strcmp(identity, quote_qualified_identifier(schema, name)) == 0;
	path = fetch_search_path(true);
	foreach (cell, path)
		found |=
			strcmp(identity, quote_qualified_identifier(get_namespace_name_or_temp(lfirst_oid(cell)),
														name)) == 0;
	list_free(path);
	return found;
}

Oid
sd_renamed_type(SdEffectContext *context, List *names)
{
	ListCell *cell;

	if (names == NIL)
		return InvalidOid;
	foreach (cell, context->effects->renamed_types)
	{
		SdObjectState *state =
			sd_effects_state(context->effects, TypeRelationId, lfirst_oid(cell), 0, false);

		if (state != NULL && state->renamed != NULL && !state->gone &&
			is_called(state->renamed,
					  list_length(names) > 1 ? strVal(list_nth(names, list_length(names) - 2)) : NULL,
					  strVal(llast(names))))
			return lfirst_oid(cell);
	}
	return InvalidOid;
}

void
sd_drops(SdEffectContext *context, const ObjectAddress *object)
{
	SdObjectState *state;

	/* what may be there still has its effects */
	if (!context->effects->certain)
		return;
	state = sd_effects_state(context->effects, object->classId, object->objectId,
							 object->objectSubId, true);
	if (state->gone)
		return;
	sd_effects_log(context->effects, state, NULL);
	state->gone = true;
}

bool
sd_is_gone(SdEffectContext *context, Oid class, Oid object)
{
	SdObjectState *state = sd_effects_state(context->effects, class, object, 0, false);

	return state != NULL && state->gone;
}

bool
sd_is_column_gone(SdEffectContext *context, Oid table, AttrNumber attnum)
{
	SdObjectState *state =
		sd_effects_state(context->effects, RelationRelationId, table, attnum, false);

	return state != NULL && state->gone;
}

/* end_of_transaction follows COMMIT, ROLLBACK and savepoints. */
void
sd_effects_follow(SdEffects *effects, const TransactionStmt *stmt)
{
	switch (stmt->kind)
	{
		case TRANS_STMT_COMMIT:
		case TRANS_STMT_PREPARE:
			sd_effects_end_transaction(effects, true);
			break;
		case TRANS_STMT_ROLLBACK:
			sd_effects_end_transaction(effects, false);
			break;
		case TRANS_STMT_SAVEPOINT:
			sd_effects_log(effects, NULL, stmt->savepoint_name);
			break;
		case TRANS_STMT_ROLLBACK_TO:
			undo_to_savepoint(effects, stmt->savepoint_name);
			break;
		default:
			break;
	}
}

/* sd_effect_identify asks for the names of an object. */
void
sd_effect_identify(SdEffects *effects, SdEffect *effect)
{
	ObjectAddress address;

	effect->name = sd_effects_name(effects, &effect->key);
	/* no finding says it */
	if (!effects->context.analysis->predicts)
		return;
	ObjectAddressSubSet(address, effect->key.class, effect->key.object, effect->key.part);
	effect->type = sd_compat_object_type(&address);
}
