/*
 * alembic_command.h
 *	  A command line of Alembic's.
 */
#ifndef MG_ALEMBIC_COMMAND_H
#define MG_ALEMBIC_COMMAND_H

#include "arena.h"

typedef struct MgAlembicCommand
{
	MgStrings program; /* "alembic", or "python -m alembic", ... */
	MgStrings globals; /* options before the command, without the ini */
	MgStrings options; /* options of "upgrade" */
	const char *ini;   /* NULL: none named */
	const char *section;
	const char *revision; /* NULL: none given */
} MgAlembicCommand;

/* Takes a command line apart; false when it is not Alembic's, or does not upgrade although it
 * must. */
extern bool mg_alembic_command_parse(MgArena *arena, char *const *argv, bool must_upgrade,
									 MgAlembicCommand *command);

/* The file is a pyproject.toml, which stands beside the ini and holds no URL. */
extern bool mg_alembic_is_toml(const char *path);

#endif
