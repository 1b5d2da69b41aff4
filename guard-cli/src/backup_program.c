/*
 * backup_program.c
 *	  pg_dump and pg_restore as backups run them.
 */
#include "backup_program.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAIL_LINES 20
#define MOST_LINES 5

/* What it said of its failure, without what it said of its progress. */
static char *
complaint(MgArena *arena, const MgChildResult *result)
{
	static const char *const marks[] = { "error:", "detail:", "hint:", "warning:" };
	char *tail = mg_child_tail(arena, result, TAIL_LINES);
	MgBuf text;
	char *save = NULL;
	int lines = 0;

	mg_buf_init(&text, arena);
	for (char *line = strtok_r(mg_strdup(arena, tail), "\n", &save);
		 line != NULL && lines < MOST_LINES; line = strtok_r(NULL, "\n", &save))
		for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
			if (strstr(line, marks[i]) != NULL)
			{
				mg_buf_addf(&text, "%s%s", text.len > 0 ? "\n" : "", line);
				lines++;
				break;
			}
	return text.len > 0 ? text.data : mg_child_tail(arena, result, MOST_LINES);
}

bool
mg_program_run(MgArena *arena, const MgProgram *program, MgChildResult *result, MgError *err)
{
	MgStrings env;
	MgChildSpec spec = { .argv = program->argv,
						 .target = program->target,
						 .application_name = program->application_name,
						 .stop_on_signal = true,
						 .sink = program->sink,
						 .sink_arg = program->arg,
						 .said = program->said };
	mode_t before;
	bool ok;

	mg_strings_init(&env, arena);
	for (char **e = environ; *e != NULL; e++)
		mg_strings_add(&env, *e);
	if (program->target != NULL)
		mg_target_setenv(program->target, &env);
	mg_strings_setenv(&env, "PGAPPNAME", program->application_name);
	spec.env = env.items;
	/* what it creates is ours alone */
	before = umask(077);
	ok = mg_child_run(arena, &spec, result, err);
	umask(before);
	if (!ok || mg_child_succeeded(result))
		return ok;
	if (result->sink_failed)
		return false;
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "%s %s", program->title,
			   mg_child_describe(arena, result));
	return mg_err_detail(err, "%s", complaint(arena, result));
}
