/*
 * tool_util.c
 *	  What the wrapped tools share: finding the tool in a command line, running
 *	  its program, telling people why it failed.
 */
#include "tool_util.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "log.h"

/* A look at the tool's own files, which needs no database, takes no longer than this. */
#define MG_TOOL_OFFLINE_MS 300000
#define MG_TOOL_MAX_OUTPUT ((size_t) 256 * 1024 * 1024)

/* Programs that start another in an environment of their own, and the words between. */
static const char *const wrappers[][3] = {
	{ "poetry", "run", NULL }, { "uv", "run", NULL },	 { "pipenv", "run", NULL },
	{ "pdm", "run", NULL },	   { "hatch", "run", NULL }, { "rye", "run", NULL },
};

static bool
is_python(const char *path)
{
	const char *name = mg_file_name(path);

	return strncmp(name, "python", 6) == 0 && name[6 + strspn(name + 6, "0123456789.")] == '\0';
}

int
mg_tool_program(char *const *argv, const char *name, const char *module)
{
	int at = 0;

	if (argv == NULL || argv[0] == NULL)
		return -1;
	for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0]; i++)
		if (strcmp(mg_file_name(argv[0]), wrappers[i][0]) == 0 && argv[1] != NULL &&
			strcmp(argv[1], wrappers[i][1]) == 0)
			at = 2;
	if (argv[at] == NULL)
		return -1;
	if (strcmp(mg_file_name(argv[at]), name) == 0)
		return at + 1;
	if (module != NULL && is_python(argv[at]) && argv[at + 1] != NULL &&
		strcmp(argv[at + 1], "-m") == 0 && argv[at + 2] != NULL && strcmp(argv[at + 2], module) == 0)
		return at + 3;
	return -1;
}

char *
mg_tool_quote(MgArena *arena, const char *name)
{
	MgBuf buf;

	if (!isdigit((unsigned char) name[0]) && name[0] != '\0' &&
		name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0')
		return mg_strdup(arena, name);
	mg_buf_init(&buf, arena);
	mg_buf_add(&buf, "\"");
	for (; *name != '\0'; name++)
		mg_buf_add_bytes(&buf, *name == '"' ? "\"\"" : name, *name == '"' ? 2 : 1);
	mg_buf_add(&buf, "\"");
	return buf.data;
}

void
mg_tool_words(MgStrings *words, const char *text)
{
	while (*text != '\0')
	{
		size_t len = strcspn(text, " \t\n");

		if (len > 0)
			mg_strings_add(words, mg_strndup(words->arena, text, len));
		text += len;
		text += strspn(text, " \t\n");
	}
}

bool
mg_tool_target(MgTool *tool, MgTarget *target)
{
	const char *url = mg_config_string(tool->config, MG_SET_DATABASE_URL);
	MgError ignored;

	if (url == NULL)
		url = getenv("DATABASE_URL");
	mg_err_init(&ignored, tool->arena);
	return mg_target_parse(tool->arena, url, target, &ignored);
}

bool
mg_tool_exec(MgTool *tool, const MgToolSession *session, char *const *argv, const char *input,
			 MgChildResult *result, MgError *err)
{
	return mg_tool_exec_with(tool, session, argv, NULL, input, result, err);
}

bool
mg_tool_exec_with(MgTool *tool, const MgToolSession *session, char *const *argv,
				  const MgStrings *more, const char *input, MgChildResult *result, MgError *err)
{
	MgStrings environment;
	MgChildSpec spec = { .argv = argv,
						 .input = input,
						 .directory = mg_config_string(tool->config, MG_SET_TOOL_WORKDIR),
						 .timeout_ms = session->timeout_ms,
						 .target = session->target,
						 .application_name = session->application_name,
						 .stop_on_signal = true };

	memset(result, 0, sizeof *result);
	mg_tool_environment(tool, session, &environment);
	for (int i = 0; more != NULL && i < more->count; i++)
	{
		const char *equals = strchr(more->items[i], '=');

		mg_strings_setenv(&environment,
						  mg_strndup(tool->arena, more->items[i], (size_t) (equals - more->items[i])),
						  equals + 1);
	}
	spec.env = environment.items;
	return mg_child_run(tool->arena, &spec, result, err);
}

static bool
collect(void *arg, const char *data, size_t len)
{
	MgBuf *output = arg;

	if (output->len + len > MG_TOOL_MAX_OUTPUT)
		return false;
	mg_buf_add_bytes(output, data, len);
	return true;
}

bool
mg_tool_read_all(MgTool *tool, MgToolReading *readings, int count, MgError *err)
{
	MgToolSession session = { .application_name = "migguard", .run_id = "", .fence_token = "" };
	MgChildSpec *specs = mg_alloc(tool->arena, (size_t) count * sizeof *specs);
	MgChildResult *results = mg_alloc(tool->arena, (size_t) count * sizeof *results);
	MgBuf *collected = mg_alloc(tool->arena, (size_t) count * sizeof *collected);
	MgTarget target;
	MgStrings environment;
	bool ok;

	if (mg_tool_target(tool, &target))
		session.target = &target;
	mg_tool_environment(tool, &session, &environment);
	for (int i = 0; i < count; i++)
	{
		mg_buf_init(&collected[i], tool->arena);
		specs[i] = (MgChildSpec){ .argv = readings[i].argv,
								  .env = environment.items,
								  .directory = mg_config_string(tool->config, MG_SET_TOOL_WORKDIR),
								  .timeout_ms = MG_TOOL_OFFLINE_MS,
								  .stop_on_signal = true,
								  .sink = collect,
								  .sink_arg = &collected[i] };
	}
	ok = mg_child_run_all(tool->arena, specs, results, count, err);
	for (int i = 0; i < count; i++)
	{
		readings[i].result = results[i];
		readings[i].output = mg_log_redact(tool->arena, collected[i].data);
	}
	return ok;
}

bool
mg_tool_read(MgTool *tool, char *const *argv, const char **output, MgChildResult *result, MgError *err)
{
	MgToolReading reading = { .argv = argv };
	bool ok = mg_tool_read_all(tool, &reading, 1, err);

	*result = reading.result;
	*output = reading.output;
	return ok;
}

void
mg_tool_idle(MgTool *tool, MgChildResult *result)
{
	memset(result, 0, sizeof *result);
	result->out = mg_strdup(tool->arena, "");
	result->err = mg_strdup(tool->arena, "");
}

bool
mg_tool_time_left(const MgToolSession *session, MgChildResult *total, MgToolSession *rest)
{
	*rest = *session;
	if (session->timeout_ms <= 0)
		return true;
	rest->timeout_ms = session->timeout_ms - total->elapsed_us / 1000;
	if (rest->timeout_ms > 0)
		return true;
	total->timed_out = true;
	total->exit_code = -1;
	return false;
}

void
mg_tool_add_result(MgTool *tool, MgChildResult *total, const MgChildResult *last)
{
	MgChildResult sum = *last;

	sum.started |= total->started;
	sum.elapsed_us += total->elapsed_us;
	sum.sessions_seen += total->sessions_seen;
	sum.out = mg_printf(tool->arena, "%s%s", total->out, last->out != NULL ? last->out : "");
	sum.err = mg_printf(tool->arena, "%s%s", total->err, last->err != NULL ? last->err : "");
	*total = sum;
}

/* The last line that is indented by nothing: an exception's message, psql's "ERROR:", "FAILED:". */
static char *
last_line(MgArena *arena, const char *text)
{
	const char *found = "";
	size_t found_len = 0;

	while (text != NULL && *text != '\0')
	{
		size_t len = strcspn(text, "\n");

		if (len > 0 && !isspace((unsigned char) text[0]) && text[0] != '[' && text[0] != '(')
		{
			found = text;
			found_len = len;
		}
		text += len;
		text += *text == '\n';
	}
	return mg_strndup(arena, found, found_len);
}

char *
mg_tool_reason(MgArena *arena, const MgChildResult *result)
{
	static const char *const marks[] = { "FAILED:", "ERROR:", "Error:" };
	const char *const texts[] = { result->err, result->out };

	for (size_t m = 0; m < sizeof marks / sizeof marks[0]; m++)
		for (size_t t = 0; t < 2; t++)
		{
			const char *at = texts[t] != NULL ? strstr(texts[t], marks[m]) : NULL;

			/* "SyntaxError: ..." from the beginning of its line */
			while (at != NULL && at > texts[t] && at[-1] != '\n')
				at--;
			if (at != NULL)
				return mg_strndup(arena, at, strcspn(at, "\n"));
		}
	for (size_t t = 0; t < 2; t++)
	{
		char *line = last_line(arena, texts[t]);

		if (line[0] != '\0')
			return line;
	}
	return mg_strdup(arena, "");
}

bool
mg_tool_connect(MgTool *tool, const MgToolSession *session, MgPg **pg, MgError *err)
{
	return mg_pg_open(tool->arena, session->target, "migguard", pg, err);
}

char *
mg_tool_directory(MgTool *tool)
{
	const char *directory = mg_config_string(tool->config, MG_SET_TOOL_WORKDIR);

	if (directory != NULL)
		return mg_file_absolute(tool->arena, NULL, directory);
	return mg_file_absolute(tool->arena, NULL, "");
}

void
mg_revisions_set(MgArena *arena, MgRevisions *revisions, const MgStrings *ids)
{
	revisions->count = ids->count;
	revisions->ids = mg_alloc(arena, (size_t) (ids->count + 1) * sizeof(char *));
	for (int i = 0; i < ids->count; i++)
		revisions->ids[i] = ids->items[i];
}

void
mg_migrations_add(MgArena *arena, MgMigrations *list, const MgMigration *migration)
{
	/* Room is doubled whenever the count is a power of two. */
	if ((list->count & (list->count - 1)) == 0)
	{
		int size = list->count == 0 ? 1 : list->count * 2;
		MgMigration *items = mg_alloc(arena, (size_t) size * sizeof *items);

		if (list->count > 0)
			memcpy(items, list->items, (size_t) list->count * sizeof *items);
		list->items = items;
	}
	list->items[list->count++] = *migration;
}

bool
mg_tool_too_far(const char *name, MgError *err)
{
	mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" leads further than there are migrations", name);
	return mg_err_hint(err, "Name the migration; \"base\" is before the first, \"head\" the newest.");
}
