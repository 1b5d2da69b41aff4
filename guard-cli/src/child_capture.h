/*
 * child_capture.h
 *	  What comes through one pipe of a program: told line by line, its end kept.
 */
#ifndef MG_CHILD_CAPTURE_H
#define MG_CHILD_CAPTURE_H

#include "err.h"

#define MG_CAPTURE_KEEP 65536
/* Of a longer line the rest is left out: a secret with one half in each part would not be recognised. */
#define MG_CAPTURE_LINE 2048

typedef struct MgCapture
{
	int fd;
	const char *name;
	char data[2 * MG_CAPTURE_KEEP];
	size_t len;
	bool cut;						/* something before data is gone */
	char line[MG_CAPTURE_LINE + 1]; /* the line that is being written */
	size_t line_len;
	bool too_long; /* its end is left out */
	void (*said)(void *arg, const char *line);
	void *said_arg;
} MgCapture;

/* Of a descriptor, which is made to never wait, of a program by its path. */
extern MgCapture *mg_capture_new(MgArena *arena, int fd, const char *program);

extern void mg_capture_add(MgCapture *capture, const char *data, size_t len);

/* Tells the line that is being written, also when it is empty. */
extern void mg_capture_end_line(MgCapture *capture);

/* The kept end as text; a line that was cut is left out, because half a secret is not recognised. */
extern char *mg_capture_text(MgArena *arena, const MgCapture *capture);

#endif
