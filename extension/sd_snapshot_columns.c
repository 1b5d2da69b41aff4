/*
 * sd_snapshot_columns.c
 *	  Columns of relations: pg_attribute and pg_attrdef.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "sd_compat_catalog.h"
#include "sd_snapshot_int.h"

/*
 * Whether the options of a column are no more than the version that the minor
 * releases of 2026 keep for every column.  Read in place, because that is the
 * case for nearly all columns of the schema.
 */
static bool
only_attver(Datum options)
{
	struct varlena *array = PG_DETOAST_DATUM_PACKED(options);
	const char *data = VARDATA_ANY(array);
	const Size header = sizeof(ArrayType) - VARHDRSZ;
	int32 fixed[3];
	int32 dim;

	if (VARSIZE_ANY_EXHDR(array) < header + 2 * sizeof(int32) + VARHDRSZ + 10)
		return false;
	memcpy(fixed, data, sizeof(fixed));
	memcpy(&dim, data + header, sizeof(dim));
	return fixed[0] == 1 && fixed[1] == 0 && dim == 1 &&
		   memcmp(data + header + 2 * sizeof(int32) + VARHDRSZ, "pg_attver=", 10) == 0;
}

static ArrayType *
column_options(HeapTuple tuple, TupleDesc desc)
{
	bool isnull;
	Datum value = sd_attr(tuple, desc, Anum_pg_attribute_attoptions, &isnull);

	return isnull || only_attver(value) ? NULL : DatumGetArrayTypePCopy(value);
}

/* Columns of an index matter by their options and statistics target alone. */
static void
load_index_attribute(SdSnap *snap, SdRel *rel, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);
	int32 statistics = sd_compat_statistics_target(tuple, desc);
	ArrayType *options = column_options(tuple, desc);

	if (statistics < 0 && options == NULL)
		return;
	if (rel->columns == NULL)
	{
		rel->columns = palloc0(sizeof(SdColumn) * (rel->natts + 1));
		for (int i = 0; i <= rel->natts; i++)
			rel->columns[i].statistics = -1;
	}
	rel->columns[form->attnum].statistics = statistics;
	rel->columns[form->attnum].options = options;
}

static bool
load_attribute(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);
	SdRel *rel;
	SdColumn *column;

	if (form->attnum <= 0 || form->attisdropped)
		return false;
	/* rows of one relation mostly follow each other */
	if (form->attrelid != snap->last_oid)
	{
		snap->last_oid = form->attrelid;
		snap->last_rel = sd_rel(snap, form->attrelid);
	}
	rel = snap->last_rel;
	if (rel == NULL || rel->member)
	{
		if (rel != NULL || form->attrelid < FirstNormalObjectId)
			sd_note_column_privileges(snap, tuple, desc);
		if (rel == NULL)
			return false;
	}
	if (rel->kind == RELKIND_TOASTVALUE || form->attnum > rel->natts)
		return false;
	if (rel->kind == RELKIND_INDEX || rel->kind == RELKIND_PARTITIONED_INDEX)
	{
		load_index_attribute(snap, rel, tuple, desc);
		return false;
	}
	/* a value of the row type has values of the types of its columns in it */
	sd_use_by(snap, TypeRelationId, rel->type, form->atttypid);
	column = &rel->columns[form->attnum];
	column->name = sd_copy_text(snap, NameStr(form->attname));
	column->type = form->atttypid;
	column->typmod = form->atttypmod;
	column->collation = form->attcollation;
	column->statistics = sd_compat_statistics_target(tuple, desc);
	column->inhcount = form->attinhcount;
	column->not_null = form->attnotnull;
	column->is_local = form->attislocal;
	column->identity = form->attidentity;
	column->generated = form->attgenerated;
	column->storage = form->attstorage;
	column->compression = sd_compat_compression(form);
	if (HeapTupleHasVarWidth(tuple))
	{
		column->acl = (Acl *) sd_attr_array(tuple, desc, Anum_pg_attribute_attacl);
		column->options = column_options(tuple, desc);
		column->fdw_options = sd_attr_array(tuple, desc, Anum_pg_attribute_attfdwoptions);
	}
	return true;
}

static bool
load_default(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_attrdef form = (Form_pg_attrdef) GETSTRUCT(tuple);
	SdRel *rel = sd_rel(snap, form->adrelid);
	SdColumn *column;
	char *node;

	if (rel == NULL || rel->member || rel->columns == NULL || form->adnum > rel->natts)
		return false;
	column = &rel->columns[form->adnum];
	node = sd_attr_text(tuple, desc, Anum_pg_attrdef_adbin);
	if (node == NULL)
		return false;
	/* only a generated column may look at the others */
	column->expr =
		column->generated ? sd_deparse_column(snap, rel, node) : sd_deparse_free(snap, node);
	sd_take_unread(snap, &rel->unread);
	pfree(node);
	return true;
}

void
sd_load_columns(SdSnap *snap)
{
	sd_scan(snap, AttributeRelationId, load_attribute);
	sd_scan(snap, AttrDefaultRelationId, load_default);
}

static const char *
storage_name(char storage)
{
	switch (storage)
	{
		case TYPSTORAGE_PLAIN:
			return "plain";
		case TYPSTORAGE_EXTERNAL:
			return "external";
		case TYPSTORAGE_EXTENDED:
			return "extended";
		default:
			return "main";
	}
}

/* What a column stores how; NULL when all is at the default of its type. */
static SdNode *
column_storage(SdSnap *snap, SdRel *rel, SdColumn *column)
{
	SdNode *map = NULL;
	SdNode *options = column->options ? sd_options_node(snap, column->options) : NULL;
	bool stores = rel->kind != RELKIND_VIEW;

	if (stores && column->storage != sd_type_storage(snap, column->type))
	{
		map = sd_node_map();
		sd_put_text(map, "storage", storage_name(column->storage));
	}
	if (stores && column->compression != '\0')
	{
		map = map ? map : sd_node_map();
		sd_put_text(map, "compression", column->compression == 'l' ? "lz4" : "pglz");
	}
	if (column->statistics >= 0)
	{
		map = map ? map : sd_node_map();
		sd_put_int(map, "statistics", column->statistics);
	}
	if (options != NULL)
	{
		map = map ? map : sd_node_map();
		sd_put(map, "options", options);
	}
	return map;
}

static SdNode *
column_core(SdSnap *snap, SdRel *rel, SdColumn *column)
{
	SdNode *map = sd_node_map();

	if (OidIsValid(column->collation) && column->collation != sd_type_collation(snap, column->type))
		sd_put_text(map, "collation", sd_collation_name(snap, column->collation));
	if (column->expr != NULL && !column->generated)
		sd_put_text(map, "default", column->expr);
	if (column->generated)
	{
		sd_put_text(map, "generated", column->expr);
		if (column->generated != ATTRIBUTE_GENERATED_STORED)
			sd_put_text(map, "generated_kind", "virtual");
	}
	if (column->identity)
	{
		SdNode *identity = sd_node_map();

		sd_put_text(identity, "kind",
					column->identity == ATTRIBUTE_IDENTITY_ALWAYS ? "always" : "by default");
		if (column->sequence != NULL)
		{
			sd_put_sequence(snap, identity, column->sequence);
			sd_put_text(identity, "sequence", column->sequence->rel->qname);
			if (column->sequence->rel->persistence != rel->persistence)
				sd_put_text(identity, "persistence",
							rel->persistence == RELPERSISTENCE_UNLOGGED ? "permanent" : "unlogged");
		}
		sd_put(map, "identity", identity);
	}
	if (column->inhcount > 0)
	{
		sd_put_bool(map, "inherited", true);
		if (!rel->partition)
			sd_put_true(map, "local", column->is_local);
	}
	sd_put_true(map, "not_null", column->not_null);
	if (column->fdw_options != NULL)
		sd_put(map, "options", sd_options_node(snap, column->fdw_options));
	sd_put_text(map, "type", sd_type_name(snap, column->type, column->typmod));
	return map;
}

/* Privileges and comment of the sequence of an identity column stand with the column. */
static SdNode *
column_security(SdSnap *snap, SdRel *rel, SdColumn *column, int attnum)
{
	SdNode *map = NULL;
	SdNode *acl = sd_acl_node(snap, column->acl, OBJECT_COLUMN, rel->owner);
	SdNode *labels = sd_labels_node(snap, RelationRelationId, rel->oid, attnum);

	if (acl != NULL || labels != NULL)
		map = sd_node_map();
	if (acl != NULL)
		sd_put(map, "acl", acl);
	if (labels != NULL)
		sd_put(map, "security_labels", labels);
	if (column->sequence != NULL)
	{
		SdRel *seq = column->sequence->rel;

		acl = sd_acl_node(snap, seq->acl, OBJECT_SEQUENCE, seq->owner);
		if (acl != NULL)
		{
			map = map ? map : sd_node_map();
			sd_put(map, "sequence_acl", acl);
		}
		labels = sd_labels_node(snap, RelationRelationId, seq->oid, 0);
		if (labels != NULL)
		{
			map = map ? map : sd_node_map();
			sd_put(map, "sequence_labels", labels);
		}
	}
	return map;
}

void
sd_doc_columns(SdSnap *snap, SdRel *rel, SdDoc *doc)
{
	SdNode *columns = sd_node_map();
	SdNode *order = sd_node_list();

	for (int i = 1; i <= rel->natts; i++)
	{
		SdColumn *column = &rel->columns[i];
		SdNode *part;

		if (column->name == NULL)
			continue;
		sd_add_text(order, column->name);
		sd_put(columns, column->name, column_core(snap, rel, column));
		if ((part = column_security(snap, rel, column, i)) != NULL)
			sd_put(sd_map_map(sd_doc_map(doc, SD_FACET_SECURITY), "columns"), column->name, part);
		if ((part = column_storage(snap, rel, column)) != NULL)
			sd_put(sd_map_map(sd_doc_map(doc, SD_FACET_STORAGE), "columns"), column->name, part);
		if (rel->commented)
			sd_doc_comment(snap, doc, "columns", column->name, RelationRelationId, rel->oid, i);
		if (column->sequence != NULL && column->sequence->rel->commented)
			sd_doc_comment(snap, doc, "sequences", column->name, RelationRelationId,
						   column->sequence->rel->oid, 0);
	}
	sd_put(sd_doc_map(doc, SD_FACET_CORE), "columns", columns);
	sd_put(sd_doc_map(doc, SD_FACET_ORDER), "columns", order);
}
