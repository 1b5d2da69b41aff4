/*
 * arena_test.c
 *	  Memory, growing strings, lists that are environments.
 */
#include "arena.h"

#include <stdint.h>

#include "unit.h"

int
main(void)
{
	MgArena *arena = mg_arena_new();
	char *small = mg_alloc(arena, 3);
	char *large = mg_alloc(arena, 1000000);
	bool zero = true;
	MgBuf buf;
	MgStrings list;

	for (int i = 0; i < 1000000; i++)
		zero &= large[i] == 0;
	unit_ok(zero, "memory is zeroed, also above the size of a block");
	unit_ok((uintptr_t) mg_alloc(arena, 1) % _Alignof(max_align_t) == 0, "memory is aligned");
	memset(small, 'x', 3);
	unit_ok(large[0] == 0, "pieces do not overlap");
	unit_is(mg_strdup(arena, NULL), NULL, "a copy of NULL is NULL");
	unit_is(mg_strndup(arena, "abcdef", 3), "abc", "a copy of a part ends");
	unit_is(mg_printf(arena, "%d %s", 7, "x"), "7 x", "formatting");

	mg_buf_init(&buf, arena);
	unit_is(buf.data, "", "a new buffer is an empty text");
	for (int i = 0; i < 5000; i++)
		mg_buf_add(&buf, "ab");
	unit_is_int((long long) buf.len, 10000, "a buffer grows");
	unit_ok(strlen(buf.data) == 10000 && strspn(buf.data, "ab") == 10000, "and keeps what it held");
	mg_buf_addf(&buf, "%c", '!');
	unit_is(buf.data + 9998, "ab!", "formatted text is added at the end");

	mg_strings_init(&list, arena);
	for (int i = 0; i < 100; i++)
		mg_strings_addf(&list, "N%d=%d", i, i);
	unit_is_int(list.count, 100, "a list grows");
	unit_ok(list.items[100] == NULL, "and is ended by NULL");
	unit_ok(mg_strings_has(&list, "N99=99") && !mg_strings_has(&list, "N99"), "looking for an item");
	mg_strings_setenv(&list, "N1", "new");
	mg_strings_setenv(&list, "FRESH", "a=b");
	unit_is(list.items[1], "N1=new", "a variable is replaced in its place");
	unit_is(list.items[10], "N10=10", "one whose name it begins is not");
	unit_is(list.items[100], "FRESH=a=b", "a new one is added");
	mg_arena_free(arena);
	mg_arena_free(NULL);
	return unit_done();
}
