/*
 * sd_rules_style.c
 *	  Family "style": advice on new tables that nothing breaks without.  Every rule
 *	  is off until safedeploy.rules_on names it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "sd_ahead.h"
#include "sd_compat.h"
#include "sd_lookup.h"
#include "sd_rules.h"
#include "sd_tree.h"

/* An index of more columns is rarely used to its end. */
#define MANY_INDEX_COLUMNS 3

/* Padding below this is not worth another order of columns. */
#define NOTABLE_PADDING 8

/* The family's rules are next to each other in the list. */
#define FIRST_STYLE_RULE SD_RULE_PREFER_BIGINT
#define LAST_STYLE_RULE	 SD_RULE_UNQUALIFIED_NAME

/* is_on tells whether any rule of the family is asked for. */
static bool
is_on(void)
{
	if (!sd_rules_are_switched_on())
		return false;
	for (int i = FIRST_STYLE_RULE; i <= LAST_STYLE_RULE; i++)
		if (sd_rule_is_on(i))
			return true;
	return false;
}

/* report reports advice. */
static void
report(SdAnalysis *analysis, SdRuleId rule, const char *object, int location, const char *message)
{
	SdFinding finding = sd_finding(analysis, rule, NULL);

	finding.object = object;
	finding.location = location;
	finding.message = message;
	sd_report(analysis, &finding);
}

/* Types that a rule advises against, by the names that the grammar or the user gives. */
static const struct
{
	const char *name;
	SdRuleId rule;
	bool with_limit; /* only with a length, such as varchar(10) */
	const char *message;
} types[] = {
	{ "serial", SD_RULE_PREFER_IDENTITY, false, "%s is serial" },
	{ "serial4", SD_RULE_PREFER_IDENTITY, false, "%s is serial" },
	{ "bigserial", SD_RULE_PREFER_IDENTITY, false, "%s is bigserial" },
	{ "serial8", SD_RULE_PREFER_IDENTITY, false, "%s is bigserial" },
	{ "smallserial", SD_RULE_PREFER_IDENTITY, false, "%s is smallserial" },
	{ "serial2", SD_RULE_PREFER_IDENTITY, false, "%s is smallserial" },
	{ "varchar", SD_RULE_PREFER_TEXT, true, "%s has a length that can only be changed under a lock" },
	{ "bpchar", SD_RULE_PREFER_TEXT, true, "%s is padded with blanks" },
	{ "timestamp", SD_RULE_PREFER_TIMESTAMPTZ, false, "%s does not say which moment it means" },
	{ "money", SD_RULE_OTHER_TYPE_ADVICE, false, "%s is money, whose meaning depends on lc_monetary" },
	{ "timetz", SD_RULE_OTHER_TYPE_ADVICE, false, "%s is a time with a zone but without a day" },
	{ "json", SD_RULE_OTHER_TYPE_ADVICE, false, "%s is json, which has no equality and no index" },
};

/* The names of integers that run out. */
static const char *const short_integers[] = { "int2",	 "int4",		"serial",
											  "serial4", "smallserial", "serial2" };

static const char *
type_name(const ColumnDef *column)
{
	return column->typeName == NULL || column->typeName->names == NIL ?
			   "" :
			   strVal(llast(column->typeName->names));
}

/* check_name reports a name that has to be quoted wherever it is used. */
static void
check_name(SdAnalysis *analysis, const char *kind, const char *name, int location)
{
	if (name != NULL && quote_identifier(name) != name)
		report(analysis, SD_RULE_NAMING, quote_identifier(name), location,
			   psprintf("%s %s has to be quoted wherever it is used", kind, quote_identifier(name)));
}

/* check_foreign_key judges what a DELETE of a referenced row does. */
static void
check_foreign_key(SdAnalysis *analysis, const Constraint *constraint, const char *table)
{
	if (constraint->contype != CONSTR_FOREIGN)
		return;
	if (constraint->fk_del_action == FKCONSTR_ACTION_CASCADE)
		report(analysis, SD_RULE_FK_STYLE, table, constraint->location,
			   psprintf("a DELETE of rows of %s deletes rows of %s too",
						quote_identifier(constraint->pktable->relname), table));
	else if (constraint->fk_del_action == FKCONSTR_ACTION_NOACTION)
		report(analysis, SD_RULE_FK_STYLE, table, constraint->location,
			   psprintf("a foreign key of %s does not say what a DELETE in %s is to do", table,
						quote_identifier(constraint->pktable->relname)));
}

/* check_column judges one new column. */
static void
check_column(SdAnalysis *analysis, const ColumnDef *column, const char *table)
{
	const char *name = psprintf("%s.%s", table, quote_identifier(column->colname));
	const char *type = type_name(column);
	ListCell *cell;

	check_name(analysis, "column", column->colname, column->location);
	for (int i = 0; i < lengthof(types); i++)
	{
		if (strcmp(type, types[i].name) != 0 ||
			(types[i].with_limit && column->typeName->typmods == NIL))
			continue;
		report(analysis, types[i].rule, name, column->location, psprintf(types[i].message, name));
	}
	foreach (cell, column->constraints)
	{
		check_name(analysis, "constraint", lfirst_node(Constraint, cell)->conname, column->location);
		check_foreign_key(analysis, lfirst_node(Constraint, cell), table);
	}
}

/* is_key tells whether a column is in the primary key of a new table. */
static bool
is_key(const CreateStmt *stmt, const ColumnDef *column)
{
	ListCell *cell;
	ListCell *inner;

	foreach (cell, column->constraints)
		if (lfirst_node(Constraint, cell)->contype == CONSTR_PRIMARY)
			return true;
	foreach (cell, stmt->tableElts)
	{
		Constraint *constraint = lfirst(cell);

		if (!IsA(constraint, Constraint) || constraint->contype != CONSTR_PRIMARY)
			continue;
		foreach (inner, constraint->keys)
			if (strcmp(strVal(lfirst(inner)), column->colname) == 0)
				return true;
	}
	return false;
}

/* check_key judges the range of a primary key; it returns whether there is one. */
static bool
check_key(SdAnalysis *analysis, const CreateStmt *stmt, const char *table)
{
	bool found = false;
	ListCell *cell;

	foreach (cell, stmt->tableElts)
	{
		ColumnDef *column = lfirst(cell);

		if (!IsA(column, ColumnDef) || !is_key(stmt, column))
			continue;
		found = true;
		for (int i = 0; i < lengthof(short_integers); i++)
			if (strcmp(type_name(column), short_integers[i]) == 0)
				report(analysis, SD_RULE_PREFER_BIGINT, table, column->location,
					   psprintf("the primary key of %s runs out of numbers: %s is %s", table,
								quote_identifier(column->colname), short_integers[i]));
	}
	return found;
}

/* takes_shape_elsewhere tells whether a new table gets its key from somewhere else. */
static bool
takes_shape_elsewhere(const CreateStmt *stmt)
{
	ListCell *cell;

	foreach (cell, stmt->tableElts)
		if (IsA(lfirst(cell), TableLikeClause))
			return true;
	return stmt->inhRelations != NIL || stmt->ofTypename != NULL ||
		   stmt->relation->relpersistence == RELPERSISTENCE_TEMP;
}

/* alignment_of returns how a column is aligned and how long it is; false when that is not fixed. */
static bool
alignment_of(const ColumnDef *column, int *align, int *length)
{
	int32 typmod;
	HeapTuple tuple;
	Form_pg_type form;
	Oid type = sd_lookup_type(column->typeName, &typmod);

	tuple = OidIsValid(type) ? SearchSysCache1(TYPEOID, ObjectIdGetDatum(type)) : NULL;
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_type) GETSTRUCT(tuple);
	*align = form->typalign == TYPALIGN_DOUBLE ? 8 :
			 form->typalign == TYPALIGN_INT	   ? 4 :
			 form->typalign == TYPALIGN_SHORT  ? 2 :
												 1;
	*length = form->typlen;
	ReleaseSysCache(tuple);
	return *length > 0;
}

/* check_order counts the bytes between columns that another order would save. */
static void
check_order(SdAnalysis *analysis, const CreateStmt *stmt, const char *table)
{
	int offset = 0;
	int padding = 0;
	int used = 0;
	ListCell *cell;

	foreach (cell, stmt->tableElts)
	{
		ColumnDef *column = lfirst(cell);
		int align;
		int length;

		if (!IsA(column, ColumnDef))
			continue;
		/* behind a column of any length no place is known */
		if (column->typeName == NULL || !alignment_of(column, &align, &length))
			break;
		padding += TYPEALIGN(align, offset) - offset;
		offset = TYPEALIGN(align, offset) + length;
		used += length;
	}
	/* in the best order the longest come first, and nothing lies between them */
	padding = Min(padding, (int) (MAXALIGN(offset) - MAXALIGN(used)));
	if (padding >= NOTABLE_PADDING)
		report(analysis, SD_RULE_COLUMN_ORDER, table, -1,
			   psprintf("each row of %s has %d bytes of padding between its columns", table, padding));
}

/* check_qualified reports a name whose meaning depends on search_path. */
static void
check_qualified(SdAnalysis *analysis, const RangeVar *name)
{
	if (name != NULL && name->schemaname == NULL && name->relpersistence != RELPERSISTENCE_TEMP)
		report(analysis, SD_RULE_UNQUALIFIED_NAME, quote_identifier(name->relname), name->location,
			   psprintf("which %s is meant depends on search_path", quote_identifier(name->relname)));
}

static void
check_create_table(SdAnalysis *analysis, Node *statement)
{
	CreateStmt *stmt = (CreateStmt *) statement;
	const char *table;
	ListCell *cell;

	if (!is_on())
		return;
	table = quote_identifier(stmt->relation->relname);
	check_qualified(analysis, stmt->relation);
	check_name(analysis, "table", stmt->relation->relname, stmt->relation->location);
	foreach (cell, stmt->tableElts)
	{
		if (IsA(lfirst(cell), ColumnDef))
			check_column(analysis, lfirst_node(ColumnDef, cell), table);
		else if (IsA(lfirst(cell), Constraint))
		{
			check_name(analysis, "constraint", lfirst_node(Constraint, cell)->conname, -1);
			check_foreign_key(analysis, lfirst_node(Constraint, cell), table);
		}
	}
	if (!check_key(analysis, stmt, table) && !takes_shape_elsewhere(stmt) &&
		!sd_ahead(analysis, SD_AHEAD_PRIMARY_KEY, stmt->relation->relname, NULL, false))
		report(analysis, SD_RULE_NO_PRIMARY_KEY, table, -1, psprintf("%s has no primary key", table));
	check_order(analysis, stmt, table);
}

static void
check_alter_table(SdAnalysis *analysis, Node *statement)
{
	AlterTableStmt *stmt = (AlterTableStmt *) statement;
	const char *table;
	ListCell *cell;

	if (!is_on())
		return;
	table = quote_identifier(stmt->relation->relname);
	check_qualified(analysis, stmt->relation);
	foreach (cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if (cmd->subtype == AT_AddColumn)
			check_column(analysis, castNode(ColumnDef, cmd->def), table);
		else if (cmd->subtype == AT_AddConstraint)
		{
			check_name(analysis, "constraint", castNode(Constraint, cmd->def)->conname, -1);
			check_foreign_key(analysis, castNode(Constraint, cmd->def), table);
		}
	}
}

static void
check_index(SdAnalysis *analysis, Node *statement)
{
	IndexStmt *stmt = (IndexStmt *) statement;
	const char *table;

	if (!is_on())
		return;
	table = quote_identifier(stmt->relation->relname);
	check_qualified(analysis, stmt->relation);
	check_name(analysis, "index", stmt->idxname, -1);
	if (stmt->idxname == NULL)
		report(analysis, SD_RULE_INDEX_STYLE, table, -1,
			   psprintf("an index of %s has no name of its own, which a later DROP INDEX needs",
						table));
	if (!stmt->unique && list_length(stmt->indexParams) > MANY_INDEX_COLUMNS)
		report(analysis, SD_RULE_INDEX_STYLE, table, -1,
			   psprintf("an index of %s has %d columns", table, list_length(stmt->indexParams)));
}

static void
check_enum(SdAnalysis *analysis, Node *statement)
{
	const char *name;

	if (!is_on())
		return;
	name = NameListToQuotedString(((CreateEnumStmt *) statement)->typeName);
	report(analysis, SD_RULE_OTHER_TYPE_ADVICE, name, -1,
		   psprintf("labels of enum %s can be added and renamed, but never removed", name));
}

/* check_other_names judges the names of statements that say nothing else of style. */
static void
check_other_names(SdAnalysis *analysis, Node *statement)
{
	if (!sd_rule_is_on(SD_RULE_UNQUALIFIED_NAME))
		return;
	switch (nodeTag(statement))
	{
		case T_InsertStmt:
			check_qualified(analysis, ((InsertStmt *) statement)->relation);
			break;
		case T_UpdateStmt:
			check_qualified(analysis, ((UpdateStmt *) statement)->relation);
			break;
		case T_DeleteStmt:
			check_qualified(analysis, ((DeleteStmt *) statement)->relation);
			break;
		case T_RenameStmt:
			check_qualified(analysis, ((RenameStmt *) statement)->relation);
			break;
		case T_ViewStmt:
			check_qualified(analysis, ((ViewStmt *) statement)->view);
			break;
		default:
			break;
	}
}

const SdCheck sd_checks_style[] = {
	{ T_CreateStmt, -1, check_create_table }, { T_AlterTableStmt, -1, check_alter_table },
	{ T_IndexStmt, -1, check_index },		  { T_CreateEnumStmt, -1, check_enum },
	{ T_InsertStmt, -1, check_other_names },  { T_UpdateStmt, -1, check_other_names },
	{ T_DeleteStmt, -1, check_other_names },  { T_RenameStmt, -1, check_other_names },
	{ T_ViewStmt, -1, check_other_names },	  { T_Invalid, 0, NULL },
};
