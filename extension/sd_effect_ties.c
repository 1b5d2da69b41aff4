/*
 * sd_effect_ties.c
 *	  What depends on what since the script has changed it, for the drops that come later.
 *
 * pg_depend knows how things were.  A script that sets a partition free, moves a
 * table to another schema or gives a column another type, and then drops what was
 * left, takes nothing of these along; and what it has tied goes with what it is
 * tied to.
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "sd_effect_int.h"

/* One statement about an object: what it depends on, or no more. */
struct SdTie
{
	Oid class;
	Oid object; /* InvalidOid: whatever it is */
	bool holds;
	const SdTie *older;
};

/* An object that the script made depend on another one. */
struct SdTied
{
	ObjectAddress object;
	const SdTied *older;
};

static SdObjectState *
state_of(SdEffects *effects, const ObjectAddress *object, bool create)
{
	return sd_effects_state(effects, object->classId, object->objectId, object->objectSubId, create);
}

static void
add_tie(SdEffects *effects, const ObjectAddress *object, Oid class, Oid referenced, bool holds)
{
	SdObjectState *state = state_of(effects, object, true);
	SdTie *tie = MemoryContextAlloc(effects->memory, sizeof(SdTie));

	sd_effects_log(effects, state, NULL);
	*tie = (SdTie){ class, referenced, holds, state->ties };
	state->ties = tie;
	effects->has_ties = true;
}

void
sd_unties(SdEffectContext *context, const ObjectAddress *object, Oid class, Oid referenced)
{
	/* what may still depend on it is dropped with it */
	if (context->effects->certain && OidIsValid(object->objectId))
		add_tie(context->effects, object, class, referenced, false);
}

static void
add_tied(SdEffects *effects, const ObjectAddress *object, const ObjectAddress *referenced)
{
	SdObjectState *state = state_of(effects, referenced, true);
	SdTied *tied = MemoryContextAlloc(effects->memory, sizeof(SdTied));

	sd_effects_log(effects, state, NULL);
	*tied = (SdTied){ *object, state->tied };
	state->tied = tied;
}

void
sd_ties(SdEffectContext *context, const ObjectAddress *object, const ObjectAddress *referenced)
{
	ObjectAddress whole;

	if (!OidIsValid(object->objectId) || !OidIsValid(referenced->objectId))
		return;
	add_tie(context->effects, object, referenced->classId, referenced->objectId, true);
	add_tied(context->effects, object, referenced);
	/* what goes with a column goes with its table */
	ObjectAddressSet(whole, referenced->classId, referenced->objectId);
	if (referenced->objectSubId != 0)
		add_tied(context->effects, object, &whole);
}

void
sd_unsettles(SdEffectContext *context, const ObjectAddress *object)
{
	SdObjectState *state;

	if (!OidIsValid(object->objectId))
		return;
	state = state_of(context->effects, object, true);
	sd_effects_log(context->effects, state, NULL);
	state->unsettled = true;
}

bool
sd_is_unsettled(SdEffectContext *context, const ObjectAddress *object)
{
	SdObjectState *state = state_of(context->effects, object, false);

	return state != NULL && state->unsettled;
}

/* newest_tie returns what the script last said of an object and what it depends on; NULL for nothing. */
static const SdTie *
newest_tie(SdEffects *effects, const ObjectAddress *object, const ObjectAddress *referenced)
{
	SdObjectState *state = state_of(effects, object, false);

	for (const SdTie *tie = state != NULL ? state->ties : NULL; tie != NULL; tie = tie->older)
		if (tie->class == referenced->classId &&
			(!OidIsValid(tie->object) || tie->object == referenced->objectId))
			return tie;
	return NULL;
}

/* table_of returns the table that an index, constraint or trigger belongs to, or the object itself. */
static ObjectAddress
table_of(const ObjectAddress *object)
{
	ObjectAddress table;
	char relkind = object->classId == RelationRelationId ? get_rel_relkind(object->objectId) : 0;

	ObjectAddressSet(table, RelationRelationId,
					 relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX ?
						 IndexGetRelation(object->objectId, true) :
						 sd_relation_of_part(object));
	return OidIsValid(table.objectId) ? table : *object;
}

bool
sd_is_untied(SdEffectContext *context, const ObjectAddress *object, const ObjectAddress *referenced)
{
	SdEffects *effects = context->effects;
	const SdTie *tie;

	if (!effects->has_ties)
		return false;
	tie = newest_tie(effects, object, referenced);
	if (tie == NULL && object->objectSubId == 0)
	{
		/* with a partition go its copies of what the whole table has */
		ObjectAddress table = table_of(object);
		ObjectAddress other = table_of(referenced);

		if (table.objectId != other.objectId)
			tie = newest_tie(effects, &table, &other);
	}
	return tie != NULL && !tie->holds;
}

List *
sd_tied_to(SdEffectContext *context, const ObjectAddress *referenced)
{
	SdEffects *effects = context->effects;
	SdObjectState *state = effects->has_ties ? state_of(effects, referenced, false) : NULL;
	List *list = NIL;

	for (const SdTied *tied = state != NULL ? state->tied : NULL; tied != NULL; tied = tied->older)
		if (!sd_is_untied(context, &tied->object, referenced))
			list = sd_address(list, tied->object.classId, tied->object.objectId,
							  tied->object.objectSubId);
	return list;
}

void
sd_gives_to(SdEffectContext *context, const ObjectAddress *object, Oid role)
{
	ObjectAddress owner;

	ObjectAddressSet(owner, AuthIdRelationId, role);
	sd_unties(context, object, AuthIdRelationId, InvalidOid);
	sd_ties(context, object, &owner);
}
