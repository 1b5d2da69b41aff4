/*
 * sd_rules_rename.c
 *	  Family "rename": nothing is lost, but code that runs now uses the old name.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_rules.h"

static void
check_rename_table(SdAnalysis *analysis, Node *statement)
{
	RenameStmt *stmt = (RenameStmt *) statement;
	SdRelation relation;
	SdFinding finding;

	if (!sd_target(analysis, stmt->relation, stmt->missing_ok, &relation))
		return;
	finding = sd_finding(analysis, SD_RULE_RENAME_TABLE, &relation);
	finding.lock = AccessExclusiveLock;
	finding.message = psprintf("renames %s to %s", relation.shown, quote_identifier(stmt->newname));
	sd_report(analysis, &finding);
}

static void
check_rename_column(SdAnalysis *analysis, Node *statement)
{
	RenameStmt *stmt = (RenameStmt *) statement;
	SdRelation relation;
	SdFinding finding;

	if (stmt->relation == NULL || !sd_target(analysis, stmt->relation, stmt->missing_ok, &relation))
		return;
	if (sd_scope_column(analysis->scope, &relation, stmt->subname).presence == SD_MADE)
		return;
	finding = sd_finding(analysis, SD_RULE_RENAME_COLUMN, &relation);
	finding.object = psprintf("%s.%s", relation.shown, quote_identifier(stmt->subname));
	finding.lock = AccessExclusiveLock;
	finding.message =
		psprintf("renames column %s to %s", finding.object, quote_identifier(stmt->newname));
	finding.detail = "Views follow the new name; the text of PL/pgSQL functions does not.";
	sd_report(analysis, &finding);
}

const SdCheck sd_checks_rename[] = {
	{ T_RenameStmt, OBJECT_TABLE, check_rename_table },
	{ T_RenameStmt, OBJECT_FOREIGN_TABLE, check_rename_table },
	{ T_RenameStmt, OBJECT_VIEW, check_rename_table },
	{ T_RenameStmt, OBJECT_MATVIEW, check_rename_table },
	{ T_RenameStmt, OBJECT_COLUMN, check_rename_column },
	{ T_Invalid, 0, NULL },
};
