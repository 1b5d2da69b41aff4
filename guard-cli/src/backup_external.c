/*
 * backup_external.c
 *	  Backups that another program makes: by the user's command, or proved by what it says of itself.
 */
#include <string.h>
#include <time.h>

#include "backup_program.h"
#include "backup_provider.h"
#include "json.h"
#include "text.h"
#include "tool_util.h"

#define MOST_OUTPUT	  (4 << 20)
#define CLOCK_SLACK_S 300

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
judge(MgBackupJob *job, const char *provider, const MgProvided *found, cJSON *proof, MgError *err)
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
run_provider(MgBackupJob *job, const MgProvider *provider, cJSON *proof, MgError *err)
{
	const char *name = provider->name;
	const char *command = mg_config_string(job->config, MG_SET_BACKUP_COMMAND);
	Output output;
	MgStrings argv;
	MgProgram program = { .title = mg_printf(job->arena, "the command of backup %s", name),
						  .target = job->target,
						  .application_name = mg_printf(job->arena, "%s:backup", job->tag),
						  .sink = keep,
						  .arg = &output };
	MgChildResult result;
	MgProvided found = { 0 };
	cJSON *json;

	if (command == NULL)
		command = provider->command;
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
	if (provider->read == NULL)
		return true;
	/* WAL-G says nothing where there is none */
	json = cJSON_Parse(output.text.len == 0 ? "[]" : output.text.data);
	if (json == NULL)
		return mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "what \"%s\" says is not JSON", command);
	provider->read(job->arena, json, job->backup.system_identifier, &found);
	cJSON_Delete(json);
	return judge(job, name, &found, proof, err);
}

bool
mg_external_make(MgBackupJob *job, MgError *err)
{
	const char *name = mg_config_string(job->config, MG_SET_BACKUP_EXTERNAL);
	cJSON *proof = cJSON_CreateObject();
	bool ok;

	mg_json_text(proof, "by", name);
	ok = run_provider(job, mg_provider(name), proof, err);
	job->backup.proof = mg_json_take(job->arena, proof);
	return ok;
}
