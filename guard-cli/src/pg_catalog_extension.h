/*
 * pg_catalog_extension.h
 *	  The extension in a database: is it there, does it speak our protocol.
 */
#ifndef MG_PG_CATALOG_EXTENSION_H
#define MG_PG_CATALOG_EXTENSION_H

#include "pg.h"

typedef struct MgExtension
{
	const char *installed; /* version, NULL when it is not there */
	const char *available; /* version on the server's disk, NULL when there is none */
	int protocol;		   /* 0 when it has no handshake */
} MgExtension;

extern bool mg_extension_read(MgPg *pg, MgExtension *extension, MgError *err);

/* Refuses, with the way out as a hint, when it is missing, too old or too new. */
extern bool mg_extension_check(const MgExtension *extension, MgError *err);

/* Creates it, or updates it to what is on disk; *changed tells which: "created", "updated" or NULL. */
extern bool mg_extension_create(MgPg *pg, const char **changed, MgError *err);

/* Facts about the server for the doctor; columns as in doctor_server.sql. */
extern bool mg_extension_server(MgPg *pg, MgRows *rows, MgError *err);

/* What grant_deployer() would give and this role does not have; columns as in doctor_rights.sql. */
extern bool mg_extension_rights(MgPg *pg, MgRows *rows, MgError *err);

/* A session of the same role may load the library by itself; tried by opening one. */
extern bool mg_extension_can_preload(MgPg *pg);

/*
 * Makes a template database that has the extension, so that a role that may not
 * create it can rehearse; one that is there is brought up to date.  *template_pg
 * is connected to it, for grants, and is the caller's to close.
 */
extern bool mg_extension_template(MgPg *pg, const char *name, MgPg **template_pg, MgError *err);

extern bool mg_extension_grant(MgPg *pg, bool deployer, const char *role, MgError *err);

#endif
