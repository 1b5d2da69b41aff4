/*
 * snapshot_ref.c
 *	  From a user's word to the id of a snapshot.
 */
#include "snapshot_ref.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input.h"
#include "log.h"
#include "pg_catalog_report.h"
#include "session.h"

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
mg_snapshot_import_file(MgPg *pg, const char *path, MgImportStarted started, void *arg,
						long long *id, MgError *err)
{
	MgImport import;
	bool ok;

	mg_import_begin(&import, pg, started, arg);
	ok = mg_input_lines(path, mg_import_line, &import, err) && mg_import_end(&import, id, err);
	mg_import_free(&import);
	return ok;
}

bool
mg_snapshot_is_database(const char *name)
{
	return strncmp(name, "postgres", strlen("postgres")) == 0 ?
			   strstr(name, "://") != NULL :
			   strchr(name, '=') != NULL && access(name, F_OK) != 0;
}

static bool
is_file(const char *name)
{
	return strcmp(name, "-") == 0 || access(name, F_OK) == 0;
}

/* Words that mean a snapshot of the database, whatever files there are. */
static bool
is_reserved(const char *name)
{
	return strcmp(name, "live") == 0 || strcmp(name, "last-good") == 0 || is_number(name);
}

bool
mg_snapshot_is_live(const char *name)
{
	return strcmp(name, "live") == 0 || (!is_reserved(name) && mg_snapshot_is_database(name));
}

bool
mg_snapshot_is_foreign(const char *name)
{
	return !is_reserved(name) && (mg_snapshot_is_database(name) || is_file(name));
}

/* The schema of another database as it is, carried over; nothing stays there. */
static bool
carry_over(MgPg *from, MgPg *to, long long *id, MgError *err)
{
	long long taken;

	return mg_transaction_begin(from, err) && mg_snapshot_take(from, "live", NULL, &taken, err) &&
		   mg_snapshot_copy(from, taken, to, id, err) && mg_transaction_end(from, false, err);
}

bool
mg_snapshot_open(MgContext *context, const char *name, MgPg **pg, MgError *err)
{
	/* the session refers to its target */
	MgContext *other = mg_alloc(context->arena, sizeof *other);

	*other = *context;
	if (mg_snapshot_is_database(name))
	{
		if (!mg_target_parse(context->arena, name, &other->target, err))
			return false;
		if (mg_target_holds_password(name))
			mg_log_warning(
				"the password in a connection string can be seen by every user of this machine; "
				"use PGPASSWORD or ~/.pgpass");
	}
	return mg_session_open(other, "diff", pg, err);
}

/*
 * Two transactions that store one definition in one database wait for each other,
 * so what turns out to be the session's own database is read by the session.
 */
static bool
read_database(MgContext *context, MgPg *pg, const char *url, long long *id, MgError *err)
{
	MgPg *from = NULL;
	bool same;
	bool ok;

	if (!mg_snapshot_open(context, url, &from, err))
		return false;
	ok = mg_snapshot_same_database(pg, from, &same, err) &&
		 (same ? mg_snapshot_take(pg, "live", NULL, id, err) : carry_over(from, pg, id, err));
	mg_pg_close(from);
	return ok;
}

static bool
find_last_good(MgContext *context, MgPg *pg, long long *id, MgError *err)
{
	const char *lock = mg_config_string(context->config, MG_SET_LOCK_NAME);
	const char *snapshot;
	MgRows rows;
	char *fingerprint;

	if (!mg_report_last_good(pg, lock, &rows, err))
		return false;
	snapshot = rows.count > 0 ? mg_rows_get(&rows, 0, "snapshot_id") : NULL;
	if (snapshot == NULL)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "there is no last good snapshot");
		mg_err_detail(err, "No run under the lock \"%s\" has ended well and kept one.", lock);
		return mg_err_hint(err, "\"migguard snapshot --list\" shows the snapshots there are.");
	}
	return mg_snapshot_parse_id(snapshot, id, err) && mg_snapshot_stored(pg, *id, &fingerprint, err);
}

static bool
find_label(MgPg *pg, const char *label, long long *id, MgError *err)
{
	if (!mg_snapshot_labelled(pg, label, id, err))
		return false;
	if (*id != 0)
		return true;
	mg_err_set(err, MG_EXIT_CONFIG,
			   "\"%s\" is no id or label of a snapshot, no file, no connection string, and neither \"live\" nor \"last-good\"",
			   label);
	return mg_err_hint(err, "\"migguard snapshot --list\" shows the ids and labels.");
}

bool
mg_snapshot_resolve(MgContext *context, MgPg *pg, const char *name, bool live_ok, long long *id,
					MgError *err)
{
	char *fingerprint;

	*id = 0;
	if (strcmp(name, "live") == 0)
		return live_ok || mg_snapshot_take(pg, "live", NULL, id, err);
	if (strcmp(name, "last-good") == 0)
		return find_last_good(context, pg, id, err);
	if (is_number(name))
		return mg_snapshot_parse_id(name, id, err) && mg_snapshot_stored(pg, *id, &fingerprint, err);
	if (mg_snapshot_is_database(name))
		return read_database(context, pg, name, id, err);
	if (is_file(name))
		return mg_snapshot_import_file(pg, name, NULL, NULL, id, err);
	return find_label(pg, name, id, err);
}
