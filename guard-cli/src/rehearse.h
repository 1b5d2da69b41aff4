/*
 * rehearse.h
 *	  What a rehearsal of any kind needs.
 */
#ifndef MG_REHEARSE_H
#define MG_REHEARSE_H

#include "clone.h"

/*
 * A tool whose configuration names the database itself would run on the real
 * one.  Told to go to a database that does not exist, it must fail.
 */
extern bool mg_rehearse_redirect(MgRun *run, const MgClone *clone, MgError *err);

#endif
