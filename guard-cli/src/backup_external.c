/*
 * backup_external.c
 *	  Backups that another program makes: by the user's command, or proved by what it says of itself.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backup_program.h"
#include "json.h"
#include "text.h"
#include "tool_util.h"

#define MOST_OUTPUT	  (4 << 20)
#define CLOCK_SLACK_S 300

/* The newest backup that is whole and of this cluster. */
typedef struct Found
{
	const char *label;	 /* NULL: none */
	long long finished;	 /* seconds since 1970 */
	const char *why_not; /* what was wrong with those that do not count */
} Found;

static const char *
text_of(const cJSON *json, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsString(item) ? item->valuestring : NULL;
}

static void
take(MgArena *arena, Found *found, const char *label, long long finished)
{
	if (label == NULL || finished <= 0 || (found->label != NULL && finished <= found->finished))
		return;
	found->label = mg_strdup(arena, label);
	found->finished = finished;
}

/*
 * The stanza's "db" list has this cluster under the id that the backup names.  A
 * system identifier has more digits than a number of cJSON keeps; the first 53
 * bits of two clusters are not equal by chance.
 */
static bool
stanza_has(const cJSON *stanza, const cJSON *backup, const char *identifier)
{
	const cJSON *wanted =
		cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(backup, "database"), "id");
	const cJSON *db;

	cJSON_ArrayForEach (db, cJSON_GetObjectItemCaseSensitive(stanza, "db"))
	{
		const cJSON *id = cJSON_GetObjectItemCaseSensitive(db, "id");
		const cJSON *system = cJSON_GetObjectItemCaseSensitive(db, "system-id");

		if (cJSON_IsNumber(id) && cJSON_IsNumber(wanted) && id->valuedouble == wanted->valuedouble &&
			cJSON_IsNumber(system) && system->valuedouble == strtod(identifier, NULL))
			return true;
	}
	return false;
}

/* pgbackrest --output=json info */
static void
read_pgbackrest(MgArena *arena, const cJSON *json, const char *identifier, Found *found)
{
	const cJSON *stanza;
	const cJSON *backup;

	cJSON_ArrayForEach (stanza, json)
		cJSON_ArrayForEach (backup, cJSON_GetObjectItemCaseSensitive(stanza, "backup"))
		{
			const cJSON *stop =
				cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(backup, "timestamp"),
												 "stop");

			if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(backup, "error")))
				found->why_not = "it found errors in pages of the database";
			else if (!stanza_has(stanza, backup, identifier))
				found->why_not = "it is of another cluster";
			else if (cJSON_IsNumber(stop))
				take(arena, found, text_of(backup, "label"), (long long) stop->valuedouble);
		}
}

/* What says of itself that there are backups. */
static const struct
{
	const char *name;
	const char *command; /* without a setting; NULL: it must be set */
	void (*read)(MgArena *arena, const cJSON *json, const char *identifier, Found *found);
} providers[] = {
	{ "command", NULL, NULL },
	{ "pgbackrest", "pgbackrest --output=json info", read_pgbackrest },
};

typedef struct Output
{
	MgBuf text;
} Output;

static bool
keep(void *arg, const char *data, size_t len)
{
	Output *output = arg;

	if (output->text.len + len > MOST_OUTPUT)
		return false;
	mg_buf_add_bytes(&output->text, data, len);
	return true;
}

/* The newest backup is there, of this cluster, and young enough. */
static bool
judge(MgBackupJob *job, const char *provider, const Found *found, cJSON *proof, MgError *err)
{
	long long most = mg_config_ms(job->config, MG_SET_BACKUP_MAX_AGE) / 1000;
	long long age = (long long) time(NULL) - found->finished;

	if (found->label == NULL)
	{
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "%s has no backup of this cluster that is whole",
				   provider);
		if (found->why_not != NULL)
			mg_err_detail(err, "There is one, but %s.", found->why_not);
		return false;
	}
	mg_json_text(proof, "label", found->label);
	mg_json_int(proof, "finished", found->finished);
	mg_json_int(proof, "age_seconds", age);
	if (age <= most && age >= -CLOCK_SLACK_S)
		return true;
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "the newest backup of %s, %s, is %s", provider,
			   found->label,
			   age < 0 ?
				   "from the future" :
				   mg_printf(job->arena, "%s old", mg_text_duration(job->arena, age * 1000000)));
	return mg_err_hint(err, "Make a new one, or raise [backup] max_age.");
}

static bool
run_provider(MgBackupJob *job, size_t provider, cJSON *proof, MgError *err)
{
	const char *name = providers[provider].name;
	const char *command = mg_config_string(job->config, MG_SET_BACKUP_COMMAND);
	Output output;
	MgStrings argv;
	MgProgram program = { .title = mg_printf(job->arena, "the command of backup %s", name),
						  .target = job->target,
						  .application_name = mg_printf(job->arena, "%s:backup", job->tag),
						  .sink = keep,
						  .arg = &output };
	MgChildResult result;
	Found found = { 0 };
	cJSON *json;

	if (command == NULL)
		command = providers[provider].command;
	if (command == NULL)
		return mg_err_set(err, MG_EXIT_CONFIG, "[backup] command is not set, which %s needs", name);
	mg_buf_init(&output.text, job->arena);
	mg_strings_init(&argv, job->arena);
	mg_tool_words(&argv, command);
	program.argv = argv.items;
	if (!mg_program_run(job->arena, &program, &result, err))
	{
		job->interrupted = job->interrupted || result.interrupted;
		if (!err->set)
			mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "%s says too much", command);
		return false;
	}
	mg_json_text(proof, "command", command);
	if (providers[provider].read == NULL)
		return true;
	json = cJSON_Parse(output.text.data);
	if (json == NULL)
		return mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "what \"%s\" says is not JSON", command);
	providers[provider].read(job->arena, json, job->backup.system_identifier, &found);
	cJSON_Delete(json);
	return judge(job, name, &found, proof, err);
}

bool
mg_external_make(MgBackupJob *job, MgError *err)
{
	const char *name = mg_config_string(job->config, MG_SET_BACKUP_EXTERNAL);
	cJSON *proof = cJSON_CreateObject();
	size_t i = 0;
	char *text;
	bool ok;

	while (strcmp(providers[i].name, name) != 0)
		i++;
	mg_json_text(proof, "by", name);
	ok = run_provider(job, i, proof, err);
	text = cJSON_PrintUnformatted(proof);
	job->backup.proof = mg_strdup(job->arena, text);
	cJSON_free(text);
	cJSON_Delete(proof);
	return ok;
}
