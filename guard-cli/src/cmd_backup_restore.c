#include "backup_command.h"
bool
mg_backup_cmd_restore(MgContext *context, int *exit_code, MgError *err)
{
	(void) context; (void) exit_code;
	return mg_err_set(err, MG_EXIT_INTERNAL, "x");
}
