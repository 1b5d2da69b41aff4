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

/* 15 reserves a prefix; before that unknown names under it only warn. */
#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
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

#endif
