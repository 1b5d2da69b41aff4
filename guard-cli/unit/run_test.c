/*
 * run_test.c
 *	  The table of states: sound as it is, and every fault that could creep in is found.
 */
#include "unit.h"

#include "run.h"
#include "words.h"

#define MAX_ROWS 16

static MgStateRow rows[MAX_ROWS];
static int count;

static MgStateRow *
row(MgRunState state)
{
	for (int i = 0; i < count; i++)
		if (rows[i].state == state)
			return &rows[i];
	return NULL;
}

static void
reset(void)
{
	count = mg_run_table_count;
	memcpy(rows, mg_run_table, (size_t) count * sizeof(MgStateRow));
}

static void
finds(const char *fault)
{
	const char *why = "nothing";
	bool sound = mg_run_table_check(rows, count, &why);

	unit_ok(!sound, fault);
	unit_is(sound ? "nothing" : why, fault, "  and says so");
	reset();
}

static void
test_table(void)
{
	const char *why = "";

	reset();
	unit_ok(mg_run_table_check(rows, count, &why), "the table is sound");

	rows[count++] = rows[0];
	finds("a state is there twice");
	rows[0].act = NULL;
	finds("a state does nothing");
	row(MG_STATE_LOCK)->next = MG_STATE_WATCH;
	finds("a state leads to one that is not there");
	row(MG_STATE_LOCK)->failed = MG_STATE_WATCH;
	finds("a failure leads to a state that is not there");
	row(MG_STATE_MIGRATE)->plan = true;
	finds("a plan would change the database");
	row(MG_STATE_LOCK)->exit_code = MG_EXIT_DONE;
	finds("a failure has no result");
	row(MG_STATE_CAPTURE)->next = MG_STATE_LOCK;
	finds("the run goes round in circles");
	row(MG_STATE_CAPTURE)->next = MG_STATE_END;
	finds("the run ends before it is done");
	row(MG_STATE_VERIFY)->failed = MG_STATE_END;
	finds("a failure after a change is not rolled back");
	row(MG_STATE_LOCK)->failed = MG_STATE_ROLLBACK;
	finds("a failure before any change is rolled back");
	row(MG_STATE_LOCK)->exit_code = MG_EXIT_INTERRUPTED;
	finds("a refusal has not the exit code of one");
	row(MG_STATE_REHEARSE)->plan = false;
	finds("a plan leaves out what changes the database, and nothing else");
	row(MG_STATE_REHEARSE)->next = MG_STATE_DONE;
	finds("nothing is migrated");
	row(MG_STATE_DONE)->shielded = false;
	finds("what is done goes on");
	row(MG_STATE_ROLLBACK)->next = MG_STATE_MIGRATE;
	finds("the rollback does not end the run");
	row(MG_STATE_ROLLBACK)->shielded = false;
	finds("a rollback can be interrupted");
	row(MG_STATE_ROLLBACK)->exit_code = MG_EXIT_INTERRUPTED;
	finds("a failed rollback does not call for a person");
	count = 0;
	finds("the table is empty");
}

static void
test_words(void)
{
	MgArena *arena = mg_arena_new();
	MgStrings words;
	MgError err;

	mg_err_init(&err, arena);
	mg_strings_init(&words, arena);
	unit_ok(mg_words_split(" a  'b c' \"d 'e\" f\\ g '' $(h) ", &words, &err), "words are split");
	unit_is_int(words.count, 6, "into six");
	unit_is(words.items[1], "b c", "single quotes keep blanks");
	unit_is(words.items[2], "d 'e", "double quotes too");
	unit_is(words.items[3], "f g", "and a backslash");
	unit_is(words.items[4], "", "an empty word is one");
	unit_is(words.items[5], "$(h)", "nothing is expanded");
	unit_ok(!mg_words_split("a 'b", &words, &err), "an open quote is refused");
	mg_err_clear(&err);
	mg_strings_init(&words, arena);
	unit_ok(!mg_words_split("  ", &words, &err), "no word at all is refused");
	mg_arena_free(arena);
}

int
main(void)
{
	test_table();
	test_words();
	return unit_done();
}
