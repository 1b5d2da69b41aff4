/*
 * lint_rules.h
 *	  The rules of the analysis and severities, as the program itself knows them.
 */
#ifndef MG_LINT_RULES_H
#define MG_LINT_RULES_H

#include "arena.h"

typedef enum MgSeverity
{
	MG_SEVERITY_OFF,
	MG_SEVERITY_INFO,
	MG_SEVERITY_NOTICE,
	MG_SEVERITY_WARNING,
	MG_SEVERITY_ERROR,
	MG_SEVERITY_NEVER /* above all: as a threshold, none reaches it */
} MgSeverity;

extern const char *mg_severity_name(MgSeverity severity);
/* False when it is no severity's name. */
extern bool mg_severity_of(const char *name, MgSeverity *severity);

typedef struct MgRule
{
	const char *name;
	const char *family;	 /* as in the table: upper case */
	MgSeverity severity; /* usual one; MG_SEVERITY_OFF: only when asked for */
	const char *summary;
	const char *hint;	 /* with placeholders: mg_rule_hint() is for people */
	const char *applies; /* statements */
	int since;			 /* first and last major version of the server, 0 without a bound */
	int until;
	const char *reference; /* page of the server's documentation; NULL for rules of lint's own */
} MgRule;

/* Cases of a rule, from those that it is tested by. */
typedef struct MgRuleExample
{
	const char *rule;
	const char *setup;
	const char *fires_label;
	const char *fires;
	const char *quiet_label;
	const char *quiet;
} MgRuleExample;

/* NULL for a rule that has none. */
extern const MgRuleExample *mg_rule_example(const MgRule *rule);
/* What is behind all rules of its family, as sentences. */
extern const char *mg_rule_why(const MgRule *rule);

/* The hint with words in place of its placeholders. */
extern const char *mg_rule_hint(MgArena *arena, const MgRule *rule);

/* The server's rules in the order of their table, then those of lint itself; ended by a row without name. */
extern const MgRule mg_rules[];

/* "drop" */
extern char *mg_rule_family(MgArena *arena, const MgRule *rule);

/* NULL when there is none of that name. */
extern const MgRule *mg_rule_find(const char *name);
/* The rule whose name is nearest; NULL when none is near. */
extern const MgRule *mg_rule_nearest(const char *name);

#endif
