/*
 * sd_permit_use.c
 *	  The record of destructive statements: permitted, warned of and refused.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xlog.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "sd_compat.h"
#include "sd_failpoint.h"
#include "sd_guc.h"
#include "sd_permit_use.h"
#include "sd_session.h"
#include "sd_table.h"

/* Longest text of a statement that is kept, in bytes. */
#define TEXT_LIMIT 8192

/* With so many notes waiting, further refusals are in the server's log only. */
#define NOTE_LIMIT 1000

/* A note; with all that it points at in a memory context of its own. */
typedef struct Note
{
	MemoryContext context;
	SdPermitUse use;
	TimestampTz at;
	char *session_user;
	char *current_user;
	char *run_tag; /* NULL for none */
	SubTransactionId subxact;
	bool undone;  /* rolled back, with its subtransaction or altogether */
	bool past;	  /* of a transaction that has ended */
	bool written; /* by the transaction in progress */
} Note;

static List *notes = NIL; /* of Note, in TopMemoryContext */

static void
write_note(Relation rel, const Note *note, bool committed)
{
	const SdPermitUse *use = &note->use;
	SdRow *row = sd_row_new(rel);

	sd_row_set(row, "id", Int64GetDatum(sd_table_next_id("permit_use_id_seq")));
	sd_row_set(row, "at", TimestampTzGetDatum(note->at));
	sd_row_set_text(row, "verdict", use->verdict);
	sd_row_set(row, "committed", BoolGetDatum(committed));
	sd_row_set_nullable(row, "permit_id", Int64GetDatum(use->permit), use->permit == 0);
	sd_row_set(row, "pid", Int32GetDatum(MyProcPid));
	sd_row_set_text(row, "session_user", note->session_user);
	sd_row_set_text(row, "current_user", note->current_user);
	sd_row_set_text(row, "application_name", application_name);
	sd_session_set_client_addr(row, "client_addr");
	sd_row_set_text(row, "tag", use->tag);
	if (use->objects != NIL)
		sd_row_set(row, "objects", sd_text_array(use->objects));
	sd_row_set_text(row, "statement", use->statement);
	sd_row_set_text(row, "fingerprint", use->fingerprint);
	sd_row_set(row, "nested", BoolGetDatum(use->nested));
	sd_row_set_text(row, "run_tag", note->run_tag);
	SD_FAILPOINT("permit.use");
	sd_row_insert(row);
}

/* fill notes who does it, in the current context. */
static void
fill(Note *note)
{
	note->at = GetCurrentTimestamp();
	note->session_user = sd_session_user();
	note->current_user = GetUserNameFromId(GetUserId(), false);
	note->run_tag = sd_guc_run_id[0] != '\0' ? pstrdup(sd_guc_run_id) : NULL;
}

void
sd_permit_use_write(const SdPermitUse *use)
{
	Relation rel = sd_table_open("permit_use", RowExclusiveLock);
	Note note = { .use = *use };

	fill(&note);
	write_note(rel, &note, true);
	table_close(rel, NoLock);
}

/* can_write: in a read-only transaction a note waits for another one. */
static bool
can_write(void)
{
	return !XactReadOnly && !RecoveryInProgress() && !IsInParallelMode();
}

/* write_notes writes what has happened, in the transaction that is about to end. */
static void
write_notes(void)
{
	Relation rel;
	ListCell *cell;

	if (notes == NIL || !can_write())
		return;
	PushActiveSnapshot(GetTransactionSnapshot());
	/* Without the extension nothing can be on record; the statement may have dropped it. */
	rel = sd_table_open_if_exists("permit_use", RowExclusiveLock);
	foreach (cell, notes)
	{
		Note *note = lfirst(cell);

		if (rel != NULL && !note->written)
			write_note(rel, note,
					   !note->past && !note->undone && strcmp(note->use.verdict, "refused") != 0);
		note->written = true;
	}
	if (rel != NULL)
		table_close(rel, NoLock);
	PopActiveSnapshot();
}

/* write_at_exit is for notes that no later transaction of the session has written. */
static void
write_at_exit(int code, Datum arg)
{
	if (notes == NIL || !OidIsValid(MyDatabaseId))
		return;
	AbortOutOfAnyTransaction();
	StartTransactionCommand();
	XactReadOnly = false;
	/* the hook before the commit writes them */
	CommitTransactionCommand();
}

static char *
clipped(const char *text)
{
	int length;

	if (text == NULL)
		return NULL;
	length = strlen(text);
	if (length > TEXT_LIMIT)
		length = pg_mbcliplen(text, length, TEXT_LIMIT);
	return pnstrdup(text, length);
}

static char *
copied(const char *text)
{
	return text == NULL ? NULL : pstrdup(text);
}

void
sd_permit_use_note(const SdPermitUse *use)
{
	static bool at_exit = false;
	MemoryContext context;
	MemoryContext caller;
	ListCell *cell;
	Note *note;

	if (strcmp(use->verdict, "refused") == 0 && list_length(notes) >= NOTE_LIMIT)
		return;
	context = AllocSetContextCreate(TopMemoryContext, "safedeploy note", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);
	note = palloc0(sizeof(Note));
	note->context = context;
	note->use = *use;
	note->use.tag = copied(use->tag);
	note->use.statement = clipped(use->statement);
	note->use.fingerprint = copied(use->fingerprint);
	note->use.objects = NIL;
	foreach (cell, use->objects)
		note->use.objects = lappend(note->use.objects, pstrdup(lfirst(cell)));
	fill(note);
	note->subxact = GetCurrentSubTransactionId();
	MemoryContextSwitchTo(TopMemoryContext);
	notes = lappend(notes, note);
	MemoryContextSwitchTo(caller);
	if (!at_exit)
		before_shmem_exit(write_at_exit, (Datum) 0);
	at_exit = true;
}

int
sd_permit_use_pending(int64 permit)
{
	ListCell *cell;
	int uses = 0;

	foreach (cell, notes)
	{
		Note *note = lfirst(cell);

		if (note->use.permit == permit && !note->past && !note->undone)
			uses++;
	}
	return uses;
}

void
sd_permit_use_at_end(void)
{
	write_notes();
}

void
sd_permit_use_at_commit(void)
{
	List *left = NIL;
	ListCell *cell;
	MemoryContext caller;

	if (notes == NIL)
		return;
	caller = MemoryContextSwitchTo(TopMemoryContext);
	foreach (cell, notes)
	{
		Note *note = lfirst(cell);

		if (note->written)
			MemoryContextDelete(note->context);
		else
		{
			note->past = true;
			left = lappend(left, note);
		}
	}
	list_free(notes);
	notes = left;
	MemoryContextSwitchTo(caller);
}

void
sd_permit_use_at_abort(void)
{
	ListCell *cell;

	foreach (cell, notes)
	{
		Note *note = lfirst(cell);

		note->written = false;
		note->past = true;
	}
}

void
sd_permit_use_at_subabort(SubTransactionId subxact)
{
	ListCell *cell;

	foreach (cell, notes)
	{
		Note *note = lfirst(cell);

		/* what began inside of it has a greater number */
		if (!note->past && note->subxact >= subxact)
			note->undone = true;
	}
}
