/*
 * lint_output.h
 *	  Reports of lint: one table of formats, each a writer.
 */
#ifndef MG_LINT_OUTPUT_H
#define MG_LINT_OUTPUT_H

#include <cjson/cJSON.h>

#include "cli.h"
#include "lint.h"

/* What a writer gets. */
typedef struct MgLintView
{
	const MgContext *context;
	const MgLint *lint;
	bool color;
	bool all; /* people see also what is allowed or known */
} MgLintView;

typedef struct MgLintWriter
{
	const char *name;
	void (*write)(const MgLintView *view, MgBuf *out);
} MgLintWriter;

/* In the order of the help; ended by a row without name. */
extern const MgLintWriter mg_lint_writers[];

/* Where to a format is written. */
typedef struct MgLintOutput
{
	const MgLintWriter *writer;
	const char *path; /* NULL: standard output */
} MgLintOutput;

typedef struct MgLintOutputs
{
	MgLintOutput *items;
	int count;
} MgLintOutputs;

/*
 * Pairs the options --format and --output as they were given: a file gets the
 * format before it; a format without a file, and text when every format has
 * one, goes to standard output.
 */
extern bool mg_lint_outputs(const MgContext *context, MgLintOutputs *outputs, MgError *err);

/* Writes them all. */
extern bool mg_lint_write(const MgContext *context, const MgLint *lint, bool all,
						  const MgLintOutputs *outputs, MgError *err);

/* Parts that writers share. */

/* Open findings of a severity; all of a state. */
extern int mg_lint_count(const MgLint *lint, MgSeverity severity);
extern int mg_lint_count_state(const MgLint *lint, MgLintState state);
/* "takes ACCESS EXCLUSIVE lock, rewrites the table, about 100 rows"; NULL when nothing is known. */
extern const char *mg_lint_cost(MgArena *arena, const MgLintFinding *finding);
/* How large and how used its table is, in a few words; NULL when nothing is known. */
extern const char *mg_lint_facts(MgArena *arena, const MgLintFinding *finding);
/* Message, cost, facts, detail and hint, each in its line. */
extern const char *mg_lint_full_text(MgArena *arena, const MgLintFinding *finding);
/* The path as seen from the working directory, when it is below it. */
extern const char *mg_lint_path(MgArena *arena, const MgLintFile *file);
/* cJSON as one line, which is freed. */
extern void mg_lint_add_json(MgBuf *out, cJSON *json);

extern void mg_lint_write_text(const MgLintView *view, MgBuf *out);
extern void mg_lint_write_json(const MgLintView *view, MgBuf *out);
extern void mg_lint_write_sarif(const MgLintView *view, MgBuf *out);
extern void mg_lint_write_github(const MgLintView *view, MgBuf *out);
extern void mg_lint_write_gitlab(const MgLintView *view, MgBuf *out);
extern void mg_lint_write_junit(const MgLintView *view, MgBuf *out);

#endif
