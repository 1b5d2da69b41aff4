/*
 * sd_rules_data.c
 *	  Family "data": rows are removed or overwritten.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "sd_compat.h"
#include "sd_estimate.h"
#include "sd_facts.h"
#include "sd_guc.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_size.h"
#include "sd_tree.h"

/* report_truncate_cascade reports the tables that foreign keys lead from, and so on. */
static void
report_truncate_cascade(SdAnalysis *analysis, List *tables)
{
	int asked_for = list_length(tables);

	/* the list grows while it is walked */
	for (int i = 0; i < list_length(tables); i++)
	{
		ListCell *cell;

		foreach (cell, sd_fact_referencing(list_nth_oid(tables, i)))
		{
			SdConstraintFacts *constraint = lfirst(cell);
			SdFinding finding;

			if (list_member_oid(tables, constraint->table) ||
				!sd_fact_is_still_there(analysis, constraint->table))
				continue;
			tables = lappend_oid(tables, constraint->table);
			finding = sd_finding(analysis, SD_RULE_TRUNCATE_CASCADE, NULL);
			finding.object = finding.names.table = sd_relation_name(constraint->table);
			finding.names.other = sd_relation_name(list_nth_oid(tables, i));
			finding.names.item = quote_identifier(constraint->name);
			finding.size = sd_relation_size(analysis->sizes, constraint->table);
			finding.lock = AccessExclusiveLock;
			finding.data_loss = sd_loss_of(finding.size);
			if (finding.data_loss == SD_LOSS_NONE)
				finding.severity = SD_WARNING;
			finding.message =
				psprintf("CASCADE removes all rows of %s (%s) too: its foreign key %s leads to %s",
						 finding.object, sd_size_text(finding.size), finding.names.item,
						 finding.names.other);
			if (i >= asked_for)
				finding.detail = "That one is not named by the statement either.";
			sd_report(analysis, &finding);
		}
	}
}

/* report_restart reports sequences that begin again. */
static void
report_restart(SdAnalysis *analysis, List *tables)
{
	ListCell *cell;

	foreach (cell, tables)
	{
		List *sequences = sd_fact_owned_sequences(lfirst_oid(cell), 0);
		SdFinding finding = sd_finding(analysis, SD_RULE_TRUNCATE_RESTART_IDENTITY, NULL);
		SdNames names;
		ListCell *inner;

		if (sequences == NIL)
			continue;
		sd_names_init(&names);
		foreach (inner, sequences)
			sd_names_add(&names, sd_relation_name(lfirst_oid(inner)));
		finding.about = lfirst_oid(cell);
		finding.object = finding.names.table = sd_relation_name(lfirst_oid(cell));
		finding.data_loss = SD_LOSS_POSSIBLE;
		finding.message =
			psprintf("numbers of %s that were given out before are given out again", finding.object);
		finding.detail = psprintf("The sequences are %s. What was kept elsewhere under an old number "
								  "then means a new row.",
								  sd_names_text(&names));
		sd_report(analysis, &finding);
	}
}

static void
check_truncate(SdAnalysis *analysis, Node *statement)
{
	TruncateStmt *stmt = (TruncateStmt *) statement;
	List *targets = NIL; /* OIDs */
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
			psprintf("removes all rows of %s (%s)", sd_shown(&relation), sd_size_text(finding.size));
		sd_report(analysis, &finding);
		if (relation.presence == SD_EXISTS)
			targets = lappend_oid(targets, relation.oid);
	}
	if (stmt->behavior == DROP_CASCADE)
		report_truncate_cascade(analysis, list_copy(targets));
	if (stmt->restart_seqs)
		report_restart(analysis, targets);
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

/*
 * check_rows reports a data change of more rows than the limit.  Only one that
 * can reach the limit at all, by the size of what it reads, is planned.
 */
static void
check_rows(SdAnalysis *analysis, Node *statement, const RangeVar *name, int64 rows)
{
	SdRelation relation;
	SdFinding finding;
	const char *why;
	double estimate;

	if (sd_guc_max_dml_rows == 0 || (rows >= 0 && rows <= sd_guc_max_dml_rows))
		return;
	relation = sd_scope_relation(analysis->scope, name);
	if (sd_guc_sizes_unknown && rows < 0)
	{
		estimate = -1;
		why = "the sizes of tables are not known";
	}
	else
		estimate = sd_estimate_rows(statement, &why);
	if (estimate >= 0 && estimate <= sd_guc_max_dml_rows)
		return;
	finding = sd_finding(analysis, SD_RULE_DML_ROWS_OVER_LIMIT, &relation);
	finding.location = name->location;
	finding.lock = RowExclusiveLock;
	finding.data_loss = IsA(statement, InsertStmt) ? SD_LOSS_NONE : SD_LOSS_POSSIBLE;
	if (estimate >= 0)
	{
		finding.size.rows = (int64) estimate;
		finding.message = psprintf("%s changes about %.0f rows of %s in one transaction",
								   sd_command_name(statement), estimate, finding.object);
	}
	else
	{
		finding.severity = SD_NOTICE;
		finding.scans = SD_UNKNOWN;
		finding.message = psprintf("how many rows of %s the %s changes cannot be told%s",
								   finding.object, sd_command_name(statement),
								   rows >= 0 ? psprintf("; it can be " INT64_FORMAT, rows) : "");
		finding.detail = psprintf("It cannot be planned: %s.", why);
	}
	sd_report(analysis, &finding);
}

/* check_limited judges a change of rows of an existing table that has a condition. */
static void
check_limited(SdAnalysis *analysis, Node *statement, const RangeVar *name)
{
	SdRelation relation = sd_scope_relation(analysis->scope, name);

	if (relation.presence == SD_EXISTS && relation.persistence != RELPERSISTENCE_TEMP &&
		sd_has_storage(&relation))
	{
		int64 rows = sd_relation_size(analysis->sizes, relation.oid).rows;

		/* a table that was never analysed counts by its size */
		check_rows(analysis, statement, name, rows);
	}
}

/* check_insert judges INSERT ... SELECT by the largest table that it reads. */
static void
check_insert(SdAnalysis *analysis, Node *statement)
{
	InsertStmt *stmt = (InsertStmt *) statement;
	int64 most = 0;
	ListCell *cell;

	if (stmt->selectStmt == NULL || ((SelectStmt *) stmt->selectStmt)->valuesLists != NIL)
		return;
	foreach (cell, sd_statement_contents(stmt->selectStmt).relations)
	{
		SdRelation relation = sd_scope_relation(analysis->scope, lfirst_node(RangeVar, cell));

		if (relation.presence == SD_EXISTS && sd_has_storage(&relation))
		{
			int64 rows = sd_relation_size(analysis->sizes, relation.oid).rows;

			/* what is not known is more than all that is */
			most = rows < 0 || most < 0 ? -1 : Max(most, rows);
		}
	}
	check_rows(analysis, statement, stmt->relation, most);
}

#if PG_VERSION_NUM >= 150000
/* check_merge_all reports MERGE whose condition holds for each row, and what it then does to all of them. */
static void
check_merge_all(SdAnalysis *analysis, MergeStmt *stmt)
{
	ListCell *cell;

	if (!sd_always_true(stmt->joinCondition))
		return;
	foreach (cell, stmt->mergeWhenClauses)
	{
		MergeWhenClause *when = lfirst_node(MergeWhenClause, cell);

		if (when->commandType == CMD_DELETE)
			report_all_rows(analysis, SD_RULE_DELETE_WITHOUT_WHERE, stmt->relation, when->condition,
							"deletes");
		else if (when->commandType == CMD_UPDATE)
			report_all_rows(analysis, SD_RULE_UPDATE_WITHOUT_WHERE, stmt->relation, when->condition,
							"overwrites");
	}
}
#endif

static void
check_merge(SdAnalysis *analysis, Node *statement)
{
#if PG_VERSION_NUM >= 150000
	check_merge_all(analysis, (MergeStmt *) statement);
#endif
	check_limited(analysis, statement, SD_MERGE_RELATION(statement));
}

static void
check_delete(SdAnalysis *analysis, Node *statement)
{
	DeleteStmt *stmt = (DeleteStmt *) statement;

	if (stmt->whereClause != NULL && !sd_always_true(stmt->whereClause))
		check_limited(analysis, statement, stmt->relation);
	report_all_rows(analysis, SD_RULE_DELETE_WITHOUT_WHERE, stmt->relation, stmt->whereClause,
					"deletes");
}

static void
check_update(SdAnalysis *analysis, Node *statement)
{
	UpdateStmt *stmt = (UpdateStmt *) statement;

	if (stmt->whereClause != NULL && !sd_always_true(stmt->whereClause))
		check_limited(analysis, statement, stmt->relation);
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

/* report_unlogged reports a table whose rows a crash takes. */
static void
report_unlogged(SdAnalysis *analysis, const char *table, const SdRelation *relation)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_CREATE_UNLOGGED, relation);

	finding.object = finding.names.table = table;
	finding.data_loss = SD_LOSS_POSSIBLE;
	finding.message = psprintf("%s is emptied by a crash, and is empty on replicas", table);
	sd_report(analysis, &finding);
}

static void
check_create_unlogged(SdAnalysis *analysis, Node *statement)
{
	const RangeVar *name = IsA(statement, CreateStmt) ? ((CreateStmt *) statement)->relation :
														((CreateTableAsStmt *) statement)->into->rel;

	if (name->relpersistence == RELPERSISTENCE_UNLOGGED)
		report_unlogged(analysis, sd_hint_range(name), NULL);
}

static void
check_set_unlogged(SdAnalysis *analysis, const SdAlter *alter)
{
	if (alter->relation.persistence != RELPERSISTENCE_UNLOGGED)
		report_unlogged(analysis, sd_shown(&alter->relation), &alter->relation);
}

const SdCheck sd_checks_data[] = {
	{ T_CreateStmt, -1, check_create_unlogged },
	{ T_CreateTableAsStmt, -1, check_create_unlogged },
	{ T_InsertStmt, -1, check_insert },
	{ SD_T_MERGE, -1, check_merge },
	{ T_InsertStmt, -1, check_catalog },
	{ T_UpdateStmt, -1, check_catalog },
	{ T_DeleteStmt, -1, check_catalog },
	{ T_DeleteStmt, -1, check_delete },
	{ T_UpdateStmt, -1, check_update },
	{ T_TruncateStmt, -1, check_truncate },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_data[] = {
	{ AT_SetUnLogged, check_set_unlogged },
	{ 0, NULL },
};
