/*
 * pg_catalog_compare.c
 *	  Two databases compared without storing anything in either.
 *
 * Both servers read their schema at the same time, keep it, and tell a hash of
 * each object.  The objects whose hashes differ go from the new database to a
 * session of the old one, which has the rest of what the diff needs.
 */
#include "pg_catalog_compare.h"

#include <stdlib.h>
#include <string.h>

#include "mg_sql.h"
#include "pg_catalog_snapshot.h"

typedef struct Object
{
	const char *name;
	const char *hash; /* NULL: unread, so that it equals nothing */
	const char *number;
} Object;

typedef struct Side
{
	MgPg *pg;
	const char *version;
	const char *system;
	const char *oid;
	const char *superusers;
	MgStream stream;
	MgArena *arena; /* of the objects, and of nothing that lives longer */
	Object *objects;
	int count;
	int size;
	MgStrings differ; /* numbers of those that may differ */
} Side;

static bool
read_origin(Side *side, MgError *err)
{
	MgRows rows;

	if (!mg_pg_rows(side->pg, mg_sql_database_origin, 0, NULL, &rows, err))
		return false;
	if (rows.count != 1)
		return mg_err_set(err, MG_EXIT_INTERNAL, "the database does not say which it is");
	side->version = mg_rows_get(&rows, 0, "version");
	side->system = mg_rows_get(&rows, 0, "system_identifier");
	side->oid = mg_rows_get(&rows, 0, "oid");
	side->superusers = mg_rows_get(&rows, 0, "superusers");
	return true;
}

/* Numbers of one database and its copy mean the same, so they count then. */
static bool
same_lineage(const Side *old_side, const Side *new_side)
{
	return strcmp(old_side->system, new_side->system) == 0 &&
		   strcmp(old_side->oid, new_side->oid) == 0;
}

static void
add_object(Side *side)
{
	Object *object;

	if (side->count == side->size)
	{
		Object *objects;

		side->size = side->size == 0 ? 1024 : side->size * 2;
		objects = mg_alloc(side->arena, (size_t) side->size * sizeof *objects);
		if (side->count > 0)
			memcpy(objects, side->objects, (size_t) side->count * sizeof *objects);
		side->objects = objects;
	}
	object = &side->objects[side->count++];
	object->number = mg_strdup(side->arena, side->stream.cells[0]);
	object->name = mg_strdup(side->arena, side->stream.cells[1]);
	object->hash = mg_strdup(side->arena, side->stream.cells[2]);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const Object *) a)->name, ((const Object *) b)->name);
}

/* By name, because the order of the servers depends on their encodings. */
static bool
collect(Side *side, MgError *err)
{
	bool more = true;
	bool ok = true;

	while (ok && (ok = mg_stream_next(&side->stream, &more, err)) && more)
		add_object(side);
	if (ok && side->count > 0)
		qsort(side->objects, (size_t) side->count, sizeof *side->objects, compare_names);
	return ok;
}

static bool
keep_both(Side *old_side, Side *new_side, const char *facets, MgError *err)
{
	const char *const values[] = { facets, same_lineage(old_side, new_side) ? "true" : "false" };
	bool ok = mg_stream_open(&old_side->stream, old_side->pg, mg_sql_keep_objects, 2, values, err) &&
			  mg_stream_open(&new_side->stream, new_side->pg, mg_sql_keep_objects, 2, values, err) &&
			  collect(old_side, err) && collect(new_side, err);

	mg_stream_close(&old_side->stream);
	mg_stream_close(&new_side->stream);
	return ok;
}

/* Leaves out what has the same name and the same hash on both sides. */
static void
merge(Side *old_side, Side *new_side)
{
	int o = 0;
	int n = 0;

	while (o < old_side->count || n < new_side->count)
	{
		const Object *old = o < old_side->count ? &old_side->objects[o] : NULL;
		const Object *new = n < new_side->count ? &new_side->objects[n] : NULL;
		int order = old == NULL ? 1 : new == NULL ? -1 : strcmp(old->name, new->name);
		bool same = order == 0 && old->hash != NULL &&
					new->hash != NULL &&strcmp(old->hash, new->hash) == 0;

		if (order <= 0 && !same)
			mg_strings_add(&old_side->differ, old->number);
		if (order >= 0 && !same)
			mg_strings_add(&new_side->differ, new->number);
		o += order <= 0;
		n += order >= 0;
	}
}

static bool
send_others(void *arg, const char *array, MgError *err)
{
	const char *const values[] = { array };

	return mg_pg_exec(arg, mg_sql_keep_others, 1, values, NULL, err);
}

static bool
add_other(void *arg, int columns, char *const *cells, MgError *err)
{
	(void) columns;
	return mg_portion_add(arg, cells[0], err);
}

static bool
hand_over(Side *old_side, Side *new_side, MgError *err)
{
	const char *const values[] = { mg_pg_array(new_side->arena, new_side->differ.items,
											   new_side->differ.count) };
	MgPortion portion;
	bool ok;

	mg_portion_begin(&portion, send_others, old_side->pg);
	ok = mg_pg_each(new_side->pg, mg_sql_kept_objects, 1, values, add_other, &portion, err) &&
		 mg_portion_send(&portion, err);
	mg_portion_free(&portion);
	return ok;
}

static bool
diff(Side *old_side, Side *new_side, const char *facets, bool superusers, MgRows *rows, MgError *err)
{
	const char *const values[] = { mg_pg_array(old_side->arena, old_side->differ.items,
											   old_side->differ.count),
								   new_side->version,
								   new_side->system,
								   new_side->oid,
								   facets,
								   superusers ? new_side->superusers : NULL };

	return mg_pg_rows(old_side->pg, mg_sql_diff_others, 6, values, rows, err);
}

bool
mg_compare_databases(MgPg *old_pg, MgPg *new_pg, const char *facets, bool superusers, MgRows *rows,
					 MgError *err)
{
	Side old_side = { .pg = old_pg, .arena = mg_arena_new() };
	Side new_side = { .pg = new_pg, .arena = mg_arena_new() };
	bool ok;

	mg_strings_init(&old_side.differ, old_side.arena);
	mg_strings_init(&new_side.differ, new_side.arena);
	ok = mg_transaction_begin(old_pg, err) && mg_transaction_begin(new_pg, err) &&
		 read_origin(&old_side, err) && read_origin(&new_side, err) &&
		 keep_both(&old_side, &new_side, facets, err);
	if (ok)
		merge(&old_side, &new_side);
	ok = ok && hand_over(&old_side, &new_side, err) &&
		 diff(&old_side, &new_side, facets, superusers, rows, err) &&
		 mg_transaction_end(old_pg, false, err) && mg_transaction_end(new_pg, false, err);
	mg_arena_free(old_side.arena);
	mg_arena_free(new_side.arena);
	return ok;
}
