/*
 * sd_snapshot_other.c
 *	  Kinds that few schemas have: casts, operators and their classes, languages,
 *	  conversions, transforms, access methods, user mappings and subscriptions.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_language.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_transform.h"
#include "catalog/pg_type.h"
#include "catalog/pg_user_mapping.h"
#include "foreign/foreign.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "sd_compat_catalog.h"
#include "sd_snapshot_int.h"

static void
put_operator(SdSnap *snap, SdNode *map, const char *key, Oid oper)
{
	if (OidIsValid(oper))
		sd_put_text(map, key, sd_operator_name(snap, oper));
}

static const char *
operand(SdSnap *snap, Oid type)
{
	return OidIsValid(type) ? sd_type_name(snap, type, -1) : "NONE";
}

static bool
emit_cast(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_cast form = (Form_pg_cast) GETSTRUCT(tuple);
	SdDoc *doc;
	SdNode *core;

	/* a range type brings its cast to the multirange along */
	if (form->oid < FirstNormalObjectId || sd_is_member(snap, CastRelationId, form->oid) ||
		sd_is_internal(snap, CastRelationId, form->oid))
		return false;
	doc = sd_doc_begin(snap, "cast", NULL);
	doc->identity = psprintf("(%s AS %s)", sd_type_name(snap, form->castsource, -1),
							 sd_type_name(snap, form->casttarget, -1));
	core = sd_doc_map(doc, SD_FACET_CORE);
	if (OidIsValid(form->castfunc))
		sd_put_text(core, "function", sd_proc_identity(snap, form->castfunc));
	sd_put_text(core, "context",
				form->castcontext == COERCION_CODE_IMPLICIT	  ? "implicit" :
				form->castcontext == COERCION_CODE_ASSIGNMENT ? "assignment" :
																"explicit");
	sd_put_text(core, "method",
				form->castmethod == COERCION_METHOD_FUNCTION ? "function" :
				form->castmethod == COERCION_METHOD_INOUT	 ? "inout" :
															   "binary");
	sd_doc_common(snap, doc, CastRelationId, form->oid, InvalidOid, OBJECT_CAST, NULL);
	sd_doc_emit(snap, doc);
	return true;
}

static bool
emit_operator(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_operator form = (Form_pg_operator) GETSTRUCT(tuple);
	SdDoc *doc;
	SdNode *core;

	/* a shell is what a commutator is before it is made */
	if (!sd_schema_kept(snap, form->oprnamespace) || !RegProcedureIsValid(form->oprcode) ||
		sd_is_member(snap, OperatorRelationId, form->oid))
		return false;
	doc = sd_doc_begin(snap, "operator", NULL);
	doc->identity =
		psprintf("%s.%s(%s, %s)", sd_schema_name(snap, form->oprnamespace), NameStr(form->oprname),
				 operand(snap, form->oprleft), operand(snap, form->oprright));
	core = sd_doc_map(doc, SD_FACET_CORE);
	sd_put_proc(snap, core, "function", form->oprcode);
	sd_put_text(core, "returns", sd_type_name(snap, form->oprresult, -1));
	put_operator(snap, core, "commutator", form->oprcom);
	put_operator(snap, core, "negator", form->oprnegate);
	sd_put_proc(snap, core, "restrict", form->oprrest);
	sd_put_proc(snap, core, "join", form->oprjoin);
	sd_put_true(core, "merges", form->oprcanmerge);
	sd_put_true(core, "hashes", form->oprcanhash);
	sd_doc_common(snap, doc, OperatorRelationId, form->oid, form->oprowner, OBJECT_OPERATOR, NULL);
	sd_doc_emit(snap, doc);
	return true;
}

/*
 * Operators and functions of the families.  One that was made with a class goes
 * with it and stands there; the others are loose in the family.  A family may be
 * one of the system's.
 */
typedef struct FamilyMember
{
	Oid family;
	Oid opclass; /* InvalidOid for a loose one */
	const char *key;
	const char *value;
	bool is_operator;
	bool of_extension; /* what it names is a member of one */
} FamilyMember;

static void
note_opclass(HeapTuple tuple, void *arg)
{
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

	if (form->refclassid == OperatorClassRelationId)
		*(Oid *) arg = form->refobjid;
}

/* Operator class that a member depends on, InvalidOid when on the family alone. */
static Oid
member_opclass(SdSnap *snap, Oid classid, Oid oid)
{
	static const AttrNumber attnums[] = { Anum_pg_depend_classid, Anum_pg_depend_objid };
	Oid values[] = { classid, oid };
	Oid opclass = InvalidOid;

	sd_scan_index(snap, DependRelationId, DependDependerIndexId, 2, attnums, values, note_opclass,
				  &opclass);
	return opclass;
}

static void
add_member(SdSnap *snap, FamilyMember member, int number, Oid left, Oid right)
{
	FamilyMember *copy = palloc(sizeof(FamilyMember));

	*copy = member;
	copy->key = psprintf("%d (%s, %s)", number, operand(snap, left), operand(snap, right));
	snap->family_members = lappend(snap->family_members, copy);
}

static bool
load_amop(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_amop form = (Form_pg_amop) GETSTRUCT(tuple);
	FamilyMember member = { .family = form->amopfamily, .is_operator = true };

	if (form->oid < FirstNormalObjectId)
		return false;
	member.opclass = member_opclass(snap, AccessMethodOperatorRelationId, form->oid);
	member.of_extension = sd_is_member(snap, OperatorRelationId, form->amopopr);
	member.value = sd_operator_name(snap, form->amopopr);
	if (form->amoppurpose == AMOP_ORDER)
		member.value =
			psprintf("%s for order by %s", member.value,
					 sd_catalog_name(snap, OperatorFamilyRelationId, form->amopsortfamily));
	add_member(snap, member, form->amopstrategy, form->amoplefttype, form->amoprighttype);
	return true;
}

static bool
load_amproc(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_amproc form = (Form_pg_amproc) GETSTRUCT(tuple);
	FamilyMember member = { .family = form->amprocfamily };

	if (form->oid < FirstNormalObjectId)
		return false;
	member.opclass = member_opclass(snap, AccessMethodProcedureRelationId, form->oid);
	member.of_extension = sd_is_member(snap, ProcedureRelationId, form->amproc);
	member.value = sd_proc_identity(snap, form->amproc);
	add_member(snap, member, form->amprocnum, form->amproclefttype, form->amprocrighttype);
	return true;
}

/* Members of a class, or the loose ones of a family. */
static void
doc_members(SdSnap *snap, SdDoc *doc, Oid opclass, Oid family)
{
	ListCell *lc;

	foreach (lc, snap->family_members)
	{
		FamilyMember *member = lfirst(lc);

		if (OidIsValid(member->opclass) ? member->opclass == opclass : member->family == family)
			sd_put_text(sd_map_map(sd_doc_map(doc, SD_FACET_CORE),
								   member->is_operator ? "operators" : "functions"),
						member->key, member->value);
	}
}

static bool
emit_opclass(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_opclass form = (Form_pg_opclass) GETSTRUCT(tuple);
	SdDoc *doc;
	SdNode *core;

	if (!sd_schema_kept(snap, form->opcnamespace) ||
		sd_is_member(snap, OperatorClassRelationId, form->oid))
		return false;
	doc = sd_doc_begin(snap, "operator class", NULL);
	doc->identity =
		psprintf("%s USING %s", sd_qualified(snap, form->opcnamespace, NameStr(form->opcname)),
				 sd_am_name(snap, form->opcmethod));
	core = sd_doc_map(doc, SD_FACET_CORE);
	sd_put_text(core, "type", sd_type_name(snap, form->opcintype, -1));
	sd_put_true(core, "default", form->opcdefault);
	if (OidIsValid(form->opckeytype))
		sd_put_text(core, "storage", sd_type_name(snap, form->opckeytype, -1));
	sd_put_text(core, "family", sd_catalog_name(snap, OperatorFamilyRelationId, form->opcfamily));
	doc_members(snap, doc, form->oid, InvalidOid);
	sd_doc_common(snap, doc, OperatorClassRelationId, form->oid, form->opcowner, OBJECT_OPCLASS,
				  NULL);
	sd_doc_emit(snap, doc);
	return true;
}

static bool
has_loose_members(SdSnap *snap, Oid family)
{
	ListCell *lc;

	foreach (lc, snap->family_members)
	{
		FamilyMember *member = lfirst(lc);

		if (!OidIsValid(member->opclass) && member->family == family && !member->of_extension)
			return true;
	}
	return false;
}

/* Of a family of the server there is a document about what the user has added to it. */
static bool
emit_opfamily(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_opfamily form = (Form_pg_opfamily) GETSTRUCT(tuple);
	bool kept = sd_schema_kept(snap, form->opfnamespace);
	SdDoc *doc;

	if (sd_is_member(snap, OperatorFamilyRelationId, form->oid) ||
		(!kept && !has_loose_members(snap, form->oid)))
		return false;
	doc = sd_doc_begin(snap, kept ? "operator family" : "operator family members", NULL);
	doc->identity =
		psprintf("%s USING %s", sd_qualified(snap, form->opfnamespace, NameStr(form->opfname)),
				 sd_am_name(snap, form->opfmethod));
	doc_members(snap, doc, InvalidOid, form->oid);
	if (kept)
		sd_doc_common(snap, doc, OperatorFamilyRelationId, form->oid, form->opfowner,
					  OBJECT_OPFAMILY, NULL);
	else
		sd_doc_phys_oid(snap, doc, form->oid);
	sd_doc_emit(snap, doc);
	return true;
}

static const char *
language_identity(SdSnap *snap, HeapTuple tuple)
{
	const char *name = NameStr(((Form_pg_language) GETSTRUCT(tuple))->lanname);

	return psprintf("on language %s", quote_identifier(name));
}

static bool
emit_language(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_language form = (Form_pg_language) GETSTRUCT(tuple);
	SdDoc *doc;
	SdNode *core;

	if (form->oid < FirstNormalObjectId || sd_is_member(snap, LanguageRelationId, form->oid))
	{
		sd_note_privileges(snap, tuple, desc, Anum_pg_language_lanacl, LanguageRelationId,
						   form->oid, OBJECT_LANGUAGE, form->lanowner, language_identity);
		return false;
	}
	doc = sd_doc_begin(snap, "language", quote_identifier(pstrdup(NameStr(form->lanname))));
	core = sd_doc_map(doc, SD_FACET_CORE);
	sd_put_proc(snap, core, "handler", form->lanplcallfoid);
	sd_put_proc(snap, core, "inline", form->laninline);
	sd_put_proc(snap, core, "validator", form->lanvalidator);
	sd_put_true(core, "trusted", form->lanpltrusted);
	sd_doc_common(snap, doc, LanguageRelationId, form->oid, form->lanowner, OBJECT_LANGUAGE,
				  (Acl *) sd_attr_array(tuple, desc, Anum_pg_language_lanacl));
	sd_doc_emit(snap, doc);
	return true;
}

static bool
emit_conversion(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_conversion form = (Form_pg_conversion) GETSTRUCT(tuple);
	SdDoc *doc;
	SdNode *core;

	if (!sd_schema_kept(snap, form->connamespace) ||
		sd_is_member(snap, ConversionRelationId, form->oid))
		return false;
	doc = sd_doc_begin(snap, "conversion",
					   sd_qualified(snap, form->connamespace, NameStr(form->conname)));
	core = sd_doc_map(doc, SD_FACET_CORE);
	sd_put_text(core, "from", pg_encoding_to_char(form->conforencoding));
	sd_put_text(core, "to", pg_encoding_to_char(form->contoencoding));
	sd_put_proc(snap, core, "function", form->conproc);
	sd_put_true(core, "default", form->condefault);
	sd_doc_common(snap, doc, ConversionRelationId, form->oid, form->conowner, OBJECT_CONVERSION,
				  NULL);
	sd_doc_emit(snap, doc);
	return true;
}

static bool
emit_transform(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_transform form = (Form_pg_transform) GETSTRUCT(tuple);
	SdDoc *doc;
	SdNode *core;

	if (sd_is_member(snap, TransformRelationId, form->oid))
		return false;
	doc = sd_doc_begin(snap, "transform", NULL);
	doc->identity = psprintf("for %s language %s", sd_type_name(snap, form->trftype, -1),
							 quote_identifier(sd_language_name(snap, form->trflang)));
	core = sd_doc_map(doc, SD_FACET_CORE);
	sd_put_proc(snap, core, "from_sql", form->trffromsql);
	sd_put_proc(snap, core, "to_sql", form->trftosql);
	sd_doc_common(snap, doc, TransformRelationId, form->oid, InvalidOid, OBJECT_TRANSFORM, NULL);
	sd_doc_emit(snap, doc);
	return true;
}

static bool
emit_access_method(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_am form = (Form_pg_am) GETSTRUCT(tuple);
	SdDoc *doc;
	SdNode *core;

	if (form->oid < FirstNormalObjectId || sd_is_member(snap, AccessMethodRelationId, form->oid))
		return false;
	doc = sd_doc_begin(snap, "access method", quote_identifier(pstrdup(NameStr(form->amname))));
	core = sd_doc_map(doc, SD_FACET_CORE);
	sd_put_proc(snap, core, "handler", form->amhandler);
	sd_put_text(core, "type", form->amtype == AMTYPE_TABLE ? "table" : "index");
	sd_doc_common(snap, doc, AccessMethodRelationId, form->oid, InvalidOid, OBJECT_ACCESS_METHOD,
				  NULL);
	sd_doc_emit(snap, doc);
	return true;
}

/* Names of the options alone: their values are passwords as a rule. */
static bool
emit_user_mapping(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_user_mapping form = (Form_pg_user_mapping) GETSTRUCT(tuple);
	SdDoc *doc = sd_doc_begin(snap, "user mapping", NULL);
	SdNode *options =
		sd_options_node(snap, sd_attr_array(tuple, desc, Anum_pg_user_mapping_umoptions));

	doc->identity =
		psprintf("for %s server %s",
				 OidIsValid(form->umuser) ? quote_identifier(sd_role_name(snap, form->umuser)) :
											"PUBLIC",
				 quote_identifier(GetForeignServer(form->umserver)->servername));
	for (SdNode *option = options ? options->first : NULL; option != NULL; option = option->next)
	{
		option->str = "(hidden)";
		option->len = strlen(option->str);
	}
	if (options != NULL)
		sd_put(sd_doc_map(doc, SD_FACET_CORE), "options", options);
	sd_doc_phys_oid(snap, doc, form->oid);
	sd_doc_depends(snap, doc, UserMappingRelationId, form->oid);
	sd_doc_emit(snap, doc);
	return true;
}

/* Without the connection string, which may hold a password. */
static bool
emit_subscription(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_subscription form = (Form_pg_subscription) GETSTRUCT(tuple);
	SdSubscriptionOptions options = sd_compat_subscription_options(tuple, desc);
	ArrayType *publications;
	Datum *elems;
	int count;
	bool isnull;
	Datum slot;
	SdDoc *doc;
	SdNode *core;

	if (form->subdbid != MyDatabaseId)
		return false;
	doc = sd_doc_begin(snap, "subscription", quote_identifier(pstrdup(NameStr(form->subname))));
	core = sd_doc_map(doc, SD_FACET_CORE);
	/* a restored subscription is disabled, whatever it was */
	if (doc->phys != NULL)
		sd_put_bool(doc->phys, "enabled", form->subenabled);
	slot = sd_attr(tuple, desc, Anum_pg_subscription_subslotname, &isnull);
	if (!isnull)
		sd_put_text(core, "slot", pstrdup(NameStr(*DatumGetName(slot))));
	sd_put_true(core, "binary", options.binary);
	sd_put_true(core, "disable_on_error", options.disable_on_error);
	sd_put_true(core, "failover", options.failover);
	sd_put_text(core, "origin", options.origin);
	sd_put_false(core, "password_required", options.password_required);
	sd_put_true(core, "run_as_owner", options.run_as_owner);
	sd_put_text(core, "streaming", options.streaming);
	sd_put_true(core, "two_phase", options.two_phase);
	sd_put_text(core, "synchronous_commit",
				sd_attr_text(tuple, desc, Anum_pg_subscription_subsynccommit));
	publications = sd_attr_array(tuple, desc, Anum_pg_subscription_subpublications);
	deconstruct_array(publications, TEXTOID, -1, false, TYPALIGN_INT, &elems, NULL, &count);
	sd_put(core, "publications", sd_sorted_list(elems, count));
	sd_doc_common(snap, doc, SubscriptionRelationId, form->oid, form->subowner, OBJECT_SUBSCRIPTION,
				  NULL);
	sd_doc_emit(snap, doc);
	return true;
}

void
sd_emit_other(SdSnap *snap)
{
	sd_scan(snap, CastRelationId, emit_cast);
	sd_scan(snap, OperatorRelationId, emit_operator);
	sd_scan(snap, AccessMethodOperatorRelationId, load_amop);
	sd_scan(snap, AccessMethodProcedureRelationId, load_amproc);
	sd_scan(snap, OperatorClassRelationId, emit_opclass);
	sd_scan(snap, OperatorFamilyRelationId, emit_opfamily);
	sd_scan(snap, LanguageRelationId, emit_language);
	sd_scan(snap, ConversionRelationId, emit_conversion);
	sd_scan(snap, TransformRelationId, emit_transform);
	sd_scan(snap, AccessMethodRelationId, emit_access_method);
	sd_scan(snap, UserMappingRelationId, emit_user_mapping);
	sd_scan(snap, SubscriptionRelationId, emit_subscription);
}
