/*
 * alembic_ini.h
 *	  Values in an alembic.ini, and a copy of the file with another database URL.
 */
#ifndef MG_ALEMBIC_INI_H
#define MG_ALEMBIC_INI_H

#include "arena.h"

/* The raw value of a key that the section has, its own or from [DEFAULT]; NULL: none. */
extern char *mg_alembic_ini_value(MgArena *arena, const char *text, const char *section,
								  const char *key);

/*
 * The text with that value replaced by url, and with "here" set to the directory of the
 * original, which %(here)s means.
 */
extern char *mg_alembic_ini_redirect(MgArena *arena, const char *text, const char *section,
									 const char *url, const char *here);

#endif
