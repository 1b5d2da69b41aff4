/*
 * udiff.c
 *	  The shortest way from one list of lines to another (Myers, 1986), and its
 *	  hunks.
 *
 * What both texts begin and end with is taken off first.  The way is searched
 * forward with the end points of every round kept, so that it can be followed
 * back; after MG_UDIFF_ROUNDS the rest counts as replaced, which is longer but
 * no less true.
 */
#include "udiff.h"

#include <stdint.h>
#include <string.h>

/* Rounds, of which each keeps twice its number of integers: at most 8 MB. */
#define MG_UDIFF_ROUNDS 1000

typedef struct Line
{
	const char *text;
	size_t length; /* with the line end, when there is one */
	uint64_t hash;
} Line;

typedef struct Side
{
	Line *lines;
	int count;
	bool *changed; /* lines that the other side has not */
} Side;

/* The part of both sides that is compared: a[0..n) with b[0..m). */
typedef struct Part
{
	const Line *a;
	const Line *b;
	int n;
	int m;
} Part;

static uint64_t
hash_line(const char *text, size_t length)
{
	uint64_t hash = 1469598103934665603u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) text[i]) * 1099511628211u;
	return hash;
}

static Side
split(MgArena *arena, const char *text)
{
	Side side = { 0 };
	int size = 1;

	for (const char *p = text; *p != '\0'; p++)
		size += *p == '\n';
	side.lines = mg_alloc(arena, (size_t) size * sizeof(Line));
	while (*text != '\0')
	{
		const char *end = strchr(text, '\n');
		Line *line = &side.lines[side.count++];

		line->text = text;
		line->length = end != NULL ? (size_t) (end - text) + 1 : strlen(text);
		line->hash = hash_line(text, line->length);
		text += line->length;
	}
	side.changed = mg_alloc(arena, (size_t) (side.count + 1) * sizeof(bool));
	return side;
}

static bool
same(const Line *a, const Line *b)
{
	return a->hash == b->hash && a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

/* How far into a the diagonal k was followed in round d. */
static int
end_of(int *const *kept, int d, int k)
{
	return kept[d][d + k];
}

/* Round d comes to diagonal k from the one above, by a line of b, rather than by one of a. */
static bool
comes_down(int *const *kept, int d, int k)
{
	return k == -d || (k != d && end_of(kept, d - 1, k - 1) < end_of(kept, d - 1, k + 1));
}

/* Marks the lines that were taken alone on the way that ended in round d. */
static void
mark_way(const Part *part, int *const *kept, int d, bool *a_changed, bool *b_changed)
{
	int k = part->n - part->m;

	for (; d > 0; d--)
	{
		if (comes_down(kept, d, k))
		{
			k++;
			b_changed[end_of(kept, d - 1, k) - k] = true;
		}
		else
		{
			k--;
			a_changed[end_of(kept, d - 1, k)] = true;
		}
	}
}

/* Fills changed of both parts by the shortest way; false when it takes too many rounds. */
static bool
find_way(MgArena *arena, const Part *part, bool *a_changed, bool *b_changed)
{
	int limit = part->n + part->m < MG_UDIFF_ROUNDS ? part->n + part->m : MG_UDIFF_ROUNDS;
	int **kept = mg_alloc(arena, (size_t) (limit + 1) * sizeof(int *));

	for (int d = 0; d <= limit; d++)
	{
		kept[d] = mg_alloc(arena, (size_t) (2 * d + 1) * sizeof(int));
		for (int k = -d; k <= d; k += 2)
		{
			int x = 0;

			if (d > 0)
				x = comes_down(kept, d, k) ? end_of(kept, d - 1, k + 1) :
											 end_of(kept, d - 1, k - 1) + 1;
			while (x < part->n && x - k < part->m && same(&part->a[x], &part->b[x - k]))
				x++;
			kept[d][d + k] = x;
			if (x >= part->n && x - k >= part->m)
			{
				mark_way(part, kept, d, a_changed, b_changed);
				return true;
			}
		}
	}
	return false;
}

/* Marks what differs; false when nothing does. */
static bool
compare(MgArena *arena, Side *old, Side *new)
{
	Part part = { old->lines, new->lines, old->count, new->count };
	int head = 0;

	while (head < part.n && head < part.m && same(&part.a[head], &part.b[head]))
		head++;
	part.a += head, part.b += head, part.n -= head, part.m -= head;
	while (part.n > 0 && part.m > 0 && same(&part.a[part.n - 1], &part.b[part.m - 1]))
		part.n--, part.m--;
	if (part.n == 0 && part.m == 0)
		return false;
	if (part.n > 0 && part.m > 0 && find_way(arena, &part, old->changed + head, new->changed + head))
		return true;
	memset(old->changed + head, true, (size_t) part.n);
	memset(new->changed + head, true, (size_t) part.m);
	return true;
}

static void
write_line(MgArena *arena, const Line *line, char mark, MgUdiffWriter writer, void *arg)
{
	bool ended = line->text[line->length - 1] == '\n';

	writer(arg, mark, mg_strndup(arena, line->text, line->length - ended));
	if (!ended)
		writer(arg, '\\', "No newline at end of file");
}

/* "12,3" of a range; an empty one is named by the line before it. */
static char *
range(MgArena *arena, int first, int count)
{
	if (count == 1)
		return mg_printf(arena, "%d", first + 1);
	return mg_printf(arena, "%d,%d", count == 0 ? first : first + 1, count);
}

/* Lines a of the old side stand beside b of the new one wherever nothing is changed. */
static void
write_hunk(MgArena *arena, const Side *old, const Side *new, int a, int a_end, int b, int b_end,
		   MgUdiffWriter writer, void *arg)
{
	writer(arg, '@',
		   mg_printf(arena, "@@ -%s +%s @@", range(arena, a, a_end - a), range(arena, b, b_end - b)));
	while (a < a_end || b < b_end)
	{
		if (a < a_end && old->changed[a])
			write_line(arena, &old->lines[a++], '-', writer, arg);
		else if (b < b_end && new->changed[b])
			write_line(arena, &new->lines[b++], '+', writer, arg);
		else
		{
			write_line(arena, &old->lines[a++], ' ', writer, arg);
			b++;
		}
	}
}

bool
mg_udiff(MgArena *arena, const char *old_text, const char *new_text, int around,
		 MgUdiffWriter writer, void *arg)
{
	Side old = split(arena, old_text);
	Side new = split(arena, new_text);
	int a = 0;
	int b = 0;

	if (!compare(arena, &old, &new))
		return false;
	while (a < old.count || b < new.count)
	{
		int start_a, start_b, quiet = 0;

		if (!(a < old.count && old.changed[a]) && !(b < new.count &&new.changed[b]))
		{
			a++, b++;
			continue;
		}
		start_a = a > around ? a - around : 0;
		start_b = b - (a - start_a);
		/* until more lines are the same than belong to two hunks */
		while ((a < old.count || b < new.count) && quiet <= 2 * around)
		{
			bool gone = a < old.count && old.changed[a];
			bool come = b < new.count &&new.changed[b];

			quiet = gone || come ? 0 : quiet + 1;
			a += gone || !come;
			b += come ? !gone : !gone;
		}
		if (quiet > around)
		{
			a -= quiet - around;
			b -= quiet - around;
		}
		write_hunk(arena, &old, &new, start_a, a, start_b, b, writer, arg);
	}
	return true;
}
