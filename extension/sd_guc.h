/*
 * sd_guc.h
 *	  Every setting of the module, as the variable that holds it.
 */
#ifndef SD_GUC_H
#define SD_GUC_H

#include "utils/guc.h"

typedef enum SdEnforcement
{
	SD_ENFORCE_OFF,
	SD_ENFORCE_WARN,
	SD_ENFORCE_ENFORCE
} SdEnforcement;

extern int sd_guc_fence;			  /* safedeploy.fence, an SdEnforcement */
extern char *sd_guc_fence_token;	  /* safedeploy.fence_token, "" when unset */
extern int sd_guc_disk_reserve;		  /* safedeploy.disk_reserve, in megabytes */
extern int sd_guc_fingerprint_cache;  /* safedeploy.fingerprint_cache, in kilobytes */
extern bool sd_guc_fingerprint_check; /* safedeploy.fingerprint_check */
extern int sd_guc_concurrently_lock_timeout;
extern bool sd_guc_context;			 /* safedeploy.context */
extern double sd_guc_hot_table;		 /* safedeploy.hot_table, transactions a second, 0 for none */
extern int sd_guc_lock_budget;		 /* safedeploy.lock_budget, in milliseconds, 0 for none */
extern int sd_guc_large_table;		 /* safedeploy.large_table, in kilobytes, 0 for none */
extern int sd_guc_max_dml_rows;		 /* safedeploy.max_dml_rows, 0 for no limit */
extern int sd_guc_max_script_size;	 /* safedeploy.max_script_size, in kilobytes */
extern bool sd_guc_probe;			 /* safedeploy.probe */
extern bool sd_guc_probe_examples;	 /* safedeploy.probe_examples */
extern int sd_guc_probe_rows;		 /* safedeploy.probe_rows */
extern int sd_guc_probe_time;		 /* safedeploy.probe_time, in milliseconds */
extern int sd_guc_protect;			 /* safedeploy.protect, an SdEnforcement */
extern char *sd_guc_protect_classes; /* safedeploy.protect_classes; see sd_policy_class.h */
extern bool sd_guc_record_drift;	 /* safedeploy.record_drift */
extern char *sd_guc_rules_on;		 /* safedeploy.rules_on; ask sd_rule_is_on() */
extern char *sd_guc_run_id;			 /* safedeploy.run_id, "" when unset */
extern bool sd_guc_sizes_unknown;	 /* safedeploy.sizes_unknown */
extern bool sd_guc_trace;			 /* safedeploy.trace */

/* Hooks of safedeploy.rules_on, in sd_rules_on.c. */
extern bool sd_rules_on_check(char **newval, void **extra, GucSource source);
extern void sd_rules_on_assign(const char *newval, void *extra);

extern void sd_guc_init(void);

#endif
