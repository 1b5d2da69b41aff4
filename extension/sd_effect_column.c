/*
 * sd_effect_column.c
 *	  Effects of the subcommands of ALTER TABLE that are about columns.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_dependents.h"
#include "sd_effect_alter.h"
#include "sd_predict.h"

/* add_column_constraint records what a constraint of a new column does. */
static void
add_column_constraint(const SdStep *step, const ColumnDef *column, const Constraint *constraint,
					  bool has_default, bool writes_rows)
{
	SdEffectContext *context = step->context;

	switch (constraint->contype)
	{
		case CONSTR_DEFAULT:
			/* rows that are there get values of a volatile default */
			sd_effect_query(context, constraint->raw_expr,
							writes_rows && sd_has_data(context, step->table) ? SD_QUERY_RUN :
																			   SD_QUERY_ANALYZED);
			break;
		case CONSTR_CHECK:
			sd_effect_query(context, constraint->raw_expr, SD_QUERY_ANALYZED);
			if (SD_CONSTRAINT_IS_ENFORCED(constraint))
				sd_scans(context, step->table);
			break;
		case CONSTR_FOREIGN:
			/* a column full of nulls is not looked up */
			sd_foreign_key_to(context, constraint->pktable, step->table,
							  has_default && SD_CONSTRAINT_IS_ENFORCED(constraint) &&
								  !constraint->skip_validation);
			break;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
			sd_constraint_index(context, &step->relation, step->table, constraint, column->colname);
			break;
		default:
			break;
	}
}

/* sequence_of_column records the sequence that comes with serial and identity. */
static void
sequence_of_column(const SdStep *step, const char *column)
{
	sd_makes(step->context, step->relation.schema,
			 sd_choose_name(step->context, step->relation.schema, step->relation.name, column, "seq"),
			 RELKIND_SEQUENCE);
}

void
sd_step_add_column(const SdStep *step)
{
	SdEffectContext *context = step->context;
	ColumnDef *column = castNode(ColumnDef, step->cmd->def);
	SdColumnPrediction prediction;
	bool rewrites;
	bool before;
	List *tables;
	ListCell *cell;

	if (step->cmd->missing_ok && OidIsValid(step->table) &&
		SearchSysCacheExistsAttName(step->table, column->colname))
		return;
	sd_uses_type(context, column->typeName, SD_COLUMN_TYPE_LOCK);
	prediction = sd_predict_add_column(column);
	/* a type that the script makes, and that is no domain, has no constraints */
	if (sd_scope_made_plain_type(context->scope, column->typeName->names) &&
		(prediction.constant_default || !prediction.has_default))
	{
		prediction.domain_rewrites = prediction.default_rewrites = SD_NO;
		prediction.error = NULL;
	}
	rewrites = prediction.is_serial || prediction.is_identity || prediction.is_stored ||
			   prediction.default_rewrites != SD_NO || prediction.domain_rewrites != SD_NO;
	tables = step->stmt->relation->inh && OidIsValid(step->table) ?
				 sd_family_tree(context, step->table) :
				 list_make1_oid(step->table);
	sd_locks_each(context, tables, step->lock);
	foreach (cell, tables)
	{
		Oid table = lfirst_oid(cell);

		/* a child that has the column already keeps it */
		if (table != step->table && get_attnum(table, column->colname) != InvalidAttrNumber)
			continue;
		/* what cannot be decided may happen */
		before = sd_effect_certain(context, true);
		if (!before || prediction.error != NULL)
			sd_effect_certain(context, false);
		if (rewrites)
			sd_rewrite_table(context, table);
		else if (prediction.not_null && !prediction.has_default)
			sd_scans(context, table);
		sd_effect_certain(context, before);
	}
	if (prediction.is_serial || prediction.is_identity)
		sequence_of_column(step, column->colname);
	foreach (cell, column->constraints)
		add_column_constraint(step, column, lfirst_node(Constraint, cell),
							  prediction.has_default || rewrites, rewrites);
	foreach (cell, tables)
	{
		SdStep child = *step;
		ListCell *member;

		child.table = lfirst_oid(cell);
		if (child.table == step->table)
			continue;
		foreach (member, column->constraints)
			if (lfirst_node(Constraint, member)->contype == CONSTR_CHECK &&
				!lfirst_node(Constraint, member)->is_no_inherit)
				sd_scans(context, child.table);
	}
}

/* column_is_inherited tells whether a child has a column only because its parent has it. */
static bool
column_goes_along(Oid table, const char *column)
{
	HeapTuple tuple = SearchSysCacheAttName(table, column);
	Form_pg_attribute form;
	bool result;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_attribute) GETSTRUCT(tuple);
	result = form->attinhcount == 1 && !form->attislocal;
	ReleaseSysCache(tuple);
	return result;
}

void
sd_step_drop_column(const SdStep *step)
{
	SdEffectContext *context = step->context;
	SdPart part = sd_scope_column(context->scope, &step->relation, step->cmd->name);
	const char *name = part.old_name != NULL ? part.old_name : step->cmd->name;
	List *objects = NIL;
	List *tables;
	ListCell *cell;

	if (!OidIsValid(step->table) || get_attnum(step->table, name) == InvalidAttrNumber)
		return;
	/* with ONLY the next level is told that it has the column by itself from now on */
	tables = step->stmt->relation->inh ? sd_family_tree(context, step->table) :
										 lcons_oid(step->table, sd_children(context, step->table));
	sd_locks_each(context, tables, step->lock);
	foreach (cell, tables)
	{
		Oid table = lfirst_oid(cell);

		if (!step->stmt->relation->inh && table != step->table)
			continue;
		if (table == step->table || column_goes_along(table, name))
			objects = sd_address(objects, RelationRelationId, table, get_attnum(table, name));
	}
	sd_effect_drop(context, objects);
}

/* Dependants of a column whose type changes. */
typedef struct Users
{
	List *indexes;		/* OIDs */
	List *foreign_keys; /* SdForeignKey */
	bool checked;		/* a CHECK uses it */
} Users;

static void
add_constraint_user(Users *users, Oid constraint)
{
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	switch (form->contype)
	{
		case CONSTRAINT_FOREIGN:
		{
			SdForeignKey *key = palloc0(sizeof(SdForeignKey));

			key->oid = form->oid;
			key->from = form->conrelid;
			key->to = form->confrelid;
			key->valid = form->convalidated;
			users->foreign_keys = lappend(users->foreign_keys, key);
			break;
		}
		case CONSTRAINT_CHECK:
			users->checked |= form->convalidated;
			break;
		default:
			if (OidIsValid(form->conindid))
				users->indexes = list_append_unique_oid(users->indexes, form->conindid);
			break;
	}
	ReleaseSysCache(tuple);
}

static Users
users_of_column(Oid table, AttrNumber attnum)
{
	Users users = { 0 };
	Relation depends = table_open(DependRelationId, AccessShareLock);
	SysScanDesc scan;
	HeapTuple tuple;

	scan = sd_dependents_begin(depends, RelationRelationId, table, attnum);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->classid == ConstraintRelationId)
			add_constraint_user(&users, form->objid);
		else if (form->classid == RelationRelationId &&
				 (sd_relkind(form->objid) == RELKIND_INDEX ||
				  sd_relkind(form->objid) == RELKIND_PARTITIONED_INDEX))
			users.indexes = list_append_unique_oid(users.indexes, form->objid);
	}
	systable_endscan(scan);
	table_close(depends, AccessShareLock);
	return users;
}

/* alter_indexes makes the indexes of a column again, with their contents where these can stay. */
static void
alter_indexes(const SdStep *step, const Users *users, const SdTypePrediction *prediction)
{
	SdEffectContext *context = step->context;
	ListCell *cell;
	ListCell *name;

	foreach (cell, users->indexes)
	{
		Oid index = lfirst_oid(cell);
		char *own = get_rel_name(index);

		if (sd_is_gone(context, RelationRelationId, index))
			continue;
		sd_locks(context, index, AccessExclusiveLock);
		foreach (name, prediction->indexes)
		{
			if (own != NULL && strcmp(strVal(lfirst(name)), own) == 0)
			{
				sd_builds(context, index);
				sd_scans(context, step->table);
			}
		}
	}
}

/* retie ties a column to its new type. */
static void
retie(const SdStep *step, AttrNumber attnum)
{
	ObjectAddress type = sd_resolve(step->context, OBJECT_TYPE,
									(Node *) castNode(ColumnDef, step->cmd->def)->typeName);
	ObjectAddress column;

	ObjectAddressSubSet(column, RelationRelationId, step->table, attnum);
	sd_unties(step->context, &column, TypeRelationId, InvalidOid);
	sd_unties(step->context, &column, CollationRelationId, InvalidOid);
	sd_ties(step->context, &column, &type);
}

void
sd_step_alter_type(const SdStep *step)
{
	SdEffectContext *context = step->context;
	SdPart part = sd_scope_column(context->scope, &step->relation, step->cmd->name);
	const char *name = part.old_name != NULL ? part.old_name : step->cmd->name;
	AttrNumber attnum = get_attnum(step->table, name);
	SdTypePrediction prediction;
	Users users;
	bool before;
	ListCell *cell;

	if (attnum == InvalidAttrNumber)
		return;
	prediction = sd_predict_alter_type(step->table, name, castNode(ColumnDef, step->cmd->def));
	users = users_of_column(step->table, attnum);
	before = sd_effect_certain(context, true);
	sd_effect_certain(context, before && prediction.rewrites != SD_UNKNOWN);
	if (prediction.rewrites != SD_NO)
		sd_rewrite_table(context, step->table);
	sd_effect_certain(context, before);
	alter_indexes(step, &users, &prediction);
	/* a default is stored again */
	foreach (cell, sd_default_sequences(context, step->table))
		if (((SdDefaultSequence *) lfirst(cell))->attnum == attnum)
			sd_locks(context, ((SdDefaultSequence *) lfirst(cell))->oid, SD_STORED_SEQUENCE_LOCK);
	if (users.checked)
		sd_scans(context, step->table);
	foreach (cell, users.foreign_keys)
	{
		SdForeignKey *key = lfirst(cell);

		sd_locks(context, key->from, AccessExclusiveLock);
		sd_locks(context, key->to, AccessExclusiveLock);
		if (key->valid && (prediction.rewrites != SD_NO || !prediction.same_type))
			sd_checks_foreign_key(context, key->from, key->to);
	}
	if (sd_is_identity(step->table, attnum))
		sd_locks_each(context, sd_owned_sequences(context, step->table, attnum),
					  ShareRowExclusiveLock);
	retie(step, attnum);
}

void
sd_step_set_not_null(const SdStep *step)
{
	SdEffectContext *context = step->context;
	SdPart part = sd_scope_column(context->scope, &step->relation, step->cmd->name);
	const char *name = part.old_name != NULL ? part.old_name : step->cmd->name;
	List *dropped = NIL;
	List *gone = NIL;
	List *validated = NIL;
	ListCell *cell;

	if (!OidIsValid(step->table) || part.presence == SD_MADE)
		return;
	foreach (cell, step->stmt->cmds)
		if (lfirst_node(AlterTableCmd, cell)->subtype == AT_DropConstraint)
			dropped = lappend(dropped, lfirst_node(AlterTableCmd, cell)->name);
	if (sd_scope_proves_not_null(context->scope, &step->relation, step->cmd->name, dropped))
		return;
	sd_scope_changed_constraints(context->scope, &step->relation, &gone, &validated);
	if (sd_predict_not_null(step->table, name, list_concat(gone, dropped), validated) != SD_NO)
		sd_scans(context, step->table);
}

/* default_of finds what is stored as a column's default or expression. */
static ObjectAddress
default_of(const SdStep *step)
{
	AttrNumber attnum = get_attnum(step->table, step->cmd->name);
	ObjectAddress value;

	ObjectAddressSet(value, AttrDefaultRelationId,
					 attnum == InvalidAttrNumber ? InvalidOid : sd_default_of(step->table, attnum));
	return value;
}

static void
drop_default_of(const SdStep *step)
{
	ObjectAddress value = default_of(step);

	if (OidIsValid(value.objectId))
		sd_effect_drop(step->context, list_make1(&value));
}

void
sd_step_drop_default(const SdStep *step)
{
	ObjectAddress old = default_of(step);

	if (step->cmd->def == NULL)
		drop_default_of(step);
	else
	{
		sd_effect_query(step->context, step->cmd->def, SD_QUERY_ANALYZED);
		/* SET DEFAULT replaces the old one without a trace */
		if (OidIsValid(old.objectId))
			sd_drops(step->context, &old);
	}
}

void
sd_step_drop_not_null(const SdStep *step)
{
#if PG_VERSION_NUM >= 180000
	AttrNumber attnum = get_attnum(step->table, step->cmd->name);
	HeapTuple tuple =
		OidIsValid(step->table) ? findNotNullConstraintAttnum(step->table, attnum) : NULL;
	Form_pg_constraint form;
	ListCell *cell;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	if (step->table == step->relation.oid || (form->coninhcount == 1 && !form->conislocal))
		sd_effect_drop(step->context, sd_address(NIL, ConstraintRelationId, form->oid, 0));
	if (form->connoinherit || !step->stmt->relation->inh)
		return;
	foreach (cell, sd_children(step->context, step->table))
	{
		SdStep child = *step;

		child.table = lfirst_oid(cell);
		sd_locks(step->context, child.table, step->lock);
		sd_step_drop_not_null(&child);
	}
#endif
}

void
sd_step_set_expression(const SdStep *step)
{
	HeapTuple tuple = SearchSysCacheAttName(step->table, step->cmd->name);
	bool stored;
	Users users;

	if (!HeapTupleIsValid(tuple))
		return;
	drop_default_of(step);
	stored = ((Form_pg_attribute) GETSTRUCT(tuple))->attgenerated == ATTRIBUTE_GENERATED_STORED;
	ReleaseSysCache(tuple);
	users = users_of_column(step->table, get_attnum(step->table, step->cmd->name));
	sd_locks_each(step->context, users.indexes, AccessExclusiveLock);
	if (stored)
		sd_rewrite_table(step->context, step->table);
	else if (users.checked)
		sd_scans(step->context, step->table);
}

void
sd_step_add_identity(const SdStep *step)
{
	if (step->table == step->relation.oid || !OidIsValid(step->table))
		sequence_of_column(step, step->cmd->name);
}

void
sd_step_set_identity(const SdStep *step)
{
	sd_locks_each(step->context,
				  sd_owned_sequences(step->context, step->table,
									 get_attnum(step->table, step->cmd->name)),
				  ShareRowExclusiveLock);
}

void
sd_step_drop_identity(const SdStep *step)
{
	AttrNumber attnum = get_attnum(step->table, step->cmd->name);
	List *objects = NIL;
	ListCell *cell;

	if (attnum == InvalidAttrNumber || !sd_is_identity(step->table, attnum))
		return;
	foreach (cell, sd_owned_sequences(step->context, step->table, attnum))
		objects = sd_address(objects, RelationRelationId, lfirst_oid(cell), 0);
	sd_effect_drop(step->context, objects);
}
