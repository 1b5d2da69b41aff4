/*
 * sd_hint.c
 *	  Hints with the names of the statement that is judged.
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"

#include "sd_compat.h"
#include "sd_hint.h"

/* What a placeholder reads from, and what stands for a name that is not known. */
typedef struct Placeholder
{
	char letter;
	size_t offset;
	const char *fallback;
} Placeholder;

static const Placeholder placeholders[] = {
#define X(letter, field, word) { letter, offsetof(SdHintNames, field), word },
#include "common/sd_hint_names.h"
#undef X
};

/* append_name appends what a placeholder stands for. */
static void
append_name(StringInfo text, char letter, const SdHintNames *names)
{
	for (int i = 0; i < lengthof(placeholders); i++)
	{
		if (placeholders[i].letter == letter)
		{
			const char *name = *(const char *const *) ((const char *) names + placeholders[i].offset);

			appendStringInfoString(text, name != NULL ? name : placeholders[i].fallback);
			return;
		}
	}
	elog(ERROR, "unknown placeholder \"%%%c\" in a hint", letter);
}

const char *
sd_fill_hint(const char *hint, const SdHintNames *names)
{
	StringInfoData text;
	const char *mark;

	initStringInfo(&text);
	for (; (mark = strchr(hint, '%')) != NULL; hint = mark + 2)
	{
		appendBinaryStringInfo(&text, hint, mark - hint);
		append_name(&text, mark[1], names);
	}
	appendStringInfoString(&text, hint);
	return text.data;
}

const char *
sd_hint_columns(List *columns)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, columns)
	{
		Node *node = lfirst(cell);
		const char *name = IsA(node, IndexElem) ? ((IndexElem *) node)->name : strVal(node);

		if (name == NULL)
			return NULL;
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", quote_identifier(name));
	}
	return text.len > 0 ? text.data : NULL;
}

const char *
sd_hint_range(const RangeVar *name)
{
	return name->schemaname != NULL ? quote_qualified_identifier(name->schemaname, name->relname) :
									  quote_identifier(name->relname);
}

const char *
sd_hint_referenced(const Constraint *constraint)
{
	const char *name = sd_hint_range(constraint->pktable);

	if (constraint->pk_attrs == NIL)
		return name;
	return psprintf("%s (%s)", name, sd_hint_columns(constraint->pk_attrs));
}

/*
 * type_words returns a type as people write it where the grammar has turned a
 * keyword such as "integer" into an internal name, or NULL.
 */
static const char *
type_words(const List *names)
{
	static const char *const words[][2] = {
		{ "bool", "boolean" },	  { "int2", "smallint" }, { "int4", "integer" },
		{ "int8", "bigint" },	  { "float4", "real" },	  { "float8", "double precision" },
		{ "bpchar", "character" }
	};

	/* the one type whose name means another without its quotes */
	if (list_length(names) != 2 || strcmp(strVal(linitial(names)), "pg_catalog") != 0 ||
		strcmp(strVal(lsecond(names)), "char") == 0)
		return NULL;
	for (int i = 0; i < lengthof(words); i++)
		if (strcmp(strVal(lsecond(names)), words[i][0]) == 0)
			return words[i][1];
	/* numeric, interval and the like are keywords, which quotes would hide */
	return strVal(lsecond(names));
}

const char *
sd_hint_type(const TypeName *type)
{
	const char *words = type_words(type->names);
	StringInfoData text;
	ListCell *cell;
	const char *separator = "(";

	initStringInfo(&text);
	if (words != NULL)
		appendStringInfoString(&text, words);
	foreach (cell, words != NULL ? NIL : type->names)
		appendStringInfo(&text, "%s%s", text.len > 0 ? "." : "",
						 quote_identifier(strVal(lfirst(cell))));
	/* those of an interval are no numbers that could be written */
	if (strcmp(strVal(llast(type->names)), "interval") != 0)
	{
		foreach (cell, type->typmods)
		{
			if (!IsA(lfirst(cell), A_Const) || !IsA(&((A_Const *) lfirst(cell))->val, Integer))
				break;
			appendStringInfo(&text, "%s%d", separator,
							 intVal((Node *) &((A_Const *) lfirst(cell))->val));
			separator = ", ";
		}
		if (separator[0] == ',')
			appendStringInfoChar(&text, ')');
	}
	foreach (cell, type->arrayBounds)
		appendStringInfoString(&text, "[]");
	return text.data;
}

const char *
sd_hint_item(const char *own, const char *table, const char *column, const char *label)
{
	return quote_identifier(own != NULL ? own : makeObjectName(table, column, label));
}
