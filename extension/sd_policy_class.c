/*
 * sd_policy_class.c
 *	  What can be protected, by class, and which of it a session leaves alone.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_database.h"
#include "catalog/pg_largeobject.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "sd_compat.h"
#include "sd_compat_catalog.h"
#include "sd_policy_class.h"

typedef struct ClassInfo
{
	const char *name;
	bool enabled;
} ClassInfo;

#define CLASS_ROW(id, name, enabled) { name, enabled },
static const ClassInfo classes[SD_PROTECT_COUNT] = { SD_PROTECT_CLASSES(CLASS_ROW) };

uint32 sd_protect_mask = 0;
uint32 sd_protect_watched = 0;

/*
 * Addresses of what this session has made.  What was rolled back may stay: no
 * other object gets its OID before the counter of OIDs has gone all around.
 */
static HTAB *made = NULL;

static uint32
default_mask(void)
{
	uint32 mask = 0;

	for (int i = 0; i < SD_PROTECT_COUNT; i++)
		if (classes[i].enabled)
			mask |= 1U << i;
	return mask;
}

/* mask_of returns the bits that a word of the list stands for, 0 when it is none. */
static uint32
mask_of(const char *word)
{
	if (strcmp(word, "default") == 0)
		return default_mask();
	if (strcmp(word, "all") == 0)
		return (1U << SD_PROTECT_COUNT) - 1;
	for (int i = 0; i < SD_PROTECT_COUNT; i++)
		if (strcmp(word, classes[i].name) == 0)
			return 1U << i;
	return 0;
}

bool
sd_protect_classes_check(char **newval, void **extra, GucSource source)
{
	List *words = NIL;
	ListCell *cell;
	uint32 mask = 0;
	uint32 *kept;

	if (!SplitIdentifierString(pstrdup(*newval), ',', &words))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	foreach (cell, words)
	{
		uint32 one = mask_of(lfirst(cell));

		if (one == 0)
		{
			GUC_check_errdetail("Unknown class: \"%s\".", (char *) lfirst(cell));
			return false;
		}
		mask |= one;
	}
	list_free(words);
	kept = sd_guc_malloc(LOG, sizeof(uint32));
	if (kept == NULL)
		return false;
	*kept = mask;
	*extra = kept;
	return true;
}

void
sd_protect_classes_assign(const char *newval, void *extra)
{
	sd_protect_mask = *(uint32 *) extra;
}

static SdProtectClass
class_of_relation(const ObjectAddress *object)
{
	switch (get_rel_relkind(object->objectId))
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			return object->objectSubId != 0 ? SD_PROTECT_COLUMN : SD_PROTECT_TABLE;
		case RELKIND_FOREIGN_TABLE:
			return object->objectSubId != 0 ? SD_PROTECT_COLUMN : SD_PROTECT_FOREIGN_TABLE;
		case RELKIND_COMPOSITE_TYPE:
			/* as a whole it is its type */
			return object->objectSubId != 0 ? SD_PROTECT_COLUMN : SD_PROTECT_NONE;
		case RELKIND_MATVIEW:
			return SD_PROTECT_MATVIEW;
		case RELKIND_VIEW:
			return SD_PROTECT_VIEW;
		case RELKIND_SEQUENCE:
			return SD_PROTECT_SEQUENCE;
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			return SD_PROTECT_INDEX;
		default:
			return SD_PROTECT_NONE;
	}
}

/* Arrays, multiranges and row types come and go with what they are made of. */
static SdProtectClass
class_of_type(Oid type)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	SdProtectClass class = SD_PROTECT_TYPE;
	Form_pg_type form;

	if (!HeapTupleIsValid(tuple))
		return SD_PROTECT_NONE;
	form = (Form_pg_type) GETSTRUCT(tuple);
	if ((OidIsValid(form->typelem) && form->typlen == -1) || form->typtype == SD_TYPTYPE_MULTIRANGE ||
		(OidIsValid(form->typrelid) && get_rel_relkind(form->typrelid) != RELKIND_COMPOSITE_TYPE))
		class = SD_PROTECT_NONE;
	ReleaseSysCache(tuple);
	return class;
}

SdProtectClass
sd_protect_class_of(const ObjectAddress *object)
{
	switch (object->classId)
	{
		case RelationRelationId:
			return class_of_relation(object);
		case TypeRelationId:
			return class_of_type(object->objectId);
		case NamespaceRelationId:
			return SD_PROTECT_SCHEMA;
		case DatabaseRelationId:
			return SD_PROTECT_DATABASE;
		case ConstraintRelationId:
			return SD_PROTECT_CONSTRAINT;
		case ProcedureRelationId:
			return SD_PROTECT_FUNCTION;
		case LargeObjectRelationId:
			return SD_PROTECT_LARGE_OBJECT;
		default:
			return SD_PROTECT_NONE;
	}
}

static bool
is_temporary(const ObjectAddress *object)
{
	Oid schema = InvalidOid;
	HeapTuple tuple;

	switch (object->classId)
	{
		case RelationRelationId:
			schema = get_rel_namespace(object->objectId);
			break;
		case ProcedureRelationId:
			schema = get_func_namespace(object->objectId);
			break;
		case NamespaceRelationId:
			schema = object->objectId;
			break;
		case TypeRelationId:
			tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(object->objectId));
			if (HeapTupleIsValid(tuple))
			{
				schema = ((Form_pg_type) GETSTRUCT(tuple))->typnamespace;
				ReleaseSysCache(tuple);
			}
			break;
		case ConstraintRelationId:
			tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(object->objectId));
			if (HeapTupleIsValid(tuple))
			{
				schema = ((Form_pg_constraint) GETSTRUCT(tuple))->connamespace;
				ReleaseSysCache(tuple);
			}
			break;
		default:
			break;
	}
	return OidIsValid(schema) && isAnyTempNamespace(schema);
}

static bool
is_made(Oid class, Oid id, int32 sub)
{
	ObjectAddress key;

	ObjectAddressSubSet(key, class, id, sub);
	return hash_search(made, &key, HASH_FIND, NULL) != NULL;
}

bool
sd_protect_is_own(const ObjectAddress *object)
{
	if (is_temporary(object))
		return true;
	if (made == NULL)
		return false;
	return is_made(object->classId, object->objectId, 0) ||
		   (object->objectSubId != 0 &&
			is_made(object->classId, object->objectId, object->objectSubId));
}

void
sd_protect_made(const ObjectAddress *object)
{
	/* The rows of new relations and types cannot be looked at yet. */
	if (object->classId != RelationRelationId && object->classId != TypeRelationId &&
		sd_protect_class_of(object) == SD_PROTECT_NONE)
		return;
	if (made == NULL)
	{
		HASHCTL control = { 0 };

		control.keysize = sizeof(ObjectAddress);
		control.entrysize = sizeof(ObjectAddress);
		control.hcxt = TopMemoryContext;
		made = hash_create("safedeploy objects of the session", 64, &control,
						   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	hash_search(made, object, HASH_ENTER, NULL);
}

char *
sd_protect_object_name(const ObjectAddress *object)
{
	char *identity = sd_compat_object_identity(object);

	if (identity == NULL)
		return psprintf("object %u of catalog %u", object->objectId, object->classId);
	return psprintf("%s %s", sd_compat_object_type(object), identity);
}
