/*
 * judge.c
 *	  Reads what there is of a past run.
 */
#include "judge.h"

#include <string.h>

#include "text.h"

#define MOST_CHANGES 10

unsigned
mg_judge_kind(const MgPastRun *past)
{
	if (strcmp(past->command, "plan") == 0)
		return MG_DEAD_PLAN;
	if (strcmp(past->command, "restore") == 0)
		return MG_DEAD_RESTORE;
	if (strcmp(past->command, "rollback") == 0)
		return MG_DEAD_BACK;
	/* a resume is what it has become; one that had not come so far has nothing to be done anew */
	if (strcmp(past->command, "resume") == 0 && !past->migrated)
		return past->touched ? MG_DEAD_BACK : MG_DEAD_PLAN;
	return MG_DEAD_RUN;
}

/* How far the last event before its end says that it came. */
static unsigned
progress(const MgPastRun *past)
{
	static const struct
	{
		const char *state;
		unsigned begun; /* with status begin or note */
		unsigned ok;
		unsigned failed;
		unsigned skipped;
	} states[] = {
		{ "migrate", MG_LEDGER_MIGRATE, MG_LEDGER_MIGRATED, MG_LEDGER_FAILED, MG_LEDGER_NONSENSE },
		{ "verify", MG_LEDGER_MIGRATED, MG_LEDGER_VERIFIED, MG_LEDGER_FAILED, MG_LEDGER_NONSENSE },
		{ "watch", MG_LEDGER_VERIFIED, MG_LEDGER_VERIFIED, MG_LEDGER_FAILED, MG_LEDGER_VERIFIED },
		{ "done", MG_LEDGER_VERIFIED, MG_LEDGER_VERIFIED, MG_LEDGER_VERIFIED, MG_LEDGER_NONSENSE },
	};
	const char *status = past->last_status != NULL ? past->last_status : "";

	if (past->last_state != NULL && strcmp(past->last_state, "rollback") == 0)
		return MG_LEDGER_ROLLBACK;
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		if (past->migrated && past->last_state != NULL &&
			strcmp(past->last_state, states[i].state) == 0)
			return strcmp(status, "ok") == 0	  ? states[i].ok :
				   strcmp(status, "failed") == 0  ? states[i].failed :
				   strcmp(status, "skipped") == 0 ? states[i].skipped :
													states[i].begun;
	return MG_LEDGER_NONSENSE;
}

/* Results that leave the database to a person. */
static bool
needs_a_person(const char *result)
{
	static const int results[] = { MG_EXIT_INTERRUPTED, MG_EXIT_ROLLBACK_FAILED,
								   MG_EXIT_ROLLED_BACK_UNPROVED };

	for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
		if (strcmp(result, mg_exit_result(results[i])) == 0)
			return true;
	return false;
}

unsigned
mg_judge_ledger(const MgPastRun *past, bool overtaken)
{
	static const char *const late[] = { "migrate", "verify", "watch", "done", "rollback" };

	if (past->result != NULL && !needs_a_person(past->result))
		return MG_LEDGER_ORDER;
	for (size_t i = 0; i < sizeof late / sizeof late[0]; i++)
		if (!past->touched && past->last_state != NULL && strcmp(past->last_state, late[i]) == 0)
			return MG_LEDGER_NONSENSE;
	if (!past->touched)
		return MG_LEDGER_UNTOUCHED;
	if (overtaken)
		return MG_LEDGER_OVERTAKEN;
	return past->captured ? progress(past) : MG_LEDGER_NONSENSE;
}

static bool
read_sessions(MgRun *run, const MgPastRun *past, MgFinding *finding, MgError *err)
{
	const char *prefix = mg_printf(run->arena, "migguard:%.8s:", past->id);

	mg_strings_init(&finding->living, run->arena);
	if (!mg_server_living_here(run->pg, prefix, &finding->living, err))
		return false;
	finding->facts.sessions = finding->living.count == 0 ? MG_SESSION_NONE : MG_SESSION_WORK;
	if (mg_strings_has(&finding->living, mg_printf(run->arena, "%sguard", prefix)))
		finding->facts.sessions = MG_SESSION_GUARD;
	return true;
}

static bool
has_revision(const MgRevisions *list, const char *id)
{
	for (int i = 0; i < list->count; i++)
		if (strcmp(list->ids[i], id) == 0)
			return true;
	return false;
}

/* Whether all that is applied lies between the ends of the run. */
static bool
is_between(MgRun *run, const MgPastRun *past, const MgRevisions *now)
{
	bool back = mg_judge_kind(past) == MG_DEAD_BACK;
	MgMigrations way;
	MgRevisions end;
	MgError ignored;
	MgStrings ids = past->pending;

	mg_err_init(&ignored, run->arena);
	/* a rollback does not keep its way, which is that of the upgrade from its goal */
	if (back && past->from.count == 1 &&
		run->tool->ops->pending(run->tool, run->pg, &past->to, past->from.ids[0], &way, &end,
								&ignored))
		for (int i = 0; i < way.count; i++)
			mg_strings_add(&ids, way.items[i].id);
	for (int i = 0; i < now->count; i++)
		if (!mg_strings_has(&ids, now->ids[i]) && !has_revision(&past->from, now->ids[i]) &&
			!has_revision(&past->to, now->ids[i]))
			return false;
	return now->count > 0;
}

/* False only when the session is lost; what cannot be read is unknown. */
static bool
read_version(MgRun *run, const MgPastRun *past, MgFinding *finding, const char **why, MgError *err)
{
	MgError fault;
	bool from;
	bool to;

	mg_err_init(&fault, run->arena);
	if (!run->tool->ops->current(run->tool, run->pg, &finding->now, &fault))
	{
		*why = fault.message;
		if (mg_pg_alive(run->pg))
			return true;
		*err = fault;
		return false;
	}
	from = mg_revisions_equal(&finding->now, &past->from);
	to = mg_revisions_equal(&finding->now, &past->to);
	finding->facts.version = from && to							  ? MG_VERSION_SAME :
							 from								  ? MG_VERSION_FROM :
							 to									  ? MG_VERSION_TO :
							 is_between(run, past, &finding->now) ? MG_VERSION_BETWEEN :
																	MG_VERSION_ELSEWHERE;
	return true;
}

/* Changes from a stored snapshot to what is there; *readable false when it cannot be compared any more. */
static bool
changes_from(MgRun *run, const char *snapshot, const char *to, MgChanges *changes, bool *readable,
			 MgError *err)
{
	static const char *const gone[] = { SD_SQLSTATE_NO_SUCH_SNAPSHOT, SD_SQLSTATE_SNAPSHOT_INCOMPLETE,
										SD_SQLSTATE_SNAPSHOT_VERSION };
	MgError fault;

	mg_err_init(&fault, run->arena);
	memset(changes, 0, sizeof *changes);
	*readable = false;
	if (snapshot == NULL)
		return true;
	*readable = mg_schema_changes(run->pg, snapshot, to, &run->bookkeeping, changes, &fault);
	for (size_t i = 0; !*readable && i < sizeof gone / sizeof gone[0]; i++)
		if (strcmp(fault.sqlstate, gone[i]) == 0)
			return true;
	if (!*readable)
		*err = fault;
	return *readable;
}

/* What is different by now is all of it what the rehearsed upgrade changes too, and done with. */
static bool
is_part(MgRun *run, const MgPastRun *past, const MgChanges *done, const MgChanges *left, bool *part,
		MgError *err)
{
	MgChanges all;
	bool readable;

	*part = false;
	if (!changes_from(run, past->s0, past->s1, &all, &readable, err))
		return false;
	if (!readable || all.unknown + done->unknown + left->unknown > 0 ||
		done->real.count + left->real.count != all.real.count)
		return true;
	for (int i = 0; i < done->real.count; i++)
		if (!mg_strings_has(&all.real, done->real.items[i]))
			return true;
	*part = true;
	return true;
}

static bool
read_invalid(MgRun *run, const MgPastRun *past, MgFinding *finding, MgError *err)
{
	MgStrings now;

	mg_strings_init(&now, run->arena);
	if (!mg_server_invalid_indexes(run->pg, &now, err))
		return false;
	for (int i = 0; i < now.count; i++)
		if (!mg_strings_has(&past->invalid_before, now.items[i]))
			mg_strings_add(&finding->invalid, now.items[i]);
	return true;
}

static bool
read_schema(MgRun *run, const MgPastRun *past, MgFinding *finding, MgChanges *before, MgError *err)
{
	MgFacts *facts = &finding->facts;
	MgChanges after;
	bool know_before;
	bool know_after;
	bool is_before;
	bool is_after;
	bool part;

	mg_strings_init(&finding->invalid, run->arena);
	if (!changes_from(run, past->s0, NULL, before, &know_before, err) ||
		!changes_from(run, past->s1, NULL, &after, &know_after, err))
		return false;
	is_before = know_before && before->real.count == 0;
	is_after = know_after && after.real.count == 0;
	if (is_before && before->lost.count > 0)
		facts->schema =
			is_after && facts->version == MG_VERSION_TO ? MG_SCHEMA_AFTER : MG_SCHEMA_LOST;
	else if (is_before || is_after)
		facts->schema = is_before && is_after ? MG_SCHEMA_BOTH :
						is_before			  ? MG_SCHEMA_BEFORE :
												MG_SCHEMA_AFTER;
	else if (!read_invalid(run, past, finding, err))
		return false;
	else if (finding->invalid.count > 0)
		facts->schema = MG_SCHEMA_INVALID;
	else if (!know_before)
		facts->schema = MG_SCHEMA_UNKNOWN;
	else if (!know_after)
		facts->schema = MG_SCHEMA_CHANGED;
	else if (!is_part(run, past, before, &after, &part, err))
		return false;
	else
		facts->schema = part ? MG_SCHEMA_PART : MG_SCHEMA_OTHER;
	return true;
}

/* "revision b2 (it went from a1 to c3), schema ..." */
static const char *
describe(MgRun *run, const MgPastRun *past, const MgFinding *finding, const MgChanges *before,
		 const char *why)
{
	const MgFacts *facts = &finding->facts;
	const char *now = mg_revisions_text(run->arena, &finding->now);
	const char *version;
	const char *schema = mg_printf(run->arena, "schema %s", mg_schema_says_text(facts->schema));
	bool differs = facts->schema == MG_SCHEMA_PART || facts->schema == MG_SCHEMA_OTHER ||
				   facts->schema == MG_SCHEMA_CHANGED || facts->schema == MG_SCHEMA_INVALID;

	if (facts->version == MG_VERSION_UNKNOWN)
		version = mg_printf(run->arena, "revision unreadable: %s", why != NULL ? why : "");
	else if (facts->version == MG_VERSION_FROM || facts->version == MG_VERSION_SAME)
		version = mg_printf(run->arena, "revision %s as before it", now);
	else if (facts->version == MG_VERSION_TO)
		version = mg_printf(run->arena, "revision %s as it was to be", now);
	else
		version = mg_printf(run->arena, "revision is %s (it went from %s to %s)", now,
							mg_revisions_text(run->arena, &past->from),
							mg_revisions_text(run->arena, &past->to));
	if (differs && before->real.count > 0)
		schema = mg_printf(run->arena, "%s, %s from before: %s", schema,
						   mg_text_count(run->arena, before->real.count, "change"),
						   mg_changes_text(run->arena, &before->real, MOST_CHANGES));
	if (before->lost.count > 0)
		schema = mg_printf(run->arena, "%s; data lost: %s", schema,
						   mg_changes_text(run->arena, &before->lost, MOST_CHANGES));
	return mg_printf(run->arena, "%s, %s", version, schema);
}

void
mg_judge_again(MgRun *run, MgFinding *finding)
{
	finding->verdict = mg_verdict_find(&finding->facts);
	finding->text = finding->found == NULL ?
						finding->verdict->says :
						mg_printf(run->arena, "%s: %s", finding->verdict->says, finding->found);
}

bool
mg_judge(MgRun *run, const MgPastRun *past, bool overtaken, MgFinding *finding, MgError *err)
{
	MgFacts *facts = &finding->facts;
	MgChanges before;
	const char *why = NULL;
	const char *bad;

	memset(finding, 0, sizeof *finding);
	if (!mg_verdict_check(run->arena, mg_verdicts, mg_verdict_count, &bad))
		return mg_err_set(err, MG_EXIT_INTERNAL, "the table of verdicts is broken: %s", bad);
	facts->kind = mg_judge_kind(past);
	facts->ledger = mg_judge_ledger(past, overtaken);
	facts->version = MG_VERSION_UNKNOWN;
	facts->schema = MG_SCHEMA_UNKNOWN;
	if (!read_sessions(run, past, finding, err))
		return false;
	/* the rest is of no weight, and may not stay true */
	if ((facts->ledger & (MG_LEDGER_ORDER | MG_LEDGER_UNTOUCHED | MG_LEDGER_OVERTAKEN)) != 0 ||
		facts->sessions != MG_SESSION_NONE)
	{
		mg_judge_again(run, finding);
		return true;
	}
	if (!read_version(run, past, finding, &why, err) ||
		!read_schema(run, past, finding, &before, err))
		return false;
	finding->found = describe(run, past, finding, &before, why);
	mg_judge_again(run, finding);
	return true;
}
