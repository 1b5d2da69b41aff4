/*
 * sd_rules_replication.c
 *	  Family "application", the part about logical replication: it copies rows, and
 *	  no definition.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_lookup.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_track.h"

/* report_replicated reports a change of a table whose rows other servers send or get. */
static void
report_replicated(SdAnalysis *analysis, const SdRelation *relation, LOCKMODE lock)
{
	SdPublished published;
	SdFinding finding;

	if (relation->presence != SD_EXISTS || analysis->deferred)
		return;
	published = sd_lookup_published(analysis, relation->oid);
	if (published.name == NULL && !sd_lookup_subscribed(analysis, relation->oid))
		return;
	finding = sd_finding(analysis, SD_RULE_PUBLICATION_DDL, relation);
	finding.lock = lock;
	if (published.name != NULL)
		finding.message =
			psprintf("rows of %s are replicated by publication %s, but this change is not",
					 finding.object, quote_identifier(published.name));
	else
		finding.message = psprintf("rows of %s come from a subscription, but this change does not",
								   finding.object);
	finding.detail = "Replication stops when a row arrives that the other side cannot store.";
	sd_report(analysis, &finding);
}

static void
check_alter(SdAnalysis *analysis, const SdAlter *alter)
{
	report_replicated(analysis, &alter->relation, alter->lock);
}

static void
check_rename(SdAnalysis *analysis, Node *statement)
{
	RenameStmt *stmt = (RenameStmt *) statement;
	SdRelation relation;

	if (stmt->relation == NULL)
		return;
	relation = sd_scope_relation(analysis->scope, stmt->relation);
	report_replicated(analysis, &relation, AccessExclusiveLock);
}

static void
check_drop(SdAnalysis *analysis, Node *statement)
{
	ListCell *cell;

	foreach (cell, ((DropStmt *) statement)->objects)
	{
		SdRelation relation = sd_scope_relation_list(analysis->scope, lfirst(cell));

		report_replicated(analysis, &relation, AccessExclusiveLock);
	}
}

/* report_identity reports rows of a published table that cannot be told apart any more. */
static void
report_identity(SdAnalysis *analysis, const SdRelation *relation, SdSeverity severity,
				LOCKMODE lock, const char *message)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_REPLICA_IDENTITY, relation);

	finding.severity = severity;
	finding.lock = lock;
	finding.message = psprintf(message, finding.object);
	sd_report(analysis, &finding);
}

static void
check_replica_identity(SdAnalysis *analysis, const SdAlter *alter)
{
	ReplicaIdentityStmt *stmt = castNode(ReplicaIdentityStmt, alter->cmd->def);
	bool published;

	if (alter->relation.presence != SD_EXISTS || analysis->deferred)
		return;
	published = sd_lookup_published(analysis, alter->relation.oid).updates;
	if (stmt->identity_type == REPLICA_IDENTITY_NOTHING && published)
		report_identity(analysis, &alter->relation, SD_ERROR, alter->lock,
						"%s is published, and UPDATE and DELETE of it fail from now on");
	else if (stmt->identity_type == REPLICA_IDENTITY_FULL)
		report_identity(analysis, &alter->relation, SD_NOTICE, alter->lock,
						"the whole old row of each change of %s goes into the WAL from now on");
}

/* identity_of returns the kind of replica identity of a table. */
static char
identity_of(Oid table)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	char result = REPLICA_IDENTITY_NOTHING;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_class) GETSTRUCT(tuple))->relreplident;
		ReleaseSysCache(tuple);
	}
	return result;
}

/* check_lost_identity judges an index that goes: it may be what tells rows apart. */
static void
check_lost_identity(SdAnalysis *analysis, const SdRelation *table, Oid index, LOCKMODE lock)
{
	char identity = identity_of(table->oid);
	bool primary;
	bool chosen;

	if ((identity != REPLICA_IDENTITY_DEFAULT && identity != REPLICA_IDENTITY_INDEX) ||
		!sd_lookup_published(analysis, table->oid).updates)
		return;
	sd_lookup_index_use(index, &primary, &chosen);
	if (identity == REPLICA_IDENTITY_DEFAULT ? primary : chosen)
		report_identity(analysis, table, SD_ERROR, lock,
						"the replica identity of %s goes, which is published: UPDATE and DELETE of it "
						"fail from now on");
}

static void
check_drop_constraint(SdAnalysis *analysis, const SdAlter *alter)
{
	Oid constraint;
	Oid index;

	if (alter->relation.presence != SD_EXISTS || analysis->deferred)
		return;
	constraint = get_relation_constraint_oid(alter->relation.oid, alter->cmd->name, true);
	index = OidIsValid(constraint) ? get_constraint_index(constraint) : InvalidOid;
	if (OidIsValid(index))
		check_lost_identity(analysis, &alter->relation, index, alter->lock);
}

static void
check_drop_index(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	ListCell *cell;

	if (analysis->deferred)
		return;
	foreach (cell, stmt->objects)
	{
		SdRelation index = sd_scope_relation_list(analysis->scope, lfirst(cell));
		SdRelation table = { .presence = SD_EXISTS };

		if (index.presence != SD_EXISTS)
			continue;
		table.oid = sd_lookup_index_table(index.oid);
		if (!OidIsValid(table.oid))
			continue;
		table.name = get_rel_name(table.oid);
		table.schema = get_namespace_name(get_rel_namespace(table.oid));
		check_lost_identity(analysis, &table, index.oid,
							stmt->concurrent ? ShareUpdateExclusiveLock : AccessExclusiveLock);
	}
}

const SdCheck sd_checks_replication[] = {
	{ T_RenameStmt, OBJECT_TABLE, check_rename },
	{ T_RenameStmt, OBJECT_COLUMN, check_rename },
	{ T_DropStmt, OBJECT_TABLE, check_drop },
	{ T_DropStmt, OBJECT_INDEX, check_drop_index },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_replication[] = {
	{ AT_AddColumn, check_alter },
	{ AT_DropColumn, check_alter },
	{ AT_AlterColumnType, check_alter },
	{ AT_SetNotNull, check_alter },
	{ AT_AddConstraint, check_alter },
	{ AT_ReplicaIdentity, check_replica_identity },
	{ AT_DropConstraint, check_drop_constraint },
	{ 0, NULL },
};
