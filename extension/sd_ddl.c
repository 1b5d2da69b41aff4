/*
 * sd_ddl.c
 *	  What all writers of DDL share: steps, readers that mark, whole runs.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "sd_ddl.h"
#include "sd_diff_names.h"

/* The families of writers; each is a list that ends with a NULL kind. */
static const SdDdlKind *const families[] = {
	sd_ddl_table_kinds,		  sd_ddl_misc_kinds,		sd_ddl_type_kinds,
	sd_ddl_routine_kinds,	  sd_ddl_operator_kinds,	sd_ddl_text_search_kinds,
	sd_ddl_foreign_kinds,	  sd_ddl_replication_kinds, sd_ddl_privilege_kinds,
	sd_ddl_environment_kinds,
};

const SdDdlKind *
sd_ddl_kind(const char *kind)
{
	for (int f = 0; f < lengthof(families); f++)
		for (const SdDdlKind *row = families[f]; row->kind != NULL; row++)
			if (strcmp(row->kind, kind) == 0)
				return row;
	return NULL;
}

const char *
sd_ddl_name_now(SdDdl *ddl, SdDiffCollection collection, const char *name)
{
	if (name[0] == SD_DDL_DISPLACED)
		return name + 1;
	return ddl->pair ? sd_diff_new_name(ddl->pair, collection, name) : name;
}

/* The collection of a part, and where its name begins; defaults are the columns'. */
static SdDiffCollection
collection_of(const char *part, const char **name)
{
	const char *dot = strchr(part, '.');

	*name = dot ? dot + 1 : part;
	if (dot != NULL && strncmp(part, "defaults.", 9) == 0)
		return SD_DIFF_COLUMNS;
	for (int c = 0; dot != NULL && c < SD_DIFF_COLLECTIONS; c++)
	{
		const char *key = sd_diff_collections[c].key;

		if (key != NULL && strlen(key) == dot - part && strncmp(part, key, dot - part) == 0)
			return c;
	}
	return SD_DIFF_COLLECTIONS;
}

const char *
sd_ddl_part_now(SdDdl *ddl, const char *part)
{
	const char *name;
	SdDiffCollection collection = collection_of(part, &name);

	if (collection == SD_DIFF_COLLECTIONS)
		return part;
	return psprintf("%.*s%s", (int) (name - part), part, sd_ddl_name_now(ddl, collection, name));
}

const char *
sd_ddl_part_then(const SdDiffPair *pair, const char *part)
{
	const char *name;
	SdDiffCollection collection = collection_of(part, &name);
	const char *old;

	if (collection == SD_DIFF_COLLECTIONS)
		return part;
	old = sd_diff_old_name(pair, collection, name);
	return old ? psprintf("%.*s%s", (int) (name - part), part, old) : part;
}

static SdDdlStep *
add_step(SdDdl *ddl)
{
	SdDdlStep *step = palloc0(sizeof(SdDdlStep));

	step->stage = ddl->stage;
	step->part = ddl->part;
	/* names have not been changed back yet */
	if (ddl->part != NULL && ddl->stage == SD_DDL_BEFORE)
		step->part = sd_ddl_part_now(ddl, ddl->part);
	step->kind = ddl->kind;
	step->identity = ddl->identity;
	ddl->steps = lappend(ddl->steps, step);
	return step;
}

char *
sd_ddl_format(const char *format, va_list *args)
{
	StringInfoData buf;
	va_list copy;
	int needed;

	initStringInfo(&buf);
	do
	{
		va_copy(copy, *args);
		needed = appendStringInfoVA(&buf, format, copy);
		va_end(copy);
		if (needed > 0)
			enlargeStringInfo(&buf, needed);
	} while (needed > 0);
	return buf.data;
}

SdDdlStep *
sd_ddl_step(SdDdl *ddl, const char *format, ...)
{
	SdDdlStep *step = add_step(ddl);
	va_list args;

	va_start(args, format);
	step->sql = sd_ddl_format(format, &args);
	va_end(args);
	return step;
}

SdDdlStep *
sd_ddl_impossible(SdDdl *ddl, const char *format, ...)
{
	SdDdlStep *step = add_step(ddl);
	va_list args;

	va_start(args, format);
	step->reason = sd_ddl_format(format, &args);
	va_end(args);
	step->level = SD_DDL_NONE;
	return step;
}

void
sd_ddl_loses(SdDdlStep *step, SdDdlLevel level, SdDiffLoss loss, const char *reason)
{
	step->level = level;
	step->loss = loss;
	step->reason = reason;
}

void
sd_ddl_mark(SdNode *node)
{
	if (node != NULL)
		node->used = true;
}

/* A map is entered, anything else is dealt with when it is read. */
SdNode *
sd_ddl_get(SdNode *map, const char *key)
{
	SdNode *node;

	if (map == NULL || map->type != SD_NODE_MAP)
		return NULL;
	node = sd_map_find(map, key);
	if (node != NULL && node->type != SD_NODE_MAP)
		node->used = true;
	return node;
}

const char *
sd_ddl_scalar(SdNode *node)
{
	if (node == NULL)
		return NULL;
	switch (node->type)
	{
		case SD_NODE_STRING:
		case SD_NODE_NUMBER:
			return pnstrdup(node->str, node->len);
		case SD_NODE_BOOL:
			return node->boolean ? "true" : "false";
		default:
			return NULL;
	}
}

char *
sd_ddl_key(SdNode *node)
{
	return pnstrdup(node->key, node->keylen);
}

const char *
sd_ddl_text(SdNode *map, const char *key, const char *otherwise)
{
	const char *text = sd_ddl_scalar(sd_ddl_get(map, key));

	return text ? text : otherwise;
}

bool
sd_ddl_true(SdNode *map, const char *key)
{
	SdNode *node = sd_ddl_get(map, key);

	return node != NULL && node->type == SD_NODE_BOOL && node->boolean;
}

static SdNode *
descend(SdNode *side, const char *facet, const char *key, const char *member)
{
	SdNode *node = sd_ddl_get(side, facet);

	if (key != NULL)
		node = sd_ddl_get(node, key);
	if (member != NULL)
		node = sd_ddl_get(node, member);
	return node;
}

SdNode *
sd_ddl_node(SdDdl *ddl, SdNode *side, const char *facet, const char *key, const char *member)
{
	/* the other side's value is dealt with along with this one */
	(void) descend(side == ddl->old ? ddl->new : ddl->old, facet, key, member);
	return descend(side, facet, key, member);
}

const char *
sd_ddl_old(SdDdl *ddl, const char *facet, const char *key, const char *otherwise)
{
	const char *text = sd_ddl_scalar(sd_ddl_node(ddl, ddl->old, facet, key, NULL));

	return text ? text : otherwise;
}

const char *
sd_ddl_new(SdDdl *ddl, const char *facet, const char *key, const char *otherwise)
{
	const char *text = sd_ddl_scalar(sd_ddl_node(ddl, ddl->new, facet, key, NULL));

	return text ? text : otherwise;
}

bool
sd_ddl_equal(SdNode *a, SdNode *b)
{
	check_stack_depth();
	if (a == NULL || b == NULL)
		return a == b;
	if (a->type != b->type || a->len != b->len)
		return false;
	switch (a->type)
	{
		case SD_NODE_MAP:
			for (SdNode *member = a->first; member != NULL; member = member->next)
				if (!sd_ddl_equal(member, sd_map_find(b, sd_ddl_key(member))))
					return false;
			return true;
		case SD_NODE_LIST:
			for (SdNode *x = a->first, *y = b->first; x != NULL; x = x->next, y = y->next)
				if (!sd_ddl_equal(x, y))
					return false;
			return true;
		case SD_NODE_STRING:
		case SD_NODE_NUMBER:
			return memcmp(a->str, b->str, a->len) == 0;
		case SD_NODE_BOOL:
			return a->boolean == b->boolean;
		case SD_NODE_NULL:
			return true;
	}
	return false;
}

bool
sd_ddl_listed(List *texts, const char *text)
{
	ListCell *cell;

	foreach (cell, texts)
		if (strcmp(lfirst(cell), text) == 0)
			return true;
	return false;
}

bool
sd_ddl_same(SdDdl *ddl, SdNode *old, SdNode *new)
{
	SdDiffChange change = { .op = SD_DIFF_ALTER, .kind = ddl->kind, .pair = ddl->pair };
	SdDiffChange *cause = NULL;

	if (sd_ddl_equal(old, new))
		return true;
	if (ddl->names == NULL || ddl->pair == NULL || old == NULL || new == NULL ||
		old->type != new->type)
		return false;
	if (old->type == SD_NODE_STRING)
	{
		change.old = sd_diff_string_jsonb(sd_ddl_scalar(old));
		change.new = sd_diff_string_jsonb(sd_ddl_scalar(new));
	}
	else if (old->type == SD_NODE_MAP || old->type == SD_NODE_LIST)
	{
		change.old = sd_node_to_jsonb(old);
		change.new = sd_node_to_jsonb(new);
	}
	else
		return false;
	return sd_diff_values_same_but_names(ddl->names, &change, &cause);
}

/* Text that the server does not change when something that it names is renamed. */
static bool
is_mere_text(SdDdl *ddl, const char *key)
{
	SdNode *core = ddl->old ? sd_map_find(ddl->old, "core") : NULL;

	if (strcmp(key, "config") == 0)
		return true;
	return strcmp(key, "body") == 0 && (core == NULL || sd_map_find(core, "sql_body") == NULL);
}

bool
sd_ddl_changed(SdDdl *ddl, const char *facet, const char *key)
{
	SdNode *old = descend(ddl->old, facet, key, NULL);
	SdNode *new = descend(ddl->new, facet, key, NULL);

	sd_ddl_mark(old);
	sd_ddl_mark(new);
	if (key != NULL && is_mere_text(ddl, key))
		return !sd_ddl_equal(old, new);
	return !sd_ddl_same(ddl, old, new);
}

static char *
join_path(const char *path, const char *key)
{
	return path == NULL ? pstrdup(key) : psprintf("%s.%s", path, key);
}

static void
left_out(SdDdl *ddl, const char *path)
{
	sd_ddl_impossible(ddl, "no statement is known that sets \"%s\" of a %s", path, ddl->kind);
}

/* Keys of a new object that no writer has asked for. */
static void
leftovers_of_one(SdDdl *ddl, SdNode *map, const char *path)
{
	check_stack_depth();
	for (SdNode *member = map->first; member != NULL; member = member->next)
	{
		char *name;

		if (member->used)
			continue;
		name = join_path(path, sd_ddl_key(member));
		if (member->type == SD_NODE_MAP)
			leftovers_of_one(ddl, member, name);
		else
			left_out(ddl, name);
	}
}

/* Keys whose values differ and that no writer has asked for. */
static void
leftovers_of_two(SdDdl *ddl, SdNode *old, SdNode *new, const char *path)
{
	check_stack_depth();
	for (SdNode *member = old->first; member != NULL; member = member->next)
	{
		char *key = sd_ddl_key(member);
		SdNode *other = sd_map_find(new, key);

		if (member->used || (other != NULL && other->used) || sd_ddl_same(ddl, member, other))
			continue;
		if (member->type == SD_NODE_MAP && other != NULL && other->type == SD_NODE_MAP)
			leftovers_of_two(ddl, member, other, join_path(path, key));
		else if (member->type == SD_NODE_MAP)
			leftovers_of_one(ddl, member, join_path(path, key));
		else
			left_out(ddl, join_path(path, key));
	}
	for (SdNode *member = new->first; member != NULL; member = member->next)
	{
		char *key = sd_ddl_key(member);

		if (member->used || sd_map_find(old, key) != NULL)
			continue;
		if (member->type == SD_NODE_MAP)
			leftovers_of_one(ddl, member, join_path(path, key));
		else
			left_out(ddl, join_path(path, key));
	}
}

/*
 * Steps for what is left: keys of old (in a creation), or differences (in a
 * change) that nobody has marked.
 */
static void
write_leftovers(SdDdl *ddl)
{
	if (ddl->old == NULL)
		return;
	ddl->part = NULL;
	if (ddl->new == NULL)
		leftovers_of_one(ddl, ddl->old, NULL);
	else
		leftovers_of_two(ddl, ddl->old, ddl->new, NULL);
}

SdDdl *
sd_ddl_begin(const char *kind, const char *identity, const char *new_identity, Jsonb *old, Jsonb *new)
{
	SdDdl *ddl = palloc0(sizeof(SdDdl));

	ddl->writer = sd_ddl_kind(kind);
	ddl->kind = kind;
	ddl->identity = identity;
	ddl->new_identity = new_identity;
	ddl->old = old ? sd_node_from_jsonb(&old->root) : NULL;
	ddl->new = new ? sd_node_from_jsonb(&new->root) : NULL;
	ddl->stage = ddl->writer && ddl->writer->late ? SD_DDL_AFTER : SD_DDL_MAKE;
	return ddl;
}

static void
write_common(SdDdl *ddl)
{
	if (ddl->writer->plain)
		return;
	ddl->part = NULL;
	ddl->stage = ddl->writer->late ? SD_DDL_AFTER : SD_DDL_MAKE;
	sd_ddl_common(ddl);
}

static void
no_writer(SdDdl *ddl, const char *what)
{
	sd_ddl_impossible(ddl, "a %s cannot be %s: statements for this kind are not known", ddl->kind,
					  what);
}

void
sd_ddl_run_create(SdDdl *ddl)
{
	bool made = false;
	ListCell *cell;

	if (ddl->writer == NULL || ddl->writer->create == NULL)
	{
		no_writer(ddl, "made again");
		return;
	}
	ddl->writer->create(ddl);
	/* what is not made has no owner and no comment */
	foreach (cell, ddl->steps)
		made |= ((SdDdlStep *) lfirst(cell))->sql != NULL;
	if (!made && ddl->steps != NIL)
		return;
	write_common(ddl);
	write_leftovers(ddl);
}

static bool
is_common(SdNode *node)
{
	const char *key = sd_ddl_key(node);

	return strcmp(key, "acl") == 0 || strcmp(key, "security_labels") == 0;
}

/* A change that the common facets do not cover. */
static bool
differs_in_itself(SdDdl *ddl)
{
	static const char *const facets[] = { "core", "storage", "version" };
	SdNode *old = sd_map_find(ddl->old, "security");
	SdNode *new = sd_map_find(ddl->new, "security");

	for (int f = 0; f < lengthof(facets); f++)
		if (!sd_ddl_same(ddl, sd_map_find(ddl->old, facets[f]), sd_map_find(ddl->new, facets[f])))
			return true;
	for (SdNode *node = old ? old->first : NULL; node != NULL; node = node->next)
		if (!is_common(node) && !sd_ddl_equal(node, new ? sd_map_find(new, sd_ddl_key(node)) : NULL))
			return true;
	for (SdNode *node = new ? new->first : NULL; node != NULL; node = node->next)
		if (!is_common(node) && (old == NULL || sd_map_find(old, sd_ddl_key(node)) == NULL))
			return true;
	return false;
}

bool
sd_ddl_run_alter(SdDdl *ddl)
{
	bool possible;

	if (ddl->writer == NULL)
	{
		no_writer(ddl, "changed back");
		return true;
	}
	possible = ddl->writer->alter ? ddl->writer->alter(ddl) : !differs_in_itself(ddl);
	if (!possible)
	{
		ddl->steps = NIL;
		return false;
	}
	write_common(ddl);
	write_leftovers(ddl);
	return true;
}

void
sd_ddl_run_drop(SdDdl *ddl)
{
	SdDdlStep *step;

	if (ddl->writer == NULL)
	{
		no_writer(ddl, "dropped");
		return;
	}
	if (ddl->writer->drop != NULL)
	{
		ddl->writer->drop(ddl);
		return;
	}
	step = sd_ddl_step(ddl, "DROP %s", sd_ddl_address(ddl->writer, ddl->identity));
	if (ddl->writer->loss != SD_DIFF_NONE)
		sd_ddl_loses(step, SD_DDL_FULL, ddl->writer->loss,
					 psprintf("%s since the change are lost", ddl->writer->lost));
}

char *
sd_ddl_address(const SdDdlKind *writer, const char *identity)
{
	return psprintf("%s %s", writer->keyword, writer->address ? writer->address(identity) : identity);
}

const char *
sd_ddl_literal(const char *text)
{
	return quote_literal_cstr(text);
}

char *
sd_ddl_join(SdNode *list, const char *separator, bool quote)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (SdNode *item = list ? list->first : NULL; item != NULL; item = item->next)
	{
		const char *text = sd_ddl_scalar(item);

		appendStringInfo(&buf, "%s%s", item == list->first ? "" : separator,
						 quote ? quote_identifier(text) : text);
	}
	return buf.data;
}

char *
sd_ddl_options(SdNode *map)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (SdNode *item = map ? map->first : NULL; item != NULL; item = item->next)
		appendStringInfo(&buf, "%s%s=%s", item == map->first ? "" : ", ",
						 quote_identifier(sd_ddl_key(item)), sd_ddl_literal(sd_ddl_scalar(item)));
	return buf.data;
}
