/*
 * cmd_drift.c
 *	  migguard drift: whether the schema is still what it was left as, what
 *	  changed, and who is on record for it.
 */
#include <string.h>

#include "diff_report.h"
#include "json.h"
#include "log.h"
#include "report.h"
#include "session.h"
#include "snapshot_ref.h"
#include "text.h"

extern const MgCommand mg_cmd_drift;

static const MgOption options[] = {
	{ '\0', "facets", "LIST", MG_SETTING_COUNT, NULL,
	  "compare only these facets, such as core,security,owner" },
	{ '\0', "strict", NULL, MG_SETTING_COUNT, "on",
	  "let differences of comments and of column order count as well" },
	{ '\0', "lock-name", "NAME", MG_SET_LOCK_NAME, NULL,
	  "the deploy lock whose last good run is meant" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

typedef struct Drift
{
	MgContext *context;
	const char *reference; /* as the user names it */
	MgRows header;		   /* of the snapshot it is */
	MgRows changes;
	MgRows records;	 /* DDL outside of runs since then */
	cJSON **objects; /* of each record, what the server told that it changed */
	int counting;	 /* changes that are drift */
	int unexplained;
} Drift;

/* The text has the name with something else than a name around it. */
static bool
mentions(const char *text, const char *name)
{
	static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$\"";
	size_t length = strlen(name);

	for (const char *p = text; (p = strstr(p, name)) != NULL; p++)
		if ((p == text || strchr(rest, p[-1]) == NULL) &&
			(p[length] == '\0' || strchr(rest, p[length]) == NULL))
			return true;
	return false;
}

/* Name without its schema. */
static const char *
bare_name(const char *identity)
{
	const char *dot = identity[0] == '"' ? strstr(identity, "\".") : strchr(identity, '.');

	if (dot == NULL)
		return identity;
	return dot + (identity[0] == '"' ? 2 : 1);
}

/* The schema of an identity with its dot, "" for none. */
static char *
schema_of(const Drift *drift, const char *identity)
{
	return mg_strndup(drift->context->arena, identity, (size_t) (bare_name(identity) - identity));
}

/*
 * What the server told of a statement is "table app.t", "trigger x on app.t",
 * "table column app.t.c" or "index app.i"; of privileges only the kind, and of
 * roles nothing, so that the statement itself must say it.
 */
static bool
touches(const Drift *drift, int record, const char *identity, const char *member)
{
	const char *statement = mg_rows_get(&drift->records, record, "statement");
	bool named = false;
	bool found = false;
	const cJSON *item;

	cJSON_ArrayForEach (item, drift->objects[record])
	{
		const char *object = item->valuestring;

		if (object == NULL || strchr(object, '.') == NULL)
			continue;
		named = true;
		found = found || mentions(object, identity) ||
				(member != NULL && mentions(object, mg_printf(drift->context->arena, "%s%s",
															  schema_of(drift, identity), member)));
	}
	if (!named && statement != NULL)
		found = mentions(statement, identity) || mentions(statement, bare_name(identity));
	return found;
}

/* Privileges and comments have statements of their own, which change nothing else. */
static bool
tag_fits(const MgRows *rows, int change, const char *tag)
{
	bool privilege = strcmp(mg_rows_get(rows, change, "kind"), "privilege") == 0;
	bool comment = strcmp(mg_rows_get(rows, change, "facet"), "comment") == 0;
	bool grant = strcmp(tag, "GRANT") == 0 || strcmp(tag, "REVOKE") == 0;

	/* a new or dropped object takes its privileges and comments along */
	if (mg_rows_get(rows, change, "path") == NULL)
		return true;
	return privilege == grant && comment == (strcmp(tag, "COMMENT") == 0);
}

/* Name of the column, index or the like that a change is of, unquoted where it is quoted; NULL for none. */
static char *
member_name(const Drift *drift, int change)
{
	const char *path = mg_rows_get(&drift->changes, change, "path");
	const char *dot = path != NULL ? strchr(path, '.') : NULL;
	const char *end;

	if (dot == NULL || strcmp(mg_rows_get(&drift->changes, change, "kind"),
							  mg_rows_get(&drift->changes, change, "object")) == 0)
		return NULL;
	dot++;
	end = *dot == '"' ? strchr(dot + 1, '"') : strchr(dot, '.');
	if (*dot == '"' && end != NULL)
		end++;
	return end != NULL ? mg_strndup(drift->context->arena, dot, (size_t) (end - dot)) :
						 mg_strdup(drift->context->arena, dot);
}

/* Identity of the object before the change, when it was another one; else NULL. */
static char *
earlier_identity(const Drift *drift, int change)
{
	const MgRows *rows = &drift->changes;
	const char *object = mg_rows_get(rows, change, "object");
	cJSON *hits = cJSON_Parse(mg_rows_get(rows, change, "hits"));
	const cJSON *first = cJSON_GetArrayItem(hits, 0);
	const char *was = first != NULL ? first->valuestring : NULL;
	size_t length = strlen(object);
	char *identity = NULL;

	if (was != NULL && strncmp(was, object, length) == 0 && was[length] == ' ' &&
		strcmp(was + length + 1, mg_rows_get(rows, change, "identity")) != 0)
		identity = mg_strdup(drift->context->arena, was + length + 1);
	cJSON_Delete(hits);
	return identity;
}

/* How well a record fits a change: not, by its object, by the part of it that changed. */
static int
fit(const Drift *drift, int record, int change)
{
	const MgRows *rows = &drift->changes;
	const char *statement = mg_rows_get(&drift->records, record, "statement");
	const char *identity = mg_rows_get(rows, change, "identity");
	const char *was = earlier_identity(drift, change);
	const char *member = member_name(drift, change);

	if (!tag_fits(rows, change, mg_rows_get(&drift->records, record, "tag")))
		return 0;
	if (!touches(drift, record, identity, member) &&
		(was == NULL || !touches(drift, record, was, member)))
		return 0;
	return member != NULL && statement != NULL && mentions(statement, member) ? 2 : 1;
}

/* Marks the records that fit a change best. */
static bool *
culprits(const Drift *drift, int change, int *count)
{
	int records = drift->records.count;
	bool *chosen = mg_alloc(drift->context->arena, (size_t) (records + 1) * sizeof(bool));
	int *fits = mg_alloc(drift->context->arena, (size_t) (records + 1) * sizeof(int));
	int best = 1;

	for (int r = 0; r < records; r++)
	{
		fits[r] = fit(drift, r, change);
		best = fits[r] > best ? fits[r] : best;
	}
	*count = 0;
	for (int r = 0; r < records; r++)
		*count += chosen[r] = fits[r] == best;
	return chosen;
}

static bool
is_drift(const MgRows *rows, int r, bool strict)
{
	return strict || strcmp(mg_rows_get(rows, r, "class"), "real") == 0 ||
		   strcmp(mg_rows_get(rows, r, "data_loss"), "certain") == 0;
}

/* Who is on record for a change, below its sentence. */
static void
print_culprits(void *arg, int change, int indent)
{
	Drift *drift = arg;
	const MgContext *context = drift->context;
	int found;
	const bool *chosen = culprits(drift, change, &found);

	for (int r = 0; r < drift->records.count; r++)
	{
		const char *application = mg_rows_get(&drift->records, r, "application");
		const char *address = mg_rows_get(&drift->records, r, "address");
		const char *run = mg_rows_get(&drift->records, r, "during_run");
		MgBuf line;

		if (!chosen[r])
			continue;
		mg_buf_init(&line, context->arena);
		mg_buf_addf(&line, "by %s, %s", mg_rows_get(&drift->records, r, "user"),
					mg_report_time(context->arena, mg_rows_get(&drift->records, r, "at")));
		if (application != NULL && *application != '\0')
			mg_buf_addf(&line, ", %s", application);
		if (address != NULL)
			mg_buf_addf(&line, " from %s", address);
		if (run != NULL)
			mg_buf_addf(&line, ", while run %.8s was under way", run);
		mg_buf_addf(&line, ": %s", mg_rows_get(&drift->records, r, "statement"));
		printf("%*s%s\n", indent, "",
			   mg_report_color(context, MG_COLOR_DIM, mg_report_clean(context->arena, line.data)));
	}
	drift->unexplained += found == 0;
}

static void
print_text(Drift *drift)
{
	const MgContext *context = drift->context;
	const char *label = mg_rows_get(&drift->header, 0, "label");
	const char *run = mg_rows_get(&drift->header, 0, "run_id");
	const MgDiffNotes notes = { print_culprits, drift };

	printf("compared with %s, taken %s%s%s\n", mg_report_clean(context->arena, drift->reference),
		   mg_report_time(context->arena, mg_rows_get(&drift->header, 0, "taken_at")),
		   run != NULL ? mg_printf(context->arena, " by run %.8s", run) :
		   label != NULL ?
						 mg_printf(context->arena, " as %s", mg_report_clean(context->arena, label)) :
						 "",
		   drift->changes.count > 0 ? "\n" : "");
	mg_diff_print_text(context, &drift->changes, &notes);
	if (drift->unexplained > 0 && strcmp(mg_rows_get(&drift->header, 0, "recording"), "t") != 0)
		mg_log_warning("DDL outside of runs is not being recorded: nobody is named for %s; see "
					   "safedeploy.record_drift",
					   mg_text_count(context->arena, drift->unexplained, "change"));
}

static void
print_json(Drift *drift)
{
	cJSON *root = cJSON_CreateObject();
	cJSON *changes = cJSON_CreateArray();

	mg_json_bool(root, "drift", drift->counting > 0);
	mg_json_text(root, "reference", drift->reference);
	mg_json_text(root, "taken_at", mg_rows_get(&drift->header, 0, "taken_at"));
	mg_json_bool(root, "recording", strcmp(mg_rows_get(&drift->header, 0, "recording"), "t") == 0);
	cJSON_AddItemToObject(root, "totals", mg_diff_totals(drift->context, &drift->changes));
	for (int c = 0; c < drift->changes.count; c++)
	{
		cJSON *change = mg_json_row(&drift->changes, c);
		cJSON *by = cJSON_CreateArray();
		int found;
		const bool *chosen = culprits(drift, c, &found);

		for (int r = 0; r < drift->records.count; r++)
			if (mg_rows_get(&drift->changes, c, "cause") == NULL && chosen[r])
				cJSON_AddItemToArray(by, mg_json_row(&drift->records, r));
		cJSON_AddItemToObject(change, "by", by);
		cJSON_AddItemToArray(changes, change);
	}
	cJSON_AddItemToObject(root, "changes", changes);
	cJSON_AddItemToObject(root, "recorded", mg_json_rows(&drift->records));
	mg_json_print(stdout, root);
}

static bool
read_drift(Drift *drift, MgPg *pg, MgError *err)
{
	MgContext *context = drift->context;
	const char *facets =
		mg_diff_facets(context->arena, mg_cli_flag(context, &mg_cmd_drift, "facets"));
	bool strict = mg_cli_flag(context, &mg_cmd_drift, "strict") != NULL;
	long long id;

	if (!mg_transaction_begin(pg, err) ||
		!mg_snapshot_resolve(context, pg, drift->reference, false, &id, err) ||
		!mg_snapshot_diff(pg, id, 0, facets, &drift->changes, err) ||
		!mg_snapshot_header(pg, id, &drift->header, err) ||
		!mg_drift_records(pg, mg_rows_get(&drift->header, 0, "taken_at"), &drift->records, err) ||
		!mg_transaction_end(pg, false, err))
		return false;
	drift->objects = mg_alloc(context->arena, (size_t) (drift->records.count + 1) * sizeof(cJSON *));
	for (int r = 0; r < drift->records.count; r++)
		drift->objects[r] = cJSON_Parse(mg_rows_get(&drift->records, r, "objects"));
	for (int r = 0; r < drift->changes.count; r++)
		drift->counting += is_drift(&drift->changes, r, strict);
	return true;
}

static bool
run_drift(MgContext *context, int *exit_code, MgError *err)
{
	Drift drift = { 0 };
	MgPg *pg = NULL;
	bool ok;

	if (context->nargs > 1)
	{
		mg_err_set(err, MG_EXIT_USAGE, "\"drift\" takes one reference");
		return mg_err_hint(err,
						   "It is last-good when nothing is said, else an id, a label or a file.");
	}
	drift.context = context;
	drift.reference = context->nargs == 1 ? context->args[0] : "last-good";
	if (!mg_session_open(context, "drift", &pg, err))
		return false;
	ok = read_drift(&drift, pg, err);
	mg_pg_close(pg);
	if (!ok)
		return false;
	if (context->format == MG_FORMAT_JSON)
		print_json(&drift);
	else
		print_text(&drift);
	for (int r = 0; r < drift.records.count; r++)
		cJSON_Delete(drift.objects[r]);
	*exit_code = drift.counting == 0 ? MG_EXIT_DONE : MG_EXIT_DRIFT;
	return true;
}

const MgCommand mg_cmd_drift = {
	.name = "drift",
	.operands = "[REFERENCE]",
	.summary = "show what was changed in the schema since it was left, and by whom",
	.description =
		"REFERENCE is what the schema should be: the snapshot of the last run that ended well "
		"(last-good, the default), the id or label of a stored snapshot, or a file made by "
		"\"migguard snapshot --export\", such as one that is kept beside the migrations. Each change "
		"is shown as by \"migguard diff\", with who is on record for it: DDL made outside of a run "
		"is recorded by sessions that have the library loaded. Ends with 0 when nothing real "
		"differs and with 30 otherwise; a table or column that was dropped and made anew counts "
		"although its definition is the same, comments and the order of columns only with --strict.",
	.needs_database = true,
	.options = options,
	.run = run_drift,
};
