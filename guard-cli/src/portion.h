/*
 * portion.h
 *	  Many texts sent to a server in arrays of a bounded size.
 */
#ifndef MG_PORTION_H
#define MG_PORTION_H

#include "err.h"

/* Sends an array literal of texts. */
typedef bool (*MgPortionSender)(void *arg, const char *array, MgError *err);

typedef struct MgPortion
{
	MgPortionSender send;
	void *arg;
	MgArena *arena; /* of what waits */
	MgStrings texts;
	size_t bytes;
} MgPortion;

extern void mg_portion_begin(MgPortion *portion, MgPortionSender send, void *arg);
/* Takes a text, and sends what waits when it is enough. */
extern bool mg_portion_add(MgPortion *portion, const char *text, MgError *err);
/* Sends what waits. */
extern bool mg_portion_send(MgPortion *portion, MgError *err);
/* Also after an error. */
extern void mg_portion_free(MgPortion *portion);

#endif
