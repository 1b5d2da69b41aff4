/*
 * progress.c
 *	  How far a long piece of work is: one line that changes on a terminal, few lines elsewhere.
 */
#include "progress.h"

#include <string.h>
#include <time.h>

#include "log.h"
#include "text.h"

#define TERMINAL_EVERY_US 200000
#define PLAIN_EVERY_US	  10000000

static long long
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* "512 kB", "3.4 MB" */
static char *
bytes_text(MgArena *arena, double bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	size_t unit = 0;

	for (; bytes >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
		bytes /= 1024;
	return mg_printf(arena, bytes < 10 && unit > 1 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static double
per_second(long long bytes, long long us)
{
	return us > 0 ? (double) bytes * 1e6 / (double) us : 0;
}

void
mg_progress_begin(MgProgress *progress, const char *what, long long total)
{
	MgArena *arena = mg_arena_new();

	*progress = (MgProgress){ .what = what, .total = total, .started_us = now_us() };
	progress->last_us = progress->started_us;
	mg_log_info("%s: about %s", what, bytes_text(arena, (double) total));
	mg_arena_free(arena);
}

void
mg_progress_at(MgProgress *progress, long long done, long long written)
{
	long long now = now_us();
	long long elapsed = now - progress->started_us;
	bool terminal = mg_log_on_terminal();
	MgArena *arena;
	char *line;

	progress->done = done > progress->total ? progress->total : done;
	progress->written = written;
	if (now - progress->last_us < (terminal ? TERMINAL_EVERY_US : PLAIN_EVERY_US))
		return;
	progress->last_us = now;
	arena = mg_arena_new();
	line = mg_printf(arena, "%s: %s, %s/s", progress->what, bytes_text(arena, (double) written),
					 bytes_text(arena, per_second(written, elapsed)));
	if (progress->total > 0 && progress->done > 0)
		line = mg_printf(arena, "%s, %lld %%, %s left", line, progress->done * 100 / progress->total,
						 mg_text_duration(arena,
										  (long long) ((double) elapsed *
													   (double) (progress->total - progress->done) /
													   (double) progress->done)));
	if (terminal)
		mg_log_line(line);
	else
		mg_log_info("%s", line);
	progress->shown = terminal;
	mg_arena_free(arena);
}

void
mg_progress_drop(MgProgress *progress)
{
	if (progress->shown)
		mg_log_line("");
	progress->shown = false;
}

void
mg_progress_end(MgProgress *progress, long long written)
{
	long long elapsed = now_us() - progress->started_us;
	MgArena *arena = mg_arena_new();

	mg_progress_drop(progress);
	mg_log_info("%s: %s in %s, %s/s", progress->what, bytes_text(arena, (double) written),
				mg_text_duration(arena, elapsed), bytes_text(arena, per_second(written, elapsed)));
	mg_arena_free(arena);
}
