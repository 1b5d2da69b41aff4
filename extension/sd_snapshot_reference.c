/*
 * sd_snapshot_reference.c
 *	  References to objects, of every kind that has documents: "kind identity", as the
 *	  document of the object says them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_ts_parser.h"
#include "catalog/pg_ts_template.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "sd_compat_catalog.h"
#include "sd_snapshot_int.h"

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
	StringInfoData buf;
	bool family = classid == OperatorClassRelationId || classid == OperatorFamilyRelationId;
	/* the access method stands in front of the names of a class or family */
	int first = family ? 1 : 0;

	for (int i = 0; i < lengthof(named_kinds); i++)
	{
		if (named_kinds[i].classid != classid)
			continue;
		sd_compat_identity_parts(&address, &names, &arguments);
		initStringInfo(&buf);
		appendStringInfoString(&buf, named_kinds[i].kind);
		for (int n = first; n < list_length(names); n++)
			appendStringInfo(&buf, "%s%s", n == first ? " " : ".",
							 quote_identifier(list_nth(names, n)));
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
	return sd_join(kind, ' ', rel->qname);
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

const char *
sd_object_reference(SdSnap *snap, Oid classid, Oid oid)
{
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
