/*
 * alembic_text.c
 *	  The SQL text of single revisions in what "alembic upgrade --sql" prints.
 */
#include "alembic_text.h"

#include <ctype.h>
#include <string.h>

/* Cuts blank lines and the transaction around a migration off its text. */
static char *
trim_section(MgArena *arena, const char *start, size_t len)
{
	static const char *const words[] = { "COMMIT;", "BEGIN;" };
	bool again = true;

	while (again)
	{
		again = false;
		while (len > 0 && isspace((unsigned char) start[len - 1]))
			len--;
		for (size_t i = 0; i < 2; i++)
		{
			size_t n = strlen(words[i]);

			if (len >= n && strncmp(start + len - n, words[i], n) == 0 &&
				(len == n || start[len - n - 1] == '\n'))
			{
				len -= n;
				again = true;
			}
		}
	}
	while (len > 0 && isspace((unsigned char) *start))
	{
		start++;
		len--;
	}
	return mg_printf(arena, "%.*s\n", (int) len, start);
}

/*
 * Before 1.19, the text of a downgrade to the base drops the version table, which
 * the downgrade itself does not.
 */
static char *
without_drop_of_table(MgArena *arena, char *text)
{
	char *drop = text;
	char *at;

	while ((at = strstr(drop, "\nDROP TABLE ")) != NULL)
		drop = at + 1;
	if (drop != text && strstr(drop, ";\n") != NULL && strstr(drop, ";\n")[2] == '\0')
	{
		size_t len = strcspn(drop, ";") - strlen("DROP TABLE ");
		char *table = mg_strndup(arena, drop + strlen("DROP TABLE "), len);
		char *before = mg_strndup(arena, text, (size_t) (drop - text));

		if (strstr(before,
				   mg_printf(arena, "DELETE FROM %s WHERE %s.version_num = ", table, table)) != NULL)
			return trim_section(arena, before, strlen(before));
	}
	return text;
}

/* "-- Running upgrade a -> b" or "-- Running downgrade b -> a": position of b, or -1. */
static int
marked_revision(MgArena *arena, const MgAlembicGraph *graph, const char *line, bool up)
{
	const char *mark = up ? "-- Running upgrade " : "-- Running downgrade ";
	char *copy = mg_strndup(arena, line, strcspn(line, "\n"));
	char *arrow = strstr(copy, " -> ");

	if (strncmp(copy, mark, strlen(mark)) != 0 || arrow == NULL)
		return -1;
	*arrow = '\0';
	return mg_alembic_graph_find(graph, up ? arrow + 4 : copy + strlen(mark));
}

int
mg_alembic_text_split(MgArena *arena, const MgAlembicGraph *graph, const char *output, bool up,
					  bool complete, const char **texts)
{
	const char *start = NULL;
	int current = -1;

	for (const char *line = output;;)
	{
		int found = marked_revision(arena, graph, line, up);

		if (current >= 0 && (found >= 0 || *line == '\0') && (*line != '\0' || complete))
			texts[current] =
				without_drop_of_table(arena, trim_section(arena, start, (size_t) (line - start)));
		if (*line == '\0')
			break;
		if (found >= 0)
			current = found;
		line += strcspn(line, "\n");
		line += *line == '\n';
		if (found >= 0)
			start = line;
	}
	return complete ? -1 : current;
}

char *
mg_alembic_paste(MgArena *arena, const char *sql)
{
	MgBuf text;

	mg_buf_init(&text, arena);
	mg_buf_addf(&text, "op.execute(\"");
	for (const char *c = sql; *c != '\0'; c++)
	{
		bool binds = *c == ':' && (c == sql || c[-1] != ':') && c[1] != ':' &&
					 (isalnum((unsigned char) c[1]) || c[1] == '_');

		if (*c == '\n')
			mg_buf_addf(&text, "\\n");
		else if (binds)
			mg_buf_addf(&text, "\\\\:");
		else
			mg_buf_addf(&text, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
	}
	mg_buf_addf(&text, "\")");
	return text.data;
}
