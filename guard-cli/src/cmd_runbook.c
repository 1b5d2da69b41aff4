/*
 * cmd_runbook.c
 *	  migguard runbook: what to do now, without a database and without the network.
 */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "report.h"
#include "runbook.h"

static void
list(MgContext *context)
{
	cJSON *json = cJSON_CreateArray();

	for (const MgRunbook *page = mg_runbooks(); page->name != NULL; page++)
	{
		cJSON *item = cJSON_CreateObject();

		mg_json_text(item, "name", page->name);
		mg_json_text(item, "title", page->title);
		if (page->exit_code != 0)
			mg_json_int(item, "exit_code", page->exit_code);
		cJSON_AddItemToArray(json, item);
		if (context->format != MG_FORMAT_JSON)
			mg_report_pair(context, page->name,
						   page->exit_code == 0 ? page->title :
												  mg_printf(context->arena, "%s (exit code %d)",
															page->title, page->exit_code));
	}
	if (context->format == MG_FORMAT_JSON)
		mg_json_print(stdout, json);
	else
		cJSON_Delete(json);
}

static bool
cmd_runbook(MgContext *context, int *exit_code, MgError *err)
{
	const MgRunbook *page;
	cJSON *json;

	(void) exit_code;
	if (context->nargs > 1)
		return mg_err_set(err, MG_EXIT_USAGE, "runbook takes one name");
	if (context->nargs == 0)
	{
		list(context);
		return true;
	}
	page = mg_runbook_find(context->args[0]);
	if (page == NULL)
	{
		mg_err_set(err, MG_EXIT_USAGE, "there is no runbook \"%s\"", context->args[0]);
		return mg_err_hint(err, "\"migguard runbook\" lists them; an exit code or the state of a run "
								"is a name as well.");
	}
	if (context->format != MG_FORMAT_JSON)
	{
		fputs(page->text, stdout);
		return true;
	}
	json = cJSON_CreateObject();
	mg_json_text(json, "name", page->name);
	mg_json_text(json, "title", page->title);
	mg_json_text(json, "text", page->text);
	mg_json_print(stdout, json);
	return true;
}

const MgCommand mg_cmd_runbook = {
	.name = "runbook",
	.operands = "[NAME]",
	.summary = "print what to do after a refusal, a failure or an interruption",
	.description = "Prints a page of the runbooks, with the exact commands.  NAME is what a refusal "
				   "names, an exit code such as 24, or the state that a run was left in, such as "
				   "migrate.  Without it, lists the pages.",
	.run = cmd_runbook,
};
