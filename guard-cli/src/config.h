/*
 * config.h
 *	  Settings: one table, from which the parser, migguard.ini, the environment,
 *	  doctor and the reference are made.
 *
 * Precedence: flag, environment (MIGGUARD_SECTION_KEY), file, default.
 */
#ifndef MG_CONFIG_H
#define MG_CONFIG_H

#include "err.h"
#include "lint_rules.h"

typedef enum MgSettingType
{
	MG_TYPE_STRING,
	MG_TYPE_BOOL,
	MG_TYPE_INT,
	MG_TYPE_DURATION, /* 500ms, 5s, 10min, 2h; a bare number is seconds */
	MG_TYPE_LIST,	  /* comma separated */
	MG_TYPE_PATH,	  /* relative to the file that sets it */
	MG_TYPE_LEVEL,	  /* required, warning, off */
	MG_TYPE_CHOICE	  /* one of the words in the default's help, see MG_SETTINGS */
} MgSettingType;

/*
 * id, section, key, type, default (NULL: none), choices (NULL: any), help.  The choices of a
 * number are its range; a duration that has some may be longer than the server's time-outs.
 */
#define MG_SETTINGS(X)                                                                                                  \
	X(DATABASE_URL, "database", "url", STRING, NULL, NULL,                                                              \
	  "where the database is: URL or conninfo; else DATABASE_URL, else the PG* variables")                              \
	X(TOOL_NAME, "tool", "name", STRING, NULL, NULL,                                                                    \
	  "migration tool; recognised from the command after -- when unset")                                                \
	X(TOOL_COMMAND, "tool", "command", STRING, NULL, NULL,                                                              \
	  "program of the tool, with arguments separated by blanks")                                                        \
	X(TOOL_CONFIG, "tool", "config", PATH, NULL, NULL,                                                                  \
	  "the tool's own configuration file (alembic.ini, flyway.conf)")                                                   \
	X(TOOL_DIRECTORY, "tool", "directory", PATH, NULL, NULL, "directory of the migration files")                        \
	X(TOOL_PROJECT, "tool", "project", STRING, "default", NULL,                                                         \
	  "name under which plain SQL migrations are recorded")                                                             \
	X(TOOL_URL_ENV, "tool", "url_env", LIST, "DATABASE_URL", NULL,                                                      \
	  "environment variables in which the tool expects the database URL")                                               \
	X(TOOL_URL_SCHEME, "tool", "url_scheme", STRING, NULL, NULL,                                                        \
	  "scheme of that URL, such as postgresql+psycopg2")                                                                \
	X(TOOL_WORKDIR, "tool", "workdir", PATH, NULL, NULL, "directory in which the tool is run")                          \
	X(TOOL_VERSION_TABLE, "tool", "version_table", STRING, NULL, NULL,                                                  \
	  "table of the tool's revisions, schema.table, when it cannot be told by itself")                                  \
	X(LOCK_NAME, "lock", "name", STRING, "default", NULL,                                                               \
	  "name of the deploy lock; one deploy runs at a time under one name")                                              \
	X(LOCK_WAIT, "lock", "wait", DURATION, "60s", NULL, "how long to wait for the deploy lock")                         \
	X(RUN_LOCK_TIMEOUT, "run", "lock_timeout", DURATION, "5s", NULL,                                                    \
	  "lock_timeout in the tool's sessions")                                                                            \
	X(RUN_STATEMENT_TIMEOUT, "run", "statement_timeout", DURATION, "0", NULL,                                           \
	  "statement_timeout in the tool's sessions; 0 is none")                                                            \
	X(RUN_TIMEOUT, "run", "timeout", DURATION, "1h", NULL,                                                              \
	  "how long the tool may run before it is ended; 0 is for ever")                                                    \
	X(RUN_LOCK_RETRIES, "run", "lock_retries", INT, "3", "0..1000",                                                     \
	  "how often the tool is started again when it failed on lock_timeout and changed nothing")                         \
	X(RUN_LOCK_RETRY_PAUSE, "run", "lock_retry_pause", DURATION, "500ms", NULL,                                         \
	  "pause before it is started again; doubled each time up to 1min, and made uneven")                                \
	X(RUN_CONCURRENTLY_LOCK_TIMEOUT, "run", "concurrently_lock_timeout", DURATION, "10min", NULL,                       \
	  "lock_timeout of its statements with CONCURRENTLY, which wait and hold up nobody; 0 is none")                     \
	X(RUN_MAX_BLOCKING, "run", "max_blocking", DURATION, "2s", NULL,                                                    \
	  "how long other sessions may wait behind the tool while it waits for a lock; then its statement is cancelled")    \
	X(RUN_MAX_HOLDING, "run", "max_holding", DURATION, "0", NULL,                                                       \
	  "how long other sessions may wait for a lock that the tool holds; then its statement is cancelled; 0: for ever")  \
	X(RUN_ON_BLOCKERS, "run", "on_blockers", CHOICE, "wait", "wait refuse cancel terminate",                            \
	  "old transactions with locks in the way: wait up to blocker_wait, refuse, or end those of blocker_applications")  \
	X(RUN_BLOCKER_WAIT, "run", "blocker_wait", DURATION, "30s", NULL,                                                   \
	  "how long to wait for their end before each start of the tool, while nobody waits behind it")                     \
	X(RUN_BLOCKER_APPLICATIONS, "run", "blocker_applications", LIST, NULL, NULL,                                        \
	  "application names whose sessions on_blockers = cancel or terminate may end; no others are")                      \
	X(RUN_TARGET, "run", "target", STRING, NULL, NULL, "revision to upgrade to; default: newest")                       \
	X(RUN_FAIL_ON, "run", "fail_on", CHOICE, "error", "error warning notice info never",                                \
	  "severity of findings from which a run or lint is refused")                                                       \
	X(RUN_PROBE, "run", "probe", BOOL, "on", NULL,                                                                      \
	  "ask the rows of the real database whether they let the migrations through")                                      \
	X(RUN_PROBE_ROWS, "run", "probe_rows", INT, "1000000", NULL,                                                        \
	  "rows that one such question may look at; of a larger table a sample is taken")                                   \
	X(RUN_PROBE_TIME, "run", "probe_time", DURATION, "2s", NULL,                                                        \
	  "how long one such question may take")                                                                            \
	X(RUN_PROBE_EXAMPLES, "run", "probe_examples", BOOL, "on", NULL,                                                    \
	  "name the primary key of a row that is in the way")                                                               \
	X(RUN_TRACE, "run", "trace", BOOL, "on", NULL,                                                                      \
	  "record what each statement of the tool does, on the clone and on the real database")                             \
	X(RUN_ALLOW_IRREVERSIBLE, "run", "allow_irreversible", BOOL, "off", NULL,                                           \
	  "go on when rehearsal shows that the downgrade does not restore the schema")                                      \
	X(PREFLIGHT_SERVER_VERSION, "preflight", "server_version", LEVEL, "required", NULL,                                 \
	  "check: the server is PostgreSQL 13 to 18")                                                                       \
	X(PREFLIGHT_EXTENSION, "preflight", "extension", LEVEL, "required", NULL,                                           \
	  "check: extension safedeploy is there in a version that fits")                                                    \
	X(PREFLIGHT_POOLER, "preflight", "pooler", LEVEL, "required", NULL,                                                 \
	  "check: the connection is a session of its own, not behind a transaction pooler")                                 \
	X(PREFLIGHT_ROLE, "preflight", "role", LEVEL, "required", NULL,                                                     \
	  "check: the role may do what the run needs")                                                                      \
	X(PREFLIGHT_TOOL, "preflight", "tool", LEVEL, "required", NULL,                                                     \
	  "check: the tool is there and its history is consistent")                                                         \
	X(PREFLIGHT_DISK_SPACE, "preflight", "disk_space", LEVEL, "required", NULL,                                         \
	  "check: the backup directory has room for the database")                                                          \
	X(PREFLIGHT_LONG_TRANSACTIONS, "preflight", "long_transactions", LEVEL, "warning", NULL,                            \
	  "check: no transaction is older than max_transaction_age")                                                        \
	X(PREFLIGHT_IDLE_IN_TRANSACTION, "preflight", "idle_in_transaction", LEVEL, "warning", NULL,                        \
	  "check: no session sits idle in a transaction")                                                                   \
	X(PREFLIGHT_PREPARED_TRANSACTIONS, "preflight", "prepared_transactions", LEVEL, "required",                         \
	  NULL, "check: no prepared transaction is pending in the database")                                                \
	X(PREFLIGHT_RUNNING_DUMP, "preflight", "running_dump", LEVEL, "required", NULL,                                     \
	  "check: no pg_dump is running on the database")                                                                   \
	X(PREFLIGHT_ACTIVE_SESSIONS, "preflight", "active_sessions", LEVEL, "off", NULL,                                    \
	  "check: no other session is active in the database")                                                              \
	X(PREFLIGHT_ENVIRONMENT, "preflight", "environment", LEVEL, "required", NULL,                                       \
	  "check: the variables in required_env are set and not empty")                                                     \
	X(PREFLIGHT_GIT_CLEAN, "preflight", "git_clean", LEVEL, "warning", NULL,                                            \
	  "check: the migrations have no uncommitted changes")                                                              \
	X(PREFLIGHT_COMMANDS, "preflight", "commands", LEVEL, "required", NULL,                                             \
	  "check: the commands in [preflight.commands] exit with 0")                                                        \
	X(PREFLIGHT_MAX_TRANSACTION_AGE, "preflight", "max_transaction_age", DURATION, "5min",                              \
	  "100 years", "age from which a transaction counts as long")                                                       \
	X(PREFLIGHT_REQUIRED_ENV, "preflight", "required_env", LIST, NULL, NULL,                                            \
	  "environment variables that must be set")                                                                         \
	X(PREFLIGHT_COMMAND_TIMEOUT, "preflight", "command_timeout", DURATION, "60s", NULL,                                 \
	  "how long a command of the user's may run")                                                                       \
	X(BACKUP_POLICY, "backup", "policy", CHOICE, "full", "full targeted external none",                                 \
	  "full: pg_dump; targeted: tables that the migration changes; external: another program's; none: no backup")       \
	X(BACKUP_ON_FAILURE, "backup", "on_failure", CHOICE, "refuse", "refuse warn",                                       \
	  "what a run does when no backup can be made: end before any change, or warn and go on")                           \
	X(BACKUP_FORMAT, "backup", "format", CHOICE, "custom", "custom directory",                                          \
	  "of a full backup: one file, or a directory made in parallel")                                                    \
	X(BACKUP_JOBS, "backup", "jobs", INT, "2", "1..1000",                                                               \
	  "sessions of pg_dump for format directory, and of pg_restore")                                                    \
	X(BACKUP_ROW_COUNTS, "backup", "row_counts", BOOL, "on", NULL,                                                      \
	  "count the rows of every table in the snapshot of a full backup, to compare them after a restore")                \
	X(BACKUP_EXTERNAL, "backup", "external", CHOICE, "command", "command pgbackrest barman wal-g",                      \
	  "policy external: run command, or take as proof what it says of the newest backup")                               \
	X(BACKUP_COMMAND, "backup", "command", STRING, NULL, NULL,                                                          \
	  "program of policy external, with arguments separated by blanks; no shell")                                       \
	X(BACKUP_MAX_AGE, "backup", "max_age", DURATION, "24h", "100 years",                                                \
	  "how old the newest backup of pgbackrest, barman or wal-g may be")                                                \
	X(BACKUP_KEEP, "backup", "keep", INT, "5", NULL, "how many backups prune leaves, the newest")                       \
	X(BACKUP_KEEP_FOR, "backup", "keep_for", DURATION, "0", "100 years",                                                \
	  "age up to which prune leaves all of them; 0: only keep counts")                                                  \
	X(BACKUP_DIRECTORY, "backup", "directory", PATH, "migguard-backups", NULL,                                          \
	  "where backups are kept")                                                                                         \
	X(BACKUP_COMPRESS, "backup", "compress", INT, "1", "0..9", "compression level of pg_dump")                          \
	X(REHEARSE_MODE, "rehearse", "mode", CHOICE, "clone", "clone off",                                                  \
	  "clone: up, down, up on a scratch database; off: none, said in the ledger")                                       \
	X(REHEARSE_URL, "rehearse", "url", STRING, NULL, NULL,                                                              \
	  "server for the scratch database; default: the same server")                                                      \
	X(REHEARSE_TEMPLATE, "rehearse", "template", STRING, "template0", NULL,                                             \
	  "template of the scratch database")                                                                               \
	X(REHEARSE_SHADOW, "rehearse", "shadow", BOOL, "on", NULL,                                                          \
	  "keep a scratch database with the schema, from which the next rehearsal starts")                                  \
	X(REHEARSE_REPAIR, "rehearse", "repair", CHOICE, "on", "on rest off",                                               \
	  "on: where there is no downgrade that works, the server writes the way back; rest: only what a downgrade leaves") \
	X(LINT_MIN_SEVERITY, "lint", "min_severity", CHOICE, "info", "error warning notice info",                           \
	  "severity below which lint says nothing")                                                                         \
	X(LINT_BASELINE, "lint", "baseline", PATH, NULL, NULL,                                                              \
	  "file of findings that are known, which lint does not fail for")                                                  \
	X(LINT_PROBE, "lint", "probe", BOOL, "off", NULL,                                                                   \
	  "lint asks the rows of the database whether they let the statements through, within [run] probe_rows and so on")  \
	X(LINT_SCHEMA, "lint", "schema", PATH, NULL, NULL,                                                                  \
	  "dump of the schema that lint's own server begins with; without it, the empty one")                               \
	X(LINT_FROM_MIGRATIONS, "lint", "from_migrations", BOOL, "off", NULL,                                               \
	  "lint's own server gets the migrations before those that are looked at")                                          \
	X(LINT_SERVER_BINDIR, "lint", "server_bindir", PATH, NULL, NULL,                                                    \
	  "directory of initdb and postgres for lint's own server; default: looked for")                                    \
	X(LINT_SERVER_USER, "lint", "server_user", STRING, NULL, NULL,                                                      \
	  "user that lint's own server runs as when root starts it")                                                        \
	X(PROGRAM_PG_DUMP, "programs", "pg_dump", STRING, "pg_dump", NULL, "pg_dump to use")                                \
	X(PROGRAM_PG_RESTORE, "programs", "pg_restore", STRING, "pg_restore", NULL, "pg_restore to use")                    \
	X(PROGRAM_PSQL, "programs", "psql", STRING, "psql", NULL, "psql to use")                                            \
	X(PROGRAM_GIT, "programs", "git", STRING, "git", NULL, "git to use")

typedef enum MgSetting
{
#define X(id, section, key, type, value, choices, help) MG_SET_##id,
	MG_SETTINGS(X)
#undef X
		MG_SETTING_COUNT
} MgSetting;

typedef enum MgLevel
{
	MG_LEVEL_OFF,
	MG_LEVEL_WARNING,
	MG_LEVEL_REQUIRED
} MgLevel;

/* Sections whose keys the user names: env, preflight.commands, verify.assertions. */
typedef struct MgNamed
{
	const char *name;
	const char *value;
	const char *where;	  /* "migguard.ini:12" */
	struct MgNamed *next; /* in the order of the file */
} MgNamed;

/* A line of [rules] or [rules "GLOB"]: the severity of a rule's findings. */
typedef struct MgRuleSetting
{
	const char *glob; /* files that it is for, NULL: all */
	const MgRule *rule;
	MgSeverity severity; /* MG_SEVERITY_OFF: none is reported */
	const char *where;	 /* "migguard.ini:12" */
	struct MgRuleSetting *next;
} MgRuleSetting;

typedef struct MgConfig MgConfig;

/*
 * Reads the file (path NULL: migguard.ini in the working directory if it is
 * there) and the environment.  Every problem is an error with file and line:
 * unknown section or key, bad value, key given twice, not UTF-8.
 */
extern bool mg_config_load(MgArena *arena, const char *path, MgConfig **config, MgError *err);
/* The same, but the file need not be there. */
extern bool mg_config_load_if_there(MgArena *arena, const char *path, MgConfig **config,
									MgError *err);

/* Sets a value from a flag; where is the flag's name. */
extern bool mg_config_set(MgConfig *config, MgSetting setting, const char *value, const char *where,
						  MgError *err);

extern const char *mg_config_string(const MgConfig *config, MgSetting setting); /* NULL when unset */
extern bool mg_config_bool(const MgConfig *config, MgSetting setting);
extern int mg_config_int(const MgConfig *config, MgSetting setting);
extern long long mg_config_ms(const MgConfig *config, MgSetting setting);
extern MgLevel mg_config_level(const MgConfig *config, MgSetting setting);
extern void mg_config_list(const MgConfig *config, MgSetting setting, MgStrings *list);
/* "flag --lock-wait", "MIGGUARD_LOCK_WAIT", "migguard.ini:7", "default". */
extern const char *mg_config_source(const MgConfig *config, MgSetting setting);
extern const MgNamed *mg_config_named(const MgConfig *config, const char *section);
/* In the order of the file; a later one wins over those before it. */
extern const MgRuleSetting *mg_config_rules(const MgConfig *config);
extern const char *mg_config_path(const MgConfig *config); /* of the file, NULL when there is none */

/* The table itself, for doctor, init and the docs. */
typedef struct MgSettingInfo
{
	const char *section;
	const char *key;
	MgSettingType type;
	const char *value;
	const char *choices;
	const char *help;
} MgSettingInfo;
extern const MgSettingInfo mg_setting_info[MG_SETTING_COUNT];

/* Text of a migguard.ini in which every setting is explained and commented out. */
extern char *mg_config_template(MgArena *arena);

#endif
