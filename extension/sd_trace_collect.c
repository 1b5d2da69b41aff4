/*
 * sd_trace_collect.c
 *	  From what a statement changed to its effects.
 *
 * The server's own notices of changed catalog rows name the relations to look at;
 * their rows before and after the statement tell the rest.  What statements inside
 * of a statement did counts for it too, under the names that were valid when it
 * began.
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "pgstat.h"
#include "storage/lock.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "sd_compat.h"
#include "sd_names.h"
#include "sd_trace_int.h"
#include "sd_trace_locks.h"
#include "sd_try.h"
#include "sd_whole.h"

static bool
is_index(char relkind)
{
	return relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX;
}

static bool
has_rows(char relkind)
{
	return relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW;
}

static HTAB *
make_table(MemoryContext context, Size key, Size entry)
{
	HASHCTL control = { 0 };

	control.keysize = key;
	control.entrysize = entry;
	control.hcxt = context;
	return hash_create("safedeploy statement", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static SdTraceLock *
note_lock(SdTraceFrame *frame, Oid class, Oid object, LOCKMODE mode)
{
	SdTraceLock key = { .class = class, .object = object };
	SdTraceLock *lock;
	bool found;

	if (frame->locks == NULL)
		frame->locks = make_table(frame->context, offsetof(SdTraceLock, mode), sizeof(SdTraceLock));
	lock = hash_search(frame->locks, &key, HASH_ENTER, &found);
	if (!found)
	{
		lock->mode = mode;
		lock->asked = false;
	}
	lock->mode = Max(lock->mode, mode);
	return lock;
}

/* ask finds out what a locked relation was when the statement began; once, as change_of() does. */
static void
ask(SdTraceFrame *frame, SdTraceLock *lock)
{
	MemoryContext old;

	if (lock->asked || lock->class != RelationRelationId)
		return;
	old = MemoryContextSwitchTo(frame->context);
	lock->was = sd_relation_before(frame->before, lock->object, &lock->old);
	lock->asked = true;
	MemoryContextSwitchTo(old);
}

static void
note_locks(SdTraceFrame *frame, bool readable)
{
	List *gains = sd_trace_gains(frame->base);
	ListCell *cell;

	foreach (cell, gains)
	{
		const SdGain *gain = lfirst(cell);
		SdTraceLock *lock = note_lock(frame, gain->class, gain->object, gain->mode);

		if (readable)
			ask(frame, lock);
	}
	list_free_deep(gains);
}

/* before_of tells what a relation was, from what has been asked already when it was. */
static bool
before_of(SdTraceFrame *frame, Oid relation, SdTraceRelation *result)
{
	SdTraceLock key = { .class = RelationRelationId, .object = relation };
	const SdTraceLock *lock =
		frame->locks == NULL ? NULL : hash_search(frame->locks, &key, HASH_FIND, NULL);

	if (lock == NULL || !lock->asked)
		return sd_relation_before(frame->before, relation, result);
	*result = lock->old;
	return lock->was;
}

/*
 * change_of returns what is known of a relation in this statement.  What it was is
 * asked for once: a statement that commits in its midst may find the old row gone.
 */
static SdTraceChange *
change_of(SdTraceFrame *frame, Oid relation)
{
	SdTraceChange *change;
	bool found;

	if (frame->changes == NULL)
		frame->changes = make_table(frame->context, sizeof(Oid), sizeof(SdTraceChange));
	change = hash_search(frame->changes, &relation, HASH_ENTER, &found);
	if (!found)
	{
		MemoryContext old = MemoryContextSwitchTo(frame->context);

		memset((char *) change + sizeof(Oid), 0, sizeof(SdTraceChange) - sizeof(Oid));
		change->was = before_of(frame, relation, &change->old);
		MemoryContextSwitchTo(old);
	}
	return change;
}

/* An index that took over the file of one that is gone was not built. */
static bool
file_was_there(SdTraceFrame *frame, Oid filenode)
{
	HASH_SEQ_STATUS status;
	const SdTraceChange *change;

	hash_seq_init(&status, frame->changes);
	while ((change = hash_seq_search(&status)) != NULL)
	{
		SdTraceRelation now;

		if (change->was && is_index(change->old.relkind) && change->old.filenode == filenode &&
			!sd_relation_now(change->relation, &now))
		{
			hash_seq_term(&status);
			return true;
		}
	}
	return false;
}

/* compare decides what happened to a relation whose catalog row changed. */
static void
compare(SdTraceFrame *frame, SdTraceChange *change)
{
	SdTraceRelation now;

	if (!sd_relation_now(change->relation, &now) || sd_trace_is_ours(change->relation, &now))
		return;
	if (change->was && change->old.filenode == now.filenode)
		return;
	if (is_index(now.relkind))
	{
		if (OidIsValid(now.filenode) && (change->was || !file_was_there(frame, now.filenode)) &&
			!list_member_oid(frame->truncated, sd_index_table(change->relation)))
			change->built = true;
		change->made = !change->was;
	}
	else if (!change->was)
		change->made = true;
	else if (has_rows(now.relkind) && !list_member_oid(frame->truncated, change->relation))
		change->rewritten = true;
}

static void
compare_touched(SdTraceFrame *frame)
{
	ListCell *cell;

	if (frame->touched_any)
	{
		MemoryContext old = MemoryContextSwitchTo(frame->context);

		frame->touched = list_concat_unique_oid(frame->touched, sd_trace_held());
		MemoryContextSwitchTo(old);
	}
	/* all of them are known before the first is judged */
	foreach (cell, frame->touched)
		(void) change_of(frame, lfirst_oid(cell));
	foreach (cell, frame->touched)
		compare(frame, change_of(frame, lfirst_oid(cell)));
	list_free(frame->touched);
	frame->touched = NIL;
	frame->touched_any = false;
}

/* add adds an effect on a relation under the name that it had, or has. */
static void
add(SdTraceFrame *frame, const char *effect, const SdTraceRelation *relation, bool was, LOCKMODE mode)
{
	sd_trace_add_effect(frame->record, effect, sd_relkind_name(relation->relkind),
						sd_trace_relation_name(was ? frame->before : NULL, relation), mode, NULL);
}

static void
add_built(SdTraceFrame *frame, const SdTraceChange *change)
{
	SdTraceRelation table, now;

	/* that of a table which the statement made is no work on anybody's table */
	if (!sd_relation_now(change->relation, &now) ||
		!before_of(frame, sd_index_table(change->relation), &table))
		return;
	add(frame, "build", change->was ? &change->old : &now, change->was, NoLock);
	/* into another tablespace it is copied as it is; where it is built there, the read is counted */
	if (!change->was || change->old.tablespace == now.tablespace)
		add(frame, "scan", &table, true, NoLock);
}

/* An index that took the place and the name of one that is gone is that index, built again. */
static bool
is_replacement(SdTraceFrame *frame, const SdTraceRelation *now)
{
	HASH_SEQ_STATUS status;
	const SdTraceChange *change;

	if (!is_index(now->relkind))
		return false;
	hash_seq_init(&status, frame->changes);
	while ((change = hash_seq_search(&status)) != NULL)
	{
		if (change->was && change->old.relkind == now->relkind &&
			change->old.namespace == now->namespace && strcmp(change->old.name, now->name) == 0)
		{
			hash_seq_term(&status);
			return true;
		}
	}
	return false;
}

static void
add_changes(SdTraceFrame *frame)
{
	HASH_SEQ_STATUS status;
	const SdTraceChange *change;

	if (frame->changes == NULL)
		return;
	hash_seq_init(&status, frame->changes);
	while ((change = hash_seq_search(&status)) != NULL)
	{
		SdTraceRelation now;

		if (change->built)
			add_built(frame, change);
		else if (change->rewritten && change->was)
			add(frame, "rewrite", &change->old, true, NoLock);
		if (change->made && !change->was && sd_relation_now(change->relation, &now) &&
			!is_replacement(frame, &now))
			add(frame, "new", &now, false, NoLock);
	}
}

/* A type that is gone, or was made just now, matters to nobody; its drop is told apart. */
static void
add_type_lock(SdTraceRecord *record, const SdBefore *before, Oid type, LOCKMODE mode)
{
	ObjectAddress address;
	ObjectAddress whole;
	bool implied;

	/* the least is in nobody's way but that of DROP TYPE, as with indexes */
	if (mode <= AccessShareLock)
		return;
	ObjectAddressSet(address, TypeRelationId, type);
	(void) sd_whole_of(&address, &whole, &implied);
	if (!implied && (before == NULL || sd_type_before(before, type)))
		sd_trace_add_effect(record, "lock", "type", sd_object_identity(&address), mode, NULL);
}

static void
add_lock(SdTraceFrame *frame, SdTraceLock *lock)
{
	ask(frame, lock);
	if (lock->class == TypeRelationId)
		add_type_lock(frame->record, frame->before, lock->object, lock->mode);
	else if (lock->was && !sd_trace_is_ours(lock->object, &lock->old) &&
			 (!is_index(lock->old.relkind) || lock->mode > AccessShareLock))
		add(frame, "lock", &lock->old, true, lock->mode);
}

static void
add_locks(SdTraceFrame *frame)
{
	HASH_SEQ_STATUS status;
	SdTraceLock *lock;

	if (frame->locks == NULL)
		return;
	hash_seq_init(&status, frame->locks);
	while ((lock = hash_seq_search(&status)) != NULL)
		add_lock(frame, lock);
}

static void
add_scans(SdTraceFrame *frame)
{
	ListCell *cell;

	/* TRUNCATE builds the indexes anew, of nothing */
	foreach (cell, frame->truncated)
		sd_trace_forget_scan(lfirst_oid(cell));
	foreach (cell, sd_trace_scans(frame->base))
	{
		SdTraceRelation old;

		if (before_of(frame, lfirst_oid(cell), &old) && has_rows(old.relkind) &&
			!sd_trace_is_ours(lfirst_oid(cell), &old))
			add(frame, "scan", &old, true, NoLock);
	}
	if (!pgstat_track_counts)
		sd_trace_add_effect(frame->record, "opaque", NULL, NULL, NoLock,
							"full reads are not seen: track_counts is off");
}

/* dropped_wholes lists the relations and extensions that are gone. */
static HTAB *
dropped_wholes(const SdTraceFrame *frame)
{
	HTAB *wholes = make_table(frame->context, sizeof(ObjectAddress), sizeof(ObjectAddress));
	ListCell *cell;

	foreach (cell, frame->drops)
	{
		const SdTraceDrop *drop = lfirst(cell);

		if (!drop->undone && drop->address.objectSubId == 0)
			(void) hash_search(wholes, &drop->address, HASH_ENTER, NULL);
	}
	return wholes;
}

/* What the server dropped by itself may be back under its name, or have been its own helper. */
static bool
is_gone(SdTraceFrame *frame, const SdTraceDrop *drop)
{
	SdTraceRelation old;

	if (drop->address.classId == RelationRelationId && drop->address.objectSubId == 0)
	{
		if (!before_of(frame, drop->address.objectId, &old))
			return false;
		return !drop->internal || !OidIsValid(get_relname_relid(old.name, old.namespace));
	}
	return !drop->internal;
}

static void
add_drops(SdTraceFrame *frame)
{
	HTAB *wholes;
	ListCell *cell;

	if (frame->drops == NIL)
		return;
	wholes = dropped_wholes(frame);
	foreach (cell, frame->drops)
	{
		const SdTraceDrop *drop = lfirst(cell);

		/* parts of what is gone go without saying */
		if (!drop->undone && is_gone(frame, drop) &&
			hash_search(wholes, &drop->part_of, HASH_FIND, NULL) == NULL)
			sd_trace_add_effect(frame->record, "drop", drop->kind, drop->identity, NoLock, NULL);
	}
}

void
sd_trace_collect(SdTraceFrame *frame)
{
	MemoryContext old;

	if (frame->before == NULL)
		return;
	old = MemoryContextSwitchTo(frame->context);
	compare_touched(frame);
	note_locks(frame, true);
	add_scans(frame);
	MemoryContextSwitchTo(old);
}

void
sd_trace_conclude(SdTraceFrame *frame)
{
	MemoryContext old;

	if (frame->before == NULL)
		return;
	sd_trace_collect(frame);
	old = MemoryContextSwitchTo(frame->context);
	add_locks(frame);
	add_changes(frame);
	add_drops(frame);
	MemoryContextSwitchTo(old);
}

void
sd_trace_collect_failed(SdTraceFrame *frame)
{
	MemoryContext old;
	ListCell *cell;

	if (frame->before == NULL || !sd_trace_look_in_error())
	{
		if (!frame->repeats)
			sd_trace_add_effect(frame->record, "opaque", NULL, NULL, NoLock,
								"it failed: what it had locked by then is not on record");
		return;
	}
	note_locks(frame, false);
	old = MemoryContextSwitchTo(frame->record->context);
	frame->record->gains = sd_trace_gains(frame->base);
	if (frame->record->gains != NIL)
		sd_trace_unnamed++;
	MemoryContextSwitchTo(old);
	if (frame->outer != NULL && frame->outer->before != NULL)
		foreach (cell, frame->record->gains)
		{
			const SdGain *gain = lfirst(cell);

			(void) note_lock(frame->outer, gain->class, gain->object, gain->mode);
		}
}

/* What failed was rolled back, so that names are again what they were. */
void
sd_trace_name_gains(SdTraceRecord *record)
{
	List *gains = record->gains;
	ListCell *cell;

	if (gains == NIL)
		return;
	record->gains = NIL;
	sd_trace_unnamed--;
	foreach (cell, gains)
	{
		const SdGain *gain = lfirst(cell);
		SdTraceRelation now;

		if (gain->class == TypeRelationId)
			add_type_lock(record, NULL, gain->object, gain->mode);
		else if (sd_relation_now(gain->object, &now) && !sd_trace_is_ours(gain->object, &now) &&
				 (!is_index(now.relkind) || gain->mode > AccessShareLock))
			sd_trace_add_effect(record, "lock", sd_relkind_name(now.relkind),
								sd_trace_relation_name(NULL, &now), gain->mode, NULL);
	}
}

static SdTraceDrop *
copy_drop(const SdTraceDrop *drop)
{
	SdTraceDrop *copy = palloc(sizeof(SdTraceDrop));

	*copy = *drop;
	copy->kind = pstrdup(drop->kind);
	copy->identity = pstrdup(drop->identity);
	return copy;
}

static void
hand_over_tables(const SdTraceFrame *inner, SdTraceFrame *outer)
{
	HASH_SEQ_STATUS status;
	const SdTraceChange *change;
	const SdTraceLock *lock;

	if (inner->changes != NULL)
	{
		hash_seq_init(&status, inner->changes);
		while ((change = hash_seq_search(&status)) != NULL)
		{
			SdTraceChange *mine = change_of(outer, change->relation);

			mine->rewritten |= change->rewritten;
			mine->built |= change->built;
			mine->made |= change->made;
		}
	}
	if (inner->locks != NULL)
	{
		hash_seq_init(&status, inner->locks);
		while ((lock = hash_seq_search(&status)) != NULL)
			ask(outer, note_lock(outer, lock->class, lock->object, lock->mode));
	}
}

void
sd_trace_hand_over(const SdTraceFrame *inner, SdTraceFrame *outer)
{
	MemoryContext old;
	ListCell *cell;

	if (outer->before == NULL)
		return;
	old = MemoryContextSwitchTo(outer->context);
	hand_over_tables(inner, outer);
	foreach (cell, inner->drops)
		outer->drops = lappend(outer->drops, copy_drop(lfirst(cell)));
	MemoryContextSwitchTo(old);
}
