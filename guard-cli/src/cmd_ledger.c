/*
 * cmd_ledger.c
 *	  migguard ledger: whether the ledger is what it was.
 *
 * The chain of hashes shows what was changed in place.  That it was cut off, put back to
 * an older state or rewritten from somewhere on only shows against a head that was kept
 * outside of the database, such as in the log of the pipeline that ran migguard.
 */
#include "json.h"
#include "pg_catalog_ledger.h"
#include "report.h"
#include "session.h"

extern const MgCommand mg_cmd_ledger;

static const MgOption options[] = {
	{ '\0', "head", "HEAD", MG_SETTING_COUNT, NULL,
	  "compare with a head that was kept, as \"migguard run\" prints it" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

static void
print_text(const MgContext *context, const MgRows *faults, const char *kept, const char *head)
{
	static const MgColumn columns[] = { { "seq", "event", 0 },
										{ "run_id", "run", 0 },
										{ "what", "fault", 0 },
										{ "detail", "detail", 0 },
										{ NULL, NULL, 0 } };

	if (faults->count > 0)
		mg_report_table(context, faults, columns);
	else
		puts(kept != NULL ? "the ledger is intact, and contains the head that was kept" :
							"the ledger is intact in itself");
	mg_report_pair(context, "ledger head", head);
}

static void
print_json(const MgRows *faults, const char *kept, const char *head)
{
	cJSON *root = cJSON_CreateObject();

	mg_json_bool(root, "intact", faults->count == 0);
	mg_json_text(root, "kept_head", kept);
	mg_json_text(root, "ledger_head", head);
	cJSON_AddItemToObject(root, "faults", mg_json_rows(faults));
	mg_json_print(stdout, root);
}

static bool
run_ledger(MgContext *context, int *exit_code, MgError *err)
{
	const char *kept = mg_cli_flag(context, &mg_cmd_ledger, "head");
	char *head;
	MgPg *pg = NULL;
	MgRows faults;
	bool ok = false;

	/* The head first: what is appended meanwhile is no fault of the check. */
	if (!mg_session_open(context, "ledger", &pg, err) || !mg_ledger_head(pg, &head, err) ||
		!mg_ledger_verify(pg, kept, &faults, err))
		goto done;
	if (context->format == MG_FORMAT_JSON)
		print_json(&faults, kept, head);
	else
		print_text(context, &faults, kept, head);
	if (faults.count > 0)
		*exit_code = MG_EXIT_DRIFT;
	ok = true;
done:
	mg_pg_close(pg);
	return ok;
}

const MgCommand mg_cmd_ledger = {
	.name = "ledger",
	.summary = "verify that nobody has changed the ledger",
	.description =
		"Recomputes every hash of the ledger, follows its chain, and looks whether its guards are in "
		"place. A chain that was cut off, set back or rewritten as a whole only shows against a head "
		"that was kept elsewhere: every run prints one (\"ledger head\"); give it with --head. Exit "
		"code 30 when anything is wrong. The rights of a reader are enough.",
	.needs_database = true,
	.options = options,
	.run = run_ledger,
};
