/*
 * keeper.h
 *	  The process between migguard and a program it runs.
 *
 * It outlives migguard by as long as it takes to end the program.  It keeps
 * what it inherits open, on purpose: the server sees the connection that holds
 * the deploy lock end only when the keeper is done, so nobody gets the lock of
 * a guard that was killed while the program of that guard is still alive.
 */
#ifndef MG_KEEPER_H
#define MG_KEEPER_H

#include <sys/types.h>

#include "target.h"

typedef struct MgKeeperJob
{
	MgArena *arena;
	const char *path; /* program, as found */
	char *const *argv;
	char *const *env;
	const char *directory;
	int in, out, err; /* become the program's stdio */
	int control;	  /* read end: commands of migguard; end of file is its death */
	int report;		  /* write end: MgKeeperReport records */
	const MgTarget *target;
	const char *application_name;
} MgKeeperJob;

/* Commands, one byte each. */
#define MG_KEEPER_TERMINATE 'T' /* SIGTERM to the program's process group */
#define MG_KEEPER_KILL		'K' /* SIGKILL to all that came of it */

typedef enum MgKeeperEvent
{
	MG_KEEPER_EXITED,		/* value: status as of waitpid */
	MG_KEEPER_NO_DIRECTORY, /* value: errno */
	MG_KEEPER_NO_EXEC,		/* value: errno */
	MG_KEEPER_NO_FORK		/* value: errno */
} MgKeeperEvent;

typedef struct MgKeeperReport
{
	int event;
	int value;
} MgKeeperReport;

/* Body of the keeper, called in the forked process. */
extern void mg_keeper_main(const MgKeeperJob *job) __attribute__((noreturn));

/*
 * Ends every process that descends from this one by SIGKILL and waits for the
 * end, a second and a half at most.  True when none is left.
 */
extern bool mg_kill_descendants(void);

/* Leaves one child of ours out of that, with all that comes of it, until pid 0 is given. */
extern void mg_spare_process(pid_t pid);

#endif
