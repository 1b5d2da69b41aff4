/*
 * uuid.h
 *	  Random ids, of what no server has given one.
 */
#ifndef MG_UUID_H
#define MG_UUID_H

#include "err.h"

/* A random UUID (version 4). */
extern bool mg_uuid_new(MgArena *arena, const char **id, MgError *err);

#endif
