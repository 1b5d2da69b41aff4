/*
 * safedeploy.c
 *	  Module magic and load callback, nothing else.
 *
 * The load order is: settings, then hooks, because a hook reads settings.
 */
#include "postgres.h"

#include "fmgr.h"

#include "sd_guc.h"
#include "sd_hooks.h"
#include "sd_policy.h"

PG_MODULE_MAGIC;

void _PG_init(void);

/*
 * Module load callback.  Runs in the postmaster under shared_preload_libraries
 * or in a backend under session or local preloading, or at the first call of a
 * function of ours; it needs no shared memory, so all of these are fine.
 */
void
_PG_init(void)
{
	sd_guc_init();
	sd_policy_init();
	sd_hooks_init();
}
