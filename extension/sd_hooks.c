/*
 * sd_hooks.c
 *	  Chains the module into the server's hooks.
 */
#include "postgres.h"

#include "sd_hooks.h"

void
sd_hooks_init(void)
{
}
