/*
 * log.c
 *	  Lines on stderr, and the list of secrets that must never be in them.
 */
#include "log.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mask.h"
#include "text.h"

/* Shorter ones would tear holes into every word and are no secrets. */
#define MG_SECRET_MIN 3

typedef struct Secret
{
	char *text;
	size_t len;
	struct Secret *next;
} Secret;

/* The list outlives every arena: an error may be printed after its arena's command. */
static Secret *secrets = NULL;
static int log_level = 1;
static bool log_json = false;

void
mg_log_init(int level, bool json)
{
	log_level = level;
	log_json = json;
}

void
mg_log_json(void)
{
	log_json = true;
}

static void
add_secret(const char *text)
{
	Secret *secret;
	Secret **at = &secrets;

	for (Secret *s = secrets; s != NULL; s = s->next)
		if (strcmp(s->text, text) == 0)
			return;
	secret = mg_must(malloc(sizeof *secret));
	secret->text = mg_must(strdup(text));
	secret->len = strlen(text);
	/* Longest first, so that one that contains another goes as a whole. */
	while (*at != NULL && (*at)->len > secret->len)
		at = &(*at)->next;
	secret->next = *at;
	*at = secret;
}

void
mg_log_secret(const char *secret)
{
	MgArena *arena;
	MgBuf json;

	if (secret == NULL || strlen(secret) < MG_SECRET_MIN)
		return;
	arena = mg_arena_new();
	mg_buf_init(&json, arena);
	mg_text_json(&json, secret);
	json.data[json.len - 1] = '\0';
	add_secret(secret);
	/* escapes in it that are none of ours would be read as ours */
	add_secret(json.data + 1);
	mg_arena_free(arena);
}

/* The byte that two hexadecimal digits stand for, -1 without them. */
static int
hex_byte(const char *p)
{
	char digits[3] = { p[0], p[0] != '\0' ? p[1] : '\0', '\0' };

	return isxdigit((unsigned char) digits[0]) && isxdigit((unsigned char) digits[1]) ?
			   (int) strtol(digits, NULL, 16) :
			   -1;
}

/* unicode_escape puts what \uXXXX stands for into utf8 and returns its length, 0 without one. */
static size_t
unicode_escape(const char *p, char *utf8)
{
	int high = p[0] == '\\' && p[1] == 'u' ? hex_byte(p + 2) : -1;
	int low = high >= 0 ? hex_byte(p + 4) : -1;
	int code = high * 256 + low;

	if (low < 0)
		return 0;
	if (code < 0x80)
		utf8[0] = (char) code;
	else if (code < 0x800)
	{
		utf8[0] = (char) (0xC0 | code >> 6);
		utf8[1] = (char) (0x80 | (code & 0x3F));
	}
	else
	{
		utf8[0] = (char) (0xE0 | code >> 12);
		utf8[1] = (char) (0x80 | (code >> 6 & 0x3F));
		utf8[2] = (char) (0x80 | (code & 0x3F));
	}
	return code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
}

/*
 * written_at returns how many bytes of the text are the secret, 0 when it is not there.
 * Each of its bytes may be written as URLs, forms, JSON, Python, Java and SQL do: %2f, +,
 * \u00e9, \', ''.  In a text that was cut off the beginning of a secret is one as well.
 */
static size_t
written_at(const char *text, const Secret *secret, bool cut)
{
	const char *p = text;
	const char *s = secret->text;

	if (strncmp(text, s, secret->len) == 0)
		return secret->len;
	while (*s != '\0' && *p != '\0')
	{
		char utf8[3];
		size_t bytes = unicode_escape(p, utf8);

		if (*p == '%' && hex_byte(p + 1) == (unsigned char) *s)
			p += 3;
		else if (bytes > 0 && strncmp(utf8, s, bytes) == 0)
		{
			p += 6;
			s += bytes - 1;
		}
		else if ((*p == '\\' || *p == '\'') && p[1] == *s)
			p += 2;
		else if (*p == *s || (*p == '+' && *s == ' '))
			p++;
		else
			return 0;
		s++;
	}
	return *s == '\0' || (cut && s - secret->text >= MG_SECRET_MIN) ? (size_t) (p - text) : 0;
}

/* without_known replaces the secrets that mg_log_secret was told. */
static const char *
without_known(MgArena *arena, const char *text, bool cut)
{
	MgBuf buf;

	if (secrets == NULL)
		return text;
	mg_buf_init(&buf, arena);
	while (*text != '\0')
	{
		size_t len = 0;

		for (const Secret *s = secrets; s != NULL && len == 0; s = s->next)
			len = written_at(text, s, cut);
		if (len > 0)
			mg_buf_add(&buf, "***");
		else
			mg_buf_add_bytes(&buf, text, 1);
		text += len > 0 ? len : 1;
	}
	return buf.data;
}

char *
mg_log_redact(MgArena *arena, const char *text)
{
	return text == NULL ? NULL : mg_mask(arena, without_known(arena, text, false), false);
}

char *
mg_log_redact_cut(MgArena *arena, const char *text)
{
	return mg_mask(arena, without_known(arena, text, true), false);
}

char *
mg_log_redact_json(MgArena *arena, const char *text)
{
	return text == NULL ? NULL : mg_mask(arena, without_known(arena, text, false), true);
}

/* "migguard: label: text"; every line of the text gets the prefix when lines may break. */
static void
add_text(MgBuf *out, const char *label, const char *text, bool may_break)
{
	char *copy = mg_log_redact(out->arena, text);

	while (copy != NULL)
	{
		char *end = may_break ? strchr(copy, '\n') : NULL;

		if (end != NULL)
			*end = '\0';
		mg_buf_addf(out, "migguard: %s", label);
		mg_text_escape(out, copy);
		mg_buf_add(out, "\n");
		copy = end != NULL && end[1] != '\0' ? end + 1 : NULL;
	}
}

static void
add_json(MgBuf *out, const char *key, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	mg_buf_addf(out, "%s\"%s\":", out->len > 1 ? "," : "", key);
	mg_text_json(out, mg_log_redact(out->arena, text));
}

/* One write a message, so that lines of several processes do not mix. */
static void
put(const MgBuf *out)
{
	fwrite(out->data, 1, out->len, stderr);
	fflush(stderr);
}

void
mg_log_error(const MgError *err)
{
	MgArena *arena = mg_arena_new();
	MgBuf out;

	mg_buf_init(&out, arena);
	if (log_json)
	{
		mg_buf_add(&out, "{");
		add_json(&out, "level", "error");
		add_json(&out, "message", err->message);
		add_json(&out, "where", err->where);
		add_json(&out, "sqlstate", err->sqlstate);
		add_json(&out, "detail", err->detail);
		add_json(&out, "hint", err->hint);
		add_json(&out, "page", err->page);
		mg_buf_addf(&out, ",\"exit_code\":%d}\n", (int) err->exit_code);
	}
	else
	{
		const char *message = err->message != NULL ? err->message : "unknown error";

		if (err->where != NULL)
			message = mg_printf(arena, "%s: %s", err->where, message);
		if (err->sqlstate[0] != '\0')
			message = mg_printf(arena, "%s (SQLSTATE %s)", message, err->sqlstate);
		add_text(&out, "error: ", message, false);
		add_text(&out, "detail: ", err->detail, true);
		add_text(&out, "hint: ", err->hint, true);
		if (err->page != NULL)
			add_text(&out, "see: ", mg_printf(arena, "migguard runbook %s", err->page), false);
	}
	put(&out);
	mg_arena_free(arena);
}

static void log_line(const char *level, const char *label, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

static void
log_line(const char *level, const char *label, const char *fmt, va_list args)
{
	MgArena *arena = mg_arena_new();
	char *text = mg_vprintf(arena, fmt, args);
	MgBuf out;

	mg_buf_init(&out, arena);
	if (log_json)
	{
		mg_buf_add(&out, "{");
		add_json(&out, "level", level);
		add_json(&out, "message", text);
		mg_buf_add(&out, "}\n");
	}
	else
		add_text(&out, label, text, false);
	put(&out);
	mg_arena_free(arena);
}

void
mg_log_warning(const char *fmt, ...)
{
	va_list args;

	if (log_level < 1)
		return;
	va_start(args, fmt);
	log_line("warning", "warning: ", fmt, args);
	va_end(args);
}

void
mg_log_info(const char *fmt, ...)
{
	va_list args;

	if (log_level < 1)
		return;
	va_start(args, fmt);
	log_line("info", "", fmt, args);
	va_end(args);
}

void
mg_log_verbose(const char *fmt, ...)
{
	va_list args;

	if (log_level < 2)
		return;
	va_start(args, fmt);
	log_line("verbose", "", fmt, args);
	va_end(args);
}

bool
mg_log_on_terminal(void)
{
	return log_level >= 1 && !log_json && isatty(STDERR_FILENO);
}

void
mg_log_line(const char *text)
{
	MgArena *arena = mg_arena_new();
	MgBuf out;

	mg_buf_init(&out, arena);
	mg_text_escape(&out, text);
	fprintf(stderr, "\r\033[K%s", mg_log_redact(arena, out.data));
	fflush(stderr);
	mg_arena_free(arena);
}

void
mg_log_state(int number, int of, const char *state, const char *status, long long elapsed_us,
			 const char *message)
{
	MgArena *arena;
	MgBuf out;

	if (log_level < 1)
		return;
	arena = mg_arena_new();
	mg_buf_init(&out, arena);
	if (log_json)
	{
		mg_buf_add(&out, "{");
		add_json(&out, "level", "state");
		add_json(&out, "state", state);
		add_json(&out, "status", status);
		mg_buf_addf(&out, ",\"number\":%d,\"of\":%d,\"elapsed_us\":%lld", number, of, elapsed_us);
		add_json(&out, "message", message);
		mg_buf_add(&out, "}\n");
	}
	else
	{
		char *text = mg_printf(arena, "[%d/%d] %-9s  %-7s", number, of, state, status);

		if (elapsed_us >= 0)
			text = mg_printf(arena, "%s  %8s", text, mg_text_duration(arena, elapsed_us));
		if (message != NULL && message[0] != '\0')
			text = mg_printf(arena, "%s  %s", text, message);
		add_text(&out, "", text, false);
	}
	put(&out);
	mg_arena_free(arena);
}
