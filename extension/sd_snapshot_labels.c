/*
 * sd_snapshot_labels.c
 *	  Security labels: {provider: label} for each object that has any.
 */
#include "postgres.h"

#include "catalog/objectaddress.h"
#include "catalog/pg_seclabel.h"
#include "catalog/pg_shseclabel.h"

#include "sd_snapshot_int.h"

typedef struct LabelEntry
{
	ObjectAddress key;
	List *labels; /* pairs of provider and label */
} LabelEntry;

static void
add_label(SdSnap *snap, ObjectAddress key, char *provider, char *label)
{
	LabelEntry *entry;
	bool found;

	/* hardly any database has labels */
	if (snap->labels == NULL)
		snap->labels = sd_hash(snap, "safedeploy labels", sizeof(ObjectAddress), sizeof(LabelEntry));
	entry = hash_search(snap->labels, &key, HASH_ENTER, &found);
	if (!found)
		entry->labels = NIL;
	entry->labels = lappend(lappend(entry->labels, provider), label);
}

static bool
load_label(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	FormData_pg_seclabel *form = (FormData_pg_seclabel *) GETSTRUCT(tuple);
	ObjectAddress key = { form->classoid, form->objoid, form->objsubid };

	add_label(snap, key, sd_attr_text(tuple, desc, Anum_pg_seclabel_provider),
			  sd_attr_text(tuple, desc, Anum_pg_seclabel_label));
	return true;
}

static bool
load_shared_label(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_shseclabel form = (Form_pg_shseclabel) GETSTRUCT(tuple);
	ObjectAddress key = { form->classoid, form->objoid, 0 };

	add_label(snap, key, sd_attr_text(tuple, desc, Anum_pg_shseclabel_provider),
			  sd_attr_text(tuple, desc, Anum_pg_shseclabel_label));
	return true;
}

void
sd_load_labels(SdSnap *snap)
{
	sd_scan(snap, SecLabelRelationId, load_label);
}

void
sd_load_shared_labels(SdSnap *snap)
{
	sd_scan(snap, SharedSecLabelRelationId, load_shared_label);
}

SdNode *
sd_labels_node(SdSnap *snap, Oid classid, Oid oid, int32 sub)
{
	ObjectAddress key = { classid, oid, sub };
	LabelEntry *entry;
	SdNode *map;

	if (snap->labels == NULL)
		return NULL;
	entry = hash_search(snap->labels, &key, HASH_FIND, NULL);
	if (entry == NULL)
		return NULL;
	map = sd_node_map();
	for (int i = 0; i < list_length(entry->labels); i += 2)
		sd_put_text(map, list_nth(entry->labels, i), list_nth(entry->labels, i + 1));
	return map;
}
