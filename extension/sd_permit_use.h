/*
 * sd_permit_use.h
 *	  The record of destructive statements: permitted, warned of and refused.
 *
 * What a transaction does is noted in memory and written into
 * safedeploy.permit_use by its own commit, so that a use counts exactly when the
 * statement took effect.  What was rolled back, refused statements above all, is
 * written by the next transaction of the session that commits, or at the end of
 * the session.  A server process that is killed takes such notes along; the
 * server's log has them all.
 */
#ifndef SD_PERMIT_USE_H
#define SD_PERMIT_USE_H

#include "access/xact.h"
#include "nodes/pg_list.h"

typedef struct SdPermitUse
{
	const char *verdict; /* "permitted", "warned" or "refused" */
	int64 permit;		 /* 0 for none */
	const char *tag;
	const char *statement; /* NULL when not known */
	const char *fingerprint;
	List *objects; /* of char * */
	bool nested;
} SdPermitUse;

extern void sd_permit_use_note(const SdPermitUse *use);

/* Writes a row at once, by the transaction in progress. */
extern void sd_permit_use_write(const SdPermitUse *use);

/* How often the transaction in progress has used a permit. */
extern int sd_permit_use_pending(int64 permit);

extern void sd_permit_use_at_end(void); /* before a transaction commits or is prepared */
extern void sd_permit_use_at_commit(void);
extern void sd_permit_use_at_abort(void);
extern void sd_permit_use_at_subabort(SubTransactionId subxact);

#endif
