/*
 * sd_probe_partition.c
 *	  Probes of partitions: rows outside the bounds of a table that becomes one, and
 *	  rows of the default partition that belong to a new one.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/partition.h"
#include "nodes/makefuncs.h"
#include "parser/parse_utilcmd.h"
#include "partitioning/partbounds.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"

#include "sd_compat.h"
#include "sd_facts.h"
#include "sd_predict.h"
#include "sd_probe_int.h"

/* bound_text writes the condition that a bound is for rows of a table. */
static const char *
bound_text(const SdQuestion *question, Relation parent, Relation table, bool parents_too)
{
	PartitionBoundSpec *bound =
		transformPartitionBound(make_parsestate(NULL), parent, copyObject(question->bound));
	List *conditions = sd_bound_conditions(table, parent, bound);

	if (parents_too)
		conditions = list_concat(conditions, RelationGetPartitionQual(parent));
	if (conditions == NIL)
		return NULL;
	conditions = map_partition_varattnos(conditions, 1, table, parent);
	return sd_probe_text(table, (Node *) make_ands_explicit(conditions), SD_PROBE_ROW);
}

/* prepare_bound makes the parts for a question about a bound. */
static List *
prepare_bound(const SdQuestion *question, bool inside)
{
	Relation parent = table_open(question->other, AccessShareLock);
	Relation table = table_open(question->table, AccessShareLock);
	const char *text = bound_text(question, parent, table, !inside);
	List *parts = NIL;
	ListCell *cell;

	table_close(table, NoLock);
	table_close(parent, NoLock);
	foreach (cell, text == NULL ? NIL : sd_probe_tables(question->table, false))
	{
		SdProbePart *part = palloc0(sizeof(SdProbePart));

		part->table = lfirst_oid(cell);
		part->bad = psprintf("(%s) IS %s", text, inside ? "TRUE" : "FALSE");
		parts = lappend(parts, part);
	}
	return parts;
}

static List *
prepare_attach(SdQuestion *question)
{
	return prepare_bound(question, false);
}

static List *
prepare_default(SdQuestion *question)
{
	return prepare_bound(question, true);
}

/* probe_default asks for rows of the default partition that a new one would have to take. */
static void
probe_default(SdProbeContext *context, const SdRelation *parent, PartitionBoundSpec *bound)
{
	SdRelation table = { .presence = SD_EXISTS };
	SdQuestion question;

	table.oid = get_default_partition_oid(parent->oid);
	if (!OidIsValid(table.oid) || bound->is_default ||
		!sd_fact_is_still_there(context->analysis, table.oid))
		return;
	table.name = get_rel_name(table.oid);
	table.schema = get_namespace_name(get_rel_namespace(table.oid));
	table.relkind = get_rel_relkind(table.oid);
	question = sd_question(context, SD_PROBE_DEFAULT_PARTITION, &table, NULL, -1, prepare_default);
	question.other = parent->oid;
	question.bound = bound;
	sd_probe_put(context, &question);
}

void
sd_probe_attach(const SdProbeStep *step)
{
	PartitionCmd *cmd = castNode(PartitionCmd, step->cmd->def);
	SdAnalysis *analysis = step->context->analysis;
	SdRelation child = sd_scope_relation(analysis->scope, cmd->name);
	List *dropped;
	List *validated;
	SdQuestion question;

	if (step->relation.relkind != RELKIND_PARTITIONED_TABLE || cmd->bound == NULL)
		return;
	if (child.presence == SD_EXISTS)
	{
		sd_scope_changed_constraints(analysis->scope, &child, &dropped, &validated);
		if (sd_predict_attach(child.oid, step->relation.oid, cmd->bound, dropped, validated) != SD_NO)
		{
			question = sd_question(step->context, SD_PROBE_BOUNDS, &child, NULL, -1, prepare_attach);
			question.other = step->relation.oid;
			question.bound = cmd->bound;
			sd_probe_put(step->context, &question);
		}
	}
	probe_default(step->context, &step->relation, cmd->bound);
}

void
sd_probe_create_partition(SdProbeContext *context, CreateStmt *stmt)
{
	SdRelation parent;

	if (stmt->partbound == NULL || stmt->inhRelations == NIL)
		return;
	if (stmt->if_not_exists &&
		sd_scope_relation(context->analysis->scope, stmt->relation).presence == SD_EXISTS)
		return;
	parent = sd_scope_relation(context->analysis->scope, linitial_node(RangeVar, stmt->inhRelations));
	if (parent.presence == SD_EXISTS && parent.relkind == RELKIND_PARTITIONED_TABLE)
		probe_default(context, &parent, stmt->partbound);
}
