/*
 * sd_snapshot_privileges.c
 *	  Privileges on what gets no document of its own: objects of the server and
 *	  members of extensions.
 *
 * They belong to the server or to the extension, but who may use them is for the
 * user to say, and a dump keeps that.  What they came with is in pg_init_privs;
 * one whose list says something else gets a document of kind "privileges".  Nearly
 * all have no list at all, which is found out without touching the row.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_init_privs.h"

#include "utils/lsyscache.h"

#include "sd_snapshot_reuse.h"

typedef struct InitialKey
{
	Oid oid;
	Oid classid;
	int32 sub;
} InitialKey;

typedef struct Initial
{
	InitialKey key;
	Acl *acl;
} Initial;

/* An object, or a column of it when "column" says so. */
typedef struct Changed
{
	SdKey key;
	const char *identity;
	const char *column;
	Acl *acl;
	Acl *initial;
} Changed;

typedef struct SdPrivileges
{
	HTAB *initial; /* all of them, unless the walk reads a subset */
	List *changed;
} SdPrivileges;

static bool
load_initial(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_init_privs form = (Form_pg_init_privs) GETSTRUCT(tuple);
	InitialKey key = { form->objoid, form->classoid, form->objsubid };
	Initial *initial = hash_search(snap->privileges->initial, &key, HASH_ENTER, NULL);

	initial->acl = (Acl *) sd_attr_array(tuple, desc, Anum_pg_init_privs_initprivs);
	return true;
}

void
sd_load_privileges(SdSnap *snap)
{
	snap->privileges = palloc0(sizeof(SdPrivileges));
	snap->privileges->initial =
		sd_hash(snap, "safedeploy initial privileges", sizeof(InitialKey), sizeof(Initial));
	sd_scan(snap, InitPrivsRelationId, load_initial);
}

typedef struct Search
{
	TupleDesc desc;
	int32 sub;
	Acl *acl;
} Search;

static void
find_initial(HeapTuple tuple, void *arg)
{
	Search *search = arg;

	if (((Form_pg_init_privs) GETSTRUCT(tuple))->objsubid == search->sub)
		search->acl = (Acl *) sd_attr_array(tuple, search->desc, Anum_pg_init_privs_initprivs);
}

static Acl *
initial_acl(SdSnap *snap, Oid classid, Oid oid, int32 sub)
{
	InitialKey key = { oid, classid, sub };
	Initial *initial;

	if (snap->subset != NULL)
	{
		static const AttrNumber attnums[] = { Anum_pg_init_privs_objoid, Anum_pg_init_privs_classoid };
		const Oid values[] = { oid, classid };
		Search search = { .desc = sd_catalog_desc(snap, InitPrivsRelationId), .sub = sub };

		sd_scan_index(snap, InitPrivsRelationId, InitPrivsObjIndexId, 2, attnums, values,
					  find_initial, &search);
		return search.acl;
	}
	initial = hash_search(snap->privileges->initial, &key, HASH_FIND, NULL);
	return initial ? initial->acl : NULL;
}

/* The list of a row, NULL when it has none or says what the object came with. */
static Acl *
changed_acl(SdSnap *snap, HeapTuple tuple, TupleDesc desc, int attnum, Oid classid, Oid oid,
			int32 sub, ObjectType objtype, Oid owner, Acl **initial)
{
	Acl *acl;

	if (heap_attisnull(tuple, attnum, NULL))
		return NULL;
	acl = (Acl *) sd_attr_array(tuple, desc, attnum);
	*initial = initial_acl(snap, classid, oid, sub);
	if (*initial != NULL && VARSIZE(*initial) == VARSIZE(acl) &&
		memcmp(*initial, acl, VARSIZE(acl)) == 0)
		return NULL;
	if (*initial == NULL)
		*initial = acldefault(objtype, owner);
	return sd_acl_equal(*initial, acl) ? NULL : acl;
}

static void
note(SdSnap *snap, Changed changed)
{
	Changed *copy = palloc(sizeof(Changed));

	*copy = changed;
	snap->privileges->changed = lappend(snap->privileges->changed, copy);
}

void
sd_note_privileges(SdSnap *snap, HeapTuple tuple, TupleDesc desc, int attnum, Oid classid, Oid oid,
				   ObjectType objtype, Oid owner, SdIdentityFn identity)
{
	Changed changed = { .key = { classid, oid } };

	changed.acl =
		changed_acl(snap, tuple, desc, attnum, classid, oid, 0, objtype, owner, &changed.initial);
	if (changed.acl == NULL)
		return;
	changed.identity = identity(snap, tuple);
	note(snap, changed);
}

void
sd_note_column_privileges(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);
	Changed changed = { .key = { RelationRelationId, form->attrelid } };

	changed.acl =
		changed_acl(snap, tuple, desc, Anum_pg_attribute_attacl, RelationRelationId, form->attrelid,
					form->attnum, OBJECT_COLUMN, InvalidOid, &changed.initial);
	if (changed.acl == NULL)
		return;
	changed.identity = psprintf("on table %s", sd_qualified(snap, get_rel_namespace(form->attrelid),
															get_rel_name(form->attrelid)));
	changed.column = pstrdup(NameStr(form->attname));
	note(snap, changed);
}

static int
compare_changed(const ListCell *a, const ListCell *b)
{
	const Changed *x = lfirst(a);
	const Changed *y = lfirst(b);

	if (x->key.classid != y->key.classid)
		return x->key.classid < y->key.classid ? -1 : 1;
	if (x->key.oid != y->key.oid)
		return x->key.oid < y->key.oid ? -1 : 1;
	return (x->column != NULL) - (y->column != NULL);
}

/* What the object came with is in the document, because it is the way back. */
static void
put_changed(SdSnap *snap, SdDoc *doc, const Changed *changed)
{
	SdNode *core = sd_doc_map(doc, SD_FACET_CORE);
	SdNode *security = sd_doc_map(doc, SD_FACET_SECURITY);

	if (changed->column != NULL)
	{
		core = sd_map_map(sd_map_map(core, "columns"), changed->column);
		security = sd_map_map(sd_map_map(security, "columns"), changed->column);
	}
	sd_put(core, "initial", sd_acl_all_node(snap, changed->initial));
	sd_put(security, "acl", sd_acl_all_node(snap, changed->acl));
}

void
sd_emit_privileges(SdSnap *snap)
{
	SdDoc *doc = NULL;
	const Changed *last = NULL;
	ListCell *lc;

	list_sort(snap->privileges->changed, compare_changed);
	foreach (lc, snap->privileges->changed)
	{
		const Changed *changed = lfirst(lc);

		if (last == NULL || last->key.classid != changed->key.classid ||
			last->key.oid != changed->key.oid)
		{
			if (doc != NULL)
				sd_doc_emit(snap, doc);
			sd_subject(snap, changed->key.classid, changed->key.oid);
			doc = sd_doc_begin(snap, "privileges", changed->identity);
			sd_use(snap, changed->key.oid);
			sd_doc_phys_oid(snap, doc, changed->key.oid);
		}
		put_changed(snap, doc, changed);
		last = changed;
	}
	if (doc != NULL)
		sd_doc_emit(snap, doc);
}
