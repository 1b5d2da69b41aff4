/*
 * sd_rules_workload.c
 *	  Family "workload": work that is done for nothing, or again with each write.
 */
#include "postgres.h"

#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"

#include "sd_facts.h"
#include "sd_keys.h"
#include "sd_names.h"
#include "sd_rules.h"

/* A table that has as many indexes already pays for each one more with every write. */
#define MANY_INDEXES 8

/* usable lists the indexes that can serve what a plain index of so many columns serves. */
static List *
usable(List *indexes, int columns)
{
	List *result = NIL;
	ListCell *cell;

	foreach (cell, indexes)
	{
		SdIndexFacts *index = lfirst(cell);

		if (index->method == BTREE_AM_OID && index->valid && !index->partial && index->plain &&
			index->nkeys >= columns)
			result = lappend(result, index);
	}
	return result;
}

/* begins_with tells whether an index begins with these columns. */
static bool
begins_with(const SdIndexFacts *index, List *columns)
{
	for (int i = 0; i < list_length(columns); i++)
		if (index->columns[i] != list_nth_int(columns, i))
			return false;
	return true;
}

/* plain_columns lists the columns of a new index that has nothing special, else NIL. */
static List *
plain_columns(SdAnalysis *analysis, const IndexStmt *stmt, const SdRelation *table)
{
	List *names = NIL;
	ListCell *cell;

	if (stmt->unique || stmt->whereClause != NULL || strcmp(stmt->accessMethod, "btree") != 0 ||
		stmt->indexIncludingParams != NIL)
		return NIL;
	foreach (cell, stmt->indexParams)
	{
		IndexElem *element = lfirst_node(IndexElem, cell);

		if (element->name == NULL || element->collation != NIL || element->opclass != NIL ||
			element->ordering == SORTBY_DESC || element->nulls_ordering == SORTBY_NULLS_FIRST)
			return NIL;
		names = lappend(names, makeString(element->name));
	}
	return sd_fact_columns(analysis, table, names);
}

static void
check_create_index(SdAnalysis *analysis, Node *statement)
{
	IndexStmt *stmt = (IndexStmt *) statement;
	SdRelation table = sd_scope_relation(analysis->scope, stmt->relation);
	SdFinding finding;
	List *indexes;
	List *columns;
	ListCell *cell;

	if (table.presence != SD_EXISTS || table.persistence == RELPERSISTENCE_TEMP)
		return;
	indexes = sd_fact_indexes(analysis, table.oid);
	if (list_length(indexes) >= MANY_INDEXES)
	{
		finding = sd_finding(analysis, SD_RULE_INDEX_OVERLOAD, &table);
		finding.message = psprintf("%s has %d indexes already, and each write keeps all of them up",
								   finding.object, list_length(indexes));
		sd_report(analysis, &finding);
	}
	/* the names are looked up only if there is an index to compare them with */
	indexes = usable(indexes, list_length(stmt->indexParams));
	columns = indexes == NIL ? NIL : plain_columns(analysis, stmt, &table);
	foreach (cell, columns == NIL ? NIL : indexes)
	{
		SdIndexFacts *index = lfirst(cell);

		if (!begins_with(index, columns) || !sd_fact_is_still_there(analysis, index->oid))
			continue;
		finding = sd_finding(analysis, SD_RULE_INDEX_REDUNDANT, &table);
		finding.names.item = sd_relation_name(index->oid);
		finding.names.columns = sd_hint_columns(stmt->indexParams);
		finding.message = psprintf("index %s of %s begins with %s already", finding.names.item,
								   finding.object, finding.names.columns);
		sd_report(analysis, &finding);
		break;
	}
}

const SdCheck sd_checks_workload[] = {
	{ T_IndexStmt, -1, check_create_index },
	{ T_Invalid, 0, NULL },
};
