/*
 * sd_type_users.c
 *	  What depends on a column whose type changes.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "commands/defrem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_dependents.h"
#include "sd_type_users.h"

bool
sd_constraint_is_not_null(Form_pg_constraint form)
{
#ifdef CONSTRAINT_NOTNULL
	return form->contype == CONSTRAINT_NOTNULL;
#else
	return false;
#endif
}

bool
sd_constraint_has_key(HeapTuple constraint, TupleDesc desc, AttrNumber attnum)
{
	bool isnull;
	Datum datum = heap_getattr(constraint, Anum_pg_constraint_conkey, desc, &isnull);
	ArrayType *array;

	if (isnull)
		return false;
	array = DatumGetArrayTypeP(datum);
	for (int i = 0; i < ARR_DIMS(array)[0]; i++)
		if (((int16 *) ARR_DATA_PTR(array))[i] == attnum)
			return true;
	return false;
}

/* add_constraint sorts a constraint that uses the column into the answer. */
static void
add_constraint(Oid constraint, SdTypePrediction *answer)
{
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	if (form->contype == CONSTRAINT_CHECK)
		answer->checks =
			list_append_unique(answer->checks, makeString(pstrdup(NameStr(form->conname))));
	else if (form->contype == CONSTRAINT_FOREIGN)
		answer->foreign_keys = list_append_unique_oid(answer->foreign_keys, constraint);
	ReleaseSysCache(tuple);
}

/* access_method returns that of an index. */
static Oid
access_method(Oid index)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
	Oid method;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	method = ((Form_pg_class) GETSTRUCT(tuple))->relam;
	ReleaseSysCache(tuple);
	return method;
}

/*
 * add_index decides whether an index must be built again although the table
 * need not be written again: an expression or condition may give another
 * result, and another collation or operator class another order.
 */
static void
add_index(Oid index, Oid old_type, Oid new_type, bool collation_changes, SdTypePrediction *answer)
{
	HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Oid method;
	bool rebuilt;

	if (!HeapTupleIsValid(tuple))
		return;
	rebuilt = collation_changes || !heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) ||
			  !heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	ReleaseSysCache(tuple);
	method = access_method(index);
	if (!rebuilt && OidIsValid(method))
		rebuilt = GetDefaultOpClass(old_type, method) != GetDefaultOpClass(new_type, method);
	if (rebuilt)
		answer->indexes = list_append_unique(answer->indexes, makeString(get_rel_name(index)));
}

/* index_of_constraint returns the index that a constraint made, or InvalidOid. */
static Oid
index_of_constraint(Oid constraint)
{
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Oid index = InvalidOid;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	if (((Form_pg_constraint) GETSTRUCT(tuple))->contype != CONSTRAINT_FOREIGN)
		index = ((Form_pg_constraint) GETSTRUCT(tuple))->conindid;
	ReleaseSysCache(tuple);
	return index;
}

void
sd_type_users(Oid relation, AttrNumber attnum, Oid old_type, Oid new_type, bool collation_changes,
			  SdTypePrediction *answer)
{
	Relation depends = table_open(DependRelationId, AccessShareLock);
	SysScanDesc scan;
	HeapTuple tuple;

	scan = sd_dependents_begin(depends, RelationRelationId, relation, attnum);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		char *description = NULL;

		switch (form->classid)
		{
			case ConstraintRelationId:
			{
				Oid index = index_of_constraint(form->objid);

				add_constraint(form->objid, answer);
				if (OidIsValid(index))
					add_index(index, old_type, new_type, collation_changes, answer);
				break;
			}
			case RelationRelationId:
				if (get_rel_relkind(form->objid) == RELKIND_INDEX)
					add_index(form->objid, old_type, new_type, collation_changes, answer);
				break;
			case RewriteRelationId:
				description = "a view or rule uses the column";
				break;
			case TriggerRelationId:
				description = "a trigger names the column";
				break;
			case PolicyRelationId:
				description = "a row security policy uses the column";
				break;
			default:
				break;
		}
		if (description != NULL)
			answer->blockers = list_append_unique_ptr(answer->blockers, description);
	}
	systable_endscan(scan);
	table_close(depends, AccessShareLock);
	if (answer->rewrites == SD_YES)
		answer->indexes = NIL;
}
