/*
 * sd_snapshot_constraints.c
 *	  Constraints of tables and of domains.
 *
 * Flags that can be altered on their own (validated, deferrable, …) are
 * attributes and no part of the definition.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/trigger.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "sd_compat_catalog.h"
#include "sd_snapshot_int.h"

/* Values of an array attribute without NULLs, or none. */
static int
array_values(HeapTuple tuple, TupleDesc desc, int attnum, void **values)
{
	ArrayType *array = attnum > 0 ? sd_attr_array(tuple, desc, attnum) : NULL;

	*values = NULL;
	if (array == NULL || ARR_NDIM(array) != 1)
		return 0;
	*values = ARR_DATA_PTR(array);
	return ARR_DIMS(array)[0];
}

static void
append_columns(SdSnap *snap, StringInfo buf, Oid relid, HeapTuple tuple, TupleDesc desc, int attnum,
			   const char *before_last, const char *after_last)
{
	int16 *keys;
	int count = array_values(tuple, desc, attnum, (void **) &keys);

	for (int i = 0; i < count; i++)
	{
		bool last = i == count - 1;

		if (i > 0)
			appendStringInfoString(buf, ", ");
		if (last)
			appendStringInfoString(buf, before_last);
		appendStringInfoString(buf, quote_identifier(sd_column_name(snap, relid, keys[i])));
		if (last)
			appendStringInfoString(buf, after_last);
	}
}

static const char *
action_name(char action)
{
	switch (action)
	{
		case FKCONSTR_ACTION_RESTRICT:
			return "RESTRICT";
		case FKCONSTR_ACTION_CASCADE:
			return "CASCADE";
		case FKCONSTR_ACTION_SETNULL:
			return "SET NULL";
		case FKCONSTR_ACTION_SETDEFAULT:
			return "SET DEFAULT";
		default:
			return "NO ACTION";
	}
}

static void
define_foreign_key(SdSnap *snap, StringInfo buf, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	const char *period = sd_compat_period(form) ? "PERIOD " : "";
	int16 *set;

	appendStringInfoString(buf, "FOREIGN KEY (");
	append_columns(snap, buf, form->conrelid, tuple, desc, Anum_pg_constraint_conkey, period, "");
	appendStringInfoString(buf, ") REFERENCES ");
	appendStringInfoString(buf, sd_rel_name(snap, form->confrelid));
	appendStringInfoChar(buf, '(');
	append_columns(snap, buf, form->confrelid, tuple, desc, Anum_pg_constraint_confkey, period, "");
	appendStringInfoChar(buf, ')');
	if (form->confmatchtype == FKCONSTR_MATCH_FULL)
		appendStringInfoString(buf, " MATCH FULL");
	else if (form->confmatchtype == FKCONSTR_MATCH_PARTIAL)
		appendStringInfoString(buf, " MATCH PARTIAL");
	if (form->confupdtype != FKCONSTR_ACTION_NOACTION)
		appendStringInfo(buf, " ON UPDATE %s", action_name(form->confupdtype));
	if (form->confdeltype != FKCONSTR_ACTION_NOACTION)
		appendStringInfo(buf, " ON DELETE %s", action_name(form->confdeltype));
	if (array_values(tuple, desc, SD_ANUM_CONFDELSETCOLS, (void **) &set) > 0)
	{
		appendStringInfoString(buf, " (");
		append_columns(snap, buf, form->conrelid, tuple, desc, SD_ANUM_CONFDELSETCOLS, "", "");
		appendStringInfoChar(buf, ')');
	}
}

static void
define_key(SdSnap *snap, StringInfo buf, HeapTuple tuple, TupleDesc desc, SdIndex *index)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

	appendStringInfoString(buf, form->contype == CONSTRAINT_PRIMARY ? "PRIMARY KEY" : "UNIQUE");
	if (index != NULL && index->nulls_not_distinct)
		appendStringInfoString(buf, " NULLS NOT DISTINCT");
	appendStringInfoString(buf, " (");
	append_columns(snap, buf, form->conrelid, tuple, desc, Anum_pg_constraint_conkey, "",
				   sd_compat_period(form) ? " WITHOUT OVERLAPS" : "");
	appendStringInfoChar(buf, ')');
	if (index != NULL)
		appendStringInfoString(buf, index->include);
}

static void
define_exclusion(SdSnap *snap, StringInfo buf, HeapTuple tuple, TupleDesc desc, SdIndex *index)
{
	Oid *operators;
	int count = array_values(tuple, desc, Anum_pg_constraint_conexclop, (void **) &operators);

	if (index == NULL || index->keys == NULL || count != index->nkeys)
		elog(ERROR, "could not find the index of an exclusion constraint");
	appendStringInfo(buf, "EXCLUDE USING %s (", sd_am_name(snap, index->rel->am));
	for (int i = 0; i < count; i++)
		appendStringInfo(buf, "%s%s WITH %s", i > 0 ? ", " : "", index->keys[i],
						 sd_operator_name(snap, operators[i]));
	appendStringInfo(buf, ")%s%s", index->include,
					 index->predicate[0] ? psprintf(" WHERE (%s)", index->predicate + 7) : "");
}

static const char *
define(SdSnap *snap, SdRel *rel, SdIndex *index, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	StringInfoData buf;
	char *node;

	initStringInfo(&buf);
	switch (form->contype)
	{
		case CONSTRAINT_FOREIGN:
			define_foreign_key(snap, &buf, tuple, desc);
			break;
		case CONSTRAINT_PRIMARY:
		case CONSTRAINT_UNIQUE:
			define_key(snap, &buf, tuple, desc, index);
			break;
		case CONSTRAINT_EXCLUSION:
			define_exclusion(snap, &buf, tuple, desc, index);
			break;
		case CONSTRAINT_CHECK:
			node = sd_attr_text(tuple, desc, Anum_pg_constraint_conbin);
			if (node == NULL)
				elog(ERROR, "check constraint %u has no expression", form->oid);
			appendStringInfo(&buf, "CHECK (%s)",
							 rel ? sd_deparse_column(snap, rel, node) : sd_deparse_free(snap, node));
			pfree(node);
			break;
		default:
			appendStringInfoString(&buf, OidIsValid(form->conrelid) ? "NOT NULL " : "NOT NULL");
			append_columns(snap, &buf, form->conrelid, tuple, desc, Anum_pg_constraint_conkey, "",
						   "");
			break;
	}
	return sd_trim(&buf);
}

/* Where a NOT NULL has no name that lasts, it is a fact of its column, unless it has something special. */
static bool
is_left_out(Form_pg_constraint form)
{
	switch (form->contype)
	{
		case CONSTRAINT_TRIGGER:
			return true;
		case CONSTRAINT_CHECK:
		case CONSTRAINT_FOREIGN:
		case CONSTRAINT_PRIMARY:
		case CONSTRAINT_UNIQUE:
		case CONSTRAINT_EXCLUSION:
			return false;
		default:
			return !SD_NOT_NULL_HAS_NAME && form->convalidated && !form->connoinherit;
	}
}

/*
 * A partition's share of a foreign key has a name of its own, which nobody can change and no dump
 * keeps, so it goes by the name of the whole, unless the partition has that for something else.
 */
static const char *
visible_name(SdSnap *snap, Form_pg_constraint form)
{
	Oid parent = form->contype == CONSTRAINT_FOREIGN ? form->conparentid : InvalidOid;
	NameData name = form->conname;
	Oid taken = InvalidOid;

	while (OidIsValid(parent))
	{
		HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(parent));
		Form_pg_constraint whole;

		if (!HeapTupleIsValid(tuple))
			break;
		whole = (Form_pg_constraint) GETSTRUCT(tuple);
		parent = whole->conparentid;
		/* a helper of a key to a partitioned table belongs to the same table */
		if (whole->conrelid != form->conrelid)
			name = whole->conname;
		ReleaseSysCache(tuple);
	}
	if (strcmp(NameStr(name), NameStr(form->conname)) != 0)
		taken = get_relation_constraint_oid(form->conrelid, NameStr(name), true);
	return sd_copy_text(snap, NameStr(*(OidIsValid(taken) ? &form->conname : &name)));
}

static bool
load_constraint(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	SdRel *rel = NULL;
	SdRel *index = OidIsValid(form->conindid) ? sd_rel(snap, form->conindid) : NULL;
	bool own_index = form->contype == CONSTRAINT_PRIMARY || form->contype == CONSTRAINT_UNIQUE ||
					 form->contype == CONSTRAINT_EXCLUSION;
	SdConstraint *con;

	if (is_left_out(form) || !sd_schema_kept(snap, form->connamespace))
		return false;
	if (OidIsValid(form->conrelid))
	{
		rel = sd_rel(snap, form->conrelid);
		if (rel == NULL || rel->member)
			return false;
	}
	con = hash_search(snap->constraints, &form->oid, HASH_ENTER, NULL);
	memset((char *) con + sizeof(Oid), 0, sizeof(SdConstraint) - sizeof(Oid));
	con->name = visible_name(snap, form);
	con->type = form->contype;
	con->parent = form->conparentid;
	con->relid = form->conrelid;
	con->references = form->confrelid;
	con->deferrable = form->condeferrable;
	con->deferred = form->condeferred;
	con->validated = form->convalidated;
	con->enforced = sd_compat_enforced(form);
	con->inherited = form->coninhcount > 0;
	/* the server does not care in a partition */
	con->local = form->conislocal && rel != NULL && !rel->partition;
	/* the keys of a partitioned table always say so, and nobody can choose */
	con->no_inherit =
		form->connoinherit && (form->contype == CONSTRAINT_CHECK || SD_IS_NOT_NULL(form->contype));
	con->triggers_enabled = TRIGGER_FIRES_ON_ORIGIN;
	con->definition = define(snap, rel, own_index && index ? index->index : NULL, tuple, desc);
	if (own_index && index != NULL && index->index != NULL)
	{
		con->index = index->index;
		con->index->name_of_constraint = con->name;
	}
	if (rel != NULL)
	{
		sd_take_unread(snap, &rel->unread);
		con->next = rel->constraints;
		rel->constraints = con;
	}
	else
	{
		SdDomain *domain = hash_search(snap->domains, &form->contypid, HASH_FIND, NULL);

		if (domain == NULL)
		{
			domain = hash_search(snap->domains, &form->contypid, HASH_ENTER, NULL);
			domain->constraints = NULL;
			domain->unread = NULL;
		}
		sd_take_unread(snap, &domain->unread);
		con->next = domain->constraints;
		domain->constraints = con;
	}
	return true;
}

void
sd_load_constraints(SdSnap *snap)
{
	snap->constraints = sd_hash(snap, "safedeploy constraints", sizeof(Oid), sizeof(SdConstraint));
	snap->domains = sd_hash(snap, "safedeploy domains", sizeof(Oid), sizeof(SdDomain));
	sd_scan(snap, ConstraintRelationId, load_constraint);
}

static const char *
type_name(char type)
{
	switch (type)
	{
		case CONSTRAINT_FOREIGN:
			return "foreign key";
		case CONSTRAINT_PRIMARY:
			return "primary key";
		case CONSTRAINT_UNIQUE:
			return "unique";
		case CONSTRAINT_EXCLUSION:
			return "exclusion";
		case CONSTRAINT_CHECK:
			return "check";
		default:
			return "not null";
	}
}

/*
 * A foreign key to a partitioned table has helpers, one for each partition, on
 * the same table; the server makes and names them itself.
 */
static bool
is_helper(SdSnap *snap, SdConstraint *con)
{
	SdConstraint *parent;

	if (con->type != CONSTRAINT_FOREIGN || !OidIsValid(con->parent))
		return false;
	parent = hash_search(snap->constraints, &con->parent, HASH_FIND, NULL);
	return parent != NULL && parent->relid == con->relid;
}

SdNode *
sd_constraint_node(SdSnap *snap, SdConstraint *con)
{
	SdNode *map = sd_node_map();

	sd_put_true(map, "deferrable", con->deferrable);
	sd_put_true(map, "deferred", con->deferred);
	sd_put_text(map, "definition", con->definition);
	sd_put_false(map, "enforced", con->enforced);
	sd_put_true(map, "inherited", con->inherited);
	sd_put_true(map, "local", con->inherited && con->local);
	sd_put_true(map, "no_inherit", con->no_inherit);
	if (OidIsValid(con->references))
		sd_put_text(map, "references", sd_rel_name(snap, con->references));
	if (con->triggers_enabled != TRIGGER_FIRES_ON_ORIGIN)
		sd_put_text(map, "triggers", sd_enabled_name(con->triggers_enabled));
	sd_put_text(map, "type", type_name(con->type));
	sd_put_false(map, "valid", con->index == NULL || con->index->valid);
	sd_put_false(map, "validated", con->validated);
	return map;
}

void
sd_doc_constraints(SdSnap *snap, SdRel *rel, SdDoc *doc)
{
	SdNode *constraints = sd_node_map();
	SdNode *phys = doc->phys ? sd_map_map(doc->phys, "constraints") : NULL;

	for (SdConstraint *con = rel->constraints; con != NULL; con = con->next)
	{
		if (is_helper(snap, con))
			continue;
		sd_put(constraints, con->name, sd_constraint_node(snap, con));
		sd_doc_comment(snap, doc, "constraints", con->name, ConstraintRelationId, con->oid, 0);
		if (phys != NULL)
			sd_put_int(phys, con->name, con->oid);
	}
	if (constraints->first != NULL)
		sd_put(sd_doc_map(doc, SD_FACET_CORE), "constraints", constraints);
}
