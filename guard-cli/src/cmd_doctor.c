/*
 * cmd_doctor.c
 *	  migguard doctor: settings with their sources, and whether a run would find what it needs.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "json.h"
#include "report.h"
#include "text.h"

static const char *const levels[] = { "ok", "warning", "missing" };

/* A URL is shown without its password; everything else passes the redaction anyway. */
static const char *
shown_value(MgContext *context, MgSetting setting)
{
	const char *value = mg_config_string(context->config, setting);
	MgTarget target;
	MgError ignored;

	mg_err_init(&ignored, context->arena);
	if (value != NULL && (setting == MG_SET_DATABASE_URL || setting == MG_SET_REHEARSE_URL))
		return mg_target_parse(context->arena, value, &target, &ignored) ?
				   mg_target_url(context->arena, &target, NULL, false) :
				   "(hidden)";
	return value;
}

static void
print_settings(MgContext *context)
{
	MgRows rows = { .count = MG_SETTING_COUNT, .columns = 3 };
	MgStrings names;
	static const MgColumn columns[] = { { "setting", "setting", 0 },
										{ "value", "value", 48 },
										{ "source", "source", 0 },
										{ NULL, NULL, 0 } };

	mg_strings_init(&names, context->arena);
	mg_strings_add(&names, "setting");
	mg_strings_add(&names, "value");
	mg_strings_add(&names, "source");
	rows.names = names.items;
	rows.cells = mg_alloc(context->arena, MG_SETTING_COUNT * 3 * sizeof(char *));
	for (int i = 0; i < MG_SETTING_COUNT; i++)
	{
		const MgSettingInfo *info = &mg_setting_info[i];

		rows.cells[i * 3] = mg_printf(context->arena, "%s.%s", info->section, info->key);
		rows.cells[i * 3 + 1] = mg_strdup(context->arena, shown_value(context, (MgSetting) i));
		rows.cells[i * 3 + 2] =
			mg_strdup(context->arena, mg_config_source(context->config, (MgSetting) i));
	}
	mg_report_table(context, &rows, columns);
}

static void
print_checks(const MgContext *context, const MgDoctor *doctor)
{
	static const MgColor colors[] = { MG_COLOR_GREEN, MG_COLOR_YELLOW, MG_COLOR_RED };

	for (const MgFinding *f = doctor->first; f != NULL; f = f->next)
	{
		char *level = mg_printf(context->arena, "%-7s", levels[f->level]);

		printf("%s  %-11s  %s\n", mg_report_color(context, colors[f->level], level), f->what,
			   mg_report_clean(context->arena, f->text));
		if (f->hint != NULL)
			printf("%22shint: %s\n", "", mg_report_clean(context->arena, f->hint));
	}
}

static void
print_json(MgContext *context, const MgDoctor *doctor)
{
	cJSON *root = cJSON_CreateObject();
	cJSON *settings = cJSON_AddArrayToObject(root, "settings");
	cJSON *checks = cJSON_AddArrayToObject(root, "checks");

	for (int i = 0; i < MG_SETTING_COUNT; i++)
	{
		cJSON *setting = cJSON_CreateObject();

		mg_json_text(setting, "section", mg_setting_info[i].section);
		mg_json_text(setting, "key", mg_setting_info[i].key);
		mg_json_text(setting, "value", shown_value(context, (MgSetting) i));
		mg_json_text(setting, "source", mg_config_source(context->config, (MgSetting) i));
		cJSON_AddItemToArray(settings, setting);
	}
	for (const MgFinding *f = doctor->first; f != NULL; f = f->next)
	{
		cJSON *check = cJSON_CreateObject();

		mg_json_text(check, "check", f->what);
		mg_json_text(check, "level", levels[f->level]);
		mg_json_text(check, "text", f->text);
		mg_json_text(check, "hint", f->hint);
		cJSON_AddItemToArray(checks, check);
	}
	mg_json_print(stdout, root);
}

extern const MgCommand mg_cmd_doctor;

static bool
run_doctor(MgContext *context, int *exit_code, MgError *err)
{
	MgDoctor doctor = { .context = context,
						.drop_shadow = mg_cli_flag(context, &mg_cmd_doctor, "drop-shadow") != NULL };

	mg_doctor_examine(&doctor, err);
	/* A signal ends the program; anything else is one more finding. */
	if (err->set)
		return false;
	if (context->format == MG_FORMAT_JSON)
		print_json(context, &doctor);
	else
	{
		print_settings(context);
		puts("");
		print_checks(context, &doctor);
	}
	if (doctor.unreachable)
		*exit_code = MG_EXIT_UNAVAILABLE;
	else if (doctor.worst == MG_DOCTOR_MISSING)
		*exit_code = MG_EXIT_REFUSED_PREFLIGHT;
	return true;
}

static const MgOption options[] = {
	{ '\0', "drop-shadow", NULL, MG_SETTING_COUNT, "on",
	  "drop the warm shadow, the scratch database that rehearsals start from" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

const MgCommand mg_cmd_doctor = {
	.name = "doctor",
	.summary = "show settings and whether everything needed is there",
	.description =
		"Prints every setting with its value and where it comes from, then looks at the connection, "
		"the server, the role, the extension, the programs and the migration tool. Says which "
		"guarantees are lost when the library is not loaded into sessions, and where the warm shadow "
		"is. Changes nothing, unless it is told to drop that. Ends with 69 when the "
		"server cannot be reached and with 10 when something needed is missing.",
	.needs_database = true,
	.takes_tool = true,
	.options = options,
	.run = run_doctor,
};
