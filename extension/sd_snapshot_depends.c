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
#include "catalog/dependency.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_ts_parser.h"
#include "catalog/pg_ts_template.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "sd_compat_catalog.h"
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

typedef struct PartKey
{
	Oid classid;
	Oid oid;
} PartKey;

/* The document that something without one is a part of; one without owner waits for it. */
typedef struct PartEntry
{
	PartKey key;
	PartKey owner;
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

/* "a b", or with another character between them */
static const char *
join(const char *a, char between, const char *b)
{
	size_t len = strlen(a);
	size_t rest = strlen(b) + 1;
	char *text = palloc(len + 1 + rest);

	memcpy(text, a, len);
	text[len] = between;
	memcpy(text + len + 1, b, rest);
	return text;
}

static const char *
part_text(Part part)
{
	if (part.collection == NULL)
		return "";
	return part.name ? join(part.collection, '.', part.name) : part.collection;
}

static Part
column_part(SdSnap *snap, const char *collection, Oid relid, int column)
{
	return (Part){ collection, sd_column_name(snap, relid, column) };
}

static void
add_part(SdDepends *depends, Oid classid, Oid oid, Oid owner_class, Oid owner, Part part)
{
	PartKey key = { classid, oid };
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
	PartKey key = { classid, oid };
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

static bool
load_dep(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
	SdDepends *depends = snap->depends;
	Dep *dep;

	/* whose deptype is what: pinned rows of old servers, clones of partitions */
	if (form->refobjid < FirstNormalObjectId)
		return false;
	if (form->deptype == DEPENDENCY_EXTENSION)
	{
		add_part(depends, form->classid, form->objid, ExtensionRelationId, form->refobjid,
				 (Part){ 0 });
		return false;
	}
	if (form->refclassid == NamespaceRelationId ||
		(form->deptype != DEPENDENCY_NORMAL && form->deptype != DEPENDENCY_AUTO &&
		 (form->deptype != DEPENDENCY_INTERNAL ||
		  (form->classid != AttrDefaultRelationId && form->classid != RewriteRelationId &&
		   form->classid != AccessMethodOperatorRelationId &&
		   form->classid != AccessMethodProcedureRelationId))) ||
		(form->classid == ConstraintRelationId && form->deptype == DEPENDENCY_AUTO &&
		 form->refclassid == RelationRelationId))
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
		PartKey key = { form->classid, form->objid };
		bool found;
		PartEntry *entry = hash_search(depends->parts, &key, HASH_ENTER, &found);

		if (!found)
			memset((char *) entry + sizeof(PartKey), 0, sizeof(PartEntry) - sizeof(PartKey));
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
	PartKey key = { dep->classid, dep->objid };
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
	depends->parts = sd_hash(snap, "safedeploy parts", sizeof(PartKey), sizeof(PartEntry));
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

/* Kinds whose identity is a quoted name, qualified where there is a schema. */
static const struct
{
	Oid classid;
	const char *kind;
} named_kinds[] = {
	{ AccessMethodRelationId, "access method" },
	{ ConversionRelationId, "conversion" },
	{ ExtensionRelationId, "extension" },
	{ ForeignDataWrapperRelationId, "foreign data wrapper" },
	{ ForeignServerRelationId, "server" },
	{ LanguageRelationId, "language" },
	{ OperatorClassRelationId, "operator class" },
	{ OperatorFamilyRelationId, "operator family" },
	{ PublicationRelationId, "publication" },
	{ TSConfigRelationId, "text search configuration" },
	{ TSDictionaryRelationId, "text search dictionary" },
	{ TSParserRelationId, "text search parser" },
	{ TSTemplateRelationId, "text search template" },
};

static const char *
named_reference(Oid classid, Oid oid)
{
	ObjectAddress address = { .classId = classid, .objectId = oid };
	List *names = NIL;
	List *arguments = NIL;
	ListCell *lc;
	StringInfoData buf;
	bool family = classid == OperatorClassRelationId || classid == OperatorFamilyRelationId;

	for (int i = 0; i < lengthof(named_kinds); i++)
	{
		if (named_kinds[i].classid != classid)
			continue;
		sd_compat_identity_parts(&address, &names, &arguments);
		initStringInfo(&buf);
		appendStringInfoString(&buf, named_kinds[i].kind);
		/* the access method stands in front of the names of a class or family */
		foreach (lc, names)
			if (!family || lc != list_head(names))
				appendStringInfo(&buf, "%s%s",
								 lc == (family ? list_second_cell(names) : list_head(names)) ? " " :
																							   ".",
								 quote_identifier(lfirst(lc)));
		if (family)
			appendStringInfo(&buf, " USING %s", quote_identifier(linitial(names)));
		return sd_trim(&buf);
	}
	return NULL;
}

static const char *
relation_kind(char relkind)
{
	switch (relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			return "table";
		case RELKIND_FOREIGN_TABLE:
			return "foreign table";
		case RELKIND_VIEW:
			return "view";
		case RELKIND_MATVIEW:
			return "materialized view";
		case RELKIND_SEQUENCE:
			return "sequence";
		case RELKIND_COMPOSITE_TYPE:
			return "composite type";
		default:
			return NULL;
	}
}

/* The sequence of an identity column is no document. */
static const char *
relation_reference(SdSnap *snap, Oid oid)
{
	SdRel *rel = sd_rel(snap, oid);
	const char *kind = rel ? relation_kind(rel->kind) : NULL;

	if (kind == NULL || (rel->sequence != NULL && rel->sequence->identity))
		return NULL;
	return join(kind, ' ', rel->qname);
}

/* An array is its element, a row type its relation, a multirange its range. */
static const char *
type_reference(SdSnap *snap, Oid oid)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(oid));
	Form_pg_type form;
	const char *kind = NULL;
	const char *result = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_type) GETSTRUCT(tuple);
	switch (form->typtype)
	{
		case TYPTYPE_ENUM:
			kind = "enum";
			break;
		case TYPTYPE_DOMAIN:
			kind = "domain";
			break;
		case TYPTYPE_RANGE:
			kind = "range";
			break;
		case TYPTYPE_COMPOSITE:
			result = relation_reference(snap, form->typrelid);
			break;
		case TYPTYPE_BASE:
			if (OidIsValid(form->typelem) && form->typlen == -1 &&
				form->typcategory == TYPCATEGORY_ARRAY)
				result = type_reference(snap, form->typelem);
			else
				kind = "type";
			break;
		default:
			if (OidIsValid(sd_compat_range_of(oid)))
				result = type_reference(snap, sd_compat_range_of(oid));
			break;
	}
	if (kind != NULL)
		result =
			psprintf("%s %s", kind, sd_qualified(snap, form->typnamespace, NameStr(form->typname)));
	ReleaseSysCache(tuple);
	return result;
}

static const char *
routine_reference(SdSnap *snap, Oid oid)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(oid));
	char kind;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	kind = ((Form_pg_proc) GETSTRUCT(tuple))->prokind;
	ReleaseSysCache(tuple);
	return psprintf("%s %s",
					kind == PROKIND_PROCEDURE ? "procedure" :
					kind == PROKIND_AGGREGATE ? "aggregate" :
												"function",
					sd_proc_identity(snap, oid));
}

static const char *
operator_reference(SdSnap *snap, Oid oid)
{
	HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(oid));
	Form_pg_operator form;
	const char *result;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_operator) GETSTRUCT(tuple);
	result = psprintf("operator %s.%s(%s, %s)", sd_schema_name(snap, form->oprnamespace),
					  NameStr(form->oprname),
					  OidIsValid(form->oprleft) ? sd_type_name(snap, form->oprleft, -1) : "NONE",
					  OidIsValid(form->oprright) ? sd_type_name(snap, form->oprright, -1) : "NONE");
	ReleaseSysCache(tuple);
	return result;
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
	switch (classid)
	{
		case RelationRelationId:
			return relation_reference(snap, oid);
		case TypeRelationId:
			return type_reference(snap, oid);
		case ProcedureRelationId:
			return routine_reference(snap, oid);
		case CollationRelationId:
			return psprintf("collation %s", sd_collation_name(snap, oid));
		case OperatorRelationId:
			return operator_reference(snap, oid);
		default:
			return named_reference(classid, oid);
	}
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
	const char *self = join(doc->kind, ' ', doc->identity);
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
