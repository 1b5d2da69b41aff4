/*
 * pg_catalog_lint.h
 *	  Statements about scripts: what is dangerous in them, and what they are made of.
 */
#ifndef MG_PG_CATALOG_LINT_H
#define MG_PG_CATALOG_LINT_H

#include "pg.h"

/* Switches rules on in this session, by their names with commas between. */
extern bool mg_catalog_rules_on(MgPg *pg, const char *rules, MgError *err);

/* Lets analyses of this session ask rows, each question bounded in rows and milliseconds. */
extern bool mg_catalog_probe_on(MgPg *pg, const char *rows, const char *time, bool examples,
								MgError *err);

/*
 * Findings of a script; each row as safedeploy.finding has it.  lock_timeout_ms is that of
 * the session in which it will run; 0: what role and database have.
 */
extern bool mg_catalog_analyze(MgPg *pg, const char *sql, bool in_transaction,
							   long long lock_timeout_ms, MgRows *rows, MgError *err);

/* Where something is in a script; position and length count what the server counts in. */
typedef struct MgScriptPart
{
	long position; /* from 1 */
	long length;
	const char *text; /* of a comment, with its marks; of a statement, its hash */
} MgScriptPart;

extern bool mg_catalog_script_comments(MgPg *pg, const char *sql, MgScriptPart **parts, int *count,
									   MgError *err);

/* Statements by their number; the first has number 1 and is parts[0]. */
extern bool mg_catalog_script_outline(MgPg *pg, const char *sql, MgScriptPart **parts, int *count,
									  MgError *err);

#endif
