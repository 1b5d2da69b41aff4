/*
 * sd_rules_rerun.c
 *	  Family "failure", the part about scripts that cannot be run again.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ahead.h"
#include "sd_compat.h"
#include "sd_rules.h"
#include "sd_track.h"
#include "sd_tree.h"

/* made_without_test returns what a statement makes and would refuse to make again, or NULL. */
static const char *
made_without_test(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
			return ((CreateStmt *) statement)->if_not_exists ?
					   NULL :
					   ((CreateStmt *) statement)->relation->relname;
		case T_IndexStmt:
			return ((IndexStmt *) statement)->if_not_exists ? NULL :
															  ((IndexStmt *) statement)->idxname;
		case T_CreateSeqStmt:
			return ((CreateSeqStmt *) statement)->if_not_exists ?
					   NULL :
					   ((CreateSeqStmt *) statement)->sequence->relname;
		case T_CreateSchemaStmt:
			return ((CreateSchemaStmt *) statement)->if_not_exists ?
					   NULL :
					   ((CreateSchemaStmt *) statement)->schemaname;
		case T_ViewStmt:
			return ((ViewStmt *) statement)->replace ? NULL : ((ViewStmt *) statement)->view->relname;
		case T_CreateEnumStmt:
			return strVal(llast(((CreateEnumStmt *) statement)->typeName));
		case T_DropStmt:
		{
			Node *first = linitial(((DropStmt *) statement)->objects);

			if (((DropStmt *) statement)->missing_ok)
				return NULL;
			return IsA(first, List) ? strVal(llast((List *) first)) : "";
		}
		case T_AlterTableStmt:
		{
			ListCell *cell;

			foreach (cell, ((AlterTableStmt *) statement)->cmds)
			{
				AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

				if (cmd->subtype == AT_AddColumn && !cmd->missing_ok)
					return castNode(ColumnDef, cmd->def)->colname;
				if ((cmd->subtype == AT_DropColumn || cmd->subtype == AT_DropConstraint) &&
					!cmd->missing_ok)
					return cmd->name;
			}
			return NULL;
		}
		default:
			return NULL;
	}
}

void
sd_check_rerun(SdAnalysis *analysis, Node *statement)
{
	const char *name;
	SdFinding finding;
	bool concurrent;

	/* a transaction is done again as a whole, and the last statement has nothing behind it */
	if (analysis->in_transaction || analysis->inside != NULL)
		return;
	concurrent = IsA(statement, IndexStmt) && ((IndexStmt *) statement)->concurrent;
	name = made_without_test(statement);
	if (name == NULL || sd_track_cleared(analysis, name) ||
		(sd_ahead_is_last(analysis) && !concurrent))
		return;
	finding = sd_finding(analysis, SD_RULE_NOT_RERUNNABLE, NULL);
	finding.object = name[0] == '\0' ? NULL : quote_identifier(name);
	if (concurrent && finding.object != NULL)
	{
		finding.names.item = finding.object;
		finding.hint = "Drop what an earlier try may have left before it is built: "
					   "DROP INDEX CONCURRENTLY IF EXISTS %i;";
		finding.message = psprintf("CREATE INDEX CONCURRENTLY that fails leaves an INVALID index %s "
								   "behind, and cannot be run again",
								   finding.object);
	}
	else
		finding.message =
			psprintf("%s cannot be run again when a later statement of the script fails",
					 sd_command_name(statement));
	sd_report(analysis, &finding);
}
