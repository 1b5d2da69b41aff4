/*
 * lint_glob.c
 *	  Globs that no shell has expanded.
 */
#include <string.h>

#include <fnmatch.h>

#include "file.h"
#include "lint_source.h"

bool
mg_lint_is_glob(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

bool
mg_lint_glob_match(const char *glob, const char *path)
{
	size_t glob_len = strcspn(glob, "/");
	size_t path_len = strcspn(path, "/");
	char part[256];
	char name[4096];

	if (strncmp(glob, "**/", 3) == 0)
	{
		for (;; path += strcspn(path, "/") + 1)
		{
			if (mg_lint_glob_match(glob + 3, path))
				return true;
			/* nor into what begins with a dot */
			if (strchr(path, '/') == NULL || path[0] == '.')
				return false;
		}
	}
	if (strcmp(glob, "**") == 0)
		return true;
	if (glob_len >= sizeof part || path_len >= sizeof name)
		return false;
	memcpy(part, glob, glob_len);
	part[glob_len] = '\0';
	memcpy(name, path, path_len);
	name[path_len] = '\0';
	if (fnmatch(part, name, FNM_PERIOD) != 0 || (glob[glob_len] == '/') != (path[path_len] == '/'))
		return false;
	return glob[glob_len] == '\0' || mg_lint_glob_match(glob + glob_len + 1, path + path_len + 1);
}

bool
mg_lint_glob(MgArena *arena, const char *glob, MgStrings *paths, MgError *err)
{
	const char *first = strpbrk(glob, "*?[");
	const char *base = glob;
	const char *directory;
	MgStrings all;

	mg_strings_init(paths, arena);
	/* what stands before the first part with a wildcard is a directory */
	for (const char *p = glob; p < first; p++)
		if (*p == '/')
			base = p + 1;
	directory = base == glob	 ? "." :
				base == glob + 1 ? "/" :
								   mg_strndup(arena, glob, (size_t) (base - glob - 1));
	if (mg_file_kind(directory) != MG_FILE_DIRECTORY)
		return true;
	if (!mg_file_walk(arena, directory, &all, err))
		return false;
	for (int i = 0; i < all.count; i++)
	{
		const char *path = all.items[i] + strlen(directory);

		path += strspn(path, "/");
		if (mg_lint_glob_match(base, path))
			mg_strings_add(paths, base == glob ? path : all.items[i]);
	}
	return true;
}
