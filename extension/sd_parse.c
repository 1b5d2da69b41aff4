/*
 * sd_parse.c
 *	  Scripts as statements: each piece through the server's own raw parser.
 *
 * Pieces are parsed one by one, or a few short ones together, and one by one
 * after all where the parser does not take them: so a syntax error hides nothing
 * but its own statement, memory stays at the largest statement, and a time-out
 * is obeyed between two of them.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "sd_compat.h"
#include "sd_guc.h"
#include "sd_parse.h"
#include "sd_rows.h"

/* Bytes that the scanner may read twice; at about 10^9 a second. */
#define MAX_SCANNER_WORK (100 * 1000 * 1000)

/* Bytes of the pieces that are parsed together: memory is to stay in the caches too. */
#define TOGETHER_BYTES (2 * 1024)

void
sd_script_init(SdScript *script, text *sql)
{
	int len = VARSIZE_ANY_EXHDR(sql);

	if (len / 1024 >= sd_guc_max_script_size)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("script of %d bytes is too large", len),
						errdetail("At most %d kB are accepted.", sd_guc_max_script_size),
						errhint("A superuser can raise safedeploy.max_script_size; the parser needs "
								"up to 70 bytes of memory for each byte of one statement.")));
	memset(script, 0, sizeof(*script));
	script->text = text_to_cstring(sql);
	script->counted = script->text;
	script->len = len;
	script->place.character = script->place.line = 1;
	script->inner = script->place;
	script->single = list_make1(NULL);
	sd_split_init(&script->splitter, script->text, len);
	script->context =
		AllocSetContextCreate(CurrentMemoryContext, "safedeploy statement", ALLOCSET_DEFAULT_SIZES);
}

/* is_parse_error tells whether an error says something about the text, not about the server. */
static bool
is_parse_error(int sqlerrcode)
{
	int category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return category == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION ||
		   category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_FEATURE_NOT_SUPPORTED ||
		   category == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

/*
 * is_too_slow finds text whose comments the server's scanner takes quadratic
 * time for, without a chance to interrupt it: at each opening of a comment it
 * reads all operator characters that follow and gives all but two back.
 */
static bool
is_too_slow(const char *sql)
{
	int64 work = 0;
	const char *run_end = sql;

	for (const char *hit = strstr(sql, "/*"); hit != NULL; hit = strstr(hit + 2, "/*"))
	{
		if (hit >= run_end)
			run_end = hit + strspn(hit, "~!@#^&|`?+-*/%<>=");
		work += run_end - hit;
	}
	return work > MAX_SCANNER_WORK;
}

/*
 * parse runs the raw parser and returns NULL, or the error that it raised.
 *
 * No subtransaction is needed: the raw parser takes no locks, pins and
 * references, only memory, which the caller's context gives back.
 */
static ErrorData *
parse(const char *sql, List **statements)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData *volatile error = NULL;

	*statements = NIL;
	PG_TRY();
	{
		if (is_too_slow(sql))
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("comments are nested in a way that takes the parser too long")));
		*statements = sd_raw_parser(sql);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!is_parse_error(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	return error;
}

bool
sd_parse_text(const char *sql, List **statements, char **error)
{
	ErrorData *edata = parse(sql, statements);

	if (edata == NULL)
		return true;
	*error = edata->message;
	return false;
}

/* byte_offset turns the parser's 1-based character position into a byte offset. */
static int
byte_offset(const char *text, int len, int cursor)
{
	int offset = 0;

	for (int n = 1; n < cursor && offset < len; n++)
		offset += pg_mblen(text + offset);
	return Min(offset, len);
}

void
sd_script_blank(SdScript *script, const SdPiece *piece)
{
	if (!piece->interrupted)
		return;
	/* blanks take the place of bytes, of which several may be one character */
	if (script->counted == script->text)
		script->counted = MemoryContextStrdup(GetMemoryChunkContext(script->text), script->text);
	sd_split_blank_commands(script->text, piece);
}

/*
 * rows_of_constants tells where the first row of an INSERT ends whose rows are of
 * constants alone, up to the end of the piece; 0 when it is none.
 */
static int
rows_of_constants(const SdScript *script, SdParsed *parsed)
{
	const SdPiece *piece = &parsed->piece;
	SdLexer lexer = { script->text, piece->end, piece->start };
	int first;

	if (piece->values == 0 || piece->interrupted || script->all_rows ||
		pg_strncasecmp(lexer.text + piece->start, "insert", 6) != 0)
		return 0;
	first = sd_row_end(&lexer, piece->values, &parsed->constants);
	if (first < 0 || sd_rows_end(&lexer, first) != piece->end)
		parsed->constants = 0;
	return parsed->constants > 0 ? first : 0;
}

/* is_insert_of_row tells whether the parser has made of a piece what its first row is cut off for. */
static bool
is_insert_of_row(const List *statements)
{
	InsertStmt *stmt;
	SelectStmt *select;

	if (list_length(statements) != 1)
		return false;
	stmt = (InsertStmt *) linitial_node(RawStmt, statements)->stmt;
	if (!IsA(stmt, InsertStmt) || stmt->selectStmt == NULL)
		return false;
	select = (SelectStmt *) stmt->selectStmt;
	return IsA(select, SelectStmt) && list_length(select->valuesLists) == 1;
}

/* parse_to parses the piece up to an offset. */
static ErrorData *
parse_to(SdScript *script, SdParsed *parsed, int end)
{
	MemoryContext old = MemoryContextSwitchTo(script->context);
	char saved = script->text[end];
	ErrorData *error;

	script->text[end] = '\0';
	error = parse(script->text + parsed->piece.from, &parsed->statements);
	script->text[end] = saved;
	parsed->origin = parsed->piece.from;
	parsed->read_end = end;
	MemoryContextSwitchTo(old);
	return error;
}

/* is_joinable tells whether a piece can be parsed with those around it. */
static bool
is_joinable(const SdScript *script, const SdPiece *piece)
{
	return (piece->kind == SD_PIECE_SQL || piece->kind == SD_PIECE_BLANK) && !piece->interrupted &&
		   script->splitter.copy_data < 0;
}

/*
 * share_out gives each piece its tree; false when the parser has drawn other
 * bounds than the splitter.
 */
static bool
share_out(SdScript *script, List *statements)
{
	int from = script->pieces[0].from;
	ListCell *cell = list_head(statements);

	for (int i = 0; i < script->npieces; i++)
	{
		const SdPiece *piece = &script->pieces[i];
		RawStmt *raw;

		script->trees[i] = NULL;
		if (piece->kind == SD_PIECE_BLANK)
			continue;
		if (cell == NULL)
			return false;
		raw = lfirst_node(RawStmt, cell);
		if (from + Max(raw->stmt_location, 0) < piece->from ||
			from + raw->stmt_location > piece->start ||
			(raw->stmt_len > 0 && from + raw->stmt_location + raw->stmt_len > piece->next) ||
			(raw->stmt_len <= 0 && i < script->npieces - 1))
			return false;
		/* as if the piece had been parsed alone */
		raw->stmt_location = raw->stmt_len = 0;
		script->trees[i] = raw;
		cell = lnext(statements, cell);
	}
	return cell == NULL;
}

/*
 * parse_together parses a piece and those behind it in one go, as far as they are
 * short; false when it has to be parsed alone.
 */
static bool
parse_together(SdScript *script, const SdPiece *first)
{
	SdSplitter after_first = script->splitter;
	MemoryContext old;
	List *statements;
	ErrorData *error;
	char saved;
	int end;

	if (script->alone > 0)
	{
		script->alone--;
		return false;
	}
	/* an INSERT of constants may be one of many */
	if (!is_joinable(script, first) || first->values > 0 || first->end - first->from > TOGETHER_BYTES)
		return false;
	script->pieces[0] = *first;
	for (script->npieces = 1; script->npieces < SD_TOGETHER; script->npieces++)
	{
		SdSplitter before = script->splitter;
		SdPiece *piece = &script->pieces[script->npieces];

		if (!sd_split_next(&script->splitter, piece))
			break;
		if (!is_joinable(script, piece) || piece->end - first->from > TOGETHER_BYTES)
		{
			script->splitter = before;
			break;
		}
	}
	script->handed_out = script->npieces;
	if (script->npieces == 1)
		return false;

	end = script->pieces[script->npieces - 1].end;
	saved = script->text[end];
	script->text[end] = '\0';
	old = MemoryContextSwitchTo(script->context);
	error = parse(script->text + first->from, &statements);
	MemoryContextSwitchTo(old);
	script->text[end] = saved;
	if (error != NULL || !share_out(script, statements))
	{
		/* one by one, each can say what is wrong with it */
		script->alone = script->npieces - 1;
		script->splitter = after_first;
		MemoryContextReset(script->context);
		return false;
	}
	script->handed_out = 0;
	return true;
}

/* single returns a statement as a list, the same for each of them. */
static List *
single(SdScript *script, RawStmt *raw)
{
	linitial(script->single) = raw;
	return script->single;
}

/* hand_out makes the next of the pieces that were parsed together the result. */
static void
hand_out(SdScript *script, SdParsed *parsed)
{
	int i = script->handed_out++;

	memset(parsed, 0, sizeof(*parsed));
	parsed->piece = script->pieces[i];
	parsed->origin = script->pieces[0].from;
	parsed->read_end = parsed->piece.end;
	script->behind = parsed->piece.next;
	if (script->trees[i] == NULL)
		return;
	parsed->statements = single(script, script->trees[i]);
}

/* count_calls fills in what the splitter would have counted in a piece, where anybody asks for it. */
static void
count_calls(const SdScript *script, SdPiece *piece, const Node *statement)
{
	SdLexer lexer = { script->text, piece->end, piece->start };
	SdDull dull = { 0 };

	piece->calls = -1;
	if (!IsA(statement, InsertStmt) && !IsA(statement, SelectStmt) && !IsA(statement, UpdateStmt) &&
		!IsA(statement, DeleteStmt))
		return;
	sd_lex_skip_dull(&lexer, &dull);
	if (lexer.pos == piece->end)
		piece->calls = dull.calls;
	else if (memchr(script->text + lexer.pos, '(', piece->end - lexer.pos) == NULL)
		piece->calls = dull.calls;
}

/*
 * parse_rest parses all that is left as a whole; false when the splitter has to be
 * asked: for a longer text, for psql's commands, and to find out what is wrong.
 */
static bool
parse_rest(SdScript *script)
{
	int from = script->splitter.lexer.pos;
	MemoryContext old;
	ErrorData *error;

	/* a byte order mark is no SQL */
	if (!script->brief || script->len - from > TOGETHER_BYTES || from == script->len ||
		script->splitter.copy_data >= 0 || (unsigned char) script->text[from] == 0xEF ||
		memchr(script->text + from, '\\', script->len - from) != NULL)
		return false;
	old = MemoryContextSwitchTo(script->context);
	error = parse(script->text + from, &script->rest);
	MemoryContextSwitchTo(old);
	if (error != NULL || script->rest == NIL)
	{
		script->brief = false;
		script->rest = NIL;
		MemoryContextReset(script->context);
		return false;
	}
	script->rest_next = 0;
	script->rest_from = from;
	script->splitter.lexer.pos = script->len;
	return true;
}

/* hand_out_rest makes the next statement of a rest that was parsed as a whole the result. */
static void
hand_out_rest(SdScript *script, SdParsed *parsed)
{
	RawStmt *raw = list_nth_node(RawStmt, script->rest, script->rest_next++);
	SdPiece *piece = &parsed->piece;
	SdLexer lexer = { script->text, script->len, script->rest_from + Max(raw->stmt_location, 0) };

	memset(parsed, 0, sizeof(*parsed));
	piece->kind = SD_PIECE_SQL;
	piece->from = lexer.pos;
	piece->end = raw->stmt_len > 0 ? lexer.pos + raw->stmt_len : script->len;
	piece->next = Min(piece->end + 1, script->len);
	sd_lex_skip_blank(&lexer);
	piece->start = lexer.pos;
	count_calls(script, piece, raw->stmt);
	script->behind = piece->next;
	parsed->origin = script->rest_from;
	parsed->read_end = piece->end;
	/* as if the piece had been parsed alone */
	raw->stmt_location = raw->stmt_len = 0;
	parsed->statements = single(script, raw);
}

bool
sd_script_next(SdScript *script, SdParsed *parsed)
{
	SdPiece *piece = &parsed->piece;
	ErrorData *error = NULL;
	int first_row;

	CHECK_FOR_INTERRUPTS();
	if (script->handed_out < script->npieces)
	{
		hand_out(script, parsed);
		return true;
	}
	if (script->rest_next < list_length(script->rest))
	{
		hand_out_rest(script, parsed);
		return true;
	}
	script->rest = NIL;
	MemoryContextReset(script->context);
	if (parse_rest(script))
	{
		hand_out_rest(script, parsed);
		return true;
	}
	memset(parsed, 0, sizeof(*parsed));
	if (!sd_split_next(&script->splitter, piece))
		return false;
	script->behind = piece->next;
	parsed->origin = piece->from;
	if (piece->kind == SD_PIECE_META || piece->kind == SD_PIECE_COPY_DATA)
		return true;
	if (parse_together(script, piece))
	{
		hand_out(script, parsed);
		return true;
	}

	sd_script_blank(script, piece);
	first_row = rows_of_constants(script, parsed);
	if (first_row > 0)
		error = parse_to(script, parsed, first_row);
	/* whatever is not as it seems is the parser's to judge as a whole */
	if (first_row == 0 || error != NULL || !is_insert_of_row(parsed->statements))
	{
		parsed->constants = 0;
		error = parse_to(script, parsed, piece->end);
	}
	if (error != NULL)
	{
		parsed->failed = true;
		parsed->error_code = error->sqlerrcode;
		parsed->error_message = error->message;
		parsed->error_offset = piece->start;
		if (error->cursorpos > 0)
			parsed->error_offset =
				piece->from +
				byte_offset(script->text + piece->from, piece->end - piece->from, error->cursorpos);
	}
	return true;
}

bool
sd_script_repeats(SdScript *script, const SdParsed *parsed)
{
	SdLexer *lexer = &script->splitter.lexer;
	int prefix = parsed->piece.values - parsed->piece.start;
	int constants;
	int start;
	int end;

	if (parsed->constants == 0)
		return false;
	CHECK_FOR_INTERRUPTS();
	start = sd_rows_blank(lexer, lexer->pos);
	if (lexer->len - start <= prefix ||
		memcmp(lexer->text + start, lexer->text + parsed->piece.start, prefix) != 0)
		return false;
	end = sd_row_end(lexer, start + prefix, &constants);
	if (end < 0 || constants != parsed->constants)
		return false;
	end = sd_rows_blank(lexer, sd_rows_end(lexer, end));
	/* the splitter knows what the end of the text and a backslash mean */
	if (end >= lexer->len || lexer->text[end] != ';')
		return false;
	lexer->pos = script->behind = end + 1;
	return true;
}

int
sd_statement_start(const SdScript *script, const SdParsed *parsed, const RawStmt *raw)
{
	SdLexer lexer = { script->text, parsed->piece.end, parsed->piece.from };

	/* the first of a piece begins at its first token */
	if (raw->stmt_location <= 0)
		return parsed->piece.start;
	lexer.pos += raw->stmt_location;
	/* before 18 the location covers the comments in front */
	sd_lex_skip_blank(&lexer);
	return lexer.pos;
}

int
sd_statement_end(const SdScript *script, const SdParsed *parsed, const RawStmt *raw)
{
	if (raw->stmt_len <= 0)
		return parsed->piece.end;
	return parsed->piece.from + Max(raw->stmt_location, 0) + raw->stmt_len;
}

int
sd_script_characters(const SdScript *script, int from, int to)
{
	int n = 0;

	if (GetDatabaseEncoding() == PG_UTF8)
	{
		const uint64 ones = UINT64CONST(0x0101010101010101);
		int i = from;

		/* eight bytes at a time: one that continues a character has the two highest bits 10 */
		for (; i + 8 <= to; i += 8)
		{
			uint64 bytes;

			memcpy(&bytes, script->counted + i, sizeof(bytes));
			bytes = (bytes >> 7) & ~(bytes >> 6) & ones;
			n += 8 - (int) ((bytes * ones) >> 56);
		}
		for (; i < to; i++)
			n += ((unsigned char) script->counted[i] & 0xC0) != 0x80;
		return n;
	}
	if (pg_database_encoding_max_length() == 1)
		return to - from;
	return pg_mbstrlen_with_len(script->counted + from, to - from);
}

/* advance moves a place forward. */
static void
advance(const SdScript *script, SdPlace *place, int offset)
{
	const char *end = script->text + offset;
	const char *hit = script->text + place->offset;

	place->character += sd_script_characters(script, place->offset, offset);
	while (hit < end && (hit = memchr(hit, '\n', end - hit)) != NULL)
	{
		place->line++;
		hit++;
	}
	place->offset = offset;
}

SdPlace
sd_script_locate(SdScript *script, int offset)
{
	Assert(offset >= script->place.offset);
	if (offset > script->place.offset)
	{
		advance(script, &script->place, offset);
		script->inner = script->place;
	}
	return script->place;
}

SdPlace
sd_script_locate_inner(SdScript *script, int offset)
{
	if (offset < script->inner.offset)
		script->inner = script->place;
	if (offset > script->inner.offset)
		advance(script, &script->inner, offset);
	return script->inner;
}
