/*
 * sd_snapshot_depends.c
 *	  What an object refers to: pg_depend, folded to documents and their parts.
 *
 * phys.depends is a list of "kind identity", one for each other document that
 * the object or a part of it needs.  phys.part_depends has the same by parts of
 * the object: a map from "constraints.t_fk", or "" for the object as a whole, to
 * a list of references, each a "kind identity" or, where a part of the other
 * object is meant, a pair of that and the part: ["table app.b", "columns.id"].
 * An object of an extension counts as the extension.
 *
 * Left out is what follows from the definition alone: schemas, what is pinned,
 * and for indexes and constraints the columns of their own table.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "sd_snapshot_int.h"

/* Part of a document, as "collection.name"; a part without a name is the collection alone. */
typedef struct Part
{
	const char *collection; /* NULL for the document as a whole */
	const char *name;
} Part;

/* One row of pg_depend; the depender is replaced by its document and part. */
typedef struct Dep
{
	Oid classid;
	Oid objid;
	Oid refclassid;
	Oid refobjid;
	int32 objsubid;
	int32 refobjsubid;
	Part part;
	char type;
} Dep;

/* The document that something without one is a part of; one without owner waits for it. */
typedef struct PartEntry
{
	SdKey key;
	SdKey owner;
	Part part;
	bool extension; /* the owner is an extension that the thing belongs to */
} PartEntry;

struct SdDepends
{
	HTAB *parts;
	Dep *deps;
	int count;
	int size;
};

static const char *
part_text(Part part)
{
	if (part.collection == NULL)
		return "";
	return part.name ? sd_join(part.collection, '.', part.name) : part.collection;
}

static Part
column_part(SdSnap *snap, const char *collection, Oid relid, int column)
{
	return (Part){ collection, sd_column_name(snap, relid, column) };
}

static void
add_part(SdDepends *depends, Oid classid, Oid oid, Oid owner_class, Oid owner, Part part)
{
	SdKey key = { classid, oid };
	PartEntry *entry = hash_search(depends->parts, &key, HASH_ENTER, NULL);

	entry->owner.classid = owner_class;
	entry->owner.oid = owner;
	entry->part = part;
	entry->extension = owner_class == ExtensionRelationId;
}

/* Indexes and constraints are many, and the walk has them by their OIDs already. */
static bool
find_part(SdSnap *snap, Oid classid, Oid oid, PartEntry *result)
{
	SdKey key = { classid, oid };
	PartEntry *entry;

	if (classid == RelationRelationId)
	{
		SdRel *rel = sd_rel(snap, oid);
		SdIndex *index = rel ? rel->index : NULL;

		if (index == NULL)
			return false;
		*result = (PartEntry){ .owner = { RelationRelationId, index->table->oid } };
		result->part = index->name_of_constraint ?
						   (Part){ "constraints", index->name_of_constraint } :
						   (Part){ "indexes", rel->name };
		return true;
	}
	if (classid == ConstraintRelationId)
	{
		SdConstraint *con = hash_search(snap->constraints, &oid, HASH_FIND, NULL);

		if (con != NULL && OidIsValid(con->relid))
		{
			*result = (PartEntry){ .owner = { RelationRelationId, con->relid },
								   .part = { "constraints", con->name } };
			return true;
		}
	}
	entry = hash_search(snap->depends->parts, &key, HASH_FIND, NULL);
	if (entry == NULL || !OidIsValid(entry->owner.classid))
		return false;
	*result = *entry;
	return true;
}

/* Whether things of the class have no document of their own. */
static bool
is_part_only(Oid classid)
{
	return classid == AttrDefaultRelationId || classid == ConstraintRelationId ||
		   classid == TriggerRelationId || classid == PolicyRelationId ||
		   classid == RewriteRelationId || classid == PublicationRelRelationId ||
		   classid == AccessMethodOperatorRelationId || classid == AccessMethodProcedureRelationId;
}

/* Whether a row is a reference, and not about what the definition of one of both says anyway. */
static bool
is_reference(Form_pg_depend form)
{
	if (form->refclassid == NamespaceRelationId)
		return false;
	switch (form->deptype)
	{
		case DEPENDENCY_NORMAL:
			return true;
		case DEPENDENCY_AUTO:
			/* a constraint has the columns of its own table in its text */
			return form->classid != ConstraintRelationId || form->refclassid != RelationRelationId;
		case DEPENDENCY_INTERNAL:
			/* what is a part of something learns from these rows of what */
			return form->classid == AttrDefaultRelationId || form->classid == RewriteRelationId ||
				   form->classid == AccessMethodOperatorRelationId ||
				   form->classid == AccessMethodProcedureRelationId;
		default:
			return false;
	}
}

static bool
load_dep(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
	SdDepends *depends = snap->depends;
	Dep *dep;

	/* what is pinned; old servers have rows for that, which name nobody who depends on it */
	if (form->refobjid < FirstNormalObjectId)
		return false;
	if (form->deptype == DEPENDENCY_EXTENSION)
	{
		add_part(depends, form->classid, form->objid, ExtensionRelationId, form->refobjid,
				 (Part){ 0 });
		return false;
	}
	if (!is_reference(form))
		return false;
	/* most rows are the columns of an index; of relations that are not read nothing is known */
	if (form->refclassid == RelationRelationId && sd_rel(snap, form->refobjid) == NULL)
		return false;
	if (form->classid == RelationRelationId)
	{
		SdRel *rel = sd_rel(snap, form->objid);

		if (rel == NULL || (rel->index != NULL && form->refclassid == RelationRelationId &&
							form->refobjid == rel->index->table->oid))
			return false;
	}
	else if (form->deptype == DEPENDENCY_NORMAL && is_part_only(form->classid))
	{
		SdKey key = { form->classid, form->objid };
		bool found;
		PartEntry *entry = hash_search(depends->parts, &key, HASH_ENTER, &found);

		if (!found)
			memset((char *) entry + sizeof(SdKey), 0, sizeof(PartEntry) - sizeof(SdKey));
	}
	if (depends->count == depends->size)
	{
		depends->size = depends->size ? depends->size * 2 : 1024;
		depends->deps = depends->deps ? repalloc_huge(depends->deps, depends->size * sizeof(Dep)) :
										palloc(depends->size * sizeof(Dep));
	}
	dep = &depends->deps[depends->count++];
	dep->classid = form->classid;
	dep->objid = form->objid;
	dep->objsubid = form->objsubid;
	dep->refclassid = form->refclassid;
	dep->refobjid = form->refobjid;
	dep->refobjsubid = form->refobjsubid;
	dep->type = form->deptype;
	dep->part = (Part){ 0 };
	return false;
}

/* Parts of relations that the walk knows by their OIDs. */
static void
add_parts_of_relations(SdSnap *snap)
{
	SdDepends *depends = snap->depends;
	ListCell *lc;

	foreach (lc, snap->rel_order)
	{
		SdRel *rel = lfirst(lc);

		for (SdTrigger *trigger = rel->triggers; trigger != NULL; trigger = trigger->next)
			add_part(depends, TriggerRelationId, trigger->oid, RelationRelationId, rel->oid,
					 (Part){ "triggers", trigger->name });
		for (SdPolicy *policy = rel->policies; policy != NULL; policy = policy->next)
			add_part(depends, PolicyRelationId, policy->oid, RelationRelationId, rel->oid,
					 (Part){ "policies", policy->name });
		for (SdRule *rule = rel->rules; rule != NULL; rule = rule->next)
			add_part(depends, RewriteRelationId, rule->oid, RelationRelationId, rel->oid,
					 (Part){ "rules", rule->name });
	}
}

/* A row that says of what document something without one is a part, if that is needed. */
static void
learn_owner(SdSnap *snap, Dep *dep)
{
	SdDepends *depends = snap->depends;
	SdKey key = { dep->classid, dep->objid };
	PartEntry *entry;

	if (dep->type == DEPENDENCY_NORMAL || !is_part_only(dep->classid))
		return;
	entry = hash_search(depends->parts, &key, HASH_FIND, NULL);
	if (entry == NULL || OidIsValid(entry->owner.classid))
		return;
	if (dep->classid == AttrDefaultRelationId && dep->refclassid == RelationRelationId)
		add_part(depends, dep->classid, dep->objid, RelationRelationId, dep->refobjid,
				 column_part(snap, "defaults", dep->refobjid, dep->refobjsubid));
	else if ((dep->classid == RewriteRelationId && dep->refclassid == RelationRelationId) ||
			 (dep->classid == ConstraintRelationId && dep->refclassid == TypeRelationId) ||
			 (dep->classid == PublicationRelRelationId && dep->refclassid == PublicationRelationId) ||
			 ((dep->classid == AccessMethodOperatorRelationId ||
			   dep->classid == AccessMethodProcedureRelationId) &&
			  (dep->refclassid == OperatorFamilyRelationId ||
			   dep->refclassid == OperatorClassRelationId)))
		add_part(depends, dep->classid, dep->objid, dep->refclassid, dep->refobjid, (Part){ 0 });
}

/*
 * References of a table to itself: an index or a constraint has its columns in
 * its text, a default belongs to its column.
 */
static bool
is_said_already(SdSnap *snap, const Dep *dep)
{
	const char *collection = dep->part.collection;

	if (dep->refclassid != dep->classid || dep->refobjid != dep->objid)
		return false;
	if (dep->refobjsubid == 0 || collection == NULL || strcmp(collection, "indexes") == 0 ||
		strcmp(collection, "constraints") == 0)
		return true;
	return strcmp(collection, "defaults") == 0 &&
		   strcmp(dep->part.name, sd_column_name(snap, dep->refobjid, dep->refobjsubid)) == 0;
}

/* Puts the document and the part in the place of the depender; false when there is none. */
static bool
place(SdSnap *snap, Dep *dep)
{
	PartEntry entry;
	bool is_part = find_part(snap, dep->classid, dep->objid, &entry);
	SdRel *rel;

	if (is_part)
	{
		if (entry.extension)
			return false;
		dep->classid = entry.owner.classid;
		dep->objid = entry.owner.oid;
		dep->part = entry.part;
	}
	else if (is_part_only(dep->classid))
		return false;
	if (dep->classid != RelationRelationId)
		return !is_said_already(snap, dep);
	rel = sd_rel(snap, dep->objid);
	if (rel == NULL || rel->member)
		return false;
	if (!is_part && rel->kind == RELKIND_SEQUENCE && dep->refobjsubid > 0)
		dep->part.collection = "owned_by";
	else if (!is_part && dep->objsubid > 0 && rel->kind != RELKIND_COMPOSITE_TYPE)
	{
		/* before 14 it is the generated column itself that refers to the others of its table */
		bool generated = dep->refclassid == RelationRelationId && dep->refobjid == dep->objid;

		dep->part = column_part(snap, generated ? "defaults" : "columns", dep->objid, dep->objsubid);
	}
	if (rel->kind == RELKIND_COMPOSITE_TYPE)
	{
		dep->classid = TypeRelationId;
		dep->objid = rel->type;
	}
	return !is_said_already(snap, dep);
}

static int
compare_deps(const void *a, const void *b)
{
	const Dep *x = a;
	const Dep *y = b;

	CHECK_FOR_INTERRUPTS();
	if (x->classid != y->classid)
		return x->classid < y->classid ? -1 : 1;
	return x->objid < y->objid ? -1 : x->objid > y->objid;
}

void
sd_load_depends(SdSnap *snap)
{
	SdDepends *depends = palloc0(sizeof(SdDepends));
	int kept = 0;

	snap->depends = depends;
	depends->parts = sd_hash(snap, "safedeploy parts", sizeof(SdKey), sizeof(PartEntry));
	add_parts_of_relations(snap);
	sd_scan(snap, DependRelationId, load_dep);
	for (int i = 0; i < depends->count; i++)
		learn_owner(snap, &depends->deps[i]);
	for (int i = 0; i < depends->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (place(snap, &depends->deps[i]))
			depends->deps[kept++] = depends->deps[i];
	}
	depends->count = kept;
	qsort(depends->deps, kept, sizeof(Dep), compare_deps);
}

/* "kind identity" of what is referred to, NULL when it has no document; the part, if any, in *part. */
static const char *
reference(SdSnap *snap, const Dep *dep, Part *part)
{
	Oid classid = dep->refclassid;
	Oid oid = dep->refobjid;
	PartEntry entry;

	*part = (Part){ 0 };
	if (find_part(snap, classid, oid, &entry))
	{
		classid = entry.owner.classid;
		oid = entry.owner.oid;
		*part = entry.part;
	}
	else if (classid == RelationRelationId && dep->refobjsubid > 0)
		*part = column_part(snap, "columns", oid, dep->refobjsubid);
	return sd_object_reference(snap, classid, oid);
}

typedef struct Reference
{
	const char *part; /* of the depender, "" for the whole */
	const char *object;
	const char *object_part; /* "" for the whole */
} Reference;

static int
compare_references(const void *a, const void *b)
{
	const Reference *x = a;
	const Reference *y = b;
	int order = strcmp(x->part, y->part);

	if (order == 0)
		order = strcmp(x->object, y->object);
	return order != 0 ? order : strcmp(x->object_part, y->object_part);
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Other documents once each, in order. */
static void
put_depends(SdDoc *doc, Reference *references, int count)
{
	const char **objects = palloc(sizeof(char *) * count);
	const char *self = sd_join(doc->kind, ' ', doc->identity);
	SdNode *list = sd_node_list();
	int n = 0;

	for (int i = 0; i < count; i++)
		if (strcmp(references[i].part, "owned_by") != 0 && strcmp(references[i].object, self) != 0)
			objects[n++] = references[i].object;
	qsort(objects, n, sizeof(char *), compare_texts);
	for (int i = 0; i < n; i++)
		if (i == 0 || strcmp(objects[i], objects[i - 1]) != 0)
			sd_add_text(list, objects[i]);
	if (list->first != NULL)
		sd_put(doc->phys, "depends", list);
}

static void
put_part_depends(SdDoc *doc, Reference *references, int count)
{
	SdNode *map = sd_node_map();
	SdNode *list = NULL;

	for (int i = 0; i < count; i++)
	{
		Reference *r = &references[i];

		if (i == 0 || strcmp(r->part, references[i - 1].part) != 0)
		{
			list = sd_node_list();
			sd_put(map, r->part, list);
		}
		else if (compare_references(r, &references[i - 1]) == 0)
			continue;
		if (r->object_part[0] == '\0')
			sd_add_text(list, r->object);
		else
		{
			SdNode *pair = sd_node_list();

			sd_add_text(pair, r->object);
			sd_add_text(pair, r->object_part);
			sd_add(list, pair);
		}
	}
	sd_put(doc->phys, "part_depends", map);
}

void
sd_doc_depends(SdSnap *snap, SdDoc *doc, Oid classid, Oid oid)
{
	SdDepends *depends = snap->depends;
	Dep key = { .classid = classid, .objid = oid };
	Dep *first, *end;
	Reference *references;
	int count = 0;

	if (doc->phys == NULL || depends == NULL || depends->count == 0)
		return;
	first = bsearch(&key, depends->deps, depends->count, sizeof(Dep), compare_deps);
	if (first == NULL)
		return;
	while (first > depends->deps && compare_deps(first - 1, &key) == 0)
		first--;
	for (end = first; end < depends->deps + depends->count && compare_deps(end, &key) == 0;)
		end++;
	references = palloc(sizeof(Reference) * (end - first));
	for (Dep *dep = first; dep < end; dep++)
	{
		Part object_part;
		const char *object = reference(snap, dep, &object_part);

		if (object == NULL)
			continue;
		references[count].part = part_text(dep->part);
		references[count].object = object;
		references[count].object_part = part_text(object_part);
		count++;
	}
	if (count == 0)
		return;
	qsort(references, count, sizeof(Reference), compare_references);
	put_depends(doc, references, count);
	put_part_depends(doc, references, count);
}
