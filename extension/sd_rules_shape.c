/*
 * sd_rules_shape.c
 *	  Family "failure", the part about objects that are there already: with another
 *	  shape than the statement thinks.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_ahead.h"
#include "sd_compat.h"
#include "sd_lookup.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_track.h"
#include "sd_tree.h"

/* The server's name of a type for a column that is declared serial. */
static const struct
{
	const char *name;
	Oid type;
} serial_types[] = {
	{ "serial", INT4OID },	{ "serial4", INT4OID },		{ "bigserial", INT8OID },
	{ "serial8", INT8OID }, { "smallserial", INT2OID }, { "serial2", INT2OID },
};

/* declared_type resolves the type of a column definition; InvalidOid when it is not known. */
static Oid
declared_type(const ColumnDef *column, int32 *typmod)
{
	*typmod = -1;
	if (column->typeName == NULL)
		return InvalidOid;
	if (list_length(column->typeName->names) == 1)
	{
		for (int i = 0; i < lengthof(serial_types); i++)
			if (strcmp(strVal(linitial(column->typeName->names)), serial_types[i].name) == 0)
				return serial_types[i].type;
	}
	return sd_lookup_type(column->typeName, typmod);
}

/* column_difference says how a column of the catalog differs from a definition, or NULL. */
static const char *
column_difference(const ColumnDef *wanted, const FormData_pg_attribute *now)
{
	int32 typmod;
	Oid type = declared_type(wanted, &typmod);

	if (!OidIsValid(type) || (type == now->atttypid && typmod == now->atttypmod))
		return NULL;
	return psprintf("%s is %s, not %s", quote_identifier(wanted->colname),
					format_type_with_typemod(now->atttypid, now->atttypmod),
					format_type_with_typemod(type, typmod));
}

/* report_drift reports IF NOT EXISTS that leaves another shape in place. */
static void
report_drift(SdAnalysis *analysis, const SdRelation *relation, const char *what,
			 const char *difference)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_IF_NOT_EXISTS_DRIFT, relation);

	finding.message = psprintf("IF NOT EXISTS does nothing, but %s has another shape than %s",
							   finding.object, what);
	finding.detail = psprintf("The difference: %s.", difference);
	sd_report(analysis, &finding);
}

/* table_difference compares a definition with a table of the catalog. */
static const char *
table_difference(SdAnalysis *analysis, const CreateStmt *stmt, const SdRelation *relation)
{
	bool whole = stmt->inhRelations == NIL && stmt->ofTypename == NULL;
	List *wanted = NIL;
	ListCell *cell;
	int columns = sd_lookup_columns(relation->oid);

	foreach (cell, stmt->tableElts)
	{
		ColumnDef *column = lfirst(cell);
		FormData_pg_attribute now;
		const char *difference;

		if (IsA(column, TableLikeClause))
			whole = false;
		if (!IsA(column, ColumnDef))
			continue;
		if (sd_scope_column(analysis->scope, relation, column->colname).presence == SD_MADE)
			continue;
		if (!sd_lookup_column(analysis, relation, column->colname, &now))
			return psprintf("there is no column %s", quote_identifier(column->colname));
		difference = column_difference(column, &now);
		if (difference != NULL)
			return difference;
		wanted = lappend_int(wanted, now.attnum);
	}
	for (int i = 1; whole && i <= columns; i++)
	{
		HeapTuple tuple = SearchSysCacheAttNum(relation->oid, i);
		char *name = NULL;

		if (!HeapTupleIsValid(tuple))
			continue;
		if (!list_member_int(wanted, i))
			name = pstrdup(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
		ReleaseSysCache(tuple);
		if (name != NULL)
			return psprintf("column %s is not in it", quote_identifier(name));
	}
	return NULL;
}

static void
check_table_drift(SdAnalysis *analysis, Node *statement)
{
	CreateStmt *stmt = (CreateStmt *) statement;
	SdRelation relation;
	const char *difference;

	if (!stmt->if_not_exists || analysis->deferred)
		return;
	relation = sd_scope_relation_in(analysis->scope,
									sd_scope_creation_schema(analysis->scope, stmt->relation),
									stmt->relation->relname);
	if (relation.presence != SD_EXISTS)
		return;
	if (relation.relkind != RELKIND_RELATION && relation.relkind != RELKIND_PARTITIONED_TABLE &&
		relation.relkind != RELKIND_FOREIGN_TABLE)
		difference = "it is no table";
	else
		difference = table_difference(analysis, stmt, &relation);
	if (difference != NULL)
		report_drift(analysis, &relation, "the statement wants to make", difference);
}

/* index_difference compares a definition with an index of the catalog. */
static const char *
index_difference(const IndexStmt *stmt, const SdRelation *table, Oid index)
{
	HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;
	const char *result = NULL;
	ListCell *cell;
	int i = 0;

	if (!HeapTupleIsValid(tuple))
		return "it is no index";
	form = (Form_pg_index) GETSTRUCT(tuple);
	if (table->presence == SD_EXISTS && form->indrelid != table->oid)
		result = psprintf("it is on %s", sd_relation_name(form->indrelid));
	else if (form->indisunique != stmt->unique)
		result = form->indisunique ? "it is unique" : "it is not unique";
	else if (form->indnkeyatts != list_length(stmt->indexParams))
		result = psprintf("it has %d columns", form->indnkeyatts);
	else
	{
		foreach (cell, stmt->indexParams)
		{
			IndexElem *element = lfirst_node(IndexElem, cell);
			AttrNumber now = form->indkey.values[i++];
			AttrNumber wanted = element->name == NULL ? 0 : get_attnum(form->indrelid, element->name);

			if (now != wanted)
			{
				result = psprintf("column %d of it is another one", i);
				break;
			}
		}
	}
	ReleaseSysCache(tuple);
	return result;
}

/* check_index_taken judges CREATE INDEX of a name that is taken. */
static void
check_index_taken(SdAnalysis *analysis, Node *statement)
{
	IndexStmt *stmt = (IndexStmt *) statement;
	SdRelation table;
	SdRelation index;
	const char *difference;
	SdFinding finding;

	if (analysis->deferred || !sd_lookup_index_taken(analysis, stmt, &table, &index))
		return;
	if (!stmt->if_not_exists)
	{
		finding = sd_finding(analysis, SD_RULE_EXISTING_OBJECT, &index);
		finding.message =
			psprintf("%s fails: %s is there already", sd_command_name(statement), finding.object);
		sd_report(analysis, &finding);
		return;
	}
	difference = index_difference(stmt, &table, index.oid);
	if (difference != NULL)
		report_drift(analysis, &index, "the statement wants to build", difference);
}

/* report_existing and report_missing report parts of a table, under the rules for whole objects. */
static void
report_existing(SdAnalysis *analysis, const SdRelation *relation, const char *kind, const char *name)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_EXISTING_OBJECT, relation);

	finding.message =
		psprintf("%s %s of %s is there already", kind, quote_identifier(name), sd_shown(relation));
	sd_report(analysis, &finding);
}

static void
report_missing(SdAnalysis *analysis, const SdRelation *relation, const char *kind, const char *name)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_MISSING_OBJECT, relation);

	finding.message = psprintf("%s %s of %s does not exist, nor does the script make it before",
							   kind, quote_identifier(name), sd_shown(relation));
	sd_report(analysis, &finding);
}

/* same_command_has tells whether another subcommand of the same ALTER TABLE does a thing to a name. */
static bool
same_command_has(const SdAlter *alter, AlterTableType kind, const char *name)
{
	ListCell *cell;

	foreach (cell, alter->stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);
		const char *made = kind == AT_AddColumn && cmd->subtype == AT_AddColumn ?
							   castNode(ColumnDef, cmd->def)->colname :
						   kind == AT_AddConstraint && cmd->subtype == AT_AddConstraint ?
							   castNode(Constraint, cmd->def)->conname :
							   cmd->name;

		if (cmd->subtype == kind && made != NULL && strcmp(made, name) == 0)
			return true;
	}
	return false;
}

static void
check_add_column(SdAnalysis *analysis, const SdAlter *alter)
{
	ColumnDef *column = castNode(ColumnDef, alter->cmd->def);
	FormData_pg_attribute now;
	const char *difference;

	if (analysis->deferred || !sd_lookup_column(analysis, &alter->relation, column->colname, &now) ||
		same_command_has(alter, AT_DropColumn, column->colname))
		return;
	if (!alter->cmd->missing_ok)
	{
		report_existing(analysis, &alter->relation, "column", column->colname);
		return;
	}
	difference = column_difference(column, &now);
	if (difference != NULL)
		report_drift(analysis, &alter->relation, "the new column would give it", difference);
}

static void
check_add_constraint(SdAnalysis *analysis, const SdAlter *alter)
{
	const char *name = castNode(Constraint, alter->cmd->def)->conname;

	if (name == NULL || analysis->deferred || alter->relation.presence != SD_EXISTS ||
		sd_scope_constraint(analysis->scope, &alter->relation, name).presence != SD_EXISTS ||
		same_command_has(alter, AT_DropConstraint, name))
		return;
	if (OidIsValid(get_relation_constraint_oid(alter->relation.oid, name, true)))
		report_existing(analysis, &alter->relation, "constraint", name);
}

/* check_named_column reports ALTER COLUMN of a column that is not there. */
static void
check_named_column(SdAnalysis *analysis, const SdAlter *alter)
{
	const char *name = alter->cmd->name;
	SdPart part;

	/* SET STATISTICS of an index names its columns by number */
	if (name == NULL || analysis->deferred || alter->relation.presence != SD_EXISTS ||
		same_command_has(alter, AT_AddColumn, name))
		return;
	part = sd_scope_column(analysis->scope, &alter->relation, name);
	if (part.presence == SD_GONE ||
		(part.presence == SD_EXISTS &&
		 !sd_scope_has_column(analysis->scope, &alter->relation, part.old_name)))
		report_missing(analysis, &alter->relation, "column", name);
}

/* check_named_constraint reports DROP and VALIDATE CONSTRAINT of one that is not there. */
static void
check_named_constraint(SdAnalysis *analysis, const SdAlter *alter)
{
	const char *name = alter->cmd->name;
	SdPart part;

	if (alter->cmd->missing_ok || analysis->deferred || alter->relation.presence != SD_EXISTS ||
		same_command_has(alter, AT_AddConstraint, name) ||
		sd_track_table(analysis, alter->relation.oid)->nameless)
		return;
	part = sd_scope_constraint(analysis->scope, &alter->relation, name);
	if (part.presence == SD_GONE ||
		(part.presence == SD_EXISTS &&
		 !OidIsValid(get_relation_constraint_oid(alter->relation.oid, name, true))))
		report_missing(analysis, &alter->relation, "constraint", name);
}

static void
check_rename_column(SdAnalysis *analysis, Node *statement)
{
	RenameStmt *stmt = (RenameStmt *) statement;
	FormData_pg_attribute column;
	SdRelation relation;
	SdPart part;

	if (stmt->relation == NULL || analysis->deferred)
		return;
	relation = sd_scope_relation(analysis->scope, stmt->relation);
	if (relation.presence != SD_EXISTS)
		return;
	part = sd_scope_column(analysis->scope, &relation, stmt->subname);
	if (part.presence == SD_GONE || (part.presence == SD_EXISTS &&
									 !sd_scope_has_column(analysis->scope, &relation, part.old_name)))
		report_missing(analysis, &relation, "column", stmt->subname);
	if (sd_lookup_column(analysis, &relation, stmt->newname, &column))
		report_existing(analysis, &relation, "column", stmt->newname);
}

/* check_trigger_taken and check_policy_taken report names that are taken on the table. */
static void
check_part_taken(SdAnalysis *analysis, const RangeVar *table, bool trigger, const char *name)
{
	SdRelation relation = sd_scope_relation(analysis->scope, table);
	ObjectAddress part;

	if (relation.presence != SD_EXISTS || analysis->deferred)
		return;
	part.classId = trigger ? TriggerRelationId : PolicyRelationId;
	part.objectId = trigger ? get_trigger_oid(relation.oid, name, true) :
							  get_relation_policy_oid(relation.oid, name, true);
	part.objectSubId = 0;
	if (OidIsValid(part.objectId) && !sd_track_was_dropped(analysis, &part))
		report_existing(analysis, &relation, trigger ? "trigger" : "policy", name);
}

static void
check_trigger_taken(SdAnalysis *analysis, Node *statement)
{
	CreateTrigStmt *stmt = (CreateTrigStmt *) statement;

	if (!SD_TRIGGER_REPLACE(stmt))
		check_part_taken(analysis, stmt->relation, true, stmt->trigname);
}

static void
check_policy_taken(SdAnalysis *analysis, Node *statement)
{
	CreatePolicyStmt *stmt = (CreatePolicyStmt *) statement;

	check_part_taken(analysis, stmt->table, false, stmt->policy_name);
}

/* check_type_taken reports CREATE TYPE and CREATE DOMAIN of a name that is taken. */
static void
check_type_taken(SdAnalysis *analysis, Node *statement)
{
	List *names = IsA(statement, CreateEnumStmt) ? ((CreateEnumStmt *) statement)->typeName :
												   ((CreateDomainStmt *) statement)->domainname;
	RangeVar range = { .type = T_RangeVar, .relname = strVal(llast(names)) };
	const char *schema;
	SdFinding finding;
	Oid oid;

	if (list_length(names) > 1)
		range.schemaname = strVal(list_nth(names, list_length(names) - 2));
	schema = sd_scope_creation_schema(analysis->scope, &range);
	if (schema == NULL || analysis->deferred ||
		sd_scope_type(analysis->scope, list_make2(makeString(pstrdup(schema)), llast(names)),
					  &oid) != SD_EXISTS)
		return;
	finding = sd_finding(analysis, SD_RULE_EXISTING_OBJECT, NULL);
	finding.object = quote_qualified_identifier(schema, range.relname);
	finding.message =
		psprintf("%s fails: type %s is there already", sd_command_name(statement), finding.object);
	sd_report(analysis, &finding);
}

static void
check_schema_taken(SdAnalysis *analysis, Node *statement)
{
	CreateSchemaStmt *stmt = (CreateSchemaStmt *) statement;
	SdFinding finding;

	if (stmt->schemaname == NULL || stmt->if_not_exists || analysis->deferred ||
		sd_scope_schema(analysis->scope, stmt->schemaname, NULL) != SD_EXISTS)
		return;
	finding = sd_finding(analysis, SD_RULE_EXISTING_OBJECT, NULL);
	finding.object = quote_identifier(stmt->schemaname);
	finding.message = psprintf("CREATE SCHEMA fails: schema %s is there already", finding.object);
	sd_report(analysis, &finding);
}

const SdCheck sd_checks_shape[] = {
	{ T_CreateStmt, -1, check_table_drift },
	{ T_IndexStmt, -1, check_index_taken },
	{ T_RenameStmt, OBJECT_COLUMN, check_rename_column },
	{ T_CreateTrigStmt, -1, check_trigger_taken },
	{ T_CreatePolicyStmt, -1, check_policy_taken },
	{ T_CreateEnumStmt, -1, check_type_taken },
	{ T_CreateDomainStmt, -1, check_type_taken },
	{ T_CreateSchemaStmt, -1, check_schema_taken },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_shape[] = {
	{ AT_AddColumn, check_add_column },
	{ AT_AddConstraint, check_add_constraint },
	{ AT_ColumnDefault, check_named_column },
	{ AT_DropNotNull, check_named_column },
	{ AT_SetNotNull, check_named_column },
	{ AT_SetStatistics, check_named_column },
	{ AT_SetStorage, check_named_column },
	{ AT_AlterColumnType, check_named_column },
	{ AT_DropConstraint, check_named_constraint },
	{ AT_ValidateConstraint, check_named_constraint },
	{ 0, NULL },
};
