/*
 * sd_context.h
 *	  What else is known of the table that a finding is about: how large it is, who
 *	  uses it, what depends on it.
 *
 * It is gathered when a finding asks for it, once for each table and analysis,
 * without locks but those on catalogs.  What cannot be known, because the server
 * does not count or the caller may not look, is said to be unknown, never none.
 */
#ifndef SD_CONTEXT_H
#define SD_CONTEXT_H

#include "lib/stringinfo.h"

#include "sd_rules.h"
#include "sd_usage.h"

typedef struct SdContext
{
	Oid relation; /* the key */
	SdSize size;
	SdUsage use; /* asked for when it is first needed */
	bool has_use;
	bool hot_reported;	 /* by the open transaction */
	int hot_transaction; /* which one that is */

	/* As the column "context" has it; made when it is first asked for. */
	bool gathered;
	const char *members; /* all but the settings where the statement stands */
	int64 lock_timeout;	 /* for which "document" was made */
	bool by_script;
	Datum document; /* jsonb */
} SdContext;

/* sd_context_of returns the context of a relation of the catalog; of an index, that of its table. */
extern SdContext *sd_context_of(SdAnalysis *analysis, Oid relation);

/* sd_context_may_reach tells whether at least so many transactions a second may use it; false when not known. */
extern bool sd_context_may_reach(SdAnalysis *analysis, SdContext *context, double transactions);

/* sd_context_is_hot tells whether it is in constant use. */
extern bool sd_context_is_hot(SdAnalysis *analysis, SdContext *context);

/* sd_context_facts says in a few words how large and how used it is. */
extern const char *sd_context_facts(SdAnalysis *analysis, SdContext *context);

/*
 * sd_context_document returns the column "context" of a finding about a relation;
 * *isnull when there is none or safedeploy.context is off.
 */
extern Datum sd_context_document(SdAnalysis *analysis, Oid relation, bool *isnull);

/*
 * Facts.  Each is a function that writes members of the document, and phrases for
 * people; sd_context.c has the table of all of them.
 */
typedef struct SdFacts
{
	StringInfoData members;
	StringInfoData summary; /* phrases with commas between */
	StringInfoData unknown; /* what could not be told, and why: members of an object */
	bool first;				/* nothing stands before in the array or object that is open */
} SdFacts;

extern void sd_fact_text(SdFacts *facts, const char *key, const char *value);
extern void sd_fact_number(SdFacts *facts, const char *key, double value);
extern void sd_fact_count(SdFacts *facts, const char *key, int64 value);
extern void sd_fact_bool(SdFacts *facts, const char *key, bool value);
extern void sd_fact_null(SdFacts *facts, const char *key);

/* Arrays and objects; an element of an array has no key. */
extern void sd_fact_open(SdFacts *facts, const char *key, char bracket);
extern void sd_fact_close(SdFacts *facts, char bracket);

extern void sd_fact_phrase(SdFacts *facts, const char *format, ...) pg_attribute_printf(2, 3);
extern void sd_fact_unknown(SdFacts *facts, const char *key, const char *why);

/* sd_fact_span says how long something lasts: "12 min". */
extern const char *sd_fact_span(double seconds);

/* sd_context_catalog.c: what depends on it, and what replicates it */
extern void sd_fact_dependents(SdAnalysis *analysis, SdContext *context, SdFacts *facts);
extern void sd_fact_bodies(SdAnalysis *analysis, SdContext *context, SdFacts *facts);
extern void sd_fact_publications(SdAnalysis *analysis, SdContext *context, SdFacts *facts);

/* sd_context_server.c: who works with it now, and who follows this server */
extern void sd_fact_sessions(SdAnalysis *analysis, SdContext *context, SdFacts *facts);
extern void sd_fact_oldest(SdAnalysis *analysis, SdContext *context, SdFacts *facts);
extern void sd_fact_replicas(SdAnalysis *analysis, SdContext *context, SdFacts *facts);

/* sd_context_statements.c: statements that name it, by pg_stat_statements */
extern void sd_fact_statements(SdAnalysis *analysis, SdContext *context, SdFacts *facts);

#endif
