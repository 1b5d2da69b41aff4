/*
 * err_test.c
 *	  The error object and the tables of exit codes.
 */
#include "err.h"

#include "unit.h"

int
main(void)
{
	MgArena *arena = mg_arena_new();
	MgError err;

	mg_err_init(&err, arena);
	unit_ok(!err.set, "a new error is not set");
	unit_ok(!mg_err_set(&err, MG_EXIT_CONFIG, "bad \"%s\"", "thing"), "setting returns false");
	unit_ok(err.set && err.exit_code == MG_EXIT_CONFIG, "and sets");
	unit_is(err.message, "bad \"thing\"", "message");
	mg_err_set(&err, MG_EXIT_USAGE, "second");
	unit_is(err.message, "bad \"thing\"", "a second error keeps the first");
	unit_is_int(err.exit_code, MG_EXIT_CONFIG, "with its exit code");
	mg_err_where(&err, "file.ini", 3);
	unit_is(err.where, "file.ini:3", "place with a line");
	mg_err_where(&err, "flag --x", 0);
	unit_is(err.where, "flag --x", "place without one");
	mg_err_detail(&err, "Detail %d.", 1);
	mg_err_hint(&err, "Hint.");
	unit_is(err.detail, "Detail 1.", "detail");
	unit_is(err.hint, "Hint.", "hint");
	mg_err_clear(&err);
	unit_ok(!err.set && err.message == NULL && err.arena == arena, "an error can be taken back");
	unit_is(mg_exit_result(21), "rolled_back", "result of an exit code");
	unit_is(mg_exit_result(64), NULL, "usage is no result of a run");
	unit_is(mg_exit_text(11), "lock not obtained, nothing changed", "text of an exit code");
	unit_is(mg_exit_text(99), "unknown exit code", "and of none");
	mg_arena_free(arena);
	return unit_done();
}
