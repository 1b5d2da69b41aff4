/*
 * sd_diff_text.c
 *	  Words of the diff: paths, sentences, and what a type can hold.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "sd_diff.h"

#define SD_DIFF_VALUE_LENGTH 80

/* A plain name stands for itself, any other in double quotes. */
static void
append_name(StringInfo text, const char *name)
{
	bool plain = (*name >= 'a' && *name <= 'z') || *name == '_';

	for (const char *p = name; plain && *p; p++)
		plain = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_' || *p == '$';
	if (plain)
	{
		appendStringInfoString(text, name);
		return;
	}
	appendStringInfoChar(text, '"');
	for (const char *p = name; *p; p++)
	{
		if (*p == '"')
			appendStringInfoChar(text, '"');
		appendStringInfoChar(text, *p);
	}
	appendStringInfoChar(text, '"');
}

static char *
join_path(const SdDiffChange *change, int first)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = first; i < change->depth; i++)
	{
		if (i > first)
			appendStringInfoChar(&text, '.');
		append_name(&text, change->path[i]);
	}
	return text.data;
}

char *
sd_diff_path_text(const SdDiffChange *change)
{
	return change->depth == 0 ? NULL : join_path(change, 0);
}

char *
sd_diff_attribute(const SdDiffChange *change)
{
	return join_path(change, change->member ? 2 : 0);
}

/* Control characters would let a name write a line of its own in a report. */
static void
append_printable(StringInfo text, const char *s)
{
	for (; *s; s++)
	{
		if (*s == '\n')
			appendStringInfoString(text, "\\n");
		else if ((unsigned char) *s < ' ' || *s == 0x7f)
			appendStringInfo(text, "\\x%02x", (unsigned char) *s);
		else
			appendStringInfoChar(text, *s);
	}
}

/* The strings of an array with commas between; NULL for anything else. */
static char *
list_text(Jsonb *value)
{
	StringInfoData text;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue element;

	if (!JB_ROOT_IS_ARRAY(value) || JB_ROOT_IS_SCALAR(value))
		return NULL;
	initStringInfo(&text);
	it = JsonbIteratorInit(&value->root);
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (element.type != jbvString)
			return NULL;
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", sd_diff_value_string(&element));
	}
	return text.data;
}

/* What a missing value means: these are not there then, anything else has its default. */
static const char *
missing_value(const SdDiffChange *change)
{
	static const char *const absent[] = { "bound",	  "cluster",  "generated",
										  "inherits", "owned_by", "partition_of" };
	const char *name = change->depth > 0 ? change->path[change->depth - 1] : "";

	for (int i = 0; i < lengthof(absent); i++)
		if (strcmp(absent[i], name) == 0)
			return "nothing";
	return "its default";
}

static void
append_value(StringInfo text, const SdDiffChange *change, Jsonb *value)
{
	char *string;
	int length, shown;

	if (value == NULL)
	{
		appendStringInfoString(text, missing_value(change));
		return;
	}
	string = sd_diff_jsonb_string(value);
	if (string == NULL)
		string = list_text(value);
	if (string == NULL)
		string = JsonbToCString(NULL, &value->root, VARSIZE(value));
	length = strlen(string);
	shown = pg_mbcliplen(string, length, SD_DIFF_VALUE_LENGTH);
	string[shown] = '\0';
	appendStringInfoChar(text, '"');
	append_printable(text, string);
	appendStringInfo(text, "%s\"", shown < length ? "..." : "");
}

static void
append_object(StringInfo text, const SdDiffChange *change, const char *identity)
{
	const char *kind = change->pair->kind;

	appendStringInfo(text, "%s \"",
					 strcmp(kind, "default acl") == 0 ? "default privileges" :
					 strcmp(kind, "range") == 0		  ? "range type" :
														kind);
	append_printable(text, identity);
	appendStringInfoChar(text, '"');
}

/* The member and its object, or the object; under the old name when was. */
static void
append_thing(StringInfo text, const SdDiffChange *change, bool was)
{
	const char *old_name = was ? sd_diff_jsonb_string(change->old) : NULL;

	if (change->member == NULL)
	{
		append_object(text, change, old_name ? old_name : change->pair->identity);
		return;
	}
	appendStringInfo(text, "%s \"", sd_diff_collections[change->collection].kind);
	append_printable(text, old_name ? old_name : change->member);
	appendStringInfoString(text, "\" of ");
	append_object(text, change, change->pair->identity);
}

/* Attributes whose key is not what a person calls them. */
static const struct
{
	const char *key;
	const char *words;
} attribute_words[] = {
	{ "bound", "partition bound" },
	{ "cluster", "clustering index" },
	{ "cycle", "cycling" },
	{ "deferred", "initially deferred" },
	{ "fdw", "foreign data wrapper" },
	{ "generated", "expression" },
	{ "inherits", "list of parents" },
	{ "local", "defined locally" },
	{ "max", "maximum" },
	{ "min", "minimum" },
	{ "of_type", "row type" },
	{ "owned_by", "owning column" },
	{ "parallel", "parallel safety" },
	{ "partition_of", "parent" },
	{ "publish", "list of published operations" },
	{ "returns", "result type" },
	{ "rows", "estimated number of rows" },
	{ "statistics", "statistics target" },
	{ "tables", "published table" },
	{ "using", "condition" },
	{ "via_root", "published by its root" },
	{ "with_check", "check condition" },
};

/* The last names of the path in words: "identity increment", "replica identity". */
static void
append_attribute(StringInfo text, const SdDiffChange *change)
{
	int first = change->member ? 2 : 0;

	if (change->facet == SD_DIFF_OWNER)
	{
		appendStringInfoString(text, "owner");
		return;
	}
	if (change->depth <= first)
		appendStringInfoString(text, "definition");
	for (int i = first; i < change->depth; i++)
	{
		const char *words = NULL;

		for (int w = 0; w < lengthof(attribute_words); w++)
			if (strcmp(attribute_words[w].key, change->path[i]) == 0)
				words = attribute_words[w].words;
		if (i > first)
			appendStringInfoChar(text, ' ');
		if (words == NULL)
		{
			char *name = pstrdup(change->path[i]);

			for (char *p = name; *p; p++)
				if (*p == '_')
					*p = ' ';
			words = name;
		}
		append_printable(text, words);
	}
}

/* The attribute is many things: its last word ends in s, and it is no "list of" them. */
static bool
is_many(const SdDiffChange *change)
{
	StringInfoData words;

	initStringInfo(&words);
	append_attribute(&words, change);
	return words.len > 1 && words.data[words.len - 1] == 's' && words.data[words.len - 2] != 's' &&
		   strstr(words.data, " of ") == NULL;
}

static void
append_privileges(StringInfo text, const char *privileges)
{
	for (const char *p = privileges ? privileges : "nothing"; *p; p++)
	{
		if (*p == '*')
			appendStringInfoString(text, " with grant option");
		else
			appendStringInfoChar(text, *p);
	}
}

static void
append_quoted(StringInfo text, const char *name)
{
	appendStringInfoChar(text, '"');
	append_printable(text, name);
	appendStringInfoChar(text, '"');
}

/* Why it was not read, for both sides where both were not. */
static void
append_unread(StringInfo text, const SdDiffPair *pair)
{
	if (pair->old->unread != NULL)
		append_printable(text, pair->old->unread);
	if (pair->old->unread != NULL && pair->new->unread != NULL)
		appendStringInfoChar(text, ' ');
	if (pair->new->unread != NULL)
		append_printable(text, pair->new->unread);
}

static void
append_placeholder(StringInfo text, const SdDiffChange *change, const char *name, int length)
{
	if (strncmp(name, "thing", length) == 0)
		append_thing(text, change, false);
	else if (strncmp(name, "was", length) == 0)
		append_thing(text, change, true);
	else if (strncmp(name, "object", length) == 0)
		append_object(text, change, change->pair->identity);
	else if (strncmp(name, "attribute", length) == 0)
		append_attribute(text, change);
	else if (strncmp(name, "is", length) == 0)
		appendStringInfoString(text, strcmp(change->pair->kind, "default acl") == 0 ? "are" : "is");
	else if (strncmp(name, "change", length) == 0)
		appendStringInfoString(text, is_many(change) ? "change" : "changes");
	else if (strncmp(name, "follow", length) == 0)
		appendStringInfoString(text, is_many(change) ? "follow" : "follows");
	else if (strncmp(name, "old", length) == 0)
		append_value(text, change, change->old);
	else if (strncmp(name, "new", length) == 0)
		append_value(text, change, change->new);
	else if (strncmp(name, "granted", length) == 0)
		append_privileges(text, change->granted);
	else if (strncmp(name, "revoked", length) == 0)
		append_privileges(text, change->revoked);
	else if (strncmp(name, "unread", length) == 0)
		append_unread(text, change->pair);
	else if (strncmp(name, "key", length) == 0)
		append_quoted(text, change->path[change->depth - 1]);
	else if (strncmp(name, "grantee", length) == 0)
	{
		if (strcmp(change->path[change->depth - 1], "PUBLIC") == 0)
			appendStringInfoString(text, "PUBLIC");
		else
		{
			appendStringInfoString(text, "Role ");
			append_quoted(text, change->path[change->depth - 1]);
		}
	}
	else
		elog(ERROR, "unknown placeholder in the sentence of a change");
}

char *
sd_diff_render(const SdDiffChange *change, const char *template)
{
	StringInfoData text;

	initStringInfo(&text);
	for (const char *p = template; *p; p++)
	{
		const char *end = *p == '{' ? strchr(p, '}') : NULL;

		if (end == NULL)
		{
			appendStringInfoChar(&text, *p);
			continue;
		}
		append_placeholder(&text, change, p + 1, end - p - 1);
		p = end;
	}
	if (text.data[0] >= 'a' && text.data[0] <= 'z')
		text.data[0] = pg_toupper((unsigned char) text.data[0]);
	return text.data;
}

/* A type as format_type writes it, taken apart. */
typedef struct TypeName
{
	char *base;	 /* without modifiers and array brackets */
	int mods[2]; /* -1 when absent */
	int dimensions;
} TypeName;

static TypeName
parse_type(const char *text)
{
	TypeName type = { 0 };
	StringInfoData base;

	type.mods[0] = type.mods[1] = -1;
	initStringInfo(&base);
	for (const char *p = text; *p; p++)
	{
		if (*p == '[' && p[1] == ']')
		{
			type.dimensions++;
			p++;
		}
		else if (*p == '(')
		{
			if (sscanf(p, "(%d,%d)", &type.mods[0], &type.mods[1]) == 0)
				type.mods[0] = -1;
			while (p[1] && *p != ')')
				p++;
		}
		else
			appendStringInfoChar(&base, *p);
	}
	type.base = base.data;
	return type;
}

/* Changes between unmodified types that keep every value. */
static const struct
{
	const char *old_base;
	const char *new_base;
	SdDiffTypeChange change;
} widenings[] = {
	{ "smallint", "integer", SD_DIFF_TYPE_REWRITE },
	{ "smallint", "bigint", SD_DIFF_TYPE_REWRITE },
	{ "smallint", "numeric", SD_DIFF_TYPE_REWRITE },
	{ "smallint", "real", SD_DIFF_TYPE_REWRITE },
	{ "smallint", "double precision", SD_DIFF_TYPE_REWRITE },
	{ "integer", "bigint", SD_DIFF_TYPE_REWRITE },
	{ "integer", "numeric", SD_DIFF_TYPE_REWRITE },
	{ "integer", "double precision", SD_DIFF_TYPE_REWRITE },
	{ "bigint", "numeric", SD_DIFF_TYPE_REWRITE },
	{ "real", "double precision", SD_DIFF_TYPE_REWRITE },
	{ "date", "timestamp without time zone", SD_DIFF_TYPE_REWRITE },
	{ "cidr", "inet", SD_DIFF_TYPE_FREE },
	{ "jsonb", "json", SD_DIFF_TYPE_REWRITE },
	{ "character varying", "text", SD_DIFF_TYPE_FREE },
	{ "text", "character varying", SD_DIFF_TYPE_FREE },
};

/* Both types have one name; do the modifiers of the new one hold all of the old one? */
static SdDiffTypeChange
modifier_change(const TypeName *old, const TypeName *new)
{
	bool grown = new->mods[0] == -1 || (old->mods[0] != -1 && new->mods[0] >= old->mods[0]);

	if (strcmp(old->base, "numeric") == 0)
	{
		int old_scale = Max(old->mods[1], 0);
		int new_scale = Max(new->mods[1], 0);

		if (new->mods[0] == -1 || (grown && old_scale == new_scale))
			return SD_DIFF_TYPE_FREE;
		return old->mods[0] != -1 && new_scale >= old_scale &&
					   new->mods[0] - new_scale >= old->mods[0] - old_scale ?
				   SD_DIFF_TYPE_REWRITE :
				   SD_DIFF_TYPE_LOSSY;
	}
	if (strcmp(old->base, "character") == 0)
		return grown && new->mods[0] != -1 ? SD_DIFF_TYPE_REWRITE : SD_DIFF_TYPE_LOSSY;
	if (strcmp(old->base, "character varying") == 0 || strcmp(old->base, "bit varying") == 0 ||
		strncmp(old->base, "time", 4) == 0)
		return grown ? SD_DIFF_TYPE_FREE : SD_DIFF_TYPE_LOSSY;
	return SD_DIFF_TYPE_LOSSY;
}

static SdDiffTypeChange
scalar_change(const TypeName *old, const TypeName *new)
{
	if (strcmp(old->base, new->base) == 0)
		return modifier_change(old, new);
	for (int i = 0; i < lengthof(widenings); i++)
		if (strcmp(old->base, widenings[i].old_base) == 0 &&
			strcmp(new->base, widenings[i].new_base) == 0 && new->mods[0] == -1)
			return widenings[i].change;
	/* a blank-padded value loses its padding, which is no part of it */
	if (strcmp(old->base, "character") == 0 && strcmp(new->base, "character varying") == 0 &&
		(new->mods[0] == -1 || new->mods[0] >= old->mods[0]))
		return SD_DIFF_TYPE_REWRITE;
	/* every type can be written as text */
	if (strcmp(new->base, "text") == 0 ||
		(strcmp(new->base, "character varying") == 0 && new->mods[0] == -1))
		return SD_DIFF_TYPE_REWRITE;
	return SD_DIFF_TYPE_LOSSY;
}

SdDiffTypeChange
sd_diff_type_change(const char *old_type, const char *new_type)
{
	TypeName old = parse_type(old_type);
	TypeName new = parse_type(new_type);
	SdDiffTypeChange change;

	if (old.dimensions != new.dimensions)
		return SD_DIFF_TYPE_LOSSY;
	change = scalar_change(&old, &new);
	/* the server converts arrays element by element */
	return change == SD_DIFF_TYPE_FREE && old.dimensions > 0 ? SD_DIFF_TYPE_REWRITE : change;
}
