/*
 * sd_rules_failure.c
 *	  Family "failure": statements that the server will refuse, or that leave
 *	  something broken behind.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_dependents.h"
#include "sd_lookup.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_track.h"
#include "sd_tree.h"

/* report_failure reports that a statement fails, and why. */
static void
report_failure(SdAnalysis *analysis, SdRuleId rule, const SdRelation *relation, const char *message,
			   const char *detail)
{
	SdFinding finding = sd_finding(analysis, rule, relation);

	finding.message = message;
	finding.detail = detail;
	sd_report(analysis, &finding);
}

static void
check_concurrent_index(SdAnalysis *analysis, Node *statement)
{
	IndexStmt *stmt = (IndexStmt *) statement;
	SdRelation relation;
	SdFinding finding;

	if (!stmt->concurrent)
		return;
	relation = sd_scope_relation(analysis->scope, stmt->relation);
	if (relation.relkind != RELKIND_PARTITIONED_TABLE)
		return;
	finding = sd_finding(analysis, SD_RULE_CONCURRENTLY_ON_PARTITIONED, &relation);
	finding.names.item = sd_hint_item(stmt->idxname, relation.name, NULL, "idx");
	finding.names.columns = sd_hint_columns(stmt->indexParams);
	finding.message =
		psprintf("%s is partitioned, and its indexes cannot be built concurrently", finding.object);
	sd_report(analysis, &finding);
}

/* A matching index for REFRESH ... CONCURRENTLY, as the server wants it. */
static bool
has_usable_unique_index(SdAnalysis *analysis, Oid matview)
{
	Relation indexes = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	bool result = false;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(matview));
	scan = systable_beginscan(indexes, IndexIndrelidIndexId, true, NULL, 1, &key);
	while (!result && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
		ObjectAddress index = { RelationRelationId, form->indexrelid, 0 };

		result = form->indisunique && form->indisvalid && form->indimmediate &&
				 heap_attisnull(tuple, Anum_pg_index_indpred, RelationGetDescr(indexes)) &&
				 heap_attisnull(tuple, Anum_pg_index_indexprs, RelationGetDescr(indexes)) &&
				 !sd_track_was_dropped(analysis, &index);
	}
	systable_endscan(scan);
	table_close(indexes, AccessShareLock);
	return result;
}

static void
check_refresh(SdAnalysis *analysis, Node *statement)
{
	RefreshMatViewStmt *stmt = (RefreshMatViewStmt *) statement;
	SdRelation relation;
	HeapTuple tuple;
	bool populated;

	if (!stmt->concurrent)
		return;
	relation = sd_scope_relation(analysis->scope, stmt->relation);
	if (relation.presence != SD_EXISTS || relation.relkind != RELKIND_MATVIEW)
		return;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation.oid));
	if (!HeapTupleIsValid(tuple))
		return;
	populated = ((Form_pg_class) GETSTRUCT(tuple))->relispopulated;
	ReleaseSysCache(tuple);
	if (!populated && !list_member_oid(analysis->track->refreshed, relation.oid))
		report_failure(analysis, SD_RULE_REFRESH_CONCURRENTLY_NO_UNIQUE, &relation,
					   psprintf("REFRESH CONCURRENTLY fails: %s is not populated",
								sd_shown(&relation)),
					   "The first refresh has to be one without CONCURRENTLY.");
	else if (!list_member_oid(analysis->track->made_unique, relation.oid) &&
			 !has_usable_unique_index(analysis, relation.oid))
		report_failure(analysis, SD_RULE_REFRESH_CONCURRENTLY_NO_UNIQUE, &relation,
					   psprintf("REFRESH CONCURRENTLY fails: %s has no unique index that it can use",
								sd_shown(&relation)),
					   "It has to be valid, on plain columns, and without WHERE.");
}

/* check_drop_one_index reports an index that only something else can drop. */
static void
check_drop_one_index(SdAnalysis *analysis, const SdRelation *index, bool concurrent)
{
	ObjectAddress object = { ConstraintRelationId, get_index_constraint(index->oid), 0 };
	SdFinding finding;

	if (concurrent && index->relkind == RELKIND_PARTITIONED_INDEX)
	{
		finding = sd_finding(analysis, SD_RULE_CONCURRENTLY_ON_PARTITIONED, index);
		finding.message =
			psprintf("index %s is of a partitioned table, and cannot be dropped concurrently",
					 finding.object);
		finding.hint = "Bound the wait for its lock: SET LOCAL lock_timeout = '2s'; DROP INDEX %t;";
		sd_report(analysis, &finding);
	}
	if (!OidIsValid(object.objectId) || sd_track_was_dropped(analysis, &object))
		return;
	finding = sd_finding(analysis, SD_RULE_DROP_CONSTRAINT_BACKED_INDEX, index);
	finding.names.item = quote_identifier(get_constraint_name(object.objectId));
	finding.names.table = sd_relation_name(sd_lookup_index_table(index->oid));
	finding.message = psprintf("DROP INDEX fails: %s is the index of constraint %s of %s",
							   finding.object, finding.names.item, finding.names.table);
	sd_report(analysis, &finding);
}

static void
check_drop_index(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->objects)
	{
		SdRelation index = sd_scope_relation_list(analysis->scope, lfirst(cell));

		if (index.presence == SD_EXISTS)
			check_drop_one_index(analysis, &index, stmt->concurrent);
	}
}

/* is_out_of_the_way tells whether the script has dropped or changed what depends on a target. */
static bool
is_out_of_the_way(SdAnalysis *analysis, const ObjectAddress *blocker)
{
	ListCell *cell;

	if (sd_track_was_dropped(analysis, blocker) || sd_track_was_changed(analysis, blocker))
		return true;
	foreach (cell, sd_dependents_hosts(blocker))
	{
		const ObjectAddress *host = lfirst(cell);

		if (sd_track_was_dropped(analysis, host) ||
			(host->objectSubId != 0 && sd_track_was_changed(analysis, host)))
			return true;
	}
	return false;
}

/* report_blockers reports what makes a DROP without CASCADE fail. */
static void
report_blockers(SdAnalysis *analysis, List *targets, const SdRelation *relation, const char *what)
{
	SdDependents dependents = sd_dependents(analysis, targets, false);
	SdNames names;
	ListCell *cell;

	sd_names_init(&names);
	foreach (cell, targets)
	{
		ListCell *inner;

		foreach (inner, sd_dependents_required_by(lfirst(cell)))
		{
			ObjectAddress *owner = lfirst(inner);

			/* a constraint's index has a rule of its own */
			if (owner->classId != ConstraintRelationId && !sd_address_in(targets, owner) &&
				!sd_track_was_dropped(analysis, owner))
				sd_names_add(&names, psprintf("%s, which requires it", sd_object_description(owner)));
		}
	}
	foreach (cell, dependents.blockers)
	{
		ObjectAddress *blocker = lfirst(cell);

		if (!is_out_of_the_way(analysis, blocker))
			sd_names_add(&names, sd_object_description(blocker));
	}
	if (names.count == 0)
		return;
	report_failure(analysis, SD_RULE_DROP_DEPENDENCY, relation,
				   psprintf("%s fails, because something depends on it", what),
				   psprintf("In the way: %s.", sd_names_text(&names)));
}

static void
check_drop(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	SdRelation relation = { 0 };
	List *targets;

	if (stmt->behavior == DROP_CASCADE || analysis->deferred)
		return;
	targets = sd_lookup_drop_targets(analysis, stmt);
	if (targets == NIL)
		return;
	if (((ObjectAddress *) linitial(targets))->classId == RelationRelationId)
		relation = sd_scope_relation_list(analysis->scope, linitial(stmt->objects));
	report_blockers(analysis, targets, relation.name != NULL ? &relation : NULL,
					sd_command_name(statement));
}

static void
check_drop_column(SdAnalysis *analysis, const SdAlter *alter)
{
	FormData_pg_attribute column;

	if (alter->cmd->behavior == DROP_CASCADE || analysis->deferred ||
		!sd_lookup_column(analysis, &alter->relation, alter->cmd->name, &column))
		return;
	report_blockers(analysis,
					list_make1(
						sd_make_address(RelationRelationId, alter->relation.oid, column.attnum)),
					&alter->relation,
					psprintf("dropping column %s", quote_identifier(alter->cmd->name)));
}

static void
check_drop_constraint(SdAnalysis *analysis, const SdAlter *alter)
{
	Oid constraint;

	if (alter->cmd->behavior == DROP_CASCADE || analysis->deferred ||
		alter->relation.presence != SD_EXISTS)
		return;
	constraint = get_relation_constraint_oid(alter->relation.oid, alter->cmd->name, true);
	if (OidIsValid(constraint))
		report_blockers(analysis, list_make1(sd_make_address(ConstraintRelationId, constraint, 0)),
						&alter->relation,
						psprintf("dropping constraint %s", quote_identifier(alter->cmd->name)));
}

/* primary_key_has tells whether a column is in a primary key that the script has left alone. */
static bool
primary_key_has(SdAnalysis *analysis, Oid table, AttrNumber column)
{
	Relation indexes = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	bool result = false;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	scan = systable_beginscan(indexes, IndexIndrelidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
		ObjectAddress index = { RelationRelationId, form->indexrelid, 0 };

		if (!form->indisprimary || sd_track_was_dropped(analysis, &index))
			continue;
		for (int i = 0; i < form->indnkeyatts; i++)
			result |= form->indkey.values[i] == column;
	}
	systable_endscan(scan);
	table_close(indexes, AccessShareLock);
	return result;
}

static void
check_drop_not_null(SdAnalysis *analysis, const SdAlter *alter)
{
	FormData_pg_attribute column;
	SdFinding finding;
	ListCell *cell;

	if (!sd_lookup_column(analysis, &alter->relation, alter->cmd->name, &column))
		return;
	/* the same command may take away what stands in the way */
	foreach (cell, alter->stmt->cmds)
	{
		AlterTableType kind = lfirst_node(AlterTableCmd, cell)->subtype;

		if (kind == AT_DropConstraint || kind == AT_DropIdentity)
			return;
	}
	if (column.attidentity == '\0' && !primary_key_has(analysis, alter->relation.oid, column.attnum))
		return;
	finding = sd_alter_finding(analysis, SD_RULE_DROP_NOT_NULL_ON_PK, alter, alter->cmd->name);
	finding.message =
		psprintf("DROP NOT NULL fails: column %s is %s", finding.object,
				 column.attidentity != '\0' ? "an identity column" : "in the primary key");
	sd_report(analysis, &finding);
}

/* check_masked_index reports IF NOT EXISTS that is satisfied by an index that nobody can use. */
static void
check_masked_index(SdAnalysis *analysis, Node *statement)
{
	IndexStmt *stmt = (IndexStmt *) statement;
	SdRelation table;
	SdRelation index;
	SdFinding finding;
	HeapTuple tuple;
	bool valid;

	if (!stmt->if_not_exists || !sd_lookup_index_taken(analysis, stmt, &table, &index))
		return;
	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index.oid));
	if (!HeapTupleIsValid(tuple))
		return;
	valid = ((Form_pg_index) GETSTRUCT(tuple))->indisvalid;
	ReleaseSysCache(tuple);
	if (valid)
		return;
	finding = sd_finding(analysis, SD_RULE_INVALID_INDEX, &index);
	finding.names.item = finding.object;
	finding.message =
		psprintf("IF NOT EXISTS does nothing, because an INVALID index %s is there", finding.object);
	finding.detail = "A build that failed has left it; it is written by every change and never read.";
	sd_report(analysis, &finding);
}

/* assigned_name returns the column that an item of a list stands for, or NULL. */
static const char *
assigned_name(Node *node)
{
	/* parts of a column may be assigned one by one */
	if (IsA(node, ResTarget))
		return ((ResTarget *) node)->indirection == NIL ? ((ResTarget *) node)->name : NULL;
	if (IsA(node, ColumnDef))
		return ((ColumnDef *) node)->colname;
	return IsA(node, String) ? strVal(node) : NULL;
}

/* find_duplicate returns the first name that is twice in a list; most lists are short. */
static const char *
find_duplicate(List *list)
{
	int n = list_length(list);

	for (int i = 1; i < n; i++)
	{
		const char *name = assigned_name(list_nth(list, i));

		for (int k = 0; name != NULL && k < i; k++)
		{
			const char *other = assigned_name(list_nth(list, k));

			if (other != NULL && strcmp(name, other) == 0)
				return name;
		}
	}
	return NULL;
}

/* report_duplicate reports a column that is named twice. */
static void
report_duplicate(SdAnalysis *analysis, Node *statement, const char *name)
{
	SdFinding finding;

	if (name == NULL)
		return;
	finding = sd_finding(analysis, SD_RULE_DUPLICATE_COLUMN_ASSIGN, NULL);
	finding.object = finding.names.column = quote_identifier(name);
	finding.message =
		psprintf("%s fails: it names column %s twice", sd_command_name(statement), finding.object);
	sd_report(analysis, &finding);
}

static void
check_duplicates(SdAnalysis *analysis, Node *statement)
{
	ListCell *cell;

	switch (nodeTag(statement))
	{
		case T_InsertStmt:
		{
			InsertStmt *stmt = (InsertStmt *) statement;

			report_duplicate(analysis, statement, find_duplicate(stmt->cols));
			if (stmt->onConflictClause != NULL)
				report_duplicate(analysis, statement,
								 find_duplicate(stmt->onConflictClause->targetList));
			break;
		}
		case T_UpdateStmt:
			report_duplicate(analysis, statement,
							 find_duplicate(((UpdateStmt *) statement)->targetList));
			break;
		default:
			report_duplicate(analysis, statement,
							 find_duplicate(((CreateStmt *) statement)->tableElts));
			foreach (cell, ((CreateStmt *) statement)->tableElts)
				if (IsA(lfirst(cell), Constraint))
					report_duplicate(analysis, statement,
									 find_duplicate(lfirst_node(Constraint, cell)->keys));
			break;
	}
}

/* report_nesting reports transaction control that does not fit, or that does nothing. */
static void
report_nesting(SdAnalysis *analysis, SdSeverity severity, const char *message)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_TX_NESTING, NULL);

	finding.severity = severity;
	finding.message = message;
	sd_report(analysis, &finding);
}

static void
check_nesting(SdAnalysis *analysis, Node *statement)
{
	bool outside = !analysis->in_transaction && analysis->inside == NULL;

	if (!IsA(statement, TransactionStmt))
	{
		if (outside && IsA(statement, LockStmt))
			report_nesting(analysis, SD_ERROR, "LOCK TABLE fails outside a transaction block");
		else if (outside && IsA(statement, DeclareCursorStmt) &&
				 (((DeclareCursorStmt *) statement)->options & CURSOR_OPT_HOLD) == 0)
			report_nesting(analysis, SD_ERROR, "DECLARE CURSOR fails outside a transaction block");
		else if (outside && IsA(statement, ConstraintsSetStmt))
			report_nesting(analysis, SD_WARNING,
						   "SET CONSTRAINTS does nothing outside a transaction block");
		else if (outside && IsA(statement, VariableSetStmt) &&
				 ((VariableSetStmt *) statement)->is_local)
			report_nesting(analysis, SD_WARNING,
						   "SET LOCAL does nothing outside a transaction block");
		return;
	}
	if (analysis->inside != NULL)
		return;
	switch (((TransactionStmt *) statement)->kind)
	{
		case TRANS_STMT_BEGIN:
		case TRANS_STMT_START:
			/* in the transaction of whoever runs the script it is the rule own-commit */
			if (analysis->in_transaction && !analysis->runner_transaction)
				report_nesting(analysis, SD_WARNING,
							   "BEGIN does nothing: the script is in a transaction already");
			break;
		case TRANS_STMT_COMMIT:
		case TRANS_STMT_ROLLBACK:
			if (outside)
				report_nesting(analysis, SD_WARNING,
							   psprintf("%s does nothing: there is no transaction",
										sd_command_name(statement)));
			break;
		case TRANS_STMT_SAVEPOINT:
		case TRANS_STMT_RELEASE:
		case TRANS_STMT_ROLLBACK_TO:
			if (outside)
				report_nesting(analysis, SD_ERROR,
							   psprintf("%s fails outside a transaction block",
										sd_command_name(statement)));
			break;
		default:
			break;
	}
}

void
sd_check_script_end(SdAnalysis *analysis)
{
	/* whoever wraps the script commits what it leaves open */
	if (analysis->in_transaction && !analysis->wrapped)
		report_failure(analysis, SD_RULE_UNCOMMITTED_TX, NULL,
					   "the script ends inside a transaction that it has begun",
					   "Everything since BEGIN is undone when the session ends.");
}

const SdCheck sd_checks_failure[] = {
	{ T_IndexStmt, -1, check_concurrent_index },
	{ T_IndexStmt, -1, check_masked_index },
	{ T_RefreshMatViewStmt, -1, check_refresh },
	{ T_DropStmt, OBJECT_INDEX, check_drop_index },
	{ T_DropStmt, -1, check_drop },
	{ T_InsertStmt, -1, check_duplicates },
	{ T_UpdateStmt, -1, check_duplicates },
	{ T_CreateStmt, -1, check_duplicates },
	{ T_TransactionStmt, -1, check_nesting },
	{ T_LockStmt, -1, check_nesting },
	{ T_DeclareCursorStmt, -1, check_nesting },
	{ T_ConstraintsSetStmt, -1, check_nesting },
	{ T_VariableSetStmt, -1, check_nesting },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_failure[] = {
	{ AT_DropColumn, check_drop_column },
	{ AT_DropConstraint, check_drop_constraint },
	{ AT_DropNotNull, check_drop_not_null },
	{ 0, NULL },
};
