/*
 * sd_rules_transaction.c
 *	  Family "transaction": statements that do not fit the transaction they run in.
 */
#include "postgres.h"

#include "sd_keys.h"
#include "sd_rules.h"
#include "sd_track.h"
#include "sd_tree.h"

/* report_own reports transaction control inside the transaction of whoever runs the script. */
static void
report_own(SdAnalysis *analysis, const char *message, SdSeverity severity)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_OWN_COMMIT, NULL);

	finding.severity = severity;
	finding.message = message;
	sd_report(analysis, &finding);
}

/* end_transaction follows COMMIT, ROLLBACK and what is like them. */
static void
end_transaction(SdAnalysis *analysis, const TransactionStmt *stmt, const char *command, bool committed)
{
	if (analysis->in_transaction && analysis->runner_transaction)
		report_own(analysis,
				   psprintf("%s ends the transaction of whoever runs the script: what follows is "
							"not undone when something fails",
							command),
				   SD_WARNING);
	if (committed)
		sd_scope_commit(analysis->scope);
	else
		sd_scope_rollback(analysis->scope, NULL);
	sd_keys_end_transaction(analysis);
	sd_end_transaction_path(analysis, committed);
	sd_track_end(analysis, committed);
	/* from here on any transaction is the script's own */
	analysis->runner_transaction = false;
	analysis->in_transaction = stmt->chain;
}

static void
check_transaction(SdAnalysis *analysis, Node *statement)
{
	TransactionStmt *stmt = (TransactionStmt *) statement;

	/* a routine's transaction control is judged by the statement that calls it */
	if (analysis->inside != NULL)
		return;
	switch (stmt->kind)
	{
		case TRANS_STMT_BEGIN:
		case TRANS_STMT_START:
			if (analysis->in_transaction && analysis->runner_transaction)
				report_own(analysis, "BEGIN inside the transaction of whoever runs the script",
						   SD_NOTICE);
			if (!analysis->in_transaction)
				sd_scope_commit(analysis->scope);
			if (!analysis->in_transaction)
				sd_track_begin(analysis);
			analysis->in_transaction = true;
			analysis->begin_path = analysis->session_path;
			break;
		case TRANS_STMT_COMMIT:
			end_transaction(analysis, stmt, "COMMIT", true);
			break;
		case TRANS_STMT_ROLLBACK:
			end_transaction(analysis, stmt, "ROLLBACK", false);
			break;
		case TRANS_STMT_PREPARE:
			end_transaction(analysis, stmt, "PREPARE TRANSACTION", true);
			break;
		case TRANS_STMT_SAVEPOINT:
			sd_scope_savepoint(analysis->scope, stmt->savepoint_name);
			break;
		case TRANS_STMT_RELEASE:
			sd_scope_release(analysis->scope, stmt->savepoint_name);
			break;
		case TRANS_STMT_ROLLBACK_TO:
			sd_scope_rollback(analysis->scope, stmt->savepoint_name);
			break;
		default:
			break;
	}
}

void
sd_check_outside(SdAnalysis *analysis, Node *statement)
{
	SdFinding finding;

	if (sd_runs_in_transaction(statement) || (!analysis->in_transaction && analysis->inside == NULL))
		return;
	finding = sd_finding(analysis,
						 analysis->inside != NULL ? SD_RULE_CONCURRENTLY_IN_FUNCTION :
													SD_RULE_CONCURRENTLY_IN_TRANSACTION,
						 NULL);
	finding.message = psprintf("%s fails %s", sd_command_name(statement),
							   analysis->inside != NULL ? "inside a routine or DO block" :
														  "inside a transaction block");
	sd_report(analysis, &finding);
	/* what it would do outside is still worth saying */
	analysis->reported = false;
}

const SdCheck sd_checks_transaction[] = {
	{ T_TransactionStmt, -1, check_transaction },
	{ T_Invalid, 0, NULL },
};
