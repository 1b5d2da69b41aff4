/*
 * restore_trace.h
 *	  What the comment of a database says of the restore that has made it, or put it aside.
 */
#ifndef MG_RESTORE_TRACE_H
#define MG_RESTORE_TRACE_H

#include "restore.h"

typedef struct MgRestoreTrace
{
	const char *run_id; /* NULL: no restore */
	const char *live;
	const char *manifest;
	const char *kept;
	const char *path; /* of the backup */
	int done;
	bool swapped;
} MgRestoreTrace;

/* The comment of a restore that has so many steps behind it. */
extern char *mg_restore_trace_text(const MgRestore *restore, int done, bool swapped);

/* The restore of this database that was interrupted; trace->run_id NULL: there is none. */
extern bool mg_restore_trace_interrupted(MgArena *arena, MgPg *admin, const char *live,
										 MgRestoreTrace *trace, MgError *err);

/*
 * "app_before_20261121T203000Z", no longer than a name may be, cut between two characters.
 * The stamp is the first second from now on whose name no database has.
 */
extern bool mg_restore_kept_name(MgArena *arena, MgPg *admin, const char *live, const char **name,
								 MgError *err);

/*
 * Databases that restores have put aside for this one: but for the newest keep,
 * and those younger than keep_ms.
 */
extern bool mg_restore_put_aside(MgArena *arena, MgPg *pg, const char *live, int keep,
								 long long keep_ms, MgStrings *names, MgError *err);

#endif
