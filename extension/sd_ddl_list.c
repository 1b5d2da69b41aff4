/*
 * sd_ddl_list.c
 *	  Lists of options as statements write them, from tables.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "sd_ddl_list.h"

#define HIDDEN "(hidden)"

const char *
sd_ddl_spell(const char *const (*spelling)[2], const char *value)
{
	if (spelling == NULL || value == NULL)
		return value;
	for (; (*spelling)[0] != NULL; spelling++)
		if (strcmp((*spelling)[0], value) == 0)
			return (*spelling)[1];
	return value;
}

static void
append_option(StringInfo buf, const SdDdlOption *option, const char *value)
{
	appendStringInfo(buf, "%s%s", buf->len > 0 ? ", " : "", option->word);
	if (option->form == SD_DDL_WORD)
		appendStringInfo(buf, " = %s", sd_ddl_spell(option->spelling, value));
	else if (option->form == SD_DDL_LITERAL)
		appendStringInfo(buf, " = %s", sd_ddl_literal(value));
}

char *
sd_ddl_list(SdDdl *ddl, const SdDdlOption *options)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (; options->key != NULL; options++)
	{
		const char *value = sd_ddl_old(ddl, "core", options->key, NULL);

		if (value != NULL && (options->unless == NULL || strcmp(value, options->unless) != 0))
			append_option(&buf, options, value);
	}
	return buf.data;
}

char *
sd_ddl_list_changes(SdDdl *ddl, const SdDdlOption *options)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (; options->key != NULL; options++)
	{
		const char *value;

		if (!sd_ddl_changed(ddl, "core", options->key))
			continue;
		value = sd_ddl_old(ddl, "core", options->key, NULL);
		if (value != NULL)
			append_option(&buf, options, value);
		else
			appendStringInfo(&buf, "%s%s = NONE", buf.len > 0 ? ", " : "", options->word);
	}
	return buf.data;
}

bool
sd_ddl_list_changed(SdDdl *ddl, const SdDdlOption *options)
{
	bool changed = false;

	for (; options->key != NULL; options++)
		changed |= sd_ddl_changed(ddl, "core", options->key);
	return changed;
}

/* Appends one option, unless its value is not known. */
static void
append_foreign(SdDdl *ddl, StringInfo buf, const char *verb, SdNode *option)
{
	const char *name = sd_ddl_key(option);
	const char *value = sd_ddl_scalar(option);

	if (value != NULL && strcmp(value, HIDDEN) == 0)
	{
		sd_ddl_impossible(ddl,
						  "option \"%s\" has to be set by hand: a snapshot does not keep its value",
						  name);
		return;
	}
	appendStringInfo(buf, "%s%s%s %s", buf->len > 0 ? ", " : "", verb, quote_identifier(name),
					 sd_ddl_literal(value ? value : ""));
}

static char *
options_clause(const char *list)
{
	return list[0] ? psprintf(" OPTIONS (%s)", list) : pstrdup("");
}

char *
sd_ddl_foreign_options(SdDdl *ddl, SdNode *options)
{
	StringInfoData buf;

	initStringInfo(&buf);
	sd_ddl_mark(options);
	for (SdNode *option = options ? options->first : NULL; option != NULL; option = option->next)
		append_foreign(ddl, &buf, "", option);
	return options_clause(buf.data);
}

char *
sd_ddl_foreign_changes(SdDdl *ddl, SdNode *old, SdNode *new)
{
	StringInfoData buf;

	initStringInfo(&buf);
	sd_ddl_mark(old);
	sd_ddl_mark(new);
	for (SdNode *option = old ? old->first : NULL; option != NULL; option = option->next)
	{
		SdNode *present = new ? sd_map_find(new, sd_ddl_key(option)) : NULL;

		if (!sd_ddl_equal(option, present))
			append_foreign(ddl, &buf, present ? "SET " : "ADD ", option);
	}
	for (SdNode *option = new ? new->first : NULL; option != NULL; option = option->next)
		if (old == NULL || sd_map_find(old, sd_ddl_key(option)) == NULL)
			appendStringInfo(&buf, "%sDROP %s", buf.len > 0 ? ", " : "",
							 quote_identifier(sd_ddl_key(option)));
	return options_clause(buf.data);
}

/* A setting that is a list is stored with its elements quoted, and must be written as a list. */
static char *
setting_value(const char *name, const char *value)
{
	StringInfoData buf;
	List *elements;
	ListCell *lc;

	if ((GetConfigOptionFlags(name, true) & GUC_LIST_QUOTE) == 0 ||
		!SplitGUCList(pstrdup(value), ',', &elements) || elements == NIL)
		return pstrdup(sd_ddl_literal(value));
	initStringInfo(&buf);
	foreach (lc, elements)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "", sd_ddl_literal(lfirst(lc)));
	return buf.data;
}

SdNode *
sd_ddl_counterpart(SdDdl *ddl, SdNode *map, const char *key, bool map_is_new)
{
	SdNode *found = map ? sd_map_find(map, key) : NULL;
	SdNode text = { .type = SD_NODE_STRING, .str = key, .len = strlen(key) };

	for (SdNode *member = map ? map->first : NULL; member != NULL && found == NULL;
		 member = member->next)
	{
		SdNode other = { .type = SD_NODE_STRING, .str = member->key, .len = member->keylen };

		if (sd_ddl_same(ddl, map_is_new ? &text : &other, map_is_new ? &other : &text))
			found = member;
	}
	return found;
}

char *
sd_ddl_setting(SdDdl *ddl, SdNode *setting)
{
	const char *name = sd_ddl_key(setting);
	const char *value = sd_ddl_scalar(setting);

	if (strcmp(value, HIDDEN) != 0)
		return psprintf("SET %s TO %s", quote_identifier(name), setting_value(name, value));
	sd_ddl_impossible(ddl, "setting \"%s\" has to be set by hand: a snapshot does not keep its value",
					  name);
	return NULL;
}

bool
sd_ddl_split(const char *text, const char *separator, char **before, char **after)
{
	size_t len = strlen(separator);
	const char *found = NULL;
	bool quoted = false;

	for (const char *p = text; *p != '\0'; p++)
	{
		if (*p == '"')
			quoted = !quoted;
		else if (!quoted && strncmp(p, separator, len) == 0)
			found = p;
	}
	if (found == NULL)
		return false;
	*before = pnstrdup(text, found - text);
	*after = pstrdup(found + len);
	return true;
}

char *
sd_ddl_name(const char *identity)
{
	bool quoted = false;

	for (const char *p = identity; *p != '\0'; p++)
	{
		if (*p == '"')
			quoted = !quoted;
		else if (*p == '(' && !quoted)
			return pnstrdup(identity, p - identity);
	}
	return pstrdup(identity);
}

char *
sd_ddl_unquote(const char *name)
{
	StringInfoData buf;

	if (name[0] != '"')
		return pstrdup(name);
	initStringInfo(&buf);
	for (const char *p = name + 1; *p != '\0'; p++)
	{
		if (*p == '"' && *++p != '"')
			break;
		appendStringInfoChar(&buf, *p);
	}
	return buf.data;
}

char *
sd_ddl_ask(const char *query, const char *first, const char *second)
{
	Oid types[2] = { TEXTOID, TEXTOID };
	Datum values[2] = { CStringGetTextDatum(first), CStringGetTextDatum(second) };
	MemoryContext caller = CurrentMemoryContext;
	char *answer = NULL;

	SPI_connect();
	if (SPI_execute_with_args(query, 2, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not run \"%s\"", query);
	if (SPI_processed > 0)
	{
		char *value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);

		answer = value ? MemoryContextStrdup(caller, value) : NULL;
	}
	SPI_finish();
	return answer;
}
