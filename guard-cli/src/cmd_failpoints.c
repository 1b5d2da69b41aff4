/*
 * cmd_failpoints.c
 *	  migguard failpoints: the points of a build for tests, one a line.
 */
#include "failpoint.h"

#ifdef MG_FAILPOINTS

#include <stdio.h>

#include "run.h"

static bool
cmd_failpoints(MgContext *context, int *exit_code, MgError *err)
{
	(void) context;
	(void) err;
	for (int i = 0; mg_failpoint_list[i].name != NULL; i++)
		printf("%s\t%s\n", mg_failpoint_list[i].name, mg_failpoint_list[i].text);
	for (int i = 0; i < mg_run_table_count; i++)
		for (int j = 0; mg_failpoint_boundaries[j] != NULL; j++)
			printf("%s.%s\ta boundary of that state\n", mg_state_name(mg_run_table[i].state),
				   mg_failpoint_boundaries[j]);
	*exit_code = MG_EXIT_DONE;
	return true;
}

static const MgOption options[] = {
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

const MgCommand mg_cmd_failpoints = {
	.name = "failpoints",
	.summary = "list the points at which a test can let it fail",
	.description = "Only in a build for tests.",
	.options = options,
	.run = cmd_failpoints,
};

#else

typedef int mg_no_failpoints_command;

#endif
