/*
 * sd_fence.h
 *	  The fence: a session whose fencing token is stale changes nothing.
 *
 * A token is current while it is the newest of its lock and a live session
 * holds that lock.  A session says with the setting safedeploy.fence_token for
 * which token it works; sessions without one are never looked at.  Such a
 * session is refused DDL as soon as it asks for it, and the commit of anything
 * that it wrote.  The check at commit holds the lock's fence tag in share mode
 * until the commit is done, so no newer token is issued in between.
 */
#ifndef SD_FENCE_H
#define SD_FENCE_H

#include "nodes/nodes.h"

#include "sd_guc.h"

/* True in a session that works for a token; costs one comparison. */
static inline bool
sd_fence_is_armed(void)
{
	return sd_guc_fence_token != NULL && sd_guc_fence_token[0] != '\0' &&
		   sd_guc_fence != SD_ENFORCE_OFF;
}

/* True when the token is the newest of its lock and the lock is held. */
extern bool sd_fence_token_is_current(int64 token);

/* True when the session's own token is current; false also when it has none. */
extern bool sd_fence_session_is_current(void);

/*
 * True when the session's own token is current and the lock was taken by the same
 * role: tokens are no secrets, and prove nothing of another one.
 */
extern bool sd_fence_session_is_holders(void);

/*
 * sd_fence_require refuses to go on (SD202), or warns, as safedeploy.fence
 * says, when the session's token is stale.  "what" names what is refused.
 */
extern void sd_fence_require(const char *what);

/* The same for one utility statement, when it is one that changes something. */
extern void sd_fence_check_utility(Node *parsetree);

/* The same for a function that is about to be run, when no rollback takes back what it does. */
extern void sd_fence_check_function(Oid function);

/* The same before a transaction commits or is prepared. */
extern void sd_fence_at_pre_commit(void);
extern void sd_fence_at_pre_prepare(void);

#endif
