/*
 * sd_rules_data.c
 *	  Family "data": rows are removed or overwritten.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_class.h"

#include "sd_rules.h"
#include "sd_tree.h"

static void
check_truncate(SdAnalysis *analysis, Node *statement)
{
	TruncateStmt *stmt = (TruncateStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->relations)
	{
		SdRelation relation;
		SdFinding finding;

		if (!sd_target(analysis, lfirst_node(RangeVar, cell), false, &relation))
			continue;
		finding = sd_finding(analysis, SD_RULE_TRUNCATE, &relation);
		finding.lock = AccessExclusiveLock;
		finding.data_loss = sd_loss_of(finding.size);
		if (finding.data_loss == SD_LOSS_NONE)
			finding.severity = SD_NOTICE;
		finding.message =
			psprintf("removes all rows of %s (%s)%s", sd_shown(&relation), sd_size_text(finding.size),
					 stmt->behavior == DROP_CASCADE ?
						 " and, with CASCADE, of every table whose foreign keys lead to it" :
						 "");
		sd_report(analysis, &finding);
	}
}

/* report_all_rows reports a data change that nothing limits. */
static void
report_all_rows(SdAnalysis *analysis, SdRuleId rule, RangeVar *name, Node *where, const char *what)
{
	SdRelation relation;
	SdFinding finding;

	if ((where != NULL && !sd_always_true(where)) || !sd_target(analysis, name, false, &relation))
		return;
	finding = sd_finding(analysis, rule, &relation);
	finding.location = name->location;
	finding.lock = RowExclusiveLock;
	finding.scans = SD_YES;
	finding.data_loss = sd_loss_of(finding.size);
	if (finding.data_loss == SD_LOSS_NONE)
		finding.severity = SD_NOTICE;
	finding.message =
		psprintf("%s all rows of %s (%s)", what, sd_shown(&relation), sd_size_text(finding.size));
	if (where != NULL)
		finding.detail = "Its condition is always true.";
	sd_report(analysis, &finding);
}

static void
check_delete(SdAnalysis *analysis, Node *statement)
{
	DeleteStmt *stmt = (DeleteStmt *) statement;

	report_all_rows(analysis, SD_RULE_DELETE_WITHOUT_WHERE, stmt->relation, stmt->whereClause,
					"deletes");
}

static void
check_update(SdAnalysis *analysis, Node *statement)
{
	UpdateStmt *stmt = (UpdateStmt *) statement;

	report_all_rows(analysis, SD_RULE_UPDATE_WITHOUT_WHERE, stmt->relation, stmt->whereClause,
					"overwrites");
}

/* check_catalog reports rows that are written into the server's own tables. */
static void
check_catalog(SdAnalysis *analysis, Node *statement)
{
	RangeVar *name = IsA(statement, InsertStmt) ? ((InsertStmt *) statement)->relation :
					 IsA(statement, UpdateStmt) ? ((UpdateStmt *) statement)->relation :
												  ((DeleteStmt *) statement)->relation;
	SdRelation relation;
	SdFinding finding;

	/* all of their names begin so, which spares a look-up for each INSERT */
	if (strncmp(name->relname, "pg_", 3) != 0)
		return;
	relation = sd_scope_relation(analysis->scope, name);
	if (relation.presence != SD_EXISTS || relation.oid >= FirstNormalObjectId ||
		relation.relkind != RELKIND_RELATION)
		return;
	finding = sd_finding(analysis, SD_RULE_CATALOG_WRITE, &relation);
	finding.location = name->location;
	finding.lock = RowExclusiveLock;
	finding.data_loss = SD_LOSS_POSSIBLE;
	finding.message = psprintf("%s writes rows of the system catalog %s",
							   sd_command_name(statement), sd_shown(&relation));
	sd_report(analysis, &finding);
}

const SdCheck sd_checks_data[] = {
	{ T_InsertStmt, -1, check_catalog },
	{ T_UpdateStmt, -1, check_catalog },
	{ T_DeleteStmt, -1, check_catalog },
	{ T_DeleteStmt, -1, check_delete },
	{ T_UpdateStmt, -1, check_update },
	{ T_TruncateStmt, -1, check_truncate },
	{ T_Invalid, 0, NULL },
};
