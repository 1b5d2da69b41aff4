/*
 * runbook.h
 *	  The pages of docs/runbooks, which are compiled in: at three in the morning
 *	  they are where migguard is.
 */
#ifndef MG_RUNBOOK_H
#define MG_RUNBOOK_H

typedef struct MgRunbook
{
	const char *name;
	const char *title;
	int exit_code;		/* whose page it is; 0: none */
	const char *states; /* of a run that was left in them; each between blanks */
	const char *text;	/* Markdown */
} MgRunbook;

/* All of them, ended by a row without name. */
extern const MgRunbook *mg_runbooks(void);

/* By name, with underscores as good as hyphens, by exit code or by state; NULL: there is none. */
extern const MgRunbook *mg_runbook_find(const char *name);

extern const MgRunbook *mg_runbook_of_exit(int exit_code);
extern const MgRunbook *mg_runbook_of_state(const char *state);

#endif
