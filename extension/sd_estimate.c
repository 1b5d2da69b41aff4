/*
 * sd_estimate.c
 *	  How many rows a data change would touch, as the planner sees it.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/planner.h"
#include "parser/analyze.h"
#include "rewrite/rewriteHandler.h"
#include "utils/guc.h"

#include "sd_compat.h"
#include "sd_estimate.h"
#include "sd_try.h"

typedef struct EstimateQuestion
{
	Node *statement;
	double rows;
} EstimateQuestion;

/* plan_rows adds up what the parts of a data change read. */
static double
plan_rows(ModifyTable *change)
{
#if PG_VERSION_NUM >= 140000
	return outerPlan(&change->plan)->plan_rows;
#else
	double rows = 0;
	ListCell *cell;

	foreach (cell, change->plans)
		rows += ((Plan *) lfirst(cell))->plan_rows;
	return rows;
#endif
}

/* ask_estimate plans the statement as the server does, without the hooks of others. */
static void
ask_estimate(void *arg)
{
	EstimateQuestion *question = arg;
	RawStmt *raw = makeNode(RawStmt);
	ListCell *cell;
	List *queries;

	/* a table that somebody has locked is not waited for */
	(void) set_config_option("lock_timeout", "1", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
							 true, 0, false);
	/* analysis of a tree changes it */
	raw->stmt = copyObject(question->statement);
	raw->stmt_location = 0;
	queries = QueryRewrite(sd_parse_analyze(raw));
	foreach (cell, queries)
	{
		PlannedStmt *plan = standard_planner(lfirst_node(Query, cell), "", 0, NULL);

		if (plan->commandType != CMD_UTILITY && IsA(plan->planTree, ModifyTable))
			question->rows = Max(question->rows, 0) + plan_rows((ModifyTable *) plan->planTree);
	}
}

double
sd_estimate_rows(Node *statement, const char **why)
{
	EstimateQuestion question = { statement, -1 };
	char *error = NULL;

	if (!sd_try_undone(ask_estimate, &question, &error))
	{
		*why = error;
		return -1;
	}
	*why = "it is no data change of one plan";
	return question.rows;
}
