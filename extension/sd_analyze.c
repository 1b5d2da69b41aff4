/*
 * sd_analyze.c
 *	  A script's statements through the rules.
 *
 * One interpreter walks the tables of checks; what a statement changes is
 * recorded after it has been judged.
 */
#include "postgres.h"

#include "commands/tablecmds.h"
#include "tcop/utility.h"
#include "utils/memutils.h"

#include "sd_analyze.h"
#include "sd_compat.h"
#include "sd_track.h"
#include "sd_effect_ask.h"
#include "sd_keys.h"
#include "sd_probe.h"
#include "sd_tree.h"

static const SdCheck *const checks[] = {
	sd_checks_drop,		   sd_checks_rewrite,	sd_checks_scan,		   sd_checks_index,
	sd_checks_lock,		   sd_checks_rename,	sd_checks_data,		   sd_checks_failure,
	sd_checks_transaction, sd_checks_opaque,	sd_checks_partition,   sd_checks_drop_part,
	sd_checks_key,		   sd_checks_workload,	sd_checks_shape,	   sd_checks_view,
	sd_checks_routine,	   sd_checks_immutable, sd_checks_enum,		   sd_checks_application,
	sd_checks_sequence,	   sd_checks_bodies,	sd_checks_replication, sd_checks_timeout,
	sd_checks_order,	   sd_checks_settings,	sd_checks_security,	   sd_checks_grant,
	sd_checks_style,	   sd_checks_cascade,	sd_checks_managed,
};
static const SdAlterCheck *const alter_checks[] = {
	sd_alter_checks_drop,		 sd_alter_checks_rewrite,  sd_alter_checks_scan,
	sd_alter_checks_lock,		 sd_alter_checks_data,	   sd_alter_checks_partition,
	sd_alter_checks_drop_part,	 sd_alter_checks_key,	   sd_alter_checks_type,
	sd_alter_checks_failure,	 sd_alter_checks_shape,	   sd_alter_checks_immutable,
	sd_alter_checks_application, sd_alter_checks_sequence, sd_alter_checks_bodies,
	sd_alter_checks_replication, sd_alter_checks_settings, sd_alter_checks_security,
	sd_alter_checks_cascade,	 sd_alter_checks_refused,  sd_alter_checks_managed,
};

/* kind_of returns the object type by which checks of some statements differ. */
static int
kind_of(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DropStmt:
			return ((DropStmt *) statement)->removeType;
		case T_RenameStmt:
			return ((RenameStmt *) statement)->renameType;
		default:
			return -1;
	}
}

/*
 * Checks in the order of what they judge, a tag or a subcommand of ALTER TABLE:
 * those of one kind stand from first[kind] on and before first[kind + 1].
 */
typedef struct Dispatch
{
	const void *checks[512];
	int kinds[512];
	int count;
	int *first;
	int last_kind;
} Dispatch;

/* Made when the first script is analysed. */
static Dispatch by_tag;
static Dispatch by_subcommand;

/* add_check puts a check behind those of its kind, which stay in the order of the tables. */
static void
add_check(Dispatch *dispatch, int kind, const void *check)
{
	int at = dispatch->count++;

	if (at >= lengthof(dispatch->checks))
		elog(ERROR, "too many checks");
	for (; at > 0 && dispatch->kinds[at - 1] > kind; at--)
	{
		dispatch->checks[at] = dispatch->checks[at - 1];
		dispatch->kinds[at] = dispatch->kinds[at - 1];
	}
	dispatch->checks[at] = check;
	dispatch->kinds[at] = kind;
}

/* index_checks notes where each kind begins. */
static void
index_checks(Dispatch *dispatch)
{
	int at = 0;

	dispatch->last_kind = dispatch->kinds[dispatch->count - 1];
	dispatch->first = MemoryContextAlloc(TopMemoryContext, (dispatch->last_kind + 2) * sizeof(int));
	for (int kind = 0; kind <= dispatch->last_kind + 1; kind++)
	{
		while (at < dispatch->count && dispatch->kinds[at] < kind)
			at++;
		dispatch->first[kind] = at;
	}
}

static void
sort_checks(void)
{
	by_tag.count = by_subcommand.count = 0;
	for (int i = 0; i < lengthof(checks); i++)
		for (const SdCheck *check = checks[i]; check->check != NULL; check++)
			add_check(&by_tag, check->tag, check);
	for (int i = 0; i < lengthof(alter_checks); i++)
		for (const SdAlterCheck *check = alter_checks[i]; check->check != NULL; check++)
			add_check(&by_subcommand, check->kind, check);
	index_checks(&by_subcommand);
	index_checks(&by_tag);
}

static void
run_checks(SdAnalysis *analysis, Node *statement)
{
	int tag = nodeTag(statement);
	int kind = kind_of(statement);

	if (tag > by_tag.last_kind)
		return;
	for (int i = by_tag.first[tag]; i < by_tag.first[tag + 1]; i++)
	{
		const SdCheck *check = by_tag.checks[i];

		if (check->kind == -1 || check->kind == kind)
			check->check(analysis, statement);
	}
}

/* run_alter_checks judges the subcommands of ALTER TABLE one by one. */
static void
run_alter_checks(SdAnalysis *analysis, AlterTableStmt *stmt)
{
	SdAlter alter = { .stmt = stmt };
	ListCell *cell;

	if (!sd_target(analysis, stmt->relation, stmt->missing_ok, &alter.relation))
		return;
	alter.lock = AlterTableGetLockLevel(stmt->cmds);
	foreach (cell, stmt->cmds)
	{
		int kind;

		alter.cmd = lfirst_node(AlterTableCmd, cell);
		kind = alter.cmd->subtype;
		if (kind > by_subcommand.last_kind)
			continue;
		for (int i = by_subcommand.first[kind]; i < by_subcommand.first[kind + 1]; i++)
			((const SdAlterCheck *) by_subcommand.checks[i])->check(analysis, &alter);
	}
}

/* has_contents tells whether a statement is a query, or changes data by one. */
static bool
has_contents(Node *statement)
{
	return IsA(statement, SelectStmt) || IsA(statement, InsertStmt) || IsA(statement, UpdateStmt) ||
		   IsA(statement, DeleteStmt) || SD_IS_MERGE(statement);
}

/*
 * is_plain_insert recognises INSERT of constants, whose tree may be large: the
 * only name before a parenthesis is the table's, so that nothing is called.
 */
static bool
is_plain_insert(const SdAnalysis *analysis, Node *statement)
{
	InsertStmt *stmt = (InsertStmt *) statement;

	return IsA(statement, InsertStmt) && analysis->calls >= 0 && stmt->withClause == NULL &&
		   stmt->onConflictClause == NULL && stmt->selectStmt != NULL &&
		   ((SelectStmt *) stmt->selectStmt)->valuesLists != NIL &&
		   analysis->calls <= (stmt->cols != NIL ? 1 : 0);
}

/* A statement of less text than this is not nested too deeply for anything. */
#define BRIEF_BYTES 1000

/* is_flat recognises text of a statement that holds no other one and calls nothing but operators. */
static bool
is_flat(const SdAnalysis *analysis, const SdPiece *piece)
{
	int length = piece->end - piece->start;

	return length < BRIEF_BYTES && memchr(analysis->script->text + piece->start, '(', length) == NULL;
}

/* has_no_contents tells by the text that there is nothing for run_contents_checks(). */
static bool
has_no_contents(const SdAnalysis *analysis, Node *statement)
{
	return (analysis->calls >= 0 && analysis->flat) || is_plain_insert(analysis, statement);
}

/* run_contents_checks judges the data changes and calls inside a query. */
static void
run_contents_checks(SdAnalysis *analysis, Node *statement)
{
	SdContents contents = sd_statement_contents(statement);
	ListCell *cell;

	foreach (cell, contents.data_changes)
		run_checks(analysis, lfirst(cell));
	foreach (cell, contents.calls)
		sd_check_call(analysis, lfirst_node(FuncCall, cell));
	if (contents.too_deep)
	{
		SdFinding finding = sd_finding(analysis, SD_RULE_UNANALYSABLE, NULL);

		finding.rewrites = finding.scans = SD_UNKNOWN;
		finding.data_loss = SD_LOSS_POSSIBLE;
		finding.message = "the statement is nested too deeply to be analysed";
		sd_report(analysis, &finding);
	}
}

void
sd_analyze_statement(SdAnalysis *analysis, Node *statement)
{
	Node *inner = sd_inner_statement(statement);
	SdNow outer = analysis->track->now;
	SdAsk ask;

	memset(&analysis->track->now, 0, sizeof(SdNow));
	analysis->reported = false;
	analysis->lock_reported = NoLock;
	analysis->large_reported = false;
	ask = sd_ask_begin(analysis, statement);
	if (analysis->probes != NULL)
		sd_probe_statement(analysis->probes, statement);
	sd_check_outside(analysis, statement);
	if (IsA(statement, AlterTableStmt))
		run_alter_checks(analysis, (AlterTableStmt *) statement);
	run_checks(analysis, statement);
	if (inner != NULL)
	{
		run_checks(analysis, inner);
		if (has_contents(inner))
			run_contents_checks(analysis, inner);
	}
	if (has_contents(statement) && !has_no_contents(analysis, statement))
		run_contents_checks(analysis, statement);
	sd_check_locks(analysis, statement);
	sd_check_order(analysis, statement);
	sd_ask_end(analysis, &ask);
	analysis->track->now = outer;
	if (!analysis->deferred)
	{
		if (analysis->probes != NULL)
			sd_probe_follow(analysis->probes, statement);
		sd_track_statement(analysis, statement);
		sd_scope_apply(analysis->scope, statement, analysis->conditional);
		/* outside a transaction each statement is one */
		if (!analysis->in_transaction)
		{
			sd_scope_commit(analysis->scope);
			sd_keys_end_transaction(analysis);
		}
	}
}

/* report_unparsed reports a piece that the parser refused. */
static void
report_unparsed(SdAnalysis *analysis, const SdParsed *parsed)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_SYNTAX_ERROR, NULL);

	finding.location = parsed->error_offset - analysis->origin;
	finding.rewrites = finding.scans = SD_UNKNOWN;
	finding.data_loss = SD_LOSS_POSSIBLE;
	finding.message = parsed->error_message;
	sd_report(analysis, &finding);
}

/* report_unseen reports a piece that the parser is not given. */
static void
report_unseen(SdAnalysis *analysis, const SdParsed *parsed)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_UNANALYSABLE, NULL);
	const SdPiece *piece = &parsed->piece;

	if (piece->interrupted)
		finding.message = "psql commands inside the statement are not analysed";
	else if (piece->kind == SD_PIECE_META)
		finding.message = psprintf("psql command \"%s\" is not analysed",
								   pnstrdup(analysis->script->text + piece->start,
											Min(piece->end - piece->start, 60)));
	else
		finding.message =
			psprintf("%d bytes of COPY data are not analysed", piece->end - piece->start);
	finding.rewrites = finding.scans = SD_UNKNOWN;
	sd_report(analysis, &finding);
}

/*
 * may_repeat tells whether a statement that differs from the last one in its
 * constants alone says nothing new: that one had no finding, and nothing asks for
 * the effects of each.
 */
static bool
may_repeat(const SdAnalysis *analysis, int64 findings_before)
{
	return analysis->findings == findings_before && !analysis->predicts;
}

void
sd_analyze_script(SdAnalysis *analysis)
{
	SdParsed parsed;

	if (by_tag.first == NULL)
		sort_checks();

	while (sd_script_next(analysis->script, &parsed))
	{
		MemoryContext old = MemoryContextSwitchTo(analysis->script->context);
		int64 found = analysis->findings;
		ListCell *cell;

		analysis->origin = parsed.origin;
		if (parsed.failed || parsed.piece.kind == SD_PIECE_META ||
			parsed.piece.kind == SD_PIECE_COPY_DATA)
		{
			analysis->number++;
			analysis->start = parsed.piece.start;
			if (parsed.failed)
				report_unparsed(analysis, &parsed);
			else
				report_unseen(analysis, &parsed);
			if (analysis->predicts)
				sd_effects_flush(analysis->effects);
			if (analysis->probes != NULL)
				sd_probe_follow_opaque(analysis->probes);
		}
		foreach (cell, parsed.statements)
		{
			RawStmt *raw = lfirst_node(RawStmt, cell);

			analysis->number++;
			analysis->origin = parsed.origin;
			analysis->calls = parsed.piece.calls;
			analysis->flat = is_flat(analysis, &parsed.piece);
			analysis->start = sd_statement_start(analysis->script, &parsed, raw);
			/* a routine that is called again does again what it does; it is reported once */
			if (analysis->predicts)
				analysis->seen_routines = analysis->seen_bodies = NIL;
			if (cell == list_head(parsed.statements))
				sd_check_long_names(analysis, parsed.piece.start, parsed.read_end);
			sd_analyze_statement(analysis, raw->stmt);
			if (parsed.piece.interrupted)
				report_unseen(analysis, &parsed);
			if (analysis->predicts)
				sd_effects_flush(analysis->effects);
		}
		MemoryContextSwitchTo(old);
		sd_scope_forget(analysis->scope);
		if (analysis->probes != NULL)
			sd_probes_forget(analysis->probes);
		/* no other check looks at constants */
		analysis->script->all_rows = analysis->track->new_labels != NULL;
		if (may_repeat(analysis, found))
		{
			while (sd_script_repeats(analysis->script, &parsed))
				analysis->number++;
		}
	}
	sd_keys_finish(analysis);
	sd_check_script_end(analysis);
}
