/*
 * sd_policy_dml.c
 *	  DELETE and UPDATE that leave no row of a table as it is.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "nodes/parsenodes.h"
#include "parser/parsetree.h"

#include "sd_compat.h"
#include "sd_policy_dml.h"

static bool takes_all(Plan *plan);

/* all_take_all: every part of a partitioned table is read whole. */
static bool
all_take_all(List *plans)
{
	ListCell *cell;

	foreach (cell, plans)
		if (!takes_all(lfirst(cell)))
			return false;
	return plans != NIL;
}

/*
 * takes_all tells whether a plan brings every row of the table that it reads.
 * Joins, and whatever is not known here, leave some out; so may the server of a
 * foreign table.
 */
static bool
takes_all(Plan *plan)
{
	if (plan == NULL || plan->qual != NIL)
		return false;
	switch (nodeTag(plan))
	{
		case T_SeqScan:
			return true;
		case T_IndexScan:
			return ((IndexScan *) plan)->indexqual == NIL;
		case T_IndexOnlyScan:
			return ((IndexOnlyScan *) plan)->indexqual == NIL;
		case T_Append:
			return all_take_all(((Append *) plan)->appendplans);
		case T_MergeAppend:
			return all_take_all(((MergeAppend *) plan)->mergeplans);
		case T_Result:
			return ((Result *) plan)->resconstantqual == NULL && takes_all(outerPlan(plan));
		case T_SubqueryScan:
			return takes_all(((SubqueryScan *) plan)->subplan);
		default:
			return false;
	}
}

/* add_target adds a table, unless it is the session's own; then it returns false. */
static bool
add_target(const PlannedStmt *stmt, Index rti, SdProtectClass class, List **targets)
{
	SdWholeTarget *target;
	ObjectAddress object;

	ObjectAddressSet(object, RelationRelationId, rt_fetch(rti, stmt->rtable)->relid);
	if (sd_protect_is_own(&object))
		return false;
	target = palloc(sizeof(SdWholeTarget));
	target->relation = object.objectId;
	target->class = class;
	*targets = lappend(*targets, target);
	return true;
}

static void
look_at(const PlannedStmt *stmt, Plan *plan, List **targets)
{
	ModifyTable *modify = (ModifyTable *) plan;
	SdProtectClass class;
	ListCell *cell;

	if (plan == NULL || !IsA(plan, ModifyTable))
		return;
	class = modify->operation == CMD_DELETE ? SD_PROTECT_DELETE :
			modify->operation == CMD_UPDATE ? SD_PROTECT_UPDATE :
											  SD_PROTECT_NONE;
	if (!sd_protects(class) || !all_take_all(SD_MODIFY_TABLE_PLANS(modify)) ||
		add_target(stmt, modify->nominalRelation, class, targets))
		return;
	/* a parent of the session's own may have children that are not */
	foreach (cell, modify->resultRelations)
		(void) add_target(stmt, lfirst_int(cell), class, targets);
}

List *
sd_policy_whole_targets(const PlannedStmt *plan)
{
	List *targets = NIL;
	ListCell *cell;

	if (!sd_protects(SD_PROTECT_DELETE) && !sd_protects(SD_PROTECT_UPDATE))
		return NIL;
	if (plan->commandType != CMD_DELETE && plan->commandType != CMD_UPDATE && !plan->hasModifyingCTE)
		return NIL;
	look_at(plan, plan->planTree, &targets);
	foreach (cell, plan->subplans)
		look_at(plan, lfirst(cell), &targets);
	return targets;
}
