/*
 * session.h
 *	  The session of a simple command: connected, and the extension fits.
 */
#ifndef MG_SESSION_H
#define MG_SESSION_H

#include "cli.h"

/* Opens the context's target as "migguard:COMMAND" and checks the extension. */
extern bool mg_session_open(MgContext *context, const char *command, MgPg **pg, MgError *err);

#endif
