/*
 * sd_bodies.c
 *	  Routines of the catalog whose text mentions a name.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "sd_ahead.h"
#include "sd_bodies.h"
#include "sd_compat.h"
#include "sd_lex.h"
#include "sd_track.h"
#include "sd_words.h"

/* Strings inside strings are looked into this deep: text that is run by EXECUTE. */
#define MAX_STRING_DEPTH 3

/* A routine with a body of text. */
typedef struct Body
{
	Oid oid;
	const char *schema;
	const char *name;
	const char *text;
	int len;
	int search; /* the last one for a table whose name is among its words */
} Body;

/* All of them, read when an analysis asks first. */
typedef struct SdBodies
{
	MemoryContext context;
	SdWords *words; /* Body */
	Size bytes;		/* of text */
	int searches;
} SdBodies;

/* More text than this is not kept for the next analysis of the session. */
#define MAX_KEPT_BYTES (4 * 1024 * 1024)

/* What the last analysis has read, as long as no routine and no schema has changed since. */
static SdBodies *kept = NULL;
static bool kept_is_current = false;

/* forget is told of changed routines and schemas. */
static void
forget(Datum arg, int cache, uint32 hash)
{
	kept_is_current = false;
}

/* read_bodies reads the bodies of all routines that are not the server's own. */
static void
read_bodies(SdBodies *bodies)
{
	MemoryContext old = MemoryContextSwitchTo(bodies->context);
	Relation routines = table_open(ProcedureRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple tuple;

	bodies->words = sd_words_create();
	ScanKeyInit(&key, Anum_pg_proc_oid, BTGreaterEqualStrategyNumber, F_OIDGE,
				ObjectIdGetDatum(FirstNormalObjectId));
	scan = systable_beginscan(routines, ProcedureOidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
		bool isnull;
		Datum source;
		Body *body;

		CHECK_FOR_INTERRUPTS();
		if (form->prolang == INTERNALlanguageId || form->prolang == ClanguageId)
			continue;
		source = heap_getattr(tuple, Anum_pg_proc_prosrc, RelationGetDescr(routines), &isnull);
		if (isnull)
			continue;
		body = palloc(sizeof(Body));
		body->oid = form->oid;
		body->schema = get_namespace_name(form->pronamespace);
		body->name = pstrdup(NameStr(form->proname));
		body->text = TextDatumGetCString(source);
		body->len = strlen(body->text);
		body->search = 0;
		bodies->bytes += body->len;
		sd_words_add(bodies->words, body->text, body->len, body);
	}
	systable_endscan(scan);
	table_close(routines, AccessShareLock);
	MemoryContextSwitchTo(old);
}

/*
 * bodies_of returns the bodies for an analysis: what the last one of the session has
 * read when that is still true, since the migrations of a directory are analysed one
 * after the other.
 */
static SdBodies *
bodies_of(SdAnalysis *analysis)
{
	static bool listens = false;
	SdBodies *bodies = analysis->track->bodies;
	MemoryContext context;

	if (bodies != NULL)
		return bodies;
	if (!listens)
	{
		CacheRegisterSyscacheCallback(PROCOID, forget, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, forget, (Datum) 0);
		listens = true;
	}
	AcceptInvalidationMessages();
	if (kept != NULL && kept_is_current)
		return analysis->track->bodies = kept;
	if (kept != NULL)
	{
		MemoryContext stale = kept->context;

		kept = NULL;
		MemoryContextDelete(stale);
	}
	context = AllocSetContextCreate(analysis->context, "safedeploy bodies", ALLOCSET_DEFAULT_SIZES);
	bodies = MemoryContextAllocZero(context, sizeof(SdBodies));
	bodies->context = context;
	/* a change that is heard of while they are read counts */
	kept_is_current = true;
	read_bodies(bodies);
	if (bodies->bytes <= MAX_KEPT_BYTES)
	{
		MemoryContextSetParent(context, CacheMemoryContext);
		kept = bodies;
	}
	return analysis->track->bodies = bodies;
}

/* is_name tells whether a token is an identifier that means this name. */
static bool
is_name(const SdLexer *lexer, const SdToken *token, const char *name)
{
	int len = strlen(name);
	const char *start = lexer->text + token->start;

	if (token->kind == SD_TOKEN_WORD)
	{
		/* unquoted names are folded to lower case */
		for (int i = 0; i < len; i++)
			if (name[i] >= 'A' && name[i] <= 'Z')
				return false;
		return token->end - token->start == len && pg_strncasecmp(start, name, len) == 0;
	}
	return token->kind == SD_TOKEN_QUOTED_NAME && token->end - token->start == len + 2 &&
		   strncmp(start + 1, name, len) == 0;
}

/* without_doubled_quotes returns a lexer over what a quoted string means. */
static SdLexer
without_doubled_quotes(const char *text, int len)
{
	char *copy = palloc(len + 1);
	int n = 0;

	for (int i = 0; i < len; i++)
	{
		copy[n++] = text[i];
		if (text[i] == '\'' && i + 1 < len && text[i + 1] == '\'')
			i++;
	}
	return (SdLexer){ copy, n, 0 };
}

/* inner_text returns a lexer over what a string token holds. */
static SdLexer
inner_text(const SdLexer *lexer, const SdToken *token)
{
	int from = token->start + 1;
	int to = token->end - 1;

	if (token->kind == SD_TOKEN_DOLLAR)
	{
		const char *quote =
			memchr(lexer->text + token->start + 1, '$', token->end - token->start - 1);
		int tag = quote == NULL ? 0 : quote - lexer->text + 1 - token->start;

		from = token->start + tag;
		to = token->end - tag;
	}
	if (token->kind != SD_TOKEN_DOLLAR)
		return without_doubled_quotes(lexer->text + from, Max(to - from, 0));
	return (SdLexer){ lexer->text + from, Max(to - from, 0), 0 };
}

/* How a name has to be used. */
typedef struct Use
{
	const char *name;
	const char *schema; /* as the name of a relation in this schema, or NULL */
	bool call;
	const char *before;
} Use;

/* is_relation_place tells whether a token may stand in front of the name of a relation. */
static bool
is_relation_place(const SdLexer *lexer, const SdToken *token)
{
	static const char *const words[] = { "from",  "join",	  "into",  "update",
										 "table", "truncate", "using", "only" };

	for (int i = 0; i < lengthof(words); i++)
		if (sd_token_is(lexer, token, words[i]))
			return true;
	return false;
}

/* is_whole tells whether a string is the name and nothing else, as nextval() takes it. */
static bool
is_whole(SdLexer inner, const Use *use)
{
	SdToken token = sd_lex_next(&inner);
	SdToken next = sd_lex_next(&inner);

	if (sd_token_is_char(&inner, &next, '.') && is_name(&inner, &token, use->schema))
	{
		token = sd_lex_next(&inner);
		next = sd_lex_next(&inner);
	}
	return next.kind == SD_TOKEN_END && is_name(&inner, &token, use->name);
}

/* is_used tells whether a token means the name where it stands. */
static bool
is_used(const SdLexer *lexer, const SdToken *token, const SdToken last[2], const Use *use)
{
	SdLexer rest = *lexer;
	SdToken next;

	if (!is_name(lexer, token, use->name))
		return false;
	if (use->before != NULL)
		return sd_token_is(lexer, &last[0], use->before);
	if (use->schema != NULL)
		return is_relation_place(lexer, &last[0]) ||
			   (sd_token_is_char(lexer, &last[0], '.') && is_name(lexer, &last[1], use->schema));
	next = sd_lex_next(&rest);
	return !use->call || sd_token_is_char(&rest, &next, '(');
}

/* mentions looks for a name among the tokens of a text. */
static bool
mentions(SdLexer lexer, const Use *use, int depth)
{
	SdToken last[2] = { { SD_TOKEN_END, 0, 0 }, { SD_TOKEN_END, 0, 0 } };

	for (;;)
	{
		SdToken token = sd_lex_next(&lexer);

		switch (token.kind)
		{
			case SD_TOKEN_END:
				return false;
			case SD_TOKEN_STRING:
			case SD_TOKEN_ESCAPE:
			case SD_TOKEN_DOLLAR:
				if ((use->schema != NULL && is_whole(inner_text(&lexer, &token), use)) ||
					(depth < MAX_STRING_DEPTH && mentions(inner_text(&lexer, &token), use, depth + 1)))
					return true;
				break;
			default:
				if (is_used(&lexer, &token, last, use))
					return true;
				break;
		}
		last[1] = last[0];
		last[0] = token;
	}
}

/* trigger_routines lists the routines that triggers of a table call. */
static List *
trigger_routines(Oid table)
{
	Relation triggers;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	List *result = NIL;

	if (!OidIsValid(table))
		return NIL;
	triggers = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = lappend_oid(result, ((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid);
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	return result;
}

/* is_replaced tells whether the script drops a routine or makes it anew, before or later. */
static bool
is_replaced(SdAnalysis *analysis, const Body *body)
{
	ObjectAddress address = { ProcedureRelationId, body->oid, 0 };

	return sd_track_was_dropped(analysis, &address) || sd_track_was_changed(analysis, &address) ||
		   sd_ahead(analysis, SD_AHEAD_ROUTINE, body->name, NULL, false);
}

List *
sd_bodies_list(SdAnalysis *analysis, const SdMention *mention)
{
	Use use = { mention->name, mention->table == NULL ? mention->schema : NULL, mention->call,
				mention->before };
	Use table = { mention->table, mention->schema, false, NULL };
	List *called = NIL;
	List *result = NIL;
	SdBodies *bodies = bodies_of(analysis);
	ListCell *cell;

	bodies->searches++;
	/* many have a column of that name, few know the table: the words tell before the text is read */
	if (mention->table != NULL)
	{
		foreach (cell, sd_words_find(bodies->words, mention->table))
			((Body *) lfirst(cell))->search = bodies->searches;
		called = trigger_routines(mention->trigger_table);
	}
	foreach (cell, sd_words_find(bodies->words, mention->name))
	{
		const Body *body = lfirst(cell);
		SdLexer lexer = { body->text, body->len, 0 };
		bool is_called = mention->table != NULL && list_member_oid(called, body->oid);

		if (mention->table != NULL && !is_called && body->search != bodies->searches)
			continue;
		if (!mentions(lexer, &use, 0))
			continue;
		if (mention->table != NULL && !is_called && !mentions(lexer, &table, 0))
			continue;
		/* an extension's routines are not about the tables of others */
		if (!is_replaced(analysis, body) &&
			!OidIsValid(getExtensionOfObject(ProcedureRelationId, body->oid)))
			result = lappend(result, (void *) quote_qualified_identifier(body->schema, body->name));
	}
	return result;
}

void
sd_bodies_mention(SdAnalysis *analysis, const SdMention *mention, SdNames *names)
{
	ListCell *cell;

	foreach (cell, sd_bodies_list(analysis, mention))
		sd_names_add(names, lfirst(cell));
}

bool
sd_text_names(const char *text, int len, const char *name)
{
	SdLexer lexer = { text, len, 0 };
	Use use = { .name = name };

	return mentions(lexer, &use, MAX_STRING_DEPTH);
}

bool
sd_body_raises(const char *text)
{
	SdLexer lexer = { text, strlen(text), 0 };
	bool after_raise = false;

	for (SdToken token = sd_lex_next(&lexer); token.kind != SD_TOKEN_END; token = sd_lex_next(&lexer))
	{
		/* a level may be left out: EXCEPTION is what is raised then */
		if (after_raise && (sd_token_is(&lexer, &token, "exception") ||
							token.kind == SD_TOKEN_STRING || sd_token_is(&lexer, &token, "using")))
			return true;
		after_raise = sd_token_is(&lexer, &token, "raise");
	}
	return false;
}

bool
sd_body_catches_in_loop(const char *text)
{
	SdLexer lexer = { text, strlen(text), 0 };
	bool after_end = false;
	int loops = 0;

	for (SdToken token = sd_lex_next(&lexer); token.kind != SD_TOKEN_END; token = sd_lex_next(&lexer))
	{
		if (sd_token_is(&lexer, &token, "loop"))
			loops += after_end ? -1 : 1;
		else if (loops > 0 && sd_token_is(&lexer, &token, "exception"))
		{
			token = sd_lex_next(&lexer);
			if (sd_token_is(&lexer, &token, "when"))
				return true;
		}
		after_end = sd_token_is(&lexer, &token, "end");
	}
	return false;
}
