/*
 * portion.c
 *	  Many texts sent to a server in arrays of a bounded size.
 */
#include "portion.h"

#include <string.h>

#include "pg.h"

/* Bounded by the server's limit of one value and by our memory. */
#define MG_PORTION_TEXTS 500
#define MG_PORTION_BYTES (4 * 1024 * 1024)

void
mg_portion_begin(MgPortion *portion, MgPortionSender send, void *arg)
{
	portion->send = send;
	portion->arg = arg;
	portion->arena = mg_arena_new();
	portion->bytes = 0;
	mg_strings_init(&portion->texts, portion->arena);
}

bool
mg_portion_send(MgPortion *portion, MgError *err)
{
	bool ok;

	if (portion->texts.count == 0)
		return true;
	ok = portion->send(portion->arg,
					   mg_pg_array(portion->arena, portion->texts.items, portion->texts.count), err);
	mg_arena_free(portion->arena);
	mg_portion_begin(portion, portion->send, portion->arg);
	return ok;
}

bool
mg_portion_add(MgPortion *portion, const char *text, MgError *err)
{
	mg_strings_add(&portion->texts, text);
	portion->bytes += strlen(text);
	return (portion->texts.count < MG_PORTION_TEXTS && portion->bytes < MG_PORTION_BYTES) ||
		   mg_portion_send(portion, err);
}

void
mg_portion_free(MgPortion *portion)
{
	mg_arena_free(portion->arena);
	portion->arena = NULL;
}
