/*
 * sd_diff_walk.c
 *	  Descends into the documents of one object.
 *
 * A facet is entered only when its hashes differ.  Inside, sub-objects are
 * matched by name, through the renames that the matcher has found, and plain
 * attributes are compared value by value.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_diff.h"

#define SD_DIFF_MAX_DEPTH 12

/* One key of two merged objects; a missing side has a NULL value. */
typedef struct Entry
{
	const char *old_name;
	const char *new_name;
	JsonbValue *old;
	JsonbValue *new;
} Entry;

/* Where the walk stands. */
typedef struct Walk
{
	SdDiff *diff;
	SdDiffPair *pair;
	SdDiffFacet facet;
	const char *kind;
	SdDiffCollection collection; /* of the member where it stands in one */
	const char *path[SD_DIFF_MAX_DEPTH];
	int depth;
} Walk;

const SdDiffCollectionInfo sd_diff_collections[SD_DIFF_COLLECTIONS] = {
	[SD_DIFF_COLUMNS] = { "columns", "columns", "column", SD_DIFF_CORE },
	[SD_DIFF_ATTRIBUTES] = { "attributes", "columns", "attribute", SD_DIFF_CORE },
	[SD_DIFF_LABELS] = { "labels", "labels", "label", SD_DIFF_CORE },
	[SD_DIFF_CONSTRAINTS] = { "constraints", "constraints", "constraint", SD_DIFF_CORE },
	[SD_DIFF_INDEXES] = { "indexes", "indexes", "index", SD_DIFF_CORE },
	[SD_DIFF_TRIGGERS] = { "triggers", "triggers", "trigger", SD_DIFF_CORE },
	[SD_DIFF_RULES] = { "rules", "rules", "rule", SD_DIFF_CORE },
	[SD_DIFF_POLICIES] = { "policies", "policies", "policy", SD_DIFF_SECURITY },
	[SD_DIFF_PRIVILEGES] = { "acl", NULL, "privilege", SD_DIFF_SECURITY },
};

/* Maps whose entries are attributes of their own, also when the whole map comes or goes. */
static const char *const open_maps[] = {
	"options",		   "toast_options", "config",	 "tables",	"statistics", "settings",
	"security_labels", "sequences",		"member_of", "objects", NULL
};

static void walk_object(const Walk *walk, JsonbContainer *old, JsonbContainer *new);

SdDiffChange *
sd_diff_emit(SdDiff *diff, SdDiffPair *pair, SdDiffOp op, SdDiffFacet facet, const char *kind,
			 SdDiffCollection collection, int depth, const char *const *path)
{
	MemoryContext caller = MemoryContextSwitchTo(diff->context);
	SdDiffChange *change = palloc0(sizeof(SdDiffChange));

	change->op = op;
	change->kind = kind;
	change->pair = pair;
	change->facet = facet;
	change->depth = depth;
	change->path = palloc(sizeof(char *) * Max(depth, 1));
	for (int i = 0; i < depth; i++)
		change->path[i] = pstrdup(path[i]);
	change->collection = collection;
	if (collection != SD_DIFF_COLLECTIONS)
		change->member = change->path[1];
	diff->changes = lappend(diff->changes, change);
	pair->changes = lappend(pair->changes, change);
	MemoryContextSwitchTo(caller);
	return change;
}

SdDiffChange *
sd_diff_emit_whole(SdDiff *diff, SdDiffPair *pair, SdDiffOp op)
{
	const SdDiffObject *side = pair->new ? pair->new : pair->old;

	return sd_diff_emit(diff, pair, op,
						side->hash[SD_DIFF_ENVIRONMENT] ? SD_DIFF_ENVIRONMENT : SD_DIFF_CORE,
						pair->kind, SD_DIFF_COLLECTIONS, 0, NULL);
}

static void
emit_here(const Walk *walk, SdDiffOp op, JsonbValue *old, JsonbValue *new)
{
	SdDiffChange *change = sd_diff_emit(walk->diff, walk->pair, op, walk->facet, walk->kind,
										walk->collection, walk->depth, walk->path);
	MemoryContext caller = MemoryContextSwitchTo(walk->diff->context);

	change->old = old ? JsonbValueToJsonb(old) : NULL;
	change->new = new ? JsonbValueToJsonb(new) : NULL;
	MemoryContextSwitchTo(caller);
}

/* The walk one name deeper. */
static Walk
deeper(const Walk *walk, const char *name)
{
	Walk down = *walk;

	if (down.depth == SD_DIFF_MAX_DEPTH)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the definition of %s %s is nested too deeply", walk->pair->kind,
						walk->pair->identity),
				 errhint(
					 "Take or import the snapshot again, its definitions are not as they were written.")));
	down.path[down.depth++] = name;
	return down;
}

/* The walk at a member of a collection. */
static Walk
member_walk(const Walk *walk, SdDiffCollection collection, const char *name)
{
	Walk down = deeper(walk, name);

	down.kind = sd_diff_collections[collection].kind;
	down.collection = collection;
	return down;
}

static Entry *
new_entry(const char *old_name, JsonbValue *old, const char *new_name, JsonbValue *new)
{
	Entry *entry = palloc(sizeof(Entry));

	entry->old_name = old_name;
	entry->new_name = new_name;
	entry->old = old;
	entry->new = new;
	return entry;
}

static JsonbValue *
get_value(JsonbContainer *container, const char *name)
{
	/* an imported snapshot may hold an array where the other holds an object */
	if (container == NULL || name == NULL || !JsonContainerIsObject(container))
		return NULL;
	return getKeyJsonValueFromContainer(container, name, strlen(name), NULL);
}

/*
 * Merges two objects, either of which may be NULL, by key; the members of a
 * collection go through the renames.
 */
static List *
merge(const SdDiffPair *pair, SdDiffCollection collection, JsonbContainer *old, JsonbContainer *new)
{
	bool members = collection != SD_DIFF_COLLECTIONS;
	List *entries = NIL;

	for (int side = 0; side < 2; side++)
	{
		JsonbContainer *container = side == 0 ? old : new;
		JsonbIterator *it;
		JsonbIteratorToken token;
		JsonbValue value;
		char *name = NULL;

		if (container == NULL || !JsonContainerIsObject(container))
			continue;
		it = JsonbIteratorInit(container);
		while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		{
			const char *other;
			JsonbValue *copy, *found;

			if (token == WJB_KEY)
				name = sd_diff_value_string(&value);
			if (token != WJB_VALUE)
				continue;
			other = !members  ? name :
					side == 0 ? sd_diff_new_name(pair, collection, name) :
								sd_diff_old_name(pair, collection, name);
			found = get_value(side == 0 ? new : old, other);
			if (side == 1 && found != NULL)
				continue; /* met from the old side */
			copy = palloc(sizeof(JsonbValue));
			*copy = value;
			entries =
				lappend(entries, side == 0 ? new_entry(name, copy, found ? other : NULL, found) :
											 new_entry(NULL, NULL, name, copy));
		}
	}
	return entries;
}

/* Elements of an array of strings, or the "name" of each of an array of objects. */
static List *
element_names(JsonbContainer *array, List **values)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue value;
	List *names = NIL;

	if (values)
		*values = NIL;
	if (array == NULL || !JsonContainerIsArray(array))
		return NIL;
	it = JsonbIteratorInit(array);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		JsonbValue name = value;
		JsonbValue *copy;

		if (token != WJB_ELEM)
			continue;
		if (sd_diff_value_is_object(&value) && !sd_diff_get(value.val.binary.data, "name", &name))
			continue;
		if (name.type != jbvString)
			continue;
		copy = palloc(sizeof(JsonbValue));
		*copy = value;
		names = lappend(names, sd_diff_value_string(&name));
		if (values)
			*values = lappend(*values, copy);
	}
	return names;
}

static int
name_position(List *names, const char *name)
{
	ListCell *cell;
	int position = 0;

	foreach (cell, names)
	{
		if (strcmp(lfirst(cell), name) == 0)
			return position;
		position++;
	}
	return -1;
}

/* Names that are on both sides, old ones translated, stand in one order on both. */
static bool
same_relative_order(const SdDiffPair *pair, SdDiffCollection collection, List *old, List *new)
{
	ListCell *cell;
	int last = -1;

	foreach (cell, old)
	{
		const char *name = sd_diff_new_name(pair, collection, lfirst(cell));
		int position = name ? name_position(new, name) : -1;

		if (position < 0)
			continue;
		if (position < last)
			return false;
		last = position;
	}
	return true;
}

/* A member exists on a side when the facet that owns it, or an index's constraint, says so. */
static bool
member_exists(const SdDiffObject *object, SdDiffCollection collection, const char *name)
{
	const SdDiffCollectionInfo *info = &sd_diff_collections[collection];
	JsonbContainer *map =
		sd_diff_find(object->definition, sd_diff_facet_name(info->facet), info->key);
	JsonbValue value;

	if (name == NULL)
		return false;
	if (map != NULL && JsonContainerIsArray(map))
		return name_position(element_names(map, NULL), name) >= 0;
	if (sd_diff_get(map, name, &value))
		return true;
	/* the index of a constraint goes by the constraint */
	map = sd_diff_find(object->definition, "core", "constraints");
	return collection == SD_DIFF_INDEXES && sd_diff_get(map, name, &value);
}

/* Two values under one path; NULL for a missing one. */
static void
walk_value(const Walk *walk, JsonbValue *old, JsonbValue *new, bool open)
{
	bool old_object = sd_diff_value_is_object(old);
	bool new_object = sd_diff_value_is_object(new);

	if (sd_diff_value_equal(old, new))
		return;
	if ((old_object && new_object) ||
		(open && (old_object || old == NULL) && (new_object || new == NULL)))
		walk_object(walk, old ? old->val.binary.data : NULL, new ? new->val.binary.data : NULL);
	else
		emit_here(walk, SD_DIFF_ALTER, old, new);
}

/* One member, which is at least on one side. */
static void
walk_member(const Walk *walk, SdDiffCollection collection, const Entry *entry)
{
	const SdDiffCollectionInfo *info = &sd_diff_collections[collection];
	Walk down = member_walk(walk, collection, entry->new_name ? entry->new_name : entry->old_name);

	if (entry->old != NULL && entry->new != NULL)
		walk_value(&down, entry->old, entry->new, false);
	else if (info->facet == walk->facet)
		emit_here(&down, entry->old ? SD_DIFF_DROP : SD_DIFF_ADD, entry->old, entry->new);
	else
	{
		const SdDiffPair *pair = walk->pair;
		const char *old_name = entry->old_name;
		const char *new_name = entry->new_name;
		bool gone;

		if (old_name == NULL)
			old_name = sd_diff_old_name(pair, collection, new_name);
		else if (new_name == NULL)
			new_name = sd_diff_new_name(pair, collection, old_name);
		gone = member_exists(pair->old, collection, old_name) !=
			   member_exists(pair->new, collection, new_name);
		/* what a dropped member was told or granted is not worth a line of its own */
		if (gone && walk->diff->facets[info->facet])
			return;
		if (new_name != NULL)
			down = member_walk(walk, collection, new_name);
		walk_value(&down, entry->old, entry->new, true);
	}
}

/* An element of an ordered array; its name is what it was matched by. */
static void
walk_element(const Walk *walk, JsonbContainer *old, JsonbContainer *new)
{
	ListCell *cell;

	foreach (cell, merge(walk->pair, SD_DIFF_COLLECTIONS, old, new))
	{
		const Entry *entry = lfirst(cell);
		const char *key = entry->new_name ? entry->new_name : entry->old_name;
		Walk down = deeper(walk, key);

		if (strcmp(key, "name") != 0)
			walk_value(&down, entry->old, entry->new, false);
	}
}

/* Ordered arrays: enum labels and attributes of a composite type. */
static void
walk_array(const Walk *walk, SdDiffCollection collection, JsonbValue *old, JsonbValue *new)
{
	List *old_values, *new_values;
	List *old_names = element_names(old ? old->val.binary.data : NULL, &old_values);
	List *new_names = element_names(new ? new->val.binary.data : NULL, &new_values);
	ListCell *name, *value;

	forboth (name, old_names, value, old_values)
	{
		const char *new_name = sd_diff_new_name(walk->pair, collection, lfirst(name));
		int position = new_name ? name_position(new_names, new_name) : -1;
		Walk down = member_walk(walk, collection, position < 0 ? lfirst(name) : new_name);
		JsonbValue *other = position < 0 ? NULL : list_nth(new_values, position);

		if (other == NULL)
			emit_here(&down, SD_DIFF_DROP, lfirst(value), NULL);
		else if (sd_diff_value_is_object(other) && sd_diff_value_is_object(lfirst(value)))
			walk_element(&down, ((JsonbValue *) lfirst(value))->val.binary.data,
						 other->val.binary.data);
	}
	forboth (name, new_names, value, new_values)
	{
		const char *old_name = sd_diff_old_name(walk->pair, collection, lfirst(name));
		Walk down = member_walk(walk, collection, lfirst(name));

		if (old_name == NULL || name_position(old_names, old_name) < 0)
			emit_here(&down, SD_DIFF_ADD, NULL, lfirst(value));
	}
	if (!same_relative_order(walk->pair, collection, old_names, new_names))
		emit_here(walk, SD_DIFF_REORDER, old, new);
}

/* The collection that a key opens here, or SD_DIFF_COLLECTIONS for a plain attribute. */
static SdDiffCollection
collection_of(const Walk *walk, const char *key)
{
	bool composite = strcmp(walk->pair->kind, "composite type") == 0;

	for (int c = 0; c < SD_DIFF_COLLECTIONS; c++)
	{
		if (strcmp(sd_diff_collections[c].key, key) != 0)
			continue;
		if (c == SD_DIFF_PRIVILEGES)
			return walk->facet == SD_DIFF_SECURITY || walk->facet == SD_DIFF_ENVIRONMENT ?
					   c :
					   SD_DIFF_COLLECTIONS;
		if (walk->depth > 0)
			return SD_DIFF_COLLECTIONS;
		/* a publication's columns and the like are attributes, not members */
		if (strcmp(walk->pair->kind, "statistics") == 0)
			return SD_DIFF_COLLECTIONS;
		return c == SD_DIFF_COLUMNS && composite ? SD_DIFF_ATTRIBUTES : c;
	}
	return SD_DIFF_COLLECTIONS;
}

static bool
is_open_map(const char *key)
{
	for (int i = 0; open_maps[i] != NULL; i++)
		if (strcmp(open_maps[i], key) == 0)
			return true;
	return false;
}

static JsonbContainer *
container_of(JsonbValue *value)
{
	return value != NULL && value->type == jbvBinary ? value->val.binary.data : NULL;
}

/*
 * What another key says as well: the definition of a constraint its type and the table it
 * references, the body of a routine in which of both forms it is.
 */
static bool
is_derived(const Walk *walk, const char *key)
{
	if (walk->depth == 0 && strcmp(key, "sql_body") == 0)
		return true;
	return walk->collection == SD_DIFF_CONSTRAINTS && walk->facet == SD_DIFF_CORE &&
		   (strcmp(key, "type") == 0 || strcmp(key, "references") == 0);
}

static void
walk_key(const Walk *walk, const Entry *entry)
{
	const char *key = entry->new_name ? entry->new_name : entry->old_name;
	SdDiffCollection collection = collection_of(walk, key);
	Walk down = deeper(walk, key);

	if (collection == SD_DIFF_PRIVILEGES)
		sd_diff_walk_acl(walk->diff, walk->pair, walk->facet, walk->collection, down.depth,
						 down.path, container_of(entry->old), container_of(entry->new));
	else if (collection == SD_DIFF_COLLECTIONS)
		walk_value(&down, entry->old, entry->new, is_open_map(key));
	else if (sd_diff_value_is_array(entry->old) || sd_diff_value_is_array(entry->new))
		walk_array(&down, collection, entry->old, entry->new);
	else
	{
		ListCell *cell;

		foreach (cell,
				 merge(walk->pair, collection, container_of(entry->old), container_of(entry->new)))
			walk_member(&down, collection, lfirst(cell));
	}
}

static void
walk_object(const Walk *walk, JsonbContainer *old, JsonbContainer *new)
{
	ListCell *cell;

	foreach (cell, merge(walk->pair, SD_DIFF_COLLECTIONS, old, new))
	{
		const Entry *entry = lfirst(cell);

		if (sd_diff_value_equal(entry->old, entry->new))
			continue;
		if (!is_derived(walk, entry->new_name ? entry->new_name : entry->old_name))
			walk_key(walk, entry);
	}
}

/*
 * Column order matters only among the columns of both sides: the others have
 * changes of their own, unless the facet that would tell is not wanted.
 */
static void
walk_order(Walk *walk, JsonbContainer *old, JsonbContainer *new)
{
	JsonbValue *old_columns = get_value(old, "columns");
	JsonbValue *new_columns = get_value(new, "columns");
	List *old_names = element_names(container_of(old_columns), NULL);
	List *new_names = element_names(container_of(new_columns), NULL);

	if (walk->diff->facets[SD_DIFF_CORE] &&
		same_relative_order(walk->pair, SD_DIFF_COLUMNS, old_names, new_names))
		return;
	walk->path[walk->depth++] = "columns";
	emit_here(walk, SD_DIFF_REORDER, old_columns, new_columns);
}

void
sd_diff_walk(SdDiff *diff, SdDiffPair *pair)
{
	for (int f = 0; f < SD_DIFF_FACETS; f++)
	{
		Walk walk = { 0 };
		JsonbContainer *old, *new;

		if (!diff->facets[f] || sd_diff_same_hash(pair->old->hash[f], pair->new->hash[f]))
			continue;
		walk.diff = diff;
		walk.pair = pair;
		walk.facet = f;
		walk.kind = pair->kind;
		walk.collection = SD_DIFF_COLLECTIONS;
		old = sd_diff_find(pair->old->definition, sd_diff_facet_name(f), NULL);
		new = sd_diff_find(pair->new->definition, sd_diff_facet_name(f), NULL);
		if (f == SD_DIFF_ORDER)
			walk_order(&walk, old, new);
		else
			walk_object(&walk, old, new);
	}
}
