/*
 * backup_program.h
 *	  pg_dump and pg_restore as backups run them.
 */
#ifndef MG_BACKUP_PROGRAM_H
#define MG_BACKUP_PROGRAM_H

#include "backup.h"
#include "child.h"

typedef struct MgProgram
{
	const char *title;		/* for errors */
	const MgTarget *target; /* NULL: it has no database */
	const char *application_name;
	char *const *argv;
	bool (*sink)(void *arg, const char *data, size_t len);
	void (*said)(void *arg, const char *line);
	void *arg;
} MgProgram;

/* Runs it to its end; that it failed is an error with what it said last. */
extern bool mg_program_run(MgArena *arena, const MgProgram *program, MgChildResult *result,
						   MgError *err);

#endif
