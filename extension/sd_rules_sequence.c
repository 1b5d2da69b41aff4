/*
 * sd_rules_sequence.c
 *	  Family "application": sequences that may give out numbers that are taken.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "sd_ahead.h"
#include "sd_compat.h"
#include "sd_lookup.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_track.h"
#include "sd_tree.h"

/* name_owner puts the column into a hint that a sequence counts for, if there is one. */
static void
name_owner(Oid sequence, SdFinding *finding)
{
	Oid table;
	int32 column;

	if (sequenceIsOwned(sequence, DEPENDENCY_AUTO, &table, &column) ||
		sequenceIsOwned(sequence, DEPENDENCY_INTERNAL, &table, &column))
	{
		finding->names.table = sd_relation_name(table);
		finding->names.column = quote_identifier(get_attname(table, column, false));
	}
	else
		finding->hint = "Set it behind the largest number that is in use: SELECT setval('%t', ...);";
}

/* report_sequence reports a sequence that may give out numbers that are taken. */
static void
report_sequence(SdAnalysis *analysis, const SdRelation *relation, const char *column, LOCKMODE lock,
				const char *message)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_SEQUENCE_RESET, relation);

	finding.lock = lock;
	if (relation->relkind == RELKIND_SEQUENCE)
		name_owner(relation->oid, &finding);
	else
		finding.names.column = quote_identifier(column);
	finding.message = psprintf(message, finding.object);
	sd_report(analysis, &finding);
}

static void
check_alter_sequence(SdAnalysis *analysis, Node *statement)
{
	AlterSeqStmt *stmt = (AlterSeqStmt *) statement;
	SdRelation relation = sd_scope_relation(analysis->scope, stmt->sequence);

	if (relation.presence != SD_EXISTS || analysis->deferred)
		return;
	if (sd_option(stmt->options, "restart") != NULL)
		report_sequence(analysis, &relation, NULL, ShareRowExclusiveLock,
						"%s begins again, and may give out numbers that rows have already");
	else if (sd_option(stmt->options, "as") != NULL)
		report_sequence(analysis, &relation, NULL, ShareRowExclusiveLock,
						"the new type of %s changes where it ends");
}

static void
check_identity(SdAnalysis *analysis, const SdAlter *alter)
{
	if (alter->relation.presence == SD_EXISTS && !analysis->deferred &&
		sd_option((List *) alter->cmd->def, "restart") != NULL)
		report_sequence(analysis, &alter->relation, alter->cmd->name, alter->lock,
						"the identity column of %s begins again, and may give out numbers that rows "
						"have already");
}

/* is_numbered tells whether a column gets its values from a sequence. */
static bool
is_numbered(Oid relation, const FormData_pg_attribute *column)
{
	Node *value;

	if (column->attidentity != '\0')
		return true;
	if (!column->atthasdef || column->attgenerated != '\0')
		return false;
	value = strip_implicit_coercions(sd_lookup_default(relation, column->attnum));
	while (value != NULL && IsA(value, FuncExpr) && ((FuncExpr *) value)->funcid != SD_F_NEXTVAL &&
		   list_length(((FuncExpr *) value)->args) == 1)
		value = linitial(((FuncExpr *) value)->args);
	return value != NULL && IsA(value, FuncExpr) && ((FuncExpr *) value)->funcid == SD_F_NEXTVAL;
}

/* check_insert reports rows that bring numbers of their own where a sequence gives them. */
static void
check_insert(SdAnalysis *analysis, Node *statement)
{
	InsertStmt *stmt = (InsertStmt *) statement;
	SdTrack *track = analysis->track;
	SelectStmt *select = (SelectStmt *) stmt->selectStmt;
	SdRelation relation;
	ListCell *cell;
	int i = 0;

	/* a script of many INSERTs is mostly about one table: it is judged once */
	if (stmt->cols == NIL || select == NULL || select->valuesLists == NIL || analysis->deferred ||
		!sd_track_first_insert(analysis, stmt->relation->relname))
		return;
	relation = sd_scope_relation(analysis->scope, stmt->relation);
	if (relation.presence != SD_EXISTS || list_member_oid(track->inserted, relation.oid))
		return;
	foreach (cell, stmt->cols)
	{
		FormData_pg_attribute column;
		List *row = linitial(select->valuesLists);

		if (i < list_length(row) && IsA(list_nth(row, i), A_Const) &&
			sd_lookup_column(analysis, &relation, lfirst_node(ResTarget, cell)->name, &column) &&
			is_numbered(relation.oid, &column) &&
			!sd_ahead(analysis, SD_AHEAD_SEQUENCE, NULL, NULL, false))
		{
			MemoryContext old = MemoryContextSwitchTo(analysis->context);

			track->inserted = lappend_oid(track->inserted, relation.oid);
			MemoryContextSwitchTo(old);
			report_sequence(analysis, &relation, NameStr(column.attname), RowExclusiveLock,
							"rows of %s bring their own numbers, and its sequence does not know "
							"that they are taken");
			return;
		}
		i++;
	}
}

const SdCheck sd_checks_sequence[] = {
	{ T_AlterSeqStmt, -1, check_alter_sequence },
	{ T_InsertStmt, -1, check_insert },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_sequence[] = {
	{ AT_SetIdentity, check_identity },
	{ 0, NULL },
};
