/*
 * sd_snapshot_data.c
 *	  What is about the data of tables but outside of them: extended statistics,
 *	  publications, foreign servers.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_statistic_ext.h"
#include "foreign/foreign.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "sd_compat_catalog.h"
#include "sd_snapshot_int.h"

static bool
emit_statistics(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	static const char *const kinds[][2] = {
		{ "d", "ndistinct" }, { "f", "dependencies" }, { "m", "mcv" }, { "e", "expressions" }
	};
	Form_pg_statistic_ext form = (Form_pg_statistic_ext) GETSTRUCT(tuple);
	SdRel *rel = sd_rel(snap, form->stxrelid);
	ArrayType *stored;
	char *exprs;
	int32 target = sd_compat_stxstattarget(tuple, desc);
	SdDoc *doc;
	SdNode *core;
	SdNode *list;

	if (!sd_schema_kept(snap, form->stxnamespace) || rel == NULL ||
		sd_is_member(snap, StatisticExtRelationId, form->oid))
		return false;
	sd_use(snap, rel->oid);
	doc = sd_doc_begin(snap, "statistics",
					   sd_qualified(snap, form->stxnamespace, NameStr(form->stxname)));
	core = sd_doc_map(doc, SD_FACET_CORE);
	sd_put_text(core, "table", rel->qname);

	list = sd_node_list();
	for (int i = 0; i < form->stxkeys.dim1; i++)
		sd_add_text(list, sd_column_name(snap, rel->oid, form->stxkeys.values[i]));
	if (list->first != NULL)
		sd_put(core, "columns", list);
	exprs = sd_attr_text(tuple, desc, SD_ANUM_STXEXPRS);
	if (exprs != NULL)
	{
		List *nodes = castNode(List, sd_read_node(snap, exprs));
		ListCell *lc;

		list = sd_node_list();
		foreach (lc, nodes)
			sd_add_text(list, sd_deparse_node(snap, rel, lfirst(lc)));
		sd_put(core, "expressions", list);
	}

	stored = sd_attr_array(tuple, desc, Anum_pg_statistic_ext_stxkind);
	list = sd_node_list();
	for (int k = 0; k < lengthof(kinds); k++)
		for (int i = 0; stored != NULL && i < ARR_DIMS(stored)[0]; i++)
			if (ARR_DATA_PTR(stored)[i] == kinds[k][0][0])
				sd_add_text(list, kinds[k][1]);
	sd_put(core, "kinds", list);
	if (target >= 0)
		sd_put_int(sd_doc_map(doc, SD_FACET_STORAGE), "statistics", target);
	sd_doc_common(snap, doc, StatisticExtRelationId, form->oid, form->stxowner,
				  OBJECT_STATISTIC_EXT, NULL);
	sd_doc_emit(snap, doc);
	return true;
}

/* Rows of pg_publication_rel and _namespace are few; they wait in lists for their publication. */
typedef struct PublicationPart
{
	Oid publication;
	const char *name;
	SdNode *node; /* of a table: columns and condition */
	SdUnread *unread;
} PublicationPart;

static bool
load_publication_table(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_publication_rel form = (Form_pg_publication_rel) GETSTRUCT(tuple);
	SdRel *rel = sd_rel(snap, form->prrelid);
	PublicationPart *part = palloc(sizeof(PublicationPart));
	char *condition = sd_attr_text(tuple, desc, SD_ANUM_PRQUAL);
	bool isnull = true;
	Datum columns = SD_ANUM_PRATTRS ? sd_attr(tuple, desc, SD_ANUM_PRATTRS, &isnull) : (Datum) 0;

	part->publication = form->prpubid;
	part->name = sd_rel_name(snap, form->prrelid);
	part->node = sd_node_map();
	part->unread = NULL;
	if (!isnull)
	{
		int2vector *vector = (int2vector *) DatumGetArrayTypePCopy(columns);
		SdNode *list = sd_node_list();

		for (int i = 0; i < vector->dim1; i++)
			sd_add_text(list, pstrdup(sd_column_name(snap, form->prrelid, vector->values[i])));
		sd_put(part->node, "columns", list);
	}
	if (condition != NULL)
		sd_use(snap, form->prrelid);
	if (condition != NULL && rel != NULL)
		sd_put_text(part->node, "where", sd_deparse_column(snap, rel, condition));
	sd_take_unread(snap, &part->unread);
	snap->publication_tables = lappend(snap->publication_tables, part);
	return true;
}

static bool
load_publication_schema(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	PublicationPart *part = palloc(sizeof(PublicationPart));
	Oid schema;

	sd_compat_publication_namespace(tuple, &part->publication, &schema);
	part->name = sd_schema_name(snap, schema);
	part->node = NULL;
	part->unread = NULL;
	snap->publication_schemas = lappend(snap->publication_schemas, part);
	return true;
}

static int
compare_parts(const ListCell *a, const ListCell *b)
{
	return strcmp(((PublicationPart *) lfirst(a))->name, ((PublicationPart *) lfirst(b))->name);
}

static bool
emit_publication(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_publication form = (Form_pg_publication) GETSTRUCT(tuple);
	SdDoc *doc;
	SdNode *core;
	SdNode *list;
	ListCell *lc;

	doc = sd_doc_begin(snap, "publication", quote_identifier(pstrdup(NameStr(form->pubname))));
	core = sd_doc_map(doc, SD_FACET_CORE);
	sd_put_true(core, "all_tables", form->puballtables);
	list = sd_node_list();
	if (form->pubdelete)
		sd_add_text(list, "delete");
	if (form->pubinsert)
		sd_add_text(list, "insert");
	if (form->pubtruncate)
		sd_add_text(list, "truncate");
	if (form->pubupdate)
		sd_add_text(list, "update");
	sd_put(core, "publish", list);
	sd_put_true(core, "generated_columns", sd_compat_publishes_generated(form));
	sd_put_true(core, "via_root", form->pubviaroot);
	foreach (lc, snap->publication_tables)
	{
		PublicationPart *part = lfirst(lc);

		if (part->publication != form->oid)
			continue;
		sd_put(sd_map_map(core, "tables"), part->name, part->node);
		if (part->unread != NULL)
			doc->unread = part->unread;
	}
	list = sd_node_list();
	foreach (lc, snap->publication_schemas)
	{
		PublicationPart *part = lfirst(lc);

		if (part->publication == form->oid)
			sd_add_text(list, part->name);
	}
	if (list->first != NULL)
		sd_put(core, "schemas", list);
	sd_doc_common(snap, doc, PublicationRelationId, form->oid, form->pubowner, OBJECT_PUBLICATION,
				  NULL);
	sd_doc_emit(snap, doc);
	return true;
}

static const char *
wrapper_identity(SdSnap *snap, HeapTuple tuple)
{
	const char *name = NameStr(((Form_pg_foreign_data_wrapper) GETSTRUCT(tuple))->fdwname);

	return psprintf("on foreign data wrapper %s", quote_identifier(name));
}

static bool
emit_wrapper(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_foreign_data_wrapper form = (Form_pg_foreign_data_wrapper) GETSTRUCT(tuple);
	SdDoc *doc;
	SdNode *core;
	SdNode *options;

	if (sd_is_member(snap, ForeignDataWrapperRelationId, form->oid))
	{
		sd_note_privileges(snap, tuple, desc, Anum_pg_foreign_data_wrapper_fdwacl,
						   ForeignDataWrapperRelationId, form->oid, OBJECT_FDW, form->fdwowner,
						   wrapper_identity);
		return false;
	}
	doc = sd_doc_begin(snap, "foreign data wrapper",
					   quote_identifier(pstrdup(NameStr(form->fdwname))));
	core = sd_doc_map(doc, SD_FACET_CORE);
	if (OidIsValid(form->fdwhandler))
		sd_put_text(core, "handler", sd_proc_name(snap, form->fdwhandler));
	if (OidIsValid(form->fdwvalidator))
		sd_put_text(core, "validator", sd_proc_name(snap, form->fdwvalidator));
	options =
		sd_options_node(snap, sd_attr_array(tuple, desc, Anum_pg_foreign_data_wrapper_fdwoptions));
	if (options != NULL)
		sd_put(core, "options", options);
	sd_doc_common(snap, doc, ForeignDataWrapperRelationId, form->oid, form->fdwowner, OBJECT_FDW,
				  (Acl *) sd_attr_array(tuple, desc, Anum_pg_foreign_data_wrapper_fdwacl));
	sd_doc_emit(snap, doc);
	return true;
}

static bool
emit_server(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_foreign_server form = (Form_pg_foreign_server) GETSTRUCT(tuple);
	SdDoc *doc;
	SdNode *core;
	SdNode *options;

	if (sd_is_member(snap, ForeignServerRelationId, form->oid))
		return false;
	doc = sd_doc_begin(snap, "server", quote_identifier(pstrdup(NameStr(form->srvname))));
	core = sd_doc_map(doc, SD_FACET_CORE);
	sd_put_text(core, "fdw", quote_identifier(GetForeignDataWrapper(form->srvfdw)->fdwname));
	sd_put_text(core, "type", sd_attr_text(tuple, desc, Anum_pg_foreign_server_srvtype));
	sd_put_text(core, "version", sd_attr_text(tuple, desc, Anum_pg_foreign_server_srvversion));
	options = sd_options_node(snap, sd_attr_array(tuple, desc, Anum_pg_foreign_server_srvoptions));
	if (options != NULL)
		sd_put(core, "options", options);
	sd_doc_common(snap, doc, ForeignServerRelationId, form->oid, form->srvowner,
				  OBJECT_FOREIGN_SERVER,
				  (Acl *) sd_attr_array(tuple, desc, Anum_pg_foreign_server_srvacl));
	sd_doc_emit(snap, doc);
	return true;
}

void
sd_emit_data(SdSnap *snap)
{
	sd_scan(snap, StatisticExtRelationId, emit_statistics);
	sd_scan(snap, PublicationRelRelationId, load_publication_table);
	if (OidIsValid(SD_PUBLICATION_NAMESPACE))
		sd_scan(snap, SD_PUBLICATION_NAMESPACE, load_publication_schema);
	list_sort(snap->publication_schemas, compare_parts);
	sd_scan(snap, PublicationRelationId, emit_publication);
	sd_scan(snap, ForeignDataWrapperRelationId, emit_wrapper);
	sd_scan(snap, ForeignServerRelationId, emit_server);
}
