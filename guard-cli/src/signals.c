/*
 * signals.c
 *	  Remembering of signals by a flag and a pipe that never fills.
 */
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t caught;
static int wake[2] = { -1, -1 };
static bool shielded;

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

static void
remember(int number)
{
	int keep = errno;

	if (caught == 0)
	{
		caught = number;
		if (wake[1] >= 0)
			(void) !write(wake[1], "", 1);
	}
	errno = keep;
}

void
mg_signals_catch(void)
{
	struct sigaction action = { 0 };

	if (wake[0] >= 0)
		return;
	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
		wake[0] = wake[1] = -1;

	action.sa_handler = remember;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
	{
		struct sigaction old;

		/* nohup and the like have asked for a signal to be ignored: leave it so */
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &action, NULL);
	}
	/* a reader of our output that went away is an error of write, not the end of a run */
	signal(SIGPIPE, SIG_IGN);
	/* and so is a file that may not grow */
	signal(SIGXFSZ, SIG_IGN);
}

int
mg_signals_pending(void)
{
	return shielded ? 0 : caught;
}

int
mg_signals_fd(void)
{
	return shielded ? -1 : wake[0];
}

bool
mg_signals_shield(bool on)
{
	bool before = shielded;

	shielded = on;
	return before;
}
