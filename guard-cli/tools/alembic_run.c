/*
 * alembic_run.c
 *	  Running Alembic: in a session of a database, or for what it prints.
 */
#include <string.h>
#include <unistd.h>

#include "alembic.h"
#include "alembic_ini.h"
#include "file.h"
#include "tool_util.h"

/* The words to run: the program, its options with that ini (NULL: the user's), then rest. */
static void
build_argv(MgTool *tool, const char *ini, char *const *rest, MgStrings *argv)
{
	const MgAlembicCommand *command = &mg_alembic(tool)->command;

	mg_strings_init(argv, tool->arena);
	for (int i = 0; i < command->program.count; i++)
		mg_strings_add(argv, command->program.items[i]);
	if (ini == NULL)
		ini = command->ini;
	if (ini != NULL)
		mg_strings_addf(argv, "--config=%s", ini);
	if (strcmp(command->section, "alembic") != 0)
		mg_strings_addf(argv, "--name=%s", command->section);
	for (int i = 0; i < command->globals.count; i++)
		mg_strings_add(argv, command->globals.items[i]);
	for (; *rest != NULL; rest++)
		mg_strings_add(argv, *rest);
}

bool
mg_alembic_run(MgTool *tool, const MgToolSession *session, char *const *rest, MgChildResult *result,
			   MgError *err)
{
	MgAlembic *state = mg_alembic(tool);
	const char *scheme = mg_config_string(tool->config, MG_SET_TOOL_URL_SCHEME);
	MgStrings argv;
	char *path = NULL;
	int fd = -1;
	bool ok;

	if (state->ini_has_url)
	{
		char *old = mg_alembic_ini_value(tool->arena, state->ini_text, state->command.section,
										 "sqlalchemy.url");
		const char *end = strstr(old, "://");
		char *url;

		if (scheme == NULL && end != NULL)
			scheme = mg_strndup(tool->arena, old, (size_t) (end - old));
		url = mg_target_url(tool->arena, mg_tool_plain_target(tool, session->target), scheme, true);
		if (!mg_file_unnamed(tool->arena,
							 mg_alembic_ini_redirect(tool->arena, state->ini_text,
													 state->command.section, url,
													 mg_strndup(tool->arena, state->ini_path,
																(size_t) (mg_file_name(state->ini_path) -
																		  state->ini_path - 1))),
							 &fd, &path, err))
			return false;
	}
	build_argv(tool, path, rest, &argv);
	ok = mg_tool_exec(tool, session, argv.items, NULL, result, err);
	if (fd >= 0)
		close(fd);
	return ok;
}

void
mg_alembic_put(MgTool *tool, char *const *rest, MgToolReading *reading)
{
	MgStrings argv;

	build_argv(tool, NULL, rest, &argv);
	*reading = (MgToolReading){ .argv = argv.items };
}

bool
mg_alembic_ask(MgTool *tool, char *const *rest, const char **output, MgChildResult *result,
			   MgError *err)
{
	MgToolReading reading;
	bool ok;

	mg_alembic_put(tool, rest, &reading);
	ok = mg_tool_read_all(tool, &reading, 1, err);
	*output = reading.output;
	*result = reading.result;
	return ok;
}

const char *
mg_alembic_reason(MgTool *tool, const MgChildResult *result, const char *output)
{
	MgChildResult both = *result;

	both.out = mg_strdup(tool->arena, output);
	return mg_tool_reason(tool->arena, &both);
}
