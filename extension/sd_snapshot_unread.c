/*
 * sd_snapshot_unread.c
 *	  What could not be read because another session holds a lock, and who does.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "sd_snapshot_int.h"

/*
 * Fills in the session that stands in the way of a reader: one that has the lock
 * or, in the queue before the reader, one that waits for it.
 */
static void
find_holder(SdUnread *unread, Oid relid, MemoryContext cxt)
{
	static const char sql[] =
		"SELECT l.pid::text, coalesce(a.usename, p.owner)::text, a.application_name,"
		" a.query_start::text, p.gid, l.granted::text"
		" FROM pg_catalog.pg_locks AS l"
		" LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid"
		" LEFT JOIN pg_catalog.pg_locks AS x ON l.pid IS NULL AND x.pid IS NULL"
		" AND x.locktype = 'transactionid' AND x.virtualtransaction = l.virtualtransaction"
		" LEFT JOIN pg_catalog.pg_prepared_xacts AS p ON p.transaction = x.transactionid"
		" WHERE l.locktype = 'relation' AND l.relation = $1"
		" AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d"
		" WHERE d.datname = pg_catalog.current_database())"
		" AND l.mode = 'AccessExclusiveLock' ORDER BY l.granted DESC, a.query_start LIMIT 1";
	Oid types[1] = { OIDOID };
	Datum values[1] = { ObjectIdGetDatum(relid) };
	const char **fields[] = { &unread->pid,			&unread->usename, &unread->application_name,
							  &unread->query_start, &unread->gid,	  &unread->granted };

	SPI_connect();
	/* who is connected is kept for the whole transaction */
	pgstat_clear_snapshot();
	if (SPI_execute_with_args(sql, 1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look for the holder of a lock");
	for (int i = 0; SPI_processed > 0 && i < lengthof(fields); i++)
	{
		char *text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1);

		*fields[i] = text ? MemoryContextStrdup(cxt, text) : NULL;
	}
	SPI_finish();
}

static const char *
reason_of(const SdUnread *unread)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "It needs relation %s, ", unread->relation);
	if (unread->gid != NULL)
	{
		appendStringInfo(&buf, "which prepared transaction %s of user %s has locked exclusively.",
						 quote_literal_cstr(unread->gid), unread->usename);
		return buf.data;
	}
	if (unread->pid == NULL)
	{
		appendStringInfoString(&buf, "which another session had locked exclusively.");
		return buf.data;
	}
	appendStringInfo(&buf, "which process %s", unread->pid);
	if (unread->usename != NULL)
		appendStringInfo(&buf, " of user %s", unread->usename);
	if (unread->application_name != NULL && unread->application_name[0] != '\0')
		appendStringInfo(&buf, " (%s)", unread->application_name);
	appendStringInfoString(&buf, strcmp(unread->granted, "true") == 0 ? " has locked exclusively" :
																		" waits to lock exclusively");
	if (unread->query_start != NULL)
		appendStringInfo(&buf, "; its last statement began at %s", unread->query_start);
	appendStringInfoChar(&buf, '.');
	return buf.data;
}

/* The first relation that an object cannot be read for is enough. */
void
sd_note_unread(SdSnap *snap, Oid relid)
{
	MemoryContext old;
	SdUnread *unread = NULL;
	ListCell *lc;

	if (snap->unread != NULL)
		return;
	foreach (lc, snap->locked)
		if (((SdUnread *) lfirst(lc))->relid == relid)
			unread = lfirst(lc);
	if (unread == NULL)
	{
		old = MemoryContextSwitchTo(snap->entries_cxt);
		unread = palloc0(sizeof(SdUnread));
		unread->relid = relid;
		unread->relation = pstrdup(sd_rel_name(snap, relid));
		find_holder(unread, relid, snap->entries_cxt);
		unread->reason = reason_of(unread);
		MemoryContextSwitchTo(snap->cxt);
		snap->locked = lappend(snap->locked, unread);
		MemoryContextSwitchTo(old);
	}
	snap->unread = unread;
}

void
sd_take_unread(SdSnap *snap, SdUnread **object)
{
	if (snap->unread != NULL && *object == NULL)
		*object = snap->unread;
	snap->unread = NULL;
}

/* What the documents of a walk say of it; strings are not copied. */
SdNode *
sd_unread_node(const SdUnread *unread)
{
	SdNode *map = sd_node_map();

	sd_put_text(map, "kind", unread->kind);
	sd_put_text(map, "identity", unread->identity);
	sd_put_text(map, "relation", unread->relation);
	sd_put_text(map, "reason", unread->reason);
	sd_put_text(map, "pid", unread->pid);
	sd_put_text(map, "usename", unread->usename);
	sd_put_text(map, "application_name", unread->application_name);
	sd_put_text(map, "query_start", unread->query_start);
	sd_put_text(map, "prepared_transaction", unread->gid);
	return map;
}

/* An object goes without a definition: only what it is and where stays. */
void
sd_doc_unread(SdSnap *snap, SdDoc *doc, const SdUnread *cause)
{
	MemoryContext old = MemoryContextSwitchTo(snap->entries_cxt);
	SdUnread *unread = palloc(sizeof(SdUnread));

	*unread = *cause;
	unread->kind = doc->kind;
	unread->identity = pstrdup(doc->identity);
	snap->entries->unread = lappend(snap->entries->unread, unread);
	MemoryContextSwitchTo(old);
	memset(doc->facet, 0, sizeof(doc->facet));
	doc->unread = unread;
}

/* All of them, each with its reason. */
char *
sd_unread_list(List *unread)
{
	StringInfoData buf;
	ListCell *lc;

	initStringInfo(&buf);
	foreach (lc, unread)
	{
		SdUnread *object = lfirst(lc);

		appendStringInfo(&buf, "%s%s %s was not read. %s", buf.len > 0 ? "\n" : "", object->kind,
						 object->identity, object->reason);
	}
	return buf.data;
}

void
sd_refuse_unread(SdEntries *entries)
{
	if (entries->unread == NIL)
		return;
	ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					errmsg_plural("could not read the definition of %d object",
								  "could not read the definitions of %d objects",
								  list_length(entries->unread), list_length(entries->unread)),
					errdetail("%s", sd_unread_list(entries->unread)),
					errhint("Repeat when those sessions have ended their transactions.")));
}

/*
 * Relation whose lock keeps this session from reading the catalogs, with its
 * holder; read from the table of locks alone, because a query of pg_locks needs
 * the catalogs.
 */
static Oid
locked_catalog(int *pid)
{
	LockData *data = GetLockStatusData();
	Oid found = InvalidOid;

	for (int i = 0; i < data->nelements; i++)
	{
		LockInstanceData *lock = &data->locks[i];
		Oid database = lock->locktag.locktag_field1;
		Oid relid = lock->locktag.locktag_field2;

		if (lock->locktag.locktag_type != LOCKTAG_RELATION || relid >= FirstNormalObjectId ||
			lock->pid == MyProcPid || (database != MyDatabaseId && OidIsValid(database)) ||
			!(lock->holdMask & LOCKBIT_ON(AccessExclusiveLock)))
			continue;
		*pid = lock->pid;
		found = relid;
		/* without this one no name can be looked up */
		if (relid == RelationRelationId || relid == ClassOidIndexId)
			return RelationRelationId;
	}
	return found;
}

/* Rethrows the error of a lock that was waited for in vain, with what is known about it. */
void
sd_explain_locked_catalog(ErrorData *error)
{
	int pid = 0;
	Oid relid = locked_catalog(&pid);
	const char *name = NULL;

	if (OidIsValid(relid))
		name = relid == RelationRelationId ? "pg_class" : get_rel_name(relid);
	if (name == NULL)
		ReThrowError(error);
	ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					errmsg("could not read the schema: %s", error->message),
					errdetail("Process %d has locked the catalog %s exclusively, as VACUUM FULL "
							  "and REINDEX do.",
							  pid, name),
					errhint("Repeat when it has ended, or set lock_timeout to wait longer.")));
}
