/*
 * restore_trace.c
 *	  What the comment of a database says of the restore that has made it, or put it aside.
 */
#include "restore_trace.h"

#include <string.h>
#include <time.h>

#include "json.h"
#include "pg_catalog_restore.h"
#include "text.h"

#define COMMENT_PREFIX "migguard: restore "
#define NAME_BYTES	   63
#define STAMP		   "_before_%Y%m%dT%H%M%SZ"
#define STAMP_LENGTH   24

char *
mg_restore_trace_text(const MgRestore *r, int done, bool swapped)
{
	cJSON *json = cJSON_CreateObject();

	mg_json_text(json, "run", r->run_id);
	mg_json_text(json, "database", r->live);
	mg_json_text(json, "manifest", r->backup->manifest_sha256);
	mg_json_text(json, "kept", r->kept);
	mg_json_text(json, "path", r->backup->path);
	mg_json_int(json, "done", done);
	mg_json_bool(json, "swapped", swapped);
	return mg_printf(r->arena, "%s%s", COMMENT_PREFIX, mg_json_take(r->arena, json));
}

static const char *
text_of(MgArena *arena, const cJSON *json, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsString(item) ? mg_strdup(arena, item->valuestring) : NULL;
}

static bool
read_trace(MgArena *arena, const char *comment, MgRestoreTrace *trace)
{
	cJSON *json = cJSON_Parse(comment + strlen(COMMENT_PREFIX));
	const cJSON *done = cJSON_GetObjectItemCaseSensitive(json, "done");

	*trace = (MgRestoreTrace){ .run_id = text_of(arena, json, "run"),
							   .live = text_of(arena, json, "database"),
							   .manifest = text_of(arena, json, "manifest"),
							   .kept = text_of(arena, json, "kept"),
							   .path = text_of(arena, json, "path"),
							   .done = cJSON_IsNumber(done) ? done->valueint : 0,
							   .swapped =
								   cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "swapped")) };
	cJSON_Delete(json);
	return trace->run_id != NULL && trace->live != NULL && trace->manifest != NULL &&
		   trace->kept != NULL && trace->path != NULL;
}

bool
mg_restore_trace_interrupted(MgArena *arena, MgPg *admin, const char *live, MgRestoreTrace *trace,
							 MgError *err)
{
	MgStrings names;
	MgStrings comments;
	MgRestoreTrace found;

	*trace = (MgRestoreTrace){ 0 };
	if (!mg_restore_find(admin, &names, &comments, err))
		return false;
	for (int i = 0; i < names.count; i++)
		if (read_trace(arena, comments.items[i], &found) && !found.swapped &&
			strcmp(found.live, live) == 0)
			*trace = found;
	return true;
}

static char *
stamped_name(MgArena *arena, const char *live, time_t at)
{
	struct tm utc;
	char stamp[STAMP_LENGTH + 1];
	size_t len = 0;

	gmtime_r(&at, &utc);
	strftime(stamp, sizeof stamp, STAMP, &utc);
	while (live[len] != '\0')
	{
		int step = mg_text_utf8_length(live + len, live + strlen(live));

		if (len + (size_t) (step > 0 ? step : 1) > NAME_BYTES - STAMP_LENGTH)
			break;
		len += (size_t) (step > 0 ? step : 1);
	}
	return mg_printf(arena, "%.*s%s", (int) len, live, stamp);
}

bool
mg_restore_kept_name(MgArena *arena, MgPg *admin, const char *live, const char **name, MgError *err)
{
	bool taken = true;

	/* a restore may follow another one, or its kill, within a second */
	for (time_t at = time(NULL); taken; at++)
	{
		*name = stamped_name(arena, live, at);
		if (!mg_restore_name_taken(admin, *name, &taken, err))
			return false;
	}
	return true;
}

/* When a database was put aside, by its name; 0: the name does not say. */
static time_t
put_aside_at(const char *name)
{
	struct tm utc = { 0 };
	size_t len = strlen(name);
	const char *rest = len < STAMP_LENGTH ? NULL : strptime(name + len - STAMP_LENGTH, STAMP, &utc);

	return rest != NULL && *rest == '\0' ? timegm(&utc) : 0;
}

bool
mg_restore_put_aside(MgArena *arena, MgPg *pg, const char *live, int keep, long long keep_ms,
					 MgStrings *names, MgError *err)
{
	MgStrings all;
	MgStrings comments;
	MgRestoreTrace trace;
	int seen = 0;

	mg_strings_init(names, arena);
	if (!mg_restore_find(pg, &all, &comments, err))
		return false;
	/* those of one database differ by their stamps: sorted by name is sorted by time */
	for (int i = all.count - 1; i >= 0; i--)
	{
		time_t at = put_aside_at(all.items[i]);

		/* the comment is believed of the database that it names only */
		if (at == 0 || !read_trace(arena, comments.items[i], &trace) || !trace.swapped ||
			strcmp(trace.live, live) != 0 || strcmp(trace.kept, all.items[i]) != 0)
			continue;
		if (seen++ >= keep && (long long) (time(NULL) - at) * 1000 > keep_ms)
			mg_strings_add(names, all.items[i]);
	}
	return true;
}
