/*
 * observe_locks.c
 *	  What is known beforehand of the locks of a pass, and afterwards of how it met them.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json.h"
#include "log.h"
#include "observe.h"
#include "text.h"

#define ALONE 8 /* strength of ACCESS EXCLUSIVE, which keeps readers out */

/* The strongest lock of each object. */
static void
add_locks(MgEffects *wanted, const MgStatements *statements, MgArena *arena)
{
	for (int i = 0; i < statements->count; i++)
		for (int k = 0; k < statements->items[i].effects.count; k++)
		{
			const MgEffect *effect = &statements->items[i].effects.items[k];
			MgEffect *known;

			if (strcmp(effect->effect, "lock") != 0 || effect->object == NULL ||
				effect->lock_mode == NULL)
				continue;
			known = (MgEffect *) mg_effect_find(wanted, effect);
			if (known == NULL)
			{
				/* room is doubled whenever the count is a power of two */
				if ((wanted->count & (wanted->count - 1)) == 0)
				{
					MgEffect *old = wanted->items;

					wanted->items =
						mg_alloc(arena, (size_t) (wanted->count * 2 + 1) * sizeof(MgEffect));
					if (wanted->count > 0)
						memcpy(wanted->items, old, (size_t) wanted->count * sizeof(MgEffect));
				}
				wanted->items[wanted->count++] = *effect;
			}
			else if (mg_lock_strength(effect->lock_mode) > mg_lock_strength(known->lock_mode))
				known->lock_mode = effect->lock_mode;
		}
}

char *
mg_observe_wanted(const MgRun *run, MgPass pass, int *count)
{
	const MgPassage *passage = &run->observation->passes[pass];
	MgEffects wanted = { 0 };
	cJSON *array = cJSON_CreateArray();

	add_locks(&wanted, &passage->rehearsed, run->arena);
	add_locks(&wanted, &passage->predicted, run->arena);
	for (int i = 0; i < wanted.count; i++)
	{
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "object", wanted.items[i].object);
		cJSON_AddStringToObject(item, "lock_mode", wanted.items[i].lock_mode);
		cJSON_AddItemToArray(array, item);
	}
	*count = wanted.count;
	return mg_json_take(run->arena, array);
}

/* The word, in any case. */
static bool
has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (; *text != '\0'; text++)
		if (strncasecmp(text, word, len) == 0)
			return true;
	return false;
}

bool
mg_observe_concurrently(const MgRun *run, MgPass pass)
{
	const MgStatements *list = &run->observation->passes[pass].rehearsed;

	for (int i = 0; i < list->count; i++)
		if (list->items[i].nesting == 0 && has_word(list->items[i].text, "concurrently"))
			return true;
	return false;
}

static bool
is_rolled_back(const MgStatement *statement)
{
	return strcmp(mg_rows_get(statement->rows, statement->row, "rolled_back"), "t") == 0;
}

static double
milliseconds(const MgStatement *statement, const char *column)
{
	const char *text = mg_rows_get(statement->rows, statement->row, column);

	return text != NULL ? atof(text) : 0;
}

/* The object that a statement locks against readers too; NULL: none. */
static const char *
locked_alone(const MgStatement *statement)
{
	for (int i = 0; i < statement->effects.count; i++)
		if (strcmp(statement->effects.items[i].effect, "lock") == 0 &&
			mg_lock_strength(statement->effects.items[i].lock_mode) == ALONE)
			return statement->effects.items[i].object;
	return NULL;
}

void
mg_observe_forewarn(MgRun *run, MgPass pass, long long limit_ms)
{
	const MgStatements *list = &run->observation->passes[pass].rehearsed;
	const char *object = NULL;
	double held_ms = 0;

	for (int i = 0; i < list->count && limit_ms > 0; i++)
	{
		const MgStatement *statement = &list->items[i];

		if (statement->nesting > 0)
			continue;
		if (i > 0 && statement->transaction != list->items[i - 1].transaction)
			object = NULL;
		if (object == NULL)
		{
			object = locked_alone(statement);
			held_ms = 0;
		}
		if (object == NULL)
			continue;
		if (held_ms < (double) limit_ms &&
			held_ms + milliseconds(statement, "duration_ms") >= (double) limit_ms)
		{
			const char *text =
				mg_printf(run->arena,
						  "locks: in the rehearsal, %s was kept from readers for %s, up to: %.80s",
						  object,
						  mg_text_duration(run->arena,
										   (long long) (1000 *
														(held_ms +
														 milliseconds(statement, "duration_ms")))),
						  statement->text);

			mg_strings_add(&run->findings, text);
			mg_log_warning("%s", text);
		}
		held_ms += milliseconds(statement, "duration_ms");
	}
}

bool
mg_observe_failed_by(const MgRun *run, MgPass pass, const char *sqlstate)
{
	const MgStatements *list = &run->observation->passes[pass].live;

	for (int i = 0; i < list->count; i++)
	{
		const char *state = mg_rows_get(list->items[i].rows, list->items[i].row, "sqlstate");

		if (state != NULL && strcmp(state, sqlstate) == 0)
			return true;
	}
	return false;
}

/* An effect that comes with writing to the tool's own tables, or with making them. */
static bool
is_of_record(const MgRun *run, const cJSON *effect)
{
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(effect, "effect"));
	const char *object = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(effect, "object"));
	const char *mode = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(effect, "lock_mode"));

	return name != NULL && object != NULL && mg_strings_has(&run->bookkeeping, object) &&
		   (strcmp(name, "new") == 0 ||
			mg_lock_strength(mode) >= mg_lock_strength("RowExclusiveLock"));
}

/* The statement writes to a table of the tool's own. */
static bool
keeps_record(const MgRun *run, const MgStatement *statement)
{
	cJSON *effects;
	const cJSON *effect;
	bool found = strstr(statement->text, "safedeploy.record_migration") != NULL;

	if (found)
		return true;
	effects = cJSON_Parse(mg_rows_get(statement->rows, statement->row, "effects"));
	cJSON_ArrayForEach (effect, effects)
		found = found || is_of_record(run, effect);
	cJSON_Delete(effects);
	return found;
}

bool
mg_observe_each_recorded(const MgRun *run, MgPass pass)
{
	const MgStatements *list = &run->observation->passes[pass].live;

	if (list->count == 0)
		return false;
	for (int i = 0; i < list->count; i++)
	{
		const MgStatement *statement = &list->items[i];
		bool recorded = false;

		if (statement->nesting > 0 || mg_statement_is_dull(statement) || is_rolled_back(statement))
			continue;
		for (int k = 0; k < list->count && !recorded; k++)
			recorded = list->items[k].transaction == statement->transaction &&
					   strcmp(mg_rows_get(list->items[k].rows, list->items[k].row, "session"),
							  mg_rows_get(statement->rows, statement->row, "session")) == 0 &&
					   !is_rolled_back(&list->items[k]) && keeps_record(run, &list->items[k]);
		if (!recorded)
			return false;
	}
	return true;
}
