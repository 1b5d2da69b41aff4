/*
 * lint_flyway.c
 *	  Flyway's migrations: names, placeholders, transactions.
 */
#include <ctype.h>
#include <string.h>

#include "file.h"
#include "flyway.h"
#include "lint_source.h"
#include "tools.h"

/* The settings; read once, from what the configuration names or from above the file. */
static bool
load_settings(MgLintSources *sources, const char *path, MgError *err)
{
	static const char *const names[] = { "flyway.toml", "flyway.conf", "conf/flyway.toml",
										 "conf/flyway.conf" };
	MgTool *tool;
	const char *found = NULL;

	if (sources->flyway != NULL)
		return true;
	if (mg_config_string(sources->config, MG_SET_TOOL_CONFIG) == NULL)
		for (size_t i = 0; i < sizeof names / sizeof names[0] && found == NULL; i++)
			found = mg_lint_find_above(sources->arena, path, names[i]);
	if (found != NULL &&
		!mg_config_set(sources->config, MG_SET_TOOL_CONFIG, found, "the migrations' place", err))
		return false;
	tool = mg_alloc(sources->arena, sizeof *tool);
	tool->ops = &mg_tool_flyway;
	tool->arena = sources->arena;
	tool->config = sources->config;
	sources->flyway = tool;
	return mg_flyway_settings(tool, err);
}

bool
mg_lint_flyway_place(MgLintSources *sources, MgLintSource *source, MgError *err)
{
	const char *tool = mg_config_string(sources->config, MG_SET_TOOL_NAME);
	bool named = tool != NULL && strcmp(tool, "flyway") == 0;
	MgFlywayConfig usual;
	MgFlywayFile file;

	/* other tools have such names too; these only Flyway has */
	if (!named && strstr(mg_file_name(source->path), "__") == NULL)
		return true;
	if (named && !load_settings(sources, source->path, err))
		return false;
	mg_flyway_config_init(&usual, sources->arena);
	if (!mg_flyway_file_name(named ? &mg_flyway(sources->flyway)->config : &usual, source->path,
							 &file))
		return true;
	source->kind = MG_LINT_FLYWAY;
	source->version = file.version;
	source->down = file.kind == MG_FLYWAY_UNDO;
	source->apart = file.kind == MG_FLYWAY_BASELINE;
	source->rank = file.kind == MG_FLYWAY_REPEATABLE ? 1 : 0;
	return true;
}

/* A placeholder without a value, as something that can be part of a name. */
static char *
stand_in(MgArena *arena, const char *name)
{
	char *word = mg_strdup(arena, name);

	for (char *p = word; *p != '\0'; p++)
		if (!isalnum((unsigned char) *p) && *p != '_')
			*p = '_';
	return word;
}

static void
add_span(MgLintSources *sources, MgLintPart *part, MgLintSpan span)
{
	MgLintSpan *spans;

	/* Room is doubled whenever the count is a power of two. */
	if ((part->span_count & (part->span_count - 1)) == 0)
	{
		int size = part->span_count == 0 ? 1 : part->span_count * 2;

		spans = mg_alloc(sources->arena, (size_t) size * sizeof *spans);
		if (part->span_count > 0)
			memcpy(spans, part->spans, (size_t) part->span_count * sizeof *spans);
		part->spans = spans;
	}
	spans = (MgLintSpan *) part->spans;
	spans[part->span_count++] = span;
}

static void
report_unknown(MgLintSources *sources, const MgLintSource *source, MgLintFile *file,
			   const MgFlywayPlace *place)
{
	size_t start = (size_t) (place->start - source->text);
	MgLintFinding finding = {
		.rule = "placeholder-unknown",
		.object = place->name,
		.message = mg_printf(sources->arena,
							 "placeholder %.*s has no value, so that Flyway refuses the migration",
							 (int) (place->end - place->start), place->start),
		.hint =
			mg_printf(sources->arena,
					  "Set placeholders.%s in flyway.toml, flyway.conf or by FLYWAY_PLACEHOLDERS_%s.",
					  place->name, place->name),
	};

	if (file != NULL)
		mg_lint_report(sources->lint, file, start, (size_t) (place->end - source->text), &finding);
}

bool
mg_lint_flyway_parts(MgLintSources *sources, const MgLintSource *source, MgLintFile *file,
					 MgLintPart *parts, int *count, MgError *err)
{
	MgLintPart *part = &parts[(*count)++];
	char *own = mg_printf(sources->arena, "%s.conf", source->path);
	MgFlywayFile migration = { .path = source->path, .text = source->text };
	MgFlywayConfig config;
	MgFlywayPlaces places;
	MgFlywayPlace place;
	const char *text = source->text;
	MgBuf buf;

	if (!load_settings(sources, source->path, err))
		return false;
	config = mg_flyway(sources->flyway)->config;
	places = mg_flyway_places(sources->flyway, sources->target);
	*part = (MgLintPart){ .down = source->down, .in_transaction = true, .by_content = true };
	/* settings of this script only */
	if (mg_file_kind(own) == MG_FILE_REGULAR)
	{
		MgFlywaySetting *items = mg_alloc(sources->arena, (size_t) config.size * sizeof *items);

		memcpy(items, config.items, (size_t) config.count * sizeof *items);
		config.items = items;
		if (!mg_flyway_config_read(&config, own, err))
			return false;
		if (mg_flyway_config_get(&config, "executeInTransaction", NULL) != NULL)
		{
			part->by_content = false;
			part->in_transaction = mg_flyway_config_bool(&config, "executeInTransaction", true);
		}
	}
	mg_buf_init(&buf, sources->arena);
	add_span(sources, part, (MgLintSpan){ .file = file });
	for (; mg_flyway_next_place(&config, &places, &migration, text, &place); text = place.end)
	{
		mg_buf_add_bytes(&buf, text, (size_t) (place.start - text));
		add_span(sources, part,
				 (MgLintSpan){ buf.len, file, (size_t) (place.start - source->text), true });
		if (place.value == NULL)
			report_unknown(sources, source, file, &place);
		mg_buf_add(&buf, place.value != NULL ? place.value : stand_in(sources->arena, place.name));
		add_span(sources, part,
				 (MgLintSpan){ buf.len, file, (size_t) (place.end - source->text), false });
	}
	mg_buf_add(&buf, text);
	part->text = buf.data;
	return true;
}
