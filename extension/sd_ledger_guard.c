/*
 * sd_ledger_guard.c
 *	  The trigger that keeps statements away from lock and ledger.
 *
 * The module's own functions write without running triggers, so this one
 * refuses everything.  The exception is what a restore of a dump does: a
 * superuser inserts rows, whose hashes must be right; verify_ledger() then
 * finds what does not link up.
 *
 * Tables that also functions in SQL write, with the rights of their owner, have
 * it for whole statements: there it refuses everybody but superusers, whatever
 * privileges a role was given, by pg_write_all_data too.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/rel.h"

#include "sd_errors.h"
#include "sd_ledger_hash.h"
#include "sd_table.h"

PG_FUNCTION_INFO_V1(safedeploy_refuse_write);

static void
refuse(Relation rel, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_SD_APPEND_ONLY),
					errmsg("table \"safedeploy.%s\" is written by the functions of safedeploy only",
						   RelationGetRelationName(rel)),
					errdetail("%s", detail),
					errhint("Use safedeploy.begin_run(), record_event() and end_run(); a wrong "
							"entry is corrected by a further one.")));
}

/* require_right_hash refuses a row whose own hash is not that of its content. */
static void
require_right_hash(Relation rel, HeapTuple tuple)
{
	SdRow *row = sd_row_load(rel, tuple);
	bool isnull;
	Datum hash = sd_row_get(row, SD_LEDGER_HASH_COLUMN, &isnull);
	bytea *right = sd_ledger_hash_row(RelationGetRelationName(rel), RelationGetDescr(rel),
									  row->values, row->nulls);

	if (isnull || !sd_ledger_hash_equal(DatumGetByteaPP(hash), right))
		refuse(rel, "A row whose hash is not that of its content cannot be restored.");
}

static bool
has_argument(const Trigger *trigger, const char *argument)
{
	return trigger->tgnargs == 1 && strcmp(trigger->tgargs[0], argument) == 0;
}

/*
 * refuse_write() returns trigger; its argument is "hashed" for a table whose rows have
 * hashes, "owned" for one that superusers may write
 */
Datum
safedeploy_refuse_write(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("safedeploy.refuse_write() must be called as a trigger")));
	if (has_argument(data->tg_trigger, "owned"))
	{
		if (!superuser())
			refuse(data->tg_relation, "It is not written by statements.");
		return PointerGetDatum(NULL);
	}
	if (!TRIGGER_FIRED_BY_INSERT(data->tg_event) || !TRIGGER_FIRED_FOR_ROW(data->tg_event))
		refuse(data->tg_relation, "It is append-only.");
	if (!superuser())
		refuse(data->tg_relation, "Rows are not inserted by statements.");
	if (has_argument(data->tg_trigger, "hashed"))
		require_right_hash(data->tg_relation, data->tg_trigtuple);
	return PointerGetDatum(data->tg_trigtuple);
}
