/*
 * sd_effect_index.c
 *	  Effects of making indexes, making them again, and of writing tables in
 *	  the order of one.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "parser/parse_target.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_effect_alter.h"
#include "sd_tree.h"

const char *
sd_choose_name(SdEffectContext *context, const char *schema, const char *first, const char *second,
			   const char *label)
{
	Oid namespace;
	const char *used = label;

	/* of a table that is nowhere nothing can be in the way */
	if (schema == NULL)
		return makeObjectName(first, second, label);
	namespace = get_namespace_oid(schema, true);
	for (int pass = 1;; pass++)
	{
		char *name = makeObjectName(first, second, used);
		SdRelation taken = sd_scope_relation_in(context->scope, schema, name);

		if (taken.presence != SD_EXISTS && taken.presence != SD_MADE &&
			!sd_is_named(context, schema, name) &&
			(!OidIsValid(namespace) || !ConstraintNameExists(name, namespace)))
			return name;
		used = psprintf("%s%d", label, pass);
	}
}

/* column_names lists the names that the columns of a new index get. */
static List *
column_names(const IndexStmt *index)
{
	List *names = NIL;
	ListCell *cell;

	foreach (cell, list_concat_copy(index->indexParams, index->indexIncludingParams))
	{
		IndexElem *element = lfirst_node(IndexElem, cell);
		const char *wanted = element->indexcolname != NULL ? element->indexcolname :
							 element->name != NULL		   ? element->name :
															 FigureIndexColname(element->expr);
		const char *name;

		if (wanted == NULL)
			wanted = "expr";
		name = wanted;
		for (int i = 1; list_member(names, makeString(pstrdup(name))); i++)
			name = psprintf("%s%d", wanted, i);
		names = lappend(names, makeString(pstrdup(name)));
	}
	return names;
}

/* name_of_index chooses the name of an index that is given none. */
static const char *
name_of_index(SdEffectContext *context, const char *schema, const char *table, const IndexStmt *index)
{
	StringInfoData columns;
	ListCell *cell;

	if (index->primary)
		return sd_choose_name(context, schema, table, NULL, "pkey");
	initStringInfo(&columns);
	foreach (cell, column_names(index))
	{
		if (columns.len > 0)
			appendStringInfoChar(&columns, '_');
		appendStringInfoString(&columns, strVal(lfirst(cell)));
		if (columns.len >= NAMEDATALEN)
			break;
	}
	return sd_choose_name(context, schema, table, columns.data,
						  index->excludeOpNames != NIL ? "excl" :
						  index->isconstraint		   ? "key" :
														 "idx");
}

/*
 * matching_index finds an index of a partition that can take the place of the
 * one that its parent gets: of the same columns, without expressions.
 */
static Oid
matching_index(SdEffectContext *context, Oid table, const IndexStmt *index)
{
	ListCell *cell;

	if (index->whereClause != NULL || index->excludeOpNames != NIL)
		return InvalidOid;
	foreach (cell, sd_indexes(context, table))
	{
		HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
		bool same = true;
		int i = 0;
		Form_pg_index form;
		ListCell *member;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_index) GETSTRUCT(tuple);
		same = form->indisunique == index->unique && form->indisvalid &&
			   form->indnatts == list_length(index->indexParams) &&
			   heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) &&
			   heap_attisnull(tuple, Anum_pg_index_indpred, NULL) &&
			   !get_rel_relispartition(lfirst_oid(cell)) &&
			   (!index->isconstraint || OidIsValid(get_index_constraint(lfirst_oid(cell))));
		foreach (member, index->indexParams)
		{
			IndexElem *element = lfirst_node(IndexElem, member);

			same = same && element->name != NULL &&
				   form->indkey.values[i++] == get_attnum(table, element->name);
		}
		ReleaseSysCache(tuple);
		if (same)
			return lfirst_oid(cell);
	}
	return InvalidOid;
}

void
sd_ensure_index(SdEffectContext *context, const SdRelation *partition, Oid table,
				const IndexStmt *index, LOCKMODE lock)
{
	Oid own = OidIsValid(table) ? matching_index(context, table, index) : InvalidOid;

	if (OidIsValid(own))
		sd_locks(context, own, lock);
	else if (!sd_made_index(context, partition, index))
		sd_new_index(context, partition, table, index, lock);
}

IndexStmt *
sd_copy_of_index(Oid index)
{
	HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	IndexStmt *stmt = makeNode(IndexStmt);
	Oid constraint = get_index_constraint(index);
	Form_pg_index form;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_index) GETSTRUCT(tuple);
	stmt->unique = form->indisunique;
	stmt->primary = form->indisprimary;
	stmt->isconstraint = OidIsValid(constraint);
	for (int i = 0; i < form->indnatts; i++)
	{
		IndexElem *element = makeNode(IndexElem);

		if (form->indkey.values[i] != 0)
			element->name = get_attname(form->indrelid, form->indkey.values[i], false);
		else
			element->indexcolname = get_attname(index, i + 1, false);
		if (i < form->indnkeyatts)
			stmt->indexParams = lappend(stmt->indexParams, element);
		else
			stmt->indexIncludingParams = lappend(stmt->indexIncludingParams, element);
	}
	ReleaseSysCache(tuple);
	return stmt;
}

/* new_index_of_partitions goes on to the partitions of a table. */
static void
new_index_of_partitions(SdEffectContext *context, Oid table, const IndexStmt *index, LOCKMODE lock)
{
	ListCell *cell;

	foreach (cell, sd_children(context, table))
	{
		Oid child = lfirst_oid(cell);
		IndexStmt copy = *index;
		SdRelation relation = { .presence = SD_EXISTS };

		sd_locks(context, child, lock);
		if (sd_relkind(child) == RELKIND_FOREIGN_TABLE)
			continue;
		copy.idxname = NULL;
		relation.oid = child;
		relation.relkind = sd_relkind(child);
		relation.name = get_rel_name(child);
		relation.schema = get_namespace_name(get_rel_namespace(child));
		sd_ensure_index(context, &relation, child, &copy, lock);
	}
}

void
sd_new_index(SdEffectContext *context, const SdRelation *relation, Oid table,
			 const IndexStmt *index, LOCKMODE lock)
{
	bool partitioned = relation->relkind == RELKIND_PARTITIONED_TABLE;
	const char *name = index->idxname != NULL ?
						   index->idxname :
						   name_of_index(context, relation->schema, relation->name, index);

	sd_makes(context, relation->schema, name,
			 partitioned ? RELKIND_PARTITIONED_INDEX : RELKIND_INDEX);
	sd_remember_index(context, relation, name, index);
	if (!OidIsValid(table))
		return;
	if (partitioned)
	{
		new_index_of_partitions(context, table, index, lock);
		return;
	}
	sd_builds_new(context, relation->schema, name);
	sd_scans(context, table);
}

void
sd_effect_index(SdEffectContext *context, Node *statement)
{
	IndexStmt *stmt = (IndexStmt *) statement;
	LOCKMODE lock = stmt->concurrent ? ShareUpdateExclusiveLock : ShareLock;
	SdRelation relation = sd_locks_name(context, stmt->relation, lock);
	Oid table;

	if (relation.presence != SD_EXISTS && relation.presence != SD_MADE)
		return;
	table = sd_is_old(context, &relation) ? relation.oid : InvalidOid;
	if (relation.relkind == RELKIND_PARTITIONED_TABLE && stmt->relation->inh && OidIsValid(table))
		sd_locks_each(context, sd_family_tree(context, table), lock);
	if (stmt->if_not_exists && stmt->idxname != NULL)
	{
		SdRelation taken = sd_scope_relation_in(context->scope, relation.schema, stmt->idxname);

		if (taken.presence == SD_EXISTS || taken.presence == SD_MADE)
			return;
	}
	if (relation.relkind == RELKIND_PARTITIONED_TABLE && !stmt->relation->inh)
		table = InvalidOid;
	sd_new_index(context, &relation, table, stmt, lock);
}

/*
 * reindex_one builds an index again.  Beside the old one grows a new one, with
 * CONCURRENTLY; but in the end the old one goes, which needs it alone.
 */
static void
reindex_one(SdEffectContext *context, Oid table, Oid index, bool concurrently)
{
	/* other sessions never see those of this one */
	concurrently = concurrently && get_rel_persistence(table) != RELPERSISTENCE_TEMP;
	sd_locks(context, table, concurrently ? ShareUpdateExclusiveLock : ShareLock);
	sd_locks(context, index, AccessExclusiveLock);
	sd_builds(context, index);
	sd_scans(context, table);
}

/* reindex_table builds the indexes of one table again. */
static void
reindex_table(SdEffectContext *context, Oid table, bool concurrently)
{
	ListCell *cell;

	if (get_rel_persistence(table) == RELPERSISTENCE_TEMP)
		concurrently = false;
	sd_locks(context, table, concurrently ? ShareUpdateExclusiveLock : ShareLock);
	foreach (cell, sd_indexes(context, table))
		if (sd_relkind(lfirst_oid(cell)) == RELKIND_INDEX)
			reindex_one(context, table, lfirst_oid(cell), concurrently);
}

/* reindex_many builds those of a schema or of the database again. */
static void
reindex_many(SdEffectContext *context, Oid schema, bool concurrently)
{
	ListCell *cell;

	foreach (cell, sd_relations_of_schema(schema))
		if (sd_has_rows(sd_relkind(lfirst_oid(cell))))
			reindex_table(context, lfirst_oid(cell), concurrently);
}

void
sd_effect_reindex(SdEffectContext *context, Node *statement)
{
	ReindexStmt *stmt = (ReindexStmt *) statement;
	bool concurrently = SD_REINDEX_CONCURRENT(stmt);
	SdRelation relation;
	ListCell *cell;
	List *members;

	if (stmt->relation == NULL)
	{
		if (stmt->kind != REINDEX_OBJECT_SYSTEM)
			reindex_many(context,
						 stmt->kind == REINDEX_OBJECT_SCHEMA ? get_namespace_oid(stmt->name, true) :
															   InvalidOid,
						 concurrently);
		return;
	}
	relation = sd_scope_relation(context->scope, stmt->relation);
	if (!sd_is_old(context, &relation))
		return;
	members = relation.relkind == RELKIND_PARTITIONED_TABLE ||
					  relation.relkind == RELKIND_PARTITIONED_INDEX ?
				  sd_family_tree(context, relation.oid) :
				  list_make1_oid(relation.oid);
	foreach (cell, members)
	{
		Oid member = lfirst_oid(cell);

		/* to find the partitions all of them are locked, as if nothing were concurrent */
		if (member != relation.oid)
			sd_locks(context, member, ShareLock);
		if (stmt->kind == REINDEX_OBJECT_TABLE)
			reindex_table(context, member, concurrently);
		else if (sd_relkind(member) == RELKIND_INDEX)
			reindex_one(context, IndexGetRelation(member, true), member, concurrently);
		else if (member == relation.oid)
		{
			sd_locks(context, IndexGetRelation(member, true),
					 concurrently ? ShareUpdateExclusiveLock : ShareLock);
			sd_locks(context, member, concurrently ? ShareUpdateExclusiveLock : AccessExclusiveLock);
		}
	}
}

/* is_clustered tells whether an index is the one that its table was clustered by. */
static bool
is_clustered(Oid index)
{
	HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_index) GETSTRUCT(tuple))->indisclustered;
	ReleaseSysCache(tuple);
	return result;
}

/* cluster_all writes every table again that was clustered before. */
static void
cluster_all(SdEffectContext *context)
{
	ListCell *cell;
	ListCell *index;

	foreach (cell, sd_relations_of_schema(InvalidOid))
	{
		foreach (index, sd_indexes(context, lfirst_oid(cell)))
		{
			if (!is_clustered(lfirst_oid(index)))
				continue;
			sd_locks(context, lfirst_oid(cell), AccessExclusiveLock);
			sd_rewrite_table(context, lfirst_oid(cell));
		}
	}
}

void
sd_effect_cluster(SdEffectContext *context, Node *statement)
{
	ClusterStmt *stmt = (ClusterStmt *) statement;
	SdRelation relation;
	ListCell *cell;

	if (stmt->relation == NULL)
	{
		cluster_all(context);
		return;
	}
	relation = sd_scope_relation(context->scope, stmt->relation);
	if (!sd_is_old(context, &relation))
		return;
	/* that of a partitioned table is let go again when its partitions are known */
	if (relation.relkind == RELKIND_PARTITIONED_TABLE)
	{
		bool before = sd_effect_certain(context, false);

		sd_locks(context, relation.oid, AccessExclusiveLock);
		sd_effect_certain(context, before);
	}
	foreach (cell, relation.relkind == RELKIND_PARTITIONED_TABLE ?
					   list_delete_oid(sd_family_tree(context, relation.oid), relation.oid) :
					   list_make1_oid(relation.oid))
	{
		sd_locks(context, lfirst_oid(cell), AccessExclusiveLock);
		sd_rewrite_table(context, lfirst_oid(cell));
	}
}
