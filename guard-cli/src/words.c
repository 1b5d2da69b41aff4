/*
 * words.c
 *	  Splitting of a command line.
 */
#include "words.h"

#include <string.h>

bool
mg_words_split(const char *text, MgStrings *words, MgError *err)
{
	MgBuf word;
	bool inside = false;
	char quote = '\0';

	mg_buf_init(&word, words->arena);
	for (const char *p = text; *p != '\0'; p++)
	{
		if (quote != '\0' && *p == quote)
			quote = '\0';
		else if (*p == '\\' && quote != '\'' && p[1] != '\0')
		{
			mg_buf_add_bytes(&word, ++p, 1);
			inside = true;
		}
		else if (quote != '\0')
			mg_buf_add_bytes(&word, p, 1);
		else if (*p == '\'' || *p == '"')
		{
			quote = *p;
			inside = true;
		}
		else if (strchr(" \t\r\n", *p) == NULL)
		{
			mg_buf_add_bytes(&word, p, 1);
			inside = true;
		}
		else if (inside)
		{
			mg_strings_add(words, word.data);
			mg_buf_init(&word, words->arena);
			inside = false;
		}
	}
	if (quote != '\0')
		return mg_err_set(err, MG_EXIT_CONFIG, "unterminated %c in command", quote);
	if (inside)
		mg_strings_add(words, word.data);
	if (words->count == 0)
		return mg_err_set(err, MG_EXIT_CONFIG, "command is empty");
	return true;
}
