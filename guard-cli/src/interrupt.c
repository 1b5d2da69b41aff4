/*
 * interrupt.c
 *	  Handlers of SIGINT and SIGTERM.
 */
#include "interrupt.h"

#include <string.h>

volatile sig_atomic_t mg_interrupted = 0;

static int deferred = 0;

static void
handle_signal(int number)
{
	mg_interrupted = number;
}

void
mg_interrupt_install(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	sigemptyset(&action.sa_mask);
	action.sa_handler = handle_signal;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* A closed pipe shows as a write error, and the ledger still gets its end. */
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

bool
mg_interrupt_pending(void)
{
	return mg_interrupted != 0 && deferred == 0;
}

void
mg_interrupt_defer(void)
{
	deferred++;
}

void
mg_interrupt_allow(void)
{
	if (deferred > 0)
		deferred--;
}
