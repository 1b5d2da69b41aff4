/*
 * doctor.h
 *	  The examination behind "migguard doctor": a list of findings.
 */
#ifndef MG_DOCTOR_H
#define MG_DOCTOR_H

#include "cli.h"

typedef enum MgDoctorLevel
{
	MG_DOCTOR_OK,
	MG_DOCTOR_WARNING, /* it works, with less */
	MG_DOCTOR_MISSING  /* a run would be refused */
} MgDoctorLevel;

typedef struct MgFinding
{
	const char *what;
	MgDoctorLevel level;
	const char *text;
	const char *hint; /* NULL: none */
	struct MgFinding *next;
} MgFinding;

typedef struct MgDoctor
{
	MgContext *context;
	MgFinding *first;
	MgFinding *last;
	MgDoctorLevel worst;
	bool unreachable;	/* no connection */
	bool drop_shadow;	/* a warm shadow that is there is to be dropped */
	int server_version; /* 0: unknown */
} MgDoctor;

/* Fills the list; err is set only when a signal ends it. */
extern void mg_doctor_examine(MgDoctor *doctor, MgError *err);

#endif
