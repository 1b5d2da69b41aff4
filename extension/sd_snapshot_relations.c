/*
 * sd_snapshot_relations.c
 *	  Relations of every kind: what pg_class and its direct companions say.
 *
 * Columns, constraints, indexes, triggers and rules are added by their files.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "foreign/foreign.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"

#include "sd_compat_catalog.h"
#include "sd_snapshot_int.h"

/*
 * Relations by OID: the hottest look-up of the walk.  What belongs together was made
 * together, so neighbours are found on the same page, most often on the last one.
 */
#define PAGE_BITS 5

typedef struct RelPage
{
	Oid number; /* OID without the last bits */
	char status;
	SdRel **rels;
} RelPage;

#define SH_PREFIX			 relmap
#define SH_ELEMENT_TYPE		 RelPage
#define SH_KEY_TYPE			 Oid
#define SH_KEY				 number
#define SH_HASH_KEY(tb, key) murmurhash32(key)
#define SH_EQUAL(tb, a, b)	 ((a) == (b))
#define SH_SCOPE			 static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

SdRel *
sd_rel(SdSnap *snap, Oid oid)
{
	Oid number = oid >> PAGE_BITS;

	if (snap->last_rels == NULL || number != snap->last_page)
	{
		RelPage *page = snap->rels ? relmap_lookup(snap->rels, number) : NULL;

		if (page == NULL)
			return NULL;
		snap->last_page = number;
		snap->last_rels = page->rels;
	}
	return snap->last_rels[oid & ((1 << PAGE_BITS) - 1)];
}

static SdRel *
add_rel(SdSnap *snap, Oid oid)
{
	bool found;
	RelPage *page = relmap_insert(snap->rels, oid >> PAGE_BITS, &found);
	SdRel *rel = sd_alloc0(snap, sizeof(SdRel));

	if (!found)
		page->rels = sd_alloc0(snap, sizeof(SdRel *) << PAGE_BITS);
	page->rels[oid & ((1 << PAGE_BITS) - 1)] = rel;
	rel->oid = oid;
	return rel;
}

static Acl *
attr_acl(HeapTuple tuple, TupleDesc desc, int attnum)
{
	return (Acl *) sd_attr_array(tuple, desc, attnum);
}

static const char *
privileges_identity(SdSnap *snap, HeapTuple tuple)
{
	Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

	return psprintf("on %s %s", form->relkind == RELKIND_SEQUENCE ? "sequence" : "table",
					sd_qualified(snap, form->relnamespace, NameStr(form->relname)));
}

static void
note_privileges(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

	sd_note_privileges(snap, tuple, desc, Anum_pg_class_relacl, RelationRelationId, form->oid,
					   form->relkind == RELKIND_SEQUENCE ? OBJECT_SEQUENCE : OBJECT_TABLE,
					   form->relowner, privileges_identity);
}

static bool
load_relation(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
	SdRel *rel;
	const char *qname;
	ArrayType *options;

	/* of a TOAST table only the options count, and few have any */
	if (form->relkind == RELKIND_TOASTVALUE)
	{
		if (heap_attisnull(tuple, Anum_pg_class_reloptions, NULL))
			return false;
	}
	else if (!sd_schema_kept(snap, form->relnamespace))
	{
		if (sd_schema_of_server(snap, form->relnamespace))
			note_privileges(snap, tuple, desc);
		return false;
	}

	options = sd_attr_array(tuple, desc, Anum_pg_class_reloptions);
	rel = add_rel(snap, form->oid);
	rel->schema = form->relnamespace;
	rel->owner = form->relowner;
	rel->am = form->relam;
	rel->tablespace = form->reltablespace;
	rel->filenode = form->relfilenode;
	rel->type = form->reltype;
	rel->of_type = form->reloftype;
	rel->toast = form->reltoastrelid;
	sd_use(snap, rel->toast);
	rel->name = sd_copy_text(snap, NameStr(form->relname));
	rel->reltuples = form->reltuples;
	rel->natts = form->relnatts;
	rel->kind = form->relkind;
	rel->persistence = form->relpersistence;
	rel->replica_identity = form->relreplident;
	rel->partition = form->relispartition;
	rel->row_security = form->relrowsecurity;
	rel->force_row_security = form->relforcerowsecurity;
	rel->populated = form->relispopulated;
	rel->options = options;
	if (form->relkind == RELKIND_TOASTVALUE)
		return false;

	qname = sd_qualified(snap, form->relnamespace, rel->name);
	rel->qname = sd_copy_text(snap, qname);
	pfree(unconstify(char *, qname));
	rel->member = sd_is_member(snap, RelationRelationId, form->oid);
	if (rel->member)
		note_privileges(snap, tuple, desc);
	rel->acl = attr_acl(tuple, desc, Anum_pg_class_relacl);
	if (form->relkind == RELKIND_INDEX || form->relkind == RELKIND_PARTITIONED_INDEX)
		return true;
	if (form->relispartition)
	{
		char *bound = sd_attr_text(tuple, desc, Anum_pg_class_relpartbound);

		rel->bound = sd_deparse_free(snap, bound);
		sd_take_unread(snap, &rel->unread);
	}
	rel->columns = sd_alloc0(snap, sizeof(SdColumn) * (rel->natts + 1));
	if (!rel->member)
		snap->rel_order = lappend(snap->rel_order, rel);
	return true;
}

/* Parents are kept in order of their number, because that is their meaning. */
static bool
load_inherits(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_inherits form = (Form_pg_inherits) GETSTRUCT(tuple);
	SdRel *rel = sd_rel(snap, form->inhrelid);
	SdParent **link;
	SdParent *parent;

	if (rel == NULL)
		return false;
	parent = palloc(sizeof(SdParent));
	rel->detach_pending = sd_compat_detach_pending(form);
	parent->seqno = form->inhseqno;
	parent->oid = form->inhparent;
	for (link = &rel->parents; *link != NULL && (*link)->seqno < parent->seqno;)
		link = &(*link)->next;
	parent->next = *link;
	*link = parent;
	return true;
}

static bool
load_foreign_table(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_foreign_table form = (Form_pg_foreign_table) GETSTRUCT(tuple);
	SdRel *rel = sd_rel(snap, form->ftrelid);

	if (rel == NULL)
		return false;
	rel->server = quote_identifier(GetForeignServer(form->ftserver)->servername);
	rel->fdw_options = sd_attr_array(tuple, desc, Anum_pg_foreign_table_ftoptions);
	return true;
}

/* Needs the columns, so it runs after they are loaded. */
static bool
load_partition_key(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_partitioned_table form = (Form_pg_partitioned_table) GETSTRUCT(tuple);
	SdRel *rel = sd_rel(snap, form->partrelid);
	bool isnull;
	oidvector *classes;
	oidvector *collations;
	char *exprs;
	List *nodes = NIL;
	ListCell *next;
	StringInfoData buf;

	if (rel == NULL || rel->member)
		return false;
	classes = (oidvector *) DatumGetPointer(
		sd_attr(tuple, desc, Anum_pg_partitioned_table_partclass, &isnull));
	collations = (oidvector *) DatumGetPointer(
		sd_attr(tuple, desc, Anum_pg_partitioned_table_partcollation, &isnull));
	exprs = sd_attr_text(tuple, desc, Anum_pg_partitioned_table_partexprs);
	if (exprs != NULL)
		nodes = castNode(List, sd_read_node(snap, exprs));
	next = list_head(nodes);

	initStringInfo(&buf);
	appendStringInfoString(&buf, form->partstrat == PARTITION_STRATEGY_HASH ? "HASH (" :
								 form->partstrat == PARTITION_STRATEGY_LIST ? "LIST (" :
																			  "RANGE (");
	for (int i = 0; i < form->partnatts; i++)
	{
		AttrNumber attnum = form->partattrs.values[i];
		Oid type;
		Oid collation;

		if (i > 0)
			appendStringInfoString(&buf, ", ");
		if (attnum != 0)
		{
			appendStringInfoString(&buf, quote_identifier(rel->columns[attnum].name));
			type = rel->columns[attnum].type;
			collation = rel->columns[attnum].collation;
		}
		else
		{
			Node *node = lfirst(next);

			next = lnext(nodes, next);
			appendStringInfo(&buf, "(%s)", sd_deparse_node(snap, rel, node));
			type = exprType(node);
			collation = exprCollation(node);
		}
		if (OidIsValid(collations->values[i]) && collations->values[i] != collation)
			appendStringInfo(&buf, " COLLATE %s", sd_collation_name(snap, collations->values[i]));
		if (!sd_opclass_is_default(snap, classes->values[i], type))
			appendStringInfo(&buf, " %s", sd_opclass_name(snap, classes->values[i]));
	}
	appendStringInfoChar(&buf, ')');
	rel->partition_key = sd_trim(&buf);
	sd_take_unread(snap, &rel->unread);
	return true;
}

void
sd_load_relations(SdSnap *snap)
{
	snap->rels = relmap_create(snap->cxt, 1024, NULL);
	sd_scan(snap, RelationRelationId, load_relation);
	sd_scan(snap, InheritsRelationId, load_inherits);
	sd_scan(snap, ForeignTableRelationId, load_foreign_table);
	sd_load_columns(snap);
	sd_scan(snap, PartitionedRelationId, load_partition_key);
}

void
sd_doc_phys_oid(SdSnap *snap, SdDoc *doc, Oid oid)
{
	if (doc->phys != NULL)
		sd_put_int(doc->phys, "oid", oid);
}

void
sd_doc_common(SdSnap *snap, SdDoc *doc, Oid classid, Oid oid, Oid owner, ObjectType objtype, Acl *acl)
{
	SdNode *privileges = sd_acl_node(snap, acl, objtype, owner);
	SdNode *labels = sd_labels_node(snap, classid, oid, 0);

	/* for a document without a subject of its own */
	sd_use(snap, oid);
	if (privileges != NULL)
		sd_put(sd_doc_map(doc, SD_FACET_SECURITY), "acl", privileges);
	if (labels != NULL)
		sd_put(sd_doc_map(doc, SD_FACET_SECURITY), "security_labels", labels);
	if (OidIsValid(owner))
		sd_put_text(sd_doc_map(doc, SD_FACET_OWNER), "name", sd_role_name(snap, owner));
	sd_doc_comment(snap, doc, NULL, "self", classid, oid, 0);
	sd_doc_phys_oid(snap, doc, oid);
	sd_doc_depends(snap, doc, classid, oid);
}

/* Parents: of a partition it is one, of inheritance an ordered list. */
static void
doc_parents(SdSnap *snap, SdRel *rel, SdNode *core)
{
	SdNode *list;

	if (rel->parents == NULL)
		return;
	if (rel->partition)
	{
		sd_put_text(core, "partition_of", sd_rel_name(snap, rel->parents->oid));
		sd_put_text(core, "bound", rel->bound);
		sd_put_true(core, "detach_pending", rel->detach_pending);
		return;
	}
	list = sd_node_list();
	for (SdParent *parent = rel->parents; parent != NULL; parent = parent->next)
		sd_add_text(list, sd_rel_name(snap, parent->oid));
	sd_put(core, "inherits", list);
}

static void
doc_storage(SdSnap *snap, SdRel *rel, SdDoc *doc)
{
	SdNode *options = sd_options_node(snap, rel->options);
	SdRel *toast = OidIsValid(rel->toast) ? sd_rel(snap, rel->toast) : NULL;
	const char *identity = NULL;

	if (options != NULL)
		sd_put(sd_doc_map(doc, SD_FACET_STORAGE), "options", options);
	if (toast != NULL)
		sd_put(sd_doc_map(doc, SD_FACET_STORAGE), "toast_options",
			   sd_options_node(snap, toast->options));
	if (OidIsValid(rel->tablespace))
		sd_put_text(sd_doc_map(doc, SD_FACET_STORAGE), "tablespace",
					sd_tablespace_name(snap, rel->tablespace));
	if (OidIsValid(rel->am) && rel->am != HEAP_TABLE_AM_OID)
		sd_put_text(sd_doc_map(doc, SD_FACET_STORAGE), "access_method", sd_am_name(snap, rel->am));

	if (rel->replica_identity == REPLICA_IDENTITY_FULL)
		identity = "full";
	else if (rel->replica_identity == REPLICA_IDENTITY_NOTHING)
		identity = "nothing";
	else if (rel->replica_identity == REPLICA_IDENTITY_INDEX)
	{
		for (SdIndex *index = rel->indexes; index != NULL; index = index->next)
			if (index->replica_identity)
				identity = psprintf("index %s", quote_identifier(index->rel->name));
	}
	if (identity != NULL && rel->kind != RELKIND_FOREIGN_TABLE && rel->kind != RELKIND_VIEW)
		sd_put_text(sd_doc_map(doc, SD_FACET_STORAGE), "replica_identity", identity);
	for (SdIndex *index = rel->indexes; index != NULL; index = index->next)
		if (index->clustered)
			sd_put_text(sd_doc_map(doc, SD_FACET_STORAGE), "cluster", index->rel->name);
}

/* Options of a view are no storage: they decide what is seen and by whom. */
static void
doc_view_options(SdSnap *snap, SdRel *rel, SdDoc *doc)
{
	SdNode *options = sd_options_node(snap, rel->options);

	for (SdNode *option = options ? options->first : NULL; option != NULL;)
	{
		SdNode *next = option->next;
		SdFacet facet = SD_FACET_STORAGE;

		option->next = NULL;
		if (strcmp(option->key, "check_option") == 0)
			facet = SD_FACET_CORE;
		else if (strncmp(option->key, "security_", 9) == 0)
			facet = SD_FACET_SECURITY;
		sd_put(sd_doc_map(doc, facet), option->key, option);
		option = next;
	}
}

static void
doc_phys(SdSnap *snap, SdRel *rel, SdDoc *doc)
{
	SdNode *columns;

	if (doc->phys == NULL)
		return;
	sd_put_int(doc->phys, "relfilenode", rel->filenode);
	sd_put_int(doc->phys, "reltuples", (int64) rel->reltuples);
	if (rel->kind == RELKIND_MATVIEW)
		sd_put_bool(doc->phys, "populated", rel->populated);
	columns = sd_node_map();
	for (int i = 1; i <= rel->natts; i++)
		if (rel->columns[i].name != NULL)
			sd_put_int(columns, rel->columns[i].name, i);
	sd_put(doc->phys, "columns", columns);
}

static void
emit_relation(SdSnap *snap, SdRel *rel, const char *kind)
{
	SdDoc *doc = sd_doc_begin(snap, kind, rel->qname);
	SdNode *core = sd_doc_map(doc, SD_FACET_CORE);
	bool view = rel->kind == RELKIND_VIEW;

	doc->unread = rel->unread;
	if (rel->persistence == RELPERSISTENCE_UNLOGGED)
		sd_put_text(core, "persistence", "unlogged");
	sd_put_text(core, "partition_key", rel->partition_key);
	doc_parents(snap, rel, core);
	if (OidIsValid(rel->of_type))
		sd_put_text(core, "of_type", sd_type_name(snap, rel->of_type, -1));
	sd_put_text(core, "definition", rel->view);
	sd_put_text(core, "server", rel->server);
	if (rel->fdw_options != NULL)
		sd_put(core, "options", sd_options_node(snap, rel->fdw_options));
	sd_doc_common(snap, doc, RelationRelationId, rel->oid, rel->owner, OBJECT_TABLE, rel->acl);
	if (rel->row_security)
		sd_put_bool(sd_doc_map(doc, SD_FACET_SECURITY), "rls", true);
	if (rel->force_row_security)
		sd_put_bool(sd_doc_map(doc, SD_FACET_SECURITY), "force_rls", true);
	doc_phys(snap, rel, doc);
	sd_doc_columns(snap, rel, doc);
	if (rel->constraints != NULL)
		sd_doc_constraints(snap, rel, doc);
	if (rel->indexes != NULL)
		sd_doc_indexes(snap, rel, doc);
	if (rel->triggers != NULL || rel->policies != NULL)
		sd_doc_triggers(snap, rel, doc);
	if (rel->rules != NULL)
		sd_doc_rules(snap, rel, doc);
	if (view)
		doc_view_options(snap, rel, doc);
	else
		doc_storage(snap, rel, doc);
	sd_doc_emit(snap, doc);
}

static void
emit_sequence(SdSnap *snap, SdRel *rel)
{
	SdDoc *doc;
	SdNode *core;

	/* an identity column owns and describes its sequence */
	if (rel->sequence == NULL || rel->sequence->identity)
		return;
	doc = sd_doc_begin(snap, "sequence", rel->qname);
	core = sd_doc_map(doc, SD_FACET_CORE);
	if (rel->persistence == RELPERSISTENCE_UNLOGGED)
		sd_put_text(core, "persistence", "unlogged");
	sd_put_sequence(snap, core, rel->sequence);
	sd_put_text(core, "owned_by", rel->sequence->owned_by);
	sd_doc_common(snap, doc, RelationRelationId, rel->oid, rel->owner, OBJECT_SEQUENCE, rel->acl);
	sd_doc_emit(snap, doc);
}

void
sd_emit_relations(SdSnap *snap)
{
	ListCell *lc;

	foreach (lc, snap->rel_order)
	{
		SdRel *rel = lfirst(lc);

		sd_subject(snap, RelationRelationId, rel->oid);
		switch (rel->kind)
		{
			case RELKIND_RELATION:
			case RELKIND_PARTITIONED_TABLE:
				emit_relation(snap, rel, "table");
				break;
			case RELKIND_FOREIGN_TABLE:
				emit_relation(snap, rel, "foreign table");
				break;
			case RELKIND_VIEW:
				emit_relation(snap, rel, "view");
				break;
			case RELKIND_MATVIEW:
				emit_relation(snap, rel, "materialized view");
				break;
			case RELKIND_SEQUENCE:
				emit_sequence(snap, rel);
				break;
			default:
				break; /* composite types are emitted with the types */
		}
	}
}
