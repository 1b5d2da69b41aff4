/*
 * lint_sqitch.c
 *	  Where a file stands in the plan of a Sqitch project.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "lint_source.h"
#include "log.h"

/* The plan beside "deploy", or above it where the configuration has a top_dir; NULL: there is none. */
static char *
find_plan(MgArena *arena, const char *path, size_t top)
{
	char *directory = mg_strndup(arena, path, top);

	for (int above = 0; above < 2; above++)
	{
		char *plan = mg_printf(arena, "%s%ssqitch.plan", directory, above == 0 ? "" : "../");

		if (mg_file_kind(plan) == MG_FILE_REGULAR)
			return plan;
	}
	return NULL;
}

/*
 * The number of the line of a change; 0 when it is not in the plan.  "name@tag" is the
 * change as it was before the tag; without one it is the last of that name.
 */
static int
rank_of(const char *plan, const char *change)
{
	const char *at = strchr(change, '@');
	size_t len = at != NULL ? (size_t) (at - change) : strlen(change);
	int number = 0;
	int rank = 0;

	for (const char *line = plan; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n')
	{
		const char *word = line + strspn(line, " \t+");
		size_t word_len = strcspn(word, " \t\r\n");

		number++;
		if (at != NULL && word_len == strlen(at) && strncmp(word, at, word_len) == 0)
			return rank;
		if (word_len == len && strncmp(word, change, len) == 0)
			rank = number;
	}
	return at == NULL ? rank : 0;
}

bool
mg_lint_sqitch_place(MgLintSources *sources, MgLintSource *source, bool *verify, MgError *err)
{
	static const char *const names[] = { "deploy/", "revert/", "verify/" };

	for (int n = 0; n < 3; n++)
		for (const char *at = strstr(source->path, names[n]); at != NULL;
			 at = strstr(at + 1, names[n]))
		{
			size_t top = (size_t) (at - source->path);
			const char *change = at + strlen(names[n]);
			size_t len = strlen(change);
			const char *text;
			size_t size;
			char *plan;

			if (top > 0 && at[-1] != '/')
				continue;
			plan = find_plan(sources->arena, source->path, top);
			if (plan == NULL || len < 5 || strcmp(change + len - 4, ".sql") != 0)
				continue;
			if (!mg_file_read(sources->arena, plan, &text, &size, err))
				return false;
			change = mg_strndup(sources->arena, change, len - 4);
			source->kind = MG_LINT_SQITCH;
			source->rank = rank_of(text, change);
			source->version = "0";
			source->down = n == 1;
			/* the whole project, so that what comes before is found */
			source->directory =
				mg_strdup(sources->arena,
						  top > 0 ? mg_strndup(sources->arena, source->path, top) : ".");
			*verify = n == 2;
			if (source->rank == 0 && n != 2)
			{
				mg_log_warning("\"%s\" is not in \"%s\"", source->path, plan);
				source->rank = INT_MAX;
			}
			return true;
		}
	return true;
}
