/*
 * sd_comments.c
 *	  What a script says beside its statements, and a statement without it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "sd_parse.h"
#include "sd_result.h"
#include "sd_secret.h"

PG_FUNCTION_INFO_V1(safedeploy_comments);
PG_FUNCTION_INFO_V1(safedeploy_normalized);
PG_FUNCTION_INFO_V1(safedeploy_shape);

/* put_comment adds one row of comments(). */
static void
put_comment(SdScript *script, Tuplestorestate *store, TupleDesc desc, int start, int end)
{
	SdPlace place = sd_script_locate(script, start);
	Datum values[4];
	bool nulls[4] = { 0 };

	values[0] = Int32GetDatum(place.character);
	values[1] = Int32GetDatum(place.line);
	values[2] = Int32GetDatum(sd_script_characters(script, start, end));
	values[3] = PointerGetDatum(cstring_to_text_with_len(script->text + start, end - start));
	tuplestore_putvalues(store, desc, values, nulls);
}

/* list_between lists the comments between two tokens, where nothing else is but white space. */
static void
list_between(SdScript *script, Tuplestorestate *store, TupleDesc desc, int pos, int stop)
{
	SdLexer lexer = { script->text, stop, pos };

	while (pos < stop)
	{
		int end = sd_lex_comment_end(&lexer, pos);

		if (end > pos)
			put_comment(script, store, desc, pos, end);
		pos = Max(end, pos + 1);
	}
}

/* list_comments fills the result of comments(). */
static void
list_comments(SdScript *script, Tuplestorestate *store, TupleDesc desc)
{
	SdPiece piece;

	while (sd_split_next(&script->splitter, &piece))
	{
		SdLexer lexer = { script->text, piece.next, piece.from };
		SdToken token;
		int behind = piece.from;

		CHECK_FOR_INTERRUPTS();
		if (piece.kind == SD_PIECE_META || piece.kind == SD_PIECE_COPY_DATA)
			continue;
		sd_script_blank(script, &piece);
		do
		{
			token = sd_lex_next(&lexer);
			list_between(script, store, desc, behind, token.start);
			behind = token.end;
		} while (token.kind != SD_TOKEN_END);
	}
}

/* comments(sql text) returns the comments of a script; see sql/functions/comments.sql. */
Datum
safedeploy_comments(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Tuplestorestate *store = sd_result_begin(fcinfo, &desc);
	SdScript script;

	sd_script_init(&script, PG_GETARG_TEXT_PP(0));
	list_comments(&script, store, desc);
	return (Datum) 0;
}

char *
sd_normalized(const char *sql, int len)
{
	SdLexer lexer = { sql, len, 0 };
	StringInfoData out;
	SdToken token;

	initStringInfo(&out);
	while ((token = sd_lex_next(&lexer)).kind != SD_TOKEN_END)
	{
		int at;

		if (out.len > 0)
			appendStringInfoChar(&out, ' ');
		at = out.len;
		appendBinaryStringInfo(&out, lexer.text + token.start, token.end - token.start);
		if (token.kind == SD_TOKEN_WORD)
			for (; at < out.len; at++)
				out.data[at] = pg_ascii_tolower((unsigned char) out.data[at]);
	}
	return out.data;
}

/* normalized(sql text) returns text; see sql/functions/normalized.sql */
Datum
safedeploy_normalized(PG_FUNCTION_ARGS)
{
	text *sql = PG_GETARG_TEXT_PP(0);

	PG_RETURN_TEXT_P(cstring_to_text(sd_normalized(VARDATA_ANY(sql), VARSIZE_ANY_EXHDR(sql))));
}

/* shape(sql text) returns text; see sql/functions/shape.sql */
Datum
safedeploy_shape(PG_FUNCTION_ARGS)
{
	text *sql = PG_GETARG_TEXT_PP(0);
	char *shape = sd_text_shape(VARDATA_ANY(sql), VARSIZE_ANY_EXHDR(sql), true);

	if (shape == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(shape));
}
