/*
 * sd_snapshot_misc.c
 *	  Schemas, extensions, event triggers, default privileges and collations.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "sd_compat_catalog.h"
#include "sd_snapshot_int.h"

static const char *
privileges_identity(SdSnap *snap, HeapTuple tuple)
{
	return psprintf("on schema %s",
					sd_schema_name(snap, ((Form_pg_namespace) GETSTRUCT(tuple))->oid));
}

static bool
emit_schema(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_namespace form = (Form_pg_namespace) GETSTRUCT(tuple);
	SdDoc *doc;

	bool member = sd_is_member(snap, NamespaceRelationId, form->oid);

	if (member || !sd_schema_kept(snap, form->oid))
	{
		if (member ? sd_schema_kept(snap, form->oid) : sd_schema_of_server(snap, form->oid))
			sd_note_privileges(snap, tuple, desc, Anum_pg_namespace_nspacl, NamespaceRelationId,
							   form->oid, OBJECT_SCHEMA, form->nspowner, privileges_identity);
		return false;
	}
	doc = sd_doc_begin(snap, "schema", sd_schema_name(snap, form->oid));
	sd_doc_common(snap, doc, NamespaceRelationId, form->oid, form->nspowner, OBJECT_SCHEMA,
				  (Acl *) sd_attr_array(tuple, desc, Anum_pg_namespace_nspacl));
	sd_doc_emit(snap, doc);
	return true;
}

void
sd_emit_schemas(SdSnap *snap)
{
	sd_scan(snap, NamespaceRelationId, emit_schema);
}

/* Without the owner: a dump does not keep it. */
static bool
emit_extension(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_extension form = (Form_pg_extension) GETSTRUCT(tuple);
	SdDoc *doc;

	if (strcmp(NameStr(form->extname), "safedeploy") == 0)
		return false;
	doc = sd_doc_begin(snap, "extension", quote_identifier(pstrdup(NameStr(form->extname))));
	sd_put_text(sd_doc_map(doc, SD_FACET_CORE), "schema", sd_schema_name(snap, form->extnamespace));
	sd_put_text(sd_doc_map(doc, SD_FACET_VERSION), "version",
				sd_attr_text(tuple, desc, Anum_pg_extension_extversion));
	sd_doc_common(snap, doc, ExtensionRelationId, form->oid, InvalidOid, OBJECT_EXTENSION, NULL);
	sd_doc_emit(snap, doc);
	return true;
}

static int
compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

SdNode *
sd_sorted_list(Datum *texts, int count)
{
	SdNode *list = sd_node_list();
	char **names = palloc(sizeof(char *) * (count + 1));

	for (int i = 0; i < count; i++)
		names[i] = TextDatumGetCString(texts[i]);
	qsort(names, count, sizeof(char *), compare_text);
	for (int i = 0; i < count; i++)
		sd_add_text(list, names[i]);
	return list;
}

static bool
emit_event_trigger(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_event_trigger form = (Form_pg_event_trigger) GETSTRUCT(tuple);
	ArrayType *tags;
	SdDoc *doc;
	SdNode *core;

	if (sd_is_member(snap, EventTriggerRelationId, form->oid))
		return false;
	doc = sd_doc_begin(snap, "event trigger", quote_identifier(pstrdup(NameStr(form->evtname))));
	core = sd_doc_map(doc, SD_FACET_CORE);
	sd_put_text(core, "event", pstrdup(NameStr(form->evtevent)));
	sd_put_text(core, "function", sd_proc_name(snap, form->evtfoid));
	sd_put_text(core, "enabled", sd_enabled_name(form->evtenabled));
	tags = sd_attr_array(tuple, desc, Anum_pg_event_trigger_evttags);
	if (tags != NULL)
	{
		Datum *elems;
		int count;

		deconstruct_array(tags, TEXTOID, -1, false, TYPALIGN_INT, &elems, NULL, &count);
		sd_put(core, "tags", sd_sorted_list(elems, count));
	}
	sd_doc_common(snap, doc, EventTriggerRelationId, form->oid, form->evtowner,
				  OBJECT_EVENT_TRIGGER, NULL);
	sd_doc_emit(snap, doc);
	return true;
}

static const char *
default_acl_target(char type)
{
	switch (type)
	{
		case DEFACLOBJ_RELATION:
			return "tables";
		case DEFACLOBJ_SEQUENCE:
			return "sequences";
		case DEFACLOBJ_FUNCTION:
			return "functions";
		case DEFACLOBJ_TYPE:
			return "types";
		case DEFACLOBJ_NAMESPACE:
			return "schemas";
		default:
			return "large objects";
	}
}

static bool
emit_default_acl(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_default_acl form = (Form_pg_default_acl) GETSTRUCT(tuple);
	const char *role = quote_identifier(sd_role_name(snap, form->defaclrole));
	const char *target = default_acl_target(form->defaclobjtype);
	Acl *acl;
	SdDoc *doc;

	if (OidIsValid(form->defaclnamespace) && !sd_schema_kept(snap, form->defaclnamespace))
		return false;
	doc = sd_doc_begin(snap, "default acl", NULL);
	if (OidIsValid(form->defaclnamespace))
		doc->identity = psprintf("for role %s in schema %s on %s", role,
								 sd_schema_name(snap, form->defaclnamespace), target);
	else
		doc->identity = psprintf("for role %s on %s", role, target);
	acl = (Acl *) sd_attr_array(tuple, desc, Anum_pg_default_acl_defaclacl);
	sd_put(sd_doc_map(doc, SD_FACET_SECURITY), "acl", sd_acl_all_node(snap, acl));
	sd_doc_phys_oid(snap, doc, form->oid);
	sd_doc_emit(snap, doc);
	return true;
}

static bool
emit_collation(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_collation form = (Form_pg_collation) GETSTRUCT(tuple);
	SdDoc *doc;
	SdNode *core;
	char *version;

	if (!sd_schema_kept(snap, form->collnamespace) ||
		sd_is_member(snap, CollationRelationId, form->oid))
		return false;
	doc = sd_doc_begin(snap, "collation",
					   sd_qualified(snap, form->collnamespace, NameStr(form->collname)));
	core = sd_doc_map(doc, SD_FACET_CORE);
	sd_put_text(core, "provider",
				form->collprovider == COLLPROVIDER_ICU	? "icu" :
				form->collprovider == COLLPROVIDER_LIBC ? "libc" :
														  "builtin");
	sd_put_false(core, "deterministic", form->collisdeterministic);
	sd_put_text(core, "lc_collate", sd_compat_collcollate(tuple, desc));
	sd_put_text(core, "lc_ctype", sd_compat_collctype(tuple, desc));
	sd_put_text(core, "locale", sd_compat_colllocale(tuple, desc));
	sd_put_text(core, "rules", sd_compat_collrules(tuple, desc));
	version = sd_attr_text(tuple, desc, Anum_pg_collation_collversion);
	if (version != NULL)
		sd_put_text(sd_doc_map(doc, SD_FACET_VERSION), "version", version);
	sd_doc_common(snap, doc, CollationRelationId, form->oid, form->collowner, OBJECT_COLLATION, NULL);
	sd_doc_emit(snap, doc);
	return true;
}

void
sd_emit_misc(SdSnap *snap)
{
	sd_scan(snap, ExtensionRelationId, emit_extension);
	sd_scan(snap, EventTriggerRelationId, emit_event_trigger);
	sd_scan(snap, DefaultAclRelationId, emit_default_acl);
	sd_scan(snap, CollationRelationId, emit_collation);
}
