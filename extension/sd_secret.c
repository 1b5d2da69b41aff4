/*
 * sd_secret.c
 *	  Statements whose text may hold a password, a token or a connection string.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"

#include "sd_compat.h"
#include "sd_lex.h"
#include "sd_secret.h"

/* Kinds of statements with options of any content.  What a setting holds is anybody's guess. */
static const NodeTag secretive[] = {
	T_AlterDatabaseSetStmt,	  T_AlterFdwStmt,
	T_AlterForeignServerStmt, T_AlterRoleSetStmt,
	T_AlterSubscriptionStmt,  T_AlterUserMappingStmt,
	T_CreateFdwStmt,		  T_CreateForeignServerStmt,
	T_CreateForeignTableStmt, T_CreateSubscriptionStmt,
	T_CreateUserMappingStmt,  T_ImportForeignSchemaStmt,
};

static const char *const secret_words[] = {
	"password", "passwd",	  "passphrase", "passcode", "passwort", "pwd",		  "secret",
	"token",	"credential", "api_key",	"apikey",	"passkey",	"access_key", "private_key",
};

bool
sd_statement_may_hold_secret(Node *statement)
{
	List *options = NIL;
	ListCell *cell;

	if (IsA(statement, CreateRoleStmt))
		options = castNode(CreateRoleStmt, statement)->options;
	else if (IsA(statement, AlterRoleStmt))
		options = castNode(AlterRoleStmt, statement)->options;
	foreach (cell, options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "password") == 0)
			return true;
	for (int i = 0; i < lengthof(secretive); i++)
		if (nodeTag(statement) == secretive[i])
			return true;
	return false;
}

/* starts_secret tells whether a word of the list begins here; "left" is at least 1. */
static bool
starts_secret(const char *p, int left)
{
	for (int i = 0; i < lengthof(secret_words); i++)
	{
		int len = strlen(secret_words[i]);

		if (len <= left && (*p | 0x20) == secret_words[i][0] &&
			pg_strncasecmp(p, secret_words[i], len) == 0)
			return true;
	}
	return false;
}

/* url_has_user tells whether "user:password@" or "user@" follows the "://" at p. */
static bool
url_has_user(const char *p, const char *end)
{
	for (p += 3; p < end && !isspace((unsigned char) *p) && *p != '/' && *p != '\''; p++)
		if (*p == '@')
			return true;
	return false;
}

bool
sd_text_may_hold_secret(const char *text, int len)
{
	const char *end = text + len;

	for (const char *p = text; p < end; p++)
		if (starts_secret(p, end - p) ||
			(*p == ':' && end - p > 3 && p[1] == '/' && p[2] == '/' && url_has_user(p, end)))
			return true;
	return false;
}

char *
sd_text_shape(const char *text, int len, bool numbers)
{
	SdLexer lexer = { .text = text, .len = len, .pos = 0 };
	StringInfoData shape;
	int end = 0;

	if (!standard_conforming_strings)
		return NULL;
	initStringInfo(&shape);
	for (;;)
	{
		SdToken token = sd_lex_next(&lexer);

		if (token.kind == SD_TOKEN_END)
			return shape.data;
		if (token.start > end && shape.len > 0)
			appendStringInfoChar(&shape, ' ');
		if (token.kind == SD_TOKEN_STRING || token.kind == SD_TOKEN_ESCAPE ||
			token.kind == SD_TOKEN_DOLLAR)
			appendStringInfoString(&shape, "'***'");
		else if (numbers && token.kind == SD_TOKEN_NUMBER && text[token.start] != '$')
			appendStringInfoString(&shape, "***");
		else
			appendBinaryStringInfo(&shape, text + token.start, token.end - token.start);
		end = token.end;
	}
}

char *
sd_text_to_keep(Node *statement, const char *text, int len, int limit)
{
	char *shape = NULL;

	if ((statement != NULL && sd_statement_may_hold_secret(statement)) ||
		sd_text_may_hold_secret(text, len))
	{
		shape = sd_text_shape(text, len, false);
		if (shape == NULL)
			return NULL;
		text = shape;
		len = strlen(shape);
	}
	return pnstrdup(text, len > limit ? pg_mbcliplen(text, len, limit) : len);
}
