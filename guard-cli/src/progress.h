/*
 * progress.h
 *	  How far a long piece of work is: one line that changes on a terminal, few lines elsewhere.
 */
#ifndef MG_PROGRESS_H
#define MG_PROGRESS_H

#include "arena.h"

typedef struct MgProgress
{
	const char *what;
	long long total; /* bytes, as far as they can be told beforehand */
	long long done;
	long long written;
	long long started_us;
	long long last_us; /* when something was said */
	bool shown;		   /* a line on the terminal waits for its end */
} MgProgress;

extern void mg_progress_begin(MgProgress *progress, const char *what, long long total);
/* done of total, and how many bytes that has made; says so when it is time. */
extern void mg_progress_at(MgProgress *progress, long long done, long long written);
/* The last line, with the rate. */
extern void mg_progress_end(MgProgress *progress, long long written);
/* Takes the line away, after an error. */
extern void mg_progress_drop(MgProgress *progress);

#endif
