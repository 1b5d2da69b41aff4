/*
 * lint.h
 *	  What is dangerous in SQL files: from files to findings with places.
 *
 * Whoever finds files makes MgLintFile and MgLintScript of them; each script
 * goes through the server's analysis; findings come back with the place in the
 * author's file, the severity that the configuration gives them, and who has
 * allowed them.  lint_output.h writes them.
 */
#ifndef MG_LINT_H
#define MG_LINT_H

#include "config.h"
#include "lint_rules.h"
#include "pg.h"

/* A file as its author wrote it. */
typedef struct MgLintFile
{
	const char *path; /* as it is shown */
	const char *unit; /* what the tool calls it, such as a revision; NULL: nothing */
	const char *text; /* all of it: lines and columns are counted in it */
	MgStrings notes;  /* what could not be looked at, for people */
	struct MgLintFile *next;
} MgLintFile;

/*
 * From byte "at" of a script on, its text is that of the file from byte "from"
 * on.  Made-up text, such as the SQL that a tool prints for a file in another
 * language, all stands at that place of the file; its own lines are shown.
 */
typedef struct MgLintSpan
{
	size_t at;
	MgLintFile *file;
	size_t from;
	bool made_up;
} MgLintSpan;

/* What the server gets in one piece: a file, a part of one, or several in their order. */
typedef struct MgLintScript
{
	const char *text;
	const MgLintSpan *spans; /* in the order of "at"; the first begins at 0 */
	int span_count;
	bool in_transaction; /* whoever runs it wraps it in a transaction */
} MgLintScript;

/* A place in an author's file; lines and columns (in characters) begin at 1. */
typedef struct MgLintPlace
{
	MgLintFile *file;
	int line;
	int column;
	int end_line;	/* 0: the end is not known */
	int end_column; /* behind the last character */
} MgLintPlace;

typedef enum MgLintState
{
	MG_LINT_OPEN,
	MG_LINT_ALLOWED, /* by a comment in the file */
	MG_LINT_KNOWN	 /* by the baseline */
} MgLintState;

typedef struct MgLintFinding
{
	MgLintPlace place;
	const char *rule;
	MgSeverity severity;
	const char *object; /* NULL: none */
	const char *message;
	const char *detail; /* NULL: none */
	const char *hint;	/* NULL: none */
	const char *source; /* the line of text that is shown; NULL: none */
	int source_column;	/* in it */
	int source_end;		/* column behind the last character to mark; 0: not known */
	MgLintState state;
	const char *reason; /* why it is allowed */
	int allowed_line;	/* of the comment that allows it */
	/* Identity that stays when lines move: see lint_baseline.c */
	const char *statement;	 /* hash of the statement, "" when it has none */
	const char *fingerprint; /* of rule, object, statement and path, different for each finding */
	/* The server's own row, for what else it says; NULL for findings of lint itself. */
	const MgRows *rows;
	int row;
} MgLintFinding;

/* One finding of the baseline that is gone. */
typedef struct MgLintVanished
{
	const char *path;
	const char *rule;
	const char *object;
	const char *message;
} MgLintVanished;

typedef struct MgLint
{
	MgArena *arena;
	const MgConfig *config;
	MgSeverity fail_on;		 /* MG_SEVERITY_NEVER: none */
	MgSeverity min_severity; /* those below are neither shown nor counted */
	MgLintFile *files;		 /* in the order in which they were added */
	MgLintFinding *findings; /* by file, then place */
	int count;
	int size;
	MgLintVanished *vanished;
	int vanished_count;
	const char *baseline; /* file that was read, NULL: none */
	struct MgLintAllow *allows;
} MgLint;

extern MgLint *mg_lint_new(MgArena *arena, const MgConfig *config);

/* A file that is looked at, whether or not anything is found in it; its list of notes is empty. */
extern MgLintFile *mg_lint_add_file(MgLint *lint, const char *path, const char *unit,
									const char *text);

/* Analyses a script; nothing is run.  Its names mean what they mean to a session of the database. */
extern bool mg_lint_script(MgLint *lint, MgPg *pg, const MgLintScript *script, MgError *err);

/* Ends it: unused comments become findings, the baseline is compared, findings are sorted. */
extern bool mg_lint_finish(MgLint *lint, MgError *err);

/* Writes what is open or known now as the baseline's file. */
extern bool mg_lint_write_baseline(const MgLint *lint, const char *path, MgError *err);

/* Open findings of a severity; of fail_on and above. */
extern int mg_lint_count(const MgLint *lint, MgSeverity severity);
extern int mg_lint_failures(const MgLint *lint);

#endif
