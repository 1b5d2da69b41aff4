/*
 * session.c
 *	  Opening of a simple command's session, and who it is.
 */
#include "session.h"

#include <pwd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "json.h"
#include "log.h"
#include "pg_catalog_extension.h"

bool
mg_session_open(MgContext *context, const char *command, MgPg **pg, MgError *err)
{
	MgExtension extension;

	if (!mg_pg_open(context->arena, &context->target,
					mg_printf(context->arena, "migguard:%s", command), pg, err))
		return false;
	if (mg_extension_read(*pg, &extension, err) && mg_extension_check(&extension, err))
		return true;
	mg_pg_close(*pg);
	*pg = NULL;
	return false;
}

char *
mg_session_client(const MgContext *context)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *argv = cJSON_CreateArray();
	struct utsname host;
	struct passwd *user = getpwuid(getuid());

	mg_json_text(json, "version", SAFEDEPLOY_VERSION);
	mg_json_text(json, "host", uname(&host) == 0 ? host.nodename : NULL);
	mg_json_text(json, "os_user", user != NULL ? user->pw_name : NULL);
	mg_json_int(json, "pid", getpid());
	for (char **arg = context->tool_argv; arg != NULL && *arg != NULL; arg++)
		mg_json_add_text(argv, mg_log_redact(context->arena, *arg));
	cJSON_AddItemToObject(json, "argv", argv);
	return mg_log_redact(context->arena, mg_json_take(context->arena, json));
}
