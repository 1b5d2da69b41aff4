/*
 * arena.c
 *	  Region allocator: blocks in a list, freed together.
 */
#include "err.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Under the address sanitizer each piece has a block of its own, so that it sees the end of each. */
#ifdef __SANITIZE_ADDRESS__
#define MG_ARENA_BLOCK 0
#else
#define MG_ARENA_BLOCK 16384
#endif

typedef struct Block
{
	struct Block *next;
	size_t used;
	size_t size;
	max_align_t data[];
} Block;

struct MgArena
{
	Block *blocks;
};

void
mg_out_of_memory(void)
{
	static const char message[] = "migguard: error: out of memory\n";

	(void) !write(STDERR_FILENO, message, sizeof message - 1);
	_exit(MG_EXIT_INTERNAL);
}

void *
mg_must(void *p)
{
	if (p == NULL)
		mg_out_of_memory();
	return p;
}

MgArena *
mg_arena_new(void)
{
	MgArena *arena = mg_must(malloc(sizeof *arena));

	arena->blocks = NULL;
	return arena;
}

void
mg_arena_free(MgArena *arena)
{
	if (arena == NULL)
		return;
	while (arena->blocks != NULL)
	{
		Block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
	free(arena);
}

void *
mg_alloc(MgArena *arena, size_t size)
{
	Block *block = arena->blocks;
	const size_t align = MG_ARENA_BLOCK > 0 ? sizeof(max_align_t) : 1;
	void *p;

	size = (size + align - 1) / align * align;
	if (block == NULL || block->size - block->used < size)
	{
		size_t room = size > MG_ARENA_BLOCK ? size : MG_ARENA_BLOCK;

		block = mg_must(malloc(sizeof *block + room));
		block->next = arena->blocks;
		block->used = 0;
		block->size = room;
		arena->blocks = block;
	}
	p = (char *) block->data + block->used;
	block->used += size;
	memset(p, 0, size);
	return p;
}

char *
mg_strdup(MgArena *arena, const char *s)
{
	return s == NULL ? NULL : mg_strndup(arena, s, strlen(s));
}

char *
mg_strndup(MgArena *arena, const char *s, size_t len)
{
	char *copy = mg_alloc(arena, len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
mg_vprintf(MgArena *arena, const char *fmt, va_list args)
{
	va_list again;
	int len;
	char *s;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, args);
	s = mg_alloc(arena, (size_t) len + 1);
	vsnprintf(s, (size_t) len + 1, fmt, again);
	va_end(again);
	return s;
}

char *
mg_printf(MgArena *arena, const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	s = mg_vprintf(arena, fmt, args);
	va_end(args);
	return s;
}

void
mg_buf_init(MgBuf *buf, MgArena *arena)
{
	buf->arena = arena;
	buf->len = 0;
	buf->size = 64; /* most are short texts, and none is given back before the end */
	buf->data = mg_alloc(arena, buf->size);
}

void
mg_buf_add_bytes(MgBuf *buf, const char *s, size_t len)
{
	if (buf->len + len + 1 > buf->size)
	{
		char *old = buf->data;

		while (buf->len + len + 1 > buf->size)
			buf->size *= 2;
		buf->data = mg_alloc(buf->arena, buf->size);
		memcpy(buf->data, old, buf->len);
	}
	memcpy(buf->data + buf->len, s, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void
mg_buf_add(MgBuf *buf, const char *s)
{
	mg_buf_add_bytes(buf, s, strlen(s));
}

void
mg_buf_addf(MgBuf *buf, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	mg_buf_add(buf, mg_vprintf(buf->arena, fmt, args));
	va_end(args);
}

void
mg_strings_init(MgStrings *list, MgArena *arena)
{
	list->arena = arena;
	list->count = 0;
	list->size = 16;
	list->items = mg_alloc(arena, (size_t) list->size * sizeof(char *));
}

void
mg_strings_add(MgStrings *list, const char *s)
{
	if (list->count + 1 >= list->size)
	{
		char **old = list->items;

		list->size *= 2;
		list->items = mg_alloc(list->arena, (size_t) list->size * sizeof(char *));
		memcpy(list->items, old, (size_t) list->count * sizeof(char *));
	}
	list->items[list->count++] = mg_strdup(list->arena, s);
	list->items[list->count] = NULL;
}

void
mg_strings_addf(MgStrings *list, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	mg_strings_add(list, mg_vprintf(list->arena, fmt, args));
	va_end(args);
}

bool
mg_strings_has(const MgStrings *list, const char *s)
{
	for (int i = 0; i < list->count; i++)
		if (strcmp(list->items[i], s) == 0)
			return true;
	return false;
}

void
mg_strings_setenv(MgStrings *list, const char *name, const char *value)
{
	size_t len = strlen(name);
	char *entry = mg_printf(list->arena, "%s=%s", name, value);

	for (int i = 0; i < list->count; i++)
		if (strncmp(list->items[i], name, len) == 0 && list->items[i][len] == '=')
		{
			list->items[i] = entry;
			return;
		}
	mg_strings_add(list, entry);
}
