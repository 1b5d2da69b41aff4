/*
 * sd_context_statements.c
 *	  Statements that name a table, by pg_stat_statements where that is.
 *
 * They are read once an analysis, through the extension's own function.  Only their
 * shape is told: without comments, and with "***" for each literal that is left.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "mb/pg_wchar.h"

#include "sd_bodies.h"
#include "sd_compat.h"
#include "sd_context.h"
#include "sd_guc.h"
#include "sd_secret.h"
#include "sd_try.h"
#include "sd_words.h"

#define EXTENSION "pg_stat_statements"

/* Statements of the database that are looked at, those that took longest first. */
#define MAX_READ 5000

/* Statements that are told of each table, and how much of their text. */
#define MAX_TOLD  5
#define MAX_BYTES 300

typedef struct Statement
{
	const char *text;
	int len;
	int64 calls;
	double mean_ms;
} Statement;

/* What is known of statements, read once an analysis. */
typedef struct SdStatements
{
	const char *why_not; /* nothing is known, and why; NULL otherwise */
	bool absent;		 /* because the extension is not there, which is usual */
	int hidden;			 /* statements of other roles, without text */
	SdWords *words;		 /* Statement */
	MemoryContext context;
	Oid function;
} SdStatements;

/* find_function finds the function of the extension: of several that have its name, its own. */
static Oid
find_function(Oid extension)
{
	CatCList *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(EXTENSION));
	Oid result = InvalidOid;

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (getExtensionOfObject(ProcedureRelationId, form->oid) == extension)
			result = form->oid;
	}
	ReleaseSysCacheList(list);
	return result;
}

/* add_statement keeps one row. */
static void
add_statement(SdStatements *statements, HeapTuple tuple, TupleDesc desc)
{
	Statement *statement;
	char *text = SPI_getvalue(tuple, desc, 1);
	MemoryContext old;
	bool isnull;

	if (text == NULL || strcmp(text, "<insufficient privilege>") == 0)
	{
		statements->hidden++;
		return;
	}
	old = MemoryContextSwitchTo(statements->context);
	statement = palloc(sizeof(Statement));
	statement->text = pstrdup(text);
	statement->len = strlen(text);
	statement->calls = DatumGetInt64(SPI_getbinval(tuple, desc, 2, &isnull));
	statement->mean_ms = DatumGetFloat8(SPI_getbinval(tuple, desc, 3, &isnull));
	sd_words_add(statements->words, statement->text, statement->len, statement);
	MemoryContextSwitchTo(old);
	pfree(text);
}

/* read_all reads the statements of this database. */
static void
read_all(void *arg)
{
	SdStatements *statements = arg;
	char *query;

	SPI_connect();
	query = psprintf("SELECT s.query, s.calls, s.mean_exec_time FROM %s.%s(true) AS s "
					 "WHERE s.dbid OPERATOR(pg_catalog.=) %u AND s.calls OPERATOR(pg_catalog.>) 0 "
					 "ORDER BY s.total_exec_time DESC LIMIT %d",
					 quote_identifier(get_namespace_name(get_func_namespace(statements->function))),
					 quote_identifier(EXTENSION), MyDatabaseId, MAX_READ);
	if (SPI_execute(query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read " EXTENSION);
	for (uint64 i = 0; i < SPI_processed; i++)
		add_statement(statements, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
	SPI_finish();
}

/* statements_of returns what is known of statements, read when it is first asked for. */
static SdStatements *
statements_of(SdAnalysis *analysis)
{
	SdStatements *statements = analysis->statements;
	MemoryContext old;
	Oid extension;
	char *error = NULL;

	if (statements != NULL)
		return statements;
	old = MemoryContextSwitchTo(analysis->context);
	statements = palloc0(sizeof(SdStatements));
	statements->context = analysis->context;
	extension = get_extension_oid(EXTENSION, true);
	if (OidIsValid(extension))
		statements->function = find_function(extension);
	if (sd_guc_sizes_unknown)
		statements->why_not = "this is not the database that is meant";
	else if (!OidIsValid(statements->function))
	{
		statements->why_not = "extension " EXTENSION " is not in this database";
		statements->absent = true;
	}
	else
	{
		statements->words = sd_words_create();
		if (!sd_try_trusted(read_all, statements, &error))
			statements->why_not = error;
	}
	analysis->statements = statements;
	MemoryContextSwitchTo(old);
	return statements;
}

/* shape returns of a statement what may be shown, or NULL. */
static const char *
shape(const Statement *statement)
{
	char *text = sd_text_shape(statement->text, statement->len, true);
	int len;

	if (text == NULL)
		return NULL;
	len = strlen(text);
	if (len > MAX_BYTES)
		strcpy(text + pg_mbcliplen(text, len, MAX_BYTES - 4), " ...");
	return text;
}

static void
add_told(SdFacts *facts, const Statement *statement)
{
	const char *text = shape(statement);

	sd_fact_open(facts, NULL, '{');
	if (text == NULL)
		sd_fact_null(facts, "query");
	else
		sd_fact_text(facts, "query", text);
	sd_fact_count(facts, "calls", statement->calls);
	sd_fact_number(facts, "mean_ms", statement->mean_ms);
	sd_fact_close(facts, '}');
}

void
sd_fact_statements(SdAnalysis *analysis, SdContext *context, SdFacts *facts)
{
	SdStatements *statements = statements_of(analysis);
	const char *name = get_rel_name(context->relation);
	int64 calls = 0;
	int count = 0;
	ListCell *cell;

	if (statements->why_not != NULL || name == NULL)
	{
		sd_fact_null(facts, "statements");
		sd_fact_unknown(facts, "statements",
						statements->why_not != NULL ? statements->why_not : "it has no name");
		return;
	}
	sd_fact_open(facts, "statements", '[');
	foreach (cell, sd_words_find(statements->words, name))
	{
		const Statement *statement = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (!sd_text_names(statement->text, statement->len, name))
			continue;
		calls += statement->calls;
		if (count++ < MAX_TOLD)
			add_told(facts, statement);
	}
	sd_fact_close(facts, ']');
	sd_fact_count(facts, "statement_count", count);
	sd_fact_count(facts, "statement_calls", calls);
	if (statements->hidden > 0)
		sd_fact_unknown(facts, "statements",
						psprintf("the text of %d more is shown to members of pg_read_all_stats only",
								 statements->hidden));
	if (count > 0)
		sd_fact_phrase(facts, "named by %d statement%s with " INT64_FORMAT " calls", count,
					   count == 1 ? "" : "s", calls);
}
