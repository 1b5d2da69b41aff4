/*
 * company.h
 *	  Something of ours that goes on while another thing is waited for.
 *
 * ask is asked before each wait for a descriptor (-1: none), for what is awaited of
 * it and until when (monotonic; -1: for ever) to wait at the most; turn is called
 * after each wait, and must not wait itself.
 */
#ifndef MG_COMPANY_H
#define MG_COMPANY_H

typedef struct MgCompany
{
	int (*ask)(void *arg, short *events, long long *until_us);
	void (*turn)(void *arg);
	void *arg;
} MgCompany;

#endif
