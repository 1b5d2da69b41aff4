/*
 * child_capture.c
 *	  What a program says: its lines as they come, and the end of it kept.
 */
#include "child_capture.h"

#include <fcntl.h>
#include <string.h>

#include "log.h"

MgCapture *
mg_capture_new(MgArena *arena, int fd, const char *program)
{
	MgCapture *capture = mg_alloc(arena, sizeof *capture);
	const char *slash = strrchr(program, '/');

	capture->fd = fd;
	capture->name = slash == NULL ? program : slash + 1;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return capture;
}

static void
tell_beginning(const MgCapture *capture)
{
	MgArena *arena = mg_arena_new();

	mg_log_verbose("%s: %s ...", capture->name, mg_log_redact_cut(arena, capture->line));
	mg_arena_free(arena);
}

void
mg_capture_end_line(MgCapture *capture)
{
	capture->line[capture->line_len] = '\0';
	if (capture->too_long)
		tell_beginning(capture);
	else if (capture->line_len > 0)
		mg_log_verbose("%s: %s", capture->name, capture->line);
	if (capture->said != NULL)
		capture->said(capture->said_arg, capture->line);
	capture->line_len = 0;
	capture->too_long = false;
}

void
mg_capture_add(MgCapture *capture, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (data[i] == '\n')
			mg_capture_end_line(capture);
		else if (capture->line_len == MG_CAPTURE_LINE)
			capture->too_long = true;
		else
			capture->line[capture->line_len++] = data[i] == '\0' ? ' ' : data[i];
	}
	/* a NUL would end the kept text early */
	while (len > 0)
	{
		size_t room = sizeof capture->data - capture->len;
		size_t n = len < room ? len : room;

		for (size_t i = 0; i < n; i++)
			capture->data[capture->len + i] = (char) (data[i] == '\0' ? ' ' : data[i]);
		capture->len += n;
		data += n;
		len -= n;
		if (capture->len == sizeof capture->data)
		{
			memmove(capture->data, capture->data + MG_CAPTURE_KEEP, MG_CAPTURE_KEEP);
			capture->len = MG_CAPTURE_KEEP;
			capture->cut = true;
		}
	}
}

char *
mg_capture_text(MgArena *arena, const MgCapture *capture)
{
	const char *start = capture->data;
	size_t len = capture->len;

	if (len > MG_CAPTURE_KEEP || capture->cut)
	{
		size_t skip = len > MG_CAPTURE_KEEP ? len - MG_CAPTURE_KEEP : 0;
		const char *newline = memchr(start + skip, '\n', len - skip);

		skip = newline == NULL ? len : (size_t) (newline - start) + 1;
		start += skip;
		len -= skip;
	}
	return mg_log_redact(arena, mg_strndup(arena, start, len));
}
