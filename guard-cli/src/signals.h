/*
 * signals.h
 *	  SIGINT, SIGTERM and SIGHUP, remembered in place of ending the program.
 *
 * A command that must leave things in order catches them once; whatever waits
 * then polls the descriptor, or looks for a pending signal between two steps.
 * While shielded (bringing a database back must not be stopped half-way) a
 * signal stays remembered but is not shown.
 */
#ifndef MG_SIGNALS_H
#define MG_SIGNALS_H

#include <stdbool.h>

extern void mg_signals_catch(void);

/* The first signal that came, 0 when none did or while shielded. */
extern int mg_signals_pending(void);

/* Readable while a signal is remembered; -1 when nothing is caught. */
extern int mg_signals_fd(void);

/* Returns what it was before. */
extern bool mg_signals_shield(bool on);

#endif
