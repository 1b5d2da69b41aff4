/*
 * sd_track.c
 *	  What an analysis remembers of the statements so far.
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "commands/policy.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/catcache.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_dependents.h"
#include "sd_lookup.h"
#include "sd_track.h"

static const char *const setting_names[] = {
	"lock_timeout",
	"statement_timeout",
	"idle_in_transaction_session_timeout",
	"transaction_timeout",
	"role",
};

/*
 * timeout_of_role returns the time-out that a session of the role begins with,
 * where whoever asks has switched it off for himself.
 */
static int64
timeout_of_role(SdSetting setting)
{
	const char *value;

	/* not every server has all of them */
	if (GetConfigOption(setting_names[setting], true, false) == NULL)
		return 0;
	value = GetConfigOptionResetString(setting_names[setting]);
	return value == NULL ? 0 : Max(sd_track_parse_timeout(value), 0);
}

SdTrack *
sd_track_create(void)
{
	SdTrack *track = palloc0(sizeof(SdTrack));
	int64 values[SD_SETTING_COUNT] = {
		LockTimeout, StatementTimeout, IdleInTransactionSessionTimeout, SD_TRANSACTION_TIMEOUT,
		GetUserId(),
	};

	for (int i = 0; i < SD_SETTING_COUNT; i++)
	{
		track->settings[i] = (SdSettingValues){ values[i], values[i], values[i], values[i] };
		track->settings[i].asked = values[i] > 0;
	}
	return track;
}

const SdSettingValues *
sd_track_setting_values(SdAnalysis *analysis, SdSetting setting)
{
	SdSettingValues *values = &analysis->track->settings[setting];

	if (!values->asked)
	{
		/* the script has not set it, or it would have been asked */
		values->callers = values->session = values->begin = values->now = timeout_of_role(setting);
		values->asked = true;
	}
	return values;
}

SdHeld *
sd_track_table(SdAnalysis *analysis, Oid relation)
{
	SdTrack *track = analysis->track;
	bool found;
	SdHeld *held = track->last_table;

	/* a statement is mostly about one table */
	if (held != NULL && held->relation == relation && held->transaction == track->transaction)
		return held;
	if (track->tables == NULL)
	{
		HASHCTL options = { .keysize = sizeof(Oid),
							.entrysize = sizeof(SdHeld),
							.hcxt = analysis->context };

		track->tables =
			hash_create("safedeploy tables", 64, &options, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	held = hash_search(track->tables, &relation, HASH_ENTER, &found);
	if (!found)
		held->plan_reported = held->nameless = false;
	if (!found || held->transaction != track->transaction)
	{
		held->transaction = track->transaction;
		held->mode = NoLock;
		held->statements = held->reads = 0;
		held->counted = false;
	}
	track->last_table = held;
	return held;
}

/* keep_name adds a name to a set that lives as long as the analysis; false when it was there. */
static bool
keep_name(SdAnalysis *analysis, HTAB **set, const char *name)
{
	bool found;

	if (*set == NULL)
	{
		HASHCTL options = { .keysize = NAMEDATALEN,
							.entrysize = NAMEDATALEN,
							.hcxt = analysis->context };

		*set = hash_create("safedeploy names", 64, &options, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	(void) hash_search(*set, name, HASH_ENTER, &found);
	return !found;
}

bool
sd_track_first_insert(SdAnalysis *analysis, const char *name)
{
	return keep_name(analysis, &analysis->track->insert_names, name);
}

bool
sd_track_cleared(SdAnalysis *analysis, const char *name)
{
	return analysis->track->cleared != NULL &&
		   hash_search(analysis->track->cleared, name, HASH_FIND, NULL) != NULL;
}

/* add_lock notes a lock of the current statement. */
static void
add_lock(SdNow *now, Oid relation, LOCKMODE mode)
{
	SdLock *lock;
	ListCell *cell;

	foreach (cell, now->locked)
	{
		lock = lfirst(cell);
		if (lock->relation == relation)
		{
			lock->mode = Max(lock->mode, mode);
			return;
		}
	}
	lock = palloc(sizeof(SdLock));
	lock->relation = relation;
	lock->mode = mode;
	now->locked = lappend(now->locked, lock);
}

void
sd_track_finding(SdAnalysis *analysis, const SdFinding *finding)
{
	SdNow *now = &analysis->track->now;
	Oid relation = finding->target;
	Oid table;

	if (finding->rule == SD_RULE_NOT_VALID_VALIDATE_SAME_TX)
		now->same_validation = true;
	if (analysis->deferred || !OidIsValid(relation) || finding->lock < ShareUpdateExclusiveLock)
		return;
	if (finding->lock >= ShareLock)
	{
		table = finding->is_index ? IndexGetRelation(relation, true) : InvalidOid;
		if (OidIsValid(table))
			relation = table;
		add_lock(now, relation, finding->lock);
	}
	if ((finding->scans == SD_YES || finding->rewrites == SD_YES) && finding->size.bytes != 0)
		now->reads = relation;
	if (finding->rewrites == SD_YES && finding->size.bytes > 0)
		now->rewrites = relation;
}

int64
sd_track_parse_timeout(const char *value)
{
	int result;

	if (value == NULL || !parse_int(value, &result, GUC_UNIT_MS, NULL) || result < 0)
		return SD_TIMEOUT_UNKNOWN;
	return result;
}

/* role_of resolves the value of SET ROLE; InvalidOid when it means nothing. */
static int64
role_of(const SdSettingValues *role, const char *value)
{
	return strcmp(value, "none") == 0 ? role->callers : get_role_oid(value, true);
}

bool
sd_track_follows(const char *name)
{
	for (int i = 0; i < SD_SETTING_COUNT; i++)
		if (pg_strcasecmp(name, setting_names[i]) == 0)
			return true;
	return pg_strcasecmp(name, "session_authorization") == 0 ||
		   pg_strcasecmp(name, "application_name") == 0;
}

void
sd_track_setting(SdAnalysis *analysis, const char *name, const char *value, bool local)
{
	SdTrack *track = analysis->track;

	if (analysis->deferred)
		return;
	if (pg_strcasecmp(name, "session_authorization") == 0)
		name = "role";
	if (pg_strcasecmp(name, "application_name") == 0)
		track->application_name_set = value != NULL && value[0] != '\0';
	for (int i = 0; i < SD_SETTING_COUNT; i++)
	{
		SdSettingValues *setting = &track->settings[i];

		if (pg_strcasecmp(name, setting_names[i]) != 0)
			continue;
		(void) sd_track_setting_values(analysis, i);
		/* outside a transaction SET LOCAL does nothing */
		if (local && !analysis->in_transaction && analysis->inside == NULL)
			return;
		if (value == NULL)
			setting->now = setting->callers;
		else
			setting->now =
				i == SD_SETTING_ROLE ? role_of(setting, value) : sd_track_parse_timeout(value);
		setting->by_script = value != NULL;
		if (!local)
			setting->session = setting->now;
		if (!local && !analysis->in_transaction)
			setting->begin = setting->now;
		if (i == SD_SETTING_LOCK_TIMEOUT)
			track->lock_timeout_reported = false;
		return;
	}
}

/* sd_track_hold adds what the current statement locked to what the transaction holds. */
void
sd_track_hold(SdAnalysis *analysis)
{
	SdTrack *track = analysis->track;
	ListCell *cell;

	foreach (cell, track->now.locked)
	{
		const SdLock *lock = lfirst(cell);
		SdHeld *held = sd_track_table(analysis, lock->relation);

		if (held->mode == NoLock)
		{
			MemoryContext old = MemoryContextSwitchTo(analysis->context);

			track->held = lappend(track->held, held);
			MemoryContextSwitchTo(old);
		}
		if (held->mode < AccessExclusiveLock && lock->mode == AccessExclusiveLock &&
			sd_lookup_is_table(held->relation))
			track->tables_closed++;
		held->mode = Max(held->mode, lock->mode);
	}
}

/* forget_transaction drops what was known of a transaction that is over. */
static void
forget_transaction(SdTrack *track)
{
	track->held = NIL;
	track->tables_closed = 0;
	track->new_labels = NULL;
	track->transaction++;
	track->savepoints = 0;
	track->locks = 0;
	track->after_reported = track->many_reported = track->idle_reported = false;
	track->locks_reported = track->savepoints_reported = track->budget_reported = false;
	track->held_seconds = 0;
	track->long_statements = 0;
}

void
sd_track_begin(SdAnalysis *analysis)
{
	for (int i = 0; i < SD_SETTING_COUNT; i++)
		analysis->track->settings[i].begin = analysis->track->settings[i].session;
	forget_transaction(analysis->track);
}

void
sd_track_end(SdAnalysis *analysis, bool committed)
{
	for (int i = 0; i < SD_SETTING_COUNT; i++)
	{
		SdSettingValues *setting = &analysis->track->settings[i];

		if (!committed)
			setting->session = setting->begin;
		/* what the script has set for the transaction alone is over */
		setting->by_script &= setting->now == setting->session;
		setting->now = setting->begin = setting->session;
	}
	forget_transaction(analysis->track);
}

/* keep_address adds an object to a set that lives as long as the analysis. */
static void
keep_address(SdAnalysis *analysis, HTAB **set, Oid class, Oid object, int32 sub)
{
	ObjectAddress address = { class, object, sub };

	if (*set == NULL)
	{
		HASHCTL options = { .keysize = sizeof(ObjectAddress),
							.entrysize = sizeof(ObjectAddress),
							.hcxt = analysis->context };

		*set = hash_create("safedeploy objects", 64, &options, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	(void) hash_search(*set, &address, HASH_ENTER, NULL);
}

/* is_kept looks for an object, or the whole that it is a part of, in a set. */
static bool
is_kept(HTAB *set, const ObjectAddress *object)
{
	ObjectAddress whole = { object->classId, object->objectId, 0 };

	return set != NULL && (hash_search(set, object, HASH_FIND, NULL) != NULL ||
						   hash_search(set, &whole, HASH_FIND, NULL) != NULL);
}

bool
sd_track_was_dropped(SdAnalysis *analysis, const ObjectAddress *object)
{
	return is_kept(analysis->track->dropped, object);
}

bool
sd_track_was_changed(SdAnalysis *analysis, const ObjectAddress *object)
{
	return is_kept(analysis->track->changed, object);
}

/* track_drop remembers all that goes with a list of objects. */
static void
track_drop(SdAnalysis *analysis, List *targets, bool cascade)
{
	SdDependents dependents;
	ListCell *cell;

	if (targets == NIL)
		return;
	dependents = sd_dependents(analysis, targets, cascade);
	foreach (cell, dependents.taken)
	{
		ObjectAddress *object = lfirst(cell);

		keep_address(analysis, &analysis->track->dropped, object->classId, object->objectId,
					 object->objectSubId);
	}
}

/* keep_oid adds an OID to a list that lives as long as the analysis. */
static void
keep_oid(SdAnalysis *analysis, List **list, Oid oid)
{
	MemoryContext old = MemoryContextSwitchTo(analysis->context);

	*list = list_append_unique_oid(*list, oid);
	MemoryContextSwitchTo(old);
}

/* track_alter remembers the columns and constraints that ALTER TABLE changes or drops. */
static void
track_alter(SdAnalysis *analysis, AlterTableStmt *stmt)
{
	SdRelation relation = sd_scope_relation(analysis->scope, stmt->relation);
	ListCell *cell;

	if (relation.presence != SD_EXISTS)
		return;
	foreach (cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);
		FormData_pg_attribute column;
		Oid constraint;

		switch (cmd->subtype)
		{
			case AT_DropColumn:
				if (sd_lookup_column(analysis, &relation, cmd->name, &column))
					track_drop(analysis,
							   list_make1(sd_make_address(RelationRelationId, relation.oid,
														  column.attnum)),
							   cmd->behavior == DROP_CASCADE);
				break;
			case AT_AlterColumnType:
			case AT_ColumnDefault:
				if (sd_lookup_column(analysis, &relation, cmd->name, &column))
					keep_address(analysis, &analysis->track->changed, RelationRelationId,
								 relation.oid, column.attnum);
				break;
			case AT_AddColumn:
				/* constraints of a column get names from the server */
				if (castNode(ColumnDef, cmd->def)->constraints != NIL)
					sd_track_table(analysis, relation.oid)->nameless = true;
				break;
			case AT_AddConstraint:
				if (castNode(Constraint, cmd->def)->conname == NULL)
					sd_track_table(analysis, relation.oid)->nameless = true;
				break;
			case AT_DropConstraint:
				constraint = get_relation_constraint_oid(relation.oid, cmd->name, true);
				if (OidIsValid(constraint))
					track_drop(analysis,
							   list_make1(sd_make_address(ConstraintRelationId, constraint, 0)),
							   cmd->behavior == DROP_CASCADE);
				break;
			default:
				break;
		}
	}
}

/* track_routine remembers every routine of a name as made anew: which of them it is costs a look-up. */
static void
track_routine(SdAnalysis *analysis, const List *name)
{
	CatCList *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(strVal(llast(name))));

	for (int i = 0; i < list->n_members; i++)
		keep_address(analysis, &analysis->track->changed, ProcedureRelationId,
					 ((Form_pg_proc) GETSTRUCT(&list->members[i]->tuple))->oid, 0);
	ReleaseSysCacheList(list);
}

/* track_policy remembers a policy that is altered. */
static void
track_policy(SdAnalysis *analysis, AlterPolicyStmt *stmt)
{
	SdRelation relation = sd_scope_relation(analysis->scope, stmt->table);
	Oid policy = InvalidOid;

	if (relation.presence == SD_EXISTS)
		policy = get_relation_policy_oid(relation.oid, stmt->policy_name, true);
	if (OidIsValid(policy))
		keep_address(analysis, &analysis->track->changed, PolicyRelationId, policy, 0);
}

/* track_cleared remembers the names that DROP IF EXISTS makes free. */
static void
track_cleared(SdAnalysis *analysis, DropStmt *stmt)
{
	ListCell *cell;

	foreach (cell, stmt->objects)
		if (IsA(lfirst(cell), List))
			(void) keep_name(analysis, &analysis->track->cleared,
							 strVal(llast((List *) lfirst(cell))));
}

/* track_policy_made remembers that a table got a policy that lets somebody in. */
static void
track_policy_made(SdAnalysis *analysis, CreatePolicyStmt *stmt)
{
	SdRelation relation = sd_scope_relation(analysis->scope, stmt->table);

	if (relation.presence == SD_EXISTS && stmt->permissive)
		keep_oid(analysis, &analysis->track->with_policy, relation.oid);
}

/* track_renamed_constraint remembers that names of constraints cannot be told any more. */
static void
track_renamed_constraint(SdAnalysis *analysis, RenameStmt *stmt)
{
	SdRelation relation;

	if (stmt->renameType != OBJECT_TABCONSTRAINT || stmt->relation == NULL)
		return;
	relation = sd_scope_relation(analysis->scope, stmt->relation);
	if (relation.presence == SD_EXISTS)
		sd_track_table(analysis, relation.oid)->nameless = true;
}

/* track_matview remembers what happened to a materialized view. */
static void
track_matview(SdAnalysis *analysis, List **list, const RangeVar *name)
{
	SdRelation relation = sd_scope_relation(analysis->scope, name);

	if (relation.presence == SD_EXISTS && relation.relkind == RELKIND_MATVIEW)
		keep_oid(analysis, list, relation.oid);
}

/* is_plain_unique tells whether an index is unique, on columns alone, and of all rows. */
static bool
is_plain_unique(const IndexStmt *stmt)
{
	ListCell *cell;

	if (!stmt->unique || stmt->whereClause != NULL)
		return false;
	foreach (cell, stmt->indexParams)
		if (lfirst_node(IndexElem, cell)->expr != NULL)
			return false;
	return true;
}

void
sd_track_statement(SdAnalysis *analysis, Node *statement)
{
	SdRelation relation;

	switch (nodeTag(statement))
	{
		case T_DropStmt:
			track_drop(analysis, sd_lookup_drop_targets(analysis, (DropStmt *) statement),
					   ((DropStmt *) statement)->behavior == DROP_CASCADE);
			if (((DropStmt *) statement)->missing_ok)
				track_cleared(analysis, (DropStmt *) statement);
			break;
		case T_RenameStmt:
			track_renamed_constraint(analysis, (RenameStmt *) statement);
			break;
		case T_CreatePolicyStmt:
			track_policy_made(analysis, (CreatePolicyStmt *) statement);
			break;
		case T_AlterTableStmt:
			track_alter(analysis, (AlterTableStmt *) statement);
			break;
		case T_AlterPolicyStmt:
			track_policy(analysis, (AlterPolicyStmt *) statement);
			break;
		case T_CreateFunctionStmt:
			if (((CreateFunctionStmt *) statement)->replace)
				track_routine(analysis, ((CreateFunctionStmt *) statement)->funcname);
			break;
		case T_ViewStmt:
			if (!((ViewStmt *) statement)->replace)
				break;
			relation = sd_scope_relation(analysis->scope, ((ViewStmt *) statement)->view);
			if (relation.presence == SD_EXISTS)
				keep_address(analysis, &analysis->track->changed, RelationRelationId, relation.oid,
							 0);
			break;
		case T_RefreshMatViewStmt:
			if (!((RefreshMatViewStmt *) statement)->skipData)
				track_matview(analysis, &analysis->track->refreshed,
							  ((RefreshMatViewStmt *) statement)->relation);
			break;
		case T_IndexStmt:
			if (is_plain_unique((IndexStmt *) statement))
				track_matview(analysis, &analysis->track->made_unique,
							  ((IndexStmt *) statement)->relation);
			break;
		default:
			break;
	}
}
