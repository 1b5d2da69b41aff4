/*
 * sd_snapshot_comments.c
 *	  Comments: read before the objects that they are about.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_description.h"
#include "catalog/pg_largeobject.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_shdescription.h"

#include "sd_snapshot_int.h"

typedef struct CommentEntry
{
	ObjectAddress key;
	const char *text;
} CommentEntry;

static bool
load_comment(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_description form = (Form_pg_description) GETSTRUCT(tuple);
	ObjectAddress key = { form->classoid, form->objoid, form->objsubid };
	CommentEntry *entry;

	/*
	 * initdb comments its own objects; only those of schemas are the user's to change, while
	 * large objects may have any number
	 */
	if (form->objoid < FirstNormalObjectId && form->classoid != NamespaceRelationId &&
		form->classoid != LargeObjectRelationId)
		return false;
	entry = hash_search(snap->comments, &key, HASH_ENTER, NULL);
	entry->text = sd_attr_text(tuple, desc, Anum_pg_description_description);
	if (form->classoid == RelationRelationId)
	{
		SdRel *rel = sd_rel(snap, form->objoid);

		if (rel != NULL)
			rel->commented = true;
	}
	return true;
}

void
sd_load_comments(SdSnap *snap)
{
	snap->comments =
		sd_hash(snap, "safedeploy comments", sizeof(ObjectAddress), sizeof(CommentEntry));
	sd_scan(snap, DescriptionRelationId, load_comment);
}

static bool
load_shared_comment(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_shdescription form = (Form_pg_shdescription) GETSTRUCT(tuple);
	ObjectAddress key = { form->classoid, form->objoid, 0 };
	CommentEntry *entry = hash_search(snap->comments, &key, HASH_ENTER, NULL);

	entry->text = sd_attr_text(tuple, desc, Anum_pg_shdescription_description);
	return true;
}

void
sd_load_shared_comments(SdSnap *snap)
{
	sd_scan(snap, SharedDescriptionRelationId, load_shared_comment);
}

const char *
sd_comment(SdSnap *snap, Oid classid, Oid oid, int32 sub)
{
	ObjectAddress key = { classid, oid, sub };
	CommentEntry *entry = hash_search(snap->comments, &key, HASH_FIND, NULL);

	return entry ? entry->text : NULL;
}

void
sd_doc_comment(SdSnap *snap, SdDoc *doc, const char *group, const char *name, Oid classid, Oid oid,
			   int32 sub)
{
	const char *comment = sd_comment(snap, classid, oid, sub);
	SdNode *map;

	if (comment == NULL)
		return;
	map = sd_doc_map(doc, SD_FACET_COMMENT);
	if (group != NULL)
		map = sd_map_map(map, group);
	sd_put_text(map, name, comment);
}
