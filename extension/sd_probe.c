/*
 * sd_probe.c
 *	  Which statements are probed, and what is told of the answers: rows of probe(),
 *	  and the column "probe" of findings.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "sd_compat.h"
#include "sd_guc.h"
#include "sd_probe_int.h"

struct SdProbes
{
	SdProbeContext context;
	bool only;
	List *list; /* SdProbe, of the statement that is looked at */
};

/* Rules whose findings a probe decides: the first is the one that says that it fails. */
#define MAX_RULES 8

/* What is said of each kind. */
static const struct
{
	const char *name;
	SdRuleId fails;			   /* rule that reports rows which will not do */
	const char *one;		   /* "1 row has ..." */
	const char *many;		   /* "13 rows have ..." */
	const char *none;		   /* "checked 100 rows, none ..." */
	SdRuleId rules[MAX_RULES]; /* rules whose findings it is about; ended by 0 */
} kinds[SD_PROBE_KIND_COUNT] = {
	[SD_PROBE_NOT_NULL] = { "not null",
							SD_RULE_SET_NOT_NULL_HAS_NULLS,
							"has NULL",
							"have NULL",
							"none has NULL",
							{ SD_RULE_SET_NOT_NULL_SCAN, SD_RULE_SET_NOT_NULL_DROPS_PROOF,
							  SD_RULE_PK_USING_INDEX_NULLABLE, SD_RULE_ALTER_DOMAIN_SET_NOT_NULL,
							  SD_RULE_VALIDATE_CONSTRAINT, SD_RULE_NOT_VALID_VALIDATE_SAME_TX } },
	[SD_PROBE_EMPTY] = { "no rows",
						 SD_RULE_ROWS_REFUSE,
						 "gets NULL in the new column",
						 "get NULL in the new column",
						 "none gets NULL",
						 { SD_RULE_ADD_NOT_NULL_NO_DEFAULT } },
	[SD_PROBE_UNIQUE] = { "unique",
						  SD_RULE_UNIQUE_DUPLICATES,
						  "shares its key with another",
						  "share their keys with others",
						  "none shares its key with another",
						  { SD_RULE_ADD_UNIQUE_CONSTRAINT, SD_RULE_ADD_PRIMARY_KEY,
							SD_RULE_CREATE_INDEX_NONCONCURRENT, SD_RULE_CREATE_INDEX_PARTITIONED } },
	[SD_PROBE_EXCLUDE] = { "exclude",
						   SD_RULE_ROWS_REFUSE,
						   "excludes another",
						   "exclude each other",
						   "none excludes another",
						   { SD_RULE_ADD_EXCLUSION_CONSTRAINT } },
	[SD_PROBE_CHECK] = { "check",
						 SD_RULE_ROWS_REFUSE,
						 "breaks the condition",
						 "break the condition",
						 "none breaks the condition",
						 { SD_RULE_ADD_CHECK_VALID, SD_RULE_VALIDATE_CONSTRAINT,
						   SD_RULE_NOT_VALID_VALIDATE_SAME_TX, SD_RULE_ALTER_DOMAIN_CONSTRAINT } },
	[SD_PROBE_FOREIGN_KEY] = { "foreign key",
							   SD_RULE_ROWS_REFUSE,
							   "refers to no row",
							   "refer to no row",
							   "each key refers to a row",
							   { SD_RULE_ADD_FK_VALID, SD_RULE_VALIDATE_CONSTRAINT,
								 SD_RULE_NOT_VALID_VALIDATE_SAME_TX, SD_RULE_ENFORCE_CONSTRAINT } },
	[SD_PROBE_TYPE] = { "type",
						SD_RULE_ROWS_REFUSE,
						"has a value that cannot be converted",
						"have values that cannot be converted",
						"each value can be converted",
						{ SD_RULE_ALTER_TYPE_NARROWING, SD_RULE_ALTER_COLUMN_TYPE_REWRITE,
						  SD_RULE_ALTER_TYPE_RECHECK } },
	[SD_PROBE_BOUNDS] = { "bounds",
						  SD_RULE_ROWS_REFUSE,
						  "lies outside the bounds",
						  "lie outside the bounds",
						  "none lies outside the bounds",
						  { SD_RULE_ATTACH_PARTITION_SCAN } },
	[SD_PROBE_DEFAULT_PARTITION] = { "default partition",
									 SD_RULE_ROWS_REFUSE,
									 "belongs to the new partition",
									 "belong to the new partition",
									 "none belongs to the new partition",
									 { SD_RULE_ATTACH_PARTITION_DEFAULT_SCAN } },
};

static const char *const verdict_names[] = { "unknown", "holds", "will fail" };
static const char *const bound_names[] = { NULL, "rows", "time" };

SdProbes *
sd_probes_create(SdAnalysis *analysis, bool only)
{
	SdProbes *probes = palloc0(sizeof(SdProbes));

	probes->context.probes = probes;
	probes->context.analysis = analysis;
	probes->context.script = sd_probe_script_create(analysis);
	probes->only = only;
	return probes;
}

bool
sd_probes_only(const SdProbes *probes)
{
	return probes->only;
}

/* rows_text counts rows. */
static const char *
rows_text(int64 rows)
{
	return rows == 1 ? "1 row" : psprintf(INT64_FORMAT " rows", rows);
}

/* bound_text says what ended a probe. */
static const char *
bound_text(const SdProbe *probe)
{
	return probe->bound == SD_BOUND_TIME ?
			   psprintf("safedeploy.probe_time (%d ms)", sd_guc_probe_time) :
			   psprintf("safedeploy.probe_rows (%d)", sd_guc_probe_rows);
}

/* bad_text says what is wrong with the rows. */
static const char *
bad_text(const SdProbe *probe)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%s%s %s", probe->complete ? "" : "at least ", rows_text(probe->bad),
					 probe->bad == 1 ? kinds[probe->kind].one : kinds[probe->kind].many);
	if (probe->inside != NULL)
		appendStringInfo(&text, " in %s", probe->inside);
	if (probe->other != NULL)
		appendStringInfo(&text, " of %s", probe->other);
	if (probe->groups > 0)
		appendStringInfo(&text, " (" INT64_FORMAT " %s)", probe->groups,
						 probe->groups == 1 ? "value" : "values");
	if (probe->sqlstate != 0)
		appendStringInfo(&text, " (SQLSTATE %s)", unpack_sql_state(probe->sqlstate));
	if (probe->example != NULL)
		appendStringInfo(&text, ", for example %s", probe->example);
	return text.data;
}

/* checked_text says how many rows were looked at. */
static const char *
checked_text(const SdProbe *probe)
{
	if (probe->checked < 0)
		return "looked up in an index";
	if (probe->complete || probe->total <= probe->checked)
		return psprintf("checked %s", rows_text(probe->checked));
	return psprintf("checked " INT64_FORMAT " of about %s", probe->checked, rows_text(probe->total));
}

/* detail_text is the answer as a sentence. */
static const char *
detail_text(const SdProbe *probe)
{
	StringInfoData text;

	initStringInfo(&text);
	if (probe->bad > 0)
		appendStringInfo(&text, "%s; %s", bad_text(probe), checked_text(probe));
	else if (probe->asked)
		appendStringInfo(&text, "%s, %s", checked_text(probe), kinds[probe->kind].none);
	else
		appendStringInfoString(&text, "no row was looked at");
	if (probe->bad == 0 && probe->asked && probe->inside != NULL)
		appendStringInfo(&text, " in %s", probe->inside);
	if (probe->bound != SD_BOUND_NONE)
		appendStringInfo(&text, "; the bound is %s", bound_text(probe));
	if (probe->reason != NULL)
		appendStringInfo(&text, "%s%s", probe->asked || probe->bound != SD_BOUND_NONE ? "; " : ": ",
						 probe->reason);
	return text.data;
}

/* put_row adds a row of probe(). */
static void
put_row(SdAnalysis *analysis, const SdProbe *probe)
{
	Datum values[13] = { 0 };
	bool nulls[13] = { 0 };
	SdPlace place = sd_place(analysis, probe->location);
	int n = 0;

	values[n++] = Int32GetDatum(analysis->number);
	values[n++] = Int32GetDatum(place.line);
	values[n++] = CStringGetTextDatum(kinds[probe->kind].name);
	values[n++] = CStringGetTextDatum(sd_rules[kinds[probe->kind].fails].name);
	values[n++] = CStringGetTextDatum(probe->object);
	values[n++] = CStringGetTextDatum(verdict_names[probe->verdict]);
	nulls[n] = !probe->asked || probe->checked < 0;
	values[n++] = Int64GetDatum(probe->checked);
	nulls[n] = !probe->asked;
	values[n++] = Int64GetDatum(probe->bad);
	nulls[n] = probe->example == NULL;
	if (!nulls[n])
		values[n] = CStringGetTextDatum(probe->example);
	n++;
	values[n++] = BoolGetDatum(probe->complete);
	nulls[n] = probe->bound == SD_BOUND_NONE;
	if (!nulls[n])
		values[n] = CStringGetTextDatum(bound_names[probe->bound]);
	n++;
	values[n++] = Float8GetDatum(probe->elapsed);
	values[n++] = CStringGetTextDatum(detail_text(probe));
	tuplestore_putvalues(analysis->store, analysis->desc, values, nulls);
}

/* report_failure reports what a probe has found as a finding. */
static void
report_failure(SdAnalysis *analysis, SdProbe *probe, const SdRelation *relation)
{
	SdFinding finding = sd_finding(analysis, kinds[probe->kind].fails, relation);

	finding.object = probe->object;
	finding.severity = SD_ERROR;
	finding.location = probe->location;
	finding.names.column = probe->inside;
	finding.probe = probe;
	finding.message = psprintf("the statement will fail: %s", bad_text(probe));
	finding.detail = probe->bound == SD_BOUND_NONE ?
						 NULL :
						 psprintf("There may be more: the bound is %s.", bound_text(probe));
	sd_report(analysis, &finding);
}

SdQuestion
sd_question(SdProbeContext *context, SdProbeKind kind, const SdRelation *relation,
			const char *column, int location, List *(*prepare)(SdQuestion *question))
{
	SdProbe *probe = palloc0(sizeof(SdProbe));
	SdQuestion question = { context, probe, prepare, *relation, relation->oid };

	probe->kind = kind;
	probe->table = relation->oid;
	probe->object = sd_shown(relation);
	probe->location = location;
	probe->total = -1;
	if (column != NULL)
	{
		probe->inside = quote_identifier(column);
		probe->object = psprintf("%s.%s", probe->object, probe->inside);
	}
	return question;
}

/* why_not_asked says why a question has no answer that would be true, or returns NULL. */
static const char *
why_not_asked(SdProbeContext *context, const SdQuestion *question)
{
	SdProbeScript *script = context->script;
	bool expression = question->probe->kind != SD_PROBE_NOT_NULL;
	const char *reason;

	if (context->analysis->conditional)
		return psprintf("inside of %s it may not be reached", context->analysis->inside);
	reason = sd_probe_script_reason(script, question->table, expression);
	if (reason == NULL && OidIsValid(question->other))
		reason = sd_probe_script_reason(script, question->other, expression);
	return reason;
}

void
sd_probe_put(SdProbeContext *context, SdQuestion *question)
{
	SdAnalysis *analysis = context->analysis;
	SdProbes *probes = context->probes;
	SdProbe *probe = question->probe;

	if (analysis->deferred)
		return;
	if (probe->reason == NULL)
		probe->reason = why_not_asked(context, question);
	if (probe->reason == NULL)
		sd_question_ask(question);
	probes->list = lappend(probes->list, probe);
	if (probes->only)
		put_row(analysis, probe);
	else if (probe->verdict == SD_VERDICT_FAILS)
		report_failure(analysis, probe, &question->relation);
}

bool
sd_probe_answered(SdAnalysis *analysis, SdProbeKind kind, Oid table)
{
	ListCell *cell;

	if (analysis->probes == NULL)
		return false;
	foreach (cell, analysis->probes->list)
	{
		SdProbe *probe = lfirst(cell);

		if (probe->kind == kind && probe->table == table && probe->verdict != SD_VERDICT_UNKNOWN)
			return true;
	}
	return false;
}

/* is_about tells whether a finding and a probe are about the same table. */
static bool
is_about(const SdFinding *finding, const SdProbe *probe)
{
	return probe->table == finding->target ||
		   (!OidIsValid(finding->target) && finding->object != NULL &&
			strcmp(finding->object, probe->object) == 0);
}

/* find_probe returns the probe that a finding is about, or NULL. */
static const SdProbe *
find_probe(SdProbes *probes, const SdFinding *finding)
{
	ListCell *cell;

	if (finding->probe != NULL)
		return finding->probe;
	foreach (cell, probes->list)
	{
		SdProbe *probe = lfirst(cell);

		if (probe->attached || !is_about(finding, probe))
			continue;
		for (int i = 0; i < MAX_RULES && kinds[probe->kind].rules[i] != 0; i++)
		{
			if (kinds[probe->kind].rules[i] == finding->rule)
			{
				probe->attached = true;
				return probe;
			}
		}
	}
	return NULL;
}

static void
push_string(JsonbParseState **state, JsonbIteratorToken token, const char *text)
{
	JsonbValue value;

	value.type = jbvString;
	value.val.string.val = (char *) text;
	value.val.string.len = strlen(text);
	pushJsonbValue(state, token, &value);
}

static void
push_text(JsonbParseState **state, const char *key, const char *text)
{
	if (text == NULL)
		return;
	push_string(state, WJB_KEY, key);
	push_string(state, WJB_VALUE, text);
}

static void
push_number(JsonbParseState **state, const char *key, int64 number)
{
	JsonbValue value;

	push_string(state, WJB_KEY, key);
	value.type = jbvNumeric;
	value.val.numeric = DatumGetNumeric(DirectFunctionCall1(int8_numeric, Int64GetDatum(number)));
	pushJsonbValue(state, WJB_VALUE, &value);
}

bool
sd_probe_of_finding(SdAnalysis *analysis, const SdFinding *finding, Datum *jsonb)
{
	const SdProbe *probe = analysis->probes == NULL ? NULL : find_probe(analysis->probes, finding);
	JsonbParseState *state = NULL;
	JsonbValue value;

	if (probe == NULL)
		return false;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_text(&state, "kind", kinds[probe->kind].name);
	push_text(&state, "verdict", verdict_names[probe->verdict]);
	if (probe->asked)
	{
		if (probe->checked >= 0)
			push_number(&state, "rows_checked", probe->checked);
		push_number(&state, "rows_bad", probe->bad);
	}
	push_text(&state, "example", probe->example);
	push_string(&state, WJB_KEY, "complete");
	value.type = jbvBool;
	value.val.boolean = probe->complete;
	pushJsonbValue(&state, WJB_VALUE, &value);
	push_text(&state, "bound", bound_names[probe->bound]);
	push_number(&state, "elapsed_ms", (int64) (probe->elapsed + 0.5));
	push_text(&state, "detail", detail_text(probe));
	*jsonb = JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
	return true;
}

/* probe_constraint puts the questions of a constraint that is checked now. */
static void
probe_constraint(const SdProbeStep *step, const Constraint *constraint)
{
	switch (constraint->contype)
	{
		case CONSTR_NOTNULL:
			if (constraint->keys != NIL)
				sd_probe_not_null(step, strVal(linitial(constraint->keys)), constraint->location);
			break;
		case CONSTR_CHECK:
			sd_probe_check(step, constraint);
			break;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
			sd_probe_unique(step, constraint);
			break;
		case CONSTR_EXCLUSION:
			sd_probe_exclude(step, constraint);
			break;
		case CONSTR_FOREIGN:
			sd_probe_foreign_key(step, constraint);
			break;
		default:
			break;
	}
}

/* probe_validate puts the question of a constraint that was not checked before. */
static void
probe_validate(const SdProbeStep *step, const char *name)
{
	const Constraint *made = sd_probe_script_constraint(step->context->script, &step->relation, name);

	if (made != NULL)
		probe_constraint(step, made);
	else
		sd_probe_validate(step, name);
}

static void
probe_step(const SdProbeStep *step)
{
	Constraint *constraint;

	switch (step->cmd->subtype)
	{
		case AT_SetNotNull:
			sd_probe_not_null(step, step->cmd->name, -1);
			break;
		case AT_AddConstraint:
			constraint = castNode(Constraint, step->cmd->def);
			if (!constraint->skip_validation && SD_CONSTRAINT_IS_ENFORCED(constraint))
				probe_constraint(step, constraint);
			break;
		case AT_ValidateConstraint:
			probe_validate(step, step->cmd->name);
			break;
		case AT_AlterConstraint:
			if (sd_enforced_constraint(step->cmd) != NULL)
				probe_validate(step, sd_enforced_constraint(step->cmd));
			break;
		case AT_AlterColumnType:
			sd_probe_alter_type(step);
			break;
		case AT_AddColumn:
			sd_probe_add_column(step);
			break;
		case AT_AttachPartition:
			sd_probe_attach(step);
			break;
		default:
			break;
	}
}

/* probe_alter_table puts the questions of each subcommand. */
static void
probe_alter_table(SdProbeContext *context, AlterTableStmt *stmt)
{
	SdProbeStep step = { context, stmt, .children = stmt->relation->inh };
	ListCell *cell;

	step.relation = sd_scope_relation(context->analysis->scope, stmt->relation);
	if (step.relation.presence != SD_EXISTS)
		return;
	foreach (cell, stmt->cmds)
	{
		step.cmd = lfirst_node(AlterTableCmd, cell);
		probe_step(&step);
	}
}

void
sd_probe_statement(SdProbes *probes, Node *statement)
{
	probes->list = NIL;
	if (probes->context.analysis->deferred)
		return;
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			probe_alter_table(&probes->context, (AlterTableStmt *) statement);
			break;
		case T_IndexStmt:
			sd_probe_index(&probes->context, (IndexStmt *) statement);
			break;
		case T_CreateStmt:
			sd_probe_create_partition(&probes->context, (CreateStmt *) statement);
			break;
		case T_AlterDomainStmt:
			sd_probe_domain(&probes->context, (AlterDomainStmt *) statement);
			break;
		default:
			break;
	}
}

void
sd_probes_forget(SdProbes *probes)
{
	probes->list = NIL;
}

void
sd_probe_follow(SdProbes *probes, Node *statement)
{
	sd_probe_script_follow(probes->context.script, statement);
}

void
sd_probe_follow_opaque(SdProbes *probes)
{
	sd_probe_script_opaque(probes->context.script);
}
