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
#include "lint_place.h"
#include "pg.h"

/* A file as its author wrote it; made by mg_lint_add_file. */
typedef struct MgLintFile
{
	const char *path; /* as it is shown, without "./" */
	const char *unit; /* what the tool calls it, such as a revision; NULL: nothing */
	const char *text; /* all of it: lines and columns are counted in it */
	int number;		  /* in the order in which they were added */
	const char *absolute;
	MgCursor cursor;
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
	bool down;			 /* it is a downgrade: what it loses weighs less */
} MgLintScript;

/* A place in an author's file; lines and columns (in characters) begin at 1. */
typedef struct MgLintPlace
{
	MgLintFile *file;
	size_t offset; /* in bytes */
	int line;
	int column;
	int end_line;		/* 0: the end is not known */
	int end_column;		/* behind the last character */
	const char *source; /* the line to show, or the part of a long one around the place */
	int source_column;	/* in that */
	bool made_up;		/* that is no text of the file */
	int source_end;		/* column behind the last character to mark; 0: not known */
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
	MgLintState state;
	const char *reason;		 /* why it is allowed */
	int reason_line;		 /* of the comment that says so */
	const char *statement;	 /* hash of its statement, by which it is known again; "": none */
	const char *fingerprint; /* of path, rule, object and statement; no two findings have the same */
	int script;				 /* which call of mg_lint_script */
	int number;				 /* of the statement in that script; 0: none */
	bool down;				 /* of a downgrade */
	/* The server's own row, for what else it says; NULL for findings of lint itself. */
	const MgRows *rows;
	int row;
} MgLintFinding;

/* Findings of the baseline that are gone. */
typedef struct MgLintVanished
{
	const char *path;
	const char *rule;
	const char *object; /* NULL: none */
	const char *message;
	int count;
} MgLintVanished;

typedef struct MgLint
{
	MgArena *arena;
	const MgConfig *config;
	MgSeverity fail_on;		   /* MG_SEVERITY_NEVER: never */
	MgSeverity min_severity;   /* those below are neither shown nor counted */
	long long lock_timeout_ms; /* of the sessions that run the migrations; 0: nobody has said */
	bool probe;				   /* rows of the database are asked */
	MgLintFile *files;		   /* in the order in which they were added */
	int file_count;
	MgLintFinding *findings; /* by file, then place */
	int count;
	int size;
	int scripts;
	const MgPg *prepared;		/* session in which the configured rules are on */
	struct MgLintAllow *allows; /* comments that allow something */
	MgLintVanished *vanished;
	int vanished_count;
} MgLint;

extern MgLint *mg_lint_new(MgArena *arena, const MgConfig *config);

/* A file that is looked at, whether or not anything is found in it. */
extern MgLintFile *mg_lint_add_file(MgLint *lint, const char *path, const char *unit,
									const char *text);

/* Analyses a script; nothing is run.  Its names mean what they mean to a session of the database. */
extern bool mg_lint_script(MgLint *lint, MgPg *pg, const MgLintScript *script, MgError *err);

/*
 * Adds a finding of lint's own, of which rule and texts are set: about bytes start to
 * end of a file (start = end: its end is not known), or about the statement that is run
 * where a line of a script is.  Without a severity it has that of its rule.
 */
extern void mg_lint_report(MgLint *lint, MgLintFile *file, size_t start, size_t end,
						   const MgLintFinding *finding);
extern bool mg_lint_report_line(MgLint *lint, MgPg *pg, const MgLintScript *script, int line,
								const MgLintFinding *finding, MgError *err);

/* Ends it: comments are matched, then the baseline's file (NULL: none); findings are sorted. */
extern bool mg_lint_finish(MgLint *lint, const char *baseline, MgError *err);

/* Writes what is found, and not allowed, as a baseline; what it has of other files stays. */
extern bool mg_lint_write_baseline(MgLint *lint, const char *path, MgError *err);

/*
 * What the rows of the database said about a finding: "detail" is a sentence, "verdict"
 * is "will fail", "holds" or "unknown".  NULL when they were not asked.
 */
extern const char *mg_lint_probe(const MgLint *lint, const MgLintFinding *finding, const char *what);

/* Open, and of fail_on or above. */
extern bool mg_lint_fails(const MgLint *lint, const MgLintFinding *finding);
extern int mg_lint_failures(const MgLint *lint);

#endif
