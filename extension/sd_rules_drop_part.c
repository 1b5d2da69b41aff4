/*
 * sd_rules_drop_part.c
 *	  Family "drop": columns, constraints, indexes, views, triggers and foreign
 *	  objects, and what goes with them without being named.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/trigger.h"
#include "foreign/foreign.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_ahead.h"
#include "sd_compat.h"
#include "sd_facts.h"
#include "sd_lookup.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_usage.h"
#include "sd_size.h"

/* report_lost_index reports an index that goes with one of its columns. */
static void
report_lost_index(SdAnalysis *analysis, const SdAlter *alter, const SdIndexFacts *index)
{
	SdFinding finding =
		sd_alter_finding(analysis, SD_RULE_DROP_COLUMN_DROPS_INDEX, alter, alter->cmd->name);

	finding.names.item = sd_relation_name(index->oid);
	finding.names.new_name = quote_identifier(psprintf("%s_new", get_rel_name(index->oid)));
	finding.message = psprintf("%sindex %s goes with column %s", index->unique ? "unique " : "",
							   finding.names.item, finding.object);
	if (index->nkeys > 1)
		finding.detail = "It has other columns too, whose queries lose it.";
	sd_report(analysis, &finding);
}

/* report_lost_constraint reports a constraint that goes with one of its columns. */
static void
report_lost_constraint(SdAnalysis *analysis, const SdAlter *alter, const SdConstraintFacts *constraint)
{
	static const struct
	{
		char type;
		const char *word;
		const char *detail;
	} kinds[] = {
		{ CONSTRAINT_PRIMARY, "primary key",
		  "Rows have no identity without it, and logical replication cannot find them." },
		{ CONSTRAINT_UNIQUE, "UNIQUE constraint", "Rows may repeat from then on." },
		{ CONSTRAINT_FOREIGN, "foreign key", "The table that it points at is locked too." },
		{ CONSTRAINT_CHECK, "CHECK constraint",
		  "It names other columns too, which nothing checks from then on." },
		{ CONSTRAINT_EXCLUSION, "EXCLUDE constraint", "Rows may conflict from then on." },
	};

	for (int i = 0; i < lengthof(kinds); i++)
	{
		SdFinding finding;

		/* a CHECK of this column alone has no other use */
		if (kinds[i].type != constraint->type ||
			(constraint->type == CONSTRAINT_CHECK && list_length(constraint->columns) < 2))
			continue;
		finding = sd_alter_finding(analysis, SD_RULE_DROP_COLUMN_DROPS_CONSTRAINT, alter,
								   alter->cmd->name);
		finding.names.item = quote_identifier(constraint->name);
		finding.message =
			psprintf("%s %s goes with column %s", kinds[i].word, finding.names.item, finding.object);
		finding.detail = kinds[i].detail;
		sd_report(analysis, &finding);
	}
}

/* check_drop_column reports what an existing column takes along. */
static void
check_drop_column(SdAnalysis *analysis, const SdAlter *alter)
{
	AttrNumber column = sd_fact_column(analysis, &alter->relation, alter->cmd->name);
	ListCell *cell;
	List *constraints;

	if (column == InvalidAttrNumber)
		return;
	constraints = sd_fact_constraints(analysis, alter->relation.oid);
	foreach (cell, constraints)
	{
		SdConstraintFacts *constraint = lfirst(cell);

		if (list_member_int(constraint->columns, column) &&
			sd_scope_constraint(analysis->scope, &alter->relation, constraint->name).presence ==
				SD_EXISTS)
			report_lost_constraint(analysis, alter, constraint);
	}
	foreach (cell, sd_fact_indexes_using(alter->relation.oid, column))
	{
		SdIndexFacts *index = sd_fact_index(lfirst_oid(cell));

		if (index != NULL && !sd_fact_backs_constraint(constraints, index->oid) &&
			sd_fact_is_still_there(analysis, index->oid))
			report_lost_index(analysis, alter, index);
	}
}

static void
check_drop_index(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->objects)
	{
		SdRelation relation = sd_scope_relation_list(analysis->scope, lfirst(cell));
		SdIndexFacts *index;
		SdFinding finding;
		SdUsage use;

		if (relation.presence != SD_EXISTS)
			continue;
		index = sd_fact_index(relation.oid);
		if (index == NULL)
			continue;
		if (index->unique && index->valid)
		{
			finding = sd_finding(analysis, SD_RULE_DROP_UNIQUE_INDEX, &relation);
			finding.names.item = finding.object;
			finding.names.table = sd_relation_name(index->table);
			finding.size = sd_relation_size(analysis->sizes, index->table);
			finding.message =
				psprintf("unique index %s of %s is dropped: its rows may repeat from then on",
						 finding.object, finding.names.table);
			sd_report_blocking(analysis, &finding);
		}
		use = sd_usage(analysis, relation.oid);
		if (use.reads > 0)
		{
			finding = sd_finding(analysis, SD_RULE_DROP_INDEX_IN_USE, &relation);
			finding.names.item = finding.object;
			finding.size = sd_relation_size(analysis->sizes, index->table);
			finding.message =
				psprintf("index %s was used by " INT64_FORMAT " scan%s%s", finding.object,
						 use.reads, use.reads == 1 ? "" : "s", sd_usage_last(&use));
			sd_report_blocking(analysis, &finding);
		}
	}
}

/* check_still_used reports the drop of a table that statistics say is used. */
static void
check_still_used(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->objects)
	{
		SdRelation relation = sd_scope_relation_list(analysis->scope, lfirst(cell));
		SdFinding finding;
		SdUsage use;

		if (!sd_has_storage(&relation) || relation.presence != SD_EXISTS)
			continue;
		use = sd_usage(analysis, relation.oid);
		if (use.reads == 0 && use.writes == 0)
			continue;
		finding = sd_finding(analysis, SD_RULE_OBJECT_STILL_USED, &relation);
		finding.message = psprintf("%s was read by " INT64_FORMAT " scans and had " INT64_FORMAT
								   " rows written%s",
								   finding.object, use.reads, use.writes, sd_usage_last(&use));
		sd_report_blocking(analysis, &finding);
	}
}

static void
check_drop_view(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->objects)
	{
		SdRelation relation = sd_scope_relation_list(analysis->scope, lfirst(cell));
		SdFinding finding;

		if (!sd_is_target(analysis, &relation, stmt->missing_ok))
			continue;
		finding = sd_finding(analysis, SD_RULE_DROP_VIEW, &relation);
		finding.lock = AccessExclusiveLock;
		finding.message = psprintf("drops view %s", finding.object);
		if (sd_ahead(analysis, SD_AHEAD_RELATION, relation.name, NULL, true))
		{
			finding.severity = SD_NOTICE;
			finding.detail = "The same transaction makes it anew; what was granted on it is gone.";
		}
		sd_report(analysis, &finding);
	}
}

/* check_drop_routine reports a routine that running code may call. */
static void
check_drop_routine(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->objects)
	{
		ObjectWithArgs *routine = lfirst_node(ObjectWithArgs, cell);
		SdFinding finding;

		if (!OidIsValid(sd_lookup_routine(stmt->removeType, routine)) ||
			sd_ahead(analysis, SD_AHEAD_ROUTINE, strVal(llast(routine->objname)), NULL, true))
			continue;
		finding = sd_finding(analysis, SD_RULE_DROP_ROUTINE, NULL);
		finding.object = NameListToQuotedString(routine->objname);
		finding.message = psprintf("drops %s, which running code may call", finding.object);
		finding.detail = "The server knows of views, defaults, triggers and the like that need it; "
						 "not of clients, nor of the text of PL/pgSQL functions.";
		sd_report(analysis, &finding);
	}
}

static void
check_drop_trigger(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	List *names = linitial_node(List, stmt->objects);
	SdRelation relation =
		sd_scope_relation_list(analysis->scope,
							   list_truncate(list_copy(names), list_length(names) - 1));
	SdFinding finding;

	if (!sd_is_target(analysis, &relation, stmt->missing_ok))
		return;
	/* one that the script made does nothing for anybody yet */
	if (relation.presence == SD_EXISTS &&
		!OidIsValid(get_trigger_oid(relation.oid, strVal(llast(names)), true)))
		return;
	finding = sd_finding(analysis, SD_RULE_DROP_TRIGGER, &relation);
	finding.names.item = quote_identifier(strVal(llast(names)));
	finding.lock = AccessExclusiveLock;
	finding.message =
		psprintf("drops trigger %s of %s: what it does for each change is not done any more",
				 finding.names.item, finding.object);
	finding.detail = "Nobody can read or write the table until the transaction ends.";
	sd_report(analysis, &finding);
}

/* check_drop_foreign reports foreign tables, servers and user mappings; rows stay where they are. */
static void
check_drop_foreign(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->objects)
	{
		SdFinding finding = sd_finding(analysis, SD_RULE_DROP_FOREIGN, NULL);
		SdRelation relation;

		switch (stmt->removeType)
		{
			case OBJECT_FOREIGN_TABLE:
				relation = sd_scope_relation_list(analysis->scope, lfirst(cell));
				if (!sd_is_target(analysis, &relation, stmt->missing_ok))
					continue;
				finding.object = sd_shown(&relation);
				finding.lock = AccessExclusiveLock;
				finding.message = psprintf("drops foreign table %s", finding.object);
				break;
			case OBJECT_FOREIGN_SERVER:
				finding.object = quote_identifier(strVal(lfirst(cell)));
				if (stmt->missing_ok &&
					!OidIsValid(get_foreign_server_oid(strVal(lfirst(cell)), true)))
					continue;
				finding.message = psprintf("drops server %s", finding.object);
				break;
			default:
				finding.object = quote_identifier(strVal(lfirst(cell)));
				if (stmt->missing_ok &&
					!OidIsValid(get_foreign_data_wrapper_oid(strVal(lfirst(cell)), true)))
					continue;
				finding.message = psprintf("drops foreign-data wrapper %s", finding.object);
				break;
		}
		finding.names.item = finding.object;
		finding.detail =
			"The rows stay where they are, but nothing here reaches them any more; options "
			"and passwords are gone.";
		sd_report(analysis, &finding);
	}
}

static void
check_drop_mapping(SdAnalysis *analysis, Node *statement)
{
	DropUserMappingStmt *stmt = (DropUserMappingStmt *) statement;
	SdFinding finding = sd_finding(analysis, SD_RULE_DROP_FOREIGN, NULL);

	if (stmt->missing_ok && !OidIsValid(get_foreign_server_oid(stmt->servername, true)))
		return;
	finding.object = finding.names.item = quote_identifier(stmt->servername);
	finding.message = psprintf("drops a user mapping of server %s", finding.object);
	finding.detail = "Its user cannot reach the rows there any more, and its password is gone.";
	sd_report(analysis, &finding);
}

/* check_fanout reports the tables that DROP TABLE locks because foreign keys point at them. */
static void
check_fanout(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	ListCell *cell;
	List *seen = NIL;

	/* what is dropped too has locks of its own */
	foreach (cell, stmt->objects)
		seen = lappend_oid(seen, sd_scope_relation_list(analysis->scope, lfirst(cell)).oid);
	foreach (cell, stmt->objects)
	{
		SdRelation relation = sd_scope_relation_list(analysis->scope, lfirst(cell));
		ListCell *inner;

		if (relation.presence != SD_EXISTS)
			continue;
		foreach (inner, sd_fact_constraints(analysis, relation.oid))
		{
			SdConstraintFacts *constraint = lfirst(inner);
			SdFinding finding;

			if (constraint->type != CONSTRAINT_FOREIGN || list_member_oid(seen, constraint->other))
				continue;
			seen = lappend_oid(seen, constraint->other);
			finding = sd_finding(analysis, SD_RULE_DROP_TABLE_FK_FANOUT, NULL);
			finding.object = finding.names.other = sd_relation_name(constraint->other);
			finding.names.table = sd_shown(&relation);
			finding.names.item = quote_identifier(constraint->name);
			finding.lock = AccessExclusiveLock;
			finding.message =
				psprintf("dropping %s locks %s against reading and writing, because foreign key %s points at it",
						 finding.names.table, finding.object, finding.names.item);
			finding.detail = "Several such locks in one transaction are how deploys and applications "
							 "come to wait for each other.";
			sd_report(analysis, &finding);
		}
	}
}

/* check_recreate reports a table or sequence that is made again under the name of one that was dropped. */
static void
check_recreate(SdAnalysis *analysis, Node *statement)
{
	const RangeVar *name =
		IsA(statement, CreateStmt)		  ? ((CreateStmt *) statement)->relation :
		IsA(statement, CreateTableAsStmt) ? ((CreateTableAsStmt *) statement)->into->rel :
											((CreateSeqStmt *) statement)->sequence;
	SdRelation before =
		sd_scope_relation_in(analysis->scope, sd_scope_creation_schema(analysis->scope, name),
							 name->relname);
	SdFinding finding;

	if (before.presence != SD_GONE || !before.dropped ||
		(before.relkind != RELKIND_RELATION && before.relkind != RELKIND_PARTITIONED_TABLE &&
		 before.relkind != RELKIND_SEQUENCE))
		return;
	finding = sd_finding(analysis, SD_RULE_DROP_AND_RECREATE, &before);
	finding.data_loss = SD_LOSS_CERTAIN;
	finding.message =
		psprintf("%s is dropped and made again: %s", finding.object,
				 before.relkind == RELKIND_SEQUENCE ?
					 "its last value is lost, and so are its privileges" :
					 "its rows are lost, and so are its privileges, indexes and triggers");
	sd_report(analysis, &finding);
}

/* check_recreate_column does so for a column. */
static void
check_recreate_column(SdAnalysis *analysis, const SdAlter *alter)
{
	const char *name = castNode(ColumnDef, alter->cmd->def)->colname;
	bool before = sd_scope_column(analysis->scope, &alter->relation, name).dropped;
	SdFinding finding;
	ListCell *cell;

	/* what the same command drops goes first */
	foreach (cell, alter->stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if (cmd->subtype == AT_DropColumn && strcmp(cmd->name, name) == 0)
			before |= sd_fact_column(analysis, &alter->relation, name) != InvalidAttrNumber;
	}
	if (!before)
		return;
	finding = sd_alter_finding(analysis, SD_RULE_DROP_AND_RECREATE, alter, name);
	finding.data_loss = sd_loss_of(finding.size);
	finding.message =
		psprintf("column %s is dropped and made again: its values are lost", finding.object);
	sd_report_blocking(analysis, &finding);
}

const SdCheck sd_checks_drop_part[] = {
	{ T_CreateStmt, -1, check_recreate },
	{ T_CreateTableAsStmt, -1, check_recreate },
	{ T_CreateSeqStmt, -1, check_recreate },
	{ T_DropStmt, OBJECT_INDEX, check_drop_index },
	{ T_DropStmt, OBJECT_TABLE, check_fanout },
	{ T_DropStmt, OBJECT_TABLE, check_still_used },
	{ T_DropStmt, OBJECT_MATVIEW, check_still_used },
	{ T_DropStmt, OBJECT_VIEW, check_drop_view },
	{ T_DropStmt, OBJECT_TRIGGER, check_drop_trigger },
	{ T_DropStmt, OBJECT_FOREIGN_TABLE, check_drop_foreign },
	{ T_DropStmt, OBJECT_FOREIGN_SERVER, check_drop_foreign },
	{ T_DropStmt, OBJECT_FDW, check_drop_foreign },
	{ T_DropUserMappingStmt, -1, check_drop_mapping },
	{ T_DropStmt, OBJECT_FUNCTION, check_drop_routine },
	{ T_DropStmt, OBJECT_PROCEDURE, check_drop_routine },
	{ T_DropStmt, OBJECT_ROUTINE, check_drop_routine },
	{ T_DropStmt, OBJECT_AGGREGATE, check_drop_routine },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_drop_part[] = {
	{ AT_DropColumn, check_drop_column },
	{ AT_AddColumn, check_recreate_column },
	{ 0, NULL },
};
