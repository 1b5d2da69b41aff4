/*
 * sd_rules_scan.c
 *	  Family "scan": a whole table is read under a lock that stops its users.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_facts.h"
#include "sd_names.h"
#include "sd_predict.h"
#include "sd_rules.h"
#include "sd_size.h"
#include "sd_tree.h"

/* name_constraint gives the hint the names that a new constraint has, or will get. */
static void
name_constraint(SdFinding *finding, const SdAlter *alter, const Constraint *constraint)
{
	const char *label = "check";
	const char *column = NULL;
	List *keys = constraint->keys;

	switch (constraint->contype)
	{
		case CONSTR_FOREIGN:
			label = "fkey";
			keys = constraint->fk_attrs;
			finding->names.other = sd_hint_referenced(constraint);
			break;
		case CONSTR_PRIMARY:
			label = "pkey";
			break;
		case CONSTR_UNIQUE:
			label = "key";
			break;
		default:
			break;
	}
	/* inside ADD COLUMN it is about that column */
	if (alter->cmd->subtype == AT_AddColumn)
		keys = list_make1(makeString(castNode(ColumnDef, alter->cmd->def)->colname));
	finding->names.columns = sd_hint_columns(keys);
	if (keys != NIL && constraint->contype != CONSTR_PRIMARY)
		column = strVal(linitial(keys));
	finding->names.item = sd_hint_item(constraint->conname, alter->relation.name, column, label);
	if (constraint->indexname != NULL)
	{
		finding->names.item = quote_identifier(constraint->indexname);
		/* for a CHECK that proves what the index does not */
		finding->names.new_name = sd_hint_item(NULL, alter->relation.name, NULL, "not_null");
	}
}

/* nullable_column returns the first key column of an index that may have NULL, "..." for one of an unknown index. */
static const char *
nullable_column(SdAnalysis *analysis, const SdAlter *alter, const char *index_name)
{
	SdRelation index = sd_scope_relation_in(analysis->scope, alter->relation.schema, index_name);
	HeapTuple tuple;
	Form_pg_index form;
	List *dropped;
	List *validated;
	const char *result = NULL;

	if (index.presence != SD_EXISTS)
		return "...";
	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index.oid));
	if (!HeapTupleIsValid(tuple))
		return "...";
	form = (Form_pg_index) GETSTRUCT(tuple);
	sd_scope_changed_constraints(analysis->scope, &alter->relation, &dropped, &validated);
	for (int i = 0; i < form->indnkeyatts && result == NULL; i++)
	{
		char *column = get_attname(form->indrelid, form->indkey.values[i], true);

		/* a valid CHECK is as good as NOT NULL, as for SET NOT NULL */
		if (column == NULL)
			result = "...";
		else if (!sd_column_is_not_null(form->indrelid, column) &&
				 !sd_scope_proves_not_null(analysis->scope, &alter->relation, column, NIL) &&
				 sd_predict_not_null(form->indrelid, column, dropped, validated) != SD_NO)
			result = quote_identifier(column);
	}
	ReleaseSysCache(tuple);
	return result;
}

/* report_scan reports a full read of the altered table. */
static void
report_scan(SdAnalysis *analysis, SdRuleId rule, const SdAlter *alter, const Constraint *constraint,
			SdTruth scans, const char *what, const char *detail)
{
	SdFinding finding = sd_alter_finding(analysis, rule, alter, NULL);

	name_constraint(&finding, alter, constraint);
	if (constraint->indexname != NULL)
		finding.names.column = nullable_column(analysis, alter, constraint->indexname);
	finding.location = constraint->location;
	finding.scans = scans;
	finding.message = psprintf("%s %s all of %s (%s)", what, scans == SD_YES ? "reads" : "may read",
							   sd_shown(&alter->relation), sd_size_text(finding.size));
	finding.detail = detail;
	sd_report_blocking(analysis, &finding);
}

/* report_index_constraint reports UNIQUE and PRIMARY KEY, in either spelling. */
static void
report_index_constraint(SdAnalysis *analysis, const SdAlter *alter, const Constraint *constraint)
{
	bool primary = constraint->contype == CONSTR_PRIMARY;
	SdRuleId rule = alter->cmd->subtype == AT_AddColumn ? SD_RULE_ADD_COLUMN_UNIQUE :
					primary								? SD_RULE_ADD_PRIMARY_KEY :
														  SD_RULE_ADD_UNIQUE_CONSTRAINT;

	if (constraint->indexname == NULL)
		report_scan(analysis, rule, alter, constraint, SD_YES,
					primary ? "PRIMARY KEY builds an index and" : "UNIQUE builds an index and",
					"Nobody can read or write the table meanwhile; rows that are not unique make "
					"it fail.");
	else if (primary && nullable_column(analysis, alter, constraint->indexname) != NULL)
		report_scan(analysis, SD_RULE_PK_USING_INDEX_NULLABLE, alter, constraint, SD_YES,
					"PRIMARY KEY USING INDEX on columns that may be null",
					"The columns become NOT NULL, which is verified for each row.");
}

/* report_foreign_key reports a foreign key whose rows are checked now. */
static void
report_foreign_key(SdAnalysis *analysis, const SdAlter *alter, const Constraint *constraint)
{
	SdRelation referenced = sd_scope_relation(analysis->scope, constraint->pktable);
	SdFinding finding = sd_alter_finding(analysis, SD_RULE_ADD_FK_VALID, alter, NULL);

	name_constraint(&finding, alter, constraint);
	finding.location = constraint->location;
	finding.scans = SD_YES;
	finding.message =
		psprintf("the foreign key reads all of %s (%s) and looks each row up in %s",
				 sd_shown(&alter->relation), sd_size_text(finding.size), sd_shown(&referenced));
	finding.detail = psprintf("Nobody can write %s or %s meanwhile.", sd_shown(&alter->relation),
							  sd_shown(&referenced));
	sd_report_blocking(analysis, &finding);
}

/* report_not_null reports SET NOT NULL unless the condition is known to hold. */
static void
report_not_null(SdAnalysis *analysis, const SdAlter *alter, const char *name, int location)
{
	SdPart column = sd_scope_column(analysis->scope, &alter->relation, name);
	SdTruth scans = SD_YES;
	SdRuleId rule = SD_RULE_SET_NOT_NULL_SCAN;
	SdFinding finding;
	int own_drops;
	List *dropped = NIL;
	List *changed;
	List *validated;
	ListCell *cell;

	/* what the same command drops is gone before the column is looked at */
	foreach (cell, alter->stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if (cmd->subtype == AT_DropConstraint)
			dropped = lappend(dropped, cmd->name);
	}
	own_drops = list_length(dropped);
	if (sd_scope_proves_not_null(analysis->scope, &alter->relation, name, dropped))
		return;
	sd_scope_changed_constraints(analysis->scope, &alter->relation, &changed, &validated);
	if (alter->relation.presence == SD_EXISTS && column.presence == SD_EXISTS)
		scans = sd_predict_not_null(alter->relation.oid, column.old_name,
									list_concat_copy(dropped, changed), validated);
	if (scans == SD_NO)
		return;
	/* would it be proved, if the proof were left alone? */
	if (own_drops > 0 &&
		(sd_scope_proves_not_null(analysis->scope, &alter->relation, name, NIL) ||
		 (alter->relation.presence == SD_EXISTS && column.presence == SD_EXISTS &&
		  sd_predict_not_null(alter->relation.oid, column.old_name, changed, validated) == SD_NO)))
		rule = SD_RULE_SET_NOT_NULL_DROPS_PROOF;
	finding = sd_alter_finding(analysis, rule, alter, name);
	finding.names.item = sd_hint_item(NULL, alter->relation.name, name, "not_null");
	finding.location = location;
	finding.scans = scans;
	finding.message =
		psprintf("SET NOT NULL %s all of %s (%s)", scans == SD_YES ? "reads" : "may read",
				 sd_shown(&alter->relation), sd_size_text(finding.size));
	finding.detail =
		rule == SD_RULE_SET_NOT_NULL_DROPS_PROOF ?
			"The same command drops the CHECK constraint that proves that no value is null." :
			"No valid CHECK constraint proves that no value is null.";
	if (rule == SD_RULE_SET_NOT_NULL_DROPS_PROOF)
		finding.names.item = quote_identifier(linitial(dropped));
	sd_report_blocking(analysis, &finding);
}

static void
check_set_not_null(SdAnalysis *analysis, const SdAlter *alter)
{
	report_not_null(analysis, alter, alter->cmd->name, -1);
}

/* report_check reports a CHECK constraint that is verified at once. */
static void
report_check(SdAnalysis *analysis, const SdAlter *alter, const Constraint *constraint)
{
	report_scan(analysis,
				alter->cmd->subtype == AT_AddColumn ? SD_RULE_ADD_COLUMN_CHECK :
													  SD_RULE_ADD_CHECK_VALID,
				alter, constraint, SD_YES, "verifying the CHECK", NULL);
}

/* report_not_validated reports NOT NULL that old rows may break (18). */
static void
report_not_validated(SdAnalysis *analysis, const SdAlter *alter, const Constraint *constraint)
{
	const char *column = strVal(linitial(constraint->keys));
	SdFinding finding = sd_alter_finding(analysis, SD_RULE_NOT_NULL_NOT_VALID, alter, column);

	finding.location = constraint->location;
	finding.names.item = sd_hint_item(constraint->conname, alter->relation.name, column, "not_null");
	finding.message = psprintf("old rows may have NULL in %s until %s is validated", finding.object,
							   finding.names.item);
	sd_report(analysis, &finding);
}

static void
check_add_constraint(SdAnalysis *analysis, const SdAlter *alter)
{
	Constraint *constraint = castNode(Constraint, alter->cmd->def);
	bool verified = !constraint->skip_validation && SD_CONSTRAINT_IS_ENFORCED(constraint);

	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			if (verified)
				report_check(analysis, alter, constraint);
			break;
		case CONSTR_FOREIGN:
			if (verified)
				report_foreign_key(analysis, alter, constraint);
			break;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
			report_index_constraint(analysis, alter, constraint);
			break;
		case CONSTR_EXCLUSION:
			report_scan(analysis, SD_RULE_ADD_EXCLUSION_CONSTRAINT, alter, constraint, SD_YES,
						"EXCLUDE builds an index and",
						"Nobody can read or write the table meanwhile.");
			break;
		case CONSTR_NOTNULL: /* a table constraint from 18 on */
			if (constraint->keys == NIL)
				break;
			if (verified)
				report_not_null(analysis, alter, strVal(linitial(constraint->keys)),
								constraint->location);
			else
				report_not_validated(analysis, alter, constraint);
			break;
		default:
			break;
	}
}

/* check_add_column_constraints judges the constraints inside ADD COLUMN. */
static void
check_add_column_constraints(SdAnalysis *analysis, const SdAlter *alter)
{
	ColumnDef *column = castNode(ColumnDef, alter->cmd->def);
	bool has_default = false;
	ListCell *cell;

	if (alter->cmd->missing_ok && alter->relation.presence == SD_EXISTS &&
		sd_scope_has_column(analysis->scope, &alter->relation, column->colname))
		return;
	foreach (cell, column->constraints)
	{
		ConstrType type = lfirst_node(Constraint, cell)->contype;

		has_default |= type == CONSTR_DEFAULT || type == CONSTR_GENERATED;
	}
	foreach (cell, column->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, cell);

		switch (constraint->contype)
		{
			case CONSTR_CHECK:
				if (SD_CONSTRAINT_IS_ENFORCED(constraint))
					report_check(analysis, alter, constraint);
				break;
			case CONSTR_FOREIGN:
				/* a column full of nulls is not looked up */
				if (has_default && SD_CONSTRAINT_IS_ENFORCED(constraint))
					report_foreign_key(analysis, alter, constraint);
				break;
			case CONSTR_PRIMARY:
			case CONSTR_UNIQUE:
				report_index_constraint(analysis, alter, constraint);
				break;
			default:
				break;
		}
	}
}

/* constraint_is_valid tells whether a constraint of the catalog is known to hold. */
static bool
constraint_is_valid(Oid table, const char *name)
{
	HeapTuple tuple =
		SearchSysCache1(CONSTROID, ObjectIdGetDatum(get_relation_constraint_oid(table, name, true)));
	bool result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_constraint) GETSTRUCT(tuple))->convalidated;
	ReleaseSysCache(tuple);
	return result;
}

static void
check_validate(SdAnalysis *analysis, const SdAlter *alter)
{
	SdPart part = sd_scope_constraint(analysis->scope, &alter->relation, alter->cmd->name);
	/* the lock of ADD CONSTRAINT is held until the transaction ends, the scan included */
	bool held = part.presence == SD_MADE && part.same_transaction && analysis->in_transaction;
	SdFinding finding =
		sd_alter_finding(analysis,
						 held ? SD_RULE_NOT_VALID_VALIDATE_SAME_TX : SD_RULE_VALIDATE_CONSTRAINT,
						 alter, NULL);

	/* one that is valid is not checked again */
	if (part.presence == SD_EXISTS && alter->relation.presence == SD_EXISTS &&
		constraint_is_valid(alter->relation.oid, alter->cmd->name))
		return;
	finding.names.item = quote_identifier(alter->cmd->name);
	finding.scans = SD_YES;
	finding.message = psprintf("%s reads all of %s (%s)",
							   held ? "VALIDATE in the transaction that added the constraint" :
									  "VALIDATE CONSTRAINT",
							   sd_shown(&alter->relation), sd_size_text(finding.size));
	if (!held)
		finding.detail = "Reads and writes go on meanwhile.";
	sd_report_blocking(analysis, &finding);
}

/* attach_scans tells whether ATTACH PARTITION reads the table, as far as it is known here. */
static SdTruth
attach_scans(SdAnalysis *analysis, const SdAlter *alter, const SdRelation *child)
{
	List *dropped;
	List *validated;
	SdTruth scans;

	if (child->presence != SD_EXISTS || alter->relation.presence != SD_EXISTS)
		return SD_UNKNOWN;
	sd_scope_changed_constraints(analysis->scope, child, &dropped, &validated);
	scans = sd_predict_attach(child->oid, alter->relation.oid,
							  castNode(PartitionCmd, alter->cmd->def)->bound, dropped, validated);
	/* what a constraint of the script proves is not looked into */
	if (scans == SD_YES && sd_scope_makes_valid(analysis->scope, child))
		return SD_UNKNOWN;
	return scans;
}

void
sd_check_attach(SdAnalysis *analysis, const SdAlter *alter)
{
	RangeVar *name = castNode(PartitionCmd, alter->cmd->def)->name;
	SdRelation child;
	SdFinding finding;
	SdTruth scans;

	if (alter->relation.relkind == RELKIND_PARTITIONED_INDEX ||
		!sd_target(analysis, name, false, &child))
		return;
	scans = attach_scans(analysis, alter, &child);
	finding = sd_finding(analysis,
						 scans == SD_NO ? SD_RULE_LOCK_TAKEN : SD_RULE_ATTACH_PARTITION_SCAN, &child);
	finding.names.item = sd_hint_item(NULL, child.name, NULL, "bounds");
	finding.lock = AccessExclusiveLock;
	finding.scans = scans;
	if (scans == SD_NO)
		finding.message = psprintf("attaching %s locks it: nobody can read or write it until the "
								   "transaction ends",
								   finding.object);
	else
		finding.message = psprintf("attaching %s (%s) %s all of it%s", finding.object,
								   sd_size_text(finding.size), scans == SD_YES ? "reads" : "may read",
								   scans == SD_YES ? ", because no valid CHECK proves its bounds" :
													 ", unless a valid CHECK proves its bounds");
	finding.detail = psprintf("%s itself stays usable.", sd_shown(&alter->relation));
	sd_report_blocking(analysis, &finding);
}

static void
check_alter_domain(SdAnalysis *analysis, Node *statement)
{
	AlterDomainStmt *stmt = (AlterDomainStmt *) statement;
	SdFinding finding;
	SdNames columns;
	Oid type;

	if (stmt->subtype != 'O' && stmt->subtype != 'C' && stmt->subtype != 'V')
		return;
	if (stmt->subtype == 'C' && castNode(Constraint, stmt->def)->skip_validation)
		return;
	if (sd_scope_type(analysis->scope, stmt->typeName, &type) == SD_MADE)
		return;
	finding = sd_finding(analysis,
						 stmt->subtype == 'O' ? SD_RULE_ALTER_DOMAIN_SET_NOT_NULL :
												SD_RULE_ALTER_DOMAIN_CONSTRAINT,
						 NULL);
	finding.object = finding.names.type = NameListToQuotedString(stmt->typeName);
	finding.names.item =
		sd_hint_item(stmt->subtype == 'C' ? castNode(Constraint, stmt->def)->conname : stmt->name,
					 strVal(llast(stmt->typeName)), NULL, "check");
	finding.lock = ShareLock;
	finding.scans = SD_YES;
	sd_names_init(&columns);
	if (OidIsValid(type))
	{
		sd_type_columns(analysis, type, &columns, &finding.size);
		if (columns.count == 0)
			return;
		finding.detail = psprintf("Its columns are %s.", sd_names_text(&columns));
	}
	finding.message = psprintf("the constraint of domain %s is checked in each table that uses it",
							   finding.object);
	sd_report_blocking(analysis, &finding);
}

/* check_alter_constraint reports a foreign key that is enforced from now on (18). */
static void
check_alter_constraint(SdAnalysis *analysis, const SdAlter *alter)
{
	const char *name = sd_enforced_constraint(alter->cmd);
	SdConstraintFacts *constraint;
	SdFinding finding;

	if (name == NULL)
		return;
	constraint = alter->relation.presence == SD_EXISTS ?
					 sd_fact_constraint(analysis, alter->relation.oid, name) :
					 NULL;
	if (constraint != NULL && constraint->enforced)
		return;
	finding = sd_alter_finding(analysis, SD_RULE_ENFORCE_CONSTRAINT, alter, NULL);
	finding.names.item = quote_identifier(name);
	finding.scans = SD_YES;
	finding.message = psprintf("enforcing %s reads all of %s (%s) and looks each row up",
							   finding.names.item, finding.object, sd_size_text(finding.size));
	sd_report_blocking(analysis, &finding);
}

/* reads_existing tells whether a query reads a relation of the catalog that holds something. */
static bool
reads_existing(SdAnalysis *analysis, Node *query, SdSize *size, SdNames *names)
{
	ListCell *cell;

	foreach (cell, sd_statement_contents(query).relations)
	{
		SdRelation relation = sd_scope_relation(analysis->scope, lfirst_node(RangeVar, cell));
		SdSize one;

		if (relation.presence != SD_EXISTS)
			continue;
		one = sd_relation_size(analysis->sizes, relation.oid);
		if (one.bytes == 0)
			continue;
		size->rows = Max(size->rows, one.rows);
		size->bytes = Max(size->bytes, one.bytes);
		sd_names_add(names, sd_shown(&relation));
	}
	return names->count > 0;
}

/* check_create_as reports a query whose result is stored while the transaction is open. */
static void
check_create_as(SdAnalysis *analysis, Node *statement)
{
	Node *query = statement;
	IntoClause *into;
	SdFinding finding = sd_finding(analysis, SD_RULE_CREATE_MATVIEW_WITH_DATA, NULL);
	SdNames names;

	if (IsA(statement, CreateTableAsStmt))
	{
		query = ((CreateTableAsStmt *) statement)->query;
		into = ((CreateTableAsStmt *) statement)->into;
	}
	else
		into = sd_select_into((SelectStmt *) statement);
	/* CREATE TABLE AS EXECUTE runs what was judged when it was prepared */
	if (into == NULL || into->skipData || !IsA(query, SelectStmt))
		return;
	sd_names_init(&names);
	if (!reads_existing(analysis, query, &finding.size, &names))
		return;
	finding.object = finding.names.table = sd_hint_range(into->rel);
	if (!IsA(statement, CreateTableAsStmt) ||
		SD_CTAS_OBJTYPE((CreateTableAsStmt *) statement) != OBJECT_MATVIEW)
		finding.hint = "Make it empty, and fill it in batches, each in a transaction of its own: "
					   "CREATE TABLE %t AS ... WITH NO DATA;";
	finding.message =
		psprintf("the query of %s is run and stored, and what the transaction locks stays "
				 "locked meanwhile",
				 finding.object);
	finding.detail = psprintf("It reads %s (the largest: %s).", sd_names_text(&names),
							  sd_size_text(finding.size));
	sd_report(analysis, &finding);
}

/* check_create_domain reports a domain with constraints of its own. */
static void
check_create_domain(SdAnalysis *analysis, Node *statement)
{
	CreateDomainStmt *stmt = (CreateDomainStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, cell);
		SdFinding finding;

		if (constraint->contype != CONSTR_CHECK && constraint->contype != CONSTR_NOTNULL)
			continue;
		finding = sd_finding(analysis, SD_RULE_CREATE_DOMAIN_CONSTRAINT, NULL);
		finding.object = finding.names.type = NameListToQuotedString(stmt->domainname);
		finding.location = constraint->location;
		finding.message = psprintf("domain %s has constraints", finding.object);
		sd_report(analysis, &finding);
		return;
	}
}

const SdCheck sd_checks_scan[] = {
	{ T_CreateDomainStmt, -1, check_create_domain },
	{ T_CreateTableAsStmt, -1, check_create_as },
	{ T_SelectStmt, -1, check_create_as },
	{ T_AlterDomainStmt, -1, check_alter_domain },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_scan[] = {
	{ AT_AlterConstraint, check_alter_constraint },
	{ AT_AddColumn, check_add_column_constraints },
	{ AT_AddConstraint, check_add_constraint },
	{ AT_SetNotNull, check_set_not_null },
	{ AT_ValidateConstraint, check_validate },
	{ AT_AttachPartition, sd_check_attach },
	{ 0, NULL },
};
