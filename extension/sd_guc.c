/*
 * sd_guc.c
 *	  Definitions of every setting, sorted by name.
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "sd_compat.h"
#include "sd_failpoint.h"
#include "sd_guc.h"
#include "sd_policy_class.h"
#include "sd_trace.h"

int sd_guc_concurrently_lock_timeout = -1;
bool sd_guc_context = false;
int sd_guc_disk_reserve = 0;
int sd_guc_fence = SD_ENFORCE_ENFORCE;
char *sd_guc_fence_token = NULL;
int sd_guc_fingerprint_cache = 128 * 1024;
bool sd_guc_fingerprint_check = false;
double sd_guc_hot_table = 100;
int sd_guc_large_table = 1024 * 1024;
int sd_guc_lock_budget = 5000;
int sd_guc_max_dml_rows = 10000;
int sd_guc_max_script_size = 16 * 1024;
bool sd_guc_probe = false;
bool sd_guc_probe_examples = true;
int sd_guc_probe_rows = 1000000;
int sd_guc_probe_time = 2000;
int sd_guc_protect = SD_ENFORCE_OFF;
char *sd_guc_protect_classes = NULL;
bool sd_guc_record_drift = true;
char *sd_guc_rules_on = NULL;
char *sd_guc_run_id = NULL;
bool sd_guc_sizes_unknown = false;
bool sd_guc_trace = false;

static const struct config_enum_entry enforcement_options[] = {
	{ "off", SD_ENFORCE_OFF, false },
	{ "warn", SD_ENFORCE_WARN, false },
	{ "enforce", SD_ENFORCE_ENFORCE, false },
	{ NULL, 0, false },
};

void
sd_guc_init(void)
{
	DefineCustomIntVariable("safedeploy.concurrently_lock_timeout",
							"How long statements with CONCURRENTLY wait for each lock, in place of "
							"lock_timeout.",
							"Those that build, drop or rebuild an index or detach a partition. 0 is "
							"no limit, -1 is lock_timeout. migguard sets it in the sessions of the "
							"tool.",
							&sd_guc_concurrently_lock_timeout, -1, -1, INT_MAX, PGC_USERSET,
							GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomBoolVariable("safedeploy.context", "Findings say what else is known of their table.",
							 "Size, use, dependents, replication and the like, in the column context. "
							 "migguard switches it on.",
							 &sd_guc_context, false, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("safedeploy.disk_reserve",
							"Room that has to stay free on the disk when a statement copies a table.",
							"The analysis reports a copy that would leave less.",
							&sd_guc_disk_reserve, 0, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MB, NULL,
							NULL, NULL);
	DefineCustomEnumVariable("safedeploy.fence",
							 "What happens to DDL from a session whose fencing token is stale.",
							 NULL, &sd_guc_fence, SD_ENFORCE_ENFORCE, enforcement_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("safedeploy.fence_token",
							   "Fencing token of the deploy that this session works for.", NULL,
							   &sd_guc_fence_token, "", PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("safedeploy.fingerprint_cache",
							"Memory for what lets a repeated fingerprint() read only what changed.",
							"Each session that calls fingerprint() may take that much, about 1 kB a "
							"table; a schema that needs more is read whole each time. 0 turns it "
							"off.",
							&sd_guc_fingerprint_cache, 128 * 1024, 0, MAX_KILOBYTES, PGC_USERSET,
							GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomBoolVariable("safedeploy.fingerprint_check",
							 "Compares every repeated fingerprint with one that reads everything.",
							 "A difference is an error. Meant for tests: other sessions must not "
							 "change the schema meanwhile.",
							 &sd_guc_fingerprint_check, false, PGC_USERSET, GUC_NOT_IN_SAMPLE, NULL,
							 NULL, NULL);
	DefineCustomRealVariable("safedeploy.hot_table",
							 "Transactions a second from which analyze() takes a table for hot.",
							 "By the server's statistics, as a mean since they were last reset. 0 "
							 "turns it off.",
							 &sd_guc_hot_table, 100, 0, 1e9, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("safedeploy.large_table",
							"Size from which analyze() reports that a table is read or rewritten "
							"under a lock.",
							"Without indexes. 0 turns it off.", &sd_guc_large_table, 1024 * 1024, 0,
							MAX_KILOBYTES, PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("safedeploy.lock_budget",
							"How long the locks of one transaction may be held before analyze() "
							"reports it.",
							"It is guessed from the sizes of what is read and written meanwhile. 0 "
							"turns it off.",
							&sd_guc_lock_budget, 5000, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MS, NULL,
							NULL, NULL);
	DefineCustomIntVariable("safedeploy.max_dml_rows",
							"Rows that one INSERT, UPDATE, DELETE or MERGE may change before "
							"analyze() reports it.",
							"They are estimated by the planner, for tables that have as many at "
							"least. 0 turns it off.",
							&sd_guc_max_dml_rows, 10000, 0, INT_MAX, PGC_USERSET, 0, NULL, NULL,
							NULL);
	DefineCustomIntVariable("safedeploy.max_script_size",
							"Largest script that statements() and analyze() accept.",
							"The raw parser takes up to 70 bytes of memory for each byte of one "
							"statement.",
							&sd_guc_max_script_size, 16 * 1024, 1, 1024 * 1024, PGC_SUSET,
							GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomBoolVariable("safedeploy.probe",
							 "Lets analyze() look at rows for what a statement demands of them.",
							 "Without it analyze() reads no table. See probe().", &sd_guc_probe,
							 false, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("safedeploy.probe_examples",
							 "Lets probes name the primary key of a row as an example.", NULL,
							 &sd_guc_probe_examples, true, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("safedeploy.probe_rows", "Rows that one probe may look at.",
							"Of a table with more a sample is taken.", &sd_guc_probe_rows, 1000000,
							1, INT_MAX, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("safedeploy.probe_time", "Time that one probe may take.", NULL,
							&sd_guc_probe_time, 2000, 1, INT_MAX, PGC_USERSET, GUC_UNIT_MS, NULL,
							NULL, NULL);
	DefineCustomEnumVariable("safedeploy.protect",
							 "What happens to destructive statements that no permit names.",
							 "Meant to be set for a database or a role.", &sd_guc_protect,
							 SD_ENFORCE_OFF, enforcement_options, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("safedeploy.protect_classes",
							   "What safedeploy.protect counts as destructive.",
							   "A list of table, foreign_table, column, matview, view, sequence, "
							   "schema, type, database, truncate, narrowing (these are \"default\"), "
							   "delete, update (both without WHERE), index, constraint, function, "
							   "large_object; or \"all\".",
							   &sd_guc_protect_classes, "default", PGC_SUSET, GUC_LIST_INPUT,
							   sd_protect_classes_check, sd_protect_classes_assign, NULL);
	DefineCustomBoolVariable("safedeploy.record_drift",
							 "Records DDL that is made outside of a run, in the view safedeploy.drift.",
							 NULL, &sd_guc_record_drift, true, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("safedeploy.rules_on",
							   "Rules and families of rules that report although they are off by "
							   "default.",
							   "A list of names of the view safedeploy.rules, or all.",
							   &sd_guc_rules_on, "", PGC_USERSET, GUC_LIST_INPUT, sd_rules_on_check,
							   sd_rules_on_assign, NULL);
	DefineCustomStringVariable("safedeploy.run_id", "Run that this session works for.", NULL,
							   &sd_guc_run_id, "", PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("safedeploy.sizes_unknown",
							 "Tables here are not as large as those of the database that is meant.",
							 "analyze() takes no table for small or empty then.",
							 &sd_guc_sizes_unknown, false, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("safedeploy.trace",
							 "Records what each statement of the session really does.",
							 "See trace_report() and trace_effects(); in a session that works for a run "
							 "also the table run_statement.",
							 &sd_guc_trace, false, PGC_USERSET, 0, NULL, sd_trace_assign, NULL);
	sd_failpoint_init();
	MarkGUCPrefixReserved("safedeploy");
}
