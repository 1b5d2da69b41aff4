/*
 * sd_rules.c
 *	  The rule table, and how a check reports.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "sd_context.h"
#include "sd_effect.h"
#include "sd_effect_ask.h"
#include "sd_guc.h"
#include "sd_keys.h"
#include "sd_probe.h"
#include "sd_result.h"
#include "sd_rules.h"
#include "sd_severity.h"
#include "sd_size.h"
#include "sd_track.h"

const SdRule sd_rules[SD_RULE_COUNT] = {
#define X(id, name, family, severity, applies, since, until, summary, hint, reference) \
	{ name, SD_FAMILY_##family, SD_##severity, applies, since, until, summary, hint, reference },
#include "sd_rule_list.h"
#undef X
};

static const char *const family_names[SD_FAMILY_COUNT] = {
	"drop",		 "rewrite",	 "scan",	"lock",		   "rename",  "data",  "transaction", "opaque",
	"partition", "workload", "failure", "application", "timeout", "style", "security"
};
static const char *const severity_names[] = { "off", "info", "notice", "warning", "error" };
static const char *const data_loss_names[] = { "none", "possible", "certain" };

const char *
sd_family_name(SdFamily family)
{
	return family_names[family];
}

const char *
sd_severity_name(SdSeverity severity)
{
	return severity_names[severity];
}

const char *
sd_size_text(SdSize size)
{
	static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB" };
	int64 amount = size.bytes;
	int unit = 0;

	if (size.bytes == 0)
		return "empty";
	if (size.bytes < 0)
		return "of unknown size";
	/* two digits at least, as pg_size_pretty() has it */
	for (; amount >= 10 * 1024 && unit < lengthof(units) - 1; unit++)
		amount = (amount + 512) / 1024;
	if (size.rows < 0)
		return psprintf(INT64_FORMAT " %s, rows not counted yet", amount, units[unit]);
	return psprintf("about " INT64_FORMAT " rows, " INT64_FORMAT " %s", size.rows, amount,
					units[unit]);
}

SdFinding
sd_finding(SdAnalysis *analysis, SdRuleId rule, const SdRelation *relation)
{
	SdFinding finding = { 0 };

	finding.rule = rule;
	finding.severity = sd_rules[rule].severity == SD_OFF ? SD_NOTICE : sd_rules[rule].severity;
	finding.location = -1;
	finding.size.rows = finding.size.bytes = -1;
	finding.rewrites = finding.scans = SD_NO;
	if (relation != NULL)
	{
		finding.object = finding.names.table = sd_shown(relation);
		finding.schema = relation->schema;
		finding.relation = relation->name;
		if (relation->presence == SD_EXISTS)
		{
			finding.target = finding.about = relation->oid;
			finding.is_index = relation->relkind == RELKIND_INDEX ||
							   relation->relkind == RELKIND_PARTITIONED_INDEX;
			finding.size = sd_relation_size(analysis->sizes, relation->oid);
		}
	}
	return finding;
}

SdFinding
sd_alter_finding(SdAnalysis *analysis, SdRuleId rule, const SdAlter *alter, const char *column)
{
	SdFinding finding = sd_finding(analysis, rule, &alter->relation);

	finding.lock = alter->lock;
	if (column != NULL)
	{
		finding.names.column = quote_identifier(column);
		finding.object = psprintf("%s.%s", finding.object, finding.names.column);
	}
	return finding;
}

bool
sd_has_storage(const SdRelation *relation)
{
	switch (relation->relkind)
	{
		case 0:
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_MATVIEW:
			return true;
		default:
			return false;
	}
}

SdDataLoss
sd_loss_of(SdSize size)
{
	if (size.bytes == 0)
		return SD_LOSS_NONE;
	return size.bytes > 0 ? SD_LOSS_CERTAIN : SD_LOSS_POSSIBLE;
}

/* Constant texts of findings, made when they are first used. */
typedef struct Texts
{
	Datum rules[SD_RULE_COUNT];
	Datum hints[SD_RULE_COUNT];
	Datum severities[SD_ERROR + 1];
	Datum losses[SD_LOSS_CERTAIN + 1];
	Datum locks[AccessExclusiveLock + 1];
} Texts;

/* constant_text returns a string literal as text, made once for each call of analyze(). */
static Datum
constant_text(SdAnalysis *analysis, Datum *kept, const char *string)
{
	if (*kept == (Datum) 0)
	{
		MemoryContext old = MemoryContextSwitchTo(analysis->context);

		*kept = CStringGetTextDatum(string);
		MemoryContextSwitchTo(old);
	}
	return *kept;
}

SdPlace
sd_place(SdAnalysis *analysis, int location)
{
	int offset = analysis->start;

	sd_script_locate(analysis->script, offset);
	/* what cannot be mapped is the statement */
	if (location >= 0 && analysis->origin >= 0)
		offset = Max(offset, analysis->origin + location);
	else if (analysis->inside != NULL && analysis->origin >= 0)
	{
		SdLexer lexer = { analysis->script->text, analysis->script->len, analysis->origin };

		/* the statement of a body, behind the white space in front of it */
		sd_lex_skip_blank(&lexer);
		offset = Max(offset, lexer.pos);
	}
	return sd_script_locate_inner(analysis->script, Min(offset, analysis->script->len));
}

/*
 * report_effect takes of a finding what is of interest when effects are asked
 * for: that something could not be told.
 */
static void
report_effect(SdAnalysis *analysis, const SdFinding *finding)
{
	switch (finding->rule)
	{
		case SD_RULE_SYNTAX_ERROR:
		case SD_RULE_UNANALYSABLE:
		case SD_RULE_OPAQUE_DYNAMIC_SQL:
		case SD_RULE_STANDARD_CONFORMING_STRINGS_OFF:
			/* what a routine would do is told when it is called */
			if (!analysis->deferred)
				sd_effects_opaque(analysis->effects,
								  analysis->inside == NULL ?
									  finding->message :
									  psprintf("in %s: %s", analysis->inside, finding->message));
			break;
		default:
			break;
	}
}

/* report_large reports, once a statement, that what another finding says takes long. */
static void
report_large(SdAnalysis *analysis, const SdFinding *cause)
{
	SdFinding finding;

	if (!sd_is_large(cause->size) || cause->lock < ShareLock ||
		(cause->rewrites != SD_YES && cause->scans != SD_YES) || analysis->large_reported ||
		analysis->deferred)
		return;
	analysis->large_reported = true;
	finding = sd_finding(analysis, SD_RULE_LARGE_TABLE, NULL);
	finding.about = OidIsValid(cause->target) ? cause->target : cause->about;
	finding.object = cause->object;
	finding.names = cause->names;
	finding.size = cause->size;
	finding.message = psprintf("%s is large (%s): it takes long, and meanwhile %s", cause->object,
							   sd_size_text(cause->size),
							   cause->lock == AccessExclusiveLock ? "nobody can read or write it" :
																	"nobody can write it");
	sd_report(analysis, &finding);
}

/* Columns of the type "finding" from "context" on, which are filled by modules of their own. */
#define COLUMN_CONTEXT	15
#define COLUMN_PROBE	16
#define FINDING_COLUMNS 17

void
sd_report(SdAnalysis *analysis, SdFinding *finding)
{
	const SdRule *rule = &sd_rules[finding->rule];
	Datum values[FINDING_COLUMNS] = { 0 };
	bool nulls[FINDING_COLUMNS] = { 0 };
	SdPlace place;
	const char *message = finding->message;
	Texts *texts;

	if (analysis->predicts)
	{
		analysis->reported = true;
		report_effect(analysis, finding);
		return;
	}
	if (!sd_rule_is_on(finding->rule) ||
		(analysis->probes != NULL && sd_probes_only(analysis->probes)))
		return;
	sd_ask_for_finding(analysis, finding);
	sd_track_finding(analysis, finding);
	analysis->reported = true;
	analysis->lock_reported = Max(analysis->lock_reported, finding->lock);
	place = finding->place != NULL ? *finding->place : sd_place(analysis, finding->location);
	if (analysis->inside != NULL)
		message = psprintf("in %s: %s", analysis->inside, message);
	/* a routine that is only made here does nothing until it is called */
	if (analysis->deferred)
		finding->severity = SD_INFO;
	else
		sd_severity_by_facts(analysis, finding);

	if (analysis->texts == NULL)
		analysis->texts = MemoryContextAllocZero(analysis->context, sizeof(Texts));
	texts = analysis->texts;
	values[0] = Int32GetDatum(analysis->number);
	values[1] = Int32GetDatum(place.character);
	values[2] = Int32GetDatum(place.line);
	values[3] = constant_text(analysis, &texts->rules[finding->rule], rule->name);
	values[4] = constant_text(analysis, &texts->severities[finding->severity],
							  severity_names[finding->severity]);
	sd_put_text_column(values, nulls, 5, finding->object);
	nulls[6] = finding->lock == NoLock;
	if (!nulls[6])
		values[6] = constant_text(analysis, &texts->locks[finding->lock],
								  GetLockmodeName(DEFAULT_LOCKMETHOD, finding->lock));
	values[7] = BoolGetDatum(finding->rewrites == SD_YES);
	nulls[7] = finding->rewrites == SD_UNKNOWN;
	values[8] = BoolGetDatum(finding->scans == SD_YES);
	nulls[8] = finding->scans == SD_UNKNOWN;
	values[9] = Int64GetDatum(finding->size.rows);
	nulls[9] = finding->size.rows < 0;
	values[10] = Int64GetDatum(finding->size.bytes);
	nulls[10] = finding->size.bytes < 0;
	values[11] = constant_text(analysis, &texts->losses[finding->data_loss],
							   data_loss_names[finding->data_loss]);
	sd_put_text_column(values, nulls, 12, message);
	sd_put_text_column(values, nulls, 13, finding->detail);
	if (finding->hint != NULL || strchr(rule->hint, '%') != NULL)
		sd_put_text_column(values, nulls, 14,
						   sd_fill_hint(finding->hint != NULL ? finding->hint : rule->hint,
										&finding->names));
	else
		values[14] = constant_text(analysis, &texts->hints[finding->rule], rule->hint);
	values[COLUMN_CONTEXT] = sd_context_document(analysis, finding->about, &nulls[COLUMN_CONTEXT]);
	nulls[COLUMN_PROBE] = !sd_probe_of_finding(analysis, finding, &values[COLUMN_PROBE]);
	tuplestore_putvalues(analysis->store, analysis->desc, values, nulls);
	analysis->findings++;
	if (analysis->keys != NULL && finding->relation != NULL && finding->rewrites == SD_YES)
		sd_keys_rewritten(analysis, finding);
	report_large(analysis, finding);
}

void
sd_report_blocking(SdAnalysis *analysis, SdFinding *finding)
{
	finding->only_time = true;
	sd_report(analysis, finding);
}

bool
sd_is_target(SdAnalysis *analysis, const SdRelation *relation, bool missing_ok)
{
	SdFinding finding;

	switch (relation->presence)
	{
		case SD_EXISTS:
			/* a temporary table is this session's own */
			return relation->persistence != RELPERSISTENCE_TEMP;
		case SD_MADE:
			return false;
		default:
			if (missing_ok)
				return false;
			finding = sd_finding(analysis, SD_RULE_MISSING_OBJECT, relation);
			finding.message = psprintf("relation %s does not exist%s", sd_shown(relation),
									   relation->presence == SD_GONE ?
										   " any more: the script dropped or renamed it" :
										   ", nor does the script make it before");
			sd_report(analysis, &finding);
			return true;
	}
}

bool
sd_target(SdAnalysis *analysis, const RangeVar *name, bool missing_ok, SdRelation *relation)
{
	*relation = sd_scope_relation(analysis->scope, name);
	return sd_is_target(analysis, relation, missing_ok);
}
