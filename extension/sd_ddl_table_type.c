/*
 * sd_ddl_table_type.c
 *	  A column gets its old type back.
 *
 * A value that the old type cannot hold must end the step with an error, never
 * be cut.  An explicit cast to varchar(10) cuts, so the expression casts to the
 * type without its modifier and leaves the rest to the assignment.
 */
#include "postgres.h"

#include "parser/parse_coerce.h"
#include "utils/builtins.h"

#include "sd_compat_catalog.h"
#include "sd_ddl_table.h"

/* The type without modifier and array: "character varying(10)[]" is "character varying". */
static char *
bare_type(const char *type)
{
	char *bare = pstrdup(type);
	size_t length = strlen(bare);
	char *open, *close;

	while (length > 2 && strcmp(bare + length - 2, "[]") == 0)
		bare[length -= 2] = '\0';
	open = strchr(bare, '(');
	close = open ? strchr(open, ')') : NULL;
	/* not in a quoted name */
	if (close != NULL && strchr(bare, '"') == NULL)
		memmove(open, close + 1, strlen(close + 1) + 1);
	return bare;
}

static bool
is_array(const char *type)
{
	size_t length = strlen(type);

	return length > 2 && strcmp(type + length - 2, "[]") == 0;
}

/* The type to cast to: one without a modifier that would cut. */
static char *
cast_target(const char *type)
{
	char *bare = bare_type(type);

	if (strcmp(bare, "character") == 0)
		bare = "bpchar";
	else if (strcmp(bare, "bit") == 0)
		bare = "bit varying";
	return psprintf("%s%s", bare, is_array(type) ? "[]" : "");
}

/* Whether a cast leads from one type to the other, as far as the types are known here. */
static bool
cast_exists(const char *from, const char *to)
{
	Oid types[2];
	const char *names[2] = { from, to };

	for (int i = 0; i < 2; i++)
	{
		types[i] = sd_compat_parse_type(names[i]);
		if (!OidIsValid(types[i]))
			return false;
	}
	return can_coerce_type(1, &types[0], &types[1], COERCION_EXPLICIT);
}

bool
sd_ddl_column_retyped(SdDdl *ddl, SdNode *old, SdNode *new)
{
	bool type = !sd_ddl_same(ddl, sd_ddl_get(old, "type"), sd_ddl_get(new, "type"));
	bool collation = !sd_ddl_same(ddl, sd_ddl_get(old, "collation"), sd_ddl_get(new, "collation"));

	return type || collation || sd_ddl_listed(ddl->retyped, bare_type(sd_ddl_text(old, "type", "")));
}

static const char *
using_clause(SdDdl *ddl, const char *column, const char *old, const char *new)
{
	const char *name = quote_identifier(column);

	if (sd_ddl_listed(ddl->retyped, bare_type(old)))
		return psprintf(" USING %s::text%s::%s", name, is_array(old) ? "[]" : "", old);
	if (strcmp(bare_type(old), bare_type(new)) == 0 && is_array(old) == is_array(new))
		return "";
	if (is_array(old) && !is_array(new))
		return psprintf(" USING CASE WHEN %s IS NOT NULL THEN ARRAY[%s]::%s END", name, name,
						cast_target(old));
	if (is_array(new) && !is_array(old) && !cast_exists(new, old))
		return psprintf(" USING (%s)[1]::%s", name, cast_target(old));
	if (is_array(old) == is_array(new) && !cast_exists(new, old))
		return psprintf(" USING %s::text%s::%s", name, is_array(old) ? "[]" : "", cast_target(old));
	return psprintf(" USING %s::%s", name, cast_target(old));
}

void
sd_ddl_alter_type(SdDdl *ddl, const char *column, SdNode *old, SdNode *new)
{
	const char *type = sd_ddl_text(old, "type", "");
	const char *other = sd_ddl_text(new, "type", "");
	const char *collation = sd_ddl_text(old, "collation", NULL);
	bool rebuilt = sd_ddl_listed(ddl->retyped, bare_type(type));
	/* of a foreign table no value is stored here; of a computed one, it is made again */
	bool converts = strcmp(ddl->kind, "foreign table") != 0 && sd_map_find(old, "generated") == NULL;
	SdDdlStep *step;

	step = sd_ddl_step(ddl, "%s ALTER COLUMN %s TYPE %s%s%s%s", sd_ddl_alter_words(ddl),
					   quote_identifier(column), type, collation ? " COLLATE " : "",
					   collation ? collation : "",
					   converts ? using_clause(ddl, column, type, other) : "");
	if (rebuilt)
		sd_ddl_loses(step, SD_DDL_STRUCTURAL, SD_DIFF_NONE,
					 "fails when the column holds a value that the old type does not have");
	else if (converts && sd_diff_type_change(other, type) == SD_DIFF_TYPE_LOSSY)
		sd_ddl_loses(step, SD_DDL_FULL, SD_DIFF_POSSIBLE,
					 is_array(other) && !is_array(type) ?
						 "only the first element of each array stays" :
						 "fails, or changes a value, where the old type does not hold it");
}
