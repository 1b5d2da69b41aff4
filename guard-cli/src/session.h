/*
 * session.h
 *	  The session of a simple command: connected, and the extension fits; and who it is.
 */
#ifndef MG_SESSION_H
#define MG_SESSION_H

#include "cli.h"

/* Opens the context's target as "migguard:COMMAND" and checks the extension. */
extern bool mg_session_open(MgContext *context, const char *command, MgPg **pg, MgError *err);

/* Who runs this, as JSON for the ledger, without secrets. */
extern char *mg_session_client(const MgContext *context);

#endif
