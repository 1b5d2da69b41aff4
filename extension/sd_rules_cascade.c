/*
 * sd_rules_cascade.c
 *	  Family "drop": what CASCADE takes along, by name.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "utils/lsyscache.h"

#include "sd_compat.h"
#include "sd_dependents.h"
#include "sd_facts.h"
#include "sd_lookup.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_size.h"
#include "sd_track.h"

/* Dependants of dependants are followed so far; what lies behind is not named. */
#define MAX_LEVELS 50

/*
 * taken_along lists the objects that only CASCADE drops (ObjectAddress): what
 * is in the way of the targets, then what is in the way of these, and so on.
 */
static List *
taken_along(SdAnalysis *analysis, List *targets)
{
	List *going = list_copy(targets);
	List *result = NIL;

	for (int level = 0; level < MAX_LEVELS; level++)
	{
		List *found = NIL;
		ListCell *cell;

		foreach (cell, sd_dependents(analysis, going, false).blockers)
			if (!sd_track_was_dropped(analysis, lfirst(cell)))
				found = lappend(found, lfirst(cell));
		if (found == NIL)
			break;
		result = list_concat(result, found);
		going = list_concat(going, found);
	}
	return result;
}

/* rows_of tells what an object that goes holds; false when it is neither a table nor a column. */
static bool
rows_of(SdAnalysis *analysis, const ObjectAddress *object, SdSize *size)
{
	char relkind;

	if (object->classId != RelationRelationId)
		return false;
	relkind = get_rel_relkind(object->objectId);
	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		return false;
	*size = sd_relation_size(analysis->sizes, object->objectId);
	return true;
}

/* report_cascade reports what goes with the targets of a DROP. */
static void
report_cascade(SdAnalysis *analysis, List *targets, bool columns_told, const SdRelation *relation)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_DROP_CASCADE, relation);
	SdSize largest = { -1, -1 };
	SdNames names;
	ListCell *cell;

	sd_names_init(&names);
	foreach (cell, taken_along(analysis, targets))
	{
		ObjectAddress *object = lfirst(cell);
		SdSize size;
		bool has_rows = rows_of(analysis, object, &size);

		/* a rule about the type itself lists its columns */
		if (columns_told && has_rows && object->objectSubId != 0)
			continue;
		sd_names_add(&names, sd_object_description(object));
		if (has_rows)
		{
			largest.rows = Max(largest.rows, size.rows);
			largest.bytes = Max(largest.bytes, size.bytes);
			finding.data_loss = Max(finding.data_loss, sd_loss_of(size));
		}
	}
	if (names.count == 0)
		return;
	if (finding.data_loss != SD_LOSS_NONE)
		finding.severity = SD_ERROR;
	finding.lock = AccessExclusiveLock;
	finding.size = largest;
	finding.message = psprintf("CASCADE drops %d object%s that the statement does not name%s",
							   names.count, names.count == 1 ? "" : "s",
							   finding.data_loss != SD_LOSS_NONE ? ", with rows" : "");
	finding.detail = psprintf("These are: %s.", sd_names_text(&names));
	sd_report(analysis, &finding);
}

/* report_unknown reports CASCADE on what cannot be looked up. */
static void
report_unknown(SdAnalysis *analysis)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_DROP_CASCADE, NULL);

	finding.lock = AccessExclusiveLock;
	finding.data_loss = SD_LOSS_POSSIBLE;
	finding.message = "CASCADE drops every object that depends on this one";
	sd_report(analysis, &finding);
}

/*
 * is_known tells whether objects of a kind that are not found are not there;
 * of others nothing is known.
 */
static bool
is_known(SdAnalysis *analysis, const DropStmt *stmt)
{
	ListCell *cell;

	switch (stmt->removeType)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
		case OBJECT_EXTENSION:
		case OBJECT_FOREIGN_SERVER:
		case OBJECT_FDW:
		case OBJECT_TRIGGER:
		case OBJECT_POLICY:
		case OBJECT_RULE:
			return true;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			/* one that the script made has no dependants in the catalog */
			foreach (cell, stmt->objects)
			{
				ObjectWithArgs *name = lfirst_node(ObjectWithArgs, cell);

				if (!OidIsValid(sd_lookup_routine(stmt->removeType, name)) &&
					sd_scope_routine(analysis->scope, strVal(llast(name->objname))) == NULL)
					return stmt->missing_ok;
			}
			return true;
		default:
			return false;
	}
}

static void
check_drop(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	bool type = stmt->removeType == OBJECT_TYPE || stmt->removeType == OBJECT_DOMAIN;
	SdRelation relation = { 0 };
	List *targets;

	/* a schema's contents are listed by a rule of its own */
	if (stmt->behavior != DROP_CASCADE || stmt->removeType == OBJECT_SCHEMA)
		return;
	if (!is_known(analysis, stmt))
	{
		report_unknown(analysis);
		return;
	}
	targets = sd_lookup_drop_targets(analysis, stmt);
	if (targets == NIL)
		return;
	if (((ObjectAddress *) linitial(targets))->classId == RelationRelationId)
		relation = sd_scope_relation_list(analysis->scope, linitial(stmt->objects));
	report_cascade(analysis, targets, type, relation.name != NULL ? &relation : NULL);
}

/* check_drop_part judges DROP COLUMN and DROP CONSTRAINT with CASCADE. */
static void
check_drop_part(SdAnalysis *analysis, const SdAlter *alter)
{
	ObjectAddress target = { RelationRelationId, alter->relation.oid, 0 };

	if (alter->cmd->behavior != DROP_CASCADE || alter->relation.presence != SD_EXISTS)
		return;
	if (alter->cmd->subtype == AT_DropColumn)
	{
		target.objectSubId = sd_fact_column(analysis, &alter->relation, alter->cmd->name);
		if (target.objectSubId == InvalidAttrNumber)
			return;
	}
	else
	{
		target.classId = ConstraintRelationId;
		target.objectId = get_relation_constraint_oid(alter->relation.oid, alter->cmd->name, true);
		if (!OidIsValid(target.objectId))
			return;
	}
	report_cascade(analysis, list_make1(&target), false, &alter->relation);
}

const SdCheck sd_checks_cascade[] = {
	{ T_DropStmt, -1, check_drop },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_cascade[] = {
	{ AT_DropColumn, check_drop_part },
	{ AT_DropConstraint, check_drop_part },
	{ 0, NULL },
};
