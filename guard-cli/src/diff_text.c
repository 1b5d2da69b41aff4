/*
 * diff_text.c
 *	  Changes for people, grouped by object, consequences under their root, and
 *	  as JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "common/sd_codes.h"
#include "diff_report.h"
#include "json.h"
#include "report.h"
#include "text.h"
#include "udiff.h"

/* Severities from the one that matters most. */
static const struct
{
	const char *name;
	MgColor color;
} severities[] = {
	{ "destructive", MG_COLOR_RED }, { "security", MG_COLOR_RED }, { "breaking", MG_COLOR_YELLOW },
	{ "locking", MG_COLOR_YELLOW },	 { "caution", MG_COLOR_NONE }, { "additive", MG_COLOR_GREEN },
	{ "info", MG_COLOR_DIM },
};

#define MG_SEVERITIES ((int) (sizeof severities / sizeof severities[0]))

/* What kind of change it is, at a glance. */
static const struct
{
	const char *op;
	const char *sign;
	MgColor color;
} signs[] = {
	{ "add", "+", MG_COLOR_GREEN },	   { "drop", "-", MG_COLOR_RED },
	{ "alter", "~", MG_COLOR_YELLOW }, { "rename", ">", MG_COLOR_YELLOW },
	{ "move", ">", MG_COLOR_YELLOW },  { "recreate", "!", MG_COLOR_RED },
	{ "rewrite", "!", MG_COLOR_RED },  { "reorder", ".", MG_COLOR_DIM },
	{ "unknown", "?", MG_COLOR_RED },
};

/* Where the values of a change are printed. */
typedef struct Values
{
	const MgContext *context;
	int indent;
} Values;

static int
severity_of(const MgRows *rows, int r)
{
	const char *name = mg_rows_get(rows, r, "severity");

	for (int s = 0; s < MG_SEVERITIES; s++)
		if (strcmp(severities[s].name, name) == 0)
			return s;
	return MG_SEVERITIES - 1;
}

static char *
sign_of(const MgContext *context, const char *op)
{
	for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
		if (strcmp(op, signs[i].op) == 0)
			return mg_report_color(context, signs[i].color, signs[i].sign);
	return mg_strdup(context->arena, "?");
}

/* The text of a JSON string; NULL for any other value. */
static char *
string_of(const MgContext *context, const char *json)
{
	cJSON *value = json != NULL ? cJSON_Parse(json) : NULL;
	char *text = cJSON_IsString(value) ? mg_strdup(context->arena, value->valuestring) : NULL;

	cJSON_Delete(value);
	return text;
}

/* Lines of a hunk are enough to see what changed in a body or a query. */
static void
print_hunk_line(void *arg, char mark, const char *text)
{
	const Values *values = arg;
	char *line = mg_printf(values->context->arena, "%c%s", mark,
						   mg_report_clean(values->context->arena, text));

	if (mark != '@' && mark != '\\')
		printf("%*s%s\n", values->indent, "",
			   mg_report_color(values->context,
							   mark == '-' ? MG_COLOR_RED :
							   mark == '+' ? MG_COLOR_GREEN :
											 MG_COLOR_NONE,
							   line));
}

static void
print_side(const Values *values, const char *label, const char *value, const char *summary)
{
	char *clean;

	if (value == NULL)
		return;
	clean = mg_report_clean(values->context->arena, value);
	/* a string of the JSON is in the sentence with the same quotes */
	if (strstr(summary, clean) == NULL)
		printf("%*s%s %s\n", values->indent, "", label, clean);
}

/* Values that the sentence does not show in full stand below it. */
static void
print_values(const MgContext *context, int indent, const char *old, const char *new,
			 const char *summary)
{
	Values values = { context, indent };
	char *old_text = string_of(context, old);
	char *new_text = string_of(context, new);

	if (old_text != NULL && new_text != NULL &&
		(strchr(old_text, '\n') != NULL || strchr(new_text, '\n') != NULL))
	{
		mg_udiff(context->arena, mg_printf(context->arena, "%s\n", old_text),
				 mg_printf(context->arena, "%s\n", new_text), 1, print_hunk_line, &values);
		return;
	}
	print_side(&values, "old:", old, summary);
	print_side(&values, "new:", new, summary);
}

static void
print_change(const MgContext *context, const MgRows *rows, int r, int indent)
{
	const char *op = mg_rows_get(rows, r, "op");
	const char *class_name = mg_rows_get(rows, r, "class");
	const char *loss = mg_rows_get(rows, r, "data_loss");
	char *summary = mg_report_clean(context->arena, mg_rows_get(rows, r, "summary"));
	int severity = severity_of(rows, r);
	MgBuf notes;

	mg_buf_init(&notes, context->arena);
	mg_buf_add(&notes, severities[severity].name);
	if (strcmp(class_name, "real") != 0)
		mg_buf_addf(&notes, ", %s", class_name);
	if (strcmp(loss, "none") != 0)
		mg_buf_addf(&notes, ", data loss %s", loss);
	printf("%*s%s %s [%s]\n", indent, "", sign_of(context, op), summary,
		   mg_report_color(context, severities[severity].color, notes.data));
	/* A whole object's definition is in the JSON; here only what changed inside one. */
	if (mg_rows_get(rows, r, "path") != NULL && strcmp(op, "alter") == 0 &&
		strcmp(severities[severity].name, "info") != 0)
		print_values(context, indent + 6, mg_rows_get(rows, r, "old"), mg_rows_get(rows, r, "new"),
					 summary);
}

/* "table app.t" */
static void
print_object(const MgContext *context, const MgRows *rows, int r)
{
	char *name = mg_printf(context->arena, "%s %s", mg_rows_get(rows, r, "object"),
						   mg_rows_get(rows, r, "identity"));

	puts(mg_report_color(context, MG_COLOR_BOLD, mg_report_clean(context->arena, name)));
}

static bool
same_object(const MgRows *rows, int a, int b)
{
	return strcmp(mg_rows_get(rows, a, "object"), mg_rows_get(rows, b, "object")) == 0 &&
		   strcmp(mg_rows_get(rows, a, "identity"), mg_rows_get(rows, b, "identity")) == 0;
}

/* How many steps a row is away from its root; causes stand before what follows from them. */
static int *
depths(const MgContext *context, const MgRows *rows)
{
	int *depth = mg_alloc(context->arena, (size_t) (rows->count + 1) * sizeof(int));

	for (int r = 0; r < rows->count; r++)
	{
		const char *cause = mg_rows_get(rows, r, "cause");
		int row = cause != NULL ? atoi(cause) - 1 : -1;

		depth[r] = row >= 0 && row < r ? depth[row] + 1 : 0;
	}
	return depth;
}

/* "2 destructive, 1 breaking" of the rows; "" for none. */
static char *
counts_text(const MgContext *context, const int *counts)
{
	MgBuf text;

	mg_buf_init(&text, context->arena);
	for (int s = 0; s < MG_SEVERITIES; s++)
		if (counts[s] > 0)
			mg_buf_addf(&text, "%s%s", text.len > 0 ? ", " : "",
						mg_report_color(context, severities[s].color,
										mg_printf(context->arena, "%d %s", counts[s],
												  severities[s].name)));
	return text.data;
}

static int
count_where(const MgRows *rows, const char *column, const char *value)
{
	int count = 0;

	for (int r = 0; r < rows->count; r++)
		count += strcmp(mg_rows_get(rows, r, column), value) == 0;
	return count;
}

static void
print_totals(const MgContext *context, const MgRows *rows, const int *depth)
{
	int counts[MG_SEVERITIES] = { 0 };
	int roots = 0;
	int certain = count_where(rows, "data_loss", "certain");
	int possible = count_where(rows, "data_loss", "possible");

	for (int r = 0; r < rows->count; r++)
	{
		counts[severity_of(rows, r)]++;
		roots += depth[r] == 0;
	}
	printf("\n%s", mg_text_count(context->arena, roots, "change"));
	if (rows->count > roots)
		printf(", %d more that follow", rows->count - roots);
	printf(": %s\n", counts_text(context, counts));
	if (certain + possible > 0)
		printf("data loss: %d certain, %d possible\n", certain, possible);
}

void
mg_diff_print_text(const MgContext *context, const MgRows *rows, const MgDiffNotes *notes)
{
	int *depth = depths(context, rows);
	int root = -1;

	if (rows->count == 0)
	{
		puts("no differences");
		return;
	}
	for (int r = 0; r < rows->count; r++)
	{
		if (depth[r] == 0)
		{
			if (root < 0 || !same_object(rows, root, r))
				print_object(context, rows, r);
			root = r;
		}
		print_change(context, rows, r, 2 + 4 * depth[r]);
		if (depth[r] == 0 && notes != NULL)
			notes->print(notes->arg, r, 8);
	}
	print_totals(context, rows, depth);
}

cJSON *
mg_diff_totals(const MgContext *context, const MgRows *rows)
{
	static const char *const losses[] = { "certain", "possible", "none" };
	cJSON *totals = cJSON_CreateObject();
	cJSON *severity = cJSON_CreateObject();
	cJSON *loss = cJSON_CreateObject();
	int *depth = depths(context, rows);
	int roots = 0;

	for (int r = 0; r < rows->count; r++)
		roots += depth[r] == 0;
	mg_json_int(totals, "changes", rows->count);
	mg_json_int(totals, "roots", roots);
	for (int s = 0; s < MG_SEVERITIES; s++)
		mg_json_int(severity, severities[s].name, count_where(rows, "severity", severities[s].name));
	for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
		mg_json_int(loss, losses[i], count_where(rows, "data_loss", losses[i]));
	cJSON_AddItemToObject(totals, "severity", severity);
	cJSON_AddItemToObject(totals, "data_loss", loss);
	return totals;
}

void
mg_diff_print_json(const MgContext *context, const MgRows *rows, const char *old_name,
				   const char *new_name, bool equal)
{
	cJSON *root = cJSON_CreateObject();

	mg_json_bool(root, "equal", equal);
	mg_json_text(root, "old", old_name);
	mg_json_text(root, "new", new_name);
	cJSON_AddItemToObject(root, "totals", mg_diff_totals(context, rows));
	mg_json_print_rows(stdout, root, "changes", rows);
}

char *
mg_diff_facets(MgArena *arena, const char *list)
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
