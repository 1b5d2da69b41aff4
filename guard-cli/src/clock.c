/*
 * clock.c
 *	  Time that only goes forward.
 */
#include "clock.h"

#include <time.h>

long long
mg_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

long long
mg_clock_ms(void)
{
	return mg_clock_us() / 1000;
}
