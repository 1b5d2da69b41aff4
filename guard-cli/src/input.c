/*
 * input.c
 *	  Reading of files and standard input.
 */
#include "input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static FILE *
open_input(const char *path, MgError *err)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");

	if (file == NULL)
		mg_err_set(err, MG_EXIT_CONFIG, "could not open \"%s\": %s", path, strerror(errno));
	return file;
}

static bool
read_failed(const char *path, MgError *err)
{
	return mg_err_set(err, MG_EXIT_CONFIG, "could not read \"%s\": %s", path, strerror(errno));
}

static void
close_input(FILE *file)
{
	if (file != stdin)
		fclose(file);
}

/* A place of bad text is worth more than the server's message about a byte. */
static bool
check_text(const char *path, const char *text, size_t len, MgError *err)
{
	int line = 1;

	for (const char *p = text; p < text + len;)
	{
		int n = *p == '\0' ? 0 : mg_text_utf8_length(p, text + len);

		if (n == 0)
		{
			mg_err_set(err, MG_EXIT_CONFIG,
					   *p == '\0' ? "zero byte in the text" : "text is not valid UTF-8");
			mg_err_where(err, path, line);
			return mg_err_hint(err, "Save the file as UTF-8.");
		}
		line += *p == '\n';
		p += n;
	}
	return true;
}

bool
mg_input_text(MgArena *arena, const char *path, char **text, MgError *err)
{
	FILE *file = open_input(path, err);
	char chunk[65536];
	MgBuf buf;
	size_t n;
	bool ok;

	if (file == NULL)
		return false;
	mg_buf_init(&buf, arena);
	while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
		mg_buf_add_bytes(&buf, chunk, n);
	ok = ferror(file) ? read_failed(path, err) : check_text(path, buf.data, buf.len, err);
	close_input(file);
	*text = buf.data;
	return ok;
}

bool
mg_input_lines(const char *path, bool (*handler)(void *arg, const char *line, MgError *err),
			   void *arg, MgError *err)
{
	FILE *file = open_input(path, err);
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int number = 0;
	bool ok = true;

	if (file == NULL)
		return false;
	while (ok && (len = getline(&line, &size, file)) >= 0)
	{
		number++;
		while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
			line[--len] = '\0';
		ok = len == 0 || (check_text(path, line, (size_t) len, err) && handler(arg, line, err));
		if (!ok)
			mg_err_where(err, path, number);
	}
	/* without the end of the file, a line was too long for the memory that there is */
	if (ok && !feof(file))
		ok = read_failed(path, err);
	free(line);
	close_input(file);
	return ok;
}
