/*
 * observe_report.c
 *	  Predicted beside observed, for people and for machines.
 */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "observe.h"
#include "report.h"
#include "text.h"

enum
{
	COLUMN_STATEMENT,
	COLUMN_EFFECT,
	COLUMN_OBJECT,
	COLUMN_PREDICTED,
	COLUMN_OBSERVED,
	COLUMN_AGAIN,
	COLUMN_LIVE,
	COLUMN_TIME,
	COLUMNS
};

static const char *const column_names[COLUMNS] = { "statement", "effect", "object", "predicted",
												   "observed",	"again",  "live",	"time" };

/* What one side says of an effect. */
static const char *
cell(const MgStatement *side, const MgEffect *effect)
{
	const MgEffect *its;

	if (side == NULL)
		return "unknown";
	its = mg_effect_find(&side->effects, effect);
	if (its == NULL)
		return "-";
	if (its->lock_mode != NULL)
		return its->lock_mode;
	return its->certain ? "yes" : "maybe";
}

static char **
add_row(MgRun *run, MgRows *rows)
{
	char **old = rows->cells;

	if ((rows->count & (rows->count - 1)) == 0)
	{
		rows->cells = mg_alloc(run->arena, (size_t) (rows->count * 2 + 1) * COLUMNS * sizeof(char *));
		if (rows->count > 0)
			memcpy(rows->cells, old, (size_t) rows->count * COLUMNS * sizeof(char *));
	}
	return &rows->cells[COLUMNS * rows->count++];
}

static char *
elapsed(MgRun *run, const MgStatement *statement)
{
	const char *ms = mg_rows_get(statement->rows, statement->row, "duration_ms");

	return mg_printf(run->arena, "%.*s ms", (int) (strcspn(ms, ".") + (strchr(ms, '.') ? 2 : 0)), ms);
}

/* What ran inside of another statement is marked by its depth. */
static char *
marked(MgRun *run, const MgStatement *statement)
{
	static const char marks[] = ">>>>>>>>";
	int depth = statement->nesting < (int) strlen(marks) ? statement->nesting : (int) strlen(marks);

	return mg_printf(run->arena, "%.*s%s%s", depth, marks, depth > 0 ? " " : "", statement->text);
}

static void
add_effect(MgRun *run, MgRows *rows, const MgPassage *passage, const MgStatement *statement,
		   const MgEffect *effect, bool first)
{
	char **cells = add_row(run, rows);

	memset(cells, 0, COLUMNS * sizeof(char *));
	if (first)
	{
		cells[COLUMN_STATEMENT] = marked(run, statement);
		cells[COLUMN_TIME] = elapsed(run, statement);
	}
	cells[COLUMN_EFFECT] = mg_strdup(run->arena, effect->effect);
	cells[COLUMN_OBJECT] = mg_strdup(run->arena, effect->object != NULL ? effect->object :
												 effect->detail != NULL ? effect->detail :
																		  "");
	/* the prediction is of the statement around it */
	if (statement->nesting == 0)
		cells[COLUMN_PREDICTED] = mg_strdup(run->arena, cell(statement->guess, effect));
	cells[COLUMN_OBSERVED] = mg_strdup(run->arena, cell(statement, effect));
	cells[COLUMN_AGAIN] = mg_strdup(run->arena, cell(statement->again, effect));
	cells[COLUMN_LIVE] =
		mg_strdup(run->arena, passage->was_live ? cell(statement->live, effect) : "");
}

static void
add_statement(MgRun *run, MgRows *rows, const MgPassage *passage, const MgStatement *statement)
{
	int from = rows->count;

	for (int i = 0; i < statement->effects.count; i++)
		add_effect(run, rows, passage, statement, &statement->effects.items[i], rows->count == from);
	for (int i = 0; statement->guess != NULL && i < statement->guess->effects.count; i++)
		if (mg_effect_find(&statement->effects, &statement->guess->effects.items[i]) == NULL)
			add_effect(run, rows, passage, statement, &statement->guess->effects.items[i],
					   rows->count == from);
}

/* Without a rehearsal, what the live run did is all there is. */
static const MgStatements *
listed(const MgPassage *passage)
{
	return passage->was_rehearsed ? &passage->rehearsed : &passage->live;
}

static void
print_passage(MgRun *run, const MgPassage *passage, bool again, const char *title)
{
	const MgStatements *list = listed(passage);
	const MgColumn with_again = { "again", "again", 0 };
	const MgColumn with_live = { "live", "live", 0 };
	MgColumn columns[COLUMNS + 1] = { { "statement", "statement", 48 },
									  { "effect", "effect", 0 },
									  { "object", "object", 40 },
									  { "predicted", "predicted", 0 },
									  { "observed",
										passage->was_rehearsed ? "rehearsed" : "observed", 0 } };
	int n = 5;
	MgRows rows = { .columns = COLUMNS };

	if (again)
		columns[n++] = with_again;
	if (passage->was_rehearsed && passage->was_live)
		columns[n++] = with_live;
	rows.names = mg_alloc(run->arena, COLUMNS * sizeof(char *));
	for (int c = 0; c < COLUMNS; c++)
		rows.names[c] = mg_strdup(run->arena, column_names[c]);
	for (int i = 0; i < list->count; i++)
		if (!mg_statement_is_dull(&list->items[i]))
			add_statement(run, &rows, passage, &list->items[i]);
	if (rows.count == 0)
		return;
	printf("\n%s", title);
	mg_report_table(run->context, &rows, columns);
	printf("\n");
}

void
mg_observe_print(MgRun *run)
{
	const MgPassage *passes = run->observation->passes;

	print_passage(run, &passes[MG_PASS_UP], passes[MG_PASS_AGAIN].was_rehearsed, "");
	print_passage(run, &passes[MG_PASS_DOWN], false, "downgrade:\n");
}

static cJSON *
effects_json(const MgStatement *side)
{
	cJSON *array;

	if (side == NULL)
		return cJSON_CreateNull();
	array = cJSON_CreateArray();
	for (int i = 0; i < side->effects.count; i++)
	{
		const MgEffect *effect = &side->effects.items[i];
		cJSON *item = cJSON_CreateObject();

		mg_json_text(item, "effect", effect->effect);
		mg_json_text(item, "kind", effect->kind);
		mg_json_text(item, "object", effect->object);
		mg_json_text(item, "lock_mode", effect->lock_mode);
		mg_json_bool(item, "certain", effect->certain);
		mg_json_text(item, "detail", effect->detail);
		cJSON_AddItemToArray(array, item);
	}
	return array;
}

/* How it went, on one of both databases. */
static cJSON *
figures_json(const MgStatement *statement)
{
	static const char *const figures[] = { "duration_ms", "lock_wait_ms", "rows",	 "wal_bytes",
										   "sqlstate",	  "rolled_back",  "messages" };
	cJSON *item = cJSON_CreateObject();

	for (int c = 0; c < statement->rows->columns; c++)
		for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
			if (strcmp(statement->rows->names[c], figures[i]) == 0)
				mg_json_cell(item, statement->rows, statement->row, c);
	return item;
}

static void
add_side(cJSON *item, const char *effects, const char *figures, const MgStatement *side)
{
	cJSON_AddItemToObject(item, effects, effects_json(side));
	cJSON_AddItemToObject(item, figures, side != NULL ? figures_json(side) : cJSON_CreateNull());
}

cJSON *
mg_observe_json(MgRun *run, MgPass pass)
{
	const MgPassage *passage = &run->observation->passes[pass];
	const MgStatements *list = listed(passage);
	bool rehearsed = passage->was_rehearsed;
	cJSON *array = cJSON_CreateArray();

	for (int i = 0; i < list->count; i++)
	{
		const MgStatement *statement = &list->items[i];
		cJSON *item;

		if (mg_statement_is_dull(statement))
			continue;
		item = cJSON_CreateObject();
		mg_json_text(item, "statement", statement->text);
		mg_json_text(item, "tag", mg_rows_get(statement->rows, statement->row, "tag"));
		mg_json_int(item, "transaction", statement->transaction);
		mg_json_int(item, "nesting", statement->nesting);
		cJSON_AddItemToObject(item, "predicted", effects_json(statement->guess));
		add_side(item, "observed", "observed_figures", rehearsed ? statement : NULL);
		add_side(item, "again", "again_figures", rehearsed ? statement->again : NULL);
		add_side(item, "live", "live_figures", rehearsed ? statement->live : statement);
		cJSON_AddItemToArray(array, item);
	}
	return array;
}
