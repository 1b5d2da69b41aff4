/*
 * sd_rules_index.c
 *	  Family "scan", the part about indexes that are built.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "sd_compat.h"
#include "sd_facts.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_size.h"
#include "sd_tree.h"

/* index_name returns the name that a hint gives the index. */
static const char *
index_name(const IndexStmt *stmt, const SdRelation *table)
{
	const char *column = linitial_node(IndexElem, stmt->indexParams)->name;

	return sd_hint_item(stmt->idxname, table->name, column != NULL ? column : "expr", "idx");
}

static void
check_create_index(SdAnalysis *analysis, Node *statement)
{
	IndexStmt *stmt = (IndexStmt *) statement;
	SdRelation relation;
	SdFinding finding;

	if (stmt->concurrent || !sd_target(analysis, stmt->relation, false, &relation))
		return;
	/* ON ONLY a partitioned table builds nothing */
	if (relation.relkind == RELKIND_PARTITIONED_TABLE && !stmt->relation->inh)
		return;
	if (stmt->if_not_exists && stmt->idxname != NULL &&
		sd_scope_relation_in(analysis->scope, relation.schema, stmt->idxname).presence == SD_EXISTS)
		return;
	finding = sd_finding(analysis,
						 relation.relkind == RELKIND_PARTITIONED_TABLE ?
							 SD_RULE_CREATE_INDEX_PARTITIONED :
							 SD_RULE_CREATE_INDEX_NONCONCURRENT,
						 &relation);
	/* children that are no partitions get no index */
	if (relation.presence == SD_EXISTS && relation.relkind == RELKIND_RELATION &&
		has_subclass(relation.oid))
		finding.size = sd_relation_own_size(relation.oid);
	finding.names.columns = sd_hint_columns(stmt->indexParams);
	finding.names.item = index_name(stmt, &relation);
	finding.names.unique = stmt->unique ? "UNIQUE " : "";
	finding.names.new_name = "partition_index";
	finding.lock = ShareLock;
	finding.scans = SD_YES;
	finding.message = psprintf("building the index reads all of %s (%s) while nobody can write it",
							   sd_shown(&relation), sd_size_text(finding.size));
	if (stmt->unique)
		finding.detail = "Rows that are not unique make it fail.";
	sd_report_blocking(analysis, &finding);
}

static void
check_reindex(SdAnalysis *analysis, Node *statement)
{
	ReindexStmt *stmt = (ReindexStmt *) statement;
	SdRelation relation;
	SdFinding finding;

	if (SD_REINDEX_CONCURRENT(stmt))
		return;
	if (stmt->relation == NULL)
	{
		finding = sd_finding(analysis, SD_RULE_REINDEX_NONCONCURRENT, NULL);
		finding.lock = AccessExclusiveLock;
		finding.rewrites = finding.scans = SD_YES;
		finding.message = "REINDEX builds the indexes of many tables again";
		if (stmt->kind == REINDEX_OBJECT_SYSTEM)
			finding.hint = "Name the index that needs it: REINDEX INDEX ...;";
		finding.names.object_kind = stmt->kind == REINDEX_OBJECT_SCHEMA ? "SCHEMA" : "DATABASE";
		finding.names.table = stmt->name != NULL ? quote_identifier(stmt->name) : NULL;
		sd_report(analysis, &finding);
		return;
	}
	if (!sd_target(analysis, stmt->relation, false, &relation))
		return;
	finding = sd_finding(analysis, SD_RULE_REINDEX_NONCONCURRENT, &relation);
	finding.names.object_kind = stmt->kind == REINDEX_OBJECT_INDEX ? "INDEX" : "TABLE";
	/* the indexes are locked against reading whichever is named */
	finding.lock = AccessExclusiveLock;
	finding.rewrites = finding.scans = SD_YES;
	finding.message = psprintf("REINDEX builds %s (%s) again while nobody can use it",
							   sd_shown(&relation), sd_size_text(finding.size));
	sd_report_blocking(analysis, &finding);
}

const SdCheck sd_checks_index[] = {
	{ T_IndexStmt, -1, check_create_index },
	{ T_ReindexStmt, -1, check_reindex },
	{ T_Invalid, 0, NULL },
};
