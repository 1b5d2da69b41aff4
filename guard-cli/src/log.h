/*
 * log.h
 *	  Messages for people, on stderr.
 *
 * Results go to stdout through report.h.  Control characters in what is
 * printed are escaped, so one message is one line and no name from a database
 * can drive the terminal.  Secrets given to mg_log_secret are replaced by ***
 * in everything that is printed.
 */
#ifndef MG_LOG_H
#define MG_LOG_H

#include "err.h"

/* level: 0 quiet (errors only), 1 normal, 2 verbose */
extern void mg_log_init(int level, bool json);
/* From now on as JSON, for a command that finds out late. */
extern void mg_log_json(void);
extern void mg_log_secret(const char *secret);

extern void mg_log_error(const MgError *err);
extern void mg_log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
extern void mg_log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
extern void mg_log_verbose(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The line of a state of the run: "migguard: [5/9] rehearse  ok  1.2 s  up, down, up: equal". */
extern void mg_log_state(int number, int of, const char *state, const char *status,
						 long long elapsed_us, const char *message);

/* Messages go to a terminal, on which a line can be written again. */
extern bool mg_log_on_terminal(void);
/* Writes that line of the terminal again; "" takes it away. */
extern void mg_log_line(const char *text);

/*
 * A copy of text with every known secret replaced, and what mg_mask takes for one; for
 * anything that is kept.  The second is for the text of JSON, which stays such, the third
 * for a text whose end is missing, where half a secret may be.
 */
extern char *mg_log_redact(MgArena *arena, const char *text);
extern char *mg_log_redact_json(MgArena *arena, const char *text);
extern char *mg_log_redact_cut(MgArena *arena, const char *text);

#endif
