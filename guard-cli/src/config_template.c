/*
 * config_template.c
 *	  A migguard.ini to start from: every setting with its help and its default.
 */
#include <string.h>

#include "config.h"

/* A long help text goes into several comment lines. */
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
mg_config_template(MgArena *arena)
{
	static const char *const named[][2] = {
		{ "env", "Environment of the migration tool; {url} {host} {port} {database} {user} {password} "
				 "are replaced, on a rehearsal by those of the clone.\n#DB_HOST = {host}" },
		{ "preflight.commands", "Commands that must exit with 0 before a run, each with a name.\n"
								"#traffic = ./is-maintenance-window.sh" },
		{ "verify.assertions", "Queries that must return one row with true after the upgrade.\n"
							   "#every_order_has_a_customer = SELECT count(*) = 0 FROM orders WHERE "
							   "customer_id IS NULL" },
		{ "rules", "Severity of the findings of a rule: error, warning, notice, info or off; a section\n"
				   "# [rules \"migrations/old/*\"] is for these files.\n#rename-column = error" },
	};
	const char *section = "";
	MgBuf buf;

	mg_buf_init(&buf, arena);
	mg_buf_add(&buf,
			   "# Settings of migguard.  Every line that begins with # shows a default.\n"
			   "# A flag wins over the environment (MIGGUARD_SECTION_KEY), that over this file.\n");
	for (int i = 0; i < MG_SETTING_COUNT; i++)
	{
		const MgSettingInfo *info = &mg_setting_info[i];

		if (strcmp(section, info->section) != 0)
			mg_buf_addf(&buf, "\n[%s]\n", info->section);
		section = info->section;
		add_comment(&buf, info->help);
		if (info->type == MG_TYPE_INT && info->choices != NULL)
			add_comment(&buf, mg_printf(arena, "a number in the range %s", info->choices));
		if (info->type == MG_TYPE_CHOICE)
			add_comment(&buf, mg_printf(arena, "one of: %s", info->choices));
		mg_buf_addf(&buf, "#%s = %s\n", info->key, info->value != NULL ? info->value : "");
	}
	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
		mg_buf_addf(&buf, "\n[%s]\n# %s\n", named[i][0], named[i][1]);
	return buf.data;
}
