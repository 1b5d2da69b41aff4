/*
 * err.c
 *	  Making of errors.
 */
#include "err.h"

#include <string.h>

void
mg_err_init(MgError *err, MgArena *arena)
{
	memset(err, 0, sizeof *err);
	err->arena = arena;
}

bool
mg_err_set(MgError *err, MgExit exit_code, const char *fmt, ...)
{
	va_list args;

	if (err->set)
		return false;
	err->set = true;
	err->exit_code = exit_code;
	va_start(args, fmt);
	err->message = mg_vprintf(err->arena, fmt, args);
	va_end(args);
	return false;
}

bool
mg_err_detail(MgError *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	err->detail = mg_vprintf(err->arena, fmt, args);
	va_end(args);
	return false;
}

bool
mg_err_hint(MgError *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	err->hint = mg_vprintf(err->arena, fmt, args);
	va_end(args);
	return false;
}

bool
mg_err_page(MgError *err, const char *page)
{
	err->page = page;
	return false;
}

bool
mg_err_where(MgError *err, const char *file, int line)
{
	err->where = line > 0 ? mg_printf(err->arena, "%s:%d", file, line) : mg_strdup(err->arena, file);
	return false;
}

void
mg_err_clear(MgError *err)
{
	mg_err_init(err, err->arena);
}

static const struct
{
	int code;
	const char *result;
	const char *text;
} exits[] = {
#define X(id, name, code, text) { code, name, text },
	SD_RESULTS(X)
#undef X
#define X(id, code, text) { code, NULL, text },
		SD_EXIT_CODES(X)
#undef X
};

const char *
mg_exit_result(int exit_code)
{
	for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++)
		if (exits[i].code == exit_code)
			return exits[i].result;
	return NULL;
}

const char *
mg_exit_text(int exit_code)
{
	for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++)
		if (exits[i].code == exit_code)
			return exits[i].text;
	return "unknown exit code";
}
