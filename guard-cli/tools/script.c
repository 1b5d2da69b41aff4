/*
 * script.c
 *	  How a file of SQL has to be run by psql: what the server's own parser says of it.
 */
#include "script.h"

#include <string.h>
#include <strings.h>

#include "pg_catalog_tool.h"

/*
 * Commands of psql that change neither where a script runs nor whether it runs
 * to its end.  All others are refused: \connect leaves the database, \q ends the
 * file as if it were done, \! runs a program, \i brings text that nobody looked at.
 */
static const char *const allowed[] = {
	"echo", "qecho", "warn",   "set",  "unset",	   "if",		 "elif",
	"else", "endif", "timing", "pset", "encoding", "restrict",	 "unrestrict",
	"gset", "x",	 "a",	   "t",	   "pset",	   "errverbose", "prompt",
};

/* The word behind the backslash. */
static const char *
command_word(const char *text, size_t *len)
{
	const char *slash = strchr(text, '\\');

	if (slash == NULL)
		slash = text;
	else
		slash++;
	*len = strcspn(slash, " \t\n\\");
	return slash;
}

static bool
is_allowed(const char *text)
{
	size_t len;
	const char *word = command_word(text, &len);

	for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
		if (strlen(allowed[i]) == len && strncmp(allowed[i], word, len) == 0)
			break;
		else if (i + 1 == sizeof allowed / sizeof allowed[0])
			return false;
	/* Going on after an error would end in a half migration that counts as applied. */
	if (strncmp(word, "unset", len) == 0 || strncmp(word, "set", len) == 0)
	{
		const char *name = strstr(word, "ON_ERROR_STOP");

		if (name != NULL && strncmp(word, "unset", len) == 0)
			return false;
		if (name != NULL)
		{
			name += strlen("ON_ERROR_STOP");
			name += strspn(name, " \t'");
			return strncasecmp(name, "on", 2) == 0 || *name == '1' ||
				   strncasecmp(name, "true", 4) == 0;
		}
	}
	return true;
}

/* ROLLBACK TO goes back inside a transaction and does not end it. */
static bool
is_rollback_to(const char *text)
{
	static const char *const words[] = { "rollback", "work", "transaction" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strncasecmp(text, words[i], strlen(words[i])) == 0)
		{
			text += strlen(words[i]);
			text += strspn(text, " \t\r\n");
		}
	return strncasecmp(text, "to", 2) == 0;
}

static bool
is_one_of(const char *kind, const char *const *kinds)
{
	for (; *kinds != NULL; kinds++)
		if (strcmp(kind, *kinds) == 0)
			return true;
	return false;
}

bool
mg_script_look(MgPg *pg, const char *path, const char *text, MgScript *script, MgError *err)
{
	static const char *const begins[] = { "BEGIN", "START TRANSACTION", NULL };
	static const char *const ends[] = { "COMMIT", "END", "ROLLBACK", "PREPARE TRANSACTION", NULL };
	MgScriptRow *rows;
	int count;
	int open_line = 0;

	memset(script, 0, sizeof *script);
	if (!mg_catalog_script_statements(pg, text, &rows, &count, err))
	{
		mg_err_where(err, path, 1);
		return false;
	}
	for (int i = 0; i < count; i++)
	{
		const MgScriptRow *row = &rows[i];

		if (strcmp(row->kind, "META COMMAND") == 0)
		{
			size_t len;
			const char *word = command_word(row->text, &len);

			script->meta = true;
			if (is_allowed(row->text))
				continue;
			mg_err_set(err, MG_EXIT_CONFIG, "command \\%.*s of psql is not allowed in a migration",
					   (int) len, word);
			mg_err_where(err, path, row->line);
			mg_err_detail(err, "It could leave the database, run a program or end the file early.");
			return mg_err_hint(err, "Write the migration as SQL.");
		}
		if (is_one_of(row->kind, begins))
		{
			script->own_transaction = true;
			open_line = row->line;
		}
		else if (is_one_of(row->kind, ends) && !is_rollback_to(row->text))
		{
			script->own_transaction = true;
			open_line = 0;
		}
		else if (row->runs_outside && script->outside == NULL)
		{
			script->outside = row->kind;
			script->outside_line = row->line;
		}
	}
	if (open_line == 0)
		return true;
	mg_err_set(err, MG_EXIT_CONFIG, "the transaction that is begun here is never ended");
	mg_err_where(err, path, open_line);
	return mg_err_hint(err,
					   "End it by COMMIT, or leave BEGIN out: the file is run in a transaction.");
}
