/*
 * lint_source.h
 *	  What lint looks at: files, and what the tools that run them make of them.
 *
 * A source is one file.  Its parts are what a tool runs of it at a time: the
 * upgrade, and the downgrade where it stands in the same file.
 */
#ifndef MG_LINT_SOURCE_H
#define MG_LINT_SOURCE_H

#include "cli.h"
#include "lint.h"
#include "tool.h"

typedef enum MgLintKind
{
	MG_LINT_PLAIN,	/* SQL of which nothing else is known */
	MG_LINT_PAIR,	/* N_name.up.sql, N_name.down.sql: golang-migrate and others */
	MG_LINT_MARKED, /* both ways in one file, parted by comments: goose, dbmate, sql-migrate */
	MG_LINT_FLYWAY,
	MG_LINT_SQITCH,
	MG_LINT_ALEMBIC
} MgLintKind;

typedef struct MgLintSource
{
	const char *path; /* as it is shown; "-": standard input */
	const char *absolute;
	const char *text;
	const char *directory; /* below which versions are in order */
	MgLintKind kind;
	const char *version; /* NULL: none */
	int rank;	 /* in a plan, or below the versions; those of the same are in order of version */
	bool down;	 /* the file is a downgrade */
	bool apart;	 /* never run in the order of the others, such as a baseline */
	bool wanted; /* to be looked at; others only come before it */
	int given;	 /* number of the operand that brought it */
} MgLintSource;

typedef struct MgLintPart
{
	const char *text;
	const MgLintSpan *spans;
	int span_count;
	bool down;
	bool in_transaction; /* unless what the file holds decides */
	bool by_content;	 /* it does */
} MgLintPart;

/* What is known of a run of lint while its sources are read. */
typedef struct MgLintSources
{
	MgArena *arena;
	MgConfig *config;
	MgLint *lint;
	const MgTarget *target; /* the database that names are looked up in */
	bool no_transaction;	/* of plain files */
	MgLintSource *items;
	int count;
	int size;
	MgTool *alembic;			/* NULL: not needed yet */
	const char *alembic_failed; /* why it cannot be asked; NULL: it can */
	MgTool *flyway;				/* NULL: not needed yet */
} MgLintSources;

/* lint_source.c: adds a file, with its text when that is not to be read from the file. */
extern bool mg_lint_source_add(MgLintSources *sources, const char *path, const char *text,
							   bool wanted, int given, MgError *err);

/* Adds what an operand stands for: a file, a directory, a glob, "-". */
extern bool mg_lint_source_operand(MgLintSources *sources, const char *operand, int given,
								   MgError *err);

/* Adds the other migrations of the directories that wanted ones are in. */
extern bool mg_lint_source_earlier(MgLintSources *sources, MgError *err);

/* Puts them in the order in which their tools run them. */
extern void mg_lint_source_sort(MgLintSources *sources);

/* lint_glob.c: "*" and "?" stay in a directory, "**" does not. */
extern bool mg_lint_is_glob(const char *text);
extern bool mg_lint_glob(MgArena *arena, const char *glob, MgStrings *paths, MgError *err);
extern bool mg_lint_glob_match(const char *glob, const char *path);

/* lint_git.c: adds what was added or changed since a revision, or up to the end of a range;
 * operands (none: all) say where. */
extern bool mg_lint_git(MgLintSources *sources, const char *since, const char *range,
						char *const *operands, int count, MgError *err);

/*
 * lint_part.c: what is run of a source, of which no more than MG_LINT_PARTS there are.  The
 * file has been added to lint.  What cannot be told is added as a finding; file NULL: the
 * source is only to be run.
 */
#define MG_LINT_PARTS 2
extern bool mg_lint_parts(MgLintSources *sources, const MgLintSource *source, MgLintFile *file,
						  MgLintPart *parts, int *count, MgError *err);

/* Looks for a file of that name where the path is, and above; NULL: there is none. */
extern const char *mg_lint_find_above(MgArena *arena, const char *path, const char *name);

/* lint_flyway.c, lint_alembic.c, lint_sqitch.c: the same, each for its tool; where it stands. */
extern bool mg_lint_flyway_parts(MgLintSources *sources, const MgLintSource *source,
								 MgLintFile *file, MgLintPart *parts, int *count, MgError *err);
extern bool mg_lint_flyway_place(MgLintSources *sources, MgLintSource *source, MgError *err);
extern bool mg_lint_alembic_parts(MgLintSources *sources, const MgLintSource *source,
								  MgLintFile *file, MgLintPart *parts, int *count, MgError *err);
extern bool mg_lint_alembic_place(MgLintSources *sources, MgLintSource *source, MgError *err);
extern bool mg_lint_is_revision(const char *text);
extern bool mg_lint_sqitch_place(MgLintSources *sources, MgLintSource *source, bool *verify,
								 MgError *err);

#endif
