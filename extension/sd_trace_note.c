/*
 * sd_trace_note.c
 *	  What the server's hooks tell of the statement that runs: drops, emptied
 *	  tables, changed rows of catalogs and subtransactions that end.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_type.h"
#include "utils/memutils.h"

#include "sd_compat.h"
#include "sd_names.h"
#include "sd_trace_int.h"
#include "sd_try.h"
#include "sd_whole.h"

void
sd_trace_end_subxact(SubTransactionId mine, SubTransactionId parent, bool committed)
{
	for (SdTraceFrame *frame = sd_trace_top; frame != NULL; frame = frame->outer)
	{
		ListCell *cell;

		foreach (cell, frame->drops)
		{
			SdTraceDrop *drop = lfirst(cell);

			if (drop->subxact < mine)
				continue;
			if (committed)
				drop->subxact = parent;
			else
				drop->undone = true;
		}
	}
}

/* The name of an object cannot be had any more when a type in it is gone, as those of an extension are. */
static void
name_drop(void *arg)
{
	SdTraceDrop *drop = arg;

	drop->identity = sd_object_identity(&drop->address);
}

void
sd_trace_note_drop(Oid class, Oid object, int part, int flags)
{
	MemoryContext old = MemoryContextSwitchTo(sd_trace_top->context);
	SdTraceDrop *drop = palloc0(sizeof(SdTraceDrop));
	bool hidden;

	ObjectAddressSubSet(drop->address, class, object, part);
	(void) sd_whole_of(&drop->address, &drop->part_of, &hidden);
	if (!hidden)
		drop->kind = sd_object_type(&drop->address);
	if (drop->kind != NULL)
	{
		if (!sd_trace_top->type_gone)
			name_drop(drop);
		else if (!sd_try(name_drop, drop, NULL))
			drop->identity = psprintf("%u", object);
		sd_trace_top->type_gone |= class == TypeRelationId;
		drop->internal = (flags & PERFORM_DELETION_INTERNAL) != 0;
		drop->subxact = GetCurrentSubTransactionId();
		if (drop->identity != NULL)
			sd_trace_top->drops = lappend(sd_trace_top->drops, drop);
	}
	MemoryContextSwitchTo(old);
}

void
sd_trace_note_truncate(Oid relation)
{
	MemoryContext old = MemoryContextSwitchTo(sd_trace_top->context);

	sd_trace_top->truncated = lappend_oid(sd_trace_top->truncated, relation);
	MemoryContextSwitchTo(old);
}

/* Called for every message of the server's caches: no catalog may be read here. */
void
sd_trace_note_change(Oid relation)
{
	MemoryContext old;

	if (!OidIsValid(relation))
	{
		sd_trace_top->touched_any = true;
		return;
	}
	if (list_member_oid(sd_trace_top->touched, relation))
		return;
	old = MemoryContextSwitchTo(sd_trace_top->context);
	sd_trace_top->touched = lappend_oid(sd_trace_top->touched, relation);
	MemoryContextSwitchTo(old);
}
