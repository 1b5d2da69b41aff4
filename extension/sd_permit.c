/*
 * sd_permit.c
 *	  Permits for destructive statements: making, finding, revoking.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "sd_compat.h"
#include "sd_errors.h"
#include "sd_failpoint.h"
#include "sd_fence.h"
#include "sd_lex.h"
#include "sd_lock.h"
#include "sd_permit.h"
#include "sd_permit_use.h"
#include "sd_secret.h"
#include "sd_session.h"
#include "sd_table.h"

PG_FUNCTION_INFO_V1(safedeploy_permit);
PG_FUNCTION_INFO_V1(safedeploy_revoke_permit);

char *
sd_permit_fingerprint(const char *statement)
{
	/* With backslashes in plain strings the tokens are others: the text counts as it is. */
	char *text = standard_conforming_strings ? sd_normalized(statement, strlen(statement)) :
											   pstrdup(statement);
	int len = strlen(text);
	SdSha256 *sha = sd_sha256_create();
	uint8 digest[SD_SHA256_LENGTH];
	char *hex = palloc(SD_SHA256_LENGTH * 2 + 1);

	while (len > 0 && (text[len - 1] == ';' || text[len - 1] == ' '))
		len--;
	sd_sha256_begin(sha);
	sd_sha256_update(sha, text, len);
	sd_sha256_final(sha, digest);
	sd_sha256_free(sha);
	for (int i = 0; i < SD_SHA256_LENGTH; i++)
		snprintf(hex + i * 2, 3, "%02x", digest[i]);
	return hex;
}

static bool
get_text_array(const SdRow *row, const char *column, List **strings)
{
	bool isnull;
	Datum array = sd_row_get(row, column, &isnull);
	Datum *items;
	int count;

	*strings = NIL;
	if (isnull)
		return false;
	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &items, NULL,
					  &count);
	for (int i = 0; i < count; i++)
		*strings = lappend(*strings, TextDatumGetCString(items[i]));
	return true;
}

static bool
has_string(List *strings, const char *string)
{
	ListCell *cell;

	foreach (cell, strings)
		if (strcmp(lfirst(cell), string) == 0)
			return true;
	return false;
}

/* missing_object returns the first object that a permit does not name, or NULL. */
static const char *
missing_object(const SdRow *permit, List *objects)
{
	List *named;
	ListCell *cell;

	if (!get_text_array(permit, "objects", &named))
		return NULL;
	foreach (cell, objects)
		if (!has_string(named, lfirst(cell)))
			return lfirst(cell);
	return NULL;
}

/* count_uses counts the uses that were committed; -1 when the permit was revoked. */
static int
count_uses(int64 id)
{
	Relation rel = sd_table_open("permit_use", AccessShareLock);
	SdScan *scan = sd_scan_begin(rel, "permit_use_permit_id_idx", "permit_id", F_INT8EQ,
								 Int64GetDatum(id), false);
	HeapTuple tuple;
	int uses = 0;

	while (uses >= 0 && HeapTupleIsValid(tuple = sd_scan_next(scan)))
	{
		SdRow *row = sd_row_load(rel, tuple);
		bool isnull;

		if (strcmp(sd_row_get_text(row, "verdict"), "revoked") == 0)
			uses = -1;
		else if (DatumGetBool(sd_row_get(row, "committed", &isnull)))
			uses++;
	}
	sd_scan_end(scan);
	table_close(rel, AccessShareLock);
	return uses;
}

/* is_of_session: a permit that is bound to a run, a token or a role is for no one else. */
static bool
is_of_session(const SdRow *permit)
{
	const char *run = sd_row_get_text(permit, "run_id");
	const char *token = sd_row_get_text(permit, "token");
	const char *role = sd_row_get_text(permit, "for_role");

	if (run != NULL && pg_strcasecmp(run, sd_guc_run_id) != 0)
		return false;
	if (role != NULL && strcmp(role, sd_session_user()) != 0)
		return false;
	return token == NULL || (strcmp(token, sd_guc_fence_token) == 0 && sd_fence_session_is_current());
}

/*
 * uses_are_left counts under a lock of this permit that is kept to the end of the
 * transaction and never waited for, so two transactions never share one use.
 */
static bool
uses_are_left(const SdRow *permit, int64 id, const char **why_not)
{
	bool isnull;
	int limit = DatumGetInt32(sd_row_get(permit, "uses", &isnull));
	LOCKTAG tag;
	int used;

	if (!isnull)
	{
		SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (id >> 32), (uint32) id, SD_LOCK_PERMIT);
		if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		{
			*why_not = psprintf("Permit " INT64_FORMAT " is being used by another transaction.", id);
			return false;
		}
	}
	used = count_uses(id);
	if (used < 0)
		*why_not = psprintf("Permit " INT64_FORMAT " was revoked.", id);
	else if (!isnull && used + sd_permit_use_pending(id) >= limit)
		*why_not = psprintf("Permit " INT64_FORMAT " is used up.", id);
	else
		return true;
	return false;
}

/* allows tells whether a permit allows it; the statement is the permit's own already. */
static bool
allows(const SdRow *permit, int64 id, List *objects, const char **why_not)
{
	bool isnull;
	TimestampTz end = DatumGetTimestampTz(sd_row_get(permit, "expires_at", &isnull));
	const char *missing;

	if (end <= GetCurrentTimestamp())
		*why_not = psprintf("Permit " INT64_FORMAT " has expired.", id);
	else if (!is_of_session(permit))
		*why_not = psprintf("Permit " INT64_FORMAT " is for another run, token or role.", id);
	else if ((missing = missing_object(permit, objects)) != NULL)
		*why_not = psprintf("Permit " INT64_FORMAT " does not name %s.", id, missing);
	else
		return uses_are_left(permit, id, why_not);
	return false;
}

/* search tries the permits that an index finds. */
static int64
search(Relation rel, const char *index, const char *column, RegProcedure eq, Datum key,
	   const char *fingerprint, List *objects, const char **why_not)
{
	SdScan *scan = sd_scan_begin(rel, index, column, eq, key, true);
	HeapTuple tuple;
	int64 found = 0;

	while (found == 0 && HeapTupleIsValid(tuple = sd_scan_next(scan)))
	{
		SdRow *permit = sd_row_load(rel, tuple);
		const char *statement = sd_row_get_text(permit, "fingerprint");
		const char *reason = NULL;
		bool isnull;
		int64 id = DatumGetInt64(sd_row_get(permit, "id", &isnull));

		if (statement != NULL && (fingerprint == NULL || strcmp(statement, fingerprint) != 0))
			continue;
		if (allows(permit, id, objects, &reason))
			found = id;
		/* the newest of them is what somebody has just made */
		else if (*why_not == NULL)
			*why_not = reason;
	}
	sd_scan_end(scan);
	return found;
}

/* session_run parses the run's id; false when the setting holds none. */
static bool
session_run(Datum *run)
{
	const char *text = sd_guc_run_id;

	if (text == NULL || strlen(text) != 36 || strspn(text, "0123456789abcdefABCDEF-") != 36)
		return false;
	for (int i = 0; i < 36; i++)
		if ((text[i] == '-') != (i == 8 || i == 13 || i == 18 || i == 23))
			return false;
	*run = DirectFunctionCall1(uuid_in, CStringGetDatum(text));
	return true;
}

int64
sd_permit_find(const char *fingerprint, List *objects, const char **why_not)
{
	Relation rel = sd_table_open_if_exists("permit", AccessShareLock);
	int64 found = 0;
	Datum run;

	*why_not = NULL;
	if (rel == NULL)
		return 0;
	/* a permit of the run first: it is the one without a number of uses */
	if (session_run(&run))
		found = search(rel, "permit_run_id_idx", "run_id", F_UUID_EQ, run, fingerprint, objects,
					   why_not);
	if (found == 0 && fingerprint != NULL)
		found = search(rel, "permit_fingerprint_idx", "fingerprint", F_TEXTEQ,
					   CStringGetTextDatum(fingerprint), fingerprint, objects, why_not);
	table_close(rel, AccessShareLock);
	return found;
}

static void
refuse_argument(const char *what, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", what), errdetail("%s", why)));
}

/* check_permit refuses what would allow more than anybody could mean. */
static void
check_permit(FunctionCallInfo fcinfo)
{
	bool of_run = !PG_ARGISNULL(5);

	if ((PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(4)) && !of_run)
		refuse_argument("a permit needs a statement, objects and a number of uses",
						"Only a permit that is bound to a run may leave them open.");
	if (!PG_ARGISNULL(1) && (array_contains_nulls(PG_GETARG_ARRAYTYPE_P(1)) ||
							 (ARR_NDIM(PG_GETARG_ARRAYTYPE_P(1)) == 0 && !of_run)))
		refuse_argument("the objects of a permit must have names",
						"An object is named as the refusal names it, such as \"table public.t\".");
	if (PG_ARGISNULL(2) || VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(2)) == 0)
		refuse_argument("a permit needs a reason", "It stays on record.");
	if (!PG_ARGISNULL(4) && PG_GETARG_INT32(4) < 1)
		refuse_argument("a permit needs at least one use", "To take one back, revoke it.");
}

/*
 * permit(statement text, objects text[], reason text, expires interval, uses integer,
 *		  run_id uuid, token bigint, for_role name)
 * returns bigint
 */
Datum
safedeploy_permit(PG_FUNCTION_ARGS)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz end;
	Relation rel;
	SdRow *row;
	int64 id;

	check_permit(fcinfo);
	PreventCommandIfReadOnly("permit()");
	PreventCommandDuringRecovery("permit()");
	sd_fence_require("permit()");
	if (PG_ARGISNULL(3))
		refuse_argument("a permit needs an end", "Give the time for which it holds.");
	end = DatumGetTimestampTz(
		DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now), PG_GETARG_DATUM(3)));
	if (end <= now)
		refuse_argument("a permit must hold for some time", "Its end is not in the future.");

	rel = sd_table_open("permit", RowExclusiveLock);
	row = sd_row_new(rel);
	id = sd_table_next_id("permit_id_seq");
	sd_row_set(row, "id", Int64GetDatum(id));
	sd_row_set(row, "made_at", TimestampTzGetDatum(now));
	sd_row_set_text(row, "made_by", sd_session_user());
	sd_session_set_client_addr(row, "client_addr");
	if (!PG_ARGISNULL(0))
	{
		char *statement = text_to_cstring(PG_GETARG_TEXT_PP(0));

		sd_row_set_text(row, "statement",
						sd_text_to_keep(NULL, statement, strlen(statement), INT_MAX));
		sd_row_set_text(row, "fingerprint", sd_permit_fingerprint(statement));
	}
	sd_row_set_nullable(row, "objects", PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	sd_row_set(row, "reason", PG_GETARG_DATUM(2));
	sd_row_set(row, "expires_at", TimestampTzGetDatum(end));
	sd_row_set_nullable(row, "uses", PG_GETARG_DATUM(4), PG_ARGISNULL(4));
	sd_row_set_nullable(row, "run_id", PG_GETARG_DATUM(5), PG_ARGISNULL(5));
	sd_row_set_nullable(row, "token", PG_GETARG_DATUM(6), PG_ARGISNULL(6));
	sd_row_set_text(row, "for_role", PG_ARGISNULL(7) ? NULL : NameStr(*PG_GETARG_NAME(7)));
	SD_FAILPOINT("permit.written");
	sd_row_insert(row);
	table_close(rel, NoLock);
	PG_RETURN_INT64(id);
}

static bool
permit_exists(int64 id)
{
	Relation rel = sd_table_open("permit", AccessShareLock);
	SdScan *scan = sd_scan_begin(rel, "permit_pkey", "id", F_INT8EQ, Int64GetDatum(id), false);
	bool there = HeapTupleIsValid(sd_scan_next(scan));

	sd_scan_end(scan);
	table_close(rel, AccessShareLock);
	return there;
}

/* revoke_permit(id bigint, reason text) */
Datum
safedeploy_revoke_permit(PG_FUNCTION_ARGS)
{
	int64 id = PG_GETARG_INT64(0);
	SdPermitUse use = { .verdict = "revoked", .permit = id, .tag = "REVOKE" };

	PreventCommandIfReadOnly("revoke_permit()");
	PreventCommandDuringRecovery("revoke_permit()");
	if (!permit_exists(id))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("permit " INT64_FORMAT " does not exist", id),
						errhint("The view safedeploy.permits lists them.")));
	use.statement = text_to_cstring(PG_GETARG_TEXT_PP(1));
	sd_permit_use_write(&use);
	PG_RETURN_VOID();
}
