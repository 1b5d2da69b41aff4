/*
 * sd_policy_dml.h
 *	  DELETE and UPDATE that leave no row of a table as it is.
 */
#ifndef SD_POLICY_DML_H
#define SD_POLICY_DML_H

#include "nodes/plannodes.h"

#include "sd_policy_class.h"

typedef struct SdWholeTarget
{
	Oid relation;
	SdProtectClass class; /* SD_PROTECT_DELETE or SD_PROTECT_UPDATE */
} SdWholeTarget;

/*
 * sd_policy_whole_targets returns the protected tables whose rows a planned
 * statement takes without any condition, as a list of SdWholeTarget.  The plan
 * knows better than the text: a condition that is always true is gone from it.
 */
extern List *sd_policy_whole_targets(const PlannedStmt *plan);

#endif
