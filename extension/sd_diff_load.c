/*
 * sd_diff_load.c
 *	  Reads the rows of two snapshots that may differ.
 *
 * The join is done by the executor and returns only rows whose hashes or
 * physical numbers differ, so the cost of a diff is that of one full join plus
 * the changes.  Definitions are fetched for the changed rows alone.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "sd_compat.h"
#include "sd_diff.h"
#include "sd_errors.h"

#define SD_DIFF_HASH_SIZE 32
#define SD_DIFF_BATCH	  1000

/* Columns of one side in the result of the join, in this order. */
enum
{
	COL_KIND,
	COL_IDENTITY,
	COL_PHYS,
	COL_DEF_HASH,
	COL_DEFINITION,
	COL_UNREAD,
	COL_FIRST_FACET,
	COLS = COL_FIRST_FACET + SD_DIFF_FACETS
};

typedef struct SdDiffDefinition
{
	uint8 hash[SD_DIFF_HASH_SIZE]; /* the key */
	Jsonb *definition;
} SdDiffDefinition;

static const char *const facet_names[SD_DIFF_FACETS] = {
	[SD_DIFF_CORE] = "core",	   [SD_DIFF_SECURITY] = "security",
	[SD_DIFF_OWNER] = "owner",	   [SD_DIFF_STORAGE] = "storage",
	[SD_DIFF_COMMENT] = "comment", [SD_DIFF_VERSION] = "version",
	[SD_DIFF_ORDER] = "order",	   [SD_DIFF_ENVIRONMENT] = "environment",
};

const char *
sd_diff_facet_name(SdDiffFacet facet)
{
	return facet_names[facet];
}

static SdDiffOrigin
read_header(int64 id)
{
	SdDiffOrigin header;
	Oid types[1] = { INT8OID };
	Datum values[1] = { Int64GetDatum(id) };
	HeapTuple tuple;
	TupleDesc desc;
	bool isnull;

	if (SPI_execute_with_args("SELECT server_version_num::integer, system_identifier::text,"
							  " database_oid::oid, complete OR unread IS NOT NULL,"
							  " coalesce(facets ? 'environment', false)"
							  " FROM safedeploy.snapshot WHERE id = $1",
							  1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the header of a snapshot");
	if (SPI_processed == 0)
		ereport(ERROR, (errcode(ERRCODE_SD_NO_SUCH_SNAPSHOT),
						errmsg("there is no snapshot " INT64_FORMAT, id),
						errhint("The snapshots there are stand in safedeploy.snapshot.")));
	tuple = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	if (!DatumGetBool(SPI_getbinval(tuple, desc, 4, &isnull)) || isnull)
		ereport(ERROR,
				(errcode(ERRCODE_SD_SNAPSHOT_INCOMPLETE),
				 errmsg("snapshot " INT64_FORMAT " is not complete", id),
				 errdetail(
					 "It was imported in part, or its import failed the check of its fingerprint."),
				 errhint(
					 "Import it again from its first line, or drop it by safedeploy.drop_snapshot.")));
	header.version = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &isnull));
	header.system_identifier = SPI_getvalue(tuple, desc, 2);
	header.environment = DatumGetBool(SPI_getbinval(tuple, desc, 5, &isnull));
	header.database = DatumGetObjectId(SPI_getbinval(tuple, desc, 3, &isnull));
	if (isnull)
		header.database = InvalidOid;
	return header;
}

/* Of the database as it is now; what is kept of it has no environment. */
static SdDiffOrigin
live_header(bool environment)
{
	SdDiffOrigin header;

	header.version = PG_VERSION_NUM;
	header.system_identifier = psprintf(INT64_FORMAT, (int64) GetSystemIdentifier());
	header.database = MyDatabaseId;
	header.environment = environment;
	return header;
}

static void
compare_headers(SdDiff *diff)
{
	SdDiffOrigin was = diff->kept ? live_header(false) : read_header(diff->old_id);
	SdDiffOrigin is = diff->live   ? live_header(true) :
					  diff->others ? diff->others->origin :
									 read_header(diff->new_id);

	if (was.version / 10000 != is.version / 10000)
		ereport(ERROR,
				(errcode(ERRCODE_SD_SNAPSHOT_VERSION),
				 errmsg("snapshots of different major versions of PostgreSQL cannot be compared"),
				 errdetail("The old one was taken on version %d, the new one on version %d; each major version writes definitions its own way.",
						   was.version / 10000, is.version / 10000),
				 errhint(
					 "Take both snapshots on the same major version, for example by restoring the schema of one on the server of the other.")));
	diff->same_lineage = was.system_identifier != NULL && is.system_identifier != NULL &&
						 strcmp(was.system_identifier, is.system_identifier) == 0 &&
						 OidIsValid(was.database) && was.database == is.database;
	diff->roles = is.environment && !diff->live;
	diff->facets[SD_DIFF_ENVIRONMENT] &= diff->same_lineage && was.environment && is.environment;
}

/*
 * A side that is not stored comes from a function.  A stored one may have an
 * environment that is not wanted, or that the other one lacks.  An object without
 * the hash of any facet was not read; why, stands elsewhere.
 */
static void
append_side(StringInfo sql, const char *columns, const char *function, const char *condition)
{
	StringInfoData hashes;

	initStringInfo(&hashes);
	for (int f = 0; f < SD_DIFF_FACETS; f++)
		appendStringInfo(&hashes, "%s\"%s\"", f > 0 ? ", " : "", facet_names[f]);
	if (function != NULL)
		appendStringInfo(sql,
						 "(SELECT kind, identity, phys, NULL::bytea AS def_hash, definition,"
						 " CASE WHEN coalesce(%s) IS NULL"
						 " THEN coalesce(definition -> 'unread' ->> 'reason', '') END AS unread, %s"
						 " FROM safedeploy.%s)",
						 hashes.data, columns, function);
	else
		appendStringInfo(sql,
						 "(SELECT kind, identity, phys, def_hash, NULL::jsonb AS definition,"
						 " CASE WHEN coalesce(%s) IS NULL THEN coalesce((SELECT u ->> 'reason'"
						 " FROM safedeploy.snapshot AS s, jsonb_array_elements(s.unread) AS u"
						 " WHERE s.id = snapshot_id AND u ->> 'kind' = kind"
						 " AND u ->> 'identity' = identity LIMIT 1), '') END AS unread, %s"
						 " FROM safedeploy.snapshot_object WHERE %s)",
						 hashes.data, columns, condition);
}

/* Old and new side; parameters: both ids, and the numbers of the old objects that may differ. */
static void
append_sides(StringInfo sql, const SdDiff *diff, const char *columns)
{
	const char *schema_only = diff->facets[SD_DIFF_ENVIRONMENT] ? "" : " AND environment IS NULL";

	append_side(sql, columns, diff->kept ? "kept_objects($3)" : NULL,
				psprintf("snapshot_id = $1%s%s", diff->others ? " AND n = ANY ($3)" : "",
						 schema_only));
	appendStringInfoString(sql, " o FULL JOIN ");
	append_side(sql, columns,
				diff->others					  ? "kept_objects(others => true)" :
				!diff->live						  ? NULL :
				diff->facets[SD_DIFF_ENVIRONMENT] ? "objects(true)" :
													"objects(false)",
				psprintf("snapshot_id = $2%s", schema_only));
}

/*
 * The join; facets that are not wanted are neither compared nor read.  Comparing
 * the bytes of phys is cheaper than comparing jsonb, and a needless candidate
 * does no harm.
 */
static char *
join_sql(const SdDiff *diff)
{
	StringInfoData columns, differ, sql;

	initStringInfo(&columns);
	initStringInfo(&differ);
	for (int f = 0; f < SD_DIFF_FACETS; f++)
	{
		const char *name = facet_names[f];

		if (f > 0)
			appendStringInfoString(&columns, ", ");
		if (diff->facets[f])
		{
			appendStringInfo(&columns, "\"%s\"", name);
			appendStringInfo(&differ, "o.\"%s\" IS DISTINCT FROM n.\"%s\" OR ", name, name);
		}
		else
			appendStringInfo(&columns, "NULL::bytea AS \"%s\"", name);
	}
	if (diff->same_lineage)
		appendStringInfoString(&differ, "record_image_ne(ROW(o.phys), ROW(n.phys)) OR ");

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT o.*, n.* FROM ");
	append_sides(&sql, diff, columns.data);
	appendStringInfo(&sql,
					 " n ON o.kind = n.kind AND o.identity = n.identity"
					 " WHERE %s o.kind IS NULL OR n.kind IS NULL"
					 " OR o.unread IS NOT NULL OR n.unread IS NOT NULL",
					 differ.data);
	return sql.data;
}

static bool
get_number(JsonbContainer *container, const char *key, PGFunction convert, Datum *result)
{
	JsonbValue value;

	if (!sd_diff_get(container, key, &value) || value.type != jbvNumeric)
		return false;
	*result = DirectFunctionCall1(convert, NumericGetDatum(value.val.numeric));
	return true;
}

/* Physical numbers that are used apart from the members. */
static void
read_phys(SdDiffObject *object)
{
	JsonbValue populated;
	Datum number;

	object->rows = -1;
	object->populated = true;
	if (object->phys == NULL)
		return;
	if (get_number(&object->phys->root, "oid", numeric_int8, &number))
		object->oid = (Oid) DatumGetInt64(number);
	if (get_number(&object->phys->root, "relfilenode", numeric_int8, &number))
		object->filenode = (uint32) DatumGetInt64(number);
	if (get_number(&object->phys->root, "reltuples", numeric_float8, &number))
		object->rows = DatumGetFloat8(number);
	if (sd_diff_get(&object->phys->root, "populated", &populated) && populated.type == jbvBool)
		object->populated = populated.val.boolean;
}

/* Copies one side of a joined row; NULL when that side has none. */
static SdDiffObject *
copy_side(HeapTuple tuple, TupleDesc desc, int first)
{
	SdDiffObject *object;
	Datum values[COLS];
	bool nulls[COLS];

	for (int i = 0; i < COLS; i++)
		values[i] = SPI_getbinval(tuple, desc, first + i + 1, &nulls[i]);
	if (nulls[COL_KIND])
		return NULL;
	object = palloc0(sizeof(SdDiffObject));
	object->kind = TextDatumGetCString(values[COL_KIND]);
	object->identity = TextDatumGetCString(values[COL_IDENTITY]);
	if (!nulls[COL_PHYS])
		object->phys = DatumGetJsonbPCopy(values[COL_PHYS]);
	if (!nulls[COL_DEF_HASH])
		object->def_hash = DatumGetByteaPCopy(values[COL_DEF_HASH]);
	for (int f = 0; f < SD_DIFF_FACETS; f++)
		if (!nulls[COL_FIRST_FACET + f])
			object->hash[f] = DatumGetByteaPCopy(values[COL_FIRST_FACET + f]);
	if (!nulls[COL_UNREAD])
		object->unread = TextDatumGetCString(values[COL_UNREAD]);
	read_phys(object);
	return object;
}

bool
sd_diff_same_hash(const bytea *a, const bytea *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

/* Nothing in either was made anew. */
static bool
same_members(const SdDiffObject *old, const SdDiffObject *new)
{
	for (int c = 0; c < SD_DIFF_COLLECTIONS; c++)
	{
		const char *key = sd_diff_collections[c].phys_key;
		JsonbContainer *was = key ? sd_diff_find(old->phys, key, NULL) : NULL;
		JsonbContainer *is = key ? sd_diff_find(new->phys, key, NULL) : NULL;

		if (was != NULL && is != NULL && c != SD_DIFF_INDEXES && compareJsonbContainers(was, is) != 0)
			return false;
	}
	return true;
}

/* Both sides are there, say the same and are the same thing. */
static bool
unchanged(const SdDiff *diff, const SdDiffObject *old, const SdDiffObject *new)
{
	if (old == NULL || new == NULL || old->unread != NULL || new->unread != NULL ||
		(diff->same_lineage && (old->oid != new->oid || !same_members(old, new))))
		return false;
	for (int f = 0; f < SD_DIFF_FACETS; f++)
		if (!sd_diff_same_hash(old->hash[f], new->hash[f]))
			return false;
	return true;
}

/* A counterpart by key saves the matcher a search. */
static void
add_row(SdDiff *diff, HeapTuple tuple, TupleDesc desc, HTAB *wanted)
{
	SdDiffObject *sides[2] = { copy_side(tuple, desc, 0), copy_side(tuple, desc, COLS) };
	bool same = unchanged(diff, sides[0], sides[1]);

	for (int i = 0; i < 2; i++)
	{
		SdDiffObject *object = sides[i];
		uint8 key[SD_DIFF_HASH_SIZE];

		if (object == NULL)
			continue;
		object->is_new = i == 1;
		object->same_key = sides[1 - i];
		diff->objects = lappend(diff->objects, object);
		if (same)
			continue;
		if (object->def_hash == NULL)
		{
			bool isnull;
			Datum definition = SPI_getbinval(tuple, desc, i * COLS + COL_DEFINITION + 1, &isnull);

			if (!isnull)
				object->definition = DatumGetJsonbPCopy(definition);
			continue;
		}
		if (VARSIZE_ANY_EXHDR(object->def_hash) != SD_DIFF_HASH_SIZE)
			elog(ERROR, "unexpected length of the hash of a definition");
		memcpy(key, VARDATA_ANY(object->def_hash), SD_DIFF_HASH_SIZE);
		((SdDiffDefinition *) hash_search(wanted, key, HASH_ENTER, NULL))->definition = NULL;
	}
}

/* Reads the definitions of one batch of hashes into the table. */
static void
fetch_batch(HTAB *wanted, Datum *hashes, int n, MemoryContext context)
{
	Oid types[1] = { BYTEAARRAYOID };
	Datum values[1];
	uint64 found;

	values[0] = PointerGetDatum(construct_array(hashes, n, BYTEAOID, -1, false, TYPALIGN_INT));
	if (SPI_execute_with_args("SELECT hash, definition FROM safedeploy.object_def WHERE hash = ANY ($1)",
							  1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the definitions of a snapshot");
	found = SPI_processed;
	for (uint64 i = 0; i < found; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		bool isnull;
		bytea *hash = DatumGetByteaPP(SPI_getbinval(tuple, desc, 1, &isnull));
		Datum definition = SPI_getbinval(tuple, desc, 2, &isnull);
		SdDiffDefinition *entry = hash_search(wanted, VARDATA_ANY(hash), HASH_FIND, NULL);
		MemoryContext caller = MemoryContextSwitchTo(context);

		if (entry != NULL && !isnull)
			entry->definition = DatumGetJsonbPCopy(definition);
		MemoryContextSwitchTo(caller);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Reads the wanted definitions, a batch at a time. */
static void
fetch_definitions(HTAB *wanted, MemoryContext context)
{
	HASH_SEQ_STATUS scan;
	SdDiffDefinition *entry;
	Datum batch[SD_DIFF_BATCH];
	int n = 0;

	hash_seq_init(&scan, wanted);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		bytea *hash = palloc(VARHDRSZ + SD_DIFF_HASH_SIZE);

		SET_VARSIZE(hash, VARHDRSZ + SD_DIFF_HASH_SIZE);
		memcpy(VARDATA(hash), entry->hash, SD_DIFF_HASH_SIZE);
		batch[n++] = PointerGetDatum(hash);
		if (n == SD_DIFF_BATCH)
		{
			fetch_batch(wanted, batch, n, context);
			n = 0;
		}
	}
	if (n > 0)
		fetch_batch(wanted, batch, n, context);
}

/* Hands every object its definition. */
static void
assign_definitions(SdDiff *diff, HTAB *wanted)
{
	ListCell *cell;

	foreach (cell, diff->objects)
	{
		SdDiffObject *object = lfirst(cell);
		SdDiffDefinition *entry;

		if (object->def_hash == NULL)
			continue;
		entry = hash_search(wanted, VARDATA(object->def_hash), HASH_FIND, NULL);
		if (entry == NULL)
			continue;
		if (entry->definition == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_SD_SNAPSHOT_INCOMPLETE),
					 errmsg("the definition of %s %s is missing", object->kind, object->identity),
					 errdetail(
						 "A row of safedeploy.object_def that the snapshot refers to is not there."),
					 errhint(
						 "Restore safedeploy.object_def from a backup, or drop the snapshot by safedeploy.drop_snapshot.")));
		object->definition = entry->definition;
	}
}

/* Runs the join through a cursor, so that only candidates are kept. */
static void
read_rows(SdDiff *diff, HTAB *wanted, MemoryContext context)
{
	Oid types[3] = { INT8OID, INT8OID, INT4ARRAYOID };
	Datum values[3] = { Int64GetDatum(diff->old_id), Int64GetDatum(diff->new_id), (Datum) 0 };
	char nulls[3] = { ' ', ' ', diff->others ? ' ' : 'n' };
	Portal portal;

	if (diff->others)
		values[2] = PointerGetDatum(diff->others->numbers);
	portal = SPI_cursor_open_with_args(NULL, join_sql(diff), 3, types, values, nulls, true, 0);
	for (;;)
	{
		MemoryContext caller;

		SPI_cursor_fetch(portal, true, SD_DIFF_BATCH);
		if (SPI_processed == 0)
			break;
		caller = MemoryContextSwitchTo(context);
		for (uint64 i = 0; i < SPI_processed; i++)
			add_row(diff, SPI_tuptable->vals[i], SPI_tuptable->tupdesc, wanted);
		MemoryContextSwitchTo(caller);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

void
sd_diff_load(SdDiff *diff)
{
	HASHCTL control = { 0 };
	HTAB *wanted;

	control.keysize = SD_DIFF_HASH_SIZE;
	control.entrysize = sizeof(SdDiffDefinition);
	control.hcxt = diff->context;
	wanted =
		hash_create("safedeploy definitions", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	compare_headers(diff);
	read_rows(diff, wanted, diff->context);
	fetch_definitions(wanted, diff->context);
	assign_definitions(diff, wanted);
}

/* Quoted names of the superusers: as is known of the new side, else as the cluster has them now. */
static List *
read_superusers(const SdDiff *diff)
{
	Oid types[1] = { INT8OID };
	Datum values[1] = { Int64GetDatum(diff->new_id) };
	List *found = NIL;
	int result;

	if (diff->others)
	{
		types[0] = TEXTARRAYOID;
		values[0] = PointerGetDatum(diff->others->superusers);
		result = SPI_execute_with_args("SELECT unnest($1)", 1, types, values, NULL, true, 0);
	}
	else if (diff->roles)
		result = SPI_execute_with_args("SELECT o.identity FROM safedeploy.snapshot_object o"
									   " JOIN safedeploy.object_def d ON d.hash = o.def_hash"
									   " WHERE o.snapshot_id = $1 AND o.kind = 'role'"
									   " AND d.definition #>> '{environment,superuser}' = 'true'",
									   1, types, values, NULL, true, 0);
	else
		result = SPI_execute("SELECT quote_ident(rolname) FROM pg_roles WHERE rolsuper", true, 0);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not read the superusers");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext caller = MemoryContextSwitchTo(diff->context);

		found = lappend(found, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
		MemoryContextSwitchTo(caller);
	}
	return found;
}

static bool
is_among(List *quoted, Jsonb *name)
{
	char *text = sd_diff_jsonb_string(name);
	ListCell *cell;

	foreach (cell, text ? quoted : NIL)
		if (strcmp(lfirst(cell), quote_identifier(text)) == 0)
			return true;
	return false;
}

void
sd_diff_mark_superusers(SdDiff *diff)
{
	List *superusers = NIL;
	bool asked = false;
	ListCell *cell;

	/* roles of another cluster mean nothing here */
	if (diff->others ? diff->others->superusers == NULL :
					   !diff->roles && !diff->live && !diff->same_lineage)
		return;
	foreach (cell, diff->changes)
	{
		SdDiffChange *change = lfirst(cell);

		if (change->facet != SD_DIFF_OWNER)
			continue;
		if (!asked)
		{
			if (SPI_connect() != SPI_OK_CONNECT)
				elog(ERROR, "could not connect to the SPI manager");
			superusers = read_superusers(diff);
			SPI_finish();
			asked = true;
		}
		change->to_superuser =
			is_among(superusers, change->new) && !is_among(superusers, change->old);
	}
}

void
sd_diff_refuse_unread(const SdDiff *diff)
{
	StringInfoData names;
	bool live = false;
	int count = 0;
	ListCell *cell;

	initStringInfo(&names);
	foreach (cell, diff->objects)
	{
		const SdDiffObject *object = lfirst(cell);

		if (object->unread == NULL)
			continue;
		live |= object->is_new && diff->live;
		appendStringInfo(&names, "%s%s %s was not read. %s", count++ > 0 ? "\n" : "", object->kind,
						 object->identity, object->unread);
	}
	if (count > 0)
		ereport(ERROR, (errcode(live ? ERRCODE_LOCK_NOT_AVAILABLE : ERRCODE_SD_SNAPSHOT_INCOMPLETE),
						errmsg_plural("the definition of %d object is not known",
									  "the definitions of %d objects are not known", count, count),
						errdetail("%s", names.data),
						live ? errhint("Repeat when those sessions have ended their transactions.") :
							   errhint("Name a snapshot that is complete.")));
}
