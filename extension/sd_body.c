/*
 * sd_body.c
 *	  Bodies of routines and DO blocks, statement by statement.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "sd_analyze.h"
#include "sd_body.h"
#include "sd_parse.h"
#include "sd_plpgsql.h"

/* Bodies nested deeper than this are reported as opaque. */
#define MAX_BODY_DEPTH 8

/* How much of a dynamic text a message shows. */
#define MAX_SHOWN 120

bool
sd_body_is_readable(const char *language)
{
	return strcmp(language, "plpgsql") == 0 || strcmp(language, "sql") == 0;
}

/* report_unparsed reports a statement of a body that the parser refuses. */
static void
report_unparsed(SdAnalysis *analysis, const char *error)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_UNANALYSABLE, NULL);

	finding.location = 0;
	finding.rewrites = finding.scans = SD_UNKNOWN;
	finding.message = psprintf("a statement cannot be parsed: %s", error);
	sd_report(analysis, &finding);
}

/* analyze_text judges SQL text whose first byte is at a script offset, or at -1. */
static void
analyze_text(SdAnalysis *analysis, const char *text, int origin)
{
	List *statements;
	char *error;
	ListCell *cell;

	analysis->origin = origin;
	if (!sd_parse_text(text, &statements, &error))
	{
		report_unparsed(analysis, error);
		return;
	}
	foreach (cell, statements)
		sd_analyze_statement(analysis, lfirst_node(RawStmt, cell)->stmt);
}

/* analyze_sql judges text that is a script of SQL. */
static void
analyze_sql(SdAnalysis *analysis, const char *text, int origin)
{
	SdSplitter splitter;
	SdPiece piece;

	sd_split_init(&splitter, text, strlen(text));
	while (sd_split_next(&splitter, &piece))
	{
		CHECK_FOR_INTERRUPTS();
		analyze_text(analysis, pnstrdup(text + piece.from, piece.next - piece.from),
					 origin < 0 ? -1 : origin + piece.from);
	}
}

/* constant_text returns the text of a string token, with doubled quotes undone. */
static char *
constant_text(const char *token, int len, int *offset)
{
	char *text;
	int n = 0;

	*offset = -1;
	if (token[0] == '$')
	{
		int tag = (const char *) memchr(token + 1, '$', len - 1) - token + 1;

		*offset = tag;
		return pnstrdup(token + tag, Max(len - 2 * tag, 0));
	}
	text = palloc(len);
	for (int i = 1; i < len - 1; i++)
	{
		text[n++] = token[i];
		if (token[i] == '\'')
			i++;
	}
	text[n] = '\0';
	/* without a doubled quote each byte is where it is in the script */
	if (n == len - 2)
		*offset = 1;
	return text;
}

static void
analyze_pl_statement(SdAnalysis *analysis, const char *body, const SdPlStatement *statement,
					 int origin)
{
	int len = statement->end - statement->start;
	char *text;
	int offset;

	if (origin >= 0)
		origin += statement->start;
	switch (statement->kind)
	{
		case SD_PL_SQL:
			text = pnstrdup(body + statement->start, len);
			sd_pl_blank_into(text, len);
			analyze_text(analysis, text, origin);
			break;
		case SD_PL_EXPRESSION:
			text = psprintf("SELECT %.*s", len, body + statement->start);
			analyze_text(analysis, text, -1);
			break;
		case SD_PL_DYNAMIC:
			analysis->origin = origin;
			text = pnstrdup(body + statement->start,
							pg_mbcliplen(body + statement->start, len, MAX_SHOWN));
			sd_report_dynamic(analysis, len > MAX_SHOWN ? psprintf("%s ...", text) : text);
			break;
		case SD_PL_CONSTANT:
			text = constant_text(body + statement->start, len, &offset);
			analyze_sql(analysis, text, origin < 0 || offset < 0 ? -1 : origin + offset);
			break;
	}
}

static void
analyze_plpgsql(SdAnalysis *analysis, const char *text, int origin)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "safedeploy body", ALLOCSET_DEFAULT_SIZES);
	SdPlWalker walker;
	SdPlStatement statement;

	sd_pl_init(&walker, text, strlen(text));
	while (sd_pl_next(&walker, &statement))
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		CHECK_FOR_INTERRUPTS();
		analyze_pl_statement(analysis, text, &statement, origin);
		MemoryContextSwitchTo(old);
		sd_scope_forget(analysis->scope);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}

void
sd_analyze_body(SdAnalysis *analysis, const SdBodyText *body, int origin, const char *inside,
				bool deferred)
{
	const char *outer_inside = analysis->inside;
	bool outer_conditional = analysis->conditional;
	bool outer_deferred = analysis->deferred;
	int outer_origin = analysis->origin;
	int outer_calls = analysis->calls;

	analysis->inside = inside;
	analysis->conditional = true;
	analysis->deferred |= deferred;
	analysis->depth++;
	analysis->calls = -1;
	if (analysis->depth > MAX_BODY_DEPTH)
		report_unparsed(analysis, "bodies are nested too deeply");
	else if (strcmp(body->language, "sql") == 0)
		analyze_sql(analysis, body->text, origin);
	else
		analyze_plpgsql(analysis, body->text, origin);
	analysis->inside = outer_inside;
	analysis->conditional = outer_conditional;
	analysis->deferred = outer_deferred;
	analysis->origin = outer_origin;
	analysis->calls = outer_calls;
	analysis->depth--;
	/* what it reports is inside it; the statement itself may have more to say */
	analysis->reported = true;
}
