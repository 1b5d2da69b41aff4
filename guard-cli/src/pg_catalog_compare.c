/*
 * pg_catalog_compare.c
 *	  A database as it is compared with another one, or with a stored snapshot.
 */
#include "pg_catalog_compare.h"

#include <stdlib.h>
#include <string.h>

#include "mg_sql.h"
#include "pg_catalog_snapshot.h"

typedef struct MgCompareObject
{
	const char *name;
	const char *hash; /* NULL: not known, so that it equals nothing */
	const char *number;
} MgCompareObject;

static const char *
id_text(const MgCompare *compare, const MgCompareSide *side)
{
	return side->stored ? mg_printf(compare->arena, "%lld", side->id) : NULL;
}

static bool
read_origin(MgCompare *compare, MgCompareSide *side, MgError *err)
{
	const char *const values[] = { id_text(compare, side) };
	const char *sql = side->stored ? mg_sql_snapshot_origin : mg_sql_database_origin;
	MgRows rows;

	if (!mg_pg_rows(side->pg, sql, side->stored ? 1 : 0, values, &rows, err))
		return false;
	if (rows.count != 1)
		return mg_err_set(err, MG_EXIT_INTERNAL, "one side of the comparison is not there any more");
	side->version = mg_rows_get(&rows, 0, "version");
	side->system = mg_rows_get(&rows, 0, "system_identifier");
	side->oid = mg_rows_get(&rows, 0, "oid");
	side->superusers = mg_rows_get(&rows, 0, "superusers");
	return true;
}

static bool
same_text(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Hashes cover all facets where a snapshot has no others; the diff looks at those that are wanted. */
static bool
start(MgCompare *compare, MgCompareSide *side, MgError *err)
{
	bool stored = compare->old_side.stored || compare->new_side.stored;
	const char *const values[] = { stored ? NULL : compare->facets,
								   compare->physical ? "true" : "false" };

	return side->stored ||
		   mg_stream_open(&side->stream, side->pg, mg_sql_keep_objects, 2, values, err);
}

/* Both are known, so that a database can be read. */
static bool
start_both(MgCompare *compare, MgError *err)
{
	MgCompareSide *old_side = &compare->old_side;
	MgCompareSide *new_side = &compare->new_side;

	compare->physical =
		same_text(old_side->system, new_side->system) && same_text(old_side->oid, new_side->oid);
	return start(compare, old_side, err) && start(compare, new_side, err);
}

bool
mg_compare_begin(MgCompare *compare, MgError *err)
{
	MgCompareSide *sides[] = { &compare->old_side, &compare->new_side };
	bool stored = compare->old_side.stored || compare->new_side.stored;

	compare->arena = mg_arena_new();
	for (int i = 0; i < 2; i++)
	{
		mg_strings_init(&sides[i]->differ, compare->arena);
		if (!mg_transaction_begin(sides[i]->pg, err) ||
			(!sides[i]->stored && !read_origin(compare, sides[i], err)))
			return false;
	}
	return stored || start_both(compare, err);
}

bool
mg_compare_stored(MgCompare *compare, long long id, MgError *err)
{
	MgCompareSide *side = compare->old_side.stored ? &compare->old_side : &compare->new_side;

	side->id = id;
	return read_origin(compare, side, err) && start_both(compare, err);
}

static void
add_object(MgCompare *compare, MgCompareSide *side)
{
	MgCompareObject *object;

	if (side->count == side->size)
	{
		MgCompareObject *objects;

		side->size = side->size == 0 ? 1024 : side->size * 2;
		objects = mg_alloc(compare->arena, (size_t) side->size * sizeof *objects);
		if (side->count > 0)
			memcpy(objects, side->objects, (size_t) side->count * sizeof *objects);
		side->objects = objects;
	}
	object = &side->objects[side->count++];
	object->number = mg_strdup(compare->arena, side->stream.cells[0]);
	object->name = mg_strdup(compare->arena, side->stream.cells[1]);
	object->hash = mg_strdup(compare->arena, side->stream.cells[2]);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const MgCompareObject *) a)->name, ((const MgCompareObject *) b)->name);
}

/* By name, because the order of the servers depends on their encodings. */
static bool
collect(MgCompare *compare, MgCompareSide *side, MgError *err)
{
	const char *const values[] = { id_text(compare, side), compare->physical ? "true" : "false" };
	bool more = true;
	bool ok = !side->stored ||
			  mg_stream_open(&side->stream, side->pg, mg_sql_stored_hashes, 2, values, err);

	while (ok && (ok = mg_stream_next(&side->stream, &more, err)) && more)
		add_object(compare, side);
	mg_stream_close(&side->stream);
	if (ok && side->count > 0)
		qsort(side->objects, (size_t) side->count, sizeof *side->objects, compare_names);
	return ok;
}

/* Leaves out what has the same name and the same hash on both sides. */
static void
merge(MgCompareSide *old_side, MgCompareSide *new_side)
{
	int o = 0;
	int n = 0;

	while (o < old_side->count || n < new_side->count)
	{
		const MgCompareObject *old = o < old_side->count ? &old_side->objects[o] : NULL;
		const MgCompareObject *new = n < new_side->count ? &new_side->objects[n] : NULL;
		int order = old == NULL ? 1 : new == NULL ? -1 : strcmp(old->name, new->name);
		bool same = order == 0 && same_text(old->hash, new->hash);

		if (order <= 0 && !same)
			mg_strings_add(&old_side->differ, old->number);
		if (order >= 0 && !same)
			mg_strings_add(&new_side->differ, new->number);
		o += order <= 0;
		n += order >= 0;
	}
}

static const char *
numbers(const MgCompare *compare, const MgCompareSide *side)
{
	return mg_pg_array(compare->arena, side->differ.items, side->differ.count);
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

/* The objects of the new side that may differ, to the session of the old one. */
static bool
hand_over(MgCompare *compare, MgError *err)
{
	const MgCompareSide *from = &compare->new_side;
	const char *const kept[] = { numbers(compare, from) };
	const char *const stored[] = { id_text(compare, from), kept[0] };
	MgPortion portion;
	bool ok;

	mg_portion_begin(&portion, send_others, compare->old_side.pg);
	ok = (from->stored ?
			  mg_pg_each(from->pg, mg_sql_stored_objects, 2, stored, add_other, &portion, err) :
			  mg_pg_each(from->pg, mg_sql_kept_objects, 1, kept, add_other, &portion, err)) &&
		 mg_portion_send(&portion, err);
	mg_portion_free(&portion);
	return ok;
}

/* Superusers of a snapshot are those that it has, of a database those of now where they matter. */
static const char *
judges(const MgCompare *compare)
{
	const MgCompareSide *side = &compare->new_side;

	if (side->superusers == NULL && compare->physical)
		return compare->old_side.superusers;
	return side->stored || compare->physical || compare->judge_owners ? side->superusers : NULL;
}

bool
mg_compare_end(MgCompare *compare, MgRows *rows, MgError *err)
{
	MgCompareSide *old_side = &compare->old_side;
	MgCompareSide *new_side = &compare->new_side;

	if (!collect(compare, old_side, err) || !collect(compare, new_side, err))
		return false;
	merge(old_side, new_side);

	const char *const values[] = { id_text(compare, old_side),
								   numbers(compare, old_side),
								   new_side->version,
								   new_side->system,
								   new_side->oid,
								   compare->facets,
								   judges(compare) };

	return hand_over(compare, err) &&
		   mg_pg_rows(old_side->pg, mg_sql_diff_others, 7, values, rows, err) &&
		   mg_transaction_end(old_side->pg, false, err) &&
		   mg_transaction_end(new_side->pg, false, err);
}

void
mg_compare_free(MgCompare *compare)
{
	mg_stream_close(&compare->old_side.stream);
	mg_stream_close(&compare->new_side.stream);
	mg_arena_free(compare->arena);
	compare->arena = NULL;
}
