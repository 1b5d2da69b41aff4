/*
 * sd_rules_timeout.c
 *	  Family "timeout": how long a lock is waited for, and what ends a wait.
 *
 * The settings judged are those in force where the statement stands: what the
 * session has from its role and database, changed by the SETs of the script.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/guc.h"

#include "sd_compat.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_size.h"
#include "sd_track.h"
#include "sd_tree.h"

/* A longer wait for a lock stops others for too long. */
#define LONG_LOCK_TIMEOUT_MS (60 * 1000)

/* setting_now returns the value of a setting where the statement stands. */
static int64
setting_now(SdAnalysis *analysis, SdSetting setting)
{
	return sd_track_setting_values(analysis, setting)->now;
}

/* relation_finding starts a finding about a relation of the catalog. */
static SdFinding
relation_finding(SdAnalysis *analysis, SdRuleId rule, Oid relation)
{
	SdFinding finding = sd_finding(analysis, rule, NULL);

	finding.about = relation;
	finding.object = finding.names.table = sd_relation_name(relation);
	finding.size = sd_relation_size(analysis->sizes, relation);
	return finding;
}

/* strongest_lock returns the strongest lock that the statement takes, or NULL. */
static const SdLock *
strongest_lock(SdAnalysis *analysis)
{
	const SdLock *strongest = NULL;
	ListCell *cell;

	foreach (cell, analysis->track->now.locked)
	{
		const SdLock *lock = lfirst(cell);

		if (strongest == NULL || lock->mode > strongest->mode)
			strongest = lock;
	}
	return strongest;
}

/* check_wait reports a strong lock that is waited for without an end. */
static void
check_wait(SdAnalysis *analysis, const SdLock *lock)
{
	SdTrack *track = analysis->track;
	const SdSettingValues *timeout = sd_track_setting_values(analysis, SD_SETTING_LOCK_TIMEOUT);
	SdFinding finding;

	if (timeout->now != 0 || track->lock_timeout_reported)
		return;
	track->lock_timeout_reported = true;
	finding =
		relation_finding(analysis,
						 timeout->by_script ? SD_RULE_LOCK_TIMEOUT_BAD : SD_RULE_NO_LOCK_TIMEOUT,
						 lock->relation);
	finding.lock = lock->mode;
	finding.message = psprintf("the wait for %s has no end, and all that comes later waits behind it",
							   finding.object);
	finding.detail = timeout->by_script ? "The script itself has switched lock_timeout off." :
										  "lock_timeout is 0 for this session.";
	sd_report(analysis, &finding);
}

/* check_unlimited reports time-outs that are off by default, for those who ask. */
static void
check_unlimited(SdAnalysis *analysis, const SdLock *lock)
{
	SdTrack *track = analysis->track;
	SdFinding finding;

	if (sd_rule_is_on(SD_RULE_NO_STATEMENT_TIMEOUT) && !track->statement_timeout_reported &&
		setting_now(analysis, SD_SETTING_STATEMENT_TIMEOUT) == 0)
	{
		track->statement_timeout_reported = true;
		finding = relation_finding(analysis, SD_RULE_NO_STATEMENT_TIMEOUT, lock->relation);
		finding.lock = lock->mode;
		finding.message =
			psprintf("nothing limits how long the statement holds its lock on %s", finding.object);
		sd_report(analysis, &finding);
	}
	if (sd_rule_is_on(SD_RULE_NO_IDLE_TX_TIMEOUT) && !track->idle_reported &&
		lock->mode == AccessExclusiveLock && analysis->in_transaction &&
		setting_now(analysis, SD_SETTING_IDLE_TIMEOUT) == 0 &&
		setting_now(analysis, SD_SETTING_TRANSACTION_TIMEOUT) == 0)
	{
		track->idle_reported = true;
		finding = relation_finding(analysis, SD_RULE_NO_IDLE_TX_TIMEOUT, lock->relation);
		finding.lock = lock->mode;
		finding.message =
			psprintf("if whoever runs the script stops here, %s stays locked", finding.object);
		sd_report(analysis, &finding);
	}
	if (sd_rule_is_on(SD_RULE_NO_APPLICATION_NAME) && !track->application_name_set &&
		!track->application_name_reported)
	{
		const char *name = GetConfigOption("application_name", true, false);

		if (name != NULL && name[0] != '\0')
			return;
		track->application_name_reported = true;
		finding = relation_finding(analysis, SD_RULE_NO_APPLICATION_NAME, lock->relation);
		finding.lock = lock->mode;
		finding.message =
			psprintf("who waits for %s cannot see which deploy holds its lock", finding.object);
		sd_report(analysis, &finding);
	}
}

/* killed_relation returns the relation of a statement that takes long on purpose, or NULL. */
static RangeVar *
killed_relation(Node *statement, bool *leaves_invalid)
{
	ListCell *cell;

	*leaves_invalid = false;
	switch (nodeTag(statement))
	{
		case T_IndexStmt:
			*leaves_invalid = true;
			return ((IndexStmt *) statement)->concurrent ? ((IndexStmt *) statement)->relation : NULL;
		case T_ReindexStmt:
			*leaves_invalid = true;
			return SD_REINDEX_CONCURRENT((ReindexStmt *) statement) ?
					   ((ReindexStmt *) statement)->relation :
					   NULL;
		case T_RefreshMatViewStmt:
			return ((RefreshMatViewStmt *) statement)->concurrent ?
					   ((RefreshMatViewStmt *) statement)->relation :
					   NULL;
		case T_AlterTableStmt:
			foreach (cell, ((AlterTableStmt *) statement)->cmds)
				if (lfirst_node(AlterTableCmd, cell)->subtype == AT_ValidateConstraint)
					return ((AlterTableStmt *) statement)->relation;
			return NULL;
		default:
			return NULL;
	}
}

/* check_killed reports a time-out that ends what is meant to take long. */
static void
check_killed(SdAnalysis *analysis, Node *statement)
{
	bool leaves_invalid;
	RangeVar *name = killed_relation(statement, &leaves_invalid);
	int64 statement_timeout;
	int64 lock_timeout;
	SdRelation relation;
	SdFinding finding;

	if (name == NULL)
		return;
	statement_timeout = setting_now(analysis, SD_SETTING_STATEMENT_TIMEOUT);
	lock_timeout = setting_now(analysis, SD_SETTING_LOCK_TIMEOUT);
	if (statement_timeout <= 0 && (!leaves_invalid || lock_timeout <= 0))
		return;
	relation = sd_scope_relation(analysis->scope, name);
	if (relation.presence != SD_EXISTS)
		return;
	finding = sd_finding(analysis, SD_RULE_TIMEOUT_KILLS_CONCURRENTLY, &relation);
	if (finding.size.bytes == 0)
		return;
	if (!leaves_invalid)
		finding.severity = SD_NOTICE;
	finding.message = psprintf("%s of " INT64_FORMAT " ms can end %s half-way",
							   statement_timeout > 0 ? "statement_timeout" : "lock_timeout",
							   statement_timeout > 0 ? statement_timeout : lock_timeout,
							   sd_command_name(statement));
	if (leaves_invalid)
		finding.detail = "An INVALID index stays behind, which is written but never read.";
	sd_report(analysis, &finding);
}

void
sd_check_timeouts(SdAnalysis *analysis, Node *statement)
{
	const SdLock *lock = strongest_lock(analysis);

	if (lock != NULL)
	{
		check_wait(analysis, lock);
		check_unlimited(analysis, lock);
	}
	check_killed(analysis, statement);
}

/* report_setting reports a SET of lock_timeout. */
static void
report_setting(SdAnalysis *analysis, SdSeverity severity, const char *message, const char *detail)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_LOCK_TIMEOUT_BAD, NULL);

	finding.severity = severity;
	finding.message = message;
	finding.detail = detail;
	sd_report(analysis, &finding);
}

/* check_set_lock_timeout judges SET lock_timeout; 0 is judged where a lock is waited for. */
static void
check_set_lock_timeout(SdAnalysis *analysis, Node *statement)
{
	VariableSetStmt *stmt = (VariableSetStmt *) statement;
	int64 value;
	ListCell *cell;

	if (stmt->kind != VAR_SET_VALUE || stmt->name == NULL ||
		pg_strcasecmp(stmt->name, "lock_timeout") != 0)
		return;
	value = sd_track_parse_timeout(sd_set_value(stmt));
	/* one that the server refuses changes nothing */
	if (value == SD_TIMEOUT_UNKNOWN)
		return;
	if (value > LONG_LOCK_TIMEOUT_MS)
		report_setting(analysis, SD_WARNING,
					   psprintf("lock_timeout of " INT64_FORMAT
								" s keeps others waiting for as long behind the wait",
								value / 1000),
					   NULL);
	foreach (cell, analysis->track->held)
	{
		const SdHeld *held = lfirst(cell);

		if (value > 0 && held->mode >= ShareRowExclusiveLock)
		{
			report_setting(analysis, SD_NOTICE,
						   "lock_timeout is set after the first lock was waited for",
						   psprintf("The transaction has locked %s before.",
									sd_relation_name(held->relation)));
			break;
		}
	}
	if (!stmt->is_local && analysis->in_transaction && analysis->runner_transaction)
		report_setting(analysis, SD_INFO,
					   "lock_timeout stays set in the session of whoever runs the script",
					   "SET LOCAL ends with the transaction.");
}

const SdCheck sd_checks_timeout[] = {
	{ T_VariableSetStmt, -1, check_set_lock_timeout },
	{ T_Invalid, 0, NULL },
};
