/*
 * sd_effect_constraint.c
 *	  Effects of making, checking and dropping constraints.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_effect_alter.h"
#include "sd_predict.h"

/* scan_tree records that a table and all that inherits from it is read. */
static void
scan_tree(SdEffectContext *context, Oid table)
{
	ListCell *cell;

	foreach (cell, sd_family_tree(context, table))
		sd_scans(context, lfirst_oid(cell));
}

/* partitions_of lists a table and its partitions; a foreign key is not inherited otherwise. */
static List *
partitions_of(SdEffectContext *context, Oid table)
{
	return sd_relkind(table) == RELKIND_PARTITIONED_TABLE ? sd_family_tree(context, table) :
															list_make1_oid(table);
}

void
sd_checks_foreign_key(SdEffectContext *context, Oid from, Oid to)
{
	bool before;
	ListCell *cell;

	foreach (cell, OidIsValid(from) ? partitions_of(context, from) : NIL)
		sd_scans(context, lfirst_oid(cell));
	/* the keys may be looked up in their index */
	before = sd_effect_certain(context, false);
	foreach (cell, OidIsValid(to) ? partitions_of(context, to) : NIL)
		sd_scans(context, lfirst_oid(cell));
	sd_effect_certain(context, before);
}

void
sd_foreign_key_to(SdEffectContext *context, const RangeVar *name, Oid from, bool checked)
{
	SdRelation target = sd_scope_relation(context->scope, name);
	Oid to = sd_is_old(context, &target) ? target.oid : InvalidOid;

	if (OidIsValid(from))
		sd_locks_each(context,
					  SD_LOOKS_AT_CHILDREN ? sd_family_tree(context, from) :
											 partitions_of(context, from),
					  ShareRowExclusiveLock);
	if (OidIsValid(to))
		sd_locks_each(context, partitions_of(context, to), ShareRowExclusiveLock);
	/* the rows of a table of long ago are looked up in one of now, too */
	if (checked && OidIsValid(from))
		sd_checks_foreign_key(context, from, to);
}

/* add_check records a CHECK, which goes on to what inherits unless it says otherwise. */
static void
add_check(const SdStep *step, const Constraint *constraint)
{
	SdEffectContext *context = step->context;
	List *tables = step->stmt->relation->inh && !constraint->is_no_inherit ?
					   sd_family_tree(context, step->table) :
					   list_make1_oid(step->table);
	ListCell *cell;

	sd_locks_each(context, SD_LOOKS_AT_CHILDREN ? sd_family_tree(context, step->table) : tables,
				  step->lock);
	sd_effect_query(context, constraint->raw_expr, SD_QUERY_ANALYZED);
	if (constraint->skip_validation || !SD_CONSTRAINT_IS_ENFORCED(constraint))
		return;
	foreach (cell, tables)
		sd_scans(context, lfirst_oid(cell));
}

/* needs_not_null tells whether a column of a new primary key is not known to be not null. */
static bool
needs_not_null(SdEffectContext *context, const SdRelation *relation, Oid table, const char *column)
{
	return sd_predict_not_null(table, column, NIL, NIL) != SD_NO &&
		   !sd_scope_proves_not_null(context->scope, relation, column, NIL);
}

/* columns_of_index lists the names of the columns of an index. */
static List *
columns_of_index(Oid table, Oid index)
{
	List *names = NIL;

	for (int i = 1;; i++)
	{
		char *name = get_attname(index, i, true);

		if (name == NULL)
			return names;
		names = lappend(names, makeString(name));
	}
}

/* use_index makes a constraint of an index that is there. */
static void
use_index(const SdStep *step, const Constraint *constraint)
{
	SdEffectContext *context = step->context;
	SdRelation index =
		sd_scope_relation_in(context->scope, step->relation.schema, constraint->indexname);
	ListCell *cell;

	if (!sd_is_old(context, &index))
		return;
	if (constraint->conname != NULL && strcmp(constraint->conname, constraint->indexname) != 0)
		sd_locks(context, index.oid, SD_RENAME_INDEX_LOCK);
	if (constraint->contype != CONSTR_PRIMARY)
		return;
	foreach (cell, columns_of_index(step->table, index.oid))
		if (needs_not_null(context, &step->relation, step->table, strVal(lfirst(cell))))
			sd_scans(context, step->table);
}

void
sd_constraint_index(SdEffectContext *context, const SdRelation *relation, Oid table,
					const Constraint *constraint, const char *column)
{
	IndexStmt *index = makeNode(IndexStmt);
	ListCell *cell;

	index->unique = constraint->contype != CONSTR_EXCLUSION;
	index->primary = constraint->contype == CONSTR_PRIMARY;
	index->isconstraint = true;
	index->idxname = constraint->conname;
	index->accessMethod = constraint->access_method;
	if (constraint->contype == CONSTR_EXCLUSION)
	{
		foreach (cell, constraint->exclusions)
		{
			index->indexParams = lappend(index->indexParams, linitial(lfirst_node(List, cell)));
			index->excludeOpNames = lappend(index->excludeOpNames, lsecond(lfirst_node(List, cell)));
		}
	}
	foreach (cell, constraint->keys)
	{
		IndexElem *element = makeNode(IndexElem);

		element->name = strVal(lfirst(cell));
		index->indexParams = lappend(index->indexParams, element);
		/* a primary key makes its columns NOT NULL everywhere */
		if (index->primary && OidIsValid(table))
		{
			ListCell *member;

			foreach (member, sd_family_tree(context, table))
			{
				sd_locks(context, lfirst_oid(member), AccessExclusiveLock);
				if (needs_not_null(context, relation, lfirst_oid(member), element->name))
					sd_scans(context, lfirst_oid(member));
			}
		}
	}
	foreach (cell, constraint->including)
	{
		IndexElem *element = makeNode(IndexElem);

		element->name = strVal(lfirst(cell));
		index->indexIncludingParams = lappend(index->indexIncludingParams, element);
	}
	if (column != NULL)
	{
		IndexElem *element = makeNode(IndexElem);

		element->name = pstrdup(column);
		index->indexParams = list_make1(element);
	}
	sd_new_index(context, relation, table, index, SD_PARTITION_INDEX_LOCK);
}

/* add_foreign_key records FOREIGN KEY. */
static void
add_foreign_key(const SdStep *step, const Constraint *constraint)
{
	sd_foreign_key_to(step->context, constraint->pktable, step->table,
					  !constraint->skip_validation && SD_CONSTRAINT_IS_ENFORCED(constraint));
}

/* add_not_null records NOT NULL as a constraint with a name (18). */
static void
add_not_null(const SdStep *step, const Constraint *constraint)
{
	List *tables;
	ListCell *cell;

	if (!OidIsValid(step->table) || constraint->keys == NIL)
		return;
	tables = constraint->is_no_inherit ? list_make1_oid(step->table) :
										 sd_family_tree(step->context, step->table);
	sd_locks_each(step->context, tables, step->lock);
	foreach (cell, tables)
		if (!constraint->skip_validation &&
			needs_not_null(step->context, &step->relation, lfirst_oid(cell),
						   strVal(linitial(constraint->keys))))
			sd_scans(step->context, lfirst_oid(cell));
}

void
sd_step_add_constraint(const SdStep *step)
{
	Constraint *constraint = castNode(Constraint, step->cmd->def);

	sd_remember_constraint(step->context, &step->relation, constraint);
	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			if (OidIsValid(step->table))
				add_check(step, constraint);
			break;
		case CONSTR_NOTNULL:
			add_not_null(step, constraint);
			break;
		case CONSTR_FOREIGN:
			add_foreign_key(step, constraint);
			break;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
			if (constraint->indexname != NULL)
				use_index(step, constraint);
			else
				sd_constraint_index(step->context, &step->relation, step->table, constraint, NULL);
			break;
		default:
			break;
	}
}

/* find_constraint copies the row of a constraint of a table; false when there is none. */
static bool
find_constraint(SdEffectContext *context, Oid table, const char *name, FormData_pg_constraint *form)
{
	Oid oid = get_relation_constraint_oid(table, name, true);
	HeapTuple tuple;

	if (!OidIsValid(oid) || sd_is_gone(context, ConstraintRelationId, oid))
		return false;
	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(oid));
	if (!HeapTupleIsValid(tuple))
		return false;
	memcpy(form, GETSTRUCT(tuple), sizeof(*form));
	ReleaseSysCache(tuple);
	return true;
}

void
sd_step_drop_constraint(const SdStep *step)
{
	SdEffectContext *context = step->context;
	FormData_pg_constraint form;
	List *objects;
	ListCell *cell;

	if (!OidIsValid(step->table) || !find_constraint(context, step->table, step->cmd->name, &form))
	{
		const Constraint *made = sd_made_constraint(context, &step->relation, step->cmd->name);

		/* a foreign key of the script's own has triggers on both tables */
		if (made != NULL && made->contype == CONSTR_FOREIGN)
			(void) sd_locks_name(context, made->pktable, AccessExclusiveLock);
		return;
	}
	objects = sd_address(NIL, ConstraintRelationId, form.oid, 0);
	if (form.contype == CONSTRAINT_FOREIGN)
		sd_locks(context, form.confrelid, AccessExclusiveLock);
	/* copies of a partitioned table's keys follow by their dependency */
	if (!form.connoinherit && step->stmt->relation->inh && form.contype == CONSTRAINT_CHECK)
	{
		foreach (cell, sd_family_tree(context, step->table))
		{
			FormData_pg_constraint child;

			sd_locks(context, lfirst_oid(cell), step->lock);
			if (lfirst_oid(cell) != step->table &&
				find_constraint(context, lfirst_oid(cell), step->cmd->name, &child) &&
				child.coninhcount == 1 && !child.conislocal)
				objects = sd_address(objects, ConstraintRelationId, child.oid, 0);
		}
	}
	sd_effect_drop(context, objects);
}

/* alter_enforcement makes the triggers of a foreign key, and checks its rows, or drops them (18). */
static void
alter_enforcement(const SdStep *step)
{
#if PG_VERSION_NUM >= 180000
	ATAlterConstraint *alter = castNode(ATAlterConstraint, step->cmd->def);
	FormData_pg_constraint form;

	if (!alter->alterEnforceability || !OidIsValid(step->table) ||
		!find_constraint(step->context, step->table, alter->conname, &form) ||
		form.contype != CONSTRAINT_FOREIGN || form.conenforced == alter->is_enforced)
		return;
	sd_locks(step->context, form.confrelid,
			 alter->is_enforced ? ShareRowExclusiveLock : AccessExclusiveLock);
	if (alter->is_enforced)
		sd_checks_foreign_key(step->context, form.conrelid, form.confrelid);
#endif
}

void
sd_step_alter_constraint(const SdStep *step)
{
	SdEffectContext *context = step->context;

	alter_enforcement(step);

	if (sd_relkind(step->table) == RELKIND_PARTITIONED_TABLE)
		sd_locks_each(context, sd_family_tree(context, step->table), step->lock);
}

void
sd_step_validate(const SdStep *step)
{
	SdEffectContext *context = step->context;
	FormData_pg_constraint form;
	ListCell *cell;

	if (!OidIsValid(step->table))
		return;
	if (!find_constraint(context, step->table, step->cmd->name, &form))
	{
		SdPart part = sd_scope_constraint(context->scope, &step->relation, step->cmd->name);
		const Constraint *made = sd_made_constraint(context, &step->relation, step->cmd->name);

		/* the script's own, made before as NOT VALID */
		if (part.presence != SD_MADE || part.valid || made == NULL)
			return;
		if (made->contype == CONSTR_FOREIGN)
		{
			SdRelation target = sd_locks_name(context, made->pktable, RowShareLock);

			sd_checks_foreign_key(context, step->table,
								  sd_is_old(context, &target) ? target.oid : InvalidOid);
			return;
		}
		scan_tree(context, step->table);
		return;
	}
	if (form.convalidated)
		return;
	if (form.contype == CONSTRAINT_FOREIGN)
	{
		sd_locks(context, form.confrelid, RowShareLock);
		sd_checks_foreign_key(context, form.conrelid, form.confrelid);
		return;
	}
	foreach (cell,
			 form.connoinherit ? list_make1_oid(step->table) : sd_family_tree(context, step->table))
	{
		sd_locks(context, lfirst_oid(cell), step->lock);
		sd_scans(context, lfirst_oid(cell));
	}
}
