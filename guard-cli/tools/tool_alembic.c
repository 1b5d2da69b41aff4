/*
 * tool_alembic.c
 *	  Alembic, 1.8 and later.
 *
 * What is applied is read from Alembic's version table, which works for
 * revisions that the code does not know.
 * Alembic has no standard way to take a URL: the environment is set for env.py,
 * and an alembic.ini that holds one is replaced by a copy with another.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alembic.h"
#include "alembic_ini.h"
#include "alembic_text.h"
#include "file.h"
#include "log.h"
#include "pg_catalog_tool.h"
#include "tool_util.h"
#include "tools.h"

MgAlembic *
mg_alembic(MgTool *tool)
{
	return tool->state;
}

static bool
alembic_recognise(char *const *argv)
{
	MgArena *arena = mg_arena_new();
	MgAlembicCommand command;
	bool ok = mg_alembic_command_parse(arena, argv, true, &command);

	mg_arena_free(arena);
	return ok;
}

/* Reads the ini; when it holds a URL, only another ini leads to another database. */
static bool
load_ini(MgTool *tool, MgError *err)
{
	MgAlembic *state = mg_alembic(tool);
	const char *name = state->command.ini;
	const char *text;
	size_t len;

	if (name == NULL)
		name = getenv("ALEMBIC_CONFIG");
	if (name == NULL || mg_alembic_is_toml(name))
		name = "alembic.ini";
	state->ini_path = mg_file_absolute(tool->arena, mg_tool_directory(tool), name);
	if (mg_file_kind(state->ini_path) == MG_FILE_ABSENT)
		return true;
	if (!mg_file_read(tool->arena, state->ini_path, &text, &len, err))
		return false;
	state->ini_text = text;
	state->ini_has_url =
		mg_alembic_ini_value(tool->arena, text, state->command.section, "sqlalchemy.url") != NULL;
	return true;
}

static bool
alembic_open(MgTool *tool, MgError *err)
{
	MgAlembic *state = mg_alloc(tool->arena, sizeof *state);
	const char *text = mg_config_string(tool->config, MG_SET_TOOL_COMMAND);
	const char *ini = mg_config_string(tool->config, MG_SET_TOOL_CONFIG);
	MgStrings words;

	tool->state = state;
	mg_strings_init(&words, tool->arena);
	mg_tool_words(&words, text != NULL ? text : "alembic");
	if (!mg_alembic_command_parse(tool->arena, tool->argv != NULL ? tool->argv : words.items,
								  tool->argv != NULL, &state->command))
	{
		mg_err_set(err, MG_EXIT_CONFIG, "tool.command is not a command of Alembic's");
		mg_err_detail(err, "It is \"%s\", from %s.", text != NULL ? text : "alembic",
					  mg_config_source(tool->config, MG_SET_TOOL_COMMAND));
		return mg_err_hint(err, "Write \"alembic\", \"python -m alembic\" or a path to it, with "
								"options that stand before the command.");
	}
	if (state->command.ini == NULL && ini != NULL)
		state->command.ini = mg_file_absolute(tool->arena, NULL, ini);
	return load_ini(tool, err) && mg_alembic_load(tool, err);
}

/* The version table of this database; NULL when there is none yet. */
static bool
find_table(MgTool *tool, MgPg *pg, const char **table, MgError *err)
{
	const char *wanted = mg_config_string(tool->config, MG_SET_TOOL_VERSION_TABLE);
	MgStrings found;
	MgBuf names;

	*table = NULL;
	if (!mg_catalog_alembic_tables(pg, &found, err))
		return false;
	mg_buf_init(&names, tool->arena);
	for (int i = 0; i < found.count; i++)
	{
		mg_buf_addf(&names, "%s%s", i == 0 ? "" : ", ", found.items[i]);
		if (wanted != NULL ? strcmp(found.items[i], wanted) == 0 : found.count == 1)
			*table = mg_strdup(tool->arena, found.items[i]);
	}
	if (*table != NULL)
		mg_log_verbose("alembic: revisions are in %s", *table);
	if (*table != NULL || wanted != NULL || found.count == 0)
		return true;
	mg_err_set(err, MG_EXIT_CONFIG, "several tables may hold Alembic's revisions");
	mg_err_detail(err, "They are: %s.", names.data);
	return mg_err_hint(err, "Set version_table in section [tool] to the one of these migrations.");
}

bool
mg_alembic_current(MgTool *tool, MgPg *pg, MgRevisions *revisions, MgError *err)
{
	const char *table;
	MgStrings ids;

	if (!find_table(tool, pg, &table, err))
		return false;
	mg_strings_init(&ids, tool->arena);
	if (table != NULL && !mg_catalog_alembic_revisions(pg, table, &ids, err))
		return false;
	mg_revisions_set(tool->arena, revisions, &ids);
	return true;
}

static bool
alembic_check(MgTool *tool, MgPg *pg, const MgRevisions *current, MgError *err)
{
	MgAlembic *state = mg_alembic(tool);

	(void) pg;
	if (!mg_alembic_check_known(tool, current, err))
		return false;
	if (strcmp(mg_alembic_target(tool, NULL), "head") == 0 && state->heads.count > 1)
		return mg_alembic_several_heads(tool, err);
	return true;
}

static void
describe(MgTool *tool, const MgAlembicRevision *revision, MgMigration *migration)
{
	const char *text = "";
	size_t len;
	MgError ignored;

	mg_err_init(&ignored, tool->arena);
	if (revision->path != NULL)
		mg_file_read(tool->arena, revision->path, &text, &len, &ignored);
	if (text == NULL)
		text = "";
	*migration = (MgMigration){ .id = revision->id,
								.title = revision->title,
								.path = revision->path,
								.reversible = strstr(text, "def downgrade") != NULL,
								/* autocommit_block() prints its COMMIT and BEGIN */
								.transactional = true };
	if (migration->reversible)
		migration->down_path = revision->path;
}

static bool
alembic_pending(MgTool *tool, MgPg *pg, const MgRevisions *current, const char *target,
				MgMigrations *migrations, MgRevisions *resolved, MgError *err)
{
	MgAlembic *state = mg_alembic(tool);
	MgStrings ids;
	MgStrings tops;
	bool *applied;
	bool *wanted;

	(void) pg;
	memset(migrations, 0, sizeof *migrations);
	if (!mg_alembic_resolve(tool, current, mg_alembic_target(tool, target), &ids, err))
		return false;
	applied = mg_alembic_graph_closure(tool->arena, &state->graph, current->ids, current->count);
	wanted = mg_alembic_graph_closure(tool->arena, &state->graph, ids.items, ids.count);
	for (int i = 0; i < state->graph.count; i++)
	{
		MgMigration migration;

		if (wanted[i] && !applied[i])
		{
			describe(tool, &state->graph.items[i], &migration);
			mg_migrations_add(tool->arena, migrations, &migration);
		}
		wanted[i] |= applied[i];
	}
	mg_alembic_graph_tops(tool->arena, &state->graph, wanted, &tops);
	mg_revisions_set(tool->arena, resolved, &tops);
	return true;
}

static bool
alembic_locate(MgTool *tool, const MgRevisions *current, const char *name, MgRevisions *found,
			   MgError *err)
{
	MgAlembic *state = mg_alembic(tool);
	MgStrings ids;
	MgStrings tops;
	bool *applied;
	bool *kept;

	if (!mg_alembic_resolve(tool, current, name, &ids, err))
		return false;
	applied = mg_alembic_graph_closure(tool->arena, &state->graph, current->ids, current->count);
	kept = mg_alembic_graph_closure(tool->arena, &state->graph, ids.items, ids.count);
	for (int i = 0; i < state->graph.count; i++)
		if (kept[i] && !applied[i])
		{
			mg_err_set(err, MG_EXIT_CONFIG, "revision \"%s\" is not applied",
					   state->graph.items[i].id);
			mg_err_detail(err, "The database is at %s.", mg_revisions_text(tool->arena, current));
			return mg_err_hint(err, "A downgrade leads to a revision that is applied.");
		}
	/* Other branches stay, and what a merge joined stays as its parts. */
	if (ids.count > 0)
	{
		kept = mg_alembic_graph_closure(tool->arena, &state->graph, current->ids, current->count);
		for (int i = 0; i < ids.count; i++)
			mg_alembic_graph_downgrade(tool->arena, &state->graph, ids.items[i], kept);
	}
	mg_alembic_graph_tops(tool->arena, &state->graph, kept, &tops);
	mg_revisions_set(tool->arena, found, &tops);
	return true;
}

static const char *
below(const MgAlembicRevision *revision)
{
	if (revision->parents.count > 0)
		return revision->parents.items[0];
	return revision->depends.count > 0 ? revision->depends.items[0] : "base";
}

/* The words that ask for one revision alone. */
static char *
range_of(MgTool *tool, int at, MgDirection direction)
{
	const MgAlembicRevision *revision = &mg_alembic(tool)->graph.items[at];

	return direction == MG_UP ? mg_printf(tool->arena, "%s:%s", below(revision), revision->id) :
								mg_printf(tool->arena, "%s:%s", revision->id, below(revision));
}

/* The text between two revisions, as it is asked for. */
typedef struct Question
{
	const char *from;
	const char *to;
	MgDirection direction;
	int at; /* the revision that cannot be had where Alembic fails before any */
} Question;

static void
put_question(MgTool *tool, const Question *question, MgToolReading *reading)
{
	char *words[] = { (char *) (question->direction == MG_UP ? "upgrade" : "downgrade"),
					  mg_printf(tool->arena, "%s:%s", question->from, question->to),
					  (char *) "--sql", NULL };

	mg_alembic_put(tool, words, reading);
}

/*
 * Keeps the texts.  A revision that asks the database ends them: that one is
 * returned, with the reason kept, or -1.
 */
static int
take_answer(MgTool *tool, const Question *question, const MgToolReading *reading)
{
	MgAlembic *state = mg_alembic(tool);
	MgDirection direction = question->direction;
	bool succeeded = mg_child_succeeded(&reading->result);
	int broken = mg_alembic_text_split(tool->arena, &state->graph, reading->output,
									   direction == MG_UP, succeeded, state->texts[direction]);
	int at = broken >= 0 ? broken : question->at;

	if (!succeeded && state->texts[direction][at] == NULL)
		state->why_not[direction][at] =
			mg_printf(tool->arena, "alembic %s %s --sql %s: %s",
					  direction == MG_UP ? "upgrade" : "downgrade", range_of(tool, at, direction),
					  mg_child_describe(tool->arena, &reading->result),
					  mg_tool_reason(tool->arena, &reading->result));
	return broken;
}

static bool
ask_sql(MgTool *tool, const Question *question, int *broken, MgError *err)
{
	MgToolReading reading;

	put_question(tool, question, &reading);
	if (!mg_tool_read_all(tool, &reading, 1, err))
		return false;
	*broken = take_answer(tool, question, &reading);
	return true;
}

static bool
is_told(const MgAlembic *state, MgDirection direction, int at)
{
	return state->texts[direction][at] != NULL || state->why_not[direction][at] != NULL;
}

/* The newest revision above this one of whose downgrade nothing is known yet, by way of first parents. */
static int
top_untold(const MgAlembic *state, int at)
{
	int top = mg_alembic_graph_find(&state->graph, state->heads.items[0]);

	while (top >= 0 && top != at && is_told(state, MG_DOWN, top))
		top = mg_alembic_graph_find(&state->graph, below(&state->graph.items[top]));
	return top;
}

/*
 * One run of Alembic gives the text of all revisions above this one.  The way back, when
 * it will be wanted, is told by another at the same time.
 */
static bool
ask_up(MgTool *tool, int at, MgError *err)
{
	MgAlembic *state = mg_alembic(tool);
	const char *under = below(&state->graph.items[at]);
	bool one_head = state->heads.count == 1;
	int top =
		tool->both_ways && one_head && !is_told(state, MG_DOWN, at) ? top_untold(state, at) : -1;
	int count = top >= 0 ? 2 : 1;
	Question questions[2] = {
		{ under, one_head ? state->heads.items[0] : "heads", MG_UP, at },
	};
	MgToolReading readings[2];

	if (top >= 0)
		questions[1] = (Question){ state->graph.items[top].id, under, MG_DOWN, at };
	for (int i = 0; i < count; i++)
		put_question(tool, &questions[i], &readings[i]);
	if (!mg_tool_read_all(tool, readings, count, err))
		return false;
	for (int i = 0; i < count; i++)
		(void) take_answer(tool, &questions[i], &readings[i]);
	return true;
}

/* Likewise for the way back; behind a revision that asks the database the next run begins. */
static bool
ask_down(MgTool *tool, int at, MgError *err)
{
	MgAlembic *state = mg_alembic(tool);
	const char *under = below(&state->graph.items[at]);
	int broken = at;

	while (state->heads.count == 1 && broken >= 0 && !is_told(state, MG_DOWN, at))
	{
		int top = top_untold(state, at);

		if (top < 0)
			break;
		if (!ask_sql(tool, &(Question){ state->graph.items[top].id, under, MG_DOWN, at }, &broken,
					 err))
			return false;
		if (!is_told(state, MG_DOWN, top))
			break;
	}
	return true;
}

static bool
alembic_sql(MgTool *tool, const MgMigration *migration, MgDirection direction, const char **text,
			const char **why_not, MgError *err)
{
	MgAlembic *state = mg_alembic(tool);
	int at = mg_alembic_graph_find(&state->graph, migration->id);
	int broken;

	*text = *why_not = NULL;
	if (at < 0)
		return mg_err_set(err, MG_EXIT_INTERNAL, "no revision \"%s\"", migration->id);
	if (!is_told(state, direction, at) &&
		!(direction == MG_UP ? ask_up(tool, at, err) : ask_down(tool, at, err)))
		return false;
	/* what branches keep out of a run over all is asked for by itself */
	if (!is_told(state, direction, at))
	{
		const char *under = below(&state->graph.items[at]);
		Question alone = { direction == MG_UP ? under : migration->id,
						   direction == MG_UP ? migration->id : under, direction, at };

		if (!ask_sql(tool, &alone, &broken, err))
			return false;
		if (!is_told(state, direction, at))
			state->why_not[direction][at] = "alembic printed no text for it";
	}
	*text = state->texts[direction][at];
	*why_not = *text == NULL ? state->why_not[direction][at] : NULL;
	return true;
}

static bool
alembic_probe(MgTool *tool, const MgToolSession *session, MgChildResult *result, MgError *err)
{
	char *words[] = { (char *) "current", NULL };

	return mg_alembic_run(tool, session, words, result, err);
}

static bool
alembic_up(MgTool *tool, const MgToolSession *session, const char *target, MgChildResult *result,
		   MgError *err)
{
	const MgAlembicCommand *command = &mg_alembic(tool)->command;
	MgStrings words;

	mg_strings_init(&words, tool->arena);
	mg_strings_add(&words, "upgrade");
	for (int i = 0; i < command->options.count; i++)
		mg_strings_add(&words, command->options.items[i]);
	mg_strings_add(&words, mg_alembic_target(tool, target));
	return mg_alembic_run(tool, session, words.items, result, err);
}

/*
 * The name of the table that Alembic will make: the first thing in the text of an
 * upgrade from the base is its CREATE TABLE.  Unqualified, it is made in the
 * schema that comes first for the role.
 */
static bool
future_table(MgTool *tool, MgPg *pg, char **table, MgError *err)
{
	MgAlembic *state = mg_alembic(tool);
	static const char create[] = "CREATE TABLE ";
	char *name = mg_strdup(tool->arena, "alembic_version");
	char *schema;

	if (state->graph.count > 0)
	{
		char *words[] = { (char *) "upgrade",
						  mg_printf(tool->arena, "base:%s", state->graph.items[0].id),
						  (char *) "--sql", NULL };
		const char *output = "";
		const char *at;
		const char *end;
		MgChildResult result;

		if (!mg_alembic_ask(tool, words, &output, &result, err))
			return false;
		/* CREATE TABLE "my schema".versions (\n    version_num ... */
		at = strstr(output, create);
		end = at != NULL ? strstr(at, " (\n    version_num ") : NULL;
		if (end != NULL && end < at + strcspn(at, "\n"))
			name = mg_strndup(tool->arena, at + sizeof create - 1,
							  (size_t) (end - at) - (sizeof create - 1));
	}
	if (strchr(name, '.') == NULL)
	{
		if (!mg_catalog_default_schema(pg, &schema, err))
			return false;
		name = mg_printf(tool->arena, "%s.%s", schema, name);
	}
	*table = name;
	return true;
}

static bool
alembic_bookkeeping(MgTool *tool, MgPg *pg, MgStrings *tables, MgError *err)
{
	const char *named = mg_config_string(tool->config, MG_SET_TOOL_VERSION_TABLE);
	const char *table;
	char *future;

	mg_strings_init(tables, tool->arena);
	if (!find_table(tool, pg, &table, err))
		return false;
	if (table != NULL || named != NULL)
		mg_strings_add(tables, table != NULL ? table : named);
	else if (!future_table(tool, pg, &future, err))
		return false;
	else
		mg_strings_add(tables, future);
	return true;
}

const MgToolOps mg_tool_alembic = {
	.name = "alembic",
	.summary = "Alembic 1.8 and later",
	.recognise = alembic_recognise,
	.open = alembic_open,
	.current = mg_alembic_current,
	.check = alembic_check,
	.pending = alembic_pending,
	.locate = alembic_locate,
	.sql = alembic_sql,
	.probe = alembic_probe,
	.up = alembic_up,
	.down = mg_alembic_down,
	.paste = mg_alembic_paste,
	.bookkeeping = alembic_bookkeeping,
};
