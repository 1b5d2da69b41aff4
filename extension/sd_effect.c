/*
 * sd_effect.c
 *	  What the statements of a script would lock, rewrite, read and drop: the
 *	  collector of effects.
 */
#include "postgres.h"

#include "access/htup_details.h"
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
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_compat_catalog.h"
#include "sd_effect_int.h"
#include "sd_names.h"
#include "sd_result.h"
#include "sd_tree.h"
#include "sd_try.h"
#include "sd_whole.h"

static const char *const effect_names[] = {
	"lock", "rewrite", "build", "scan", "drop", "new", "opaque",
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
	control.entrysize = sizeof(SdObjectState);
	control.hcxt = effects->memory;
	effects->states =
		hash_create("safedeploy object states", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	effects->certain = true;
	return effects;
}

/* More effects than these are looked up by their keys. */
#define FEW_EFFECTS 16

/* An effect in the table of those of a statement. */
typedef struct KnownEffect
{
	SdEffectKey key;
	SdEffect *effect;
} KnownEffect;

SdEffect *
sd_effects_find(const SdEffects *effects, SdEffectKind kind, Oid class, Oid object, int32 part)
{
	SdEffectKey key;
	ListCell *cell;

	memset(&key, 0, sizeof(key));
	key.kind = kind;
	key.class = class;
	key.object = object;
	key.part = part;
	if (effects->known != NULL)
	{
		KnownEffect *entry = hash_search(effects->known, &key, HASH_FIND, NULL);

		return entry == NULL ? NULL : entry->effect;
	}
	foreach (cell, effects->list)
	{
		SdEffect *effect = lfirst(cell);

		if (memcmp(&effect->key, &key, sizeof(key)) == 0)
			return effect;
	}
	return NULL;
}

/* index_effects makes the table, when a statement has many. */
static void
index_effects(SdEffects *effects)
{
	HASHCTL control = { 0 };
	ListCell *cell;

	control.keysize = sizeof(SdEffectKey);
	control.entrysize = sizeof(KnownEffect);
	control.hcxt = effects->rows;
	effects->known =
		hash_create("safedeploy effects", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach (cell, effects->list)
	{
		SdEffect *effect = lfirst(cell);

		if (OidIsValid(effect->key.class))
			((KnownEffect *) hash_search(effects->known, &effect->key, HASH_ENTER, NULL))->effect =
				effect;
	}
}

/* add_effect returns the effect of a key, made when the statement has it not yet. */
static SdEffect *
add_effect(SdEffects *effects, SdEffectKind kind, Oid class, Oid object, int32 part)
{
	SdEffect *effect = OidIsValid(class) ? sd_effects_find(effects, kind, class, object, part) : NULL;
	MemoryContext old;

	if (effect != NULL)
		return effect;
	old = MemoryContextSwitchTo(effects->rows);
	effect = palloc0(sizeof(SdEffect));
	effect->key.kind = kind;
	effect->key.class = class;
	effect->key.object = object;
	effect->key.part = part;
	effect->mode = NoLock;
	effects->list = lappend(effects->list, effect);
	if (effects->known != NULL && OidIsValid(class))
		((KnownEffect *) hash_search(effects->known, &effect->key, HASH_ENTER, NULL))->effect =
			effect;
	else if (effects->known == NULL && list_length(effects->list) > FEW_EFFECTS)
		index_effects(effects);
	MemoryContextSwitchTo(old);
	return effect;
}

/* add_certain adds an effect that is as certain as what is looked at. */
static void
add_certain(SdEffects *effects, SdEffectKind kind, Oid relation)
{
	SdEffect *effect;

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

const SdClass *
sd_effects_class(SdEffects *effects, Oid relation)
{
	SdClass *class = &effects->last;
	HeapTuple tuple;

	if (class->relation == relation)
		return class;
	*class = (SdClass){ .relation = relation };
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		class->namespace = form->relnamespace;
		class->relkind = form->relkind;
		class->persistence = form->relpersistence;
		ReleaseSysCache(tuple);
	}
	return class;
}

/* add_lock returns the effect of a lock on a relation; NULL when none is to be told. */
static SdEffect *
add_lock(SdEffectContext *context, Oid relation, LOCKMODE mode)
{
	SdEffects *effects = context->effects;
	const SdClass *class;
	SdEffect *effect;

	if (mode == NoLock || relation < FirstNormalObjectId ||
		sd_is_gone(context, RelationRelationId, relation))
		return NULL;
	class = sd_effects_class(effects, relation);
	if (class->relkind == 0 || class->relkind == RELKIND_TOASTVALUE ||
		(mode <= AccessShareLock &&
		 (class->relkind == RELKIND_INDEX || class->relkind == RELKIND_PARTITIONED_INDEX)) ||
		class->namespace == PG_TOAST_NAMESPACE)
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
		SdEffect *effect = add_lock(context, lfirst_oid(cell), mode);

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
	SdEffect *effect;

	if (type < FirstNormalObjectId || sd_is_gone(context, TypeRelationId, type))
		return;
	effect = add_effect(context->effects, SD_EFFECT_LOCK, TypeRelationId, type, 0);
	effect->mode = mode;
	effect->certain = context->effects->certain;
}

void
sd_scans(SdEffectContext *context, Oid relation)
{
	if (sd_has_rows(sd_effects_class(context->effects, relation)->relkind))
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

void
sd_reports_drop(SdEffectContext *context, const ObjectAddress *object)
{
	SdEffect *effect = add_effect(context->effects, SD_EFFECT_DROP, object->classId,
								  object->objectId, object->objectSubId);

	effect->certain |= context->effects->certain;
}

/* add_named adds an effect on something that the catalog does not know. */
static void
add_named(SdEffects *effects, SdEffectKind kind, const char *schema, const char *name,
		  const char *type)
{
	SdEffect *effect = add_effect(effects, kind, InvalidOid, InvalidOid, 0);

	effect->certain = effects->certain;
	effect->type = type;
	effect->schema = schema == NULL ? NULL : MemoryContextStrdup(effects->rows, schema);
	effect->plain_name = MemoryContextStrdup(effects->rows, name);
}

void
sd_makes(SdEffectContext *context, const char *schema, const char *name, char relkind)
{
	add_named(context->effects, SD_EFFECT_NEW, schema, name, sd_relkind_name(relkind));
	/* the statement may not say the name; only who asks for effects needs it */
	if (context->analysis->predicts && (relkind == RELKIND_INDEX || relkind == RELKIND_SEQUENCE) &&
		sd_scope_relation_in(context->scope, schema, name).presence == SD_MISSING)
		sd_scope_make_relation(context->scope, schema, name, relkind, !context->effects->certain);
}

void
sd_builds_new(SdEffectContext *context, const char *schema, const char *name)
{
	/* no finding is about what is only made */
	if (context->analysis->predicts)
		add_named(context->effects, SD_EFFECT_BUILD, schema, name, sd_relkind_name(RELKIND_INDEX));
}

bool
sd_is_named(SdEffectContext *context, const char *schema, const char *name)
{
	ListCell *cell;

	foreach (cell, context->effects->list)
	{
		SdEffect *effect = lfirst(cell);

		if (effect->key.kind == SD_EFFECT_NEW && strcmp(effect->plain_name, name) == 0 &&
			(effect->schema == NULL ? schema == NULL :
									  schema != NULL && strcmp(effect->schema, schema) == 0))
			return true;
	}
	return false;
}

struct SdMade **
sd_effects_made(SdEffects *effects, MemoryContext *memory)
{
	*memory = effects->memory;
	return &effects->made;
}

void
sd_effects_opaque(SdEffects *effects, const char *detail)
{
	SdEffect *effect = add_effect(effects, SD_EFFECT_OPAQUE, InvalidOid, InvalidOid, 0);

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

/* put_effect hands one effect out. */
static void
put_effect(SdEffects *effects, SdEffect *effect)
{
	SdAnalysis *analysis = effects->context.analysis;
	Datum values[7] = { 0 };
	bool nulls[7] = { 0 };

	if (effect->plain_name != NULL)
		effect->name = quote_qualified_identifier(effect->schema, effect->plain_name);
	else if (effect->name == NULL && OidIsValid(effect->key.class))
		sd_effect_identify(effects, effect);
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
is_implied(SdEffects *effects, const SdEffect *effect)
{
	ObjectAddress address;
	ObjectAddress found;
	bool hidden;

	if (effect->key.kind != SD_EFFECT_DROP || !OidIsValid(effect->key.class))
		return false;
	ObjectAddressSubSet(address, effect->key.class, effect->key.object, effect->key.part);
	if (!sd_whole_of(&address, &found, &hidden) || hidden)
		return hidden;
	return sd_effects_find(effects, SD_EFFECT_DROP, found.classId, found.objectId, 0) != NULL;
}

/* is_news tells whether a lock adds to what the transaction holds, and holds it. */
static bool
is_news(SdEffects *effects, const SdEffect *effect)
{
	SdObjectState *state;

	if (effect->key.kind != SD_EFFECT_LOCK)
		return true;
	state = sd_effects_state(effects, effect->key.class, effect->key.object, 0, true);
	if (effect->mode <= state->held)
		return false;
	if (effect->certain && !effect->passing)
	{
		sd_effects_log(effects, state, NULL);
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
		SdEffect *effect = lfirst(cell);

		if (!is_implied(effects, effect) && is_news(effects, effect))
			put_effect(effects, effect);
	}
	MemoryContextSwitchTo(old);
	effects->list = NIL;
	effects->known = NULL;
	MemoryContextReset(effects->rows);
	/* outside a transaction each statement is one */
	if (!effects->context.analysis->in_transaction)
		sd_effects_end_transaction(effects, true);
}
