/*
 * lint_git.c
 *	  Migrations that were added or changed, by git.
 */
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "file.h"
#include "lint_source.h"
#include "log.h"
#include "text.h"

#define MG_GIT_MS 60000

extern char **environ;

static bool
collect(void *arg, const char *data, size_t len)
{
	mg_buf_add_bytes(arg, data, len);
	return true;
}

/* Runs git with these words, ended by NULL, for all that it prints, which may hold zero bytes. */
static bool
git(MgLintSources *sources, const char *const *words, MgBuf *output, MgError *err)
{
	MgStrings argv;
	MgChildResult result;
	MgChildSpec spec = {
		.env = environ, .timeout_ms = MG_GIT_MS, .stop_on_signal = true, .sink = collect
	};

	mg_strings_init(&argv, sources->arena);
	mg_strings_add(&argv, mg_config_string(sources->config, MG_SET_PROGRAM_GIT));
	/* nothing of the user's runs because a file has changed */
	mg_strings_add(&argv, "-c");
	mg_strings_add(&argv, "core.fsmonitor=false");
	mg_strings_add(&argv, "--no-pager");
	for (; *words != NULL; words++)
		mg_strings_add(&argv, *words);
	mg_buf_init(output, sources->arena);
	spec.argv = argv.items;
	spec.sink_arg = output;
	if (!mg_child_run(sources->arena, &spec, &result, err))
		return false;
	if (mg_child_succeeded(&result))
		return true;
	mg_err_set(err, result.interrupted ? MG_EXIT_INTERRUPTED : MG_EXIT_CONFIG, "git %s %s",
			   argv.items[4], mg_child_describe(sources->arena, &result));
	return mg_err_detail(err, "It said: %s", mg_child_tail(sources->arena, &result, 1));
}

/* The commit that a name means. */
static bool
commit_of(MgLintSources *sources, const char *name, const char **commit, MgError *err)
{
	const char *words[] = { "rev-parse",
							"--verify",
							"--quiet",
							"--end-of-options",
							mg_printf(sources->arena, "%s^{commit}", name),
							NULL };
	MgError why;
	MgBuf output;

	mg_err_init(&why, sources->arena);
	if (git(sources, words, &output, &why) && output.len >= 40)
	{
		*commit = mg_strndup(sources->arena, output.data, strcspn(output.data, "\n"));
		return true;
	}
	mg_err_set(err, why.set && why.exit_code != MG_EXIT_CONFIG ? why.exit_code : MG_EXIT_CONFIG,
			   "git knows no commit \"%s\"", name);
	if (why.set && why.detail != NULL)
		mg_err_detail(err, "%s", why.detail);
	return mg_err_hint(err, "In a shallow clone, fetch the history first (fetch-depth: 0).");
}

/* Where two lines of history part. */
static bool
merge_base(MgLintSources *sources, const char *a, const char *b, const char **base, MgError *err)
{
	const char *words[] = { "merge-base", a, b, NULL };
	MgError why;
	MgBuf output;

	mg_err_init(&why, sources->arena);
	if (git(sources, words, &output, &why))
	{
		*base = mg_strndup(sources->arena, output.data, strcspn(output.data, "\n"));
		return true;
	}
	mg_err_set(err, MG_EXIT_CONFIG, "the two ends of the range have no common history");
	return mg_err_hint(err, "In a shallow clone, fetch the history first (fetch-depth: 0).");
}

/* "../" as often as the work tree's top is above the working directory. */
static bool
way_up(MgLintSources *sources, const char **up, MgError *err)
{
	const char *words[] = { "rev-parse", "--show-cdup", NULL };
	MgBuf output;

	if (!git(sources, words, &output, err))
		return false;
	*up = mg_strndup(sources->arena, output.data, strcspn(output.data, "\n"));
	return true;
}

/* The path as seen from the working directory: "../app/x" within app is "x". */
static const char *
seen_from_here(MgLintSources *sources, const char *up, const char *path)
{
	char *top;
	char *here = mg_file_absolute(sources->arena, NULL, "");
	const char *rest;
	size_t levels = strlen(up) / 3;

	if (levels == 0)
		return path;
	rest = here + strlen(here);
	for (; levels > 0 && rest > here; levels--)
		do
			rest--;
		while (rest > here && *rest != '/');
	top = mg_printf(sources->arena, "%s/", rest + 1);
	return strncmp(path, top, strlen(top)) == 0 ? path + strlen(top) :
												  mg_printf(sources->arena, "%s%s", up, path);
}

/* The absolute path without "." and "..", by its text alone. */
static char *
plain_path(MgArena *arena, const char *path)
{
	char *whole = mg_file_absolute(arena, NULL, path);
	char *rest = NULL;
	MgBuf out;

	mg_buf_init(&out, arena);
	for (char *part = strtok_r(whole, "/", &rest); part != NULL; part = strtok_r(NULL, "/", &rest))
		if (strcmp(part, "..") == 0)
		{
			while (out.len > 0 && out.data[--out.len] != '/')
				;
			out.data[out.len] = '\0';
		}
		else if (strcmp(part, ".") != 0)
			mg_buf_addf(&out, "/%s", part);
	return out.data;
}

/* One of the operands is the file, a directory above it, or a glob for it. */
static bool
is_asked_for(MgLintSources *sources, const char *path, char *const *operands, int count)
{
	const char *file = plain_path(sources->arena, path);

	for (int i = 0; i < count; i++)
	{
		const char *operand = operands[i];
		char *whole = plain_path(sources->arena, operand);
		size_t len = strlen(whole);

		while (strncmp(operand, "./", 2) == 0)
			operand += 2 + strspn(operand + 2, "/");
		if (mg_lint_glob_match(operand, path) ||
			(strncmp(whole, file, len) == 0 && (file[len] == '/' || file[len] == '\0')))
			return true;
	}
	return count == 0;
}

typedef struct Change
{
	MgLintSources *sources;
	const char *up;
	const char *end; /* commit at the end of the range; NULL: the work tree */
	char *const *operands;
	int count;
} Change;

static bool
add_change(const Change *change, const char *from_top, MgError *err)
{
	MgLintSources *sources = change->sources;
	const char *path = seen_from_here(sources, change->up, from_top);
	size_t len = strlen(path);
	const char *words[] = {
		"cat-file", "blob",
		mg_printf(sources->arena, "%s:%s", change->end != NULL ? change->end : "", from_top), NULL
	};
	bool python = len > 3 && strcmp(path + len - 3, ".py") == 0;
	const char *text = NULL;
	size_t size;
	MgBuf output;

	if ((!python && (len < 5 || strcmp(path + len - 4, ".sql") != 0)) ||
		!is_asked_for(sources, path, change->operands, change->count))
		return true;
	if (change->end != NULL)
	{
		if (!git(sources, words, &output, err))
			return false;
		text = output.data;
		size = output.len;
		for (const char *p = text; p < text + size;)
		{
			int n = *p == '\0' ? 0 : mg_text_utf8_length(p, text + size);

			if (n == 0)
				return mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" is not a text in UTF-8", path);
			p += n;
		}
	}
	else if (mg_file_kind(path) != MG_FILE_REGULAR)
		return true;
	else if (python && !mg_file_read(sources->arena, path, &text, &size, err))
		return false;
	if (python && !mg_lint_is_revision(text))
		return true;
	return mg_lint_source_add(sources, path, text, true, 0, err);
}

/* "A", path; "R100", old path, new path; each ended by a zero byte. */
static bool
read_changes(const Change *change, const MgBuf *output, MgError *err)
{
	for (const char *at = output->data, *end = at + output->len; at < end;)
	{
		const char *status = at;
		const char *old = NULL;
		const char *path;

		at += strlen(at) + 1;
		if (status[0] == 'R' || status[0] == 'C')
		{
			old = at;
			at += strlen(at) + 1;
		}
		path = at;
		at += strlen(at) + 1;
		/* the same file in another directory is the same migration */
		if (old != NULL && strcmp(status, "R100") == 0 &&
			strcmp(mg_file_name(old), mg_file_name(path)) == 0)
		{
			mg_log_verbose("\"%s\" was only moved: left out", path);
			continue;
		}
		if (!add_change(change, path, err))
			return false;
	}
	return true;
}

/* Files that git does not know yet are as new as can be. */
static bool
add_untracked(const Change *change, MgError *err)
{
	const char *words[] = { "ls-files",	   "-z",
							"--others",	   "--exclude-standard",
							"--full-name", change->up[0] != '\0' ? change->up : ".",
							NULL };
	MgBuf output;

	if (!git(change->sources, words, &output, err))
		return false;
	for (const char *at = output.data; at < output.data + output.len; at += strlen(at) + 1)
		if (!add_change(change, at, err))
			return false;
	return true;
}

bool
mg_lint_git(MgLintSources *sources, const char *since, const char *range, char *const *operands,
			int count, MgError *err)
{
	const char *dots = range != NULL ? strstr(range, "..") : NULL;
	const char *words[] = { "diff",
							"--name-status",
							"-z",
							"-M",
							"--no-ext-diff",
							"--no-textconv",
							"--diff-filter=ACMRT",
							NULL,
							NULL,
							"--",
							NULL,
							NULL };
	Change change = { .sources = sources, .operands = operands, .count = count };
	const char *start;
	const char *end;
	MgBuf output;

	if (range != NULL && (dots == NULL || dots == range))
	{
		mg_err_set(err, MG_EXIT_USAGE, "\"%s\" is not a range of commits", range);
		return mg_err_hint(err, "Write it as main..HEAD.");
	}
	if (range != NULL)
		since = mg_strndup(sources->arena, range, (size_t) (dots - range));
	end = dots != NULL ? dots + strspn(dots, ".") : "HEAD";
	if (!way_up(sources, &change.up, err) || !commit_of(sources, since, &start, err) ||
		!commit_of(sources, end[0] != '\0' ? end : "HEAD", &end, err) ||
		!merge_base(sources, start, end, &start, err))
		return false;
	words[7] = start;
	if (range != NULL)
		words[8] = change.end = end;
	else
	{
		words[8] = "--";
		words[9] = NULL;
	}
	return git(sources, words, &output, err) && read_changes(&change, &output, err) &&
		   (range != NULL || add_untracked(&change, err));
}
