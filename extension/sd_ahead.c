/*
 * sd_ahead.c
 *	  What the rest of a script does, for rules that a later statement can excuse.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "sd_ahead.h"
#include "sd_parse.h"
#include "sd_text_table.h"
#include "sd_track.h"
#include "sd_tree.h"

/* Where the script does one thing: numbers of events, rising. */
typedef struct Places
{
	const char *key; /* see key_of() */
	List *events;
} Places;

/* All that the rest of the script does, one event after the other. */
typedef struct SdAhead
{
	List *offsets; /* of events in the script */
	List *ends;	   /* events that end a transaction */
	HTAB *places;  /* Places */
} SdAhead;

/* key_of makes the key of what is done to a name; NULL is what concerns every name. */
static const char *
key_of(SdAheadKind kind, const char *name, const char *part)
{
	if (name == NULL)
		return psprintf("%d", kind);
	/* the length keeps a name with a blank in it apart from a name and its part */
	return psprintf("%d %zu %s %s", kind, strlen(name), name, part == NULL ? "" : part);
}

/* next_event returns the first of some events that is not before a given one; -1 for none. */
static int
next_event(const List *events, int from)
{
	int low = 0;
	int high = list_length(events);

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (list_nth_int(events, middle) < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list_length(events) ? list_nth_int(events, low) : -1;
}

/* first_behind returns the number of the first event behind an offset. */
static int
first_behind(const SdAhead *ahead, int offset)
{
	int low = 0;
	int high = list_length(ahead->offsets);

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (list_nth_int(ahead->offsets, middle) <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* add notes an event. */
static void
add(SdAnalysis *analysis, SdAheadKind kind, int offset, const char *name, const char *part)
{
	MemoryContext old = MemoryContextSwitchTo(analysis->context);
	SdAhead *ahead = analysis->track->ahead;
	int event = list_length(ahead->offsets);

	ahead->offsets = lappend_int(ahead->offsets, offset);
	if (kind == SD_AHEAD_END)
		ahead->ends = lappend_int(ahead->ends, event);
	else
	{
		const char *key = key_of(kind, name, part);
		bool found;
		Places *places = sd_text_search(ahead->places, key, HASH_ENTER, &found);

		if (!found)
			places->events = NIL;
		places->events = lappend_int(places->events, event);
	}
	MemoryContextSwitchTo(old);
}

static void
add_drop(SdAnalysis *analysis, const DropStmt *stmt, int offset)
{
	ListCell *cell;

	foreach (cell, stmt->objects)
	{
		Node *object = lfirst(cell);

		if (IsA(object, ObjectWithArgs))
			add(analysis, SD_AHEAD_ROUTINE, offset,
				strVal(llast(((ObjectWithArgs *) object)->objname)), NULL);
	}
}

static void
add_alter(SdAnalysis *analysis, const AlterTableStmt *stmt, int offset)
{
	ListCell *cell;

	foreach (cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if (cmd->subtype == AT_AddColumn)
			add(analysis, SD_AHEAD_COLUMN, offset, stmt->relation->relname,
				castNode(ColumnDef, cmd->def)->colname);
		else if (cmd->subtype == AT_AddConstraint &&
				 castNode(Constraint, cmd->def)->contype == CONSTR_PRIMARY)
			add(analysis, SD_AHEAD_PRIMARY_KEY, offset, stmt->relation->relname, NULL);
	}
}

static void
add_vacuum(SdAnalysis *analysis, const VacuumStmt *stmt, int offset)
{
	ListCell *cell;

	if (stmt->is_vacuumcmd && !sd_option_is_on(stmt->options, "analyze"))
		return;
	foreach (cell, stmt->rels)
		add(analysis, SD_AHEAD_ANALYZE, offset,
			lfirst_node(VacuumRelation, cell)->relation->relname, NULL);
	if (stmt->rels == NIL)
		add(analysis, SD_AHEAD_ANALYZE, offset, NULL, NULL);
}

/* add_query notes calls of setval(). */
static void
add_query(SdAnalysis *analysis, Node *statement, int offset)
{
	SdContents contents = sd_statement_contents(statement);
	ListCell *cell;

	foreach (cell, contents.calls)
		if (strcmp(strVal(llast(lfirst_node(FuncCall, cell)->funcname)), "setval") == 0)
			add(analysis, SD_AHEAD_SEQUENCE, offset, NULL, NULL);
}

static void
add_statement(SdAnalysis *analysis, Node *statement, int offset)
{
	switch (nodeTag(statement))
	{
		case T_TransactionStmt:
			switch (((TransactionStmt *) statement)->kind)
			{
				case TRANS_STMT_COMMIT:
				case TRANS_STMT_ROLLBACK:
				case TRANS_STMT_PREPARE:
					add(analysis, SD_AHEAD_END, offset, NULL, NULL);
					break;
				default:
					break;
			}
			break;
		case T_CreateStmt:
		case T_ViewStmt:
			add(analysis, SD_AHEAD_RELATION, offset, sd_created_relation(statement)->relname, NULL);
			break;
		case T_AlterTableStmt:
			add_alter(analysis, (AlterTableStmt *) statement, offset);
			break;
		case T_RenameStmt:
			if (((RenameStmt *) statement)->renameType == OBJECT_COLUMN &&
				((RenameStmt *) statement)->relation != NULL)
				add(analysis, SD_AHEAD_COLUMN, offset, ((RenameStmt *) statement)->relation->relname,
					((RenameStmt *) statement)->newname);
			break;
		case T_CreatePolicyStmt:
			add(analysis, SD_AHEAD_POLICY, offset, ((CreatePolicyStmt *) statement)->table->relname,
				NULL);
			break;
		case T_CreateFunctionStmt:
			add(analysis, SD_AHEAD_ROUTINE, offset,
				strVal(llast(((CreateFunctionStmt *) statement)->funcname)), NULL);
			break;
		case T_DropStmt:
			add_drop(analysis, (DropStmt *) statement, offset);
			break;
		case T_VacuumStmt:
			add_vacuum(analysis, (VacuumStmt *) statement, offset);
			break;
		case T_AlterSeqStmt:
			if (sd_option(((AlterSeqStmt *) statement)->options, "restart") != NULL)
				add(analysis, SD_AHEAD_SEQUENCE, offset, NULL, NULL);
			break;
		case T_SelectStmt:
			add_query(analysis, statement, offset);
			break;
		default:
			break;
	}
}

/* read_ahead parses the script from the statement that is looked at to its end. */
static void
read_ahead(SdAnalysis *analysis)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "safedeploy ahead", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int from = analysis->start;
	const char *text = analysis->script->text + from;
	SdSplitter splitter;
	SdPiece piece;

	analysis->track->ahead = MemoryContextAllocZero(analysis->context, sizeof(SdAhead));
	MemoryContextSwitchTo(analysis->context);
	analysis->track->ahead->places = sd_text_table("safedeploy ahead", sizeof(Places));
	MemoryContextSwitchTo(context);
	sd_split_init(&splitter, text, analysis->script->len - from);
	while (sd_split_next(&splitter, &piece))
	{
		List *statements;
		char *error;
		ListCell *cell;

		CHECK_FOR_INTERRUPTS();
		if (piece.kind == SD_PIECE_SQL &&
			sd_parse_text(pnstrdup(text + piece.from, piece.next - piece.from), &statements, &error))
		{
			foreach (cell, statements)
				add_statement(analysis, lfirst_node(RawStmt, cell)->stmt, from + piece.start);
		}
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* happens tells whether what a key stands for is done from one event on, before another one. */
static bool
happens(const SdAhead *ahead, const char *key, int from, int end)
{
	const Places *places = sd_text_search(ahead->places, key, HASH_FIND, NULL);
	int event = places == NULL ? -1 : next_event(places->events, from);

	return event >= 0 && (end < 0 || event < end);
}

bool
sd_ahead(SdAnalysis *analysis, SdAheadKind kind, const char *name, const char *part,
		 bool same_transaction)
{
	const SdAhead *ahead;
	int from;
	int end = -1;

	if (analysis->track->ahead == NULL)
		read_ahead(analysis);
	/* outside a transaction block nothing that follows is in the same one */
	if (same_transaction && !analysis->in_transaction)
		return false;
	ahead = analysis->track->ahead;
	from = first_behind(ahead, analysis->start);
	if (same_transaction)
		end = next_event(ahead->ends, from);
	return happens(ahead, key_of(kind, NULL, NULL), from, end) ||
		   (name != NULL && happens(ahead, key_of(kind, name, part), from, end));
}

bool
sd_ahead_is_last(SdAnalysis *analysis)
{
	const SdScript *script = analysis->script;
	SdLexer lexer = { script->text, script->len, script->behind };

	return sd_lex_next(&lexer).kind == SD_TOKEN_END;
}
