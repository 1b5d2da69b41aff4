/*
 * text.h
 *	  Small work on text: escaping for terminals and JSON, UTF-8, near matches.
 */
#ifndef MG_TEXT_H
#define MG_TEXT_H

#include "arena.h"

/*
 * Adds the text with control characters, invalid UTF-8 and marks that change
 * the direction of writing as visible escapes, so that it stays one line.
 */
extern void mg_text_escape(MgBuf *buf, const char *text);

/* Adds the text as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
extern void mg_text_json(MgBuf *buf, const char *text);
/* The text of JSON with escapes for characters that hide or turn around what is printed. */
extern char *mg_text_json_escaped(MgArena *arena, const char *json);

/* Length of the valid UTF-8 sequence at s, 0 when it is invalid; end is the end of the text. */
extern int mg_text_utf8_length(const char *s, const char *end);
extern bool mg_text_is_utf8(const char *text, size_t len);

/* The text itself when it is UTF-8, else with \xNN for each byte that is not; NULL stays NULL. */
extern const char *mg_text_as_utf8(MgArena *arena, const char *text);

/* Columns that the text takes on a terminal, one for each character. */
extern int mg_text_width(const char *text);

/* Number of single-character edits between two words; for "did you mean". */
extern int mg_text_distance(const char *a, const char *b);

/* Percent-encoding for the parts of a URL. */
extern char *mg_text_percent(MgArena *arena, const char *text);

/* "1 migration", "3 migrations" */
extern char *mg_text_count(MgArena *arena, int count, const char *noun);

/* "350 ms", "1.2 s", "3 min 20 s", "2 h 5 min" */
extern char *mg_text_duration(MgArena *arena, long long us);

#endif
