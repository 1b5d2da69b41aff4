/*
 * sd_progress.h
 *	  How far a long function is, shown in pg_stat_activity.
 */
#ifndef SD_PROGRESS_H
#define SD_PROGRESS_H

#include "utils/palloc.h"

/*
 * From here to the end of the context, which may come by an error, a comment in
 * front of the query tells how far it is.  Begun again before that, it goes on.
 */
extern void sd_progress_begin(MemoryContext cxt);

/* Shows the phase, and how much of how much is done; a total of 0 is not known. */
extern void sd_progress_show(const char *phase, uint64 done, uint64 total);

/* The same, cheap enough for each step: most often it does nothing. */
#define SD_PROGRESS_STEPS 256
extern uint32 sd_progress_steps;

static inline void
sd_progress(const char *phase, uint64 done, uint64 total)
{
	if (unlikely(++sd_progress_steps % SD_PROGRESS_STEPS == 0))
		sd_progress_show(phase, done, total);
}

#endif
