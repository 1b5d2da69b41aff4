/*
 * sd_rules_key.c
 *	  Keys: foreign keys and the locks, types and indexes that they need, and
 *	  unique keys that cannot be made.
 */
#include "postgres.h"

#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "sd_facts.h"
#include "sd_keys.h"
#include "sd_names.h"
#include "sd_probe.h"
#include "sd_rules.h"
#include "sd_size.h"

/* A foreign key that a statement makes. */
typedef struct ForeignKey
{
	Constraint *constraint;
	SdRelation from; /* may be the script's own */
	SdRelation to;
	List *columns;		/* String */
	List *new_columns;	/* ColumnDef: those that the same statement makes */
	bool in_new_column; /* inside ADD COLUMN */
} ForeignKey;

/* type_of_name resolves a type without an error when there is none; InvalidOid then. */
static Oid
type_of_name(SdAnalysis *analysis, const TypeName *name)
{
	static const struct
	{
		const char *name;
		Oid type;
	} serials[] = {
		{ "serial", INT4OID },	{ "serial4", INT4OID },		{ "bigserial", INT8OID },
		{ "serial8", INT8OID }, { "smallserial", INT2OID }, { "serial2", INT2OID },
	};
	const char *last = strVal(llast(name->names));
	Oid type = InvalidOid;

	if (name->pct_type || name->arrayBounds != NIL)
		return InvalidOid;
	for (int i = 0; i < lengthof(serials); i++)
		if (strcmp(last, serials[i].name) == 0)
			return serials[i].type;
	(void) sd_scope_type(analysis->scope, name->names, &type);
	return type;
}

/* column_type returns the type of a column of the catalog, or of the statement itself. */
static Oid
column_type(SdAnalysis *analysis, const SdRelation *relation, List *new_columns, const char *name)
{
	AttrNumber column;
	ListCell *cell;

	foreach (cell, new_columns)
	{
		ColumnDef *def = lfirst(cell);

		if (IsA(def, ColumnDef) && def->typeName != NULL && strcmp(def->colname, name) == 0)
			return type_of_name(analysis, def->typeName);
	}
	column = sd_fact_column(analysis, relation, name);
	return column == InvalidAttrNumber ? InvalidOid : get_atttype(relation->oid, column);
}

/* check_types compares the types at both ends of a foreign key. */
static void
check_types(SdAnalysis *analysis, const ForeignKey *key)
{
	List *there;

	if (key->to.presence != SD_EXISTS)
		return;
	there = key->constraint->pk_attrs != NIL ?
				sd_fact_columns(analysis, &key->to, key->constraint->pk_attrs) :
				sd_fact_primary_key(analysis, key->to.oid);
	for (int i = 0; i < Min(list_length(there), list_length(key->columns)); i++)
	{
		const char *name = strVal(list_nth(key->columns, i));
		Oid here = column_type(analysis, &key->from, key->new_columns, name);
		Oid wanted = get_atttype(key->to.oid, list_nth_int(there, i));
		SdFinding finding;

		if (!OidIsValid(here) || !OidIsValid(wanted) || getBaseType(here) == getBaseType(wanted) ||
			IsBinaryCoercible(here, wanted) || IsBinaryCoercible(wanted, here))
			continue;
		finding = sd_finding(analysis, SD_RULE_FK_TYPE_MISMATCH, &key->from);
		finding.names.column = quote_identifier(name);
		finding.names.type = format_type_be(wanted);
		finding.object = psprintf("%s.%s", finding.names.table, finding.names.column);
		finding.location = key->constraint->location;
		finding.message =
			psprintf("%s is %s, but the column of %s that it refers to is %s", finding.object,
					 format_type_be(here), sd_shown(&key->to), finding.names.type);
		sd_report(analysis, &finding);
	}
}

/* is_key tells whether an index can be what a foreign key refers to by these columns. */
static bool
is_key(const SdIndexFacts *index, List *columns)
{
	if (!index->unique || index->partial || index->has_expressions || index->deferrable ||
		index->nkeys != list_length(columns))
		return false;
	for (int i = 0; i < index->nkeys; i++)
		if (!list_member_int(columns, index->columns[i]))
			return false;
	return true;
}

/* check_referenced reports a foreign key to what is no key. */
static void
check_referenced(SdAnalysis *analysis, const ForeignKey *key)
{
	List *names = key->constraint->pk_attrs;
	SdFinding finding;
	List *there;
	ListCell *cell;

	if (key->to.presence != SD_EXISTS || sd_keys_has_index(analysis, &key->to) ||
		(key->to.relkind != RELKIND_RELATION && key->to.relkind != RELKIND_PARTITIONED_TABLE) ||
		(key->from.presence == SD_EXISTS && key->from.oid == key->to.oid))
		return;
	there = names != NIL ? sd_fact_columns(analysis, &key->to, names) :
						   sd_fact_primary_key(analysis, key->to.oid);
	if (names != NIL && there == NIL)
		return;
	foreach (cell, sd_fact_indexes(analysis, key->to.oid))
		if (is_key(lfirst(cell), there))
			return;
	finding = sd_finding(analysis, SD_RULE_REFUSED, &key->to);
	finding.location = key->constraint->location;
	finding.names.item =
		sd_hint_item(NULL, key->to.name, names != NIL ? strVal(linitial(names)) : NULL, "key");
	finding.names.columns = names != NIL ? sd_hint_columns(names) : NULL;
	finding.message = psprintf("the foreign key to %s fails", finding.object);
	finding.detail = names != NIL ?
						 psprintf("It has no unique index of exactly (%s).", finding.names.columns) :
						 "It has no primary key.";
	finding.hint =
		names != NIL ?
			"Make the key first, outside a transaction: CREATE UNIQUE INDEX CONCURRENTLY %i ON %t (%k);" :
			"Name columns that are unique.";
	sd_report(analysis, &finding);
}

/* check_several reports the second table, and each further one, that a transaction's foreign keys lock. */
static void
check_several(SdAnalysis *analysis, const ForeignKey *key)
{
	Oid before;
	SdFinding finding;

	if (key->to.presence != SD_EXISTS || key->to.persistence == RELPERSISTENCE_TEMP ||
		(key->from.presence == SD_EXISTS && key->from.oid == key->to.oid))
		return;
	before = sd_keys_locked(analysis, key->to.oid);
	if (!OidIsValid(before))
		return;
	finding = sd_finding(analysis, SD_RULE_MULTIPLE_FKS_ONE_TX, &key->to);
	finding.names.other = finding.object;
	finding.names.table = sd_shown(&key->from);
	finding.location = key->constraint->location;
	finding.lock = ShareRowExclusiveLock;
	finding.message = psprintf("a foreign key locks %s against writing while %s is locked by another "
							   "of the same transaction",
							   finding.object, sd_relation_name(before));
	finding.detail = "An application that writes both in the other order deadlocks with it.";
	sd_report(analysis, &finding);
}

/* check_lock reports the lock that a foreign key of a new column takes of another table. */
static void
check_lock(SdAnalysis *analysis, const ForeignKey *key)
{
	SdFinding finding;

	if (!key->in_new_column || key->from.presence != SD_EXISTS ||
		key->from.persistence == RELPERSISTENCE_TEMP || key->to.presence != SD_EXISTS ||
		key->to.persistence == RELPERSISTENCE_TEMP)
		return;
	finding = sd_finding(analysis, SD_RULE_ADD_COLUMN_REFERENCES, &key->to);
	finding.names.table = sd_shown(&key->from);
	finding.names.other = sd_hint_referenced(key->constraint);
	finding.names.columns = finding.names.column = sd_hint_columns(key->columns);
	finding.names.type = sd_hint_type(linitial_node(ColumnDef, key->new_columns)->typeName);
	finding.names.item = sd_hint_item(key->constraint->conname, key->from.name,
									  strVal(linitial(key->columns)), "fkey");
	finding.location = key->constraint->location;
	finding.lock = ShareRowExclusiveLock;
	finding.message =
		psprintf("the new column's foreign key locks %s against writing, besides the lock "
				 "of %s against everything",
				 finding.object, finding.names.table);
	sd_report(analysis, &finding);
}

static void
check_key(SdAnalysis *analysis, ForeignKey *key)
{
	key->to = sd_scope_relation(analysis->scope, key->constraint->pktable);
	check_types(analysis, key);
	check_referenced(analysis, key);
	if (!analysis->deferred)
	{
		check_several(analysis, key);
		sd_keys_foreign(analysis, &key->from, key->columns, key->constraint);
	}
	check_lock(analysis, key);
}

/* note_unique remembers the index of a unique key. */
static void
note_unique(SdAnalysis *analysis, const SdRelation *table, const Constraint *constraint, List *columns)
{
	if ((constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_UNIQUE) &&
		columns != NIL && !analysis->deferred)
		sd_keys_index(analysis, table->schema, table->name, columns);
}

/* look_at_column judges the keys inside the definition of a column. */
static void
look_at_column(SdAnalysis *analysis, const SdRelation *table, ColumnDef *column, List *new_columns,
			   bool added)
{
	List *columns = NIL;
	ListCell *cell;

	foreach (cell, column->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, cell);

		if (constraint->contype != CONSTR_FOREIGN && constraint->contype != CONSTR_PRIMARY &&
			constraint->contype != CONSTR_UNIQUE)
			continue;
		if (columns == NIL)
			columns = list_make1(makeString(column->colname));
		note_unique(analysis, table, constraint, columns);
		if (constraint->contype == CONSTR_FOREIGN)
		{
			ForeignKey key = { .constraint = constraint,
							   .from = *table,
							   .columns = columns,
							   .new_columns = new_columns,
							   .in_new_column = added };

			check_key(analysis, &key);
		}
	}
}

/* look_at_constraint judges a constraint of a table. */
static void
look_at_constraint(SdAnalysis *analysis, const SdRelation *table, Constraint *constraint,
				   List *new_columns)
{
	note_unique(analysis, table, constraint, constraint->keys);
	if (constraint->contype == CONSTR_FOREIGN)
	{
		ForeignKey key = { .constraint = constraint,
						   .from = *table,
						   .columns = constraint->fk_attrs,
						   .new_columns = new_columns };

		check_key(analysis, &key);
	}
}

static void
check_create_table(SdAnalysis *analysis, Node *statement)
{
	CreateStmt *stmt = (CreateStmt *) statement;
	SdRelation table = { .presence = SD_MADE, .name = stmt->relation->relname };
	ListCell *cell;

	table.schema = sd_scope_creation_schema(analysis->scope, stmt->relation);
	table.persistence = stmt->relation->relpersistence;
	foreach (cell, stmt->tableElts)
	{
		if (IsA(lfirst(cell), ColumnDef))
			look_at_column(analysis, &table, lfirst(cell), stmt->tableElts, false);
		else if (IsA(lfirst(cell), Constraint))
			look_at_constraint(analysis, &table, lfirst(cell), stmt->tableElts);
	}
}

static void
check_alter_table(SdAnalysis *analysis, Node *statement)
{
	AlterTableStmt *stmt = (AlterTableStmt *) statement;
	SdRelation table = { .presence = SD_MISSING };
	List *new_columns = NIL;
	ListCell *cell;

	foreach (cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if (cmd->subtype != AT_AddColumn && cmd->subtype != AT_AddConstraint)
			continue;
		/* without constraints there is no key in it */
		if (cmd->subtype == AT_AddColumn && castNode(ColumnDef, cmd->def)->constraints == NIL)
		{
			new_columns = lappend(new_columns, cmd->def);
			continue;
		}
		if (table.name == NULL)
			table = sd_scope_relation(analysis->scope, stmt->relation);
		if (table.presence != SD_EXISTS && table.presence != SD_MADE)
			return;
		if (cmd->subtype == AT_AddConstraint)
			look_at_constraint(analysis, &table, castNode(Constraint, cmd->def), new_columns);
		else
		{
			new_columns = lappend(new_columns, cmd->def);
			look_at_column(analysis, &table, castNode(ColumnDef, cmd->def), list_make1(cmd->def),
						   true);
		}
	}
}

/* index_columns lists the columns that an index begins with, up to the first expression. */
static List *
index_columns(const IndexStmt *stmt)
{
	List *columns = NIL;
	ListCell *cell;

	foreach (cell, stmt->indexParams)
	{
		IndexElem *element = lfirst_node(IndexElem, cell);

		if (element->name == NULL)
			break;
		columns = lappend(columns, makeString(element->name));
	}
	return columns;
}

/* report_repeats reports a unique key of one column that ANALYZE has seen a value of more than once. */
static void
report_repeats(SdAnalysis *analysis, const SdRelation *table, const char *column, int location,
			   const char *what)
{
	AttrNumber attnum = sd_fact_column(analysis, table, column);
	SdFinding finding;

	if (attnum == InvalidAttrNumber || sd_keys_changed(analysis, table) ||
		sd_probe_answered(analysis, SD_PROBE_UNIQUE, table->oid) ||
		!sd_fact_stats(table->oid, attnum).repeats)
		return;
	finding = sd_finding(analysis, SD_RULE_UNIQUE_DUPLICATES, table);
	finding.names.column = quote_identifier(column);
	finding.object = psprintf("%s.%s", finding.names.table, finding.names.column);
	finding.location = location;
	finding.message =
		psprintf("%s fails: ANALYZE has seen values of %s more than once", what, finding.object);
	sd_report(analysis, &finding);
}

static void
check_create_index(SdAnalysis *analysis, Node *statement)
{
	IndexStmt *stmt = (IndexStmt *) statement;
	SdRelation table = sd_scope_relation(analysis->scope, stmt->relation);
	List *columns = index_columns(stmt);

	if (columns == NIL || stmt->whereClause != NULL)
		return;
	if (stmt->unique && list_length(stmt->indexParams) == 1)
		report_repeats(analysis, &table, strVal(linitial(columns)), -1,
					   stmt->concurrent ? "CREATE UNIQUE INDEX leaves an invalid index behind and" :
										  "CREATE UNIQUE INDEX");
	if (!analysis->deferred)
		sd_keys_index(analysis, table.schema, table.name, columns);
}

/* why_unusable says what keeps an index from becoming that of a constraint, or returns NULL. */
static const char *
why_unusable(const SdIndexFacts *index, const Constraint *constraint)
{
	if (!index->valid)
		return "It is not valid: building it has failed or is not finished.";
	if (!index->unique)
		return "It is not a unique index.";
	if (index->partial)
		return "It has a condition, and so leaves out rows.";
	if (index->has_expressions)
		return "It has expressions.";
	if (index->deferrable && !constraint->deferrable)
		return "It is deferrable, and the constraint is not.";
	if (index->method == BTREE_AM_OID && !index->plain)
		return "Its order, collation or operator class is not the usual one of its columns.";
	return NULL;
}

/* check_add_constraint judges unique keys of existing tables. */
static void
check_add_constraint(SdAnalysis *analysis, const SdAlter *alter)
{
	Constraint *constraint = castNode(Constraint, alter->cmd->def);
	bool primary = constraint->contype == CONSTR_PRIMARY;
	SdRelation index;
	SdIndexFacts *facts;
	SdFinding finding;
	const char *why;

	if (!primary && constraint->contype != CONSTR_UNIQUE)
		return;
	if (constraint->indexname == NULL)
	{
		if (list_length(constraint->keys) == 1)
			report_repeats(analysis, &alter->relation, strVal(linitial(constraint->keys)),
						   constraint->location, primary ? "PRIMARY KEY" : "UNIQUE");
		return;
	}
	index = sd_scope_relation_in(analysis->scope, alter->relation.schema, constraint->indexname);
	facts = index.presence == SD_EXISTS ? sd_fact_index(index.oid) : NULL;
	if (facts == NULL)
		return;
	why = facts->table != alter->relation.oid ? "It is an index of another table." :
												why_unusable(facts, constraint);
	if (why == NULL)
		return;
	finding = sd_alter_finding(analysis, SD_RULE_CONSTRAINT_USING_BAD_INDEX, alter, NULL);
	finding.location = constraint->location;
	finding.names.item = quote_identifier(constraint->indexname);
	finding.message =
		psprintf("%s USING INDEX %s fails", primary ? "PRIMARY KEY" : "UNIQUE", finding.names.item);
	finding.detail = why;
	sd_report(analysis, &finding);
}

/* check_nulls reports SET NOT NULL of a column that ANALYZE has seen NULL in. */
static void
check_nulls(SdAnalysis *analysis, const SdAlter *alter)
{
	AttrNumber column = sd_fact_column(analysis, &alter->relation, alter->cmd->name);
	SdColumnStats stats;
	SdFinding finding;

	if (column == InvalidAttrNumber || sd_keys_changed(analysis, &alter->relation) ||
		sd_probe_answered(analysis, SD_PROBE_NOT_NULL, alter->relation.oid))
		return;
	stats = sd_fact_stats(alter->relation.oid, column);
	if (!stats.known || stats.null_fraction <= 0)
		return;
	finding = sd_alter_finding(analysis, SD_RULE_SET_NOT_NULL_HAS_NULLS, alter, alter->cmd->name);
	finding.message = psprintf("SET NOT NULL fails: ANALYZE has seen NULL in %.3g %% of %s",
							   stats.null_fraction * 100, finding.object);
	sd_report(analysis, &finding);
}

/* note_change remembers that the script changes rows, so that statistics say nothing any more. */
static void
note_change(SdAnalysis *analysis, Node *statement)
{
	RangeVar *name = IsA(statement, UpdateStmt) ? ((UpdateStmt *) statement)->relation :
												  ((DeleteStmt *) statement)->relation;

	if (!analysis->deferred)
		sd_keys_note_change(analysis, name->relname);
}

const SdCheck sd_checks_key[] = {
	{ T_CreateStmt, -1, check_create_table }, { T_AlterTableStmt, -1, check_alter_table },
	{ T_IndexStmt, -1, check_create_index },  { T_UpdateStmt, -1, note_change },
	{ T_DeleteStmt, -1, note_change },		  { T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_key[] = {
	{ AT_AddConstraint, check_add_constraint },
	{ AT_SetNotNull, check_nulls },
	{ 0, NULL },
};
