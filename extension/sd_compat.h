/*
 * sd_compat.h
 *	  Differences between PostgreSQL 13 and 18, and nowhere else.
 *
 * New names are emulated on old servers, so that callers are written against
 * the newest API.
 */
#ifndef SD_COMPAT_H
#define SD_COMPAT_H

#if PG_VERSION_NUM < 130000 || PG_VERSION_NUM >= 190000
#error "safedeploy supports PostgreSQL 13 to 18"
#endif

/* Only some servers bring the settings of a session along with other headers. */
#include "utils/guc.h"

/* 16 moved the varlena macros out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 15 reserves a prefix; before that unknown names under it only warn. */
#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

/* 16 has memory of its own for what check hooks of settings keep; NULL when there is none left. */
#if PG_VERSION_NUM >= 160000
#define sd_guc_alloc(size) guc_malloc(LOG, size)
#else
#define sd_guc_alloc(size) malloc(size)
#endif

/* 14 added readOnlyTree to ProcessUtility_hook. */
#if PG_VERSION_NUM >= 140000
#define SD_PROCESS_UTILITY_ARGS                                                                    \
	PlannedStmt *pstmt, const char *queryString, bool readOnlyTree, ProcessUtilityContext context, \
		ParamListInfo params, QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc
#define SD_PROCESS_UTILITY_PASS \
	pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc
#else
#define SD_PROCESS_UTILITY_ARGS                                                 \
	PlannedStmt *pstmt, const char *queryString, ProcessUtilityContext context, \
		ParamListInfo params, QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc
#define SD_PROCESS_UTILITY_PASS pstmt, queryString, context, params, queryEnv, dest, qc
#endif

/*
 * SHA-256 over pieces: begin, update as often as wanted, final, free.  14
 * replaced the functions of 13 by a context for any hash.  A context may be
 * begun again after final, which saves its creation.
 */
#if PG_VERSION_NUM >= 140000
#include "common/cryptohash.h"
#endif
#include "common/sha2.h"

#define SD_SHA256_LENGTH 32

#if PG_VERSION_NUM >= 140000
typedef pg_cryptohash_ctx SdSha256;

static inline SdSha256 *
sd_sha256_create(void)
{
	return pg_cryptohash_create(PG_SHA256);
}

static inline void
sd_sha256_begin(SdSha256 *ctx)
{
	if (pg_cryptohash_init(ctx) < 0)
		elog(ERROR, "could not initialize SHA-256: %s", pg_cryptohash_error(ctx));
}

static inline void
sd_sha256_update(SdSha256 *ctx, const void *data, size_t len)
{
	if (pg_cryptohash_update(ctx, (const uint8 *) data, len) < 0)
		elog(ERROR, "could not update SHA-256: %s", pg_cryptohash_error(ctx));
}

static inline void
sd_sha256_final(SdSha256 *ctx, uint8 *out)
{
	if (pg_cryptohash_final(ctx, out, SD_SHA256_LENGTH) < 0)
		elog(ERROR, "could not finish SHA-256: %s", pg_cryptohash_error(ctx));
}

static inline void
sd_sha256_free(SdSha256 *ctx)
{
	pg_cryptohash_free(ctx);
}
#else
typedef pg_sha256_ctx SdSha256;

static inline SdSha256 *
sd_sha256_create(void)
{
	return palloc(sizeof(SdSha256));
}

static inline void
sd_sha256_begin(SdSha256 *ctx)
{
	pg_sha256_init(ctx);
}

static inline void
sd_sha256_update(SdSha256 *ctx, const void *data, size_t len)
{
	pg_sha256_update(ctx, (const uint8 *) data, len);
}

static inline void
sd_sha256_final(SdSha256 *ctx, uint8 *out)
{
	pg_sha256_final(ctx, out);
}

static inline void
sd_sha256_free(SdSha256 *ctx)
{
	pfree(ctx);
}
#endif

/* 14 moved the wait events out of pgstat.h. */
#if PG_VERSION_NUM >= 140000
#include "utils/wait_event.h"
#else
#include "pgstat.h"
#endif

/* 17 added orstronger to LockHeldByMe. */
#if PG_VERSION_NUM >= 170000
#define sd_lock_held_by_me(tag, mode) LockHeldByMe(tag, mode, false)
#else
#define sd_lock_held_by_me(tag, mode) LockHeldByMe(tag, mode)
#endif

/* 16 moved the macros of variable-length values out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 14 gave the raw parser a mode. */
#if PG_VERSION_NUM >= 140000
#define sd_raw_parser(sql) raw_parser(sql, RAW_PARSE_DEFAULT)
#else
#define sd_raw_parser(sql) raw_parser(sql)
#endif

/* 15 made several functions of the one for parse analysis. */
#if PG_VERSION_NUM >= 150000
#define sd_parse_analyze(raw) parse_analyze_fixedparams(raw, "", NULL, 0, NULL)
#else
#define sd_parse_analyze(raw) parse_analyze(raw, "", NULL, 0, NULL)
#endif

/* 14 turned the options of REINDEX into a list. */
#if PG_VERSION_NUM >= 140000
#define SD_REINDEX_CONCURRENT(stmt) sd_option_is_on((stmt)->params, "concurrently")
#else
#define SD_REINDEX_CONCURRENT(stmt) ((stmt)->concurrent)
#endif

/* 14 renamed relkind to objtype and made DETACH PARTITION CONCURRENTLY. */
#if PG_VERSION_NUM >= 140000
#define SD_CTAS_OBJTYPE(stmt)			 ((stmt)->objtype)
#define SD_ALTER_TABLE_OBJTYPE(stmt)	 ((stmt)->objtype)
#define SD_PARTITION_CMD_CONCURRENT(cmd) ((cmd)->concurrent)
#define SD_INHERITS_DETACHING(form)		 ((form)->inhdetachpending)
#else
#define SD_CTAS_OBJTYPE(stmt)			 ((stmt)->relkind)
#define SD_ALTER_TABLE_OBJTYPE(stmt)	 ((stmt)->relkind)
#define SD_PARTITION_CMD_CONCURRENT(cmd) (false)
#define SD_INHERITS_DETACHING(form)		 (false)
#endif

/* 15 made MERGE, and a node type of its own for boolean constants. */
#if PG_VERSION_NUM >= 150000
#define SD_IS_MERGE(node)		   IsA(node, MergeStmt)
#define SD_MERGE_RELATION(node)	   (((MergeStmt *) (node))->relation)
#define SD_T_MERGE				   T_MergeStmt
#define SD_IS_TRUE_CONSTANT(value) (IsA(&(value)->val, Boolean) && (value)->val.boolval.boolval)
#define SD_CONSTANT_IS_NULL(value) ((value)->isnull)
#define SD_CONSTANT_STRING(value)  (IsA(&(value)->val, String) ? (value)->val.sval.sval : NULL)
#else
#define SD_IS_MERGE(node)		   (false)
#define SD_MERGE_RELATION(node)	   ((RangeVar *) NULL)
#define SD_T_MERGE				   T_Invalid
#define SD_IS_TRUE_CONSTANT(value) (false)
#define SD_CONSTANT_IS_NULL(value) (IsA(&(value)->val, Null))
#define SD_CONSTANT_STRING(value)  (IsA(&(value)->val, String) ? strVal(&(value)->val) : NULL)
#endif

/* 16 keeps when a relation was last scanned. */
#if PG_VERSION_NUM >= 160000
#define SD_STAT_LAST_SCAN(entry) ((entry)->lastscan)
#else
#define SD_STAT_LAST_SCAN(entry) ((TimestampTz) 0)
#endif

/* 16 renamed counters of the statistics. */
#if PG_VERSION_NUM >= 160000
#define SD_STAT_LIVE_ROWS(entry)	((entry)->live_tuples)
#define SD_STAT_TRANSACTIONS(entry) ((entry)->xact_commit + (entry)->xact_rollback)
#else
#define SD_STAT_LIVE_ROWS(entry)	((entry)->n_live_tuples)
#define SD_STAT_TRANSACTIONS(entry) ((entry)->n_xact_commit + (entry)->n_xact_rollback)
#endif

/* When counters of the whole server began: 15 keeps that of each kind. */
#if PG_VERSION_NUM >= 150000
#define SD_STAT_SERVER_RESET() (pgstat_fetch_stat_bgwriter()->stat_reset_timestamp)
#else
#define SD_STAT_SERVER_RESET() (pgstat_fetch_global()->stat_reset_timestamp)
#endif

/* 16 renamed the function for what a session says of itself; numbers begin at 1. */
#if PG_VERSION_NUM >= 160000
#define sd_local_status(number) pgstat_get_local_beentry_by_index(number)
#else
#define sd_local_status(number) pgstat_fetch_stat_local_beentry(number)
#endif

/*
 * The process that runs a virtual transaction; NULL when none does, as of a prepared one,
 * which keeps the number of the session that made it.  17 numbers processes in another way.
 */
#include "storage/proc.h"
#if PG_VERSION_NUM >= 170000
#include "storage/procarray.h"
#define SD_PROC_BY_NUMBER(vxid)	  ProcNumberGetProc((vxid).procNumber)
#define SD_PROC_TRANSACTION(proc) ((proc)->vxid.lxid)
#else
#include "storage/sinvaladt.h"
#define SD_PROC_BY_NUMBER(vxid)	  BackendIdGetProc((vxid).backendId)
#define SD_PROC_TRANSACTION(proc) ((proc)->lxid)
#endif

static inline PGPROC *
sd_proc_of(VirtualTransactionId vxid)
{
	PGPROC *proc = SD_PROC_BY_NUMBER(vxid);

	return proc != NULL && SD_PROC_TRANSACTION(proc) == vxid.localTransactionId ? proc : NULL;
}

/* 14 renamed the OIDs of predefined roles. */
#if PG_VERSION_NUM >= 140000
#define SD_ROLE_READ_ALL_STATS ROLE_PG_READ_ALL_STATS
#else
#define SD_ROLE_READ_ALL_STATS DEFAULT_ROLE_READ_ALL_STATS
#endif

/* 18 returns the path of a relation's file in a struct. */
#if PG_VERSION_NUM >= 180000
#define sd_relation_path(buffer, size, database, tablespace, filenode)                              \
	strlcpy(buffer,                                                                                 \
			GetRelationPath(database, tablespace, filenode, INVALID_PROC_NUMBER, MAIN_FORKNUM).str, \
			size)
#else
#define sd_relation_path(buffer, size, database, tablespace, filenode) \
	strlcpy(buffer, GetRelationPath(database, tablespace, filenode, -1, MAIN_FORKNUM), size)
#endif

/*
 * 18 made virtual generated columns and NOT ENFORCED.  Its parser leaves is_enforced
 * unset for what is always enforced: all but CHECK and foreign keys.
 */
#if PG_VERSION_NUM >= 180000
#define SD_CONSTRAINT_IS_ENFORCED(constraint) \
	((constraint)->is_enforced ||             \
	 ((constraint)->contype != CONSTR_CHECK && (constraint)->contype != CONSTR_FOREIGN))
#define SD_GENERATED_IS_STORED(constraint) \
	((constraint)->generated_kind == ATTRIBUTE_GENERATED_STORED)
#else
#define SD_CONSTRAINT_IS_ENFORCED(constraint) (true)
#define SD_GENERATED_IS_STORED(constraint)	  (true)
#endif

/* sd_enforced_constraint names the constraint that ALTER CONSTRAINT ... ENFORCED is about, or NULL. */
#if PG_VERSION_NUM >= 180000
#define SD_FORM_IS_ENFORCED(form) ((form)->conenforced)

static inline const char *
sd_enforced_constraint(AlterTableCmd *cmd)
{
	ATAlterConstraint *alter = castNode(ATAlterConstraint, cmd->def);

	return alter->alterEnforceability && alter->is_enforced ? alter->conname : NULL;
}
#else
#define SD_FORM_IS_ENFORCED(form)	(true)
#define sd_enforced_constraint(cmd) ((const char *) NULL)
#endif

/* 17 made ALTER COLUMN SET EXPRESSION; no command before has this number. */
#if PG_VERSION_NUM >= 170000
#define SD_AT_SET_EXPRESSION AT_SetExpression
#else
#define SD_AT_SET_EXPRESSION ((AlterTableType) -1)
#endif

/* 14 made SET COMPRESSION and DETACH PARTITION in two steps, likewise. */
#if PG_VERSION_NUM >= 140000
#define SD_AT_SET_COMPRESSION	  AT_SetCompression
#define SD_AT_DETACH_FINALIZE	  AT_DetachPartitionFinalize
#define sd_partition_parent(part) get_partition_parent(part, true)
#else
#define SD_AT_SET_COMPRESSION	  ((AlterTableType) -2)
#define SD_AT_DETACH_FINALIZE	  ((AlterTableType) -2)
#define sd_partition_parent(part) get_partition_parent(part)
#endif

/* Locks that differ, of what a statement does not name. */
#define SD_RENAME_INDEX_LOCK	  ShareUpdateExclusiveLock
#define SD_DETACH_REFERENCED_LOCK ShareRowExclusiveLock
#define SD_PARENT_INDEX_LOCK	  ShareUpdateExclusiveLock
#define SD_DROP_STATISTICS_LOCK	  ShareUpdateExclusiveLock
#if PG_VERSION_NUM >= 140000
#define SD_CLONE_REFERENCED_LOCK ShareRowExclusiveLock
#define SD_DETACHED_LOCK		 AccessExclusiveLock
#define SD_STORED_SEQUENCE_LOCK	 AccessShareLock
#define SD_TRUNCATED_PARENT_LOCK NoLock
#else
#define SD_CLONE_REFERENCED_LOCK AccessShareLock
#define SD_DETACHED_LOCK		 ShareUpdateExclusiveLock
#define SD_STORED_SEQUENCE_LOCK	 NoLock
#define SD_TRUNCATED_PARENT_LOCK AccessShareLock
#endif
#if PG_VERSION_NUM >= 140000 && PG_VERSION_NUM < 180000
#define SD_COLUMN_TYPE_LOCK AccessShareLock
#else
#define SD_COLUMN_TYPE_LOCK NoLock
#endif
#if PG_VERSION_NUM >= 180000
#define SD_PARTITION_INDEX_LOCK AccessExclusiveLock
#define SD_ANALYZE_CHILD_LOCK	ShareUpdateExclusiveLock
#define SD_GRANT_LOCK			AccessShareLock
#else
#define SD_PARTITION_INDEX_LOCK ShareLock
#define SD_ANALYZE_CHILD_LOCK	AccessShareLock
#define SD_GRANT_LOCK			NoLock
#endif
/* 18 looks at all that inherits even where nothing is to be changed there. */
#define SD_LOOKS_AT_CHILDREN (PG_VERSION_NUM >= 180000)

/* 18 put RETURNING into a node of its own. */
#if PG_VERSION_NUM >= 180000
#define SD_RETURNING_LIST(stmt) \
	((stmt)->returningClause == NULL ? NIL : (stmt)->returningClause->exprs)
#else
#define SD_RETURNING_LIST(stmt) ((stmt)->returningList)
#endif

/* 17 hands the identity of a column on to partitions. */
#define SD_IDENTITY_IS_INHERITED (PG_VERSION_NUM >= 170000)

/* 15 made ALTER TABLE SET ACCESS METHOD, likewise. */
#if PG_VERSION_NUM >= 150000
#define SD_AT_SET_ACCESS_METHOD AT_SetAccessMethod
#else
#define SD_AT_SET_ACCESS_METHOD ((AlterTableType) -1)
#endif

/* Index entries of a row.  14 made the target an argument, 16 added onlySummarizing. */
#if PG_VERSION_NUM >= 160000
#define sd_insert_index_tuples(info, slot, estate, no_error, conflict, arbiter) \
	ExecInsertIndexTuples(info, slot, estate, false, no_error, conflict, arbiter, false)
#elif PG_VERSION_NUM >= 140000
#define sd_insert_index_tuples(info, slot, estate, no_error, conflict, arbiter) \
	ExecInsertIndexTuples(info, slot, estate, false, no_error, conflict, arbiter)
#else
#define sd_insert_index_tuples(info, slot, estate, no_error, conflict, arbiter) \
	ExecInsertIndexTuples(slot, estate, no_error, conflict, arbiter)
#endif
#if PG_VERSION_NUM >= 140000
#define sd_estate_set_target(estate, info) ((void) 0)
#else
#define sd_estate_set_target(estate, info) ((estate)->es_result_relation_info = (info))
#endif

/* 18 counts what a scan does, where that is asked for. */
#if PG_VERSION_NUM >= 180000
#define sd_index_beginscan(rel, index, snapshot, nkeys) \
	index_beginscan(rel, index, snapshot, NULL, nkeys, 0)
#else
#define sd_index_beginscan(rel, index, snapshot, nkeys) \
	index_beginscan(rel, index, snapshot, nkeys, 0)
#endif

/*
 * Text of the query in pg_stat_activity.  13 hides the entry of the session, but its
 * function changes nothing else that matters; the later one would clear the query's id.
 */
#if PG_VERSION_NUM >= 140000
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "utils/backend_status.h"
#define sd_get_activity() pgstat_clip_activity(MyBEEntry->st_activity_raw)
static inline void
sd_set_activity(const char *text)
{
	int len = pg_mbcliplen(text, strlen(text), pgstat_track_activity_query_size - 1);

	PGSTAT_BEGIN_WRITE_ACTIVITY(MyBEEntry);
	memcpy(MyBEEntry->st_activity_raw, text, len);
	MyBEEntry->st_activity_raw[len] = '\0';
	PGSTAT_END_WRITE_ACTIVITY(MyBEEntry);
}
#else
#define sd_get_activity()	  pgstat_get_backend_current_activity(MyProcPid, false)
#define sd_set_activity(text) pgstat_report_activity(STATE_RUNNING, text)
#endif

/* 14 asks for the kind of key of a hash table; before that strings were the default. */
#if PG_VERSION_NUM < 140000
#define HASH_STRINGS 0
#endif

/* 18 says first that a function does not return; before, an attribute could stand there too. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* 16 keeps what a check hook hands over in memory of its own. */
#if PG_VERSION_NUM >= 160000
#define sd_guc_malloc(elevel, size) guc_malloc(elevel, size)
#else
#define sd_guc_malloc(elevel, size) malloc(size)
#endif

/* 14 gave ModifyTable its one subplan as the outer plan; before, it had a list. */
#if PG_VERSION_NUM >= 140000
#define SD_MODIFY_TABLE_PLANS(node) list_make1(outerPlan(node))
#else
#define SD_MODIFY_TABLE_PLANS(node) ((node)->plans)
#endif

/* 14 tells of TRUNCATE by the object access hook; no event before has this number. */
#if PG_VERSION_NUM >= 140000
#define SD_OAT_TRUNCATE OAT_TRUNCATE
#else
#define SD_OAT_TRUNCATE ((ObjectAccessType) -1)
#endif

/* 17 names kinds of processes in another way. */
#if PG_VERSION_NUM >= 170000
#define SD_IS_AUTOVACUUM_WORKER() AmAutoVacuumWorkerProcess()
#else
#include "postmaster/autovacuum.h"
#define SD_IS_AUTOVACUUM_WORKER() IsAutoVacuumWorkerProcess()
#endif

/*
 * Locks of this session.  16 replaced the kind of lists, 18 lets the server choose how
 * many slots the fast path has.  A slot has one bit for each of the three weakest modes.
 */
#if PG_VERSION_NUM >= 180000
#define SD_FAST_PATH_SLOTS FastPathLockSlotsPerBackend()
#define SD_FAST_PATH_MODES(proc, slot)                                    \
	((LOCKMASK) (((proc)->fpLockBits[(slot) / FP_LOCK_SLOTS_PER_GROUP] >> \
				  (3 * ((slot) % FP_LOCK_SLOTS_PER_GROUP))) &             \
				 7)                                                       \
	 << 1)
#else
#define SD_FAST_PATH_SLOTS			   FP_LOCK_SLOTS_PER_BACKEND
#define SD_FAST_PATH_MODES(proc, slot) ((LOCKMASK) (((proc)->fpLockBits >> (3 * (slot))) & 7) << 1)
#endif
#if PG_VERSION_NUM >= 160000
#define SD_PROC_LOCKS_EMPTY(proc, i) dlist_is_empty(&(proc)->myProcLocks[i])
#define SD_PROC_LOCKS_EACH(proc, i, proclock)                                                      \
	for (PROCLOCK *proclock = dlist_is_empty(&(proc)->myProcLocks[i]) ?                            \
								  NULL :                                                           \
								  dlist_head_element(PROCLOCK, procLink, &(proc)->myProcLocks[i]); \
		 proclock != NULL;                                                                         \
		 proclock = dlist_has_next(&(proc)->myProcLocks[i], &proclock->procLink) ?                 \
						dlist_container(PROCLOCK, procLink, proclock->procLink.next) :             \
						NULL)
#else
#define SD_PROC_LOCKS_EMPTY(proc, i) SHMQueueEmpty(&(proc)->myProcLocks[i])
#define SD_PROC_LOCKS_EACH(proc, i, proclock)                                               \
	for (PROCLOCK *proclock =                                                               \
			 (PROCLOCK *) SHMQueueNext(&(proc)->myProcLocks[i], &(proc)->myProcLocks[i],    \
									   offsetof(PROCLOCK, procLink));                       \
		 proclock != NULL;                                                                  \
		 proclock = (PROCLOCK *) SHMQueueNext(&(proc)->myProcLocks[i], &proclock->procLink, \
											  offsetof(PROCLOCK, procLink)))
#endif

/*
 * Full reads of a relation that the session has counted and not yet sent away.  16
 * renamed the counters and returns a copy.
 */
#if PG_VERSION_NUM >= 160000
#define sd_table_scans(entry) ((entry)->counts.numscans)
#define sd_free_entry(entry)  pfree(entry)
#else
#define sd_table_scans(entry) ((entry)->t_counts.t_numscans)
#define sd_free_entry(entry)  ((void) 0)
#endif
#define sd_pending_scans(relation)                                  \
	({                                                              \
		PgStat_TableStatus *entry_ = find_tabstat_entry(relation);  \
		int64 scans_ = entry_ == NULL ? 0 : sd_table_scans(entry_); \
		if (entry_ != NULL)                                         \
			sd_free_entry(entry_);                                  \
		scans_;                                                     \
	})

/* 18 dropped execute_once from the hook of the executor. */
#if PG_VERSION_NUM >= 180000
#define SD_EXECUTOR_RUN_ARGS QueryDesc *query, ScanDirection direction, uint64 count
#define SD_EXECUTOR_RUN_PASS query, direction, count
#else
#define SD_EXECUTOR_RUN_ARGS \
	QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once
#define SD_EXECUTOR_RUN_PASS query, direction, count, execute_once
#endif

/* 14 lets identities of what is gone be asked for. */
#if PG_VERSION_NUM >= 140000
#define sd_object_type(address)		getObjectTypeDescription(address, true)
#define sd_object_identity(address) getObjectIdentity(address, true)
#else
#define sd_object_type(address)		getObjectTypeDescription(address)
#define sd_object_identity(address) getObjectIdentity(address)
#endif

/* 14 made CREATE OR REPLACE TRIGGER, and has its own name for nextval(). */
#if PG_VERSION_NUM >= 140000
#define SD_TRIGGER_REPLACE(stmt)	  ((stmt)->replace)
#define SD_F_NEXTVAL				  F_NEXTVAL
#define sd_object_description(object) getObjectDescription(object, true)
#else
#define SD_TRIGGER_REPLACE(stmt)	  (false)
#define SD_F_NEXTVAL				  F_NEXTVAL_OID
#define sd_object_description(object) getObjectDescription(object)
#endif

/* 15 publishes schemas, and has a node of its own for the value of an option that is on or off. */
#if PG_VERSION_NUM >= 150000
#define sd_schema_publications(schema) GetSchemaPublications(schema)
#define SD_BOOLEAN_VALUE(node)		   (IsA(node, Boolean) ? boolVal(node) : intVal(node) != 0)
#else
#define sd_schema_publications(schema) NIL
#define SD_BOOLEAN_VALUE(node)		   (intVal(node) != 0)
#endif

/* 16 asks for rights on any kind of object by one function each. */
#if PG_VERSION_NUM >= 160000
#define sd_owns_relation(relation, role) object_ownercheck(RelationRelationId, relation, role)
#define sd_may_create_in(schema, role) \
	(object_aclcheck(NamespaceRelationId, schema, role, ACL_CREATE) == ACLCHECK_OK)
#define sd_may_execute(function, role) \
	(object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) == ACLCHECK_OK)
#else
#define sd_owns_relation(relation, role) pg_class_ownercheck(relation, role)
#define sd_may_create_in(schema, role) \
	(pg_namespace_aclcheck(schema, role, ACL_CREATE) == ACLCHECK_OK)
#define sd_may_execute(function, role) \
	(pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK)
#endif

/* 17 ends long transactions, and takes new labels of an enum that is new itself. */
#if PG_VERSION_NUM >= 170000
#define SD_TRANSACTION_TIMEOUT	 TransactionTimeout
#define SD_NEW_ENUM_TAKES_LABELS (true)
#else
#define SD_TRANSACTION_TIMEOUT	 0
#define SD_NEW_ENUM_TAKES_LABELS (false)
#endif

/* 14 has min() of places of rows, and asks whose a plan is that was not kept. */
#if PG_VERSION_NUM >= 140000
#define SD_MIN_TID(value, filter) "pg_catalog.min(" value ") " filter
#define sd_release_plan(plan)	  ReleaseCachedPlan(plan, NULL)
#else
#define SD_MIN_TID(value, filter) \
	"(pg_catalog.min(" value "::pg_catalog.text) " filter ")::pg_catalog.tid"
#define sd_release_plan(plan) ReleaseCachedPlan(plan, false)
#endif

/* 15 left the partition itself out. */
#if PG_VERSION_NUM >= 150000
#define sd_bound_conditions(partition, parent, bound) get_qual_from_partbound(parent, bound)
#else
#define sd_bound_conditions(partition, parent, bound) \
	get_qual_from_partbound(partition, parent, bound)
#endif

/* 15 lets NULL repeat no more in a unique key, if it is asked to. */
#if PG_VERSION_NUM >= 150000
#define SD_NULLS_DIFFER(definition)				(!(definition)->nulls_not_distinct)
#define SD_SET_NULLS_DIFFER(definition, differ) ((definition)->nulls_not_distinct = !(differ))
#else
#define SD_NULLS_DIFFER(definition)				(true)
#define SD_SET_NULLS_DIFFER(definition, differ) ((void) 0)
#endif

/* 18 made keys without overlaps and foreign keys of periods. */
#if PG_VERSION_NUM >= 180000
#define SD_IS_TEMPORAL(constraint) ((constraint)->without_overlaps || (constraint)->fk_with_period)
#define SD_FORM_IS_TEMPORAL(form)  ((form)->conperiod)
#else
#define SD_IS_TEMPORAL(constraint) (false)
#define SD_FORM_IS_TEMPORAL(form)  (false)
#endif

/* 14 finds functions by their OUT parameters too. */
#if PG_VERSION_NUM >= 140000
#define sd_function_candidates(name) FuncnameGetCandidates(name, -1, NIL, false, false, false, true)
#else
#define sd_function_candidates(name) FuncnameGetCandidates(name, -1, NIL, false, false, true)
#endif

#endif
