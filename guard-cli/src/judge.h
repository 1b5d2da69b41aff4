/*
 * judge.h
 *	  Reads what there is of a past run: in the ledger, in the tool's version
 *	  table, in the schema, among the sessions.
 */
#ifndef MG_JUDGE_H
#define MG_JUDGE_H

#include "pg_catalog_ledger.h"
#include "run.h"
#include "verdict.h"

typedef struct MgFinding
{
	MgFacts facts;
	const MgVerdict *verdict;
	MgRevisions now;   /* applied revisions */
	MgStrings living;  /* application names of its sessions in this database */
	MgStrings invalid; /* half-built indexes that it left */
	const char *found; /* revision and schema, on one line; NULL: they were not read */
	const char *text;  /* what the row says, and what was found */
} MgFinding;

/* With the lock held, so that nothing moves; overtaken: a later run has touched the database. */
extern bool mg_judge(MgRun *run, const MgPastRun *past, bool overtaken, MgFinding *finding,
					 MgError *err);

/* Looks up the row again after a fact has become another one. */
extern void mg_judge_again(MgRun *run, MgFinding *finding);

/* Two columns of the table, which the ledger alone fills. */
extern unsigned mg_judge_kind(const MgPastRun *past);
extern unsigned mg_judge_ledger(const MgPastRun *past, bool overtaken);

#endif
