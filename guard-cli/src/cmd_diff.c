/*
 * cmd_diff.c
 *	  migguard diff: how two snapshots differ.
 */
#include <string.h>

#include "diff_report.h"
#include "pg_catalog_compare.h"
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

static int
count_counting(const MgRows *rows, bool strict)
{
	int count = 0;

	for (int r = 0; r < rows->count; r++)
		count += strict || strcmp(mg_rows_get(rows, r, "class"), "real") == 0;
	return count;
}

/* What is compared, by the user's names and by id; new_id 0 is the schema as it is. */
typedef struct Sides
{
	const char *old_name;
	const char *new_name;
	const char *facets; /* as an array literal, NULL for all */
	bool strict;
	long long old_id;
	long long new_id;
} Sides;

/* How a side is named in the output: a connection string without its password. */
static const char *
display_name(MgContext *context, const char *name)
{
	MgTarget target;
	MgError ignored;

	mg_err_init(&ignored, context->arena);
	if (mg_snapshot_is_database(name) && mg_target_parse(context->arena, name, &target, &ignored))
		return mg_target_display(context->arena, &target);
	return name;
}

/*
 * Two snapshots of elsewhere need a database to be compared in: one of them, when
 * nothing of the configured one is asked for.
 */
static bool
choose_home(MgContext *context, const Sides *sides, MgError *err)
{
	const char *home = mg_snapshot_is_database(sides->old_name) ? sides->old_name :
					   mg_snapshot_is_database(sides->new_name) ? sides->new_name :
																  NULL;

	if (home == NULL || !mg_snapshot_is_foreign(sides->old_name) ||
		!mg_snapshot_is_foreign(sides->new_name))
		return true;
	return mg_target_parse(context->arena, home, &context->target, err);
}

static void
print(MgContext *context, const Sides *sides, const MgRows *rows)
{
	if (context->format == MG_FORMAT_JSON)
		mg_diff_print_json(context, rows, display_name(context, sides->old_name),
						   display_name(context, sides->new_name),
						   count_counting(rows, sides->strict) == 0);
	else
		mg_diff_print_text(context, rows, NULL);
}

/* The header of a file is stored. */
static bool
import_started(void *compare, long long id, MgError *err)
{
	return mg_compare_stored(compare, id, err);
}

static bool
read_stored(MgContext *context, MgCompare *compare, MgPg *pg, const char *name, MgError *err)
{
	long long id;

	if (mg_snapshot_is_foreign(name))
		return mg_snapshot_import_file(pg, name, import_started, compare, &id, err);
	return mg_snapshot_resolve(context, pg, name, false, &id, err) &&
		   mg_compare_stored(compare, id, err);
}

static bool
open_side(MgContext *context, MgCompareSide *side, const char *name, MgError *err)
{
	side->stored = !mg_snapshot_is_live(name);
	return side->stored ? mg_session_open(context, "diff", &side->pg, err) :
						  mg_snapshot_open(context, name, &side->pg, err);
}

/* Each session reads its own side at the same time. */
static bool
compare_apart(MgContext *context, Sides *sides, MgRows *rows, MgError *err)
{
	MgCompare compare = { .facets = sides->facets,
						  .judge_owners = strcmp(sides->new_name, "live") == 0 };
	MgCompareSide *old_side = &compare.old_side;
	MgCompareSide *new_side = &compare.new_side;
	bool ok =
		choose_home(context, sides, err) && open_side(context, old_side, sides->old_name, err) &&
		open_side(context, new_side, sides->new_name, err) && mg_compare_begin(&compare, err) &&
		(!old_side->stored || read_stored(context, &compare, old_side->pg, sides->old_name, err)) &&
		(!new_side->stored || read_stored(context, &compare, new_side->pg, sides->new_name, err)) &&
		mg_compare_end(&compare, rows, err);

	mg_compare_free(&compare);
	if (ok)
		print(context, sides, rows);
	mg_pg_close(old_side->pg);
	mg_pg_close(new_side->pg);
	return ok;
}

/* Two databases, or one and a snapshot that is not of the session's own; statements are made of what is stored. */
static bool
is_apart(const MgContext *context, const Sides *sides)
{
	bool old_live = mg_snapshot_is_live(sides->old_name);
	bool new_live = mg_snapshot_is_live(sides->new_name);
	const char *live = old_live ? sides->old_name : sides->new_name;

	return context->format != MG_FORMAT_UNIFIED &&
		   ((old_live && new_live) || ((old_live || new_live) && strcmp(live, "live") != 0));
}

static bool
print_stored(MgContext *context, MgPg *pg, const Sides *sides, const MgRows *rows, MgError *err)
{
	if (context->format == MG_FORMAT_UNIFIED)
		return rows->count == 0 ||
			   mg_diff_print_unified(context, pg, sides->old_id, sides->new_id, sides->facets,
									 display_name(context, sides->old_name),
									 display_name(context, sides->new_name), err);
	print(context, sides, rows);
	return true;
}

/* Files, other databases and "live" are stored for the comparison and taken back with the transaction. */
static bool
compare_stored(MgContext *context, Sides *sides, MgRows *rows, MgError *err)
{
	bool live_ok = context->format != MG_FORMAT_UNIFIED;
	MgPg *pg = NULL;
	bool ok = choose_home(context, sides, err) && mg_session_open(context, "diff", &pg, err) &&
			  mg_transaction_begin(pg, err) &&
			  mg_snapshot_resolve(context, pg, sides->old_name, false, &sides->old_id, err) &&
			  mg_snapshot_resolve(context, pg, sides->new_name, live_ok, &sides->new_id, err) &&
			  mg_snapshot_diff(pg, sides->old_id, sides->new_id, sides->facets, rows, err) &&
			  print_stored(context, pg, sides, rows, err) && mg_transaction_end(pg, false, err);

	mg_pg_close(pg);
	return ok;
}

static bool
run_diff(MgContext *context, int *exit_code, MgError *err)
{
	Sides sides = { 0 };
	MgRows rows;
	bool ok;

	if (context->nargs < 1 || context->nargs > 2)
	{
		mg_err_set(err, MG_EXIT_USAGE, "\"diff\" takes one or two snapshots");
		return mg_err_hint(err,
						   "Each is an id, a label, a file of \"migguard snapshot --export\", a connection string, live or last-good.");
	}
	sides.old_name = context->args[0];
	sides.new_name = context->nargs == 2 ? context->args[1] : "live";
	sides.facets = mg_diff_facets(context->arena, mg_cli_flag(context, &mg_cmd_diff, "facets"));
	sides.strict = mg_cli_flag(context, &mg_cmd_diff, "strict") != NULL;
	ok = is_apart(context, &sides) ? compare_apart(context, &sides, &rows, err) :
									 compare_stored(context, &sides, &rows, err);
	if (ok)
		*exit_code = count_counting(&rows, sides.strict) == 0 ? MG_EXIT_DONE : MG_EXIT_DRIFT;
	return ok;
}

const MgCommand mg_cmd_diff = {
	.name = "diff",
	.operands = "OLD [NEW]",
	.summary = "show how two snapshots of the schema differ",
	.description =
		"OLD and NEW are each the id of a stored snapshot, its label (the newest of that label), a "
		"file made by \"migguard snapshot --export\", a connection string of another database that "
		"has the extension, the word last-good for the snapshot of the last run that ended well, or "
		"the word live for the schema as it is, which is also what a missing NEW means. Of two databases "
		"each is read by its own server at the same time, and nothing is stored in either. Changes "
		"stand under the object they are of, what follows from a change under that change, and their "
		"number by severity at the end. --format unified shows the statements that make each object, "
		"before and after, as lines with - and +. The facets of an object are core, security, owner, "
		"storage, comment, version, order and environment. Ends with 0 when nothing real differs and "
		"with 30 otherwise; comments and the order of columns are shown but count only with --strict.",
	.needs_database = true,
	.has_unified = true,
	.options = options,
	.run = run_diff,
};
