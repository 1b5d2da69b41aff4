/*
 * cmd_init.c
 *	  migguard init: the extension, grants, and a configuration file to start from.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "log.h"
#include "pg_catalog_extension.h"
#include "report.h"

extern const MgCommand mg_cmd_init;

static const MgOption options[] = {
	{ '\0', "deployer", "ROLE", MG_SETTING_COUNT, NULL, "grant ROLE what a deploying role needs" },
	{ '\0', "reader", "ROLE", MG_SETTING_COUNT, NULL, "grant ROLE what a reading role needs" },
	{ '\0', "no-config", NULL, MG_SETTING_COUNT, "on", "write no configuration file" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

typedef struct Outcome
{
	const char *extension; /* "created", "updated", "unchanged" */
	const char *deployer;
	const char *reader;
	const char *file; /* path of what was written, NULL: one was there, or none wanted */
} Outcome;

/* Long enough a help text goes into several comment lines. */
static void
add_comment(MgBuf *buf, const char *text)
{
	int column = 0;

	mg_buf_add(buf, "#");
	while (*text != '\0')
	{
		size_t word = strcspn(text, " ");

		if (column + (int) word > 90)
		{
			mg_buf_add(buf, "\n#");
			column = 0;
		}
		mg_buf_add(buf, " ");
		mg_buf_add_bytes(buf, text, word);
		column += (int) word + 1;
		text += word + strspn(text + word, " ");
	}
	mg_buf_add(buf, "\n");
}

char *
mg_init_file(MgArena *arena)
{
	static const char *const named[][2] = {
		{ "env", "Environment of the migration tool; {url} {host} {port} {database} {user} {password} "
				 "are replaced, on a rehearsal by those of the clone.\n#DB_HOST = {host}" },
		{ "preflight.commands", "Commands that must exit with 0 before a run, each with a name.\n"
								"#traffic = ./is-maintenance-window.sh" },
		{ "verify.assertions", "Queries that must return one row with true after the upgrade.\n"
							   "#every_order_has_a_customer = SELECT count(*) = 0 FROM orders WHERE "
							   "customer_id IS NULL" },
	};
	const char *section = "";
	MgBuf buf;

	mg_buf_init(&buf, arena);
	mg_buf_add(&buf, "# Settings of migguard.  Every line that begins with # shows a default.\n"
					 "# A flag wins over the environment (MIGGUARD_SECTION_KEY), that over this file.\n");
	for (int i = 0; i < MG_SETTING_COUNT; i++)
	{
		const MgSettingInfo *info = &mg_setting_info[i];

		if (strcmp(section, info->section) != 0)
			mg_buf_addf(&buf, "\n[%s]\n", info->section);
		section = info->section;
		add_comment(&buf, info->help);
		if (info->choices != NULL)
			add_comment(&buf, mg_printf(arena, "one of: %s", info->choices));
		mg_buf_addf(&buf, "#%s = %s\n", info->key, info->value != NULL ? info->value : "");
	}
	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
		mg_buf_addf(&buf, "\n[%s]\n# %s\n", named[i][0], named[i][1]);
	return buf.data;
}

/* Never overwrites: O_EXCL, so that not even a race can. */
static bool
write_file(MgContext *context, const char *path, Outcome *outcome, MgError *err)
{
	char *text = mg_init_file(context->arena);
	size_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	bool ok;

	if (fd < 0 && errno == EEXIST)
		return true;
	if (fd < 0)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "could not create \"%s\": %s", path, strerror(errno));
		return mg_err_hint(err, "Run it in a directory that you may write, or with --no-config.");
	}
	ok = write(fd, text, len) == (ssize_t) len;
	if (close(fd) != 0 || !ok)
	{
		unlink(path);
		return mg_err_set(err, MG_EXIT_CONFIG, "could not write \"%s\": %s", path, strerror(errno));
	}
	outcome->file = path;
	return true;
}

static bool
prepare_database(MgContext *context, Outcome *outcome, MgError *err)
{
	MgExtension extension;
	MgPg *pg = NULL;
	bool ok = false;

	if (!mg_pg_open(context->arena, &context->target, "migguard:init", &pg, err))
		return false;
	if (!mg_extension_create(pg, &outcome->extension, err))
	{
		if (strcmp(err->sqlstate, "42501") == 0)
			mg_err_hint(err, "Run \"migguard init\" once as a superuser, with --deployer ROLE for the role "
							 "that deploys.");
		goto done;
	}
	if (outcome->extension == NULL)
		outcome->extension = "unchanged";
	if (!mg_extension_read(pg, &extension, err) || !mg_extension_check(&extension, err))
		goto done;
	if (outcome->deployer != NULL && !mg_extension_grant(pg, true, outcome->deployer, err))
		goto done;
	if (outcome->reader != NULL && !mg_extension_grant(pg, false, outcome->reader, err))
		goto done;
	ok = true;
done:
	mg_pg_close(pg);
	return ok;
}

static void
print_outcome(MgContext *context, const Outcome *outcome)
{
	MgArena *arena = context->arena;

	if (context->format == MG_FORMAT_JSON)
	{
		cJSON *root = cJSON_CreateObject();

		mg_json_text(root, "extension", outcome->extension);
		mg_json_text(root, "deployer", outcome->deployer);
		mg_json_text(root, "reader", outcome->reader);
		mg_json_text(root, "config_file", outcome->file);
		mg_json_print(stdout, root);
		return;
	}
	printf("extension safedeploy %s in %s\n", outcome->extension,
		   mg_report_clean(arena, mg_target_display(arena, &context->target)));
	if (outcome->deployer != NULL)
		printf("role %s may deploy\n", mg_report_clean(arena, outcome->deployer));
	if (outcome->reader != NULL)
		printf("role %s may read\n", mg_report_clean(arena, outcome->reader));
	if (outcome->file != NULL)
		printf("wrote %s\n", mg_report_clean(arena, outcome->file));
	puts("next: migguard doctor");
}

static bool
run_init(MgContext *context, int *exit_code, MgError *err)
{
	const char *given = mg_config_path(context->config);
	const char *path = context->config_file != NULL ? context->config_file : "migguard.ini";
	Outcome outcome = { .deployer = mg_cli_flag(context, &mg_cmd_init, "deployer"),
						.reader = mg_cli_flag(context, &mg_cmd_init, "reader") };

	(void) exit_code;
	if (!prepare_database(context, &outcome, err))
		return false;
	if (given == NULL && mg_cli_flag(context, &mg_cmd_init, "no-config") == NULL &&
		!write_file(context, path, &outcome, err))
		return false;
	print_outcome(context, &outcome);
	return true;
}

const MgCommand mg_cmd_init = {
	.name = "init",
	.summary = "put the extension into the database and write migguard.ini",
	.description =
		"Creates the extension safedeploy in the database, or updates it to the version that the "
		"server has on disk, which takes a superuser; grants roles what they need; and writes a "
		"migguard.ini with every setting explained, unless there is one. It can be run again.",
	.needs_database = true,
	.config_optional = true,
	.options = options,
	.run = run_init,
};
