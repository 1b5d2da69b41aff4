/*
 * lint_look.h
 *	  Sources through the analysis, in their order.
 */
#ifndef MG_LINT_LOOK_H
#define MG_LINT_LOOK_H

#include "lint_server.h"
#include "lint_source.h"

/*
 * Looks at all that is wanted.  With a server of lint's own (NULL: none), each is
 * run there after it was looked at, and so is what comes before.
 */
extern bool mg_lint_look(MgLintSources *sources, MgPg *pg, MgLintServer *server, MgError *err);

#endif
