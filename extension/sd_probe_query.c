/*
 * sd_probe_query.c
 *	  Questions to rows: settings, bounds, and what the counts mean.
 *
 * A probe runs in a subtransaction that is read-only and always rolled back, so
 * that neither its settings nor its locks outlive it.  It reads with the
 * caller's own rights and snapshot, waits for nobody, and is refused
 * where row security would hide rows.
 *
 * The bound in time is a timer of its own, which cancels the query as a user
 * would; what is under way then ends as an answer about fewer rows.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "optimizer/plancat.h"
#include "portability/instr_time.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/timeout.h"

#include "sd_compat.h"
#include "sd_guc.h"
#include "sd_probe_rows.h"

/* A table of fewer pages is read from its beginning instead of a sample. */
#define SAMPLED_PAGES 100

/* Characters of a key's value that an example shows. */
#define SHOWN_VALUE 60

static volatile sig_atomic_t expired = false;
static TimeoutId deadline;
static bool deadline_registered = false;

/* expire is the handler of the timer: from here on it is as if the user cancelled. */
static void
expire(void)
{
	if (QueryCancelPending)
		return;
	expired = true;
	QueryCancelPending = true;
	InterruptPending = true;
	SetLatch(MyLatch);
}

void
sd_question_refuse(const char *reason)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg_internal("%s", reason)));
}

const char *
sd_probe_table_text(Oid table)
{
	char *name = get_rel_name(table);

	if (name == NULL)
		sd_question_refuse("the table is gone");
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), name);
}

List *
sd_probe_tables(Oid table, bool children)
{
	char kind = get_rel_relkind(table);
	List *all = children || kind == RELKIND_PARTITIONED_TABLE ?
					find_all_inheritors(table, NoLock, NULL) :
					list_make1_oid(table);
	List *result = NIL;
	ListCell *cell;

	foreach (cell, all)
	{
		switch (get_rel_relkind(lfirst_oid(cell)))
		{
			case RELKIND_RELATION:
			case RELKIND_MATVIEW:
				result = lappend_oid(result, lfirst_oid(cell));
				break;
			case RELKIND_PARTITIONED_TABLE:
				break;
			default:
				sd_question_refuse(psprintf("%s is not a table with rows of its own",
											sd_probe_table_text(lfirst_oid(cell))));
		}
	}
	return result;
}

ErrorData *
sd_probe_guarded(void (*function)(void *arg), void *arg, bool keep)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		function(arg);
		if (keep)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

static void
set_local(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
							 false);
}

/* set_up makes the subtransaction one that only reads, and that waits for nobody. */
static void
set_up(void)
{
	set_local("transaction_read_only", "on");
	set_local("row_security", "off");
	set_local("lock_timeout", "1ms");
	set_local("max_parallel_workers_per_gather", "0");
	set_local("jit", "off");
}

/* measure estimates the rows of all parts, and decides how many of them are read. */
static void
measure(SdAsking *asking)
{
	double total = 0;
	BlockNumber total_pages = 0;
	List *seen = NIL;
	ListCell *cell;

	foreach (cell, asking->parts)
	{
		Oid table = ((SdProbePart *) lfirst(cell))->table;
		Relation relation;
		BlockNumber pages;
		double rows;
		double visible;

		if (list_member_oid(seen, table))
			continue;
		seen = lappend_oid(seen, table);
		relation = table_open(table, AccessShareLock);
		estimate_rel_size(relation, NULL, &pages, &rows, &visible);
		table_close(relation, NoLock);
		total += rows;
		total_pages += pages;
	}
	asking->probe->total = (int64) total;
	if (total > asking->left && total_pages >= SAMPLED_PAGES)
		asking->fraction = asking->left / total;
}

/* ask_inside puts the question, inside the probe's subtransaction. */
static void
ask_inside(void *arg)
{
	SdAsking *asking = arg;
	ListCell *cell;

	set_up();
	SPI_connect();
	asking->parts = asking->question->prepare(asking->question);
	asking->prepared = true;
	set_local("search_path", "pg_catalog, pg_temp");
	measure(asking);
	asking->probe->asked = true;
	if (asking->fraction < 1 && sd_probe_ask_index(asking))
	{
		SPI_finish();
		return;
	}
	foreach (cell, asking->parts)
	{
		if (asking->left <= 0 && asking->probe->bound == SD_BOUND_NONE)
			asking->probe->bound = SD_BOUND_ROWS;
		if (asking->probe->bound != SD_BOUND_NONE)
			break;
		sd_probe_ask_part(asking, lfirst(cell));
	}
	if (asking->fraction < 1)
		asking->probe->bound = SD_BOUND_ROWS;
	SPI_finish();
}

/* key_columns lists the columns of the primary key of a table, as a condition shows them. */
static List *
key_columns(Oid table)
{
	Relation relation = table_open(table, AccessShareLock);
	List *result = NIL;
	Oid index;
	HeapTuple tuple;

	(void) RelationGetIndexList(relation);
	index = relation->rd_pkindex;
	tuple = OidIsValid(index) ? SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index)) : NULL;
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

		for (int i = 0; i < form->indnkeyatts; i++)
			result = lappend(result, get_attname(table, form->indkey.values[i], false));
		ReleaseSysCache(tuple);
	}
	table_close(relation, NoLock);
	return result;
}

/* fetch_example reads the primary key of the row that is the example. */
static void
fetch_example(void *arg)
{
	SdAsking *asking = arg;
	MemoryContext context = CurrentMemoryContext;
	List *columns;
	StringInfoData text;
	ListCell *cell;
	int n = 0;

	set_up();
	SPI_connect();
	set_local("search_path", "pg_catalog, pg_temp");
	columns = key_columns(asking->example_table);
	initStringInfo(&text);
	foreach (cell, columns)
		appendStringInfo(&text, "%s%s", cell == list_head(columns) ? "SELECT " : ", ",
						 sd_probe_column_text(SD_PROBE_ROW, lfirst(cell)));
	if (columns != NIL)
	{
		appendStringInfo(&text,
						 " FROM ONLY %s AS " SD_PROBE_ROW " WHERE " SD_PROBE_ROW ".ctid = '(%u,%u)'",
						 sd_probe_table_text(asking->example_table),
						 ItemPointerGetBlockNumberNoCheck(&asking->example),
						 ItemPointerGetOffsetNumberNoCheck(&asking->example));
		SPI_execute(text.data, true, 1);
		if (SPI_processed == 1)
		{
			StringInfoData shown;
			MemoryContext old = MemoryContextSwitchTo(context);

			initStringInfo(&shown);
			foreach (cell, columns)
			{
				char *value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, ++n);

				appendStringInfo(&shown, "%s%s = %.*s", n > 1 ? ", " : "",
								 quote_identifier(lfirst(cell)),
								 pg_mbcliplen(value, strlen(value), SHOWN_VALUE), value);
			}
			asking->probe->example = shown.data;
			MemoryContextSwitchTo(old);
		}
	}
	SPI_finish();
}

/* find_example names a bad row by its primary key, or by its place when there is none. */
static void
find_example(SdAsking *asking)
{
	SdProbe *probe = asking->probe;
	ErrorData *error;

	if (!asking->has_example || !sd_guc_probe_examples)
		return;
	error = sd_probe_guarded(fetch_example, asking, false);
	if (error != NULL && ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
		ReThrowError(error);
	if (probe->example == NULL)
		probe->example =
			psprintf("ctid = (%u,%u)", ItemPointerGetBlockNumberNoCheck(&asking->example),
					 ItemPointerGetOffsetNumberNoCheck(&asking->example));
	if (asking->example_table != probe->table)
		probe->example =
			psprintf("%s of %s", probe->example, sd_probe_table_text(asking->example_table));
}

/* explain says why an error leaves the question open. */
static const char *
explain(const SdAsking *asking, const ErrorData *error)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_LOCK_NOT_AVAILABLE:
			return "another session holds a lock that keeps readers out";
		case ERRCODE_READ_ONLY_SQL_TRANSACTION:
			return "the expression calls something that writes";
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
		case ERRCODE_FEATURE_NOT_SUPPORTED:
			return error->message;
		default:
			/* before rows are read, a message can only speak of the script; then of values */
			if (!asking->prepared)
				return error->message;
			return psprintf("the query failed with SQLSTATE %s", unpack_sql_state(error->sqlerrcode));
	}
}

/* decide says what the counts mean. */
static void
decide(SdAsking *asking)
{
	SdProbe *probe = asking->probe;

	if (probe->reason != NULL && probe->checked == 0 && probe->bad == 0)
		probe->asked = false;
	probe->complete = probe->asked && probe->bound == SD_BOUND_NONE && probe->reason == NULL;
	/* a row that cannot be evaluated leaves it open which rows repeat */
	if (probe->sqlstate != 0 && probe->kind == SD_PROBE_UNIQUE)
		probe->complete = false;
	if (probe->bad > 0)
		probe->verdict = SD_VERDICT_FAILS;
	else if (probe->complete && probe->caveat == NULL)
		probe->verdict = SD_VERDICT_HOLDS;
	else
	{
		probe->verdict = SD_VERDICT_UNKNOWN;
		if (probe->reason == NULL)
			probe->reason = probe->caveat;
	}
}

void
sd_question_ask(SdQuestion *question)
{
	SdProbe *probe = question->probe;
	SdAsking asking = { question, probe, .left = sd_guc_probe_rows, .fraction = 1 };
	instr_time start;
	instr_time end;
	ErrorData *volatile error = NULL;

	if (!deadline_registered)
	{
		deadline = RegisterTimeout(USER_TIMEOUT, expire);
		deadline_registered = true;
	}
	INSTR_TIME_SET_CURRENT(start);
	expired = false;
	enable_timeout_after(deadline, sd_guc_probe_time);
	PG_TRY();
	{
		error = sd_probe_guarded(ask_inside, &asking, false);
	}
	PG_FINALLY();
	{
		disable_timeout(deadline, false);
	}
	PG_END_TRY();
	if (expired && (error == NULL || error->sqlerrcode != ERRCODE_QUERY_CANCELED))
		QueryCancelPending = false; /* it came too late to end anything */
	if (error != NULL && expired && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		probe->bound = SD_BOUND_TIME;
	else if (error != NULL)
	{
		int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

		if (category == ERRCODE_OPERATOR_INTERVENTION || category == ERRCODE_INTERNAL_ERROR)
			ReThrowError(error);
		probe->reason = explain(&asking, error);
	}
	decide(&asking);
	find_example(&asking);
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	probe->elapsed = INSTR_TIME_GET_MILLISEC(end);
}
