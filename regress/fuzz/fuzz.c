/*
 * fuzz.c
 *	  libFuzzer inside a backend: scripts through statements(), analyze() and
 *	  predict(), with the catalogs of a real database around them.
 *
 * Built by "run" into the server module, all of whose code reports coverage.
 * An input counts as a finding when the backend crashes, when a function raises
 * an error, since they fail on no text, or when an answer contradicts itself.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* The library's entry; its own header is C++. */
extern int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *, size_t));

/* The longest text; a script of real life repeats what fits in it. */
#define MAX_TEXT 16384

/* What must hold of the answers; each query returns what is wrong, or nothing. */
static const char *const oracles[] = {
	"SELECT format('statement %s is not at its place: %s', number, text) FROM safedeploy.statements($1)"
	" WHERE substr($1, position, length) <> text AND strpos($1, E'\\\\') = 0",
	"SELECT format('statement %s begins before the one in front of it ends', number)"
	" FROM (SELECT *, lag(position + length) OVER (ORDER BY number) AS before FROM safedeploy.statements($1)) s"
	" WHERE position < before",
	"SELECT format('%s is a %s, but nothing says that it was not read', number, kind)"
	" FROM safedeploy.statements($1) s WHERE kind IN ('SYNTAX ERROR', 'META COMMAND', 'COPY DATA')"
	" AND number NOT IN (SELECT statement FROM safedeploy.analyze($1) WHERE rule IN ('syntax-error', 'unanalysable'))",
	"SELECT format('%s is a finding of a statement that is not there', rule) FROM safedeploy.analyze($1)"
	" WHERE statement NOT IN (SELECT number FROM safedeploy.statements($1))"
	" OR position NOT BETWEEN 1 AND char_length($1) + 1",
	"SELECT format('%s has no message or hint', rule) FROM safedeploy.analyze($1, false)"
	" WHERE coalesce(message, '') = '' OR coalesce(hint, '') = ''",
	"SELECT format('an effect on %s of a statement that is not there', object) FROM safedeploy.predict($1)"
	" WHERE statement NOT IN (SELECT number FROM safedeploy.statements($1))",
};

static SPIPlanPtr plans[lengthof(oracles)];

/* report prints a finding where libFuzzer's own output goes, and ends the backend as a crash does. */
static void
report(const char *what, const char *text)
{
	fprintf(stderr, "fuzz: %s\nfuzz: the text is: %s\n", what, text);
	abort();
}

/* ask runs all queries on one text; errors go up. */
static void
ask(const char *text)
{
	Datum argument = CStringGetTextDatum(text);

	for (int i = 0; i < lengthof(oracles); i++)
	{
		if (SPI_execute_plan(plans[i], &argument, NULL, true, 1) != SPI_OK_SELECT)
			elog(ERROR, "query %d cannot be run", i);
		if (SPI_processed > 0)
			report(SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1), text);
		SPI_freetuptable(SPI_tuptable);
	}
}

/* one_input is called for each input; 0 keeps it for the corpus when it is new, -1 never does. */
static int
one_input(const uint8_t *data, size_t size)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext scratch;
	ResourceOwner owner = CurrentResourceOwner;
	char *text;

	if (size > MAX_TEXT || memchr(data, 0, size) != NULL ||
		!pg_verifymbstr((const char *) data, (int) size, true))
		return -1;
	scratch = AllocSetContextCreate(context, "fuzz", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(scratch);
	text = pnstrdup((const char *) data, size);
	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		ask(text);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(scratch);
		error = CopyErrorData();
		report(psprintf("error %s: %s", unpack_sql_state(error->sqlerrcode), error->message), text);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	MemoryContextDelete(scratch);
	return 0;
}

PG_FUNCTION_INFO_V1(safedeploy_fuzz);

/* safedeploy_fuzz(arguments text[]) hands the arguments to libFuzzer, which ends the backend. */
Datum
safedeploy_fuzz(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	Oid type = TEXTOID;
	Datum *values;
	int n;
	char **argv;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &n);
	argv = palloc0((n + 2) * sizeof(char *));
	argv[0] = "fuzz";
	for (int i = 0; i < n; i++)
		argv[i + 1] = TextDatumGetCString(values[i]);
	n++;
	SPI_connect();
	for (int i = 0; i < lengthof(oracles); i++)
	{
		plans[i] = SPI_prepare(oracles[i], 1, &type);
		if (plans[i] == NULL)
			elog(ERROR, "query %d cannot be prepared", i);
	}
	/* exit() in it runs the server's own clean-up */
	LLVMFuzzerRunDriver(&n, &argv, one_input);
	SPI_finish();
	PG_RETURN_VOID();
}
