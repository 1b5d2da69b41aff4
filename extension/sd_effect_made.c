/*
 * sd_effect_made.c
 *	  What a script has made, and what its later statements use by name:
 *	  constraints, indexes, prepared statements.
 *
 * A rollback does not take these back.  Whoever asks for one has found its
 * relation in the scope, which knows what is there.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "sd_compat.h"
#include "sd_effect.h"
#include "sd_text_table.h"

/* What a thing is looked for by. */
typedef enum KeyKind
{
	KEY_RELATION, /* constraints and indexes of a relation */
	KEY_INDEX,	  /* an index by its name */
	KEY_PREPARED, /* a prepared statement */
	KEY_TRIGGERS  /* event triggers, without a name */
} KeyKind;

/* Something that the script has made, and that a later statement uses by its name. */
typedef struct Made
{
	KeyKind kind;		  /* of its first key; an index has its name as another one */
	const char *schema;	  /* "" where there is none */
	const char *relation; /* NULL for a prepared statement and an event trigger */
	const char *name;	  /* may be NULL */
	Node *node;
	const struct Made *before; /* made before, under the first key */
} Made;

/* All that was made under a key. */
typedef struct Chain
{
	const char *key; /* see key_of() */
	const Made *newest;
} Chain;

/* All that the script has made. */
typedef struct SdMade
{
	List *all;	  /* Made */
	int sorted;	  /* so many of them have their place in the table: nobody may ever ask */
	HTAB *chains; /* Chain; NULL before the first */
} SdMade;

/* key_of makes a key; the length keeps a name apart from the schema in front of it. */
static const char *
key_of(KeyKind kind, const char *schema, const char *name)
{
	size_t schema_len = strlen(schema);
	size_t name_len = strlen(name);
	char *key = palloc(schema_len + name_len + 4);

	key[0] = 'a' + kind;
	key[1] = 1 + schema_len % 127;
	key[2] = 1 + schema_len / 127;
	memcpy(key + 3, schema, schema_len);
	memcpy(key + 3 + schema_len, name, name_len + 1);
	return key;
}

/* chain_of finds the chain of a key; made if need be. */
static Chain *
chain_of(HTAB *chains, KeyKind kind, const char *schema, const char *name)
{
	bool found;
	Chain *chain = sd_text_search(chains, key_of(kind, schema, name), HASH_ENTER, &found);

	if (!found)
		chain->newest = NULL;
	return chain;
}

/* sort gives everything that was made since the last time its place in the table. */
static void
sort(SdMade *made)
{
	if (made->chains == NULL)
		made->chains = sd_text_table("safedeploy made", sizeof(Chain));
	for (; made->sorted < list_length(made->all); made->sorted++)
	{
		Made *one = list_nth(made->all, made->sorted);
		bool of_relation = one->kind == KEY_RELATION;
		Chain *chain = chain_of(made->chains, one->kind, one->schema,
								of_relation				  ? one->relation :
								one->kind == KEY_PREPARED ? one->name :
															"");

		one->before = chain->newest;
		chain->newest = one;
		if (of_relation && IsA(one->node, IndexStmt) && one->name != NULL)
			chain_of(made->chains, KEY_INDEX, one->schema, one->name)->newest = one;
	}
}

/* newest returns what was made last under a key. */
static const Made *
newest(SdEffectContext *context, KeyKind kind, const char *schema, const char *name)
{
	MemoryContext memory;
	MemoryContext old;
	SdMade *made = *sd_effects_made(context->effects, &memory);
	const Chain *chain;

	if (made == NULL || schema == NULL)
		return NULL;
	old = MemoryContextSwitchTo(memory);
	sort(made);
	MemoryContextSwitchTo(old);
	chain = sd_text_search(made->chains, key_of(kind, schema, name), HASH_FIND, NULL);
	return chain == NULL ? NULL : chain->newest;
}

/* of_relation returns what was made last of a relation's constraints and indexes. */
static const Made *
of_relation(SdEffectContext *context, const SdRelation *relation)
{
	return newest(context, KEY_RELATION, relation->schema, relation->name);
}

/* remember keeps a piece of a parse tree; "copy" makes what is kept of it. */
static void
remember(SdEffects *effects, KeyKind kind, const SdRelation *relation, const char *name,
		 const void *node, Node *(*copy)(const void *) )
{
	MemoryContext memory;
	SdMade **all = sd_effects_made(effects, &memory);
	MemoryContext old = MemoryContextSwitchTo(memory);
	Made *made = palloc(sizeof(Made));

	if (*all == NULL)
		*all = palloc0(sizeof(SdMade));
	made->kind = kind;
	made->schema = relation == NULL ? "" : pstrdup(relation->schema);
	made->relation = relation == NULL ? NULL : pstrdup(relation->name);
	made->name = name == NULL ? NULL : pstrdup(name);
	made->node = copy(node);
	(*all)->all = lappend((*all)->all, made);
	MemoryContextSwitchTo(old);
}

/* copy_all keeps all of it. */
static Node *
copy_all(const void *node)
{
	return copyObject((Node *) node);
}

/* copy_index keeps what sd_made_index() looks at; of a partial index no columns, which are like no other's. */
static Node *
copy_index(const void *node)
{
	const IndexStmt *index = node;
	IndexStmt *copy = makeNode(IndexStmt);
	ListCell *cell;

	copy->unique = index->unique;
	copy->isconstraint = index->isconstraint;
	foreach (cell, index->whereClause == NULL ? index->indexParams : NIL)
	{
		const char *name = lfirst_node(IndexElem, cell)->name;
		IndexElem *element = makeNode(IndexElem);

		element->name = name == NULL ? NULL : pstrdup(name);
		copy->indexParams = lappend(copy->indexParams, element);
	}
	return (Node *) copy;
}

void
sd_remember_constraint(SdEffectContext *context, const SdRelation *relation,
					   const Constraint *constraint)
{
	if (relation->schema != NULL)
		remember(context->effects, KEY_RELATION, relation, constraint->conname, constraint, copy_all);
}

const Constraint *
sd_made_constraint(SdEffectContext *context, const SdRelation *relation, const char *name)
{
	for (const Made *made = of_relation(context, relation); made != NULL; made = made->before)
	{
		if (IsA(made->node, Constraint) && made->name != NULL && strcmp(made->name, name) == 0)
			return (const Constraint *) made->node;
	}
	return NULL;
}

List *
sd_made_keys(SdEffectContext *context, const SdRelation *relation)
{
	List *result = NIL;

	for (const Made *made = of_relation(context, relation); made != NULL; made = made->before)
	{
		Constraint *constraint = (Constraint *) made->node;

		if (IsA(made->node, Constraint) &&
			(constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_UNIQUE))
			result = lcons(constraint, result);
	}
	return result;
}

List *
sd_made_references(SdEffectContext *context, const SdRelation *relation)
{
	List *result = NIL;

	for (const Made *made = of_relation(context, relation); made != NULL; made = made->before)
	{
		if (IsA(made->node, Constraint) && ((Constraint *) made->node)->contype == CONSTR_FOREIGN)
			result = lappend(result, ((Constraint *) made->node)->pktable);
	}
	return result;
}

void
sd_remember_prepared(SdEffectContext *context, const char *name, Node *query)
{
	remember(context->effects, KEY_PREPARED, NULL, name, query, copy_all);
}

void
sd_effect_create_event_trigger(SdEffectContext *context, Node *statement)
{
	remember(context->effects, KEY_TRIGGERS, NULL, NULL, statement, copy_all);
}

List *
sd_made_event_triggers(SdEffectContext *context)
{
	List *result = NIL;

	for (const Made *made = newest(context, KEY_TRIGGERS, "", ""); made != NULL; made = made->before)
		result = lappend(result, made->node);
	return result;
}

Node *
sd_prepared(SdEffectContext *context, const char *name)
{
	const Made *made = newest(context, KEY_PREPARED, "", name);

	return made == NULL ? NULL : made->node;
}

void
sd_remember_index(SdEffectContext *context, const SdRelation *relation, const char *name,
				  const IndexStmt *index)
{
	if (relation->schema != NULL)
		remember(context->effects, KEY_RELATION, relation, name, index, copy_index);
}

Oid
sd_table_of_made_index(SdEffectContext *context, const SdRelation *index)
{
	const Made *made;
	SdRelation table;

	if (index->presence != SD_MADE)
		return InvalidOid;
	made = newest(context, KEY_INDEX, index->schema, index->name);
	if (made == NULL)
		return InvalidOid;
	table = sd_scope_relation_in(context->scope, index->schema, made->relation);
	return sd_is_old(context, &table) ? table.oid : InvalidOid;
}

/* same_columns tells whether two indexes are of the same columns, without expressions. */
static bool
same_columns(const List *one, const List *other)
{
	ListCell *a;
	ListCell *b;

	if (list_length(one) != list_length(other))
		return false;
	forboth (a, one, b, other)
	{
		const IndexElem *left = lfirst_node(IndexElem, a);
		const IndexElem *right = lfirst_node(IndexElem, b);

		if (left->name == NULL || right->name == NULL || strcmp(left->name, right->name) != 0)
			return false;
	}
	return true;
}

bool
sd_made_index(SdEffectContext *context, const SdRelation *relation, const IndexStmt *index)
{
	for (const Made *made = of_relation(context, relation); made != NULL; made = made->before)
	{
		IndexStmt *own = (IndexStmt *) made->node;

		if (IsA(own, IndexStmt) && own->unique == index->unique && index->whereClause == NULL &&
			(own->isconstraint || !index->isconstraint) &&
			same_columns(own->indexParams, index->indexParams))
			return true;
	}
	return false;
}
