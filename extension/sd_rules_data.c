/*
 * sd_rules_data.c
 *	  Family "data": rows are removed or overwritten.
 */
#include "postgres.h"

#include "sd_rules.h"

static void
check_truncate(SdAnalysis *analysis, Node *statement)
{
	TruncateStmt *stmt = (TruncateStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->relations)
	{
		SdRelation relation;
		SdFinding finding;

		if (!sd_target(analysis, lfirst_node(RangeVar, cell), false, &relation))
			continue;
		finding = sd_finding(analysis, SD_RULE_TRUNCATE, &relation);
		finding.lock = AccessExclusiveLock;
		finding.data_loss = finding.size.bytes == 0 ? SD_LOSS_NONE :
							finding.size.bytes > 0	? SD_LOSS_CERTAIN :
													  SD_LOSS_POSSIBLE;
		if (finding.data_loss == SD_LOSS_NONE)
			finding.severity = SD_NOTICE;
		finding.message =
			psprintf("removes all rows of %s (%s)%s", relation.shown, sd_size_text(finding.size),
					 stmt->behavior == DROP_CASCADE ?
						 " and, with CASCADE, of every table whose foreign keys lead to it" :
						 "");
		sd_report(analysis, &finding);
	}
}

const SdCheck sd_checks_data[] = {
	{ T_TruncateStmt, -1, check_truncate },
	{ T_Invalid, 0, NULL },
};
