/*
 * verdict_test.c
 *	  The table of verdicts: one row for every combination, none of them careless, and
 *	  every fault that could creep in is found.
 */
#include "unit.h"

#include "judge.h"
#include "runbook.h"
#include "verdict.h"

#define MAX_ROWS 100
#define COMBINATIONS \
	(MG_DEAD_COUNT * MG_LEDGER_COUNT * MG_VERSION_COUNT * MG_SCHEMA_COUNT * MG_SESSION_COUNT)

static MgArena *arena;
static MgVerdict rows[MAX_ROWS];
static int count;

static void
reset(void)
{
	count = mg_verdict_count;
	memcpy(rows, mg_verdicts, (size_t) count * sizeof(MgVerdict));
}

static MgVerdict *
row(const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static void
finds(const char *fault)
{
	const char *why = "nothing";
	bool sound = mg_verdict_check(arena, rows, count, &why);

	unit_ok(!sound, fault);
	unit_contains(sound ? "nothing" : why, fault, "  and says so");
	reset();
}

static void
test_check(void)
{
	const char *why = "";

	reset();
	unit_ok(mg_verdict_check(arena, rows, count, &why), "the table is sound");
	rows[count++] = rows[0];
	finds("2 rows for: run; ledger: it ended in order");
	for (int i = 0; i < mg_verdict_count; i++)
	{
		rows[i] = rows[--count];
		unit_ok(!mg_verdict_check(arena, rows, count, &why),
				mg_printf(arena, "without row %d (%s) something is not covered", i + 1,
						  mg_verdicts[i].name));
		reset();
	}
	row("nonsense")->says = NULL;
	finds("says nothing");
	row("nonsense")->schema = 0;
	finds("holds for nothing");
	row("nonsense")->todo = NULL;
	finds("leaves a person without a way on");
	row("some-applied")->by_run = true;
	finds("lets a run do what only a person may ask for");
	row("foreign-changes")->result = MG_EXIT_ROLLED_BACK;
	finds("records as ended well what needs a person");
	row("alive")->open = false;
	finds("ends what is alive");
	row("goal-reached")->version |= MG_VERSION_FROM;
	finds("calls done what is not there");
	row("brought-back")->schema |= MG_SCHEMA_OTHER;
	finds("calls brought back what is not");
}

/* The nth combination. */
static MgFacts
facts_of(int n)
{
	MgFacts facts;

	facts.kind = 1U << n % MG_DEAD_COUNT;
	n /= MG_DEAD_COUNT;
	facts.ledger = 1U << n % MG_LEDGER_COUNT;
	n /= MG_LEDGER_COUNT;
	facts.version = 1U << n % MG_VERSION_COUNT;
	n /= MG_VERSION_COUNT;
	facts.schema = 1U << n % MG_SCHEMA_COUNT;
	facts.sessions = 1U << n / MG_SCHEMA_COUNT;
	return facts;
}

/* What must hold whatever the table says; NULL: it does. */
static const char *
careless(const MgFacts *facts, const MgVerdict *verdict)
{
	bool touched =
		(facts->ledger & (MG_LEDGER_ORDER | MG_LEDGER_UNTOUCHED | MG_LEDGER_OVERTAKEN)) == 0;
	bool quiet = facts->sessions == MG_SESSION_NONE;
	bool records = verdict->remedy == MG_REMEDY_CLOSE || verdict->remedy == MG_REMEDY_FINISH ||
				   verdict->remedy == MG_REMEDY_AGAIN;
	bool acts = verdict->remedy == MG_REMEDY_GO_ON || verdict->remedy == MG_REMEDY_BRING_BACK ||
				verdict->remedy == MG_REMEDY_AGAIN || verdict->remedy == MG_REMEDY_FINISH;
	bool as_before = (facts->schema & (MG_SCHEMA_BEFORE | MG_SCHEMA_BOTH | MG_SCHEMA_LOST)) != 0;
	bool as_after = (facts->schema & (MG_SCHEMA_AFTER | MG_SCHEMA_BOTH | MG_SCHEMA_CHANGED)) != 0;

	if (facts->ledger == MG_LEDGER_ORDER)
		return verdict->remedy == MG_REMEDY_NONE ? NULL : "touches what ended in order";
	if (verdict->remedy == MG_REMEDY_NONE)
		return "lets pass what has no good end";
	if (!quiet && (records || acts))
		return "acts while something is alive";
	if ((facts->sessions == MG_SESSION_GUARD || facts->sessions == MG_SESSION_STUCK) &&
		(!verdict->open || verdict->by_run))
		return "ends what is alive";
	if (!touched || !quiet)
		return NULL;
	if ((facts->version == MG_VERSION_UNKNOWN || facts->version == MG_VERSION_ELSEWHERE ||
		 facts->schema == MG_SCHEMA_UNKNOWN || facts->schema == MG_SCHEMA_INVALID ||
		 facts->ledger == MG_LEDGER_NONSENSE || facts->kind == MG_DEAD_PLAN ||
		 facts->kind == MG_DEAD_RESTORE) &&
		verdict->remedy != MG_REMEDY_REFUSE)
		return "is sure of what is unknown";
	if (records && verdict->result == MG_EXIT_DONE &&
		((facts->version & (MG_VERSION_TO | MG_VERSION_SAME)) == 0 || !as_after))
		return "calls done what is not there";
	if (records && verdict->result != MG_EXIT_DONE &&
		((facts->version & (MG_VERSION_FROM | MG_VERSION_SAME)) == 0 || !as_before))
		return "calls undone what is there";
	if (facts->schema == MG_SCHEMA_LOST && records && verdict->result != MG_EXIT_ROLLED_BACK)
		return "hides a loss";
	if (verdict->remedy == MG_REMEDY_GO_ON &&
		(facts->ledger != MG_LEDGER_MIGRATE || facts->version != MG_VERSION_BETWEEN))
		return "goes on where nothing is to be gone on with";
	if ((facts->ledger == MG_LEDGER_FAILED || facts->ledger == MG_LEDGER_ROLLBACK) &&
		facts->kind == MG_DEAD_RUN &&
		(verdict->remedy == MG_REMEDY_GO_ON || verdict->remedy == MG_REMEDY_FINISH ||
		 verdict->remedy == MG_REMEDY_AGAIN))
		return "goes forward with what had failed";
	return NULL;
}

static void
test_combinations(void)
{
	int of_remedy[MG_REMEDY_REFUSE + 1] = { 0 };
	int faults = 0;

	for (int i = 0; i < COMBINATIONS; i++)
	{
		MgFacts facts = facts_of(i);
		const MgVerdict *verdict = mg_verdict_find(&facts);
		const char *fault = verdict == NULL ? "has no row" : careless(&facts, verdict);

		if (fault != NULL)
		{
			faults++;
			printf("# %s %s: %s; ledger: %s; revision: %s; schema: %s; alive: %s\n",
				   verdict != NULL ? verdict->name : "", fault, mg_dead_kind_text(facts.kind),
				   mg_ledger_says_text(facts.ledger), mg_version_says_text(facts.version),
				   mg_schema_says_text(facts.schema), mg_session_says_text(facts.sessions));
		}
		if (verdict != NULL)
			of_remedy[verdict->remedy]++;
	}
	unit_is_int(COMBINATIONS, 7776, "so many combinations");
	unit_is_int(faults, 0, "none has a careless row");
	for (int i = 0; i <= MG_REMEDY_REFUSE; i++)
		unit_ok(of_remedy[i] > 0,
				mg_printf(arena, "%d times: %s", of_remedy[i], mg_remedy_name((MgRemedy) i)));
	unit_ok(of_remedy[MG_REMEDY_GO_ON] == 7 && of_remedy[MG_REMEDY_FINISH] == 5,
			"it goes on and finishes only where it is sure");
}

/* Every page that a row names is there. */
static void
test_pages(void)
{
	static const char *const states[] = {
#define X(id, name, text) name,
		SD_RUN_STATES(X)
#undef X
	};
	static const int codes[] = {
#define X(id, name, code, text) code,
		SD_RESULTS(X)
#undef X
#define X(id, code, text) code,
			SD_EXIT_CODES(X)
#undef X
	};

	for (int i = 0; i < mg_verdict_count; i++)
		if (mg_verdicts[i].page != NULL && mg_runbook_find(mg_verdicts[i].page) == NULL)
			unit_is(mg_verdicts[i].page, NULL, "a row names a page that is not there");
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		unit_ok(mg_runbook_of_state(states[i]) != NULL,
				mg_printf(arena, "state %s has a page", states[i]));
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		unit_ok((mg_runbook_of_exit(codes[i]) != NULL) ==
					(codes[i] != MG_EXIT_DONE && codes[i] != MG_EXIT_NOTHING &&
					 codes[i] != MG_EXIT_USAGE),
				mg_printf(arena, "exit code %d has a page if it needs one", codes[i]));
	unit_ok(mg_runbook_find("rollback_failed") == mg_runbook_of_exit(MG_EXIT_ROLLBACK_FAILED),
			"underscores are as good as hyphens");
	unit_ok(mg_runbook_find("24") == mg_runbook_find("interrupted"), "an exit code is a name");
	unit_ok(mg_runbook_find("done") == mg_runbook_find("left-in-verify"), "and so is a state");
	unit_ok(mg_runbook_find("on") == NULL && mg_runbook_find("") == NULL, "nothing else is");
}

/* How far the events say that a run came. */
static void
test_ledger(void)
{
	static const struct
	{
		const char *command;
		const char *state;
		const char *status;
		const char *result;
		bool captured;
		bool touched;
		bool migrated;
		unsigned want;
		unsigned kind;
	} cases[] = {
		{ "run", NULL, NULL, NULL, false, false, false, MG_LEDGER_UNTOUCHED, MG_DEAD_RUN },
		{ "run", "backup", "begin", NULL, true, false, false, MG_LEDGER_UNTOUCHED, MG_DEAD_RUN },
		{ "run", "migrate", "begin", NULL, true, true, true, MG_LEDGER_MIGRATE, MG_DEAD_RUN },
		{ "run", "migrate", "note", NULL, true, true, true, MG_LEDGER_MIGRATE, MG_DEAD_RUN },
		{ "run", "migrate", "ok", NULL, true, true, true, MG_LEDGER_MIGRATED, MG_DEAD_RUN },
		{ "run", "migrate", "failed", NULL, true, true, true, MG_LEDGER_FAILED, MG_DEAD_RUN },
		{ "run", "migrate", "skipped", NULL, true, true, true, MG_LEDGER_NONSENSE, MG_DEAD_RUN },
		{ "run", "migrate", "begin", NULL, false, true, true, MG_LEDGER_NONSENSE, MG_DEAD_RUN },
		{ "run", "migrate", "begin", NULL, true, false, false, MG_LEDGER_NONSENSE, MG_DEAD_RUN },
		{ "run", "verify", "begin", NULL, true, true, true, MG_LEDGER_MIGRATED, MG_DEAD_RUN },
		{ "run", "verify", "ok", NULL, true, true, true, MG_LEDGER_VERIFIED, MG_DEAD_RUN },
		{ "run", "verify", "failed", NULL, true, true, true, MG_LEDGER_FAILED, MG_DEAD_RUN },
		{ "run", "watch", "failed", NULL, true, true, true, MG_LEDGER_FAILED, MG_DEAD_RUN },
		{ "run", "done", "ok", NULL, true, true, true, MG_LEDGER_VERIFIED, MG_DEAD_RUN },
		{ "run", "rollback", "begin", NULL, true, true, true, MG_LEDGER_ROLLBACK, MG_DEAD_RUN },
		{ "run", "capture", "ok", NULL, true, true, true, MG_LEDGER_NONSENSE, MG_DEAD_RUN },
		{ "run", "rollback", "ok", "rolled_back", true, true, true, MG_LEDGER_ORDER, MG_DEAD_RUN },
		{ "run", "migrate", "begin", "interrupted", true, true, true, MG_LEDGER_MIGRATE, MG_DEAD_RUN },
		{ "run", "rollback", "ok", "rollback_failed", true, true, true, MG_LEDGER_ROLLBACK,
		  MG_DEAD_RUN },
		{ "run", "rollback", "ok", "rolled_back_unproved", true, true, true, MG_LEDGER_ROLLBACK,
		  MG_DEAD_RUN },
		{ "rollback", "rollback", "begin", NULL, true, true, false, MG_LEDGER_ROLLBACK, MG_DEAD_BACK },
		{ "resume", "lock", "ok", NULL, false, false, false, MG_LEDGER_UNTOUCHED, MG_DEAD_PLAN },
		{ "resume", "migrate", "begin", NULL, true, true, true, MG_LEDGER_MIGRATE, MG_DEAD_RUN },
		{ "resume", "rollback", "begin", NULL, true, true, false, MG_LEDGER_ROLLBACK, MG_DEAD_BACK },
		{ "plan", "rehearse", "begin", NULL, true, false, false, MG_LEDGER_UNTOUCHED, MG_DEAD_PLAN },
		{ "restore", NULL, NULL, NULL, false, false, false, MG_LEDGER_UNTOUCHED, MG_DEAD_RESTORE },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		MgPastRun past = { .command = cases[i].command,
						   .last_state = cases[i].state,
						   .last_status = cases[i].status,
						   .result = cases[i].result,
						   .captured = cases[i].captured,
						   .touched = cases[i].touched,
						   .migrated = cases[i].migrated };
		const char *name = mg_printf(arena, "%s, %s %s, %s", past.command,
									 past.last_state != NULL ? past.last_state : "-",
									 past.last_status != NULL ? past.last_status : "-",
									 past.result != NULL ? past.result : "no end");

		unit_is(mg_ledger_says_text(mg_judge_ledger(&past, false)),
				mg_ledger_says_text(cases[i].want), name);
		unit_is(mg_dead_kind_text(mg_judge_kind(&past)), mg_dead_kind_text(cases[i].kind), "  kind");
		if (cases[i].touched && (past.result == NULL || cases[i].want != MG_LEDGER_ORDER))
			unit_is(mg_ledger_says_text(mg_judge_ledger(&past, true)),
					mg_ledger_says_text(MG_LEDGER_OVERTAKEN), "  overtaken by a later one");
	}
}

int
main(void)
{
	arena = mg_arena_new();
	test_check();
	test_combinations();
	test_pages();
	test_ledger();
	mg_arena_free(arena);
	return unit_done();
}
