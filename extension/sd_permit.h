/*
 * sd_permit.h
 *	  Permits for destructive statements: who made them, what they allow, how often.
 *
 * A permit is a row of safedeploy.permit that is never changed.  It names one
 * statement by the fingerprint of its tokens, or none when it is bound to a
 * run; the objects that may be lost, or none likewise; an end; and a number of
 * uses, which are counted in safedeploy.permit_use.
 */
#ifndef SD_PERMIT_H
#define SD_PERMIT_H

#include "nodes/pg_list.h"

/*
 * sd_permit_fingerprint returns the SHA-256 of a statement's tokens, in hex:
 * white space, comments, the case of unquoted words and a semicolon at the end
 * make no difference.
 */
extern char *sd_permit_fingerprint(const char *statement);

/*
 * sd_permit_find returns the id of a permit that allows this statement to take
 * away these objects (strings), or 0.  "why_not" gets a sentence about a permit
 * that nearly does, or NULL.  A permit with a limited number of uses stays
 * locked to the end of the transaction.
 */
extern int64 sd_permit_find(const char *fingerprint, List *objects, const char **why_not);

#endif
