/*
 * commands.c
 *	  The list of commands, in the order of the help.
 */
#include "cli.h"

#ifdef MG_FAILPOINTS
#define MG_TEST_COMMANDS(X) X(failpoints)
#else
#define MG_TEST_COMMANDS(X)
#endif

#define MG_COMMANDS(X) \
	X(init)            \
	X(doctor)          \
	X(plan)            \
	X(run)             \
	X(resume)          \
	X(rollback)        \
	X(runbook)         \
	X(status)          \
	X(history)         \
	X(show)            \
	X(lint)            \
	X(rules)           \
	X(explain)         \
	X(snapshot)        \
	X(diff)            \
	X(drift)           \
	X(backup)          \
	X(lock)            \
	X(ledger)          \
	MG_TEST_COMMANDS(X)

#define X(name) extern const MgCommand mg_cmd_##name;
MG_COMMANDS(X)
#undef X

const MgCommand *const mg_commands[] = {
#define X(name) &mg_cmd_##name,
	MG_COMMANDS(X)
#undef X
		NULL
};
