/*
 * sd_snapshot_names.c
 *	  Names of whatever a definition refers to, looked up once.
 *
 * A name is quoted where it must be, and qualified unless it is in pg_catalog,
 * as a dump would print it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_am.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_tablespace.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "sd_snapshot_reuse.h"

typedef struct SdSchema
{
	Oid oid;
	const char *quoted;
	bool kept;
	bool of_server;
} SdSchema;

typedef struct NameKey
{
	Oid classid;
	Oid oid;
	int32 sub;
} NameKey;

typedef struct NameEntry
{
	NameKey key;
	const char *name;
	Oid collation; /* of a type */
	char storage;  /* of a type */
	Oid element;   /* of an array type */
	uint64 hash;   /* of the name and whatever else was looked up with it */
	bool flag;	   /* of an operator class: default for the type in "sub" */
} NameEntry;

static bool
load_schema(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_namespace form = (Form_pg_namespace) GETSTRUCT(tuple);
	const char *name = NameStr(form->nspname);
	SdSchema *schema = hash_search(snap->schemas, &form->oid, HASH_ENTER, NULL);

	schema->quoted = quote_identifier(pstrdup(name));
	schema->kept = strncmp(name, "pg_", 3) != 0 && strcmp(name, "information_schema") != 0 &&
				   strcmp(name, "safedeploy") != 0;
	schema->of_server = form->oid == PG_CATALOG_NAMESPACE;
	return schema->kept;
}

void
sd_load_schemas(SdSnap *snap)
{
	snap->schemas = sd_hash(snap, "safedeploy schemas", sizeof(Oid), sizeof(SdSchema));
	snap->names = sd_hash(snap, "safedeploy names", sizeof(NameKey), sizeof(NameEntry));
	sd_scan_all(snap, NamespaceRelationId, load_schema);
}

/* Neighbours mostly have the same schema. */
static SdSchema *
look_up_schema(SdSnap *snap, Oid oid)
{
	if (snap->last_schema == NULL || snap->last_schema->oid != oid)
		snap->last_schema = hash_search(snap->schemas, &oid, HASH_FIND, NULL);
	return snap->last_schema;
}

static SdSchema *
find_schema(SdSnap *snap, Oid oid)
{
	SdSchema *schema = look_up_schema(snap, oid);

	if (schema == NULL)
		elog(ERROR, "cache lookup failed for schema %u", oid);
	return schema;
}

bool
sd_schema_kept(SdSnap *snap, Oid oid)
{
	SdSchema *schema = look_up_schema(snap, oid);

	return schema != NULL && schema->kept;
}

bool
sd_schema_of_server(SdSnap *snap, Oid oid)
{
	SdSchema *schema = look_up_schema(snap, oid);

	return schema != NULL && schema->of_server;
}

const char *
sd_schema_name(SdSnap *snap, Oid oid)
{
	return find_schema(snap, oid)->quoted;
}

const char *
sd_join(const char *a, char between, const char *b)
{
	size_t len = strlen(a);
	size_t rest = strlen(b) + 1;
	char *text = palloc(len + 1 + rest);

	memcpy(text, a, len);
	text[len] = between;
	memcpy(text + len + 1, b, rest);
	return text;
}

const char *
sd_qualified(SdSnap *snap, Oid schema, const char *name)
{
	return sd_join(find_schema(snap, schema)->quoted, '.', quote_identifier(name));
}

const char *
sd_catalog_name(SdSnap *snap, Oid classid, Oid oid)
{
	int cache = get_object_catcache_oid(classid);
	HeapTuple tuple = SearchSysCache1(cache, ObjectIdGetDatum(oid));
	Datum schema, name;
	bool isnull;
	const char *result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for object %u of catalog %u", oid, classid);
	schema = SysCacheGetAttr(cache, tuple, get_object_attnum_namespace(classid), &isnull);
	name = SysCacheGetAttr(cache, tuple, get_object_attnum_name(classid), &isnull);
	result = sd_qualified(snap, DatumGetObjectId(schema), NameStr(*DatumGetName(name)));
	ReleaseSysCache(tuple);
	return result;
}

/* Qualified unless it is in pg_catalog; lives as long as the walk. */
static const char *
visible_name(SdSnap *snap, Oid schema, const char *name)
{
	if (schema == PG_CATALOG_NAMESPACE)
		return quote_identifier(pstrdup(name));
	return sd_qualified(snap, schema, name);
}

/*
 * Entry of the memo.  When it is new, the current context is the long-lived one
 * and the caller fills the entry, then calls memo_end.
 */
static NameEntry *
memo_begin(SdSnap *snap, Oid classid, Oid oid, int32 sub, bool *found, MemoryContext *old)
{
	NameKey key = { classid, oid, sub };
	uint32 place = (oid + classid * 7 + (uint32) sub * 31) % lengthof(snap->recent_names);
	NameEntry *entry = snap->recent_names[place];

	/* few types, operator classes and roles make up most names */
	*found = entry != NULL && memcmp(&entry->key, &key, sizeof(key)) == 0;
	if (*found)
		return entry;
	entry = snap->recent_names[place] = hash_search(snap->names, &key, HASH_ENTER, found);
	if (*found)
		return entry;
	memset((char *) entry + sizeof(NameKey), 0, sizeof(NameEntry) - sizeof(NameKey));
	*old = MemoryContextSwitchTo(snap->cxt);
	return entry;
}

/* The document at hand has the name of an entry, which changes with an object. */
static void
use_entry(SdSnap *snap, NameEntry *entry, Oid used)
{
	sd_use_name(snap, used, entry->key.classid, entry->key.oid, entry->key.sub, entry->hash);
}

static HeapTuple
lookup(int cache, Oid oid, const char *what)
{
	HeapTuple tuple = SearchSysCache1(cache, ObjectIdGetDatum(oid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for %s %u", what, oid);
	return tuple;
}

const char *
sd_role_name(SdSnap *snap, Oid oid)
{
	bool found;
	MemoryContext old;
	NameEntry *entry = memo_begin(snap, AuthIdRelationId, oid, 0, &found, &old);

	if (!found)
	{
		/* a role may be gone that an ACL still names */
		char *name = GetUserNameFromId(oid, true);

		entry->name = name ? name : psprintf("%u", oid);
		MemoryContextSwitchTo(old);
	}
	return entry->name;
}

static NameEntry *
type_entry(SdSnap *snap, Oid oid, int32 typmod)
{
	bool found;
	MemoryContext old;
	NameEntry *entry = memo_begin(snap, TypeRelationId, oid, typmod, &found, &old);

	if (!found)
	{
		HeapTuple tuple = lookup(TYPEOID, oid, "type");
		Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);

		entry->storage = form->typstorage;
		entry->collation = form->typcollation;
		entry->element = form->typelem;
		ReleaseSysCache(tuple);
		entry->name = format_type_extended(oid, typmod, FORMAT_TYPE_TYPEMOD_GIVEN);
		entry->hash =
			sd_name_hash(entry->name) ^ hash_combine64(entry->storage, (uint64) entry->collation);
		MemoryContextSwitchTo(old);
	}
	use_entry(snap, entry, oid);
	/* an array type is called by its element */
	if (OidIsValid(entry->element))
		use_entry(snap, entry, entry->element);
	return entry;
}

const char *
sd_type_name(SdSnap *snap, Oid oid, int32 typmod)
{
	return type_entry(snap, oid, typmod)->name;
}

char
sd_type_storage(SdSnap *snap, Oid oid)
{
	return type_entry(snap, oid, -1)->storage;
}

Oid
sd_type_collation(SdSnap *snap, Oid oid)
{
	return type_entry(snap, oid, -1)->collation;
}

const char *
sd_proc_name(SdSnap *snap, Oid oid)
{
	bool found;
	MemoryContext old;
	NameEntry *entry = memo_begin(snap, ProcedureRelationId, oid, 0, &found, &old);

	if (!found)
	{
		HeapTuple tuple = lookup(PROCOID, oid, "function");
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

		entry->name = visible_name(snap, form->pronamespace, NameStr(form->proname));
		entry->hash = sd_name_hash(entry->name);
		ReleaseSysCache(tuple);
		MemoryContextSwitchTo(old);
	}
	use_entry(snap, entry, oid);
	return entry->name;
}

/* Name with the types of the input arguments, in the current context. */
const char *
sd_routine_identity(SdSnap *snap, Form_pg_proc form)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s(", visible_name(snap, form->pronamespace, NameStr(form->proname)));
	for (int i = 0; i < form->pronargs; i++)
		appendStringInfo(&buf, "%s%s", i > 0 ? ", " : "",
						 sd_type_name(snap, form->proargtypes.values[i], -1));
	appendStringInfoChar(&buf, ')');
	return sd_trim(&buf);
}

/* Not kept: the names of the types have to be noted for whoever asks. */
const char *
sd_proc_identity(SdSnap *snap, Oid oid)
{
	MemoryContext old = MemoryContextSwitchTo(snap->cxt);
	HeapTuple tuple = lookup(PROCOID, oid, "function");
	const char *identity = sd_routine_identity(snap, (Form_pg_proc) GETSTRUCT(tuple));

	ReleaseSysCache(tuple);
	MemoryContextSwitchTo(old);
	(void) sd_proc_name(snap, oid);
	return identity;
}

const char *
sd_collation_name(SdSnap *snap, Oid oid)
{
	bool found;
	MemoryContext old;
	NameEntry *entry = memo_begin(snap, CollationRelationId, oid, 0, &found, &old);

	if (!found)
	{
		/* always qualified, as a dump does */
		entry->name = sd_catalog_name(snap, CollationRelationId, oid);
		MemoryContextSwitchTo(old);
	}
	return entry->name;
}

const char *
sd_opclass_name(SdSnap *snap, Oid oid)
{
	bool found;
	MemoryContext old;
	NameEntry *entry = memo_begin(snap, OperatorClassRelationId, oid, -1, &found, &old);

	if (!found)
	{
		HeapTuple tuple = lookup(CLAOID, oid, "operator class");
		Form_pg_opclass form = (Form_pg_opclass) GETSTRUCT(tuple);

		entry->name = visible_name(snap, form->opcnamespace, NameStr(form->opcname));
		ReleaseSysCache(tuple);
		MemoryContextSwitchTo(old);
	}
	return entry->name;
}

bool
sd_opclass_is_default(SdSnap *snap, Oid opclass, Oid type)
{
	bool found;
	MemoryContext old;
	NameEntry *entry = memo_begin(snap, OperatorClassRelationId, opclass, (int32) type, &found, &old);

	if (!found)
	{
		HeapTuple tuple = lookup(CLAOID, opclass, "operator class");
		Oid am = ((Form_pg_opclass) GETSTRUCT(tuple))->opcmethod;

		ReleaseSysCache(tuple);
		entry->flag = GetDefaultOpClass(type, am) == opclass;
		MemoryContextSwitchTo(old);
	}
	return entry->flag;
}

/* As it can stand between two operands: OPERATOR() when it needs a schema. */
const char *
sd_operator_name(SdSnap *snap, Oid oid)
{
	bool found;
	MemoryContext old;
	NameEntry *entry = memo_begin(snap, OperatorRelationId, oid, 0, &found, &old);

	if (!found)
	{
		HeapTuple tuple = lookup(OPEROID, oid, "operator");
		Form_pg_operator form = (Form_pg_operator) GETSTRUCT(tuple);

		if (form->oprnamespace == PG_CATALOG_NAMESPACE)
			entry->name = pstrdup(NameStr(form->oprname));
		else
			entry->name = psprintf("OPERATOR(%s.%s)", sd_schema_name(snap, form->oprnamespace),
								   NameStr(form->oprname));
		ReleaseSysCache(tuple);
		MemoryContextSwitchTo(old);
	}
	return entry->name;
}

const char *
sd_am_name(SdSnap *snap, Oid oid)
{
	bool found;
	MemoryContext old;
	NameEntry *entry = memo_begin(snap, AccessMethodRelationId, oid, 0, &found, &old);

	if (!found)
	{
		char *name = get_am_name(oid);

		if (name == NULL)
			elog(ERROR, "cache lookup failed for access method %u", oid);
		entry->name = quote_identifier(name);
		MemoryContextSwitchTo(old);
	}
	return entry->name;
}

const char *
sd_tablespace_name(SdSnap *snap, Oid oid)
{
	bool found;
	MemoryContext old;
	NameEntry *entry;

	if (!OidIsValid(oid))
		return NULL;
	entry = memo_begin(snap, TableSpaceRelationId, oid, 0, &found, &old);
	if (!found)
	{
		entry->name = get_tablespace_name(oid);
		if (entry->name == NULL)
			elog(ERROR, "cache lookup failed for tablespace %u", oid);
		MemoryContextSwitchTo(old);
	}
	return entry->name;
}

const char *
sd_language_name(SdSnap *snap, Oid oid)
{
	bool found;
	MemoryContext old;
	NameEntry *entry = memo_begin(snap, LanguageRelationId, oid, 0, &found, &old);

	if (!found)
	{
		entry->name = get_language_name(oid, false);
		MemoryContextSwitchTo(old);
	}
	return entry->name;
}

const char *
sd_rel_name(SdSnap *snap, Oid oid)
{
	SdRel *rel = sd_rel(snap, oid);
	bool found;
	MemoryContext old;
	NameEntry *entry;

	if (rel != NULL)
	{
		if (snap->uses != NULL)
			sd_use_name(snap, oid, RelationRelationId, oid, 0, sd_name_hash(rel->qname));
		return rel->qname;
	}
	entry = memo_begin(snap, RelationRelationId, oid, 0, &found, &old);
	if (!found)
	{
		char *name = get_rel_name(oid);

		if (name == NULL)
			elog(ERROR, "cache lookup failed for relation %u", oid);
		entry->name = visible_name(snap, get_rel_namespace(oid), name);
		entry->hash = sd_name_hash(entry->name);
		MemoryContextSwitchTo(old);
	}
	use_entry(snap, entry, oid);
	return entry->name;
}

const char *
sd_column_name(SdSnap *snap, Oid relid, int attnum)
{
	SdRel *rel = sd_rel(snap, relid);
	const char *name;

	if (rel != NULL && rel->columns != NULL && attnum > 0 && attnum <= rel->natts &&
		rel->columns[attnum].name != NULL)
		name = rel->columns[attnum].name;
	else
		name = get_attname(relid, attnum, false);
	if (snap->uses != NULL)
		sd_use_name(snap, relid, RelationRelationId, relid, attnum, sd_name_hash(name));
	return name;
}

uint64
sd_name_hash_now(SdSnap *snap, Oid classid, Oid oid, int32 sub)
{
	const char *name;

	switch (classid)
	{
		case RelationRelationId:
			if (sub != 0)
				name = get_attname(oid, sub, true);
			else
				name = SearchSysCacheExists1(RELOID, ObjectIdGetDatum(oid)) ? sd_rel_name(snap, oid) :
																			  NULL;
			return name ? sd_name_hash(name) : 0;
		case TypeRelationId:
			if (!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(oid)))
				return 0;
			return type_entry(snap, oid, sub)->hash;
		case ProcedureRelationId:
			if (!SearchSysCacheExists1(PROCOID, ObjectIdGetDatum(oid)))
				return 0;
			return sd_name_hash(sd_proc_name(snap, oid));
		default:
			return 0;
	}
}
