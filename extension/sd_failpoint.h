/*
 * sd_failpoint.h
 *	  Named places where a test can let the module fail, or hold it up.
 *
 * Only "make FAILPOINTS=1" compiles them in; in any other build a point costs
 * nothing and the setting does not exist.
 *
 *	  SET safedeploy.failpoint = 'NAME[:NTH]=ACTION'	(superusers; also by PGOPTIONS)
 *
 * does ACTION when the session reaches the point for the NTH time (default 1):
 * "error" and "fatal" raise that, "pause:PATH" makes the file PATH and waits until
 * it is gone.  The setting "list" is refused with the names of all points.
 *
 * A new point is a line of the list in sd_failpoint.c and a call.  It must stand
 * where an error is allowed: not behind the commit, not in an abort.
 */
#ifndef SD_FAILPOINT_H
#define SD_FAILPOINT_H

#ifdef SD_FAILPOINTS

extern bool sd_failpoint_is_set;

extern void sd_failpoint_init(void);
extern void sd_failpoint_reached(const char *name);

#define SD_FAILPOINT(name)              \
	do                                  \
	{                                   \
		if (sd_failpoint_is_set)        \
			sd_failpoint_reached(name); \
	} while (0)

#else

#define sd_failpoint_init() ((void) 0)
#define SD_FAILPOINT(name)	((void) 0)

#endif

#endif
