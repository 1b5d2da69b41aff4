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
#define PATIENCE_MS 5000

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

		if (strcmp(effect->effect, "scan") != 0 &&
			(strcmp(effect->effect, "lock") != 0 || mg_lock_strength(effect->lock_mode) > 2))
			return false;
	}
	return true;
}

void
mg_observe_init(MgRun *run)
{
	run->observation = mg_alloc(run->arena, sizeof(MgObservation));
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

static bool
read_effects(MgRun *run, const char *text, MgEffects *effects, MgError *err)
{
	cJSON *json = cJSON_Parse(text);
	const cJSON *item;

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

		if (effect.effect != NULL && !is_private(run, effect.object))
			effects->items[effects->count++] = effect;
	}
	cJSON_Delete(json);
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
mg_observe_predict(MgRun *run, const char *sql, bool in_transaction, MgError *err)
{
	MgRows rows;

	if (!mg_catalog_predict(run->pg, sql, in_transaction, &rows, err))
		return false;
	for (int r = 0; r < rows.count; r++)
	{
		MgStatement *statement = add_statement(run, &run->observation->predicted);

		statement->hash = mg_rows_get(&rows, r, "hash");
		if (!read_effects(run, mg_rows_get(&rows, r, "effects"), &statement->effects, err))
			return false;
	}
	return true;
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

/* What the client sent itself; the effects of what ran inside are in there. */
static bool
read_statements(MgRun *run, MgPg *pg, MgStatements *list, MgError *err)
{
	MgRows *rows = mg_alloc(run->arena, sizeof *rows);

	if (!mg_catalog_observed(pg, run->id, rows, err))
		return false;
	for (int r = 0; r < rows->count; r++)
	{
		MgStatement *statement;

		if (strcmp(mg_rows_get(rows, r, "nesting"), "0") != 0)
			continue;
		statement = add_statement(run, list);
		statement->text = one_line(run, mg_rows_get(rows, r, "statement"));
		statement->hash = mg_rows_get(rows, r, "hash");
		statement->transaction = atoi(mg_rows_get(rows, r, "transaction"));
		statement->rows = rows;
		statement->row = r;
		if (!read_effects(run, mg_rows_get(rows, r, "effects"), &statement->effects, err))
			return false;
	}
	return true;
}

/* For the closing event of the state: the digest of the rows, and what is worth a line of them. */
static bool
record(MgRun *run, MgPg *pg, const MgStatements *list, MgError *err)
{
	char *digest;
	cJSON *array;

	if (!mg_catalog_observed_digest(pg, run->id, &digest, err))
		return false;
	mg_run_detail_text(run, "run_statement_digest", digest);
	array = cJSON_AddArrayToObject(mg_run_detail(run), "statements");
	for (int i = 0; i < list->count; i++)
	{
		const MgStatement *statement = &list->items[i];
		cJSON *item;

		if (mg_statement_is_dull(statement))
			continue;
		item = cJSON_CreateObject();
		mg_json_text(item, "statement", mg_printf(run->arena, "%.200s", statement->text));
		mg_json_text(item, "hash", mg_rows_get(statement->rows, statement->row, "hash"));
		mg_json_raw(item, "effects", mg_rows_get(statement->rows, statement->row, "effects"));
		cJSON_AddItemToArray(array, item);
	}
	return true;
}

/* Each statement gets the first prediction of the same text that no other has. */
static void
match(MgStatements *statements, MgStatements *guesses)
{
	int next = 0;

	for (int i = 0; i < statements->count; i++)
		for (int k = 0; k < guesses->count; k++)
		{
			int at = (next + k) % guesses->count;

			if (guesses->items[at].taken ||
				strcmp(guesses->items[at].hash, statements->items[i].hash) != 0)
				continue;
			guesses->items[at].taken = true;
			statements->items[i].guess = &guesses->items[at];
			next = at + 1;
			break;
		}
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
mg_observe_rehearsal(MgRun *run, MgPg *clone, bool traced)
{
	MgObservation *o = run->observation;
	bool alone = true;
	MgError fault;

	mg_err_init(&fault, run->arena);
	if (!mg_config_bool(run->config, MG_SET_RUN_TRACE))
		note_unseen(run, "rehearsal", "[run] trace is off");
	else if (!traced)
		note_unseen(run, "rehearsal", "the library cannot be loaded into the tool's sessions");
	else if (!mg_catalog_await_alone(clone, PATIENCE_MS, &alone, &fault) ||
			 !read_statements(run, clone, &o->rehearsed, &fault) ||
			 !record(run, clone, &o->rehearsed, &fault))
		note_unseen(run, "rehearsal", fault.message);
	else if (!alone)
		note_unseen(run, "rehearsal", "sessions of the tool are still in the clone");
	else if (o->rehearsed.count == 0)
		note_unseen(run, "rehearsal", "the tool's sessions have recorded nothing");
	o->was_rehearsed = o->rehearsed.count > 0;
	match(&o->rehearsed, &o->predicted);
}

/* What one did and the other did not, as sentences. */
static void
name_differences(const MgStatement *one, const MgStatement *other, const char *where,
				 MgStrings *differences)
{
	for (int i = 0; i < one->effects.count; i++)
	{
		const MgEffect *effect = &one->effects.items[i];
		const MgEffect *its = mg_effect_find(&other->effects, effect);

		if (its != NULL && mg_lock_strength(its->lock_mode) >= mg_lock_strength(effect->lock_mode))
			continue;
		mg_strings_addf(differences, "%s only %s%s%s%s%s: %.80s", where, effect->effect,
						effect->object != NULL ? " of " : "",
						effect->object != NULL ? effect->object : "",
						effect->lock_mode != NULL ? " " : "",
						effect->lock_mode != NULL ? effect->lock_mode : "", one->text);
	}
}

static void
compare_live(MgRun *run)
{
	MgObservation *o = run->observation;
	MgStrings differences;

	mg_strings_init(&differences, run->arena);
	for (int i = 0; i < o->rehearsed.count; i++)
		o->rehearsed.items[i].taken = false;
	for (int i = 0; i < o->live.count; i++)
	{
		MgStatement *live = &o->live.items[i];
		bool found = false;

		for (int k = 0; k < o->rehearsed.count && !found; k++)
		{
			MgStatement *rehearsed = &o->rehearsed.items[k];

			if (rehearsed->taken || strcmp(rehearsed->hash, live->hash) != 0)
				continue;
			rehearsed->taken = found = true;
			rehearsed->live = live;
			name_differences(live, rehearsed, "in the live run", &differences);
			name_differences(rehearsed, live, "in the rehearsal", &differences);
		}
		/* an attempt that hit lock_timeout was rolled back */
		if (!found && !mg_statement_is_dull(live) &&
			strcmp(mg_rows_get(live->rows, live->row, "rolled_back"), "t") != 0)
			mg_strings_addf(&differences, "not rehearsed: %.80s", live->text);
	}
	for (int k = 0; k < o->rehearsed.count; k++)
		if (!o->rehearsed.items[k].taken && !mg_statement_is_dull(&o->rehearsed.items[k]))
			mg_strings_addf(&differences, "rehearsed, but not run: %.80s",
							o->rehearsed.items[k].text);
	mg_run_detail_list(run, "differs_from_rehearsal", &differences);
	for (int i = 0; i < differences.count; i++)
	{
		mg_log_warning("not as rehearsed: %s", differences.items[i]);
		mg_strings_add(&run->findings,
					   mg_printf(run->arena, "not as rehearsed: %s", differences.items[i]));
	}
}

void
mg_observe_live(MgRun *run)
{
	MgObservation *o = run->observation;
	MgError fault;

	if (!run->trace)
		return;
	mg_err_init(&fault, run->arena);
	/* an earlier attempt's rows are there once more */
	memset(&o->live, 0, sizeof o->live);
	if (!read_statements(run, run->pg, &o->live, &fault) || !record(run, run->pg, &o->live, &fault))
		note_unseen(run, "migrate", fault.message);
	else if (o->live.count == 0)
		note_unseen(run, "migrate", "the tool's sessions have recorded nothing");
	o->was_live = o->live.count > 0;
	if (o->was_live && o->was_rehearsed)
		compare_live(run);
}
