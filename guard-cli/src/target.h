/*
 * target.h
 *	  Where a database is and how to say it to libpq, to a child's environment,
 *	  as a URL with any scheme, and as a JDBC URL.
 */
#ifndef MG_TARGET_H
#define MG_TARGET_H

#include "err.h"

typedef struct MgTarget
{
	/* libpq keywords and values, NULL-terminated, with what the environment gives filled in */
	const char **keywords;
	const char **values;
	const char *host; /* these five are never NULL; "" when unset */
	const char *port;
	const char *database;
	const char *user;
	const char *password;
	const char *scheme; /* as in the URL given, such as "postgresql+psycopg2"; "postgresql" by default */
} MgTarget;

/*
 * Understands libpq URLs and conninfo strings, SQLAlchemy URLs (scheme
 * "postgresql+driver") and, when text is NULL, the PG* environment.  The
 * password becomes known to mg_log_secret.
 */
extern bool mg_target_parse(MgArena *arena, const char *text, MgTarget *target, MgError *err);

/* The text itself, not the environment, holds a password. */
extern bool mg_target_holds_password(const char *text);

/* The same server and user, another database. */
extern const MgTarget *mg_target_with_database(MgArena *arena, const MgTarget *target,
											   const char *database);

/* The same with one more server option, such as "-c name=value". */
extern const MgTarget *mg_target_with_option(MgArena *arena, const MgTarget *target,
											 const char *option);

/* A URL in the given scheme (NULL: the target's own); the password is left out unless asked for. */
extern char *mg_target_url(MgArena *arena, const MgTarget *target, const char *scheme,
						   bool with_password);

/* jdbc:postgresql://host:port/database?key=value..., without user and password. */
extern char *mg_target_jdbc_url(MgArena *arena, const MgTarget *target, const char *options,
								const char *application_name);

/* For people: host:port/database as user. */
extern char *mg_target_display(MgArena *arena, const MgTarget *target);

/* Sets PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGSSL* in a child's environment. */
extern void mg_target_setenv(const MgTarget *target, MgStrings *environment);

#endif
