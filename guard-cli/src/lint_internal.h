/*
 * lint_internal.h
 *	  What the parts of lint share.
 */
#ifndef MG_LINT_INTERNAL_H
#define MG_LINT_INTERNAL_H

#include "lint.h"

/* A statement of a script, in bytes. */
typedef struct MgLintStatement
{
	size_t start;
	size_t end; /* without the semicolon */
	const char *hash;
} MgLintStatement;

/* A script while it is analysed. */
typedef struct MgLintRead
{
	MgLint *lint;
	MgPg *pg;
	const MgLintScript *script;
	MgCursor cursor;
	MgLintStatement *statements;
	int count;
} MgLintRead;

/* A comment of a file that allows findings of one rule. */
typedef struct MgLintAllow
{
	const char *rule;
	const char *reason;
	bool whole_file;
	int script;
	int first; /* numbers of the statements that it is for */
	int last;
	bool used;
	MgLintFinding unused; /* what is reported when it is not */
	struct MgLintAllow *next;
} MgLintAllow;

/* Place of bytes start to end of the script; end 0: not known. */
extern MgLintPlace mg_lint_place(MgLintRead *read, size_t start, size_t end);

/* Severity that findings of a rule have in a file: the configuration's, or their own. */
extern MgSeverity mg_lint_severity(const MgLint *lint, const MgLintFile *file, const char *rule,
								   MgSeverity own);

extern MgLintFinding *mg_lint_add(MgLint *lint, const MgLintFinding *finding);

/* lint_allow.c: comments of a script; marks of what they allow; findings about the comments */
extern bool mg_lint_read_allows(MgLintRead *read, MgError *err);
extern void mg_lint_apply_allows(MgLint *lint);

/* lint_baseline.c: fingerprints; marks of what the file knows */
extern void mg_lint_fingerprint(MgLint *lint);
extern bool mg_lint_apply_baseline(MgLint *lint, const char *path, MgError *err);

#endif
