/*
 * secret.h
 *	  Secrets among the arguments, the environment and section [env]: they become known to
 *	  mg_log_secret, and are not left where the process list shows them.
 */
#ifndef MG_SECRET_H
#define MG_SECRET_H

#include "arena.h"

/* The value of a variable or option is a secret by its name: PGPASSWORD, deploy-token. */
extern bool mg_secret_name(const char *name, size_t len);

/* Makes known what a variable holds: all of it by its name, or the password of its URL. */
extern void mg_secret_variable(const char *name, const char *value);

extern void mg_secret_environment(void);

/*
 * mg_secret_arguments returns a copy of the arguments, and has *** in the place of what is
 * secret in the arguments themselves, which every user of the machine can read.
 */
extern char **mg_secret_arguments(MgArena *arena, int argc, char **argv);

#endif
