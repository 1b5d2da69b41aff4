/*
 * sd_trace_record.c
 *	  Records of a trace: their texts, their effects, and how many are kept.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "sd_compat.h"
#include "sd_secret.h"
#include "sd_trace_int.h"

/* Longest text of a statement that is kept, in bytes. */
#define TEXT_LIMIT 8192
/* Records kept in memory; older ones make room when their rows are written. */
#define RECORD_LIMIT 10000

dlist_head sd_trace_records = DLIST_STATIC_INIT(sd_trace_records);
MemoryContext sd_trace_context = NULL;
int sd_trace_undecided = 0;

static int record_count = 0;
static int last_seq = 0;
static List *losses_to_come = NIL; /* of the statement that begins next, in TopTransactionContext */

/* Where an effect is found by the hash of what it is. */
typedef struct EffectPlace
{
	uint64 hash;
	SdTraceEffect *effect;
} EffectPlace;

static void
drop_record(SdTraceRecord *record)
{
	dlist_delete(&record->node);
	MemoryContextDelete(record->context);
	record_count--;
}

static void
add_losses(SdTraceRecord *record, List *names)
{
	MemoryContext old = MemoryContextSwitchTo(record->context);
	ListCell *cell;

	foreach (cell, names)
		record->losses = lappend(record->losses, pstrdup(lfirst(cell)));
	MemoryContextSwitchTo(old);
}

void
sd_trace_note_losses(List *names, bool coming)
{
	MemoryContext old;
	ListCell *cell;

	if (!coming && sd_trace_top != NULL)
	{
		add_losses(sd_trace_top->record, names);
		return;
	}
	old = MemoryContextSwitchTo(TopTransactionContext);
	foreach (cell, names)
		losses_to_come = lappend(losses_to_come, pstrdup(lfirst(cell)));
	MemoryContextSwitchTo(old);
}

void
sd_trace_forget_losses(void)
{
	losses_to_come = NIL;
}

bool
sd_trace_make_room(void)
{
	SdTraceRecord *oldest;

	if (record_count < RECORD_LIMIT)
		return true;
	oldest = dlist_head_element(SdTraceRecord, node, &sd_trace_records);
	if (!oldest->written || oldest->running || oldest->has_query)
		return false;
	drop_record(oldest);
	return true;
}

static char *
hash_text(const char *text, int len)
{
	uint8 digest[SD_SHA256_LENGTH];
	char *hex = palloc(2 * SD_SHA256_LENGTH + 1);
	SdSha256 *ctx = sd_sha256_create();

	sd_sha256_begin(ctx);
	sd_sha256_update(ctx, text, len);
	sd_sha256_final(ctx, digest);
	sd_sha256_free(ctx);
	hex_encode((char *) digest, SD_SHA256_LENGTH, hex);
	hex[2 * SD_SHA256_LENGTH] = '\0';
	return hex;
}

/* mask leaves of a text what is no literal; of the hash too, for short secrets can be guessed. */
static void
mask(SdTraceRecord *record, const char *text, int len)
{
	MemoryContext old;
	char *shape;

	if (record->masked)
		return;
	old = MemoryContextSwitchTo(record->context);
	shape = sd_text_shape(text, len, false);
	if (shape == NULL)
		shape = pstrdup(record->tag);
	record->hash = hash_text(shape, strlen(shape));
	if (strlen(shape) > TEXT_LIMIT)
		shape[pg_mbcliplen(shape, strlen(shape), TEXT_LIMIT)] = '\0';
	record->text = shape;
	record->masked = true;
	MemoryContextSwitchTo(old);
}

/*
 * mask_carrier masks the text that a secret came in, also where another statement
 * has brought the same: a cursor is fetched from under the text that declared it.
 */
static void
mask_carrier(SdTraceRecord *carrier)
{
	dlist_iter iter;

	if (carrier->masked || carrier->text == NULL)
		return;
	dlist_reverse_foreach(iter, &sd_trace_records)
	{
		SdTraceRecord *record = dlist_container(SdTraceRecord, node, iter.cur);

		if (record->written)
			break;
		if (record != carrier && record->text != NULL && strcmp(record->text, carrier->text) == 0)
			mask(record, record->text, strlen(record->text));
	}
	mask(carrier, carrier->text, strlen(carrier->text));
}

/* What is prepared may be executed, with what it says, when its own row is written already. */
static void
set_text(SdTraceRecord *record, const char *text, int len, Node *utility)
{
	MemoryContext old = MemoryContextSwitchTo(record->context);
	bool secretive = utility != NULL && sd_statement_may_hold_secret(utility);

	if (secretive || (utility != NULL && IsA(utility, PrepareStmt)) ||
		sd_text_may_hold_secret(text, len))
		mask(record, text, len);
	else
	{
		record->hash = hash_text(text, len);
		if (len > TEXT_LIMIT)
			len = pg_mbcliplen(text, len, TEXT_LIMIT);
		record->text = pnstrdup(text, len);
	}
	MemoryContextSwitchTo(old);
	/* what built this statement has the secret in it as well */
	if (secretive)
		for (SdTraceFrame *frame = sd_trace_top; frame != NULL; frame = frame->outer)
			if (frame->record != NULL)
				mask_carrier(frame->record);
}

SdTraceRecord *
sd_trace_make_record(const char *text, int len, Node *utility, const char *tag)
{
	MemoryContext context;
	SdTraceRecord *record;

	if (sd_trace_context == NULL)
		sd_trace_context =
			AllocSetContextCreate(TopMemoryContext, "safedeploy trace", ALLOCSET_SMALL_SIZES);
	context = AllocSetContextCreate(sd_trace_context, "safedeploy traced statement",
									ALLOCSET_START_SMALL_SIZES);
	record = MemoryContextAllocZero(context, sizeof(SdTraceRecord));
	record->context = context;
	record->seq = ++last_seq;
	if (sd_trace_top != NULL)
	{
		record->parent = sd_trace_top->record->seq;
		record->nesting = sd_trace_top->record->nesting + 1;
	}
	record->transaction = sd_trace_transaction;
	record->subxact = IsTransactionState() ? GetCurrentSubTransactionId() : InvalidSubTransactionId;
	record->tag = tag;
	record->start = GetCurrentTimestamp();
	record->running = true;
	record->calls = 1;
	dlist_push_tail(&sd_trace_records, &record->node);
	record_count++;
	sd_trace_undecided++;
	set_text(record, text, len, utility);
	add_losses(record, losses_to_come);
	sd_trace_forget_losses();
	return record;
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static uint64
hash_string(const char *text, uint64 seed)
{
	return text == NULL ? seed :
						  hash_bytes_extended((const unsigned char *) text, strlen(text), seed);
}

/* place_of returns where the record has, or is to have, an effect of this kind on this object. */
static SdTraceEffect **
place_of(SdTraceRecord *record, const char *effect, const char *kind, const char *object,
		 const char *detail)
{
	uint64 hash = hash_string(effect, hash_string(kind, hash_string(object, 0)));

	if (record->places == NULL)
	{
		HASHCTL control = { 0 };

		control.keysize = sizeof(uint64);
		control.entrysize = sizeof(EffectPlace);
		control.hcxt = record->context;
		record->places =
			hash_create("safedeploy effects", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	for (;; hash++)
	{
		bool found;
		EffectPlace *place = hash_search(record->places, &hash, HASH_ENTER, &found);

		if (!found)
			place->effect = NULL;
		if (place->effect == NULL ||
			(same(place->effect->effect, effect) && same(place->effect->object, object) &&
			 same(place->effect->kind, kind) && same(place->effect->detail, detail)))
			return &place->effect;
	}
}

void
sd_trace_add_effect(SdTraceRecord *record, const char *effect, const char *kind, const char *object,
					LOCKMODE mode, const char *detail)
{
	SdTraceEffect **place = place_of(record, effect, kind, object, detail);
	MemoryContext old;
	SdTraceEffect *new;

	if (*place != NULL)
	{
		(*place)->mode = Max((*place)->mode, mode);
		return;
	}
	old = MemoryContextSwitchTo(record->context);
	new = palloc(sizeof(SdTraceEffect));
	new->effect = effect;
	new->kind = kind == NULL ? NULL : pstrdup(kind);
	new->object = object == NULL ? NULL : pstrdup(object);
	new->mode = mode;
	new->detail = detail == NULL ? NULL : pstrdup(detail);
	record->effects = lappend(record->effects, new);
	*place = new;
	MemoryContextSwitchTo(old);
}
