/*
 * sd_snapshot_indexes.c
 *	  Indexes, built from the arrays of pg_index: no relation is opened.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "sd_compat_catalog.h"
#include "sd_snapshot_int.h"

/* A row of pg_index with what its keys need. */
typedef struct IndexRow
{
	SdRel *rel;	  /* table */
	SdRel *index; /* its own */
	int16 *keys;
	Oid *collations;
	Oid *classes;
	int16 *options;
	List *exprs;
	ListCell *next_expr;
	int natts;
	int nkeyatts;
} IndexRow;

/* Parentheses are needed around all but a plain function call. */
static bool
is_call(Node *node)
{
	return IsA(node, FuncExpr) && ((FuncExpr *) node)->funcformat == COERCE_EXPLICIT_CALL;
}

/* Options of an operator class sit with the column of the index. */
static void
append_opclass_options(SdSnap *snap, StringInfo buf, SdRel *index, int column)
{
	SdNode *map = index->columns ? sd_options_node(snap, index->columns[column].options) : NULL;
	const char *sep = " (";

	if (map == NULL)
		return;
	for (SdNode *option = map->first; option != NULL; option = option->next)
	{
		appendStringInfo(buf, "%s%s=%s", sep, quote_identifier(option->key),
						 quote_literal_cstr(option->str));
		sep = ", ";
	}
	appendStringInfoChar(buf, ')');
}

static void
append_key(SdSnap *snap, StringInfo buf, IndexRow *row, int i)
{
	Oid type;
	Oid collation;

	if (row->keys[i] != 0)
	{
		SdColumn *column = row->keys[i] > 0 ? &row->rel->columns[row->keys[i]] : NULL;

		appendStringInfoString(buf,
							   quote_identifier(sd_column_name(snap, row->rel->oid, row->keys[i])));
		type = column ? column->type : get_atttype(row->rel->oid, row->keys[i]);
		collation = column ? column->collation : InvalidOid;
	}
	else
	{
		Node *node = lfirst(row->next_expr);
		const char *text = sd_deparse_node(snap, row->rel, node);

		row->next_expr = lnext(row->exprs, row->next_expr);
		appendStringInfo(buf, is_call(node) ? "%s" : "(%s)", text);
		type = exprType(node);
		collation = exprCollation(node);
	}
	if (i >= row->nkeyatts)
		return;
	if (OidIsValid(row->collations[i]) && row->collations[i] != collation)
		appendStringInfo(buf, " COLLATE %s", sd_collation_name(snap, row->collations[i]));
	/* options can only stand after the name of the class */
	if (!sd_opclass_is_default(snap, row->classes[i], type) ||
		(row->index->columns != NULL && row->index->columns[i + 1].options != NULL))
		appendStringInfo(buf, " %s", sd_opclass_name(snap, row->classes[i]));
	append_opclass_options(snap, buf, row->index, i + 1);
	if (row->options[i] & INDOPTION_DESC)
		appendStringInfoString(buf, row->options[i] & INDOPTION_NULLS_FIRST ? " DESC" :
																			  " DESC NULLS LAST");
	else if (row->options[i] & INDOPTION_NULLS_FIRST)
		appendStringInfoString(buf, " NULLS FIRST");
}

/* " INCLUDE (…)" or nothing */
static const char *
include_text(SdSnap *snap, IndexRow *row)
{
	StringInfoData buf;

	if (row->natts == row->nkeyatts)
		return "";
	initStringInfo(&buf);
	for (int i = row->nkeyatts; i < row->natts; i++)
	{
		appendStringInfoString(&buf, i == row->nkeyatts ? " INCLUDE (" : ", ");
		append_key(snap, &buf, row, i);
	}
	appendStringInfoChar(&buf, ')');
	return sd_trim(&buf);
}

static void
read_row(SdSnap *snap, IndexRow *row, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	bool isnull;
	char *exprs;

	row->keys = form->indkey.values;
	row->natts = form->indnatts;
	row->nkeyatts = form->indnkeyatts;
	row->collations =
		((oidvector *) DatumGetPointer(sd_attr(tuple, desc, Anum_pg_index_indcollation, &isnull)))->values;
	row->classes =
		((oidvector *) DatumGetPointer(sd_attr(tuple, desc, Anum_pg_index_indclass, &isnull)))->values;
	row->options =
		((int2vector *) DatumGetPointer(sd_attr(tuple, desc, Anum_pg_index_indoption, &isnull)))->values;
	exprs = sd_attr_text(tuple, desc, Anum_pg_index_indexprs);
	row->exprs = exprs ? castNode(List, sd_read_node(snap, exprs)) : NIL;
	row->next_expr = list_head(row->exprs);
}

/* Texts of an index; what an exclusion constraint interleaves is kept apart. */
static void
describe_index(SdSnap *snap, SdIndex *index, IndexRow *row, const char *predicate, bool exclusion)
{
	StringInfoData buf;

	index->nkeys = row->nkeyatts;
	if (exclusion)
		index->keys = palloc(sizeof(char *) * row->nkeyatts);
	initStringInfo(&buf);
	appendStringInfoString(&buf, "USING ");
	appendStringInfoString(&buf, sd_am_name(snap, row->index->am));
	appendStringInfoString(&buf, " (");
	for (int i = 0; i < row->nkeyatts; i++)
	{
		int start;

		if (i > 0)
			appendStringInfoString(&buf, ", ");
		start = buf.len;
		append_key(snap, &buf, row, i);
		if (exclusion)
			index->keys[i] = pstrdup(buf.data + start);
	}
	appendStringInfoChar(&buf, ')');
	index->include = include_text(snap, row);
	index->predicate = "";
	if (predicate != NULL)
		index->predicate = psprintf(" WHERE %s", sd_deparse_column(snap, row->rel, predicate));
	appendStringInfoString(&buf, index->include);
	if (index->nulls_not_distinct)
		appendStringInfoString(&buf, " NULLS NOT DISTINCT");
	appendStringInfoString(&buf, index->predicate);
	index->definition = sd_trim(&buf);
}

/* Copies the texts of an index out of the context of its row. */
static void
keep_texts(SdSnap *snap, SdIndex *index)
{
	index->definition = sd_copy_text(snap, index->definition);
	index->include = index->include[0] ? sd_copy_text(snap, index->include) : "";
	index->predicate = index->predicate[0] ? sd_copy_text(snap, index->predicate) : "";
	if (index->keys != NULL)
	{
		const char **keys = sd_alloc0(snap, sizeof(char *) * index->nkeys);

		for (int i = 0; i < index->nkeys; i++)
			keys[i] = sd_copy_text(snap, index->keys[i]);
		index->keys = keys;
	}
}

static bool
load_index(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	IndexRow row = { .rel = sd_rel(snap, form->indrelid), .index = sd_rel(snap, form->indexrelid) };
	MemoryContext old;
	SdIndex *index;

	if (row.rel == NULL || row.index == NULL || row.rel->member || row.rel->kind == RELKIND_TOASTVALUE)
		return false;
	index = sd_alloc0(snap, sizeof(SdIndex));
	index->rel = row.index;
	index->table = row.rel;
	index->unique = form->indisunique;
	index->nulls_not_distinct = sd_compat_nulls_not_distinct(form);
	index->valid = form->indisvalid;
	index->ready = form->indisready;
	index->clustered = form->indisclustered;
	index->replica_identity = form->indisreplident;
	/* trees of expressions are large, and only their texts are kept */
	old = MemoryContextSwitchTo(snap->row_cxt);
	read_row(snap, &row, tuple, desc);
	describe_index(snap, index, &row, sd_attr_text(tuple, desc, Anum_pg_index_indpred),
				   form->indisexclusion);
	MemoryContextSwitchTo(old);
	keep_texts(snap, index);
	MemoryContextReset(snap->row_cxt);
	sd_take_unread(snap, &row.rel->unread);
	index->next = row.rel->indexes;
	row.rel->indexes = index;
	row.index->index = index;
	return true;
}

void
sd_load_indexes(SdSnap *snap)
{
	sd_scan(snap, IndexRelationId, load_index);
}

/* Options, tablespace and statistics targets; NULL when all are defaults. */
static SdNode *
index_storage(SdSnap *snap, SdIndex *index)
{
	SdNode *map = NULL;
	SdNode *options = sd_options_node(snap, index->rel->options);

	if (options != NULL)
	{
		map = sd_node_map();
		sd_put(map, "options", options);
	}
	if (OidIsValid(index->rel->tablespace))
	{
		map = map ? map : sd_node_map();
		sd_put_text(map, "tablespace", sd_tablespace_name(snap, index->rel->tablespace));
	}
	for (int i = 1; index->rel->columns != NULL && i <= index->rel->natts; i++)
		if (index->rel->columns[i].statistics >= 0)
		{
			map = map ? map : sd_node_map();
			sd_put_int(sd_map_map(map, "statistics"), psprintf("%d", i),
					   index->rel->columns[i].statistics);
		}
	return map;
}

void
sd_doc_indexes(SdSnap *snap, SdRel *rel, SdDoc *doc)
{
	SdNode *phys = doc->phys ? sd_map_map(doc->phys, "indexes") : NULL;

	for (SdIndex *index = rel->indexes; index != NULL; index = index->next)
	{
		const char *name = index->rel->name;
		SdNode *storage = index_storage(snap, index);

		if (storage != NULL)
			sd_put(sd_map_map(sd_doc_map(doc, SD_FACET_STORAGE), "indexes"), name, storage);
		if (index->rel->commented)
			sd_doc_comment(snap, doc, "indexes", name, RelationRelationId, index->rel->oid, 0);
		if (phys != NULL)
		{
			SdNode *map = sd_node_map();

			sd_put_int(map, "oid", index->rel->oid);
			sd_put_int(map, "relfilenode", index->rel->filenode);
			sd_put(phys, name, map);
		}
		if (index->name_of_constraint == NULL)
		{
			SdNode *map = sd_node_map();

			sd_put_text(map, "definition", index->definition);
			if (index->rel->parents != NULL)
				sd_put_text(map, "partition_of", sd_rel_name(snap, index->rel->parents->oid));
			sd_put_false(map, "ready", index->ready);
			sd_put_true(map, "unique", index->unique);
			sd_put_false(map, "valid", index->valid);
			sd_put(sd_map_map(sd_doc_map(doc, SD_FACET_CORE), "indexes"), name, map);
		}
	}
}
