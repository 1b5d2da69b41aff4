/*
 * tool.c
 *	  The list of wrapped tools, the choice among them, the environment of their programs.
 */
#include "tool.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "tool_util.h"
#include "tools.h"

extern char **environ;

const MgToolOps *const mg_tools[] = { &mg_tool_alembic, &mg_tool_flyway, &mg_tool_sql, NULL };

static const MgToolOps *
tool_by_name(const char *name)
{
	for (const MgToolOps *const *ops = mg_tools; *ops != NULL; ops++)
		if (strcmp((*ops)->name, name) == 0)
			return *ops;
	return NULL;
}

static const MgToolOps *
tool_by_command(char *const *argv)
{
	for (const MgToolOps *const *ops = mg_tools; *ops != NULL; ops++)
		if ((*ops)->recognise(argv))
			return *ops;
	return NULL;
}

static char *
tool_names(MgArena *arena)
{
	MgBuf names;

	mg_buf_init(&names, arena);
	for (const MgToolOps *const *ops = mg_tools; *ops != NULL; ops++)
		mg_buf_addf(&names, "%s%s", names.len == 0 ? "" : ", ", (*ops)->name);
	return names.data;
}

/* The first words of a command line, for messages; the rest may hold secrets. */
static const char *
command_text(MgArena *arena, char *const *argv)
{
	MgBuf text;

	mg_buf_init(&text, arena);
	for (int i = 0; i < 4 && argv[i] != NULL; i++)
		mg_buf_addf(&text, "%s%s", i == 0 ? "" : " ", argv[i]);
	if (argv[0] != NULL && argv[1] != NULL && argv[2] != NULL && argv[3] != NULL && argv[4] != NULL)
		mg_buf_add(&text, " ...");
	return mg_log_redact(arena, text.data);
}

static bool
choose_tool(MgTool *tool, MgError *err)
{
	const char *name = mg_config_string(tool->config, MG_SET_TOOL_NAME);

	if (name != NULL)
	{
		tool->ops = tool_by_name(name);
		if (tool->ops == NULL)
		{
			mg_err_set(err, MG_EXIT_CONFIG, "there is no tool \"%s\"", name);
			mg_err_detail(err, "It is named by %s.",
						  mg_config_source(tool->config, MG_SET_TOOL_NAME));
			return mg_err_hint(err, "The tools are: %s.", tool_names(tool->arena));
		}
	}
	if (tool->argv == NULL)
	{
		if (tool->ops != NULL)
			return true;
		mg_err_set(err, MG_EXIT_USAGE, "no migration tool is named");
		return mg_err_hint(err,
						   "Give its command after \"--\", such as \"-- alembic upgrade head\", "
						   "or set name in section [tool] of migguard.ini to one of: %s.",
						   tool_names(tool->arena));
	}
	if (tool->ops == NULL)
		tool->ops = tool_by_command(tool->argv);
	if (tool->ops == NULL || !tool->ops->recognise(tool->argv))
	{
		mg_err_set(err, MG_EXIT_USAGE, "the command after \"--\" is not an upgrade of %s",
				   tool->ops != NULL ? tool->ops->name : "a tool that migguard knows");
		mg_err_detail(err, "The command is: %s", command_text(tool->arena, tool->argv));
		return mg_err_hint(err, "Give the very command that upgrades the database, such as "
								"\"alembic upgrade head\" or \"flyway migrate\".");
	}
	return true;
}

bool
mg_tool_open(MgArena *arena, const MgConfig *config, char *const *argv, MgTool **tool, MgError *err)
{
	MgTool *made = mg_alloc(arena, sizeof *made);

	made->arena = arena;
	made->config = config;
	made->argv = argv != NULL && argv[0] != NULL ? argv : NULL;
	*tool = made;
	return choose_tool(made, err) && made->ops->open(made, err);
}

static const char *
keyword_value(const MgTarget *target, const char *keyword)
{
	for (int i = 0; target->keywords[i] != NULL; i++)
		if (strcmp(target->keywords[i], keyword) == 0)
			return target->values[i];
	return NULL;
}

/* In a URL, options and application name would win over PGOPTIONS and PGAPPNAME. */
const MgTarget *
mg_tool_plain_target(MgTool *tool, const MgTarget *target)
{
	MgTarget *plain = mg_alloc(tool->arena, sizeof *plain);
	int count = 0;
	int kept = 0;

	*plain = *target;
	while (target->keywords[count] != NULL)
		count++;
	plain->keywords = mg_alloc(tool->arena, (size_t) (count + 1) * sizeof(char *));
	plain->values = mg_alloc(tool->arena, (size_t) (count + 1) * sizeof(char *));
	for (int i = 0; i < count; i++)
		if (strcmp(target->keywords[i], "options") != 0 &&
			strcmp(target->keywords[i], "application_name") != 0 &&
			strcmp(target->keywords[i], "fallback_application_name") != 0)
		{
			plain->keywords[kept] = target->keywords[i];
			plain->values[kept++] = target->values[i];
		}
	return plain;
}

/* A value for PGOPTIONS, where blanks separate and a backslash quotes. */
static void
add_option(MgBuf *options, const char *name, const char *value)
{
	mg_buf_addf(options, "%s-c %s=", options->len == 0 ? "" : " ", name);
	for (; *value != '\0'; value++)
	{
		if (*value == ' ' || *value == '\\' || *value == '\t' || *value == '\n')
			mg_buf_add(options, "\\");
		mg_buf_add_bytes(options, value, 1);
	}
}

char *
mg_tool_session_options(MgTool *tool, const MgToolSession *session)
{
	/* The target has what PGOPTIONS or the URL said. */
	const char *inherited =
		session->target != NULL ? keyword_value(session->target, "options") : getenv("PGOPTIONS");
	MgBuf options;

	mg_buf_init(&options, tool->arena);
	/* What comes later wins: the user's own before ours, but for how long a silent client lives. */
	add_option(&options, "tcp_keepalives_idle", "5");
	add_option(&options, "tcp_keepalives_interval", "5");
	add_option(&options, "tcp_keepalives_count", "3");
	add_option(&options, "tcp_user_timeout", "20000");
	if (inherited != NULL && *inherited != '\0')
		mg_buf_addf(&options, " %s", inherited);
	/* 0 as well: whatever the role has set, a run waits as long as its settings say */
	if (session->run_id != NULL && session->run_id[0] != '\0')
	{
		add_option(&options, "lock_timeout",
				   mg_printf(tool->arena, "%lld", session->lock_timeout_ms));
		add_option(&options, "safedeploy.concurrently_lock_timeout",
				   mg_printf(tool->arena, "%lld", session->concurrently_lock_timeout_ms));
	}
	if (session->statement_timeout_ms > 0)
		add_option(&options, "statement_timeout",
				   mg_printf(tool->arena, "%lld", session->statement_timeout_ms));
	/* A backend whose client is gone must not go on until it next writes to it. */
	if (session->server_version >= 140000)
		add_option(&options, "client_connection_check_interval", "500");
	if (session->run_id != NULL && session->run_id[0] != '\0')
		add_option(&options, "safedeploy.run_id", session->run_id);
	if (session->fence_token != NULL && session->fence_token[0] != '\0')
		add_option(&options, "safedeploy.fence_token", session->fence_token);
	if (session->trace)
		add_option(&options, "safedeploy.trace", "on");
	if (session->arm_fence || session->trace)
		add_option(&options, "local_preload_libraries", "safedeploy");
	return options.data;
}

/* Replaces {url}, {host}, {port}, {database}, {user} and {password}. */
static char *
expand(MgTool *tool, const char *text, const MgTarget *target)
{
	const char *scheme = mg_config_string(tool->config, MG_SET_TOOL_URL_SCHEME);
	const char *const values[][2] = {
		{ "{url}", mg_target_url(tool->arena, target, scheme, true) },
		{ "{host}", target->host },
		{ "{port}", target->port },
		{ "{database}", target->database },
		{ "{user}", target->user },
		{ "{password}", target->password },
	};
	MgBuf buf;

	mg_buf_init(&buf, tool->arena);
	while (*text != '\0')
	{
		size_t skip = 0;

		for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
			if (strncmp(text, values[i][0], strlen(values[i][0])) == 0)
			{
				mg_buf_add(&buf, values[i][1]);
				skip = strlen(values[i][0]);
				break;
			}
		if (skip == 0)
		{
			mg_buf_add_bytes(&buf, text, 1);
			skip = 1;
		}
		text += skip;
	}
	return buf.data;
}

static bool
same_place(const MgTarget *a, const MgTarget *b)
{
	return strcmp(a->host, b->host) == 0 && strcmp(a->port, b->port) == 0 &&
		   strcmp(a->database, b->database) == 0 && strcmp(a->user, b->user) == 0 &&
		   strcmp(a->password, b->password) == 0;
}

/* The scheme of a URL, NULL when the text is not one. */
static char *
scheme_of(MgArena *arena, const char *url)
{
	const char *end = url != NULL ? strstr(url, "://") : NULL;

	return end != NULL ? mg_strndup(arena, url, (size_t) (end - url)) : NULL;
}

/*
 * The URL in a variable of the user's is left alone when it leads to the target
 * already: it may hold parameters that only its driver understands.
 */
static void
set_url(MgTool *tool, const MgTarget *target, const char *name, MgStrings *environment)
{
	const char *given = getenv(name);
	const char *scheme = mg_config_string(tool->config, MG_SET_TOOL_URL_SCHEME);
	MgTarget parsed;
	MgError ignored;

	mg_err_init(&ignored, tool->arena);
	if (given != NULL && mg_target_parse(tool->arena, given, &parsed, &ignored))
	{
		if (scheme == NULL && same_place(&parsed, target) && strstr(given, "options=") == NULL &&
			strstr(given, "application_name=") == NULL)
			return;
	}
	if (scheme == NULL)
		scheme = scheme_of(tool->arena, given);
	mg_strings_setenv(environment, name, mg_target_url(tool->arena, target, scheme, true));
}

void
mg_tool_environment(MgTool *tool, const MgToolSession *session, MgStrings *environment)
{
	MgStrings names;

	mg_strings_init(environment, tool->arena);
	for (char **entry = environ; *entry != NULL; entry++)
		mg_strings_add(environment, *entry);
	if (session->target != NULL)
	{
		const MgTarget *target = mg_tool_plain_target(tool, session->target);

		mg_target_setenv(target, environment);
		mg_config_list(tool->config, MG_SET_TOOL_URL_ENV, &names);
		for (int i = 0; i < names.count; i++)
			set_url(tool, target, names.items[i], environment);
		for (const MgNamed *n = mg_config_named(tool->config, "env"); n != NULL; n = n->next)
			mg_strings_setenv(environment, n->name, expand(tool, n->value, target));
	}
	mg_strings_setenv(environment, "PGAPPNAME", session->application_name);
	mg_strings_setenv(environment, "PGOPTIONS", mg_tool_session_options(tool, session));
}

char *
mg_revisions_text(MgArena *arena, const MgRevisions *revisions)
{
	MgBuf text;

	mg_buf_init(&text, arena);
	for (int i = 0; i < revisions->count; i++)
		mg_buf_addf(&text, "%s%s", i == 0 ? "" : ", ", revisions->ids[i]);
	return revisions->count == 0 ? mg_strdup(arena, "(base)") : text.data;
}

static bool
has_revision(const MgRevisions *revisions, const char *id)
{
	for (int i = 0; i < revisions->count; i++)
		if (strcmp(revisions->ids[i], id) == 0)
			return true;
	return false;
}

bool
mg_revisions_equal(const MgRevisions *a, const MgRevisions *b)
{
	if (a->count != b->count)
		return false;
	for (int i = 0; i < a->count; i++)
		if (!has_revision(b, a->ids[i]))
			return false;
	return true;
}
