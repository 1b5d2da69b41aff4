/*
 * sd_rules_application.c
 *	  Family "application": the change succeeds, and what runs now breaks on it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "sd_ahead.h"
#include "sd_bodies.h"
#include "sd_compat.h"
#include "sd_lookup.h"
#include "sd_rules.h"
#include "sd_track.h"
#include "sd_tree.h"

static void
check_rename_part(SdAnalysis *analysis, Node *statement)
{
	RenameStmt *stmt = (RenameStmt *) statement;
	bool constraint = stmt->renameType == OBJECT_TABCONSTRAINT;
	SdMention mention = { .before = "constraint" };
	SdRelation relation;
	SdNames users;
	SdFinding finding;

	if (!sd_target(analysis, stmt->relation, stmt->missing_ok, &relation) || analysis->deferred)
		return;
	mention.name = constraint ? stmt->subname : relation.name;
	sd_names_init(&users);
	sd_bodies_mention(analysis, &mention, &users);
	finding = sd_finding(analysis, SD_RULE_RENAME_INDEX_CONSTRAINT, &relation);
	finding.lock = constraint ? AccessExclusiveLock : ShareUpdateExclusiveLock;
	finding.names.item = quote_identifier(mention.name);
	finding.names.new_name = quote_identifier(stmt->newname);
	finding.message = psprintf("renames %s %s to %s", constraint ? "constraint" : "index",
							   finding.names.item, finding.names.new_name);
	finding.detail = "ON CONFLICT ON CONSTRAINT and error handlers that know the name break.";
	if (users.count > 0)
	{
		finding.severity = SD_WARNING;
		finding.detail = psprintf("These routines name it: %s.", sd_names_text(&users));
	}
	sd_report(analysis, &finding);
}

/* has_constraint tells whether a column definition has a constraint of a kind. */
static bool
has_constraint(const ColumnDef *column, ConstrType kind)
{
	ListCell *cell;

	foreach (cell, column->constraints)
		if (lfirst_node(Constraint, cell)->contype == kind)
			return true;
	return false;
}

/* is_json tells whether a type is json, which has no equality. */
static bool
is_json(const TypeName *type)
{
	return type != NULL && type->arrayBounds == NIL && list_length(type->names) <= 2 &&
		   strcmp(strVal(llast(type->names)), "json") == 0;
}

static void
report_json(SdAnalysis *analysis, const SdAlter *alter, const char *column, int location)
{
	SdFinding finding = sd_alter_finding(analysis, SD_RULE_JSON_COLUMN, alter, column);

	finding.location = location;
	finding.message = psprintf("%s is json, which has no equality: SELECT DISTINCT and UNION of all "
							   "columns fail from now on",
							   finding.object);
	sd_report(analysis, &finding);
}

/* changes_columns tells whether a command changes what SELECT * returns. */
static bool
changes_columns(SdAnalysis *analysis, const SdRelation *relation, const AlterTableCmd *cmd)
{
	FormData_pg_attribute column;

	switch (cmd->subtype)
	{
		case AT_AddColumn:
			return !cmd->missing_ok ||
				   !sd_lookup_column(analysis, relation, castNode(ColumnDef, cmd->def)->colname,
									 &column);
		case AT_DropColumn:
			return !cmd->missing_ok || sd_lookup_column(analysis, relation, cmd->name, &column);
		case AT_AlterColumnType:
			return true;
		default:
			return false;
	}
}

/* check_plans reports that the columns of a table change. */
static void
check_plans(SdAnalysis *analysis, Node *statement)
{
	AlterTableStmt *stmt = (AlterTableStmt *) statement;
	bool changes = false;
	SdRelation relation;
	SdHeld *held;
	SdFinding finding;
	ListCell *cell;

	if (analysis->deferred)
		return;
	relation = sd_scope_relation(analysis->scope, stmt->relation);
	if (relation.presence != SD_EXISTS || relation.persistence == RELPERSISTENCE_TEMP ||
		!sd_has_storage(&relation))
		return;
	foreach (cell, stmt->cmds)
		changes |= changes_columns(analysis, &relation, lfirst_node(AlterTableCmd, cell));
	if (!changes)
		return;
	/* once a table: they are prepared again after the first of the changes, or after the last */
	held = sd_track_table(analysis, relation.oid);
	if (held->plan_reported)
		return;
	held->plan_reported = true;
	finding = sd_finding(analysis, SD_RULE_CACHED_PLAN_CHANGE, &relation);
	finding.message = psprintf("prepared statements with SELECT * of %s fail once in each session",
							   finding.object);
	sd_report(analysis, &finding);
}

static void
check_add_column(SdAnalysis *analysis, const SdAlter *alter)
{
	ColumnDef *column = castNode(ColumnDef, alter->cmd->def);
	FormData_pg_attribute now;
	SdRequired *required;
	MemoryContext old;

	/* nothing happens to one that is there */
	if (alter->cmd->missing_ok && sd_lookup_column(analysis, &alter->relation, column->colname, &now))
		return;
	if (is_json(column->typeName))
		report_json(analysis, alter, column->colname, column->location);
	if (analysis->deferred || !has_constraint(column, CONSTR_NOTNULL) ||
		!has_constraint(column, CONSTR_DEFAULT))
		return;
	old = MemoryContextSwitchTo(analysis->context);
	required = palloc(sizeof(SdRequired));
	required->relation = alter->relation.oid;
	required->column = pstrdup(column->colname);
	analysis->track->required_columns = lappend(analysis->track->required_columns, required);
	MemoryContextSwitchTo(old);
}

static void
check_alter_type(SdAnalysis *analysis, const SdAlter *alter)
{
	ColumnDef *column = castNode(ColumnDef, alter->cmd->def);

	if (is_json(column->typeName))
		report_json(analysis, alter, alter->cmd->name, column->location);
}

/* is_required tells whether the script has added the column NOT NULL with a default. */
static bool
is_required(SdAnalysis *analysis, const SdAlter *alter)
{
	ListCell *cell;

	foreach (cell, analysis->track->required_columns)
	{
		const SdRequired *required = lfirst(cell);

		if (required->relation == alter->relation.oid &&
			strcmp(required->column, alter->cmd->name) == 0)
			return true;
	}
	return false;
}

/* gets_another tells whether the same command gives a column another default, or makes it an identity. */
static bool
gets_another(const SdAlter *alter)
{
	ListCell *cell;

	foreach (cell, alter->stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if ((cmd->subtype == AT_AddIdentity ||
			 (cmd->subtype == AT_ColumnDefault && cmd->def != NULL)) &&
			strcmp(cmd->name, alter->cmd->name) == 0)
			return true;
	}
	return false;
}

/* check_default judges SET DEFAULT and DROP DEFAULT. */
static void
check_default(SdAnalysis *analysis, const SdAlter *alter)
{
	FormData_pg_attribute column;
	SdFinding finding;

	if (analysis->deferred || (alter->cmd->def == NULL && gets_another(alter)))
		return;
	if (alter->cmd->def == NULL && is_required(analysis, alter))
	{
		finding =
			sd_alter_finding(analysis, SD_RULE_NOT_NULL_THEN_DROP_DEFAULT, alter, alter->cmd->name);
		finding.message = psprintf("code that does not know %s yet cannot insert into %s any more",
								   finding.object, sd_shown(&alter->relation));
		finding.detail = "The script adds the column NOT NULL and takes away its default at once.";
		sd_report(analysis, &finding);
		return;
	}
	if (!sd_lookup_column(analysis, &alter->relation, alter->cmd->name, &column))
		return;
	if (alter->cmd->def == NULL)
	{
		if (!column.attnotnull || !column.atthasdef || column.attgenerated != '\0')
			return;
		finding = sd_alter_finding(analysis, SD_RULE_DROP_DEFAULT, alter, alter->cmd->name);
		finding.message = psprintf("an INSERT that leaves out %s fails from now on: it is NOT NULL",
								   finding.object);
		sd_report(analysis, &finding);
		return;
	}
	if (sd_lookup_same_default(alter->relation.oid, &column, alter->cmd->def))
		return;
	finding = sd_alter_finding(analysis, SD_RULE_CHANGE_DEFAULT, alter, alter->cmd->name);
	if (!column.atthasdef)
		finding.severity = SD_INFO;
	finding.message =
		psprintf("an INSERT that leaves out %s stores another value than before", finding.object);
	finding.detail = "Rows that are there keep what they have; a framework that knows the old "
					 "default may write it still.";
	sd_report(analysis, &finding);
}

static void
check_drop_not_null(SdAnalysis *analysis, const SdAlter *alter)
{
	FormData_pg_attribute column;
	SdFinding finding;

	if (!sd_lookup_column(analysis, &alter->relation, alter->cmd->name, &column) || !column.attnotnull)
		return;
	finding = sd_alter_finding(analysis, SD_RULE_DROP_NOT_NULL, alter, alter->cmd->name);
	finding.message = psprintf("whoever reads %s has to expect null from now on", finding.object);
	sd_report(analysis, &finding);
}

/* report_restriction reports that writes which went well so far can fail. */
static void
report_restriction(SdAnalysis *analysis, const SdRelation *relation, LOCKMODE lock, const char *what)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_NEW_RESTRICTION, relation);

	finding.lock = lock;
	finding.message =
		psprintf("%s can refuse what running code writes into %s", what, finding.object);
	sd_report(analysis, &finding);
}

/* Looks for a column that was there before the script. */
typedef struct OldColumns
{
	SdAnalysis *analysis;
	const SdRelation *relation;
} OldColumns;

static bool
is_old_column(const OldColumns *old, const char *name)
{
	FormData_pg_attribute column;

	return sd_lookup_column(old->analysis, old->relation, name, &column);
}

static bool
find_old_column(Node *node, void *context)
{
	OldColumns *old = context;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		List *fields = ((ColumnRef *) node)->fields;

		return IsA(llast(fields), String) && is_old_column(old, strVal(llast(fields)));
	}
	return raw_expression_tree_walker(node, find_old_column, context);
}

/* restricts_old tells whether a constraint is about columns that running code writes. */
static bool
restricts_old(SdAnalysis *analysis, const SdRelation *relation, const Constraint *constraint)
{
	OldColumns old = { analysis, relation };
	List *names = constraint->contype == CONSTR_FOREIGN ? constraint->fk_attrs : constraint->keys;
	ListCell *cell;

	if (constraint->contype == CONSTR_CHECK)
		return sd_walk_tree(constraint->raw_expr, find_old_column, &old);
	foreach (cell, names)
		if (is_old_column(&old, strVal(lfirst(cell))))
			return true;
	foreach (cell, constraint->exclusions)
	{
		IndexElem *element = linitial(lfirst(cell));

		if (element->name == NULL || is_old_column(&old, element->name))
			return true;
	}
	return false;
}

/* replaces_old tells whether a constraint of that name goes in the same script. */
static bool
replaces_old(SdAnalysis *analysis, const SdAlter *alter, const char *name)
{
	ListCell *cell;

	if (name == NULL)
		return false;
	if (sd_scope_constraint(analysis->scope, &alter->relation, name).presence == SD_GONE)
		return true;
	foreach (cell, alter->stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if (cmd->subtype == AT_DropConstraint && strcmp(cmd->name, name) == 0)
			return true;
	}
	return false;
}

static void
check_add_constraint(SdAnalysis *analysis, const SdAlter *alter)
{
	Constraint *constraint = castNode(Constraint, alter->cmd->def);
	const char *what;

	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			what = "a new CHECK";
			break;
		case CONSTR_FOREIGN:
			what = "a new foreign key";
			break;
		case CONSTR_EXCLUSION:
			what = "a new EXCLUDE";
			break;
		case CONSTR_UNIQUE:
		case CONSTR_PRIMARY:
			/* its index refuses the same already */
			if (constraint->indexname != NULL)
				return;
			what = constraint->contype == CONSTR_UNIQUE ? "a new UNIQUE" : "a new PRIMARY KEY";
			break;
		default:
			return;
	}
	if (alter->relation.presence == SD_EXISTS && !analysis->deferred &&
		SD_CONSTRAINT_IS_ENFORCED(constraint) && !replaces_old(analysis, alter, constraint->conname) &&
		restricts_old(analysis, &alter->relation, constraint))
		report_restriction(analysis, &alter->relation, alter->lock, what);
}

static void
check_set_not_null(SdAnalysis *analysis, const SdAlter *alter)
{
	FormData_pg_attribute column;

	/* one with a default is filled for code that leaves it out */
	if (!analysis->deferred &&
		sd_lookup_column(analysis, &alter->relation, alter->cmd->name, &column) &&
		!column.attnotnull && !column.atthasdef)
		report_restriction(analysis, &alter->relation, alter->lock,
						   psprintf("NOT NULL of %s", quote_identifier(alter->cmd->name)));
}

static void
check_unique_index(SdAnalysis *analysis, Node *statement)
{
	IndexStmt *stmt = (IndexStmt *) statement;
	SdRelation relation;
	ListCell *cell;
	FormData_pg_attribute column;

	if (!stmt->unique || analysis->deferred)
		return;
	relation = sd_scope_relation(analysis->scope, stmt->relation);
	if (relation.presence != SD_EXISTS || relation.relkind == RELKIND_MATVIEW)
		return;
	foreach (cell, stmt->indexParams)
	{
		const char *name = lfirst_node(IndexElem, cell)->name;

		if (name == NULL || sd_lookup_column(analysis, &relation, name, &column))
		{
			report_restriction(analysis, &relation,
							   stmt->concurrent ? ShareUpdateExclusiveLock : ShareLock,
							   "a new unique index");
			return;
		}
	}
}

/* raises tells whether the body of a trigger function can refuse a row. */
static bool
raises(SdAnalysis *analysis, List *name)
{
	const SdRoutine *made = sd_scope_routine(analysis->scope, strVal(llast(name)));
	CatCList *list;
	bool result = false;

	if (made != NULL)
		return sd_body_raises(made->body);
	list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(strVal(llast(name))));
	for (int i = 0; i < list->n_members; i++)
	{
		bool isnull;
		Datum source =
			SysCacheGetAttr(PROCOID, &list->members[i]->tuple, Anum_pg_proc_prosrc, &isnull);

		result |= !isnull && sd_body_raises(TextDatumGetCString(source));
	}
	ReleaseSysCacheList(list);
	return result;
}

static void
check_create_trigger(SdAnalysis *analysis, Node *statement)
{
	CreateTrigStmt *stmt = (CreateTrigStmt *) statement;
	SdRelation relation;

	if (analysis->deferred || (stmt->events & (TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE)) == 0)
		return;
	relation = sd_scope_relation(analysis->scope, stmt->relation);
	if (relation.presence == SD_EXISTS && raises(analysis, stmt->funcname))
		report_restriction(analysis, &relation, ShareRowExclusiveLock,
						   "a trigger whose function raises exceptions");
}

const SdCheck sd_checks_application[] = {
	{ T_AlterTableStmt, -1, check_plans },
	{ T_RenameStmt, OBJECT_TABCONSTRAINT, check_rename_part },
	{ T_RenameStmt, OBJECT_INDEX, check_rename_part },
	{ T_IndexStmt, -1, check_unique_index },
	{ T_CreateTrigStmt, -1, check_create_trigger },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_application[] = {
	{ AT_AddColumn, check_add_column },
	{ AT_AlterColumnType, check_alter_type },
	{ AT_ColumnDefault, check_default },
	{ AT_DropNotNull, check_drop_not_null },
	{ AT_AddConstraint, check_add_constraint },
	{ AT_SetNotNull, check_set_not_null },
	{ 0, NULL },
};
