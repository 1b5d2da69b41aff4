/*
 * sd_rules_room.c
 *	  Family "failure", the part about room: in the lock table, on the disk, and in
 *	  a name.
 */
#include "postgres.h"

#include <sys/statvfs.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/twophase.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_tablespace.h"
#include "common/relpath.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "sd_compat.h"
#include "sd_guc.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_size.h"
#include "sd_track.h"

/* One transaction that needs more than this part of the lock table can starve others. */
#define LOCK_TABLE_SHARE 8

/* indexes_of lists the indexes of a table. */
static List *
indexes_of(Oid table)
{
	Relation indexes = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	List *result = NIL;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	scan = systable_beginscan(indexes, IndexIndrelidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = lappend_oid(result, ((Form_pg_index) GETSTRUCT(tuple))->indexrelid);
	systable_endscan(scan);
	table_close(indexes, AccessShareLock);
	return result;
}

/* locks_of_tree counts the relations that a statement on a table locks. */
static int64
locks_of_tree(SdAnalysis *analysis, const SdRelation *relation, bool with_indexes)
{
	int64 count = 0;
	SdHeld *held;
	List *tree;
	ListCell *cell;

	if (relation->presence != SD_EXISTS)
		return 0;
	/* a lock that the transaction holds takes no more room */
	held = sd_track_table(analysis, relation->oid);
	if (held->counted)
		return 0;
	held->counted = true;
	if (relation->relkind != RELKIND_PARTITIONED_TABLE && !with_indexes)
		return 1;
	tree = relation->relkind == RELKIND_PARTITIONED_TABLE ?
			   find_all_inheritors(relation->oid, NoLock, NULL) :
			   list_make1_oid(relation->oid);
	foreach (cell, tree)
		count += 1 + (with_indexes ? list_length(indexes_of(lfirst_oid(cell))) : 0);
	return count;
}

/* locks_of_schema counts the relations of a schema. */
static int64
locks_of_schema(Oid schema)
{
	Relation classes = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	int64 count = 0;

	ScanKeyInit(&key, Anum_pg_class_relnamespace, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(schema));
	scan = systable_beginscan(classes, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(systable_getnext(scan)))
		count++;
	systable_endscan(scan);
	table_close(classes, AccessShareLock);
	return count;
}

/* locks_of_drop counts what DROP locks. */
static int64
locks_of_drop(SdAnalysis *analysis, DropStmt *stmt)
{
	int64 count = 0;
	ListCell *cell;
	Oid schema;

	foreach (cell, stmt->objects)
	{
		if (stmt->removeType == OBJECT_TABLE)
		{
			SdRelation relation = sd_scope_relation_list(analysis->scope, lfirst(cell));

			count += locks_of_tree(analysis, &relation, true);
		}
		else if (stmt->removeType == OBJECT_SCHEMA &&
				 sd_scope_schema(analysis->scope, strVal(lfirst(cell)), &schema) == SD_EXISTS)
			count += locks_of_schema(schema);
	}
	return count;
}

/* locks_of counts the relations that a statement locks, where there can be many. */
static int64
locks_of(SdAnalysis *analysis, Node *statement)
{
	SdRelation relation;
	int64 count = 0;
	ListCell *cell;

	switch (nodeTag(statement))
	{
		case T_DropStmt:
			return locks_of_drop(analysis, (DropStmt *) statement);
		case T_TruncateStmt:
			foreach (cell, ((TruncateStmt *) statement)->relations)
			{
				relation = sd_scope_relation(analysis->scope, lfirst_node(RangeVar, cell));
				count += locks_of_tree(analysis, &relation, true);
			}
			return count;
		case T_AlterTableStmt:
			relation = sd_scope_relation(analysis->scope, ((AlterTableStmt *) statement)->relation);
			return locks_of_tree(analysis, &relation, false);
		case T_IndexStmt:
			/* a table and its new index */
			relation = sd_scope_relation(analysis->scope, ((IndexStmt *) statement)->relation);
			return 2 * locks_of_tree(analysis, &relation, false);
		default:
			return 0;
	}
}

/* check_lock_table reports a transaction that needs a large part of the lock table. */
static void
check_lock_table(SdAnalysis *analysis, Node *statement)
{
	SdTrack *track = analysis->track;
	int64 room = (int64) max_locks_per_xact * (MaxBackends + max_prepared_xacts);
	SdFinding finding;

	track->locks += locks_of(analysis, statement);
	if (track->locks <= room / LOCK_TABLE_SHARE || track->locks_reported)
		return;
	track->locks_reported = true;
	finding = sd_finding(analysis, SD_RULE_LOCK_TABLE_EXHAUSTION, NULL);
	if (track->locks >= room)
		finding.severity = SD_ERROR;
	finding.message =
		psprintf("the transaction locks at least " INT64_FORMAT
				 " relations, and all sessions together have room for about " INT64_FORMAT,
				 track->locks, room);
	finding.detail = "Without room any statement of any session fails with \"out of shared memory\".";
	sd_report(analysis, &finding);
}

/* free_bytes returns the free room of a relation's tablespace, or -1. */
static int64
free_bytes(Oid relation)
{
	Oid tablespace = get_rel_tablespace(relation);
	struct statvfs space;
	char path[MAXPGPATH];

	if (!OidIsValid(tablespace))
		tablespace = MyDatabaseTableSpace;
	if (tablespace == DEFAULTTABLESPACE_OID || tablespace == GLOBALTABLESPACE_OID)
		strlcpy(path, "base", sizeof(path));
	else
		snprintf(path, sizeof(path), "pg_tblspc/%u", tablespace);
	/* the server runs in its data directory */
	if (statvfs(path, &space) != 0)
		return -1;
	return (int64) space.f_bavail * (int64) space.f_frsize;
}

/* check_disk reports a copy of a table that the disk has no room for. */
static void
check_disk(SdAnalysis *analysis)
{
	Oid table = analysis->track->now.rewrites;
	int64 reserve = (int64) sd_guc_disk_reserve * 1024 * 1024;
	int64 wanted;
	int64 room;
	SdFinding finding;
	ListCell *cell;

	if (!OidIsValid(table))
		return;
	room = free_bytes(table);
	wanted = sd_relation_size(analysis->sizes, table).bytes;
	foreach (cell, indexes_of(table))
		wanted += Max(sd_relation_size(analysis->sizes, lfirst_oid(cell)).bytes, 0);
	if (room < 0 || wanted <= 0 || room - wanted >= reserve)
		return;
	finding = sd_finding(analysis, SD_RULE_DISK_HEADROOM, NULL);
	finding.about = table;
	finding.object = finding.names.table = sd_relation_name(table);
	finding.size = sd_relation_size(analysis->sizes, table);
	finding.message =
		psprintf("the copy of %s needs " INT64_FORMAT " MB, and " INT64_FORMAT " MB are free",
				 finding.object, Max(wanted / (1024 * 1024), 1), room / (1024 * 1024));
	if (reserve > 0)
		finding.detail =
			psprintf("safedeploy.disk_reserve keeps %d MB of them.", sd_guc_disk_reserve);
	sd_report(analysis, &finding);
}

void
sd_check_room(SdAnalysis *analysis, Node *statement)
{
	check_lock_table(analysis, statement);
	check_disk(analysis);
}

/* is_name_byte tells whether a byte can be part of an unquoted name. */
static bool
is_name_byte(unsigned char c)
{
	return IS_HIGHBIT_SET(c) || c == '_' || c == '$' || (c >= '0' && c <= '9') ||
		   ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/*
 * may_have_long_name looks for a run of bytes that could be a name that is cut
 * off.  Such a run covers one of every NAMEDATALEN bytes, and two quotes are as
 * far apart: so most of the text is not looked at.
 */
static bool
may_have_long_name(const char *text, int len)
{
	const char *quote = memchr(text, '"', len);

	for (int at = NAMEDATALEN - 1; at < len; at += NAMEDATALEN)
	{
		int from = at;
		int to = at;

		while (from > 0 && is_name_byte(text[from - 1]))
			from--;
		while (to < len && is_name_byte(text[to]))
			to++;
		if (to - from >= NAMEDATALEN)
			return true;
	}
	while (quote != NULL)
	{
		const char *next = memchr(quote + 1, '"', text + len - quote - 1);

		if (next != NULL && next - quote > NAMEDATALEN)
			return true;
		quote = next;
	}
	return false;
}

/* name_length returns the bytes of the name that a token means; 0 when it is none. */
static int
name_length(const SdLexer *lexer, const SdToken *token)
{
	int length = token->end - token->start;

	if (token->kind == SD_TOKEN_WORD)
		return length;
	/* escapes of U&"..." are not followed */
	if (token->kind != SD_TOKEN_QUOTED_NAME || lexer->text[token->start] != '"')
		return 0;
	length -= 2;
	for (int i = token->start + 1; i + 1 < token->end - 1; i++)
	{
		if (lexer->text[i] == '"')
		{
			length--;
			i++;
		}
	}
	return length;
}

void
sd_check_long_names(SdAnalysis *analysis, int from, int to)
{
	const SdScript *script = analysis->script;
	SdLexer lexer = { analysis->script->text, to, from };

	if (analysis->long_names == SD_UNKNOWN)
		analysis->long_names = may_have_long_name(script->text, script->len) ? SD_YES : SD_NO;
	if (analysis->long_names == SD_NO || !may_have_long_name(lexer.text + from, to - from))
		return;
	for (SdToken token = sd_lex_next(&lexer); token.kind != SD_TOKEN_END; token = sd_lex_next(&lexer))
	{
		SdFinding finding;
		int length = name_length(&lexer, &token);

		if (length < NAMEDATALEN)
			continue;
		finding = sd_finding(analysis, SD_RULE_IDENTIFIER_TOO_LONG, NULL);
		finding.location = token.start - analysis->origin;
		finding.object = pnstrdup(lexer.text + token.start, token.end - token.start);
		finding.message = psprintf("a name of %d bytes is cut off after %d", length, NAMEDATALEN - 1);
		sd_report(analysis, &finding);
	}
}
