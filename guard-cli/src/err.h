/*
 * err.h
 *	  The error object.
 *
 * A function that can fail returns bool and takes an MgError last; false means
 * that the error is set, exactly then.  Errors are made where they arise, with
 * message (one line, lower case, no period), detail and hint (sentences), and
 * printed once, by main.  All strings belong to the error's arena.
 */
#ifndef MG_ERR_H
#define MG_ERR_H

#include "arena.h"
#include "common/sd_codes.h"
#include "common/sd_sqlstates.h"

/* MG_EXIT_DONE .. MG_EXIT_DRIFT, MG_EXIT_USAGE .. MG_EXIT_INTERNAL */
typedef enum MgExit
{
#define X(id, name, code, text) MG_EXIT_##id = code,
	SD_RESULTS(X)
#undef X
#define X(id, code, text) MG_EXIT_##id = code,
		SD_EXIT_CODES(X)
#undef X
} MgExit;

typedef struct MgError
{
	MgArena *arena;
	bool set;
	MgExit exit_code;
	char sqlstate[6];  /* "" when the error is not the server's */
	const char *where; /* "file:line", or NULL */
	const char *message;
	const char *detail;
	const char *hint;
	const char *page; /* of the runbooks, or NULL */
} MgError;

extern void mg_err_init(MgError *err, MgArena *arena);

/* Sets the error and returns false, so that callers can return its value.  A
 * second error on top of one that is set keeps the first. */
extern bool mg_err_set(MgError *err, MgExit exit_code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
extern bool mg_err_detail(MgError *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
extern bool mg_err_hint(MgError *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
extern bool mg_err_page(MgError *err, const char *page);
extern bool mg_err_where(MgError *err, const char *file, int line);

/* Takes the error back, for a caller that goes on without what failed. */
extern void mg_err_clear(MgError *err);

/* The result's name in the ledger for an exit code, such as "rolled_back"; NULL when it has none. */
extern const char *mg_exit_result(int exit_code);
extern const char *mg_exit_text(int exit_code);

#endif
