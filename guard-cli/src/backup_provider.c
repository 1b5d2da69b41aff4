/*
 * backup_provider.c
 *	  What pgBackRest, Barman and WAL-G say of their backups.
 */
#include "backup_provider.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const cJSON *
member(const cJSON *json, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(json, name);
}

static const char *
text_of(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(member(json, name));
}

static bool
text_is(const cJSON *json, const char *name, const char *wanted)
{
	const char *text = text_of(json, name);

	return text != NULL && strcmp(text, wanted) == 0;
}

/*
 * A system identifier has more digits than a number of cJSON keeps; the first 53
 * bits of two clusters are not equal by chance.
 */
static bool
same_number(const cJSON *number, const char *identifier)
{
	return cJSON_IsNumber(number) && number->valuedouble == strtod(identifier, NULL);
}

static void
take(MgArena *arena, MgProvided *found, const char *label, long long finished)
{
	if (label == NULL || finished <= 0 || (found->label != NULL && finished <= found->finished))
		return;
	found->label = mg_strdup(arena, label);
	found->finished = finished;
}

/* "2026-11-21T23:43:27.683219+00:00" or "...Z" in seconds since 1970; 0: it is none. */
static long long
seconds_of(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = text == NULL ? NULL : strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	long long seconds;

	if (rest == NULL)
		return 0;
	seconds = (long long) timegm(&tm);
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (strcmp(rest, "Z") == 0)
		return seconds;
	if ((*rest != '+' && *rest != '-') || strlen(rest) != 6 || rest[3] != ':')
		return 0;
	return seconds - (*rest == '-' ? -1 : 1) * (atoi(rest + 1) * 3600LL + atoi(rest + 4) * 60LL);
}

/* The stanza's "db" list has this cluster under the id that the backup names. */
static bool
stanza_has(const cJSON *stanza, const cJSON *backup, const char *identifier)
{
	const cJSON *wanted = member(member(backup, "database"), "id");
	const cJSON *db;

	cJSON_ArrayForEach (db, member(stanza, "db"))
	{
		const cJSON *id = member(db, "id");

		if (cJSON_IsNumber(id) && cJSON_IsNumber(wanted) && id->valuedouble == wanted->valuedouble &&
			same_number(member(db, "system-id"), identifier))
			return true;
	}
	return false;
}

/* pgbackrest --output=json info */
static void
read_pgbackrest(MgArena *arena, const cJSON *json, const char *identifier, MgProvided *found)
{
	const cJSON *stanza;
	const cJSON *backup;

	cJSON_ArrayForEach (stanza, json)
		cJSON_ArrayForEach (backup, member(stanza, "backup"))
		{
			const cJSON *stop = member(member(backup, "timestamp"), "stop");

			if (cJSON_IsTrue(member(backup, "error")))
				found->why_not = "it found errors in pages of the database";
			else if (!stanza_has(stanza, backup, identifier))
				found->why_not = "it is of another cluster";
			else if (cJSON_IsNumber(stop))
				take(arena, found, text_of(backup, "label"), (long long) stop->valuedouble);
		}
}

/* barman diagnose: the one command of it that names the cluster of a backup */
static void
read_barman(MgArena *arena, const cJSON *json, const char *identifier, MgProvided *found)
{
	const cJSON *server;
	const cJSON *backup;

	cJSON_ArrayForEach (server, member(json, "servers"))
		cJSON_ArrayForEach (backup, member(server, "backups"))
		{
			if (!text_is(backup, "status", "DONE"))
				found->why_not = "it is not done";
			else if (!text_is(backup, "systemid", identifier))
				found->why_not = "it is of another cluster";
			else
				take(arena, found, text_of(backup, "backup_id"),
					 seconds_of(text_of(backup, "end_time")));
		}
}

/* wal-g backup-list --detail --json: only backups that were finished are listed */
static void
read_wal_g(MgArena *arena, const cJSON *json, const char *identifier, MgProvided *found)
{
	const cJSON *backup;

	cJSON_ArrayForEach (backup, json)
	{
		if (!same_number(member(backup, "system_identifier"), identifier))
			found->why_not = "it is of another cluster";
		else
			take(arena, found, text_of(backup, "backup_name"),
				 seconds_of(text_of(backup, "finish_time")));
	}
}

const MgProvider *
mg_provider(const char *name)
{
	static const MgProvider providers[] = {
		{ "command", NULL, NULL },
		{ "pgbackrest", "pgbackrest --output=json info", read_pgbackrest },
		{ "barman", "barman diagnose", read_barman },
		{ "wal-g", "wal-g backup-list --detail --json", read_wal_g },
	};

	for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++)
		if (strcmp(providers[i].name, name) == 0)
			return &providers[i];
	return NULL;
}
