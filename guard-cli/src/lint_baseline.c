/*
 * lint_baseline.c
 *	  Findings that are known: how they are recognised, and the file of them.
 *
 * A finding is known again by its rule, its object and its statement, not by
 * its line or file; so many of a kind are known as the file says.
 */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "hash.h"
#include "json.h"
#include "lint_internal.h"

#define MG_BASELINE_VERSION 1

/* A line of the file, or several findings as one. */
typedef struct Entry
{
	const char *path;
	const char *rule;
	const char *object; /* "" for none */
	const char *statement;
	const char *message;
	int count;
} Entry;

typedef struct Entries
{
	Entry *items;
	int count;
} Entries;

static int
compare_identity(const Entry *a, const Entry *b)
{
	int result = strcmp(a->rule, b->rule);

	if (result == 0)
		result = strcmp(a->object, b->object);
	return result != 0 ? result : strcmp(a->statement, b->statement);
}

static int
compare_entries(const void *a, const void *b)
{
	int result = compare_identity(a, b);

	return result != 0 ? result : strcmp(((const Entry *) a)->path, ((const Entry *) b)->path);
}

/* In the file: by path, so that a difference of two versions can be read. */
static int
compare_paths(const void *a, const void *b)
{
	int result = strcmp(((const Entry *) a)->path, ((const Entry *) b)->path);

	return result != 0 ? result : compare_identity(a, b);
}

static void
sort(Entries *entries, int (*compare)(const void *, const void *))
{
	if (entries->count > 0)
		qsort(entries->items, (size_t) entries->count, sizeof(Entry), compare);
}

static Entry
entry_of(const MgLintFinding *finding)
{
	return (Entry){ .path = finding->place.file->path,
					.rule = finding->rule,
					.object = finding->object != NULL ? finding->object : "",
					.statement = finding->statement,
					.message = finding->message,
					.count = 1 };
}

/* A finding and where it stands, to number those that are alike. */
typedef struct Numbered
{
	Entry entry;
	MgLintFinding *finding;
	int order;
} Numbered;

static int
compare_numbered(const void *a, const void *b)
{
	int result = compare_entries(&((const Numbered *) a)->entry, &((const Numbered *) b)->entry);

	return result != 0 ? result : ((const Numbered *) a)->order - ((const Numbered *) b)->order;
}

void
mg_lint_fingerprint(MgLint *lint)
{
	Numbered *all = mg_alloc(lint->arena, (size_t) (lint->count + 1) * sizeof *all);
	int number = 0;

	for (int i = 0; i < lint->count; i++)
		all[i] = (Numbered){ entry_of(&lint->findings[i]), &lint->findings[i], i };
	qsort(all, (size_t) lint->count, sizeof *all, compare_numbered);
	for (int i = 0; i < lint->count; i++)
	{
		const Entry *e = &all[i].entry;
		char *text;

		number = i > 0 && compare_entries(&all[i - 1].entry, e) == 0 ? number + 1 : 0;
		text = mg_printf(lint->arena, "%s\n%s\n%s\n%s\n%d", e->path, e->rule, e->object,
						 e->statement, number);
		all[i].finding->fingerprint = mg_hash_sha256(lint->arena, text, strlen(text));
	}
}

static bool
bad_file(const char *path, MgError *err)
{
	mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" is not a baseline of version %d", path,
			   MG_BASELINE_VERSION);
	return mg_err_hint(err, "Write it anew with --write-baseline.");
}

/* A text of an entry in the arena; NULL when it is none. */
static const char *
text_of(MgArena *arena, const cJSON *item, const char *key)
{
	return mg_strdup(arena, cJSON_GetStringValue(cJSON_GetObjectItem(item, key)));
}

static bool
take_entry(MgArena *arena, const cJSON *item, Entry *entry)
{
	const cJSON *count = cJSON_GetObjectItem(item, "count");

	entry->path = text_of(arena, item, "path");
	entry->rule = text_of(arena, item, "rule");
	entry->object = text_of(arena, item, "object");
	entry->statement = text_of(arena, item, "statement");
	entry->message = text_of(arena, item, "message");
	entry->count = cJSON_IsNumber(count) ? count->valueint : 0;
	if (entry->object == NULL)
		entry->object = "";
	if (entry->message == NULL)
		entry->message = "";
	return entry->path != NULL && entry->rule != NULL && entry->statement != NULL && entry->count > 0;
}

static bool
read_file(MgArena *arena, const char *path, Entries *entries, MgError *err)
{
	const char *text;
	size_t len;
	cJSON *root;
	const cJSON *list;
	const cJSON *version;
	const cJSON *item;
	bool ok;

	if (!mg_file_read(arena, path, &text, &len, err))
		return false;
	root = cJSON_ParseWithLength(text, len);
	list = cJSON_GetObjectItem(root, "findings");
	version = cJSON_GetObjectItem(root, "version");
	ok = cJSON_IsArray(list) && cJSON_IsNumber(version) && version->valueint == MG_BASELINE_VERSION;
	entries->count = 0;
	entries->items = mg_alloc(arena, (size_t) (cJSON_GetArraySize(list) + 1) * sizeof(Entry));
	cJSON_ArrayForEach (item, list)
		ok = ok && take_entry(arena, item, &entries->items[entries->count++]);
	cJSON_Delete(root);
	return ok || bad_file(path, err);
}

/* Takes one of the findings that are known; of another file only when that is asked for. */
static bool
take_known(Entries *known, const Entry *wanted, bool any_path)
{
	int low = 0;
	int high = known->count;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (compare_identity(&known->items[middle], wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < known->count && compare_identity(&known->items[low], wanted) == 0; low++)
	{
		Entry *entry = &known->items[low];

		if (entry->count > 0 && (any_path || strcmp(entry->path, wanted->path) == 0))
		{
			entry->count--;
			return true;
		}
	}
	return false;
}

/* Whether what a file had can be told: it was looked at, or it is gone. */
static bool
is_told(const MgLint *lint, const char *path)
{
	for (const MgLintFile *file = lint->files; file != NULL; file = file->next)
		if (strcmp(file->path, path) == 0)
			return true;
	return mg_file_kind(path) == MG_FILE_ABSENT;
}

bool
mg_lint_apply_baseline(MgLint *lint, const char *path, MgError *err)
{
	Entries known;

	if (!read_file(lint->arena, path, &known, err))
		return false;
	sort(&known, compare_entries);
	/* a file that was renamed takes only what its own name left */
	for (int any_path = 0; any_path < 2; any_path++)
		for (int i = 0; i < lint->count; i++)
		{
			Entry wanted = entry_of(&lint->findings[i]);

			if (lint->findings[i].state == MG_LINT_OPEN && take_known(&known, &wanted, any_path == 1))
				lint->findings[i].state = MG_LINT_KNOWN;
		}
	sort(&known, compare_paths);
	lint->vanished = mg_alloc(lint->arena, (size_t) (known.count + 1) * sizeof(MgLintVanished));
	for (int i = 0; i < known.count; i++)
	{
		const Entry *e = &known.items[i];

		if (e->count > 0 && is_told(lint, e->path))
			lint->vanished[lint->vanished_count++] =
				(MgLintVanished){ e->path, e->rule, e->object[0] != '\0' ? e->object : NULL,
								  e->message, e->count };
	}
	return true;
}

/* What is to be known from now on: this run's, and of files that it did not look at the old ones. */
static bool
collect(MgLint *lint, const char *path, Entries *entries, MgError *err)
{
	Entries old = { 0 };
	Entries now;
	int kept = 0;

	if (mg_file_kind(path) != MG_FILE_ABSENT && !read_file(lint->arena, path, &old, err))
		return false;
	now.items = mg_alloc(lint->arena, (size_t) (old.count + lint->count + 1) * sizeof(Entry));
	now.count = 0;
	for (int i = 0; i < old.count; i++)
		if (!is_told(lint, old.items[i].path))
			now.items[now.count++] = old.items[i];
	for (int i = 0; i < lint->count; i++)
		if (lint->findings[i].state != MG_LINT_ALLOWED)
			now.items[now.count++] = entry_of(&lint->findings[i]);
	sort(&now, compare_paths);
	for (int i = 0; i < now.count; i++)
		if (kept > 0 && compare_paths(&now.items[kept - 1], &now.items[i]) == 0)
			now.items[kept - 1].count += now.items[i].count;
		else
			now.items[kept++] = now.items[i];
	now.count = kept;
	*entries = now;
	return true;
}

bool
mg_lint_write_baseline(MgLint *lint, const char *path, MgError *err)
{
	Entries entries;
	cJSON *root;
	cJSON *list;
	char *text;
	bool ok;

	if (!collect(lint, path, &entries, err))
		return false;
	root = cJSON_CreateObject();
	mg_json_int(root, "version", MG_BASELINE_VERSION);
	list = cJSON_AddArrayToObject(root, "findings");
	for (int i = 0; i < entries.count; i++)
	{
		const Entry *e = &entries.items[i];
		cJSON *item = cJSON_CreateObject();

		mg_json_text(item, "path", e->path);
		mg_json_text(item, "rule", e->rule);
		mg_json_text(item, "object", e->object[0] != '\0' ? e->object : NULL);
		mg_json_text(item, "statement", e->statement);
		mg_json_int(item, "count", e->count);
		mg_json_text(item, "message", e->message);
		cJSON_AddItemToArray(list, item);
	}
	text = cJSON_Print(root);
	ok = mg_file_write(path, mg_printf(lint->arena, "%s\n", text), err);
	cJSON_free(text);
	cJSON_Delete(root);
	return ok;
}
