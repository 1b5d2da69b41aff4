/*
 * lint.c
 *	  Scripts through the server's analysis, and its findings back into the files.
 */
#include "lint.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "json.h"
#include "lint_internal.h"
#include "log.h"
#include "pg_catalog_lint.h"

/* Longer lines are shown in part: so many bytes, so many of them before the place. */
#define MG_SOURCE_BYTES	 200
#define MG_SOURCE_BEFORE 80

MgLint *
mg_lint_new(MgArena *arena, const MgConfig *config)
{
	MgLint *lint = mg_alloc(arena, sizeof *lint);

	lint->arena = arena;
	lint->config = config;
	mg_severity_of(mg_config_string(config, MG_SET_RUN_FAIL_ON), &lint->fail_on);
	mg_severity_of(mg_config_string(config, MG_SET_LINT_MIN_SEVERITY), &lint->min_severity);
	/* whoever has written it down runs the migrations by migguard */
	if (strcmp(mg_config_source(config, MG_SET_RUN_LOCK_TIMEOUT), "default") != 0)
		lint->lock_timeout_ms = mg_config_ms(config, MG_SET_RUN_LOCK_TIMEOUT);
	return lint;
}

MgLintFile *
mg_lint_add_file(MgLint *lint, const char *path, const char *unit, const char *text)
{
	MgLintFile **at = &lint->files;
	MgLintFile *file = mg_alloc(lint->arena, sizeof *file);

	while (*at != NULL)
		at = &(*at)->next;
	while (strncmp(path, "./", 2) == 0)
		path += 2 + strspn(path + 2, "/");
	file->path = mg_strdup(lint->arena, path);
	file->absolute = mg_file_absolute(lint->arena, NULL, path);
	file->unit = mg_strdup(lint->arena, unit);
	file->text = text;
	file->number = lint->file_count++;
	mg_cursor_init(&file->cursor, text, false);
	*at = file;
	return file;
}

/* A glob is taken from the working directory and from that of the file which has it. */
static bool
matches(const MgLint *lint, const char *glob, const MgLintFile *file)
{
	const char *config = mg_config_path(lint->config);
	const char *directory;

	if (fnmatch(glob, file->path, 0) == 0 || fnmatch(glob, file->absolute, 0) == 0)
		return true;
	if (config == NULL)
		return false;
	config = mg_file_absolute(lint->arena, NULL, config);
	directory = mg_strndup(lint->arena, config, (size_t) (mg_file_name(config) - config));
	return strncmp(file->absolute, directory, strlen(directory)) == 0 &&
		   fnmatch(glob, file->absolute + strlen(directory), 0) == 0;
}

MgSeverity
mg_lint_severity(const MgLint *lint, const MgLintFile *file, const char *rule, MgSeverity own)
{
	const MgRule *known = mg_rule_find(rule);
	MgSeverity severity = own;
	bool fits = false;

	for (const MgRuleSetting *s = mg_config_rules(lint->config); s != NULL; s = s->next)
	{
		if (s->rule != known)
			continue;
		if (s->glob == NULL || matches(lint, s->glob, file))
		{
			severity = s->severity;
			fits = true;
		}
		/* one that is off by itself is on because of other files */
		else if (known->severity == MG_SEVERITY_OFF && !fits)
			severity = MG_SEVERITY_OFF;
	}
	return severity;
}

/* Rules that are off by themselves report where the configuration has a severity for them. */
static bool
switch_rules_on(MgLint *lint, MgPg *pg, MgError *err)
{
	MgBuf names;

	if (lint->prepared == pg)
		return true;
	lint->prepared = pg;
	mg_buf_init(&names, lint->arena);
	for (const MgRuleSetting *s = mg_config_rules(lint->config); s != NULL; s = s->next)
		if (s->rule->severity == MG_SEVERITY_OFF && s->severity != MG_SEVERITY_OFF)
			mg_buf_addf(&names, "%s%s", names.len > 0 ? ", " : "", s->rule->name);
	if (names.len > 0 && !mg_catalog_rules_on(pg, names.data, err))
		return false;
	return !lint->probe ||
		   mg_catalog_probe_on(pg,
							   mg_printf(lint->arena, "%d",
										 mg_config_int(lint->config, MG_SET_RUN_PROBE_ROWS)),
							   mg_printf(lint->arena, "%lld",
										 mg_config_ms(lint->config, MG_SET_RUN_PROBE_TIME)),
							   mg_config_bool(lint->config, MG_SET_RUN_PROBE_EXAMPLES), err);
}

const char *
mg_lint_probe(const MgLint *lint, const MgLintFinding *finding, const char *what)
{
	const char *text =
		finding->rows == NULL ? NULL : mg_rows_get(finding->rows, finding->row, "probe");
	cJSON *json = text == NULL ? NULL : cJSON_Parse(text);
	cJSON *item = json == NULL ? NULL : cJSON_GetObjectItem(json, what);
	const char *value = NULL;

	if (cJSON_IsString(item))
		value = mg_log_redact(lint->arena, item->valuestring);
	cJSON_Delete(json);
	return value;
}

MgLintFinding *
mg_lint_add(MgLint *lint, const MgLintFinding *finding)
{
	if (lint->count == lint->size)
	{
		MgLintFinding *old = lint->findings;

		lint->size = lint->size * 2 + 64;
		lint->findings = mg_alloc(lint->arena, (size_t) lint->size * sizeof *old);
		if (lint->count > 0)
			memcpy(lint->findings, old, (size_t) lint->count * sizeof *old);
	}
	lint->findings[lint->count] = *finding;
	return &lint->findings[lint->count++];
}

/* The span that a byte of the script is in. */
static const MgLintSpan *
span_of(const MgLintScript *script, size_t offset)
{
	int low = 0;
	int high = script->span_count - 1;

	while (low < high)
	{
		int middle = (low + high + 1) / 2;

		if (script->spans[middle].at <= offset)
			low = middle;
		else
			high = middle - 1;
	}
	return &script->spans[low];
}

static int
count_characters(const char *from, const char *to)
{
	int n = 0;

	for (; from < to; from++)
		n += ((unsigned char) *from & 0xC0) != 0x80;
	return n;
}

/* The line to show: that in which the cursor is, up to "end" being what is marked. */
static void
show_source(MgArena *arena, MgLintPlace *place, const MgCursor *cursor, size_t end)
{
	const char *start = cursor->text + cursor->line_start;
	const char *stop = start + strcspn(start, "\r\n");
	const char *at = cursor->text + cursor->offset;
	const char *behind = end > 0 ? cursor->text + end : NULL;
	bool cut = false;

	if (cursor->line_start == 0 && strncmp(start, "\xEF\xBB\xBF", 3) == 0)
		start += at > start ? 3 : 0;
	if (stop - start > MG_SOURCE_BYTES)
	{
		cut = at - start > MG_SOURCE_BEFORE;
		if (cut)
			start = at - MG_SOURCE_BEFORE;
		while (((unsigned char) *start & 0xC0) == 0x80)
			start++;
		if (stop - start > MG_SOURCE_BYTES)
			stop = start + MG_SOURCE_BYTES;
		while (((unsigned char) *stop & 0xC0) == 0x80)
			stop--;
	}
	place->source = mg_printf(arena, "%s%.*s", cut ? "..." : "", (int) (stop - start), start);
	place->source_column = count_characters(start, at) + 1 + (cut ? 3 : 0);
	if (behind != NULL)
		place->source_end =
			place->source_column + count_characters(at, behind < stop ? behind : stop);
}

MgLintPlace
mg_lint_place(MgLintRead *read, size_t start, size_t end)
{
	const MgLintSpan *span = span_of(read->script, start);
	MgLintFile *file = span->file;
	MgLintPlace place = { .file = file };
	MgCursor *cursor = &file->cursor;

	mg_cursor_to_offset(cursor, span->made_up ? span->from : span->from + (start - span->at));
	place.offset = cursor->offset;
	place.line = cursor->line;
	place.column = cursor->column;
	if (span->made_up)
	{
		MgCursor shown = read->cursor;

		place.made_up = true;
		mg_cursor_to_offset(&shown, start);
		show_source(read->lint->arena, &place, &shown, end);
		return place;
	}
	if (end > start && span_of(read->script, end - 1) == span)
	{
		MgCursor behind = *cursor;

		mg_cursor_to_offset(&behind, span->from + (end - span->at));
		place.end_line = behind.line;
		place.end_column = behind.column;
		end = behind.offset;
	}
	else
		end = 0;
	show_source(read->lint->arena, &place, cursor, end);
	return place;
}

/* Where the script's statements are. */
static bool
read_outline(MgLintRead *read, MgError *err)
{
	MgScriptPart *parts;

	if (!mg_catalog_script_outline(read->pg, read->script->text, &parts, &read->count, err))
		return false;
	read->statements =
		mg_alloc(read->lint->arena, (size_t) (read->count + 1) * sizeof(MgLintStatement));
	for (int i = 0; i < read->count; i++)
	{
		mg_cursor_to_position(&read->cursor, parts[i].position);
		read->statements[i].start = read->cursor.offset;
		mg_cursor_to_position(&read->cursor, parts[i].position + parts[i].length);
		read->statements[i].end = read->cursor.offset;
		read->statements[i].hash = parts[i].text;
	}
	mg_cursor_init(&read->cursor, read->cursor.text, read->cursor.in_bytes);
	return true;
}

static int
number_of(const MgRows *rows, int row, const char *name)
{
	const char *text = mg_rows_get(rows, row, name);

	return text != NULL ? atoi(text) : 0;
}

static const char *
message_of(const MgLint *lint, bool down, const char *message)
{
	return mg_log_redact(lint->arena,
						 down ? mg_printf(lint->arena, "in the downgrade: %s", message) : message);
}

/* A downgrade is there to take things away: that it does is told, and stops nobody by itself. */
static MgSeverity
severity_of_loss(const MgLintRead *read, const char *rule, MgSeverity own)
{
	const MgRule *known = mg_rule_find(rule);

	if (read->script->down && known != NULL && own > MG_SEVERITY_NOTICE &&
		(strcmp(known->family, "DROP") == 0 || strcmp(known->family, "DATA") == 0))
		return MG_SEVERITY_NOTICE;
	return own;
}

static void
take_row(MgLintRead *read, const MgRows *rows, int row)
{
	MgLint *lint = read->lint;
	MgLintFinding finding = { .rows = rows, .row = row, .script = lint->scripts, .statement = "" };
	const MgLintStatement *statement = NULL;
	MgSeverity own = MG_SEVERITY_ERROR;
	size_t start;

	finding.number = number_of(rows, row, "statement");
	if (finding.number > 0 && finding.number <= read->count)
	{
		statement = &read->statements[finding.number - 1];
		finding.statement = statement->hash;
	}
	mg_cursor_to_position(&read->cursor, number_of(rows, row, "position"));
	start = read->cursor.offset;
	finding.place =
		mg_lint_place(read, start,
					  statement != NULL && start == statement->start ? statement->end : 0);
	finding.rule = mg_rows_get(rows, row, "rule");
	mg_severity_of(mg_rows_get(rows, row, "severity"), &own);
	finding.severity = mg_lint_severity(lint, finding.place.file, finding.rule,
										severity_of_loss(read, finding.rule, own));
	finding.down = read->script->down;
	finding.object = mg_log_redact(lint->arena, mg_rows_get(rows, row, "object"));
	finding.message = message_of(lint, finding.down, mg_rows_get(rows, row, "message"));
	finding.detail = mg_log_redact(lint->arena, mg_rows_get(rows, row, "detail"));
	finding.hint = mg_log_redact(lint->arena, mg_rows_get(rows, row, "hint"));
	if (finding.severity != MG_SEVERITY_OFF)
		mg_lint_add(lint, &finding);
}

bool
mg_lint_script(MgLint *lint, MgPg *pg, const MgLintScript *script, MgError *err)
{
	MgRows *rows = mg_alloc(lint->arena, sizeof *rows);
	MgLintRead read = { .lint = lint, .pg = pg, .script = script };
	/* no comment is for us where this is not */
	bool has_comments = strcasestr(script->text, "safedeploy:") != NULL;

	lint->scripts++;
	mg_cursor_init(&read.cursor, script->text, mg_pg_counts_bytes(pg));
	if (!switch_rules_on(lint, pg, err) ||
		!mg_catalog_analyze(pg, script->text, script->in_transaction, lint->lock_timeout_ms, rows,
							err))
		return false;
	if (rows->count == 0 && !has_comments)
		return true;
	if (!read_outline(&read, err) || (has_comments && !mg_lint_read_allows(&read, err)))
		return false;
	for (int r = 0; r < rows->count; r++)
		take_row(&read, rows, r);
	return true;
}

static void
add_own(MgLint *lint, const MgLintFinding *finding)
{
	MgLintFinding own = *finding;

	if (own.severity == MG_SEVERITY_OFF)
		own.severity = mg_rule_find(own.rule)->severity;
	own.severity = mg_lint_severity(lint, own.place.file, own.rule, own.severity);
	own.message = message_of(lint, own.down, own.message);
	own.detail = mg_log_redact(lint->arena, own.detail);
	own.hint = own.hint != NULL ? mg_log_redact(lint->arena, own.hint) :
								  mg_rule_hint(lint->arena, mg_rule_find(own.rule));
	if (own.statement == NULL)
		own.statement = "";
	if (own.severity != MG_SEVERITY_OFF)
		mg_lint_add(lint, &own);
}

void
mg_lint_report(MgLint *lint, MgLintFile *file, size_t start, size_t end, const MgLintFinding *finding)
{
	MgLintSpan span = { .file = file };
	MgLintScript script = { .text = file->text, .spans = &span, .span_count = 1 };
	MgLintRead read = { .lint = lint, .script = &script };
	MgLintFinding own = *finding;

	own.place = mg_lint_place(&read, start, end > start ? end : 0);
	add_own(lint, &own);
}

bool
mg_lint_report_line(MgLint *lint, MgPg *pg, const MgLintScript *script, int line,
					const MgLintFinding *finding, MgError *err)
{
	MgLintRead read = { .lint = lint, .pg = pg, .script = script };
	MgLintFinding own = *finding;
	const char *end = script->text;
	size_t start = 0;

	mg_cursor_init(&read.cursor, script->text, mg_pg_counts_bytes(pg));
	if (!read_outline(&read, err))
		return false;
	for (; line > 0 && *end != '\0'; line--)
		end += strcspn(end, "\n") + (line > 1);
	for (int i = 0; i < read.count; i++)
		if (read.statements[i].start < (size_t) (end - script->text))
		{
			start = read.statements[i].start;
			own.number = i + 1;
			own.statement = read.statements[i].hash;
		}
	own.place = mg_lint_place(&read, start, own.number > 0 ? read.statements[own.number - 1].end : 0);
	/* so that the comments of the script are for it too */
	own.script = lint->scripts;
	add_own(lint, &own);
	return true;
}

static int
compare(const void *a, const void *b)
{
	const MgLintFinding *x = a;
	const MgLintFinding *y = b;

	if (x->place.file != y->place.file)
		return x->place.file->number < y->place.file->number ? -1 : 1;
	if (x->place.offset != y->place.offset)
		return x->place.offset < y->place.offset ? -1 : 1;
	if (x->script != y->script)
		return x->script < y->script ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (strcmp(x->rule, y->rule) != 0)
		return strcmp(x->rule, y->rule);
	return (x->row > y->row) - (x->row < y->row);
}

bool
mg_lint_finish(MgLint *lint, const char *baseline, MgError *err)
{
	int kept = 0;

	mg_lint_apply_allows(lint);
	if (lint->count > 0)
		qsort(lint->findings, (size_t) lint->count, sizeof *lint->findings, compare);
	mg_lint_fingerprint(lint);
	if (baseline != NULL && !mg_lint_apply_baseline(lint, baseline, err))
		return false;
	for (int i = 0; i < lint->count; i++)
		if (lint->findings[i].severity >= lint->min_severity)
			lint->findings[kept++] = lint->findings[i];
	lint->count = kept;
	return true;
}

bool
mg_lint_fails(const MgLint *lint, const MgLintFinding *finding)
{
	return finding->state == MG_LINT_OPEN && finding->severity >= lint->fail_on;
}

int
mg_lint_failures(const MgLint *lint)
{
	int n = 0;

	for (int i = 0; i < lint->count; i++)
		n += mg_lint_fails(lint, &lint->findings[i]);
	return n;
}
