/*
 * observe_judge.c
 *	  Findings about what was observed in the rehearsal.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "lint_internal.h"
#include "log.h"
#include "observe.h"
#include "pg_catalog_observe.h"
#include "text.h"

#define SHARE			 5
#define ACCESS_EXCLUSIVE 8

/* What the findings of a rehearsal are collected in. */
typedef struct Judge
{
	MgRun *run;
	MgPass pass;
	MgLint *lint;
	MgLintFile *file; /* that has no text: the rules of all files hold for it */
	MgStrings made;	  /* relations that the pass has made itself */
	MgStrings there; /* what the downgrade drops that was there before the upgrade, with its kind */
	MgEffects held;	 /* strongest lock of each relation in the transaction, observed */
	MgEffects meant; /* and predicted */
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

static const char *const places[MG_PASSES] = { "rehearsal", "rehearsal, downgrade",
											   "rehearsal, second upgrade" };

/* A downgrade is hoped never to run: what it does is told, and seldom stops a run. */
static MgSeverity
of_pass(const Judge *judge, MgSeverity severity)
{
	return judge->pass == MG_PASS_DOWN && severity > MG_SEVERITY_NOTICE ? MG_SEVERITY_NOTICE :
																		  severity;
}

static void
add_finding(Judge *judge, const char *rule, MgSeverity own, const MgStatement *statement,
			const char *message)
{
	MgRun *run = judge->run;
	MgSeverity severity = mg_lint_severity(judge->lint, judge->file, rule, own);
	const char *text;

	if (severity == MG_SEVERITY_OFF)
		return;
	text = mg_printf(run->arena, "%s: %s: %s by \"%.100s\" (%s)", places[judge->pass],
					 mg_severity_name(severity), message, statement->text, rule);
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
			add_finding(judge, "observed-differs", of_pass(judge, MG_SEVERITY_WARNING), statement,
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

static const MgSeverity *
drop_severity(const MgEffect *effect)
{
	for (size_t i = 0; i < sizeof drops / sizeof drops[0]; i++)
		if (effect->kind != NULL && strcmp(effect->kind, drops[i].kind) == 0)
			return &drops[i].severity;
	return NULL;
}

/* Asks the real database, where nothing has run yet, for what the downgrade drops. */
static bool
find_there(Judge *judge, const MgStatements *list, MgError *err)
{
	cJSON *array = cJSON_CreateArray();

	for (int i = 0; i < list->count; i++)
		for (int k = 0; k < list->items[i].effects.count; k++)
		{
			const MgEffect *effect = &list->items[i].effects.items[k];
			cJSON *item;

			if (strcmp(effect->effect, "drop") != 0 || drop_severity(effect) == NULL)
				continue;
			item = cJSON_CreateObject();
			mg_json_text(item, "kind", effect->kind);
			mg_json_text(item, "object", effect->object);
			cJSON_AddItemToArray(array, item);
		}
	return mg_catalog_present(judge->run->pg, mg_json_take(judge->run->arena, array), &judge->there,
							  err);
}

/* What the upgrade has made holds, when its downgrade is run, only what came after it. */
static void
judge_drop(Judge *judge, const MgStatement *statement, const MgEffect *effect)
{
	const MgSeverity *own = drop_severity(effect);
	MgSeverity severity = own != NULL ? *own : MG_SEVERITY_NOTICE;
	const char *what = name(judge, effect);

	if (judge->pass == MG_PASS_DOWN && own != NULL &&
		!mg_strings_has(&judge->there,
						mg_printf(judge->run->arena, "%s %s", effect->kind, effect->object)))
	{
		severity = of_pass(judge, severity);
		what = mg_printf(judge->run->arena, "%s, made by the upgrade,", what);
	}
	add_finding(judge, "observed-drop", severity, statement, what);
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
		add_finding(judge, "observed-opaque", of_pass(judge, MG_SEVERITY_WARNING), statement,
					effect->detail != NULL ? effect->detail : "something cannot be told");
	else if (is_made(judge, effect))
		return;
	else if (strcmp(effect->effect, "drop") == 0)
		judge_drop(judge, statement, effect);
	else if (strcmp(effect->effect, "rewrite") == 0)
		add_finding(judge, "observed-rewrite", of_pass(judge, MG_SEVERITY_WARNING), statement,
					name(judge, effect));
	else if (strcmp(effect->effect, "scan") == 0 && strength >= SHARE)
		add_finding(judge, "observed-scan", of_pass(judge, MG_SEVERITY_WARNING), statement,
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

/*
 * The rules of the analysis have judged the text of an upgrade that could be
 * predicted; nobody has judged a downgrade.
 */
static void
judge_statement(Judge *judge, const MgStatement *statement)
{
	bool predicted = statement->guess != NULL && !is_opaque(&statement->guess->effects);

	hold(judge, &judge->held, &statement->effects);
	if (statement->guess != NULL)
		hold(judge, &judge->meant, &statement->guess->effects);
	if (predicted)
		compare(judge, statement);
	if (!predicted || judge->pass == MG_PASS_DOWN)
		for (int i = 0; i < statement->effects.count; i++)
			judge_effect(judge, statement, &statement->effects.items[i]);
	for (int i = 0; i < statement->effects.count; i++)
		if (strcmp(statement->effects.items[i].effect, "new") == 0)
			mg_strings_add(&judge->made, statement->effects.items[i].object);
}

/* Begins a pass: nothing is held and nothing made. */
static void
begin_pass(Judge *judge, MgPass pass)
{
	judge->pass = pass;
	judge->held.count = 0;
	judge->meant.count = 0;
	mg_strings_init(&judge->made, judge->run->arena);
}

static void
judge_pass(Judge *judge, MgPass pass)
{
	const MgStatements *list = &judge->run->observation->passes[pass].rehearsed;
	int transaction = 0;

	begin_pass(judge, pass);
	for (int i = 0; i < list->count; i++)
	{
		if (list->items[i].nesting > 0)
			continue;
		/* locks end with their transaction; what was predicted for the script is one */
		if (list->items[i].transaction != transaction)
			judge->held.count = 0;
		transaction = list->items[i].transaction;
		judge_statement(judge, &list->items[i]);
	}
}

/* The second upgrade is to do what the first did; only what it did otherwise is judged. */
static void
judge_again(Judge *judge)
{
	MgPassage *passes = judge->run->observation->passes;
	const MgStatements *first = &passes[MG_PASS_UP].rehearsed;
	const MgStatements *second = &passes[MG_PASS_AGAIN].rehearsed;
	MgStrings more;
	MgStrings less;

	if (!passes[MG_PASS_AGAIN].is_whole || !passes[MG_PASS_UP].is_whole)
		return;
	begin_pass(judge, MG_PASS_AGAIN);
	for (int i = 0; i < first->count; i++)
	{
		const MgStatement *statement = &first->items[i];

		mg_strings_init(&more, judge->run->arena);
		mg_strings_init(&less, judge->run->arena);
		if (statement->nesting > 0)
			continue;
		if (statement->again != NULL)
		{
			mg_observe_differences(statement->again, statement, "here", &more);
			mg_observe_differences(statement, statement->again, "in the first", &less);
		}
		else if (!mg_statement_is_dull(statement))
			mg_strings_add(&less, "in the first only this statement");
		for (int k = 0; k < more.count; k++)
			add_finding(judge, "observed-differs", MG_SEVERITY_WARNING, statement, more.items[k]);
		for (int k = 0; k < less.count; k++)
			add_finding(judge, "observed-differs", MG_SEVERITY_NOTICE, statement, less.items[k]);
	}
	for (int i = 0; i < second->count; i++)
		if (!second->items[i].taken && second->items[i].nesting == 0 &&
			!mg_statement_is_dull(&second->items[i]))
		{
			add_finding(judge, "observed-differs", MG_SEVERITY_WARNING, &second->items[i],
						"here only this statement");
			judge_statement(judge, &second->items[i]);
		}
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
	const MgPassage *down = &run->observation->passes[MG_PASS_DOWN];
	Judge judge = { .run = run, .lint = mg_lint_new(run->arena, run->config) };

	judge.file = mg_lint_add_file(judge.lint, "rehearsal", NULL, "");
	mg_strings_init(&judge.failures, run->arena);
	mg_strings_init(&judge.there, run->arena);
	judge_pass(&judge, MG_PASS_UP);
	if (down->is_whole)
	{
		if (!find_there(&judge, &down->rehearsed, err))
			return false;
		judge_pass(&judge, MG_PASS_DOWN);
	}
	judge_again(&judge);
	return judge.failures.count == 0 || refuse(&judge, err);
}
