/*
 * uuid.c
 *	  Random ids.
 */
#include "uuid.h"

#include <sys/random.h>

bool
mg_uuid_new(MgArena *arena, const char **id, MgError *err)
{
	unsigned char b[16];

	if (getrandom(b, sizeof b, 0) != (ssize_t) sizeof b)
		return mg_err_set(err, MG_EXIT_INTERNAL, "could not get random bytes");
	b[6] = (unsigned char) ((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char) ((b[8] & 0x3f) | 0x80);
	*id = mg_printf(arena, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
					b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
					b[13], b[14], b[15]);
	return true;
}
