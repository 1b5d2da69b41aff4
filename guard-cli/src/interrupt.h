/*
 * interrupt.h
 *	  SIGINT and SIGTERM as a flag.
 *
 * The handlers only set the flag.  Whoever waits (for the server, for a child)
 * looks at it and ends what it waits for.  A caller that must finish although
 * it was interrupted, such as a rollback, defers the interrupt meanwhile.
 */
#ifndef MG_INTERRUPT_H
#define MG_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

extern volatile sig_atomic_t mg_interrupted; /* number of the signal, 0 for none */

/* Catches SIGINT and SIGTERM without SA_RESTART, so that waits return; ignores SIGPIPE. */
extern void mg_interrupt_install(void);

/* An interrupt came and is not deferred. */
extern bool mg_interrupt_pending(void);

/* While deferred, statements are not cancelled; calls nest. */
extern void mg_interrupt_defer(void);
extern void mg_interrupt_allow(void);

#endif
