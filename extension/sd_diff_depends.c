/*
 * sd_diff_depends.c
 *	  What depended on what, as the old snapshot has recorded it in phys.
 *
 * "part_depends" is a map from a part of an object, such as "constraints.t_fk",
 * "" being the object as a whole, to a list of references, each a "kind
 * identity" or a pair of that and a part of the other object.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "sd_compat.h"
#include "sd_diff_cause.h"
#include "sd_text_table.h"

/* Something that refers to an object, or to a part of it. */
typedef struct Dependent
{
	const char *kind;
	const char *identity;
	const char *part; /* of the object that is referred to, NULL for the whole */
} Dependent;

typedef struct UsedObject
{
	const char *name; /* key: kind, blank, identity */
	List *dependents; /* of Dependent * */
} UsedObject;

/* Takes a reference apart; the part is NULL when the whole is meant.  False for anything else. */
static bool
read_reference(const JsonbValue *value, char **name, char **part)
{
	JsonbValue *first, *second;

	*part = NULL;
	if (value->type == jbvString)
	{
		*name = sd_diff_value_string(value);
		return true;
	}
	if (!sd_diff_value_is_array(value))
		return false;
	first = getIthJsonbValueFromContainer(value->val.binary.data, 0);
	second = getIthJsonbValueFromContainer(value->val.binary.data, 1);
	if (first == NULL || second == NULL || first->type != jbvString || second->type != jbvString)
		return false;
	*name = sd_diff_value_string(first);
	*part = sd_diff_value_string(second);
	return true;
}

/* The list of references of a part of an object; NULL when it has none. */
static JsonbContainer *
references_of(const SdDiffObject *object, const char *part)
{
	JsonbValue value;

	if (!sd_diff_get(sd_diff_find(object->phys, "part_depends", NULL), part, &value) ||
		!sd_diff_value_is_array(&value))
		return NULL;
	return value.val.binary.data;
}

/* A whole object that went or was made anew, or a part of it that did; NULL when it is still there. */
static SdDiffChange *
loss_of(SdDiffNames *names, const SdDiffChange *change, const char *name, const char *part)
{
	SdDiffPair *pair = sd_diff_pair_of(names, name);
	ListCell *cell;

	if (pair == NULL || pair == change->pair)
		return NULL;
	if (pair->root != NULL && (pair->root->op & (SD_DIFF_DROP | SD_DIFF_RECREATE)))
		return pair->root;
	foreach (cell, part ? pair->changes : NIL)
	{
		SdDiffChange *other = lfirst(cell);

		if (other->member != NULL && other->depth == 2 &&
			(other->op & (SD_DIFF_DROP | SD_DIFF_RECREATE)) &&
			strcmp(part, psprintf("%s.%s", sd_diff_collections[other->collection].key,
								  other->member)) == 0)
			return other;
		if (change->op == SD_DIFF_RECREATE && sd_diff_is_retyped(other) &&
			strcmp(part, psprintf("columns.%s", other->member)) == 0)
			return other;
	}
	return NULL;
}

static SdDiffChange *
loss_among(SdDiffNames *names, const SdDiffChange *change, const char *of)
{
	JsonbContainer *references = references_of(change->pair->old, of);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue value;

	if (references == NULL)
		return NULL;
	it = JsonbIteratorInit(references);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		char *name, *part;
		SdDiffChange *loss;

		if (token != WJB_ELEM || !read_reference(&value, &name, &part))
			continue;
		loss = loss_of(names, change, name, part);
		if (loss != NULL)
			return loss;
	}
	return NULL;
}

static SdDiffChange *
test_name(SdDiffNames *names, const SdDiffChange *change, const char *text)
{
	char *schema, *name, *rest;

	sd_diff_split_identity(names->tested, &schema, &name, &rest);
	return sd_diff_text_has_name(text, name) ? unconstify(SdDiffChange *, change) : NULL;
}

/* What went has its object's name somewhere in its definition. */
static bool
is_named(SdDiffNames *names, SdDiffChange *change, const SdDiffChange *loss)
{
	names->tested = loss->pair->identity;
	return sd_diff_search_strings(names, change, change->old, test_name) != NULL;
}

SdDiffChange *
sd_diff_cause_depends(SdDiffNames *names, SdDiffChange *change)
{
	const char *key;
	SdDiffChange *cause;

	if (change->pair->old == NULL)
		return NULL;
	if (change->member == NULL)
		return loss_among(names, change, "");
	key = change->collection == SD_DIFF_ATTRIBUTES ? "columns" :
													 sd_diff_collections[change->collection].key;
	/* what a column is computed from is kept apart from its type */
	if (change->depth > 2)
		key = "defaults";
	cause = loss_among(names, change, psprintf("%s.%s", key, change->member));
	if (cause != NULL)
		return cause;
	/* the constraints of a domain and the attributes of a type are not told from it */
	cause = change->collection == SD_DIFF_CONSTRAINTS || change->collection == SD_DIFF_ATTRIBUTES ?
				loss_among(names, change, "") :
				NULL;
	return cause != NULL && is_named(names, change, cause) ? cause : NULL;
}

/* A change that whoever depends on its object may feel. */
static bool
is_felt(const SdDiffChange *change)
{
	return change->pair->old != NULL && change->follows == SD_DIFF_FOLLOWS_NOTHING &&
		   (change->facet == SD_DIFF_CORE || change->facet == SD_DIFF_SECURITY) &&
		   strcmp(change->kind, "privilege") != 0 && change->op != SD_DIFF_REWRITE &&
		   (change->op != SD_DIFF_ADD || change->collection == SD_DIFF_LABELS);
}

static char *
old_name(const SdDiffPair *pair)
{
	return psprintf("%s %s", pair->kind, pair->old->identity);
}

/* Old names of the objects whose dependents are wanted. */
static List *
felt_objects(const SdDiff *diff)
{
	List *found = NIL;
	ListCell *pair, *change;

	foreach (pair, diff->pairs)
		foreach (change, ((SdDiffPair *) lfirst(pair))->changes)
			if (is_felt(lfirst(change)))
			{
				found = lappend(found, old_name(lfirst(pair)));
				break;
			}
	return found;
}

static void
add_dependents(HTAB *targets, const char *kind, const char *identity, Jsonb *parts)
{
	JsonbIterator *it = JsonbIteratorInit(&parts->root);
	JsonbIteratorToken token;
	JsonbValue value;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		JsonbIterator *list;
		JsonbValue reference;

		if (token != WJB_VALUE || !sd_diff_value_is_array(&value))
			continue;
		list = JsonbIteratorInit(value.val.binary.data);
		while ((token = JsonbIteratorNext(&list, &reference, true)) != WJB_DONE)
		{
			char *name, *part;
			UsedObject *entry;
			Dependent *dependent;

			if (token != WJB_ELEM || !read_reference(&reference, &name, &part))
				continue;
			entry = sd_text_search(targets, name, HASH_FIND, NULL);
			if (entry == NULL)
				continue;
			dependent = palloc(sizeof(Dependent));
			dependent->kind = kind;
			dependent->identity = identity;
			dependent->part = part;
			entry->dependents = lappend(entry->dependents, dependent);
		}
	}
}

/* Rows of the old snapshot that refer to any of the objects. */
static void
read_dependents(const SdDiff *diff, HTAB *targets, Datum *objects, int n)
{
	Oid types[2] = { INT8OID, TEXTARRAYOID };
	Datum values[2];
	char *sql = psprintf("SELECT kind, identity, phys -> 'part_depends' FROM safedeploy.%s"
						 " AND phys -> 'part_depends' IS NOT NULL"
						 " AND (phys -> 'depends' ?| $2 OR kind || ' ' || identity = ANY ($2))"
						 " ORDER BY kind COLLATE \"C\", identity COLLATE \"C\"",
						 diff->kept ? "kept_objects() WHERE true" :
									  "snapshot_object WHERE snapshot_id = $1");

	values[0] = Int64GetDatum(diff->old_id);
	values[1] = PointerGetDatum(construct_array(objects, n, TEXTOID, -1, false, TYPALIGN_INT));
	if (SPI_execute_with_args(sql, 2, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the dependencies of a snapshot");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		MemoryContext caller = MemoryContextSwitchTo(diff->context);
		bool isnull;

		add_dependents(targets, TextDatumGetCString(SPI_getbinval(tuple, desc, 1, &isnull)),
					   TextDatumGetCString(SPI_getbinval(tuple, desc, 2, &isnull)),
					   DatumGetJsonbPCopy(SPI_getbinval(tuple, desc, 3, &isnull)));
		MemoryContextSwitchTo(caller);
	}
	SPI_freetuptable(SPI_tuptable);
}

void
sd_diff_load_dependents(SdDiffNames *names)
{
	const SdDiff *diff = names->diff;
	List *objects = felt_objects(diff);
	Datum *array;
	ListCell *cell;
	int n = 0;

	if (objects == NIL)
		return;
	names->dependents = sd_text_table("safedeploy objects depended on", sizeof(UsedObject));
	array = palloc(sizeof(Datum) * list_length(objects));
	foreach (cell, objects)
	{
		bool found;
		UsedObject *entry = sd_text_search(names->dependents, lfirst(cell), HASH_ENTER, &found);

		if (!found)
			entry->dependents = NIL;
		array[n++] = CStringGetTextDatum(lfirst(cell));
	}
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to the SPI manager");
	read_dependents(diff, names->dependents, array, n);
	SPI_finish();
}

/* The part of its object that a change is about, under its old name; NULL when it is the whole. */
static char *
changed_part(const SdDiffChange *change)
{
	const char *name;

	if (change->member == NULL || change->collection == SD_DIFF_LABELS)
		return NULL;
	name = sd_diff_old_name(change->pair, change->collection, change->member);
	return psprintf("%s.%s",
					change->collection == SD_DIFF_ATTRIBUTES ?
						"columns" :
						sd_diff_collections[change->collection].key,
					name ? name : change->member);
}

List *
sd_diff_dependents(SdDiffNames *names, const SdDiffChange *change)
{
	UsedObject *entry;
	List *found = NIL;
	char *part;
	bool column;
	ListCell *cell;

	if (names->dependents == NULL || !is_felt(change))
		return NIL;
	entry = sd_text_search(names->dependents, old_name(change->pair), HASH_FIND, NULL);
	part = changed_part(change);
	column = change->collection == SD_DIFF_COLUMNS || change->collection == SD_DIFF_ATTRIBUTES;
	foreach (cell, entry ? entry->dependents : NIL)
	{
		const Dependent *dependent = lfirst(cell);

		/* whoever uses a whole row uses each of its columns */
		if (part == NULL || (dependent->part == NULL ? column : strcmp(part, dependent->part) == 0))
			found = lappend(found, psprintf("%s %s", dependent->kind, dependent->identity));
	}
	return found;
}
