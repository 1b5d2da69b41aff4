/*
 * sd_snapshot_types.c
 *	  Types that a user made: enums, domains, composite, range and base types.
 *
 * Row types of tables, array types and multirange types follow from others and
 * get no document.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_range.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "sd_compat_catalog.h"
#include "sd_snapshot_int.h"

typedef struct EnumLabel
{
	Oid type;
	Oid oid;
	float4 order;
	const char *label;
} EnumLabel;

typedef struct RangeEntry
{
	Oid oid; /* hash key */
	Oid subtype;
	Oid collation;
	Oid opclass;
	Oid canonical;
	Oid diff;
	Oid multirange;
} RangeEntry;

/* What the load of the small catalogs leaves for the pass over pg_type. */
typedef struct TypeState
{
	EnumLabel *labels;
	int nlabels;
	int size;
	HTAB *ranges;
	List *types; /* copied rows of pg_type */
} TypeState;

static bool
load_label(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_enum form = (Form_pg_enum) GETSTRUCT(tuple);
	TypeState *state = snap->types;
	EnumLabel *label;

	if (state->nlabels == state->size)
	{
		state->size = state->size ? state->size * 2 : 64;
		state->labels = state->labels ? repalloc(state->labels, state->size * sizeof(EnumLabel)) :
										palloc(state->size * sizeof(EnumLabel));
	}
	label = &state->labels[state->nlabels++];
	label->type = form->enumtypid;
	label->oid = form->oid;
	label->order = form->enumsortorder;
	label->label = pstrdup(NameStr(form->enumlabel));
	return true;
}

static int
compare_labels(const void *a, const void *b)
{
	const EnumLabel *x = a;
	const EnumLabel *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static bool
load_range(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_range form = (Form_pg_range) GETSTRUCT(tuple);
	TypeState *state = snap->types;
	RangeEntry *range = hash_search(state->ranges, &form->rngtypid, HASH_ENTER, NULL);

	sd_use(snap, form->rngsubtype);
	range->subtype = form->rngsubtype;
	range->collation = form->rngcollation;
	range->opclass = form->rngsubopc;
	range->canonical = form->rngcanonical;
	range->diff = form->rngsubdiff;
	range->multirange = sd_compat_multirange(form);
	return true;
}

static void
doc_enum(SdSnap *snap, SdDoc *doc, Oid type)
{
	TypeState *state = snap->types;
	SdNode *list = sd_node_list();
	SdNode *phys = doc->phys ? sd_map_map(doc->phys, "labels") : NULL;
	int low = 0;
	int high = state->nlabels;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (state->labels[middle].type < type)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < state->nlabels && state->labels[low].type == type; low++)
	{
		sd_add_text(list, state->labels[low].label);
		if (phys != NULL)
			sd_put_int(phys, state->labels[low].label, state->labels[low].oid);
	}
	sd_put(sd_doc_map(doc, SD_FACET_CORE), "labels", list);
}

static void
doc_domain(SdSnap *snap, SdDoc *doc, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);
	SdNode *core = sd_doc_map(doc, SD_FACET_CORE);
	SdDomain *domain = hash_search(snap->domains, &form->oid, HASH_FIND, NULL);
	char *node = sd_attr_text(tuple, desc, Anum_pg_type_typdefaultbin);

	doc->unread = domain ? domain->unread : NULL;
	sd_put_text(core, "base", sd_type_name(snap, form->typbasetype, form->typtypmod));
	sd_put_true(core, "not_null", form->typnotnull);
	sd_put_text(core, "default",
				node ? sd_deparse_free(snap, node) :
					   sd_attr_text(tuple, desc, Anum_pg_type_typdefault));
	if (OidIsValid(form->typcollation) &&
		form->typcollation != sd_type_collation(snap, form->typbasetype))
		sd_put_text(core, "collation", sd_collation_name(snap, form->typcollation));
	for (SdConstraint *con = domain ? domain->constraints : NULL; con != NULL; con = con->next)
	{
		sd_put(sd_map_map(core, "constraints"), con->name, sd_constraint_node(snap, con));
		sd_doc_comment(snap, doc, "constraints", con->name, ConstraintRelationId, con->oid, 0);
	}
}

static void
doc_composite(SdSnap *snap, SdDoc *doc, Oid relid)
{
	SdRel *rel = sd_rel(snap, relid);
	SdNode *list = sd_node_list();
	SdNode *phys = doc->phys ? sd_map_map(doc->phys, "columns") : NULL;

	if (rel == NULL)
		elog(ERROR, "cache lookup failed for relation %u", relid);
	sd_use(snap, relid);
	for (int i = 1; i <= rel->natts; i++)
	{
		SdColumn *column = &rel->columns[i];
		SdNode *map;
		SdNode *labels;

		if (column->name == NULL)
			continue;
		map = sd_node_map();
		if (OidIsValid(column->collation) &&
			column->collation != sd_type_collation(snap, column->type))
			sd_put_text(map, "collation", sd_collation_name(snap, column->collation));
		sd_put_text(map, "name", column->name);
		sd_put_text(map, "type", sd_type_name(snap, column->type, column->typmod));
		sd_add(list, map);
		sd_doc_comment(snap, doc, "columns", column->name, RelationRelationId, relid, i);
		labels = sd_labels_node(snap, RelationRelationId, relid, i);
		if (labels != NULL)
			sd_put(sd_map_map(sd_map_map(sd_doc_map(doc, SD_FACET_SECURITY), "columns"), column->name),
				   "security_labels", labels);
		if (phys != NULL)
			sd_put_int(phys, column->name, i);
	}
	sd_put(sd_doc_map(doc, SD_FACET_CORE), "attributes", list);
}

static void
doc_range(SdSnap *snap, SdDoc *doc, Oid type)
{
	TypeState *state = snap->types;
	RangeEntry *range = hash_search(state->ranges, &type, HASH_FIND, NULL);
	SdNode *core = sd_doc_map(doc, SD_FACET_CORE);

	if (range == NULL)
		elog(ERROR, "cache lookup failed for range type %u", type);
	sd_put_text(core, "subtype", sd_type_name(snap, range->subtype, -1));
	if (OidIsValid(range->collation) && range->collation != sd_type_collation(snap, range->subtype))
		sd_put_text(core, "collation", sd_collation_name(snap, range->collation));
	if (!sd_opclass_is_default(snap, range->opclass, range->subtype))
		sd_put_text(core, "opclass", sd_opclass_name(snap, range->opclass));
	if (OidIsValid(range->canonical))
		sd_put_text(core, "canonical", sd_proc_name(snap, range->canonical));
	if (OidIsValid(range->diff))
		sd_put_text(core, "subtype_diff", sd_proc_name(snap, range->diff));
	if (OidIsValid(range->multirange))
		sd_put_text(core, "multirange", sd_type_name(snap, range->multirange, -1));
}

static void
doc_base(SdSnap *snap, SdDoc *doc, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);
	SdNode *core = sd_doc_map(doc, SD_FACET_CORE);

	sd_put_true(core, "by_value", form->typbyval);
	sd_put_text(core, "alignment", psprintf("%c", form->typalign));
	sd_put_proc(snap, core, "analyze", form->typanalyze);
	sd_put_text(core, "category", psprintf("%c", form->typcategory));
	sd_put_true(core, "collatable", OidIsValid(form->typcollation));
	sd_put_text(core, "default", sd_attr_text(tuple, desc, Anum_pg_type_typdefault));
	sd_put_text(core, "delimiter", psprintf("%c", form->typdelim));
	if (OidIsValid(form->typelem))
		sd_put_text(core, "element", sd_type_name(snap, form->typelem, -1));
	sd_put_proc(snap, core, "input", form->typinput);
	sd_put_int_text(core, "length", form->typlen);
	sd_put_proc(snap, core, "output", form->typoutput);
	sd_put_true(core, "preferred", form->typispreferred);
	sd_put_proc(snap, core, "receive", form->typreceive);
	sd_put_proc(snap, core, "send", form->typsend);
	sd_put_text(core, "storage", psprintf("%c", form->typstorage));
	sd_put_proc(snap, core, "subscript", sd_compat_typsubscript(form));
	sd_put_proc(snap, core, "typmod_in", form->typmodin);
	sd_put_proc(snap, core, "typmod_out", form->typmodout);
}

static const char *
kind_of(char typtype)
{
	switch (typtype)
	{
		case TYPTYPE_ENUM:
			return "enum";
		case TYPTYPE_DOMAIN:
			return "domain";
		case TYPTYPE_COMPOSITE:
			return "composite type";
		case TYPTYPE_RANGE:
			return "range";
		case TYPTYPE_BASE:
			return "type";
		default:
			return NULL; /* multirange and pseudo types */
	}
}

static const char *
privileges_identity(SdSnap *snap, HeapTuple tuple)
{
	Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);

	return psprintf("on type %s", sd_qualified(snap, form->typnamespace, NameStr(form->typname)));
}

/* A type of which nothing is known yet but the name. */
static bool
is_shell(Form_pg_type form)
{
	return form->typtype == TYPTYPE_PSEUDO && !form->typisdefined;
}

/* Rows are copied: a document may need other catalogs while it is made. */
static bool
load_type(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);
	TypeState *state = snap->types;

	sd_use(snap, form->typelem);
	sd_use(snap, form->typbasetype);
	sd_use(snap, form->typrelid);
	if (form->typtype == 'm') /* a multirange */
		sd_use(snap, sd_compat_range_of(form->oid));
	if (sd_schema_of_server(snap, form->typnamespace))
		sd_note_privileges(snap, tuple, desc, Anum_pg_type_typacl, TypeRelationId, form->oid,
						   OBJECT_TYPE, form->typowner, privileges_identity);
	if ((kind_of(form->typtype) == NULL && !is_shell(form)) ||
		!sd_schema_kept(snap, form->typnamespace))
		return false;
	if (form->typtype == TYPTYPE_BASE && OidIsValid(form->typelem) && form->typlen == -1 &&
		form->typcategory == TYPCATEGORY_ARRAY)
		return false;
	if (form->typtype == TYPTYPE_COMPOSITE)
	{
		SdRel *rel = sd_rel(snap, form->typrelid);

		if (rel == NULL || rel->kind != RELKIND_COMPOSITE_TYPE)
			return false;
	}
	if (sd_is_member(snap, TypeRelationId, form->oid))
	{
		sd_note_privileges(snap, tuple, desc, Anum_pg_type_typacl, TypeRelationId, form->oid,
						   OBJECT_TYPE, form->typowner, privileges_identity);
		return false;
	}
	state->types = lappend(state->types, heap_copytuple(tuple));
	return true;
}

static void
emit_type(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);
	const char *identity = sd_qualified(snap, form->typnamespace, NameStr(form->typname));
	SdDoc *doc = sd_doc_begin(snap, is_shell(form) ? "type" : kind_of(form->typtype), identity);
	Acl *acl = (Acl *) sd_attr_array(tuple, desc, Anum_pg_type_typacl);

	switch (form->typtype)
	{
		case TYPTYPE_ENUM:
			doc_enum(snap, doc, form->oid);
			break;
		case TYPTYPE_DOMAIN:
			doc_domain(snap, doc, tuple, desc);
			break;
		case TYPTYPE_COMPOSITE:
			doc_composite(snap, doc, form->typrelid);
			break;
		case TYPTYPE_RANGE:
			doc_range(snap, doc, form->oid);
			break;
		case TYPTYPE_PSEUDO:
			sd_put_bool(sd_doc_map(doc, SD_FACET_CORE), "shell", true);
			break;
		default:
			doc_base(snap, doc, tuple, desc);
			break;
	}
	sd_doc_common(snap, doc, TypeRelationId, form->oid, form->typowner, OBJECT_TYPE, acl);
	sd_doc_emit(snap, doc);
}

void
sd_emit_types(SdSnap *snap)
{
	TypeState *state = palloc0(sizeof(TypeState));
	TupleDesc desc;
	ListCell *lc;

	snap->types = state;
	state->ranges = sd_hash(snap, "safedeploy ranges", sizeof(Oid), sizeof(RangeEntry));
	sd_scan(snap, EnumRelationId, load_label);
	qsort(state->labels, state->nlabels, sizeof(EnumLabel), compare_labels);
	sd_scan(snap, RangeRelationId, load_range);
	sd_scan(snap, TypeRelationId, load_type);
	desc = sd_catalog_desc(snap, TypeRelationId);
	foreach (lc, state->types)
	{
		HeapTuple tuple = lfirst(lc);

		sd_subject(snap, TypeRelationId, ((Form_pg_type) GETSTRUCT(tuple))->oid);
		emit_type(snap, tuple, desc);
	}
}
