/*
 * arena.h
 *	  Memory with the lifetime of a command, and strings built in it.
 *
 * Everything that lives as long as the command comes from its arena and is
 * never freed alone.  Out of memory ends the program with exit code 70, so no
 * caller tests for NULL.
 */
#ifndef MG_ARENA_H
#define MG_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct MgArena MgArena;

/*
 * Says so and ends the program with exit code 70, at once: what holds the deploy lock is
 * the session, which ends with us, and the ledger knows the state in which that was.
 */
extern void mg_out_of_memory(void) __attribute__((noreturn));

/* What a library gave us, unless that is NULL for want of memory. */
extern void *mg_must(void *p);

extern MgArena *mg_arena_new(void);
extern void mg_arena_free(MgArena *arena);

/* Zeroed memory, aligned for any type. */
extern void *mg_alloc(MgArena *arena, size_t size);
extern char *mg_strdup(MgArena *arena, const char *s); /* NULL stays NULL */
extern char *mg_strndup(MgArena *arena, const char *s, size_t len);
extern char *mg_printf(MgArena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
extern char *mg_vprintf(MgArena *arena, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

/* A growing string; data is always terminated. */
typedef struct MgBuf
{
	MgArena *arena;
	char *data;
	size_t len;
	size_t size;
} MgBuf;

extern void mg_buf_init(MgBuf *buf, MgArena *arena);
extern void mg_buf_add(MgBuf *buf, const char *s);
extern void mg_buf_add_bytes(MgBuf *buf, const char *s, size_t len);
extern void mg_buf_addf(MgBuf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A growing list of strings, always terminated by NULL: argv and environ as they are. */
typedef struct MgStrings
{
	MgArena *arena;
	char **items;
	int count;
	int size;
} MgStrings;

extern void mg_strings_init(MgStrings *list, MgArena *arena);
extern void mg_strings_add(MgStrings *list, const char *s);
extern void mg_strings_addf(MgStrings *list, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
extern bool mg_strings_has(const MgStrings *list, const char *s);
/* Sets NAME=value in a list that is an environment, replacing what is there. */
extern void mg_strings_setenv(MgStrings *list, const char *name, const char *value);

#endif
