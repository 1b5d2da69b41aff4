/*
 * snapshot_ref.c
 *	  From a user's word to the id of a snapshot.
 */
#include "snapshot_ref.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input.h"

static bool
is_number(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0' && strlen(text) < 19;
}

bool
mg_snapshot_parse_id(const char *text, long long *id, MgError *err)
{
	if (is_number(text) && (*id = atoll(text)) > 0)
		return true;
	mg_err_set(err, MG_EXIT_USAGE, "\"%s\" is not the id of a snapshot", text);
	return mg_err_hint(err, "\"migguard snapshot --list\" shows the ids.");
}

bool
mg_snapshot_import_file(MgPg *pg, const char *path, long long *id, MgError *err)
{
	MgImport import;
	bool ok;

	mg_import_begin(&import, pg);
	ok = mg_input_lines(path, mg_import_line, &import, err) && mg_import_end(&import, id, err);
	mg_import_free(&import);
	return ok;
}

bool
mg_snapshot_resolve(MgPg *pg, const char *name, bool live_ok, long long *id, MgError *err)
{
	char *fingerprint;

	*id = 0;
	if (strcmp(name, "live") == 0)
		return live_ok || mg_snapshot_take(pg, "live", NULL, id, err);
	if (is_number(name))
		return mg_snapshot_parse_id(name, id, err) && mg_snapshot_stored(pg, *id, &fingerprint, err);
	if (strcmp(name, "-") != 0 && access(name, R_OK) != 0)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" is no snapshot id, no file and not \"live\"", name);
		mg_err_detail(err, "Opening it as a file: %s.", strerror(errno));
		return mg_err_hint(err, "\"migguard snapshot --list\" shows the ids.");
	}
	return mg_snapshot_import_file(pg, name, id, err);
}
