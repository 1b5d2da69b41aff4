/*
 * observe.c
 *	  What the statements of a run were predicted to do, did on the clone, and did.
 */
#include "observe.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "log.h"
#include "pg_catalog_observe.h"
#include "text.h"

/* How long a session may take to end after its client. */
#define PATIENCE_MS 30000

static const char *const lock_modes[] = {
	"AccessShareLock", "RowShareLock",			"RowExclusiveLock", "ShareUpdateExclusiveLock",
	"ShareLock",	   "ShareRowExclusiveLock", "ExclusiveLock",	"AccessExclusiveLock",
};

int
mg_lock_strength(const char *lock_mode)
{
	for (size_t i = 0; lock_mode != NULL && i < sizeof lock_modes / sizeof lock_modes[0]; i++)
		if (strcmp(lock_mode, lock_modes[i]) == 0)
			return (int) i + 1;
	return 0;
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

const MgEffect *
mg_effect_find(const MgEffects *effects, const MgEffect *like)
{
	for (int i = 0; i < effects->count; i++)
		if (strcmp(effects->items[i].effect, like->effect) == 0 &&
			same(effects->items[i].object, like->object))
			return &effects->items[i];
	return NULL;
}

bool
mg_statement_is_dull(const MgStatement *statement)
{
	for (int i = 0; i < statement->effects.count; i++)
	{
		const MgEffect *effect = &statement->effects.items[i];
		bool index = effect->kind != NULL && strcmp(effect->kind, "index") == 0;

		/* whoever writes to an index has a lock on its table too, unless that is the tool's own */
		if (strcmp(effect->effect, "scan") != 0 &&
			(strcmp(effect->effect, "lock") != 0 ||
			 mg_lock_strength(effect->lock_mode) > (index ? 3 : 2)))
			return false;
	}
	return true;
}

void
mg_observe_init(MgRun *run)
{
	MgObservation *o = mg_alloc(run->arena, sizeof(MgObservation));

	memset(o, 0, sizeof *o);
	for (int p = 0; p < MG_PASSES; p++)
		mg_strings_init(&o->passes[p].losses, run->arena);
	o->clone_until = o->live_until = "-infinity";
	run->observation = o;
}

static const char *
text_of(MgRun *run, const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsString(item) ? mg_strdup(run->arena, item->valuestring) : NULL;
}

/* The tool's own tables, and what is temporary, are nobody else's. */
static bool
is_private(const MgRun *run, const char *object)
{
	return object != NULL && (mg_strings_has(&run->bookkeeping, object) ||
							  strncmp(object, "pg_temp.", strlen("pg_temp.")) == 0);
}

/* The indexes of a private table that a statement makes are as private. */
static void
drop_new_indexes(MgEffects *effects)
{
	int kept = 0;

	for (int i = 0; i < effects->count; i++)
	{
		const MgEffect *effect = &effects->items[i];

		if (strcmp(effect->effect, "new") != 0 || effect->kind == NULL ||
			strcmp(effect->kind, "index") != 0)
			effects->items[kept++] = *effect;
	}
	effects->count = kept;
}

static bool
read_effects(MgRun *run, const char *text, MgEffects *effects, MgError *err)
{
	cJSON *json = cJSON_Parse(text);
	const cJSON *item;
	bool private_made = false;

	if (!cJSON_IsArray(json))
	{
		cJSON_Delete(json);
		return mg_err_set(err, MG_EXIT_INTERNAL, "the effects of a statement cannot be read");
	}
	effects->count = 0;
	effects->items = mg_alloc(run->arena, (size_t) (cJSON_GetArraySize(json) + 1) * sizeof(MgEffect));
	cJSON_ArrayForEach (item, json)
	{
		MgEffect effect = { .effect = text_of(run, item, "effect"),
							.kind = text_of(run, item, "kind"),
							.object = text_of(run, item, "object"),
							.lock_mode = text_of(run, item, "lock_mode"),
							.detail = text_of(run, item, "detail"),
							.certain =
								!cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(item, "certain")) };

		if (effect.effect == NULL)
			continue;
		if (!is_private(run, effect.object))
			effects->items[effects->count++] = effect;
		else
			private_made |= strcmp(effect.effect, "new") == 0;
	}
	cJSON_Delete(json);
	if (private_made)
		drop_new_indexes(effects);
	return true;
}

static MgStatement *
add_statement(MgRun *run, MgStatements *list)
{
	/* Room is doubled whenever the count is a power of two. */
	if ((list->count & (list->count - 1)) == 0)
	{
		MgStatement *old = list->items;

		list->items = mg_alloc(run->arena, (size_t) (list->count * 2 + 1) * sizeof *old);
		if (list->count > 0)
			memcpy(list->items, old, (size_t) list->count * sizeof *old);
	}
	memset(&list->items[list->count], 0, sizeof(MgStatement));
	return &list->items[list->count++];
}

bool
mg_observe_predict(MgRun *run, MgPg *pg, MgPass pass, const char *sql, bool in_transaction,
				   MgError *err)
{
	MgStatements *predicted = &run->observation->passes[pass].predicted;
	MgRows rows;

	if (!mg_catalog_predict(pg, sql, in_transaction, &rows, err))
		return false;
	for (int r = 0; r < rows.count; r++)
	{
		MgStatement *statement = add_statement(run, predicted);

		statement->hash = mg_rows_get(&rows, r, "hash");
		if (!read_effects(run, mg_rows_get(&rows, r, "effects"), &statement->effects, err))
			return false;
	}
	return true;
}

/* Adds downgrades from *next down, as long as they run alike. */
static bool
collect_down(MgRun *run, int *next, MgBuf *script, MgError *err)
{
	bool transactional = run->pending.items[*next].transactional;

	mg_buf_init(script, run->arena);
	for (; *next >= 0 && run->pending.items[*next].transactional == transactional; (*next)--)
	{
		const char *sql = NULL;
		const char *why_not;

		if (!run->tool->ops->sql(run->tool, &run->pending.items[*next], MG_DOWN, &sql, &why_not, err))
			return false;
		if (sql != NULL)
			mg_buf_addf(script, "%s\n;\n", sql);
	}
	return true;
}

void
mg_observe_predict_down(MgRun *run, MgPg *clone)
{
	const char *sql = NULL;
	const char *why_not = NULL;
	MgError fault;

	mg_err_init(&fault, run->arena);
	/* the lowest first: a tool that is to be started for it tells the others along with it */
	if (!run->tool->ops->sql(run->tool, &run->pending.items[0], MG_DOWN, &sql, &why_not, &fault) ||
		sql == NULL)
	{
		mg_log_verbose("the downgrade is not predicted: %s", fault.set ? fault.message :
															 why_not != NULL ?
																		 why_not :
																		 "its SQL is not available");
		return;
	}
	for (int next = run->pending.count - 1; next >= 0;)
	{
		bool transactional = run->pending.items[next].transactional;
		MgBuf script;

		if (!collect_down(run, &next, &script, &fault) ||
			!mg_observe_predict(run, clone, MG_PASS_DOWN, script.data, transactional, &fault))
		{
			mg_log_verbose("the downgrade is not predicted: %s", fault.message);
			return;
		}
	}
}

bool
mg_observe_can_trace(MgRun *run, const MgTarget *target)
{
	return mg_config_bool(run->config, MG_SET_RUN_TRACE) &&
		   mg_server_can_preload(run->arena, target, mg_run_application_name(run, "probe"));
}

/* One line, without the blanks that only lay it out. */
static const char *
one_line(MgRun *run, const char *text)
{
	MgBuf buf;

	mg_buf_init(&buf, run->arena);
	for (; *text != '\0'; text++)
		if (strchr(" \t\r\n", *text) == NULL)
			mg_buf_add_bytes(&buf, text, 1);
		else if (buf.len > 0 && buf.data[buf.len - 1] != ' ')
			mg_buf_add(&buf, " ");
	return mg_log_redact(run->arena, buf.data);
}

/* What was lost for good, by whatever ran at any depth. */
static bool
read_losses(MgRun *run, const MgRows *rows, int row, MgStrings *losses, MgError *err)
{
	cJSON *json;
	const cJSON *item;

	if (losses == NULL || strcmp(mg_rows_get(rows, row, "rolled_back"), "t") == 0)
		return true;
	json = cJSON_Parse(mg_rows_get(rows, row, "losses"));
	if (!cJSON_IsArray(json))
	{
		cJSON_Delete(json);
		return mg_err_set(err, MG_EXIT_INTERNAL, "the losses of a statement cannot be read");
	}
	cJSON_ArrayForEach (item, json)
		if (cJSON_IsString(item) && !mg_strings_has(losses, item->valuestring))
			mg_strings_add(losses, mg_strdup(run->arena, item->valuestring));
	cJSON_Delete(json);
	return true;
}

/*
 * Reads the statements of sessions that began after *until, which moves on to the
 * newest of them.  Those inside of others have their effects in the outer ones too.
 */
static bool
read_statements(MgRun *run, MgPg *pg, const char **until, MgStatements *list, MgStrings *losses,
				MgError *err)
{
	MgRows *rows = mg_alloc(run->arena, sizeof *rows);

	if (!mg_catalog_observed(pg, run->id, *until, rows, err))
		return false;
	for (int r = 0; r < rows->count; r++)
	{
		MgStatement *statement = add_statement(run, list);

		*until = mg_rows_get(rows, r, "newest");
		statement->text = one_line(run, mg_rows_get(rows, r, "statement"));
		statement->hash = mg_rows_get(rows, r, "hash");
		statement->transaction = atoi(mg_rows_get(rows, r, "transaction"));
		statement->nesting = atoi(mg_rows_get(rows, r, "nesting"));
		statement->rows = rows;
		statement->row = r;
		if (!read_effects(run, mg_rows_get(rows, r, "effects"), &statement->effects, err) ||
			!read_losses(run, rows, r, losses, err))
			return false;
	}
	return true;
}

/* For the closing event of the state: the digest of the rows, and what is worth a line of them. */
static bool
record(MgRun *run, MgPg *pg, MgPass pass, const MgStatements *list, MgError *err)
{
	static const char *const names[MG_PASSES] = { "upgrade", "downgrade", "second upgrade" };
	char *digest;
	cJSON *detail = mg_run_detail(run);
	cJSON *array = cJSON_GetObjectItemCaseSensitive(detail, "statements");

	if (!mg_catalog_observed_digest(pg, run->id, &digest, err))
		return false;
	/* it is that of all rows so far */
	cJSON_DeleteItemFromObject(detail, "run_statement_digest");
	mg_run_detail_text(run, "run_statement_digest", digest);
	if (array == NULL)
		array = cJSON_AddArrayToObject(detail, "statements");
	for (int i = 0; i < list->count; i++)
	{
		const MgStatement *statement = &list->items[i];
		cJSON *item;

		if (statement->nesting > 0 || mg_statement_is_dull(statement))
			continue;
		item = cJSON_CreateObject();
		mg_json_text(item, "pass", names[pass]);
		mg_json_text(item, "statement", mg_printf(run->arena, "%.200s", statement->text));
		mg_json_text(item, "hash", mg_rows_get(statement->rows, statement->row, "hash"));
		mg_json_raw(item, "effects", mg_rows_get(statement->rows, statement->row, "effects"));
		cJSON_AddItemToArray(array, item);
	}
	return true;
}

/*
 * The first of a list of the same text and depth that no other statement has taken,
 * from *next on and then from the beginning; NULL: none.
 */
static MgStatement *
take(MgStatements *list, const MgStatement *like, int *next)
{
	for (int k = 0; k < list->count; k++)
	{
		int at = (*next + k) % list->count;
		MgStatement *found = &list->items[at];

		if (found->taken || found->nesting != like->nesting || strcmp(found->hash, like->hash) != 0)
			continue;
		found->taken = true;
		*next = at + 1;
		return found;
	}
	return NULL;
}

static void
release(MgStatements *list)
{
	for (int i = 0; i < list->count; i++)
		list->items[i].taken = false;
}

static void
match_predictions(MgPassage *passage)
{
	int next = 0;

	release(&passage->predicted);
	for (int i = 0; i < passage->rehearsed.count; i++)
		passage->rehearsed.items[i].guess =
			take(&passage->predicted, &passage->rehearsed.items[i], &next);
}

/* The second upgrade beside the first; what the first has not done stays without a partner. */
static void
match_again(MgPassage *up, MgPassage *again)
{
	int next = 0;

	release(&again->rehearsed);
	for (int i = 0; i < up->rehearsed.count; i++)
		up->rehearsed.items[i].again = take(&again->rehearsed, &up->rehearsed.items[i], &next);
}

/* What nobody has seen is not safe; a run is not given up for it. */
static void
note_unseen(MgRun *run, const char *where, const char *why)
{
	const char *text = mg_printf(run->arena, "%s: not observed: %s", where, why);

	mg_strings_add(&run->findings, text);
	mg_log_warning("%s", text);
}

void
mg_observe_rehearsal(MgRun *run, MgPg *clone, MgPass pass, bool traced)
{
	MgObservation *o = run->observation;
	MgPassage *passage = &o->passes[pass];
	bool alone = true;
	MgError fault;
	const char *why = NULL;

	mg_err_init(&fault, run->arena);
	if (!mg_config_bool(run->config, MG_SET_RUN_TRACE))
		why = "[run] trace is off";
	else if (!traced)
		why = "the library cannot be loaded into the tool's sessions";
	else if (!mg_catalog_await_alone(clone, PATIENCE_MS, &alone, &fault) ||
			 !read_statements(run, clone, &o->clone_until, &passage->rehearsed, &passage->losses,
							  &fault) ||
			 !record(run, clone, pass, &passage->rehearsed, &fault))
		why = fault.message;
	else if (!alone)
		why = "sessions of the tool are still in the clone";
	else if (passage->rehearsed.count == 0)
		why = "the tool's sessions have recorded nothing";
	/* once is enough; a rollback has a downgrade only */
	passage->is_begun = true;
	if (why != NULL &&
		(pass == MG_PASS_UP || !o->passes[MG_PASS_UP].is_begun || o->passes[MG_PASS_UP].is_whole))
		note_unseen(run, pass == MG_PASS_DOWN ? "rehearsal of the downgrade" : "rehearsal", why);
	passage->was_rehearsed = passage->rehearsed.count > 0;
	passage->is_whole = why == NULL;
	match_predictions(passage);
	if (pass == MG_PASS_AGAIN)
		match_again(&o->passes[MG_PASS_UP], passage);
}

const MgStrings *
mg_observe_losses(const MgRun *run, MgPass pass)
{
	const MgPassage *passage = &run->observation->passes[pass];

	return passage->is_whole ? &passage->losses : NULL;
}

void
mg_observe_differences(const MgStatement *one, const MgStatement *other, const char *where,
					   MgStrings *differences)
{
	for (int i = 0; i < one->effects.count; i++)
	{
		const MgEffect *effect = &one->effects.items[i];
		const MgEffect *its = mg_effect_find(&other->effects, effect);

		if (its != NULL && mg_lock_strength(its->lock_mode) >= mg_lock_strength(effect->lock_mode))
			continue;
		/* those of indexes follow from the table's, and are the tool's own where that is */
		if (strcmp(effect->effect, "lock") == 0 && effect->kind != NULL &&
			strcmp(effect->kind, "index") == 0)
			continue;
		mg_strings_addf(differences, "%s only %s%s%s%s%s: %.80s", where, effect->effect,
						effect->object != NULL ? " of " : "",
						effect->object != NULL ? effect->object : "",
						effect->lock_mode != NULL ? " " : "",
						effect->lock_mode != NULL ? effect->lock_mode : "", one->text);
	}
}

/* Each statement of the live run beside its rehearsal. */
static void
match_live(MgPassage *passage, MgStrings *differences)
{
	int next = 0;

	release(&passage->rehearsed);
	for (int i = 0; i < passage->rehearsed.count; i++)
		passage->rehearsed.items[i].live = NULL;
	for (int i = 0; i < passage->live.count; i++)
	{
		MgStatement *live = &passage->live.items[i];
		MgStatement *rehearsed = take(&passage->rehearsed, live, &next);

		if (rehearsed != NULL)
			rehearsed->live = live;
		if (live->nesting > 0)
			continue;
		if (rehearsed != NULL)
		{
			mg_observe_differences(live, rehearsed, "in the live run", differences);
			mg_observe_differences(rehearsed, live, "in the rehearsal", differences);
		}
		/* an attempt that hit lock_timeout was rolled back */
		else if (!mg_statement_is_dull(live) &&
				 strcmp(mg_rows_get(live->rows, live->row, "rolled_back"), "t") != 0)
			mg_strings_addf(differences, "not rehearsed: %.80s", live->text);
	}
}

static void
compare_live(MgRun *run, MgPass pass)
{
	MgPassage *passage = &run->observation->passes[pass];
	MgStrings differences;

	mg_strings_init(&differences, run->arena);
	match_live(passage, &differences);
	/* what is brought back may not have come as far as the rehearsal */
	for (int k = 0; k < passage->rehearsed.count && pass == MG_PASS_UP; k++)
		if (!passage->rehearsed.items[k].taken && passage->rehearsed.items[k].nesting == 0 &&
			!mg_statement_is_dull(&passage->rehearsed.items[k]))
			mg_strings_addf(&differences, "rehearsed, but not run: %.80s",
							passage->rehearsed.items[k].text);
	mg_run_detail_list(run, "differs_from_rehearsal", &differences);
	for (int i = 0; i < differences.count; i++)
	{
		mg_log_warning("not as rehearsed: %s", differences.items[i]);
		mg_strings_add(&run->findings,
					   mg_printf(run->arena, "not as rehearsed: %s", differences.items[i]));
	}
}

/* Leaves of earlier attempts what has stayed. */
static void
forget_undone(MgStatements *list)
{
	int kept = 0;

	for (int i = 0; i < list->count; i++)
		if (strcmp(mg_rows_get(list->items[i].rows, list->items[i].row, "rolled_back"), "t") != 0)
			list->items[kept++] = list->items[i];
	list->count = kept;
}

void
mg_observe_live(MgRun *run, MgPass pass)
{
	MgObservation *o = run->observation;
	MgPassage *passage = &o->passes[pass];
	MgError fault;

	if (!run->trace)
		return;
	mg_err_init(&fault, run->arena);
	forget_undone(&passage->live);
	if (!read_statements(run, run->pg, &o->live_until, &passage->live, NULL, &fault) ||
		!record(run, run->pg, pass, &passage->live, &fault))
		note_unseen(run, mg_state_name(run->state), fault.message);
	else if (passage->live.count == 0 && pass == MG_PASS_UP)
		note_unseen(run, mg_state_name(run->state), "the tool's sessions have recorded nothing");
	passage->was_live = passage->live.count > 0;
}

void
mg_observe_compare_live(MgRun *run, MgPass pass)
{
	const MgPassage *passage = &run->observation->passes[pass];

	if (passage->was_live && passage->was_rehearsed)
		compare_live(run, pass);
}
