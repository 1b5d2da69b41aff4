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
	{ '\0', "rehearsal-template", "NAME", MG_SETTING_COUNT, NULL,
	  "make template database NAME, from which such roles can rehearse" },
	{ '\0', "no-config", NULL, MG_SETTING_COUNT, "on", "write no configuration file" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

typedef struct Outcome
{
	const char *extension; /* "created", "updated", "unchanged" */
	const char *deployer;
	const char *reader;
	const char *template_name;
	const char *file; /* path of what was written, NULL: one was there, or none wanted */
} Outcome;

/* Never overwrites: O_EXCL, so that not even a race can. */
static bool
write_file(MgContext *context, const char *path, Outcome *outcome, MgError *err)
{
	char *text = mg_config_template(context->arena);
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
grant(MgPg *pg, const Outcome *outcome, MgError *err)
{
	return (outcome->deployer == NULL || mg_extension_grant(pg, true, outcome->deployer, err)) &&
		   (outcome->reader == NULL || mg_extension_grant(pg, false, outcome->reader, err));
}

static bool
prepare_template(MgPg *pg, const Outcome *outcome, MgError *err)
{
	MgPg *template_pg = NULL;
	bool ok = mg_extension_template(pg, outcome->template_name, &template_pg, err) &&
			  grant(template_pg, outcome, err);

	mg_pg_close(template_pg);
	return ok;
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
			mg_err_hint(err,
						"Run \"migguard init\" once as a superuser, with --deployer ROLE for the role "
						"that deploys.");
		goto done;
	}
	if (outcome->extension == NULL)
		outcome->extension = "unchanged";
	if (!mg_extension_read(pg, &extension, err) || !mg_extension_check(&extension, err))
		goto done;
	if (!grant(pg, outcome, err) ||
		(outcome->template_name != NULL && !prepare_template(pg, outcome, err)))
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
		mg_json_text(root, "rehearsal_template", outcome->template_name);
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
	if (outcome->template_name != NULL)
		printf("template database %s is ready: set template in section [rehearse] to it\n",
			   mg_report_clean(arena, outcome->template_name));
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
						.reader = mg_cli_flag(context, &mg_cmd_init, "reader"),
						.template_name = mg_cli_flag(context, &mg_cmd_init, "rehearsal-template") };

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
		"migguard.ini with every setting explained, unless there is one. It can be run again.\n\n"
		"A role that is no superuser cannot create the extension in the scratch database of a "
		"rehearsal. With --rehearsal-template it is made from a template database that has it.",
	.needs_database = true,
	.config_optional = true,
	.options = options,
	.run = run_init,
};
