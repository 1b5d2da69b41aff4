/*
 * sd_try.h
 *	  Questions to the server that may fail, and that must not run user code.
 */
#ifndef SD_TRY_H
#define SD_TRY_H

/*
 * sd_try calls a function inside a subtransaction.  Any error but a cancel or a
 * lack of resources is swallowed: it returns false, with *error set to the
 * message in the caller's memory context if "error" is not NULL.
 *
 * The planner evaluates immutable functions of constants.  Those that are not
 * the server's own are refused while the function runs, so that looking at a
 * script never executes code that somebody planted for it.
 */
extern bool sd_try(void (*function)(void *arg), void *arg, char **error);

/* sd_try_undone is sd_try that rolls back in any case, so that no lock is kept. */
extern bool sd_try_undone(void (*function)(void *arg), void *arg, char **error);

/* sd_try_trusted is sd_try for a function of an extension that was asked for by its OID. */
extern bool sd_try_trusted(void (*function)(void *arg), void *arg, char **error);

#endif
