/*
 * observe_judge.c
 *	  Findings about what was observed in the rehearsal.
 */
#include <stdlib.h>
#include <string.h>

#include "lint_internal.h"
#include "log.h"
#include "observe.h"
#include "text.h"

#define SHARE			 5
#define ACCESS_EXCLUSIVE 8

/* What the findings of a rehearsal are collected in. */
typedef struct Judge
{
	MgRun *run;
	MgLint *lint;
	MgLintFile *file; /* that has no text: the rules of all files hold for it */
	MgStrings made;	  /* relations that the run has made itself */
	MgEffects held;	  /* strongest lock of each relation in the transaction, observed */
	MgEffects meant;  /* and predicted */
	MgStrings failures;
} Judge;

/* What a dropped object of a kind usually means. */
static const struct
{
	const char *kind;
	MgSeverity severity;
} drops[] = {
	{ "table", MG_SEVERITY_ERROR },
	{ "table column", MG_SEVERITY_ERROR },
	{ "schema", MG_SEVERITY_ERROR },
	{ "database", MG_SEVERITY_ERROR },
	{ "materialized view", MG_SEVERITY_WARNING },
	{ "sequence", MG_SEVERITY_WARNING },
	{ "type", MG_SEVERITY_WARNING },
	{ "foreign table", MG_SEVERITY_WARNING },
	{ "extension", MG_SEVERITY_WARNING },
};

static void
add_finding(Judge *judge, const char *rule, MgSeverity own, const MgStatement *statement,
			const char *message)
{
	MgRun *run = judge->run;
	MgSeverity severity = mg_lint_severity(judge->lint, judge->file, rule, own);
	const char *text;

	if (severity == MG_SEVERITY_OFF)
		return;
	text = mg_printf(run->arena, "rehearsal: %s: %s by \"%.100s\" (%s)", mg_severity_name(severity),
					 message, statement->text, rule);
	mg_strings_add(&run->findings, text);
	if (severity >= MG_SEVERITY_WARNING)
		mg_log_warning("%s", text);
	else
		mg_log_verbose("%s", text);
	if (severity >= judge->lint->fail_on)
		mg_strings_add(&judge->failures, text);
}

/* The entry of a relation among locks that are held, made when it is not there. */
static MgEffect *
held_of(Judge *judge, MgEffects *held, const MgEffect *like)
{
	static const MgEffect none = { .effect = "lock" };
	MgEffect wanted = none;
	MgEffect *old = held->items;

	wanted.object = like->object;
	for (int i = 0; i < held->count; i++)
		if (strcmp(held->items[i].object, like->object) == 0)
			return &held->items[i];
	if ((held->count & (held->count - 1)) == 0)
	{
		held->items = mg_alloc(judge->run->arena, (size_t) (held->count * 2 + 1) * sizeof(MgEffect));
		if (held->count > 0)
			memcpy(held->items, old, (size_t) held->count * sizeof(MgEffect));
	}
	held->items[held->count] = wanted;
	return &held->items[held->count++];
}

/* A lock that was there from an earlier statement is not gained again. */
static void
hold(Judge *judge, MgEffects *held, const MgEffects *effects)
{
	for (int i = 0; i < effects->count; i++)
	{
		const MgEffect *effect = &effects->items[i];
		MgEffect *entry;

		if (strcmp(effect->effect, "lock") != 0 || effect->object == NULL)
			continue;
		entry = held_of(judge, held, effect);
		if (mg_lock_strength(effect->lock_mode) > mg_lock_strength(entry->lock_mode))
			entry->lock_mode = effect->lock_mode;
	}
}

static bool
is_made(const Judge *judge, const MgEffect *effect)
{
	return effect->object != NULL && mg_strings_has(&judge->made, effect->object);
}

static const char *
name(Judge *judge, const MgEffect *effect)
{
	return mg_printf(judge->run->arena, "%s of %s%s%s%s%s", effect->effect,
					 effect->kind != NULL ? effect->kind : "", effect->kind != NULL ? " " : "",
					 effect->object != NULL ? effect->object : "",
					 effect->lock_mode != NULL ? " " : "",
					 effect->lock_mode != NULL ? effect->lock_mode : "");
}

/* The effect, or a stronger lock on the same object, is among those of the other side. */
static bool
is_there(Judge *judge, const MgEffect *effect, const MgEffects *other, MgEffects *held)
{
	const MgEffect *its = mg_effect_find(other, effect);

	if (strcmp(effect->effect, "lock") == 0)
		return mg_lock_strength(held_of(judge, held, effect)->lock_mode) >=
			   mg_lock_strength(effect->lock_mode);
	return its != NULL;
}

/* What is compared: the rest is either the server's bookkeeping or no effect on anybody. */
static bool
counts(const MgEffect *effect)
{
	return effect->object != NULL && strcmp(effect->effect, "new") != 0 &&
		   (strcmp(effect->effect, "lock") != 0 || mg_lock_strength(effect->lock_mode) >= 3);
}

static void
compare(Judge *judge, const MgStatement *statement)
{
	const MgEffects *guess = &statement->guess->effects;

	for (int i = 0; i < statement->effects.count; i++)
	{
		const MgEffect *effect = &statement->effects.items[i];

		if (counts(effect) && !is_made(judge, effect) &&
			!is_there(judge, effect, guess, &judge->meant))
			add_finding(judge, "observed-differs", MG_SEVERITY_WARNING, statement,
						mg_printf(judge->run->arena, "%s was not predicted", name(judge, effect)));
	}
	for (int i = 0; i < guess->count; i++)
	{
		const MgEffect *effect = &guess->items[i];

		if (counts(effect) && effect->certain && !is_made(judge, effect) &&
			!is_there(judge, effect, &statement->effects, &judge->held))
			add_finding(judge, "observed-differs", MG_SEVERITY_NOTICE, statement,
						mg_printf(judge->run->arena, "%s was predicted, but not observed",
								  name(judge, effect)));
	}
}

static void
judge_drop(Judge *judge, const MgStatement *statement, const MgEffect *effect)
{
	MgSeverity severity = MG_SEVERITY_NOTICE;

	for (size_t i = 0; i < sizeof drops / sizeof drops[0]; i++)
		if (effect->kind != NULL && strcmp(effect->kind, drops[i].kind) == 0)
			severity = drops[i].severity;
	add_finding(judge, "observed-drop", severity, statement, name(judge, effect));
}

static void
judge_effect(Judge *judge, const MgStatement *statement, const MgEffect *effect)
{
	int strength = effect->object == NULL ?
					   0 :
					   mg_lock_strength(held_of(judge, &judge->held, effect)->lock_mode);
	bool relation = effect->kind != NULL && (strcmp(effect->kind, "table") == 0 ||
											 strcmp(effect->kind, "materialized view") == 0);

	if (strcmp(effect->effect, "opaque") == 0)
		add_finding(judge, "observed-opaque", MG_SEVERITY_WARNING, statement,
					effect->detail != NULL ? effect->detail : "something cannot be told");
	else if (is_made(judge, effect))
		return;
	else if (strcmp(effect->effect, "drop") == 0)
		judge_drop(judge, statement, effect);
	else if (strcmp(effect->effect, "rewrite") == 0)
		add_finding(judge, "observed-rewrite", MG_SEVERITY_WARNING, statement, name(judge, effect));
	else if (strcmp(effect->effect, "scan") == 0 && strength >= SHARE)
		add_finding(judge, "observed-scan", MG_SEVERITY_WARNING, statement,
					mg_printf(judge->run->arena, "%s under %s", name(judge, effect),
							  held_of(judge, &judge->held, effect)->lock_mode));
	else if (strcmp(effect->effect, "lock") == 0 && relation &&
			 mg_lock_strength(effect->lock_mode) == ACCESS_EXCLUSIVE)
		add_finding(judge, "observed-lock", MG_SEVERITY_INFO, statement, name(judge, effect));
}

static bool
is_opaque(const MgEffects *effects)
{
	for (int i = 0; i < effects->count; i++)
		if (strcmp(effects->items[i].effect, "opaque") == 0)
			return true;
	return false;
}

static void
judge_statement(Judge *judge, const MgStatement *statement)
{
	hold(judge, &judge->held, &statement->effects);
	if (statement->guess != NULL)
		hold(judge, &judge->meant, &statement->guess->effects);
	if (statement->guess != NULL && !is_opaque(&statement->guess->effects))
		compare(judge, statement);
	else
		for (int i = 0; i < statement->effects.count; i++)
			judge_effect(judge, statement, &statement->effects.items[i]);
	for (int i = 0; i < statement->effects.count; i++)
		if (strcmp(statement->effects.items[i].effect, "new") == 0)
			mg_strings_add(&judge->made, statement->effects.items[i].object);
}

/* A run that is refused for what its rehearsal did. */
static bool
refuse(Judge *judge, MgError *err)
{
	mg_err_set(err, MG_EXIT_REFUSED_FINDINGS, "%s of the rehearsal of severity %s or above",
			   mg_text_count(judge->run->arena, judge->failures.count, "finding"),
			   mg_config_string(judge->run->config, MG_SET_RUN_FAIL_ON));
	mg_err_detail(err, "%s.", mg_changes_text(judge->run->arena, &judge->failures, 10));
	return mg_err_hint(err, "Change the migration, lower the severity of the rule in section [rules], "
							"or raise the threshold by [run] fail_on or --fail-on.");
}

bool
mg_observe_judge(MgRun *run, MgError *err)
{
	const MgStatements *list = &run->observation->rehearsed;
	Judge judge = { .run = run, .lint = mg_lint_new(run->arena, run->config) };
	int transaction = 0;

	judge.file = mg_lint_add_file(judge.lint, "rehearsal", NULL, "");
	mg_strings_init(&judge.made, run->arena);
	mg_strings_init(&judge.failures, run->arena);
	for (int i = 0; i < list->count; i++)
	{
		/* locks end with their transaction; what was predicted for the script is one */
		if (list->items[i].transaction != transaction)
			judge.held.count = 0;
		transaction = list->items[i].transaction;
		judge_statement(&judge, &list->items[i]);
	}
	return judge.failures.count == 0 || refuse(&judge, err);
}
