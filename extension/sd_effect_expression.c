/*
 * sd_effect_expression.c
 *	  What writing a row runs: the routines in a table's own expressions.
 *
 * Defaults, checks, indexes and policies, and the checks of domains, are stored
 * as trees whose routines the catalog's dependencies name, those behind
 * operators too.  The server's own are not among them, because nobody may drop
 * those.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_dependents.h"
#include "sd_effect.h"

/* is_run tells whether what belongs to a table or domain is run for each row that is written. */
static bool
is_run(const ObjectAddress *object)
{
	return object->classId == AttrDefaultRelationId || object->classId == ConstraintRelationId ||
		   object->classId == PolicyRelationId ||
		   (object->classId == RelationRelationId &&
			get_rel_relkind(object->objectId) == RELKIND_INDEX);
}

/* run_uses looks into the routines that one expression uses. */
static void
run_uses(SdEffectContext *context, const ObjectAddress *expression)
{
	ListCell *cell;

	foreach (cell, sd_dependents_uses(expression))
	{
		const ObjectAddress *used = lfirst(cell);
		Oid routine = used->classId == ProcedureRelationId ? used->objectId :
					  used->classId == OperatorRelationId  ? get_opcode(used->objectId) :
															 InvalidOid;

		/* one that declares to change nothing is believed, as where a query calls it */
		if (OidIsValid(routine) && func_volatile(routine) == PROVOLATILE_VOLATILE)
			sd_check_routine(context->analysis, routine);
	}
}

static void
run_expressions(SdEffectContext *context, Oid class, Oid object)
{
	ObjectAddress owner = { .classId = class, .objectId = object };
	ListCell *cell;

	foreach (cell, sd_dependents_users(&owner))
	{
		const ObjectAddress *user = lfirst(cell);

		if (is_run(user) && !sd_is_gone(context, user->classId, user->objectId))
			run_uses(context, user);
	}
}

/* domain_base returns the type that a domain narrows, which may be another domain. */
static Oid
domain_base(Oid domain)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
	Oid base = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		base = ((Form_pg_type) GETSTRUCT(tuple))->typbasetype;
		ReleaseSysCache(tuple);
	}
	return base;
}

void
sd_effect_expressions(SdEffectContext *context, Oid table)
{
	bool before;

	if (!context->analysis->predicts)
		return;
	before = sd_effect_certain(context, false);
	run_expressions(context, RelationRelationId, table);
	for (AttrNumber number = 1;
		 SearchSysCacheExists2(ATTNUM, ObjectIdGetDatum(table), Int16GetDatum(number)); number++)
		for (Oid type = get_atttype(table, number); get_typtype(type) == TYPTYPE_DOMAIN;
			 type = domain_base(type))
			run_expressions(context, TypeRelationId, type);
	sd_effect_certain(context, before);
}
