/*
 * verdict.c
 *	  The table of verdicts and its self-check.
 */
#include "verdict.h"

#include <string.h>

#define ANY_KIND	MG_DEAD_ANY
#define RUN			MG_DEAD_RUN
#define PLAN		MG_DEAD_PLAN
#define BACK		MG_DEAD_BACK
#define RESTORE		MG_DEAD_RESTORE
#define L(x)		MG_LEDGER_##x
#define V(x)		MG_VERSION_##x
#define S(x)		MG_SCHEMA_##x
#define QUIET		MG_SESSION_NONE
#define ANY_VERSION MG_VERSION_ANY
#define ANY_SCHEMA	MG_SCHEMA_ANY

/* It came to the database and has no good end. */
#define TOUCHED	  (L(MIGRATE) | L(MIGRATED) | L(FAILED) | L(VERIFIED) | L(ROLLBACK))
#define PENDING	  (MG_LEDGER_ANY & ~(unsigned) L(ORDER))
#define KNOWN	  (ANY_SCHEMA & ~(unsigned) (S(UNKNOWN) | S(INVALID)))
#define AS_BEFORE (S(BEFORE) | S(BOTH))
#define AS_AFTER  (S(AFTER) | S(BOTH))
#define OWED_BACK (L(FAILED) | L(ROLLBACK))

#define LOOK "Look at it by \"migguard show {run}\" and \"migguard diff {s0}\". "
#define ACCEPT                                                                               \
	"When all is as it is to be, \"migguard run --accept-state\" goes on from here, and is " \
	"recorded."
#define RESUME \
	"Run \"migguard resume --dry-run\" to see what would be done, and \"migguard resume\" to do it. "
#define GO_BACK "\"migguard rollback --run {run}\" brings it back, rehearsed first. "

const MgVerdict mg_verdicts[] = {
	/* who is alive comes first: nothing that is read meanwhile would stay true */
	{ "in-order", ANY_KIND, L(ORDER), ANY_VERSION, ANY_SCHEMA, MG_SESSION_ANY, MG_REMEDY_NONE,
	  MG_EXIT_DONE, .says = "it ended in order" },
	{ "waiting", ANY_KIND, L(UNTOUCHED), ANY_VERSION, ANY_SCHEMA, MG_SESSION_GUARD, MG_REMEDY_LEAVE,
	  MG_EXIT_DONE, .open = true, .says = "it waits its turn" },
	{ "alive", ANY_KIND, PENDING & ~(unsigned) L(UNTOUCHED), ANY_VERSION, ANY_SCHEMA,
	  MG_SESSION_GUARD, MG_REMEDY_REFUSE, MG_EXIT_INTERRUPTED, .open = true,
	  .says = "it has lost the deploy lock but its guard is alive",
	  .todo = "Wait until it has ended, or end it: \"migguard lock\" and pg_stat_activity name it. "
			  "Then run \"migguard resume\".",
	  .page = "still-alive" },
	{ "at-work", ANY_KIND, PENDING, ANY_VERSION, ANY_SCHEMA, MG_SESSION_WORK, MG_REMEDY_END,
	  MG_EXIT_DONE, .by_run = true, .open = true, .says = "what it had started is still at work" },
	{ "stuck", ANY_KIND, PENDING, ANY_VERSION, ANY_SCHEMA, MG_SESSION_STUCK, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .open = true, .says = "sessions that it had started do not end",
	  .todo = "Find them: SELECT * FROM pg_stat_activity WHERE application_name LIKE "
			  "'migguard:{run}:%'. Have a superuser end them by pg_terminate_backend(pid), then run "
			  "\"migguard resume\".",
	  .page = "still-alive" },

	/* the ledger alone decides */
	{ "overtaken", ANY_KIND, L(OVERTAKEN), ANY_VERSION, ANY_SCHEMA, QUIET, MG_REMEDY_CLOSE,
	  MG_EXIT_INTERRUPTED, .by_run = true, .says = "a later run has changed the database since" },
	{ "nonsense", ANY_KIND, L(NONSENSE), ANY_VERSION, ANY_SCHEMA, QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "its events in the ledger contradict each other",
	  .todo = "Look at them by \"migguard show {run}\", and prove the ledger by \"SELECT * FROM "
			  "safedeploy.verify_ledger()\". " ACCEPT,
	  .page = "contradiction" },
	{ "not-begun", RUN | BACK, L(UNTOUCHED), ANY_VERSION, ANY_SCHEMA, QUIET, MG_REMEDY_AGAIN,
	  MG_EXIT_FAILED_UNCHANGED, .by_run = true, .says = "it had not touched the database" },
	{ "not-begun", PLAN | RESTORE, L(UNTOUCHED), ANY_VERSION, ANY_SCHEMA, QUIET, MG_REMEDY_CLOSE,
	  MG_EXIT_FAILED_UNCHANGED, .by_run = true, .says = "it had not touched the database" },
	{ "contradiction", PLAN | RESTORE, TOUCHED, ANY_VERSION, ANY_SCHEMA, QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "the ledger has states of it that such a run does not have",
	  .todo = "Look at them by \"migguard show {run}\". " ACCEPT, .page = "contradiction" },
	{ "contradiction", BACK, TOUCHED & ~(unsigned) L(ROLLBACK), ANY_VERSION, ANY_SCHEMA, QUIET,
	  MG_REMEDY_REFUSE, MG_EXIT_INTERRUPTED,
	  .says = "the ledger has states of it that such a run does not have",
	  .todo = "Look at them by \"migguard show {run}\". " ACCEPT, .page = "contradiction" },

	/* a run: what cannot be read */
	{ "not-comparable", RUN, TOUCHED, ANY_VERSION, S(UNKNOWN), QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "the schema cannot be compared with what was before it",
	  .todo = "Look at \"migguard show {run}\" and at the database yourself. " ACCEPT,
	  .page = "not-comparable" },
	{ "half-built-index", RUN, TOUCHED, ANY_VERSION, S(INVALID), QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "an index was left half-built",
	  .todo = "Drop what was left half-built, by the statements above, then run \"migguard resume\".",
	  .page = "half-built-index" },
	{ "revision-unreadable", RUN, TOUCHED, V(UNKNOWN), KNOWN, QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "the tool's revision cannot be read",
	  .todo = "Repair access to the tool's version table, then run \"migguard resume\".",
	  .page = "contradiction" },
	{ "elsewhere", RUN, TOUCHED, V(ELSEWHERE) | V(SAME), KNOWN, QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "the tool's revision is none of the way that the run went",
	  .todo = LOOK "Find out who set the revision, and set it right by the tool's own command. " ACCEPT,
	  .page = "contradiction" },

	/* a run whose revision is where it came from */
	{ "nothing-happened", RUN, L(MIGRATE), V(FROM), AS_BEFORE, QUIET, MG_REMEDY_AGAIN,
	  MG_EXIT_FAILED_UNCHANGED, .by_run = true, .says = "nothing happened" },
	{ "nothing-happened", RUN, L(FAILED), V(FROM), AS_BEFORE, QUIET, MG_REMEDY_CLOSE,
	  MG_EXIT_FAILED_UNCHANGED, .by_run = true, .says = "it had failed, and nothing is changed" },
	{ "brought-back", RUN, L(ROLLBACK) | L(MIGRATED) | L(VERIFIED), V(FROM), AS_BEFORE, QUIET,
	  MG_REMEDY_CLOSE, MG_EXIT_ROLLED_BACK, .by_run = true, .says = "it is brought back" },
	{ "brought-back-with-loss", RUN, OWED_BACK, V(FROM), S(LOST), QUIET, MG_REMEDY_CLOSE,
	  MG_EXIT_ROLLED_BACK, .by_run = true, .says = "it is brought back, but data is lost" },
	{ "data-lost", RUN, TOUCHED & ~(unsigned) OWED_BACK, V(FROM), S(LOST), QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "what it had dropped was made again without its data",
	  .todo = LOOK "\"migguard backup list\" shows whether there is a backup of the data. " ACCEPT,
	  .page = "data-lost" },
	{ "revision-behind", RUN, TOUCHED, V(FROM), S(AFTER), QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "the schema is as it was to be, but the tool's revision is not",
	  .todo =
		  "When the migrations are all there with their data, set the tool's revision (alembic "
		  "stamp, flyway repair, safedeploy.record_migration()), then run \"migguard resume\". " LOOK,
	  .page = "revision-and-schema" },
	{ "applied-in-part", RUN, L(MIGRATE) | OWED_BACK, V(FROM), S(PART), QUIET, MG_REMEDY_BRING_BACK,
	  MG_EXIT_INTERRUPTED, .says = "a part of its first migration is there", .todo = RESUME,
	  .page = "left-in-migrate" },
	{ "brought-back-in-part", RUN, L(ROLLBACK), V(FROM), S(OTHER), QUIET, MG_REMEDY_BRING_BACK,
	  MG_EXIT_INTERRUPTED, .says = "its revision is brought back, its schema is not",
	  .todo = RESUME, .page = "left-in-rollback" },
	{ "foreign-changes", RUN, TOUCHED & ~(unsigned) L(ROLLBACK), V(FROM), S(OTHER), QUIET,
	  MG_REMEDY_REFUSE, MG_EXIT_INTERRUPTED,
	  .says = "the schema has changes that are none of its migrations'",
	  .todo = LOOK "Put right what is not to be, then run \"migguard resume\". " ACCEPT,
	  .page = "foreign-changes" },
	{ "foreign-changes", RUN, L(MIGRATED) | L(VERIFIED), V(FROM), S(PART), QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "somebody has taken back its revision, and not its schema",
	  .todo = LOOK "Put right what is not to be, then run \"migguard resume\". " ACCEPT,
	  .page = "foreign-changes" },
	{ "not-proved", RUN, TOUCHED, V(FROM), S(CHANGED), QUIET, MG_REMEDY_REFUSE, MG_EXIT_INTERRUPTED,
	  .says = "the schema has changed, and without a rehearsal nobody knows what it was to be",
	  .todo = LOOK "Put right what is not to be, then run \"migguard resume\". " ACCEPT,
	  .page = "not-comparable" },

	/* a run whose revision is where it was to go */
	{ "fully-applied", RUN, L(MIGRATE) | L(MIGRATED), V(TO), AS_AFTER, QUIET, MG_REMEDY_FINISH,
	  MG_EXIT_DONE, .by_run = true, .says = "fully applied",
	  .todo = "Run \"migguard resume\" to bring it back. ", .page = "left-in-verify" },
	{ "fully-applied", RUN, L(VERIFIED), V(TO), AS_AFTER, QUIET, MG_REMEDY_CLOSE, MG_EXIT_DONE,
	  .by_run = true, .says = "fully applied and proved" },
	{ "applied-but-failed", RUN, OWED_BACK, V(TO), AS_AFTER, QUIET, MG_REMEDY_BRING_BACK,
	  MG_EXIT_INTERRUPTED, .says = "fully applied, but it had failed and was to be brought back",
	  .todo = RESUME, .page = "left-in-rollback" },
	{ "revision-ahead", RUN, TOUCHED, V(TO), S(BEFORE) | S(LOST), QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED,
	  .says = "the tool's revision is where it was to go, but the schema is as before",
	  .todo = "Set the tool's revision back to what it was (alembic stamp, "
			  "safedeploy.forget_migration()), then run \"migguard resume\". " LOOK,
	  .page = "revision-and-schema" },
	{ "not-as-rehearsed", RUN, TOUCHED & ~(unsigned) L(VERIFIED), V(TO), S(PART) | S(OTHER), QUIET,
	  MG_REMEDY_BRING_BACK, MG_EXIT_INTERRUPTED,
	  .says = "its revision is reached, but the schema is not the rehearsed one",
	  .todo = RESUME GO_BACK ACCEPT, .page = "left-in-migrate" },
	{ "foreign-changes", RUN, L(VERIFIED), V(TO), S(PART) | S(OTHER), QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "the schema was changed after it was proved",
	  .todo = LOOK "Put right what is not to be, then run \"migguard resume\". " ACCEPT,
	  .page = "foreign-changes" },
	{ "applied-unrehearsed", RUN, L(MIGRATED), V(TO), S(CHANGED), QUIET, MG_REMEDY_FINISH,
	  MG_EXIT_DONE, .says = "the tool had ended well; what it did was not rehearsed",
	  .todo = RESUME, .page = "left-in-verify" },
	{ "not-proved", RUN, L(MIGRATE) | L(VERIFIED), V(TO), S(CHANGED), QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED,
	  .says = "its revision is reached, and without a rehearsal nobody knows what the schema was to be",
	  .todo = LOOK GO_BACK ACCEPT, .page = "not-comparable" },
	{ "applied-but-failed", RUN, OWED_BACK, V(TO), S(CHANGED), QUIET, MG_REMEDY_BRING_BACK,
	  MG_EXIT_INTERRUPTED,
	  .says = "its revision is reached, but it had failed and was to be brought back",
	  .todo = RESUME, .page = "left-in-rollback" },

	/* a run whose revision is on the way */
	{ "some-applied", RUN, L(MIGRATE), V(BETWEEN), KNOWN, QUIET, MG_REMEDY_GO_ON,
	  MG_EXIT_INTERRUPTED, .says = "some of its migrations are applied", .todo = RESUME GO_BACK,
	  .page = "left-in-migrate" },
	{ "some-left", RUN, OWED_BACK, V(BETWEEN), KNOWN, QUIET, MG_REMEDY_BRING_BACK,
	  MG_EXIT_INTERRUPTED, .says = "some of its migrations are applied, and were to be brought back",
	  .todo = RESUME, .page = "left-in-rollback" },
	{ "foreign-changes", RUN, L(MIGRATED) | L(VERIFIED), V(BETWEEN), KNOWN, QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "somebody has taken back some of its migrations",
	  .todo = LOOK GO_BACK ACCEPT, .page = "foreign-changes" },

	/* a rollback that was asked for: from is the state before it, to is its goal */
	{ "not-comparable", BACK, L(ROLLBACK), ANY_VERSION, S(UNKNOWN), QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "the schema cannot be compared with what was before it",
	  .todo = "Look at \"migguard show {run}\" and at the database yourself. " ACCEPT,
	  .page = "not-comparable" },
	{ "half-built-index", BACK, L(ROLLBACK), ANY_VERSION, S(INVALID), QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "an index was left half-built",
	  .todo = "Drop what was left half-built, by the statements above, then run \"migguard resume\".",
	  .page = "half-built-index" },
	{ "revision-unreadable", BACK, L(ROLLBACK), V(UNKNOWN), KNOWN, QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "the tool's revision cannot be read",
	  .todo = "Repair access to the tool's version table, then run \"migguard resume\".",
	  .page = "contradiction" },
	{ "elsewhere", BACK, L(ROLLBACK), V(ELSEWHERE), KNOWN, QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "the tool's revision is none of the way that the rollback went",
	  .todo = LOOK "Find out who set the revision, and set it right by the tool's own command. " ACCEPT,
	  .page = "contradiction" },
	{ "nothing-happened", BACK, L(ROLLBACK), V(FROM), AS_BEFORE, QUIET, MG_REMEDY_AGAIN,
	  MG_EXIT_FAILED_UNCHANGED, .by_run = true, .says = "nothing happened" },
	{ "nothing-happened", BACK, L(ROLLBACK), V(SAME), S(BEFORE), QUIET, MG_REMEDY_AGAIN,
	  MG_EXIT_FAILED_UNCHANGED, .by_run = true, .says = "nothing happened" },
	{ "goal-reached", BACK, L(ROLLBACK), V(TO) | V(SAME), AS_AFTER, QUIET, MG_REMEDY_CLOSE,
	  MG_EXIT_DONE, .by_run = true, .says = "the rollback had reached its goal" },
	{ "revision-ahead", BACK, L(ROLLBACK), V(FROM), S(AFTER), QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "the schema is at the goal, but the tool's revision is not",
	  .todo = "Set the tool's revision to the goal (alembic stamp, "
			  "safedeploy.forget_migration()), then run \"migguard resume\". " LOOK,
	  .page = "revision-and-schema" },
	{ "revision-behind", BACK, L(ROLLBACK), V(TO), S(BEFORE), QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "the tool's revision is at the goal, but the schema is as before",
	  .todo = "Set the tool's revision back to what it was (alembic stamp, "
			  "safedeploy.record_migration()), then run \"migguard resume\". " LOOK,
	  .page = "revision-and-schema" },
	{ "data-lost", BACK, L(ROLLBACK), V(FROM) | V(SAME) | V(TO), S(LOST), QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "what it had dropped was made again without its data",
	  .todo = LOOK "\"migguard backup list\" shows whether there is a backup of the data. " ACCEPT,
	  .page = "data-lost" },
	{ "back-in-part", BACK, L(ROLLBACK), V(FROM) | V(SAME) | V(TO), S(PART) | S(OTHER), QUIET,
	  MG_REMEDY_BRING_BACK, MG_EXIT_INTERRUPTED, .says = "a part of the way back is gone",
	  .todo = RESUME, .page = "left-in-rollback" },
	{ "not-proved", BACK, L(ROLLBACK), V(FROM) | V(SAME) | V(TO), S(CHANGED), QUIET, MG_REMEDY_REFUSE,
	  MG_EXIT_INTERRUPTED, .says = "the schema has changed, and no snapshot of the goal is stored",
	  .todo = LOOK ACCEPT, .page = "not-comparable" },
	{ "back-in-part", BACK, L(ROLLBACK), V(BETWEEN), KNOWN, QUIET, MG_REMEDY_BRING_BACK,
	  MG_EXIT_INTERRUPTED, .says = "a part of the way back is gone", .todo = RESUME,
	  .page = "left-in-rollback" },
};
const int mg_verdict_count = sizeof mg_verdicts / sizeof mg_verdicts[0];

static bool
fits(const MgVerdict *row, const MgFacts *facts)
{
	return (row->kinds & facts->kind) != 0 && (row->ledger & facts->ledger) != 0 &&
		   (row->version & facts->version) != 0 && (row->schema & facts->schema) != 0 &&
		   (row->sessions & facts->sessions) != 0;
}

const MgVerdict *
mg_verdict_find(const MgFacts *facts)
{
	for (int i = 0; i < mg_verdict_count; i++)
		if (fits(&mg_verdicts[i], facts))
			return &mg_verdicts[i];
	return NULL;
}

static const char *
text_of(const char *const *texts, int count, unsigned bit)
{
	for (int i = 0; i < count; i++)
		if (bit == 1U << i)
			return texts[i];
	return "unknown";
}

#define TEXTS(function, LIST)                                               \
	const char *function(unsigned bit)                                      \
	{                                                                       \
		static const char *const texts[] = { LIST(TEXT, ) };                \
                                                                            \
		return text_of(texts, (int) (sizeof texts / sizeof texts[0]), bit); \
	}
#define TEXT(list, id, text) text,
TEXTS(mg_dead_kind_text, MG_DEAD_KINDS)
TEXTS(mg_ledger_says_text, MG_LEDGER_SAYS)
TEXTS(mg_version_says_text, MG_VERSION_SAYS)
TEXTS(mg_schema_says_text, MG_SCHEMA_SAYS)
TEXTS(mg_session_says_text, MG_SESSION_SAYS)

const char *
mg_remedy_name(MgRemedy remedy)
{
	static const char *const names[] = {
		[MG_REMEDY_NONE] = "nothing to do",
		[MG_REMEDY_LEAVE] = "leave it alone",
		[MG_REMEDY_END] = "end its sessions and look again",
		[MG_REMEDY_CLOSE] = "record its end",
		[MG_REMEDY_AGAIN] = "record its end and do it anew",
		[MG_REMEDY_FINISH] = "run the assertions and record its end",
		[MG_REMEDY_GO_ON] = "rehearse the rest from here and go on",
		[MG_REMEDY_BRING_BACK] = "rehearse the way back from here and bring it back",
		[MG_REMEDY_REFUSE] = "refuse: a person is needed",
	};

	return names[remedy];
}

/* What is wrong with one row; NULL: nothing. */
static const char *
fault_of(const MgVerdict *row)
{
	bool acts = row->remedy == MG_REMEDY_GO_ON || row->remedy == MG_REMEDY_BRING_BACK;

	if (row->name == NULL || row->says == NULL)
		return "says nothing";
	if ((row->kinds & MG_DEAD_ANY) == 0 || (row->ledger & MG_LEDGER_ANY) == 0 ||
		(row->version & MG_VERSION_ANY) == 0 || (row->schema & MG_SCHEMA_ANY) == 0 ||
		(row->sessions & MG_SESSION_ANY) == 0)
		return "holds for nothing";
	if ((row->remedy == MG_REMEDY_REFUSE || acts || row->remedy == MG_REMEDY_FINISH) &&
		(row->todo == NULL || row->page == NULL))
		return "leaves a person without a way on";
	if ((row->remedy == MG_REMEDY_REFUSE || acts) && row->by_run)
		return "lets a run do what only a person may ask for";
	if ((row->remedy == MG_REMEDY_REFUSE || acts) && row->result != MG_EXIT_INTERRUPTED)
		return "records as ended well what needs a person";
	if ((row->sessions & (MG_SESSION_ANY & ~(unsigned) QUIET)) != 0 && !row->open &&
		row->remedy != MG_REMEDY_NONE)
		return "ends what is alive";
	if (row->result == MG_EXIT_DONE && !row->open && row->remedy != MG_REMEDY_NONE &&
		((row->version & ~(unsigned) (V(TO) | V(SAME))) != 0 ||
		 (row->schema & ~(unsigned) (AS_AFTER | S(CHANGED))) != 0))
		return "calls done what is not there";
	if ((row->result == MG_EXIT_ROLLED_BACK ||
		 (row->result == MG_EXIT_FAILED_UNCHANGED && row->ledger != L(UNTOUCHED))) &&
		((row->version & ~(unsigned) (V(FROM) | V(SAME))) != 0 ||
		 (row->schema & ~(unsigned) (AS_BEFORE | S(LOST))) != 0))
		return "calls brought back what is not";
	return NULL;
}

bool
mg_verdict_check(MgArena *arena, const MgVerdict *rows, int count, const char **why)
{
	for (int i = 0; i < count; i++)
	{
		const char *fault = fault_of(&rows[i]);

		if (fault != NULL)
		{
			*why = mg_printf(arena, "row %s %s", rows[i].name != NULL ? rows[i].name : "", fault);
			return false;
		}
	}
	for (int c = 0;
		 c < MG_DEAD_COUNT * MG_LEDGER_COUNT * MG_VERSION_COUNT * MG_SCHEMA_COUNT * MG_SESSION_COUNT;
		 c++)
	{
		int rest = c;
		MgFacts facts;
		int fit = 0;

		facts.kind = 1U << (rest % MG_DEAD_COUNT);
		rest /= MG_DEAD_COUNT;
		facts.ledger = 1U << (rest % MG_LEDGER_COUNT);
		rest /= MG_LEDGER_COUNT;
		facts.version = 1U << (rest % MG_VERSION_COUNT);
		rest /= MG_VERSION_COUNT;
		facts.schema = 1U << (rest % MG_SCHEMA_COUNT);
		facts.sessions = 1U << (rest / MG_SCHEMA_COUNT);
		for (int i = 0; i < count; i++)
			fit += fits(&rows[i], &facts);
		if (fit != 1)
		{
			*why =
				mg_printf(arena, "%d rows for: %s; ledger: %s; revision: %s; schema: %s; alive: %s",
						  fit, mg_dead_kind_text(facts.kind), mg_ledger_says_text(facts.ledger),
						  mg_version_says_text(facts.version), mg_schema_says_text(facts.schema),
						  mg_session_says_text(facts.sessions));
			return false;
		}
	}
	return true;
}
