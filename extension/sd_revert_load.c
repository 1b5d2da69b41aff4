/*
 * sd_revert_load.c
 *	  What the plan of a way back reads besides the diff: who uses what, objects
 *	  that did not change, and whom default privileges name.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "sd_compat.h"
#include "sd_revert.h"
#include "sd_text_table.h"

#define USES_PER_FETCH 1000

typedef struct UsersEntry
{
	const char *key; /* "kind identity" of what is used */
	List *uses;
} UsersEntry;

List *
sd_revert_users(SdRevert *revert, const char *key)
{
	UsersEntry *entry = sd_text_search(revert->users, key, HASH_FIND, NULL);

	return entry ? entry->uses : NIL;
}

/* The uses that part_depends of one object lists. */
List *
sd_revert_read_uses(const char *user, JsonbContainer *parts, List *uses)
{
	SdNode *map = sd_node_from_jsonb(parts);

	for (SdNode *part = map->first; part != NULL; part = part->next)
		for (SdNode *reference = part->first; reference != NULL; reference = reference->next)
		{
			SdRevertUse *use = palloc(sizeof(SdRevertUse));
			bool pair = reference->type == SD_NODE_LIST;

			use->user = user;
			use->user_part = sd_ddl_key(part);
			use->used = sd_ddl_scalar(pair ? reference->first : reference);
			use->used_part = pair ? sd_ddl_scalar(reference->first->next) : "";
			uses = lappend(uses, use);
		}
	return uses;
}

/* Who uses what on the new side. */
void
sd_revert_load_users(SdRevert *revert)
{
	SdDiff *diff = revert->diff;
	MemoryContext cxt = diff->context;
	const char *sql =
		diff->live ? "SELECT kind, identity, phys->'part_depends' FROM safedeploy.objects()"
					 " WHERE phys ? 'part_depends'" :
					 "SELECT kind, identity, phys->'part_depends' FROM safedeploy.snapshot_object"
					 " WHERE snapshot_id = $1 AND phys ? 'part_depends'";
	Oid types[1] = { INT8OID };
	Datum values[1] = { Int64GetDatum(diff->new_id) };
	Portal portal =
		SPI_cursor_open_with_args(NULL, sql, diff->live ? 0 : 1, types, values, NULL, true, 0);

	revert->users = sd_text_table("safedeploy users of objects", sizeof(UsersEntry));
	for (;;)
	{
		MemoryContext caller;

		SPI_cursor_fetch(portal, true, USES_PER_FETCH);
		if (SPI_processed == 0)
			break;
		caller = MemoryContextSwitchTo(cxt);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			HeapTuple tuple = SPI_tuptable->vals[i];
			TupleDesc desc = SPI_tuptable->tupdesc;
			bool isnull;
			Jsonb *parts = DatumGetJsonbPCopy(SPI_getbinval(tuple, desc, 3, &isnull));
			char *user =
				psprintf("%s %s", SPI_getvalue(tuple, desc, 1), SPI_getvalue(tuple, desc, 2));
			ListCell *cell;

			foreach (cell, sd_revert_read_uses(user, &parts->root, NIL))
			{
				SdRevertUse *use = lfirst(cell);
				bool found;
				UsersEntry *entry = sd_text_search(revert->users, use->used, HASH_ENTER, &found);

				if (!found)
					entry->uses = NIL;
				entry->uses = lappend(entry->uses, use);
			}
		}
		MemoryContextSwitchTo(caller);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	MemoryContextSwitchTo(cxt);
}

/* Definition and numbers of an object that did not change, from the old snapshot. */
SdDiffObject *
sd_revert_fetch(SdRevert *revert, const char *kind, const char *identity)
{
	static const char sql[] = "SELECT d.definition, o.phys FROM safedeploy.snapshot_object o"
							  " JOIN safedeploy.object_def d ON d.hash = o.def_hash"
							  " WHERE o.snapshot_id = $1 AND o.kind = $2 AND o.identity = $3";
	Oid types[3] = { INT8OID, TEXTOID, TEXTOID };
	Datum values[3] = { Int64GetDatum(revert->diff->old_id), CStringGetTextDatum(kind),
						CStringGetTextDatum(identity) };
	SdDiffObject *object = NULL;
	MemoryContext cxt = revert->diff->context;

	if (SPI_execute_with_args(sql, 3, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read a definition");
	MemoryContextSwitchTo(cxt);
	if (SPI_processed == 1)
	{
		bool isnull;
		Datum value;

		object = palloc0(sizeof(SdDiffObject));
		object->kind = pstrdup(kind);
		object->identity = pstrdup(identity);
		object->populated = true;
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
		object->definition = DatumGetJsonbPCopy(value);
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull);
		if (!isnull)
		{
			JsonbValue populated;

			object->phys = DatumGetJsonbPCopy(value);
			if (sd_diff_get(&object->phys->root, "populated", &populated) && populated.type == jbvBool)
				object->populated = populated.val.boolean;
		}
	}
	SPI_freetuptable(SPI_tuptable);
	return object;
}

/* Roles that default privileges of either side name: a new object may start with grants to them. */
void
sd_revert_find_default_holders(SdRevert *revert)
{
	static const char sql[] =
		"SELECT r.rolname::text FROM pg_catalog.pg_default_acl a,"
		" pg_catalog.aclexplode(a.defaclacl) e JOIN pg_catalog.pg_roles r ON r.oid = e.grantee"
		" WHERE a.defaclrole <> e.grantee"
		/* one that takes away names nobody, and matters all the same */
		" UNION SELECT 'PUBLIC' FROM pg_catalog.pg_default_acl ORDER BY 1";

	if (SPI_execute(sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read default privileges");
	MemoryContextSwitchTo(revert->diff->context);
	for (uint64 i = 0; i < SPI_processed; i++)
		revert->default_holders =
			lappend(revert->default_holders,
					SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
	SPI_freetuptable(SPI_tuptable);
}
