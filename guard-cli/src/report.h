/*
 * report.h
 *	  Results for people, on stdout: tables, pairs, colours.
 *
 * All text passes the redaction of secrets and the escaping of control
 * characters, so that one value stays in its place.
 */
#ifndef MG_REPORT_H
#define MG_REPORT_H

#include "cli.h"

typedef enum MgColor
{
	MG_COLOR_NONE,
	MG_COLOR_BOLD,
	MG_COLOR_RED,
	MG_COLOR_GREEN,
	MG_COLOR_YELLOW,
	MG_COLOR_DIM
} MgColor;

/* A column of a table: which column of the rows, and its title. */
typedef struct MgColumn
{
	const char *name; /* NULL ends the list */
	const char *title;
	int max_width; /* 0: as wide as needed */
} MgColumn;

extern void mg_report_table(const MgContext *context, const MgRows *rows, const MgColumn *columns);

/* "name:     value"; nothing when the value is NULL. */
extern void mg_report_pair(const MgContext *context, const char *name, const char *value);

/* A value as it is printed: redacted, escaped. */
extern char *mg_report_clean(MgArena *arena, const char *text);
/* The text with the colour's codes around it when the output has colours. */
extern char *mg_report_color(const MgContext *context, MgColor color, const char *text);
/* "2026-11-21 10:59:00+00" of an ISO timestamp with fractions. */
extern char *mg_report_time(MgArena *arena, const char *iso);

#endif
