/*
 * runbook.c
 *	  Finds a page of the runbooks.
 */
#include "runbook.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mg_runbooks.h"

const MgRunbook *
mg_runbooks(void)
{
	return mg_runbook_pages;
}

static bool
same_name(const char *page, const char *name)
{
	for (; *page != '\0' && (*page == *name || (*page == '-' && *name == '_')); page++)
		name++;
	return *page == '\0' && *name == '\0';
}

const MgRunbook *
mg_runbook_of_exit(int exit_code)
{
	for (const MgRunbook *page = mg_runbook_pages; page->name != NULL; page++)
		if (exit_code != 0 && page->exit_code == exit_code)
			return page;
	return NULL;
}

const MgRunbook *
mg_runbook_of_state(const char *state)
{
	size_t len = strlen(state);

	for (const MgRunbook *page = mg_runbook_pages; page->name != NULL; page++)
		for (const char *p = strstr(page->states, state); p != NULL; p = strstr(p + 1, state))
			if (len > 0 && p[-1] == ' ' && p[len] == ' ')
				return page;
	return NULL;
}

const MgRunbook *
mg_runbook_find(const char *name)
{
	for (const MgRunbook *page = mg_runbook_pages; page->name != NULL; page++)
		if (same_name(page->name, name))
			return page;
	if (name[strspn(name, "0123456789")] == '\0')
		return mg_runbook_of_exit(atoi(name));
	return mg_runbook_of_state(name);
}
