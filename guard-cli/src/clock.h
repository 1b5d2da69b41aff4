/*
 * clock.h
 *	  Time that only goes forward, from no moment in particular.
 */
#ifndef MG_CLOCK_H
#define MG_CLOCK_H

extern long long mg_clock_us(void);
extern long long mg_clock_ms(void);

#endif
