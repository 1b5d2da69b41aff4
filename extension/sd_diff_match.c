/*
 * sd_diff_match.c
 *	  Pairs what was with what is.
 *
 * Within one database OIDs and attribute numbers survive a rename and do not
 * survive a re-creation, so they are asked first.  Between databases only the
 * key (kind, identity) counts.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "sd_compat.h"
#include "sd_diff.h"

typedef struct OidKey
{
	char kind[NAMEDATALEN]; /* OIDs are unique within one catalog only */
	Oid oid;
} OidKey;

typedef struct OidEntry
{
	OidKey key;
	SdDiffObject *object;
} OidEntry;

/* One numbered member of phys. */
typedef struct Number
{
	const char *name;
	int64 number;
} Number;

static void
make_oid_key(OidKey *key, const SdDiffObject *object)
{
	memset(key, 0, sizeof(OidKey));
	strlcpy(key->kind, object->kind, sizeof(key->kind));
	key->oid = object->oid;
}

static SdDiffPair *
make_pair(SdDiff *diff, SdDiffObject *old, SdDiffObject *new)
{
	SdDiffPair *pair = palloc0(sizeof(SdDiffPair));

	pair->old = old;
	pair->new = new;
	pair->kind = new ? new->kind : old->kind;
	pair->identity = new ? new->identity : old->identity;
	if (old)
		old->pair = pair;
	if (new)
		new->pair = pair;
	diff->pairs = lappend(diff->pairs, pair);
	return pair;
}

/* The OIDs of an object and its namesake say that they are the same thing, or say nothing. */
static bool
same_by_key(const SdDiff *diff, const SdDiffObject *object)
{
	return object->same_key != NULL &&
		   (!diff->same_lineage || !OidIsValid(object->oid) || !OidIsValid(object->same_key->oid) ||
			object->oid == object->same_key->oid);
}

/* A column of both sides that has one name and one number. */
static bool
shares_column(const SdDiffObject *old, const SdDiffObject *new)
{
	JsonbContainer *old_columns = sd_diff_find(old->phys, "columns", NULL);
	JsonbContainer *new_columns = sd_diff_find(new->phys, "columns", NULL);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue value, other;
	bool found = false;
	char *name = NULL;

	if (old_columns == NULL || new_columns == NULL)
		return false;
	it = JsonbIteratorInit(old_columns);
	while (!found && (token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = sd_diff_value_string(&value);
		else if (token == WJB_VALUE)
			found = sd_diff_get(new_columns, name, &other) && sd_diff_value_equal(&value, &other);
	}
	return found;
}

/*
 * An OID under two keys is one object renamed, unless the snapshots are of two
 * physical copies of a database that gave the same number to different tables.
 * Then nothing of their columns agrees, and saying "renamed" would hide a loss.
 */
static bool
is_plausible(const SdDiffObject *old, const SdDiffObject *new)
{
	return (strcmp(old->kind, "table") != 0 && strcmp(old->kind, "materialized view") != 0) ||
		   sd_diff_same_hash(old->hash[SD_DIFF_CORE], new->hash[SD_DIFF_CORE]) ||
		   shares_column(old, new);
}

/* Pairs of one OID under two keys. */
static void
pair_by_oid(SdDiff *diff)
{
	HASHCTL control = { 0 };
	HTAB *by_oid;
	ListCell *cell;
	OidKey key;

	control.keysize = sizeof(OidKey);
	control.entrysize = sizeof(OidEntry);
	control.hcxt = CurrentMemoryContext;
	by_oid = hash_create("safedeploy objects by OID", 256, &control,
						 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach (cell, diff->objects)
	{
		SdDiffObject *object = lfirst(cell);

		if (!object->is_new || object->pair != NULL || !OidIsValid(object->oid))
			continue;
		make_oid_key(&key, object);
		((OidEntry *) hash_search(by_oid, &key, HASH_ENTER, NULL))->object = object;
	}
	foreach (cell, diff->objects)
	{
		SdDiffObject *object = lfirst(cell);
		OidEntry *entry;

		if (object->is_new || object->pair != NULL || !OidIsValid(object->oid))
			continue;
		make_oid_key(&key, object);
		entry = hash_search(by_oid, &key, HASH_FIND, NULL);
		if (entry != NULL && entry->object->pair == NULL && is_plausible(object, entry->object))
			make_pair(diff, object, entry->object);
	}
	hash_destroy(by_oid);
}

static void
make_pairs(SdDiff *diff)
{
	ListCell *cell;

	foreach (cell, diff->objects)
	{
		SdDiffObject *object = lfirst(cell);

		if (!object->is_new && same_by_key(diff, object))
			make_pair(diff, object, object->same_key);
	}
	if (diff->same_lineage)
		pair_by_oid(diff);
	foreach (cell, diff->objects)
	{
		SdDiffObject *object = lfirst(cell);

		if (object->pair != NULL)
			continue;
		if (object->same_key != NULL && object->same_key->pair == NULL)
		{
			SdDiffObject *other = object->same_key;

			make_pair(diff, object->is_new ? other : object, object->is_new ? object : other)->recreated =
				true;
		}
		else
			make_pair(diff, object->is_new ? NULL : object, object->is_new ? object : NULL);
	}
}

/* The rename that a schema went through, NULL when it kept its name. */
static SdDiffChange *
schema_rename(SdDiff *diff, const char *old_schema, const char *new_schema)
{
	ListCell *cell;

	foreach (cell, diff->schema_renames)
	{
		SdDiffChange *change = lfirst(cell);

		if (strcmp(change->pair->old->identity, old_schema) == 0 &&
			strcmp(change->pair->new->identity, new_schema) == 0)
			return change;
	}
	return NULL;
}

/* A changed key of one OID is a rename, a move, both, or the doing of a renamed schema. */
static void
emit_renamed(SdDiff *diff, SdDiffPair *pair)
{
	char *schemas[2], *names[2], *rests[2];
	SdDiffChange *change;

	sd_diff_split_identity(pair->old->identity, &schemas[0], &names[0], &rests[0]);
	sd_diff_split_identity(pair->new->identity, &schemas[1], &names[1], &rests[1]);
	if (schemas[0] != NULL && schemas[1] != NULL && strcmp(schemas[0], schemas[1]) != 0)
	{
		pair->root = schema_rename(diff, schemas[0], schemas[1]);
		if (pair->root == NULL)
		{
			change = sd_diff_emit_whole(diff, pair, SD_DIFF_MOVE);
			change->old = sd_diff_string_jsonb(pair->old->identity);
			change->new = sd_diff_string_jsonb(pair->new->identity);
			pair->root = change;
		}
	}
	if (strcmp(names[0], names[1]) != 0 || strcmp(rests[0], rests[1]) != 0)
	{
		change = sd_diff_emit_whole(diff, pair, SD_DIFF_RENAME);
		change->old = sd_diff_string_jsonb(pair->old->identity);
		change->new = sd_diff_string_jsonb(pair->new->identity);
		if (pair->root == NULL || pair->root->op != SD_DIFF_MOVE)
			pair->root = change;
		if (strcmp(pair->kind, "schema") == 0)
			diff->schema_renames = lappend(diff->schema_renames, change);
	}
}

static void
emit_whole(SdDiff *diff, SdDiffPair *pair)
{
	if (pair->old == NULL)
	{
		pair->root = sd_diff_emit_whole(diff, pair, SD_DIFF_ADD);
		pair->root->new = pair->new->definition;
	}
	else if (pair->new == NULL)
	{
		pair->root = sd_diff_emit_whole(diff, pair, SD_DIFF_DROP);
		pair->root->old = pair->old->definition;
	}
	else if (pair->recreated)
		pair->root = sd_diff_emit_whole(diff, pair, SD_DIFF_RECREATE);
	else if (strcmp(pair->old->identity, pair->new->identity) != 0)
		emit_renamed(diff, pair);
}

/* Numbers of a map: name to number, or name to an object with an "oid". */
static Number *
read_numbers(JsonbContainer *map, int *count)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue value;
	Number *numbers;
	int n = 0;

	*count = 0;
	if (!JsonContainerIsObject(map))
		return NULL;
	numbers = palloc(sizeof(Number) * Max(JsonContainerSize(map), 1));
	it = JsonbIteratorInit(map);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		JsonbValue number;

		if (token == WJB_KEY)
			numbers[n].name = sd_diff_value_string(&value);
		if (token != WJB_VALUE)
			continue;
		number = value;
		if (sd_diff_value_is_object(&value) && !sd_diff_get(value.val.binary.data, "oid", &number))
			continue;
		if (number.type != jbvNumeric)
			continue;
		numbers[n].number =
			DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(number.val.numeric)));
		n++;
	}
	*count = n;
	return numbers;
}

static const Number *
find_number(const Number *numbers, int n, int64 number)
{
	for (int i = 0; i < n; i++)
		if (numbers[i].number == number)
			return &numbers[i];
	return NULL;
}

static const Number *
find_name(const Number *numbers, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(numbers[i].name, name) == 0)
			return &numbers[i];
	return NULL;
}

static void
add_member(SdDiffPair *pair, SdDiffCollection collection, const char *old_name,
		   const char *new_name, bool recreated)
{
	SdDiffMember *member = palloc0(sizeof(SdDiffMember));

	member->old_name = old_name;
	member->new_name = new_name;
	member->recreated = recreated;
	pair->members[collection] = lappend(pair->members[collection], member);
}

/*
 * Notes every member whose name and number no longer go together.  A member
 * that is listed with one name only has no counterpart, whatever its name.
 */
static void
match_members(SdDiffPair *pair, SdDiffCollection collection)
{
	const char *key = sd_diff_collections[collection].phys_key;
	JsonbContainer *old_map = sd_diff_find(pair->old->phys, key, NULL);
	JsonbContainer *new_map = sd_diff_find(pair->new->phys, key, NULL);
	int n_old, n_new;
	Number *old, *new;

	/* the tables that ANALYZE has merely counted again end here */
	if (old_map == NULL || new_map == NULL || compareJsonbContainers(old_map, new_map) == 0)
		return;
	old = read_numbers(old_map, &n_old);
	new = read_numbers(new_map, &n_new);
	for (int i = 0; i < n_old; i++)
	{
		const Number *same = find_number(new, n_new, old[i].number);
		const Number *namesake = find_name(new, n_new, old[i].name);

		if (same != NULL && same == namesake)
			continue;
		if (same != NULL)
			add_member(pair, collection, old[i].name, same->name, false);
		else if (namesake != NULL && find_number(old, n_old, namesake->number) == NULL)
			add_member(pair, collection, old[i].name, old[i].name, true);
		else if (namesake != NULL)
			add_member(pair, collection, old[i].name, NULL, false);
	}
	for (int i = 0; i < n_new; i++)
	{
		const Number *member = &new[i];
		const Number *namesake = find_name(old, n_old, member->name);

		/* the namesake lives on under another name, so this one is new */
		if (namesake != NULL && namesake->number != member->number &&
			find_number(old, n_old, member->number) == NULL &&
			find_number(new, n_new, namesake->number) != NULL)
			add_member(pair, collection, NULL, member->name, false);
	}
}

/* Members of a map that have no namesake in another one. */
static List *
without_namesake(JsonbContainer *map, JsonbContainer *other)
{
	JsonbIterator *it = JsonbIteratorInit(map);
	JsonbIteratorToken token;
	JsonbValue value, namesake;
	List *names = NIL;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_KEY)
		{
			char *name = sd_diff_value_string(&value);

			if (!sd_diff_get(other, name, &namesake))
				names = lappend(names, name);
		}
	return names;
}

/*
 * Members that carry no number, as the constraints of a domain and rules: one
 * that went and one that came, alone in that, and the same but for the name.
 */
static void
match_members_by_value(SdDiffPair *pair, SdDiffCollection collection)
{
	const SdDiffCollectionInfo *info = &sd_diff_collections[collection];
	const char *facet = sd_diff_facet_name(info->facet);
	JsonbContainer *old_map = sd_diff_find(pair->old->definition, facet, info->key);
	JsonbContainer *new_map = sd_diff_find(pair->new->definition, facet, info->key);
	List *gone, *come;
	JsonbValue old, new;

	if (old_map == NULL || new_map == NULL || !JsonContainerIsObject(old_map) ||
		!JsonContainerIsObject(new_map))
		return;
	gone = without_namesake(old_map, new_map);
	come = without_namesake(new_map, old_map);
	if (list_length(gone) == 1 && list_length(come) == 1 &&
		sd_diff_get(old_map, linitial(gone), &old) && sd_diff_get(new_map, linitial(come), &new) &&
		sd_diff_value_equal(&old, &new))
		add_member(pair, collection, linitial(gone), linitial(come), false);
}

const char *
sd_diff_new_name(const SdDiffPair *pair, SdDiffCollection collection, const char *old_name)
{
	ListCell *cell;

	foreach (cell, pair->members[collection])
	{
		SdDiffMember *member = lfirst(cell);

		if (member->old_name != NULL && strcmp(member->old_name, old_name) == 0)
			return member->new_name;
	}
	/* somebody else has taken the name: then it had to be listed above */
	return old_name;
}

const char *
sd_diff_old_name(const SdDiffPair *pair, SdDiffCollection collection, const char *new_name)
{
	ListCell *cell;

	foreach (cell, pair->members[collection])
	{
		SdDiffMember *member = lfirst(cell);

		if (member->new_name != NULL && strcmp(member->new_name, new_name) == 0)
			return member->old_name;
	}
	return new_name;
}

/* An index in its own right; that of a constraint is told by the constraint. */
static bool
is_own_index(const SdDiffPair *pair, const SdDiffMember *member)
{
	JsonbValue value;

	return sd_diff_get(sd_diff_find(pair->new->definition, "core", "indexes"), member->new_name,
					   &value) ||
		   sd_diff_get(sd_diff_find(pair->old->definition, "core", "indexes"), member->old_name,
					   &value);
}

static void
emit_members(SdDiff *diff, SdDiffPair *pair, SdDiffCollection collection)
{
	const SdDiffCollectionInfo *info = &sd_diff_collections[collection];
	ListCell *cell;

	foreach (cell, pair->members[collection])
	{
		SdDiffMember *member = lfirst(cell);
		const char *path[2] = { info->key, member->new_name };
		SdDiffChange *change;

		if (member->old_name == NULL || member->new_name == NULL)
			continue;
		/* only these hold something; the rest is made anew when nothing else is said of it */
		if (member->recreated && collection != SD_DIFF_COLUMNS && collection != SD_DIFF_ATTRIBUTES)
			continue;
		if (collection == SD_DIFF_INDEXES && !is_own_index(pair, member))
			continue;
		change = sd_diff_emit(diff, pair, member->recreated ? SD_DIFF_RECREATE : SD_DIFF_RENAME,
							  info->facet, info->kind, collection, 2, path);
		if (member->recreated)
			continue;
		change->old = sd_diff_string_jsonb(member->old_name);
		change->new = sd_diff_string_jsonb(member->new_name);
	}
}

/* Something in a collection was said to be made anew, renamed or changed already. */
static bool
is_told(const SdDiffPair *pair, SdDiffCollection collection, const char *name)
{
	ListCell *cell;

	foreach (cell, pair->changes)
	{
		const SdDiffChange *change = lfirst(cell);

		if (change->collection == collection && change->member != NULL &&
			strcmp(change->member, name) == 0)
			return true;
	}
	return false;
}

static bool
is_remade(const SdDiffPair *pair, SdDiffCollection collection, const char *name)
{
	ListCell *cell;

	foreach (cell, pair->members[collection])
	{
		const SdDiffMember *member = lfirst(cell);

		if (member->recreated && strcmp(member->new_name, name) == 0)
			return true;
	}
	return false;
}

void
sd_diff_emit_remade(SdDiff *diff, SdDiffPair *pair)
{
	static const SdDiffCollection remade[] = { SD_DIFF_CONSTRAINTS, SD_DIFF_INDEXES,
											   SD_DIFF_TRIGGERS, SD_DIFF_RULES, SD_DIFF_POLICIES };
	ListCell *cell;

	for (int i = 0; i < lengthof(remade); i++)
		foreach (cell, pair->members[remade[i]])
		{
			const SdDiffMember *member = lfirst(cell);
			const SdDiffCollectionInfo *info = &sd_diff_collections[remade[i]];
			const char *path[2] = { info->key, member->new_name };

			if (member->recreated && diff->facets[info->facet] &&
				!is_told(pair, remade[i], member->new_name) &&
				!(remade[i] == SD_DIFF_INDEXES &&
				  is_remade(pair, SD_DIFF_CONSTRAINTS, member->new_name)))
				sd_diff_emit(diff, pair, SD_DIFF_RECREATE, info->facet, info->kind, remade[i], 2,
							 path);
		}
}

/* Finds and reports the members of a collection that were renamed or made anew. */
static void
match_collection(SdDiff *diff, SdDiffPair *pair, SdDiffCollection collection)
{
	const SdDiffCollectionInfo *info = &sd_diff_collections[collection];
	bool composite = strcmp(pair->kind, "composite type") == 0;

	/* the attributes of a composite type are numbered under "columns" */
	if (collection == (composite ? SD_DIFF_COLUMNS : SD_DIFF_ATTRIBUTES) ||
		collection == SD_DIFF_PRIVILEGES)
		return;
	if (info->phys_key != NULL && sd_diff_find(pair->new->phys, info->phys_key, NULL) != NULL)
		match_members(pair, collection);
	else if (!sd_diff_same_hash(pair->old->hash[info->facet], pair->new->hash[info->facet]))
		match_members_by_value(pair, collection);
	if (diff->facets[info->facet])
		emit_members(diff, pair, collection);
}

void
sd_diff_match(SdDiff *diff)
{
	ListCell *cell;

	make_pairs(diff);
	/* renamed schemas first: they explain the moves of all that is in them */
	for (int pass = 0; pass < 2; pass++)
		foreach (cell, diff->pairs)
		{
			SdDiffPair *pair = lfirst(cell);

			if ((strcmp(pair->kind, "schema") == 0) == (pass == 0))
				emit_whole(diff, pair);
		}
	foreach (cell, diff->pairs)
	{
		SdDiffPair *pair = lfirst(cell);

		if (!diff->same_lineage || pair->old == NULL || pair->new == NULL || pair->recreated)
			continue;
		for (int c = 0; c < SD_DIFF_COLLECTIONS; c++)
			match_collection(diff, pair, c);
	}
}
