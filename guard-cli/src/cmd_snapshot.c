/*
 * cmd_snapshot.c
 *	  migguard snapshot: take, list, export, import.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "json.h"
#include "pg_catalog_snapshot.h"
#include "report.h"
#include "session.h"
#include "snapshot_ref.h"

extern const MgCommand mg_cmd_snapshot;

static const MgOption options[] = {
	{ 'l', "label", "LABEL", MG_SETTING_COUNT, NULL, "a name for the snapshot" },
	{ '\0', "list", NULL, MG_SETTING_COUNT, "on", "list the stored snapshots" },
	{ '\0', "export", "ID", MG_SETTING_COUNT, NULL, "print snapshot ID as lines of JSON" },
	{ '\0', "import", "FILE", MG_SETTING_COUNT, NULL,
	  "store the snapshot that FILE holds (-: stdin)" },
	{ '\0', "drop", "ID", MG_SETTING_COUNT, NULL, "remove snapshot ID" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

/* "what" of a snapshot that has just come to be there */
static bool
print_stored(MgContext *context, MgPg *pg, long long id, MgError *err)
{
	char *fingerprint;

	if (!mg_snapshot_stored(pg, id, &fingerprint, err))
		return false;
	if (context->format == MG_FORMAT_JSON)
	{
		cJSON *root = cJSON_CreateObject();

		mg_json_int(root, "id", id);
		mg_json_text(root, "fingerprint", fingerprint);
		mg_json_print(stdout, root);
	}
	else
		printf("snapshot %lld  %s\n", id, fingerprint);
	return true;
}

static bool
take(MgContext *context, MgPg *pg, const char *label, MgError *err)
{
	long long id;

	return mg_snapshot_take(pg, label, NULL, &id, err) && print_stored(context, pg, id, err);
}

static bool
list(MgContext *context, MgPg *pg, MgError *err)
{
	static const MgColumn columns[] = { { "id", "id", 0 },
										{ "taken_at", "taken", 0 },
										{ "label", "label", 32 },
										{ "run_id", "run", 9 },
										{ "database", "database", 24 },
										{ "objects", "objects", 0 },
										{ "fingerprint", "fingerprint", 17 },
										{ "complete", "complete", 0 },
										{ NULL, NULL, 0 } };
	MgRows rows;

	if (!mg_snapshot_list(pg, &rows, err))
		return false;
	if (context->format == MG_FORMAT_JSON)
	{
		cJSON *root = cJSON_CreateObject();

		cJSON_AddItemToObject(root, "snapshots", mg_json_rows(&rows));
		mg_json_print(stdout, root);
	}
	else if (rows.count == 0)
		puts("no snapshots yet");
	else
	{
		for (int r = 0; r < rows.count; r++)
			rows.cells[r * rows.columns + 1] =
				mg_report_time(context->arena, rows.cells[r * rows.columns + 1]);
		mg_report_table(context, &rows, columns);
	}
	return true;
}

static bool
print_line(void *arg, const char *line, MgError *err)
{
	(void) arg;
	/* Exported as stored: a line that is changed no longer has its hash. */
	if (puts(line) == EOF)
		return mg_err_set(err, MG_EXIT_INTERNAL, "could not write to standard output: %s",
						  strerror(errno));
	return true;
}

static bool
import(MgContext *context, MgPg *pg, const char *path, MgError *err)
{
	long long id;

	return mg_transaction_begin(pg, err) && mg_snapshot_import_file(pg, path, NULL, NULL, &id, err) &&
		   mg_transaction_end(pg, true, err) && print_stored(context, pg, id, err);
}

static bool
run_snapshot(MgContext *context, int *exit_code, MgError *err)
{
	const char *label = mg_cli_flag(context, &mg_cmd_snapshot, "label");
	const char *listing = mg_cli_flag(context, &mg_cmd_snapshot, "list");
	const char *exported = mg_cli_flag(context, &mg_cmd_snapshot, "export");
	const char *imported = mg_cli_flag(context, &mg_cmd_snapshot, "import");
	const char *dropped = mg_cli_flag(context, &mg_cmd_snapshot, "drop");
	int asked = (label != NULL) + (listing != NULL) + (exported != NULL) + (imported != NULL) +
				(dropped != NULL);
	const char *id_text = exported != NULL ? exported : dropped;
	long long id = 0;
	MgPg *pg = NULL;
	bool ok;

	(void) exit_code;
	if (asked > 1)
	{
		mg_err_set(err, MG_EXIT_USAGE,
				   "--label, --list, --export, --import and --drop exclude each other");
		return mg_err_hint(err, "Try \"migguard snapshot --help\" for more information.");
	}
	if (id_text != NULL && !mg_snapshot_parse_id(id_text, &id, err))
		return false;
	if (!mg_session_open(context, "snapshot", &pg, err))
		return false;
	if (listing != NULL)
		ok = list(context, pg, err);
	else if (exported != NULL)
		ok = mg_snapshot_export(pg, id, print_line, NULL, err);
	else if (imported != NULL)
		ok = import(context, pg, imported, err);
	else if (dropped != NULL)
		ok = mg_snapshot_drop(pg, id, err);
	else
		ok = take(context, pg, label, err);
	mg_pg_close(pg);
	return ok;
}

const MgCommand mg_cmd_snapshot = {
	.name = "snapshot",
	.summary = "store the schema as it is, or list, export and import such snapshots",
	.description =
		"A snapshot holds the definition of every object of the schema, without any data. It is kept "
		"in the database; definitions that did not change are stored once. An exported one is a file "
		"of JSON lines with a checksum, which another database can import or \"migguard diff\" read.",
	.needs_database = true,
	.options = options,
	.run = run_snapshot,
};
