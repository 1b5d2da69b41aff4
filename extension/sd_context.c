/*
 * sd_context.c
 *	  What else is known of the table that a finding is about.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "sd_compat.h"
#include "sd_context.h"
#include "sd_guc.h"
#include "sd_lookup.h"
#include "sd_names.h"
#include "sd_size.h"
#include "sd_track.h"

static void fact_size(SdAnalysis *analysis, SdContext *context, SdFacts *facts);
static void fact_use(SdAnalysis *analysis, SdContext *context, SdFacts *facts);

typedef void (*Fact)(SdAnalysis *analysis, SdContext *context, SdFacts *facts);

/* Every fact, in the order in which people read them: of a table, and of the server, told once. */
static const Fact of_table[] = { fact_size,			 fact_use,		 sd_fact_sessions,
								 sd_fact_dependents, sd_fact_bodies, sd_fact_publications,
								 sd_fact_statements };
static const Fact of_server[] = { sd_fact_oldest, sd_fact_replicas };

/* begin_member writes what stands in front of a value. */
static void
begin_member(SdFacts *facts, const char *key)
{
	if (!facts->first)
		appendStringInfoString(&facts->members, ", ");
	facts->first = false;
	if (key != NULL)
		appendStringInfo(&facts->members, "\"%s\": ", key);
}

void
sd_fact_text(SdFacts *facts, const char *key, const char *value)
{
	begin_member(facts, key);
	escape_json(&facts->members, value);
}

void
sd_fact_number(SdFacts *facts, const char *key, double value)
{
	begin_member(facts, key);
	appendStringInfo(&facts->members, "%.3f", value);
}

void
sd_fact_count(SdFacts *facts, const char *key, int64 value)
{
	begin_member(facts, key);
	appendStringInfo(&facts->members, INT64_FORMAT, value);
}

void
sd_fact_bool(SdFacts *facts, const char *key, bool value)
{
	begin_member(facts, key);
	appendStringInfoString(&facts->members, value ? "true" : "false");
}

void
sd_fact_null(SdFacts *facts, const char *key)
{
	begin_member(facts, key);
	appendStringInfoString(&facts->members, "null");
}

/* fact_time writes a time; 0 is null. */
static void
fact_time(SdFacts *facts, const char *key, TimestampTz value)
{
	char text[MAXDATELEN + 1];

	if (value == 0)
	{
		sd_fact_null(facts, key);
		return;
	}
	begin_member(facts, key);
	JsonEncodeDateTime(text, TimestampTzGetDatum(value), TIMESTAMPTZOID, NULL);
	appendStringInfo(&facts->members, "\"%s\"", text);
}

void
sd_fact_open(SdFacts *facts, const char *key, char bracket)
{
	begin_member(facts, key);
	appendStringInfoChar(&facts->members, bracket);
	facts->first = true;
}

void
sd_fact_close(SdFacts *facts, char bracket)
{
	appendStringInfoChar(&facts->members, bracket);
	facts->first = false;
}

void
sd_fact_phrase(SdFacts *facts, const char *format, ...)
{
	int room = 0;

	if (facts->summary.len > 0)
		appendStringInfoString(&facts->summary, ", ");
	do
	{
		va_list args;

		if (room > 0)
			enlargeStringInfo(&facts->summary, room);
		va_start(args, format);
		room = appendStringInfoVA(&facts->summary, format, args);
		va_end(args);
	} while (room > 0);
}

void
sd_fact_unknown(SdFacts *facts, const char *key, const char *why)
{
	appendStringInfo(&facts->unknown, "%s\"%s\": ", facts->unknown.len > 0 ? ", " : "", key);
	escape_json(&facts->unknown, why);
}

const char *
sd_fact_span(double seconds)
{
	if (seconds < 100)
		return psprintf("%.0f s", Max(seconds, 0));
	if (seconds < 100 * 60)
		return psprintf("%.0f min", seconds / 60);
	if (seconds < 48 * 3600)
		return psprintf("%.0f h", seconds / 3600);
	return psprintf("%.0f days", seconds / 86400);
}

static double
seconds_since(TimestampTz then)
{
	return (GetCurrentTimestamp() - then) / 1000000.0;
}

/* size_phrase says how much it holds. */
static void
size_phrase(const SdContext *context, SdFacts *facts)
{
	/* that this is another database is no news about each of its tables */
	if (sd_guc_sizes_unknown)
		return;
	sd_fact_phrase(facts, "%s",
				   context->size.bytes < 0 ? "size not known" : sd_size_text(context->size));
}

/* fact_size tells how much it holds. */
static void
fact_size(SdAnalysis *analysis, SdContext *context, SdFacts *facts)
{
	sd_fact_bool(facts, "size_known", context->size.bytes >= 0);
	if (context->size.bytes < 0)
		sd_fact_null(facts, "bytes");
	else
		sd_fact_count(facts, "bytes", context->size.bytes);
	if (context->size.rows < 0)
		sd_fact_null(facts, "rows");
	else
		sd_fact_count(facts, "rows", context->size.rows);
	size_phrase(context, facts);
}

/* rate writes uses a second with as many digits as mean something. */
static const char *
rate(int64 count, double seconds)
{
	double per_second = count / seconds;

	if (count == 0)
		return "no";
	if (per_second < 0.01)
		return "hardly any";
	return psprintf(per_second < 10 ? "%.2g" : "%.0f", per_second);
}

/* use_phrases says how often it is read and written. */
static void
use_phrases(const SdUsage *use, SdFacts *facts)
{
	if (!use->known)
	{
		if (!sd_guc_sizes_unknown)
			sd_fact_phrase(facts, "use not known");
		return;
	}
	if (use->reads == 0 && use->writes == 0)
	{
		sd_fact_phrase(facts, "not used for %s", sd_fact_span(seconds_since(use->since)));
		return;
	}
	sd_fact_phrase(facts, "%s writes/s", rate(use->writes, use->seconds));
	sd_fact_phrase(facts, "%s reads/s", rate(use->reads, use->seconds));
	if (use->last_read != 0)
		sd_fact_phrase(facts, "last read %s ago", sd_fact_span(seconds_since(use->last_read)));
}

/* use_of returns how much a relation is used, asked for when it is first needed. */
static const SdUsage *
use_of(SdAnalysis *analysis, SdContext *context)
{
	if (!context->has_use)
	{
		context->use = sd_usage(analysis, context->relation);
		context->has_use = true;
	}
	return &context->use;
}

/* fact_use tells how often it is read and written, and since when that is counted. */
static void
fact_use(SdAnalysis *analysis, SdContext *context, SdFacts *facts)
{
	const SdUsage *use = use_of(analysis, context);

	use_phrases(use, facts);
	if (!use->known)
	{
		sd_fact_null(facts, "reads_per_second");
		sd_fact_null(facts, "writes_per_second");
		sd_fact_null(facts, "hot");
		sd_fact_unknown(facts, "use",
						sd_guc_sizes_unknown ? "this is not the database that is meant" :
											   "the server keeps no statistics");
		return;
	}
	sd_fact_number(facts, "reads_per_second", use->reads / use->seconds);
	sd_fact_number(facts, "writes_per_second", use->writes / use->seconds);
	sd_fact_number(facts, "transactions_per_second", use->transactions);
	sd_fact_bool(facts, "hot", sd_usage_is_hot(use));
	fact_time(facts, "since", use->since);
	fact_time(facts, "last_read", use->last_read);
	if (use->last_read == 0 && use->reads > 0)
		sd_fact_unknown(facts, "last_read", "this server does not keep it");
}

/* new_facts begins facts that live in the current memory context. */
static SdFacts
new_facts(void)
{
	SdFacts facts = { .first = true };

	initStringInfo(&facts.members);
	initStringInfo(&facts.summary);
	initStringInfo(&facts.unknown);
	return facts;
}

bool
sd_context_may_reach(SdAnalysis *analysis, SdContext *context, double transactions)
{
	const SdUsage *limit = sd_usage_limit(analysis);

	return limit->known && limit->transactions >= transactions &&
		   use_of(analysis, context)->transactions >= transactions;
}

bool
sd_context_is_hot(SdAnalysis *analysis, SdContext *context)
{
	return sd_guc_hot_table > 0 && sd_context_may_reach(analysis, context, sd_guc_hot_table);
}

const char *
sd_context_facts(SdAnalysis *analysis, SdContext *context)
{
	SdFacts facts = new_facts();

	size_phrase(context, &facts);
	use_phrases(use_of(analysis, context), &facts);
	return facts.summary.data;
}

SdContext *
sd_context_of(SdAnalysis *analysis, Oid relation)
{
	SdContext *context = analysis->last_context;
	Oid owner;
	bool found;

	/* a statement is mostly about one table */
	if (context != NULL && context->relation == relation)
		return context;
	if (analysis->contexts == NULL)
	{
		HASHCTL options = { .keysize = sizeof(Oid),
							.entrysize = sizeof(SdContext),
							.hcxt = analysis->context };

		analysis->contexts =
			hash_create("safedeploy contexts", 64, &options, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	context = hash_search(analysis->contexts, &relation, HASH_FIND, NULL);
	if (context == NULL && OidIsValid(owner = sd_lookup_index_table(relation)))
	{
		relation = owner;
		context = hash_search(analysis->contexts, &relation, HASH_FIND, NULL);
	}
	if (context == NULL)
	{
		/* a failure must not leave an entry that was never filled */
		SdContext new = { .relation = relation, .size = sd_relation_size(analysis->sizes, relation) };

		/* where ANALYZE never was, the server has counted all the same */
		if (new.size.bytes > 0 && new.size.rows < 0 && use_of(analysis, &new)->known)
			new.size.rows = new.use.rows;
		context = hash_search(analysis->contexts, &relation, HASH_ENTER, &found);
		*context = new;
	}
	analysis->last_context = context;
	return context;
}

/* server_facts returns the facts of the server, told once an analysis. */
static const SdFacts *
server_facts(SdAnalysis *analysis)
{
	if (analysis->server_facts == NULL)
	{
		SdFacts *facts = palloc(sizeof(SdFacts));

		*facts = new_facts();
		for (int i = 0; i < lengthof(of_server); i++)
			of_server[i](analysis, NULL, facts);
		analysis->server_facts = facts;
	}
	return analysis->server_facts;
}

/* append_text adds a text to a list with commas between. */
static void
append_text(StringInfo list, const StringInfoData *text)
{
	if (text->len > 0)
		appendStringInfo(list, "%s%s", list->len > 0 ? ", " : "", text->data);
}

/* gather asks for every fact. */
static void
gather(SdAnalysis *analysis, SdContext *context)
{
	MemoryContext old = MemoryContextSwitchTo(analysis->context);
	SdFacts facts = new_facts();
	const SdFacts *server;

	sd_fact_text(&facts, "relation", sd_relation_name(context->relation));
	for (int i = 0; i < lengthof(of_table); i++)
		of_table[i](analysis, context, &facts);
	server = server_facts(analysis);
	append_text(&facts.members, &server->members);
	append_text(&facts.summary, &server->summary);
	append_text(&facts.unknown, &server->unknown);
	sd_fact_text(&facts, "summary", facts.summary.data);
	sd_fact_open(&facts, "unknown", '{');
	appendStringInfoString(&facts.members, facts.unknown.data);
	sd_fact_close(&facts, '}');
	context->members = facts.members.data;
	context->gathered = true;
	pfree(facts.summary.data);
	pfree(facts.unknown.data);
	MemoryContextSwitchTo(old);
}

Datum
sd_context_document(SdAnalysis *analysis, Oid relation, bool *isnull)
{
	const SdSettingValues *timeout = sd_track_setting_values(analysis, SD_SETTING_LOCK_TIMEOUT);
	SdContext *context;
	MemoryContext old;
	StringInfoData text;

	*isnull = !sd_guc_context || !OidIsValid(relation);
	if (*isnull)
		return (Datum) 0;
	context = sd_context_of(analysis, relation);
	if (!context->gathered)
		gather(analysis, context);
	else if (context->lock_timeout == timeout->now && context->by_script == timeout->by_script)
		return context->document;
	initStringInfo(&text);
	appendStringInfo(&text, "{%s, \"lock_timeout\": {\"ms\": ", context->members);
	if (timeout->now == SD_TIMEOUT_UNKNOWN)
		appendStringInfoString(&text, "null");
	else
		appendStringInfo(&text, INT64_FORMAT, timeout->now);
	appendStringInfo(&text, ", \"set_by\": \"%s\"}}", timeout->by_script ? "script" : "session");
	old = MemoryContextSwitchTo(analysis->context);
	if (context->document != (Datum) 0)
		pfree(DatumGetPointer(context->document));
	context->document = DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data));
	MemoryContextSwitchTo(old);
	context->lock_timeout = timeout->now;
	context->by_script = timeout->by_script;
	return context->document;
}
