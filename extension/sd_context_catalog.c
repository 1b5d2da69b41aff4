/*
 * sd_context_catalog.c
 *	  Facts of the catalog: what depends on a table, and what replicates it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_subscription_rel.h"
#include "catalog/pg_trigger.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "sd_bodies.h"
#include "sd_compat.h"
#include "sd_context.h"
#include "sd_dependents.h"
#include "sd_lookup.h"

/* More dependents than this are counted, not named. */
#define MAX_NAMED 50

/* Views of views are followed this deep. */
#define MAX_DEPTH 10

/* What depends on a relation. */
typedef struct Dependents
{
	Relation depends;
	Oid relation;
	List *named;	/* ObjectAddress: views, foreign keys of others, routines */
	List *policies; /* OIDs */
	int triggers;
} Dependents;

static Oid
view_of_rule(HeapTuple tuple)
{
	return ((Form_pg_rewrite) GETSTRUCT(tuple))->ev_class;
}

static Oid
table_of_constraint(HeapTuple tuple)
{
	return ((Form_pg_constraint) GETSTRUCT(tuple))->conrelid;
}

static Oid
user_trigger(HeapTuple tuple)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

	return form->tgisinternal ? InvalidOid : form->oid;
}

static Oid
table_of_policy(HeapTuple tuple)
{
	return ((Form_pg_policy) GETSTRUCT(tuple))->polrelid;
}

/* add_named adds an object once; false when it was there. */
static bool
add_named(Dependents *dependents, Oid class, Oid object)
{
	ObjectAddress *address = sd_make_address(class, object, 0);

	if (object == dependents->relation || sd_address_in(dependents->named, address))
		return false;
	dependents->named = lappend(dependents->named, address);
	return true;
}

static void follow(Dependents *dependents, Oid relation, int depth);

/* take looks at one object that depends on a relation. */
static void
take(Dependents *dependents, Oid relation, Form_pg_depend form, int depth)
{
	Oid found;

	switch (form->classid)
	{
		case RewriteRelationId:
			found = sd_lookup_row(RewriteRelationId, RewriteOidIndexId, Anum_pg_rewrite_oid,
								  form->objid, view_of_rule);
			if (OidIsValid(found) && found != relation &&
				add_named(dependents, RelationRelationId, found) && depth < MAX_DEPTH)
				follow(dependents, found, depth + 1);
			break;
		case ConstraintRelationId:
			if (form->deptype != DEPENDENCY_NORMAL)
				break;
			found = sd_lookup_row(ConstraintRelationId, ConstraintOidIndexId,
								  Anum_pg_constraint_oid, form->objid, table_of_constraint);
			if (OidIsValid(found) && found != relation)
				add_named(dependents, ConstraintRelationId, form->objid);
			break;
		case ProcedureRelationId:
			add_named(dependents, ProcedureRelationId, form->objid);
			break;
		case PolicyRelationId:
			found = sd_lookup_row(PolicyRelationId, PolicyOidIndexId, Anum_pg_policy_oid,
								  form->objid, table_of_policy);
			if (found != dependents->relation && OidIsValid(found))
				add_named(dependents, PolicyRelationId, form->objid);
			else if (depth == 0)
				dependents->policies = list_append_unique_oid(dependents->policies, form->objid);
			break;
		case TriggerRelationId:
			if (depth == 0 && form->deptype == DEPENDENCY_AUTO && form->refobjsubid == 0 &&
				OidIsValid(sd_lookup_row(TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid,
										 form->objid, user_trigger)))
				dependents->triggers++;
			break;
		default:
			break;
	}
}

/* follow looks at all that depends on a relation or on one of its columns. */
static void
follow(Dependents *dependents, Oid relation, int depth)
{
	SysScanDesc scan;
	HeapTuple tuple;

	scan = sd_dependents_begin(dependents->depends, RelationRelationId, relation, 0);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		take(dependents, relation, (Form_pg_depend) GETSTRUCT(tuple), depth);
	systable_endscan(scan);
}

static const char *
policy_name(Oid policy)
{
	ObjectAddress address = { PolicyRelationId, policy, 0 };

	return sd_object_identity(&address);
}

/* plural says "1 view" or "3 views". */
static const char *
plural(int count, const char *one)
{
	return psprintf("%d %s%s", count, one, count == 1 ? "" : "s");
}

void
sd_fact_dependents(SdAnalysis *analysis, SdContext *context, SdFacts *facts)
{
	Dependents dependents = { .relation = context->relation };
	ListCell *cell;
	int n = 0;

	dependents.depends = table_open(DependRelationId, AccessShareLock);
	follow(&dependents, context->relation, 0);
	table_close(dependents.depends, AccessShareLock);
	sd_fact_count(facts, "dependent_count", list_length(dependents.named));
	sd_fact_open(facts, "dependents", '[');
	foreach (cell, dependents.named)
	{
		const ObjectAddress *object = lfirst(cell);

		if (n++ == MAX_NAMED)
			break;
		sd_fact_open(facts, NULL, '{');
		sd_fact_text(facts, "kind", sd_object_type(object));
		sd_fact_text(facts, "object", sd_object_identity(object));
		sd_fact_close(facts, '}');
	}
	sd_fact_close(facts, ']');
	sd_fact_open(facts, "policies", '[');
	foreach (cell, dependents.policies)
		sd_fact_text(facts, NULL, policy_name(lfirst_oid(cell)));
	sd_fact_close(facts, ']');
	sd_fact_count(facts, "triggers", dependents.triggers);
	if (dependents.named != NIL)
		sd_fact_phrase(facts, "%s", plural(list_length(dependents.named), "dependent object"));
	if (list_length(dependents.policies) == 1)
		sd_fact_phrase(facts, "1 policy");
	else if (dependents.policies != NIL)
		sd_fact_phrase(facts, "%d policies", list_length(dependents.policies));
	if (dependents.triggers > 0)
		sd_fact_phrase(facts, "%s", plural(dependents.triggers, "trigger"));
}

void
sd_fact_bodies(SdAnalysis *analysis, SdContext *context, SdFacts *facts)
{
	SdMention mention = { .name = get_rel_name(context->relation),
						  .schema = get_namespace_name(get_rel_namespace(context->relation)) };
	List *bodies = NIL;
	ListCell *cell;
	int n = 0;

	if (mention.name != NULL && mention.schema != NULL)
		bodies = sd_bodies_list(analysis, &mention);
	sd_fact_count(facts, "body_count", list_length(bodies));
	sd_fact_open(facts, "bodies", '[');
	foreach (cell, bodies)
	{
		if (n++ == MAX_NAMED)
			break;
		sd_fact_open(facts, NULL, '{');
		sd_fact_text(facts, "routine", lfirst(cell));
		/* the server follows no text: another table of that name may be meant */
		sd_fact_text(facts, "found", "by name");
		sd_fact_close(facts, '}');
	}
	sd_fact_close(facts, ']');
	if (bodies != NIL)
		sd_fact_phrase(facts, "named by %s", plural(list_length(bodies), "routine"));
}

void
sd_fact_publications(SdAnalysis *analysis, SdContext *context, SdFacts *facts)
{
	SdPublished published = sd_lookup_published(analysis, context->relation);
	bool subscribed = sd_lookup_subscribed(analysis, context->relation);
	ListCell *cell;

	sd_fact_open(facts, "publications", '[');
	foreach (cell, published.names)
		sd_fact_text(facts, NULL, lfirst(cell));
	sd_fact_close(facts, ']');
	sd_fact_bool(facts, "subscribed", subscribed);
	if (published.names != NIL)
		sd_fact_phrase(facts, "in %s", plural(list_length(published.names), "publication"));
	if (subscribed)
		sd_fact_phrase(facts, "filled by a subscription");
}
