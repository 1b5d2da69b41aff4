/*
 * cmd_diff.c
 *	  migguard diff: how two snapshots differ.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "report.h"
#include "session.h"
#include "snapshot_ref.h"

extern const MgCommand mg_cmd_diff;

static const MgOption options[] = {
	{ '\0', "facets", "LIST", MG_SETTING_COUNT, NULL,
	  "compare only these facets, such as core,security,owner" },
	{ '\0', "strict", NULL, MG_SETTING_COUNT, "on",
	  "let differences of comments and of column order count as well" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

/* "a, b" as an array literal; NULL stays NULL. */
static char *
facet_array(MgArena *arena, const char *list)
{
	MgStrings items;

	if (list == NULL)
		return NULL;
	mg_strings_init(&items, arena);
	while (*list != '\0')
	{
		size_t len;

		list += strspn(list, ", ");
		len = strcspn(list, ", ");
		if (len > 0)
			mg_strings_add(&items, mg_strndup(arena, list, len));
		list += len;
	}
	return mg_pg_array(arena, items.items, items.count);
}

/* What kind of change it is, at a glance. */
static const char *
sign_of(const char *op)
{
	static const char *const signs[][2] = { { "add", "+" },		{ "drop", "-" },
											{ "alter", "~" },	{ "rename", ">" },
											{ "move", ">" },	{ "recreate", "!" },
											{ "rewrite", "!" }, { "reorder", "." },
											{ "unknown", "?" } };

	for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
		if (strcmp(op, signs[i][0]) == 0)
			return signs[i][1];
	return "?";
}

static MgColor
color_of(const char *op)
{
	switch (sign_of(op)[0])
	{
		case '+':
			return MG_COLOR_GREEN;
		case '-':
		case '!':
			return MG_COLOR_RED;
		case '.':
			return MG_COLOR_DIM;
		default:
			return MG_COLOR_YELLOW;
	}
}

static void
print_side(const MgContext *context, const char *label, const char *value)
{
	if (value != NULL)
		printf("        %s %s\n", label, mg_report_clean(context->arena, value));
}

static void
print_change(const MgContext *context, const MgRows *rows, int r)
{
	const char *op = mg_rows_get(rows, r, "op");
	const char *summary = mg_rows_get(rows, r, "summary");
	const char *path = mg_rows_get(rows, r, "path");
	const char *loss = mg_rows_get(rows, r, "data_loss");
	MgBuf notes;

	mg_buf_init(&notes, context->arena);
	mg_buf_addf(&notes, "%s, %s", mg_rows_get(rows, r, "class"), mg_rows_get(rows, r, "severity"));
	if (loss != NULL && strcmp(loss, "none") != 0)
		mg_buf_addf(&notes, ", data loss %s", loss);
	printf("  %s %s [%s]\n", mg_report_color(context, color_of(op), sign_of(op)),
		   mg_report_clean(context->arena, summary), notes.data);
	/* A whole object's definition is in the JSON; here only what changed inside one. */
	if (path != NULL && strcmp(op, "alter") == 0)
	{
		print_side(context, "old:", mg_rows_get(rows, r, "old"));
		print_side(context, "new:", mg_rows_get(rows, r, "new"));
	}
}

/* A row, and the first row about the same object. */
typedef struct Place
{
	const char *identity;
	int row;
	int first;
} Place;

static int
by_identity(const void *a, const void *b)
{
	const Place *x = a;
	const Place *y = b;
	int order = strcmp(x->identity, y->identity);

	return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

static int
by_first(const void *a, const void *b)
{
	const Place *x = a;
	const Place *y = b;

	if (x->first != y->first)
		return (x->first > y->first) - (x->first < y->first);
	return (x->row > y->row) - (x->row < y->row);
}

/* Changes of one object stand together, in the place of its first one. */
static void
print_text(const MgContext *context, const MgRows *rows)
{
	Place *places = mg_alloc(context->arena, (size_t) rows->count * sizeof(Place) + 1);

	if (rows->count == 0)
		puts("no differences");
	for (int r = 0; r < rows->count; r++)
		places[r] = (Place){ mg_rows_get(rows, r, "identity"), r, r };
	qsort(places, (size_t) rows->count, sizeof(Place), by_identity);
	for (int i = 1; i < rows->count; i++)
		if (strcmp(places[i].identity, places[i - 1].identity) == 0)
			places[i].first = places[i - 1].first;
	qsort(places, (size_t) rows->count, sizeof(Place), by_first);
	for (int i = 0; i < rows->count; i++)
	{
		if (places[i].first == places[i].row)
			printf("%s\n", mg_report_color(context, MG_COLOR_BOLD,
										   mg_report_clean(context->arena, places[i].identity)));
		print_change(context, rows, places[i].row);
	}
}

static int
count_counting(const MgRows *rows, bool strict)
{
	int count = 0;

	for (int r = 0; r < rows->count; r++)
		count += strict || strcmp(mg_rows_get(rows, r, "class"), "real") == 0;
	return count;
}

static bool
compare(MgContext *context, MgPg *pg, MgRows *rows, MgError *err)
{
	const char *facets = facet_array(context->arena, mg_cli_flag(context, &mg_cmd_diff, "facets"));
	const char *newer = context->nargs == 2 ? context->args[1] : "live";
	long long old_id;
	long long new_id;

	/* Files and "live" are stored for the comparison and taken back with the transaction. */
	return mg_transaction_begin(pg, err) &&
		   mg_snapshot_resolve(pg, context->args[0], false, &old_id, err) &&
		   mg_snapshot_resolve(pg, newer, true, &new_id, err) &&
		   mg_snapshot_diff(pg, old_id, new_id, facets, rows, err) &&
		   mg_transaction_end(pg, false, err);
}

static bool
run_diff(MgContext *context, int *exit_code, MgError *err)
{
	bool strict = mg_cli_flag(context, &mg_cmd_diff, "strict") != NULL;
	MgPg *pg = NULL;
	MgRows rows;
	int counting;

	if (context->nargs < 1 || context->nargs > 2)
	{
		mg_err_set(err, MG_EXIT_USAGE, "\"diff\" takes one or two snapshots");
		return mg_err_hint(err, "Each is an id, a file of \"migguard snapshot --export\", or live.");
	}
	if (!mg_session_open(context, "diff", &pg, err))
		return false;
	if (!compare(context, pg, &rows, err))
	{
		mg_pg_close(pg);
		return false;
	}
	mg_pg_close(pg);
	counting = count_counting(&rows, strict);
	if (context->format == MG_FORMAT_JSON)
	{
		cJSON *root = cJSON_CreateObject();

		mg_json_bool(root, "equal", counting == 0);
		cJSON_AddItemToObject(root, "changes", mg_json_rows(&rows));
		mg_json_print(stdout, root);
	}
	else
		print_text(context, &rows);
	*exit_code = counting == 0 ? MG_EXIT_DONE : MG_EXIT_DRIFT;
	return true;
}

const MgCommand mg_cmd_diff = {
	.name = "diff",
	.operands = "OLD [NEW]",
	.summary = "show how two snapshots of the schema differ",
	.description =
		"OLD and NEW are ids of stored snapshots, files made by \"migguard snapshot --export\", or "
		"the word live for the schema as it is, which is also what a missing NEW means. The facets of an object are core, security, owner, "
		"storage, comment, version and order. Ends with 0 "
		"when nothing real differs and with 30 otherwise; comments and the order of columns are "
		"shown but count only with --strict.",
	.needs_database = true,
	.options = options,
	.run = run_diff,
};
