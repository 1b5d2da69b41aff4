/*
 * sd_policy.c
 *	  Enforcement: destructive statements that no permit names are refused.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_db_role_setting.h"
#include "commands/extension.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "parser/scansup.h"
#include "replication/logicalworker.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "sd_compat.h"
#include "sd_errors.h"
#include "sd_permit.h"
#include "sd_permit_use.h"
#include "sd_policy.h"
#include "sd_policy_dml.h"
#include "sd_policy_loss.h"
#include "sd_secret.h"
#include "sd_table.h"
#include "sd_trace.h"

/* How many objects a message lists. */
#define MAX_LISTED 10

/* Longest call of permit() that a hint spells out, in bytes. */
#define MAX_CALL 2000

/* A statement as messages and records name it. */
typedef struct Statement
{
	const char *tag;
	const char *text; /* NULL when not known */
	bool nested;
	bool coming; /* it has not begun to run */
} Statement;

bool sd_policy_unsettled = true;

static SdPolicyFrame *running = NULL;

/*
 * A library that is loaded after the session began finds the values that were set
 * before as plain text.  One that the client sent hides what ALTER DATABASE and
 * ALTER ROLE say, and is then thrown away because its sender may not set it; so
 * what they say is looked up again.  Preloaded by the server, the client's is
 * refused at once.
 */
void
sd_policy_init(void)
{
	/* a parallel worker has the settings of its leader */
	sd_policy_unsettled = !process_shared_preload_libraries_in_progress && !IsParallelWorker();
}

/* value_in finds a setting in the array of one row of pg_db_role_setting, or NULL. */
static char *
value_in(ArrayType *array, const char *name)
{
	size_t length = strlen(name);
	Datum *items;
	int count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &items, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		char *item = TextDatumGetCString(items[i]);

		if (strncmp(item, name, length) == 0 && item[length] == '=')
			return item + length + 1;
	}
	return NULL;
}

/* catalog_value returns what ALTER DATABASE or ALTER ROLE has set, or NULL. */
static char *
catalog_value(Oid database, Oid role, const char *name)
{
	Relation rel = table_open(DbRoleSettingRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	char *value = NULL;

	ScanKeyInit(&keys[0], Anum_pg_db_role_setting_setdatabase, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(database));
	ScanKeyInit(&keys[1], Anum_pg_db_role_setting_setrole, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(role));
	scan = systable_beginscan(rel, DbRoleSettingDatidRolidIndexId, true, NULL, 2, keys);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool isnull;
		Datum array =
			heap_getattr(tuple, Anum_pg_db_role_setting_setconfig, RelationGetDescr(rel), &isnull);

		if (!isnull)
			value = value_in(DatumGetArrayTypeP(array), name);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return value;
}

/* settle_one sets again what is at its default though the catalog says otherwise. */
static void
settle_one(const char *name)
{
	const Oid places[][2] = {
		{ MyDatabaseId, GetSessionUserId() },
		{ InvalidOid, GetSessionUserId() },
		{ MyDatabaseId, InvalidOid },
		{ InvalidOid, InvalidOid },
	};
	char *value = NULL;

	for (int i = 0; i < lengthof(places) && value == NULL; i++)
		value = catalog_value(places[i][0], places[i][1], name);
	if (value != NULL)
		(void) set_config_option(name, value, PGC_SUSET, PGC_S_DATABASE_USER, GUC_ACTION_SET, true,
								 WARNING, false);
}

static void
settle(void)
{
	if (!IsTransactionState() || IsInParallelMode() || !OidIsValid(MyDatabaseId))
		return;
	sd_policy_unsettled = false;
	settle_one("safedeploy.protect");
	settle_one("safedeploy.protect_classes");
}

/* Processes that carry out what was decided elsewhere. */
static bool
stands_down(void)
{
	return IsBinaryUpgrade || !IsUnderPostmaster || SD_IS_AUTOVACUUM_WORKER() ||
		   IsLogicalWorker() || RecoveryInProgress();
}

/* looking is true where statements are judged, or put on record for a run. */
static bool
looking(void)
{
	if (sd_policy_unsettled)
		settle();
	sd_protect_watched = sd_trace_is_of_run() ? PG_UINT32_MAX : 0;
	return (sd_guc_protect != SD_ENFORCE_OFF || sd_protect_watched != 0) && !stands_down();
}

/* statement_text returns the text of one statement of a string, without the blanks around it. */
static char *
statement_text(const PlannedStmt *pstmt, const char *query)
{
	const char *text = query;
	int length;

	if (query == NULL)
		return NULL;
	if (pstmt != NULL && pstmt->stmt_location > 0)
		text += pstmt->stmt_location;
	length = pstmt != NULL && pstmt->stmt_len > 0 ? pstmt->stmt_len : (int) strlen(text);
	while (length > 0 && scanner_isspace(*text))
		text++, length--;
	while (length > 0 && (scanner_isspace(text[length - 1]) || text[length - 1] == ';'))
		length--;
	return pnstrdup(text, length);
}

/* listed_items lists what would be lost, with sizes. */
static char *
listed_items(const SdLoss *loss)
{
	StringInfoData text;
	ListCell *cell;
	int n = 0;

	initStringInfo(&text);
	foreach (cell, loss->items)
	{
		SdLossItem *item = lfirst(cell);

		if (n++ >= MAX_LISTED)
			continue;
		appendStringInfo(&text, "%s%s", n > 1 ? ", " : "", item->object);
		if (item->size.bytes >= 0)
			appendStringInfo(&text, " (%s)", sd_size_text(item->size));
	}
	if (n > MAX_LISTED)
		appendStringInfo(&text, " and %d more", n - MAX_LISTED);
	return text.data;
}

static char *
detail_text(const SdLoss *loss, const char *why_not)
{
	StringInfoData text;
	ListCell *cell;
	int n = 0;

	initStringInfo(&text);
	appendStringInfo(&text, "Lost would be %s.", listed_items(loss));
	foreach (cell, loss->items)
		if (((SdLossItem *) lfirst(cell))->how != NULL)
			appendStringInfo(&text, " %s", ((SdLossItem *) lfirst(cell))->how);
	foreach (cell, loss->cascaded)
		if (n++ < MAX_LISTED)
			appendStringInfo(&text, "%s%s", n == 1 ? " CASCADE drops too: " : ", ",
							 (char *) lfirst(cell));
	if (n > MAX_LISTED)
		appendStringInfo(&text, " and %d more", n - MAX_LISTED);
	if (n > 0)
		appendStringInfoChar(&text, '.');
	if (why_not != NULL)
		appendStringInfo(&text, " %s", why_not);
	return text.data;
}

/* permit_call spells the call that would allow the statement, or where it can be had from. */
static char *
permit_call(const SdLoss *loss, const Statement *statement)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	appendStringInfo(&text, "SELECT safedeploy.permit(%s, ARRAY[",
					 quote_literal_cstr(statement->text != NULL ? statement->text : ""));
	foreach (cell, loss->items)
		appendStringInfo(&text, "%s%s", cell == list_head(loss->items) ? "" : ", ",
						 quote_literal_cstr(((SdLossItem *) lfirst(cell))->object));
	appendStringInfoString(&text, "], 'reason')");
	if (text.len > MAX_CALL)
		return pstrdup("SELECT safedeploy.permit(statement, objects, 'reason') FROM "
					   "safedeploy.permit_use WHERE verdict = 'refused' ORDER BY id DESC LIMIT 1");
	return text.data;
}

static void
report(const SdLoss *loss, const Statement *statement, int level, const char *why_not)
{
	const char *first = ((SdLossItem *) linitial(loss->items))->object;
	int more = list_length(loss->items) - 1;
	bool extension = OidIsValid(sd_table_oid("permit"));

	ereport(level,
			(errcode(ERRCODE_SD_NO_PERMIT),
			 more == 0 ? errmsg("%s without a permit for %s", statement->tag, first) :
						 errmsg("%s without a permit for %s and %d more", statement->tag, first, more),
			 errdetail("%s", detail_text(loss, why_not)),
			 extension ? errhint("%s, or let a deployer permit it once: %s;",
								 sd_guc_run_id[0] != '\0' ?
									 "Find out why the rehearsal of this run did not do it" :
									 "Run it by migguard",
								 permit_call(loss, statement)) :
						 errhint("Permits need the extension in this database; only a superuser can set "
								 "safedeploy.protect.")));
}

/* enforce refuses, warns of, or records a statement that takes something away. */
static void
enforce(const SdLoss *loss, const Statement *statement, int level)
{
	const char *why_not = NULL;
	SdPermitUse use = { 0 };
	Statement told = *statement;

	if (told.text != NULL)
		told.text = sd_text_to_keep(NULL, told.text, strlen(told.text), INT_MAX);
	use.tag = told.tag;
	use.statement = told.text;
	use.nested = statement->nested;
	use.objects = sd_loss_objects(loss);
	if (statement->text != NULL)
		use.fingerprint = sd_permit_fingerprint(statement->text);
	use.permit = sd_permit_find(use.fingerprint, use.objects, &why_not);
	use.verdict = use.permit != 0			  ? "permitted" :
				  level == SD_ENFORCE_ENFORCE ? "refused" :
												"warned";
	if (OidIsValid(sd_table_oid("permit_use")))
		sd_permit_use_note(&use);
	if (use.permit == 0)
		report(loss, &told, level == SD_ENFORCE_ENFORCE ? ERROR : WARNING, why_not);
	else
		ereport(LOG_SERVER_ONLY,
				(errmsg("%s of %s by permit " INT64_FORMAT, statement->tag,
						((SdLossItem *) linitial(loss->items))->object, use.permit)));
}

/* judge also puts on record, for a run, what a statement takes away that may go on. */
static void
judge(SdLoss *loss, const Statement *statement, int level)
{
	List *all = sd_protect_watched != 0 ? sd_loss_objects(loss) : NIL;

	sd_loss_keep_enforced(loss);
	if (loss->items != NIL && level != SD_ENFORCE_OFF)
		enforce(loss, statement, level);
	sd_trace_note_losses(all, statement->coming);
}

/*
 * level_for_database: what a database says for itself goes before what the session
 * says, since DROP DATABASE always comes from another one.
 */
static int
level_for_database(Oid database)
{
	char *value = catalog_value(database, InvalidOid, "safedeploy.protect");

	if (value == NULL)
		return sd_guc_protect;
	return pg_strcasecmp(value, "enforce") == 0 ? SD_ENFORCE_ENFORCE :
		   pg_strcasecmp(value, "warn") == 0	? SD_ENFORCE_WARN :
												  SD_ENFORCE_OFF;
}

bool
sd_policy_wanted(const PlannedStmt *pstmt)
{
	return IsA(pstmt->utilityStmt, DropdbStmt) || sd_policy_is_on();
}

static void
judge_utility(SdPolicyFrame *frame)
{
	Node *node = frame->pstmt->utilityStmt;
	int level = sd_guc_protect;
	Statement statement = { .nested = frame->nested, .coming = true };
	MemoryContext caller;

	frame->context =
		AllocSetContextCreate(CurrentMemoryContext, "safedeploy loss", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(frame->context);
	frame->loss = sd_loss_create();
	sd_loss_find(frame->loss, node);
	if (OidIsValid(frame->loss->database))
		level = level_for_database(frame->loss->database);
	if (frame->loss->items != NIL)
	{
		statement.tag = GetCommandTagName(CreateCommandTag(node));
		statement.text = statement_text(frame->pstmt, frame->query);
		judge(frame->loss, &statement, level);
	}
	MemoryContextSwitchTo(caller);
}

void
sd_policy_begin(SdPolicyFrame *frame, const PlannedStmt *pstmt, const char *query,
				ProcessUtilityContext context)
{
	memset(frame, 0, sizeof(*frame));
	frame->pstmt = pstmt;
	frame->query = query;
	frame->nested = context != PROCESS_UTILITY_TOPLEVEL;
	/* The script of an extension is judged object by object. */
	if (!creating_extension && IsTransactionState() && !IsAbortedTransactionBlockState() &&
		sd_loss_is_possible(pstmt->utilityStmt) &&
		(looking() || (IsA(pstmt->utilityStmt, DropdbStmt) && !stands_down())))
		judge_utility(frame);
	frame->outer = running;
	running = frame;
}

void
sd_policy_end(SdPolicyFrame *frame)
{
	running = frame->outer;
	if (frame->context != NULL)
		MemoryContextDelete(frame->context);
}

/* judge_one judges what a statement does beyond what was seen before it ran. */
static void
judge_one(const ObjectAddress *object, bool rows)
{
	SdLoss *loss = sd_loss_create();
	Statement statement = { 0 };

	if (running != NULL)
	{
		statement.tag = GetCommandTagName(CreateCommandTag(running->pstmt->utilityStmt));
		statement.text = statement_text(running->pstmt, running->query);
		statement.nested = running->nested;
	}
	else
	{
		statement.tag = rows ? "TRUNCATE" : "DROP";
		statement.text = statement_text(NULL, debug_query_string);
		statement.nested = true;
	}
	if (rows)
		sd_loss_add_rows(loss, object->objectId, SD_PROTECT_TRUNCATE);
	else
		sd_loss_add_drop(loss, object);
	judge(loss, &statement, sd_guc_protect);
}

/* is_of_running_extension: what its script does with its own objects is its business. */
static bool
is_of_running_extension(const ObjectAddress *object)
{
	return creating_extension &&
		   getExtensionOfObject(object->classId, object->objectId) == CurrentExtensionObject;
}

static void
check_drop(const ObjectAddress *object, int flags)
{
	/* what the server replaces by something else, and cleans up */
	if ((flags & PERFORM_DELETION_INTERNAL) != 0 || !sd_protects(sd_protect_class_of(object)) ||
		sd_protect_is_own(object) || is_of_running_extension(object))
		return;
	if (running != NULL && running->loss != NULL && sd_closure_has(running->loss->closure, object))
		return;
	judge_one(object, false);
}

static void
check_truncate(const ObjectAddress *object)
{
	if (!sd_protects(SD_PROTECT_TRUNCATE) || sd_protect_is_own(object) ||
		is_of_running_extension(object))
		return;
	if (running != NULL && running->loss != NULL &&
		list_member_oid(running->loss->truncated, object->objectId))
		return;
	judge_one(object, true);
}

void
sd_policy_object_access(ObjectAccessType access, Oid class, Oid id, int sub, void *arg)
{
	ObjectAddress object;

	if (access != OAT_POST_CREATE && access != OAT_DROP && access != SD_OAT_TRUNCATE)
		return;
	if (!IsTransactionState() || !looking())
		return;
	ObjectAddressSubSet(object, class, id, sub);
	if (access == OAT_POST_CREATE)
		sd_protect_made(&object);
	else if (access == OAT_DROP)
		check_drop(&object, arg == NULL ? 0 : ((ObjectAccessDrop *) arg)->dropflags);
	else
		check_truncate(&object);
}

void
sd_policy_executor_start(QueryDesc *query, int eflags)
{
	PlannedStmt *plan = query->plannedstmt;
	Statement statement = { .coming = true };
	SdLoss *loss;
	List *targets;
	ListCell *cell;

	if (!looking() || (eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0 || creating_extension)
		return;
	targets = sd_policy_whole_targets(plan);
	if (targets == NIL)
		return;
	loss = sd_loss_create();
	foreach (cell, targets)
	{
		SdWholeTarget *target = lfirst(cell);

		sd_loss_add_rows(loss, target->relation, target->class);
	}
	statement.tag =
		((SdWholeTarget *) linitial(targets))->class == SD_PROTECT_DELETE ? "DELETE" : "UPDATE";
	statement.text = statement_text(plan, query->sourceText);
	statement.nested = running != NULL;
	judge(loss, &statement, sd_guc_protect);
}
