/*
 * sd_rule_list.h
 *	  Every rule: X(id, name, family, usual severity, applies to, since, until,
 *	  summary, hint, reference).
 *
 * To be included where X is defined.  "since" and "until" are the first and
 * last major version of the server that it is about, 0 without a bound.  The
 * reference is a page of the server's documentation.  A rule whose usual
 * severity is OFF reports nothing unless safedeploy.rules_on names it.
 *
 * The hint is the safer way, if possible as SQL, with the names of the
 * statement that is judged filled in: %t table, %c column, %i constraint or
 * index, %y type, %k columns, %r referenced or parent table, %n new name.
 *
 * A rule has fixtures of both kinds, one that fires and one that must not, in
 * regress/fixtures/rules/<name>.sql.  docs/rules.md is made from both.
 */

/* clang-format off */

/* Drops: objects go, with what they hold and what depends on them. */
X(DROP_TABLE, "drop-table", DROP, ERROR, "DROP TABLE", 0, 0,
  "a table is dropped with its rows",
  "Stop using the table first and rename it away: ALTER TABLE %t RENAME TO %n; drop it in a later deploy, after a backup.",
  "sql-droptable.html")
X(DROP_COLUMN, "drop-column", DROP, ERROR, "ALTER TABLE ... DROP COLUMN", 0, 0,
  "a column is dropped with its values",
  "Deploy code that does not use %c first; keep a copy of its values if a downgrade must bring them back.",
  "sql-altertable.html")
X(DROP_SCHEMA, "drop-schema", DROP, ERROR, "DROP SCHEMA", 0, 0,
  "a schema is dropped with all that is in it",
  "Drop the objects one by one, so that each of them is a decision.",
  "sql-dropschema.html")
X(DROP_DATABASE, "drop-database", DROP, ERROR, "DROP DATABASE", 0, 0,
  "a whole database is dropped",
  "Rename the database and drop it when nobody has missed it; take a backup first.",
  "sql-dropdatabase.html")
X(DROP_OWNED, "drop-owned", DROP, ERROR, "DROP OWNED", 0, 0,
  "everything that a role owns is dropped",
  "REASSIGN OWNED to another role first, then drop what is left by name.",
  "sql-drop-owned.html")
X(DROP_SEQUENCE, "drop-sequence", DROP, WARNING, "DROP SEQUENCE", 0, 0,
  "a sequence is dropped with its last value",
  "Note the last value, so that a downgrade does not give out the same numbers again: SELECT last_value, is_called FROM %t;",
  "sql-dropsequence.html")
X(DROP_MATVIEW, "drop-matview", DROP, WARNING, "DROP MATERIALIZED VIEW", 0, 0,
  "a materialized view is dropped with its rows and indexes",
  "Check that its query can still be run and how long that takes before dropping the stored result.",
  "sql-dropmaterializedview.html")
X(DROP_TYPE_CASCADE, "drop-type-cascade", DROP, ERROR, "DROP TYPE, DROP DOMAIN ... CASCADE", 0, 0,
  "dropping a type with CASCADE drops every column of that type",
  "Change the columns to another type first, then drop the type without CASCADE: DROP TYPE %y;",
  "sql-droptype.html")
X(DROP_CASCADE, "drop-cascade", DROP, WARNING, "DROP ... CASCADE, ALTER TABLE ... DROP ... CASCADE", 0, 0,
  "CASCADE drops objects that the script does not name",
  "Drop the dependent objects by name, so that a new one makes the statement fail in place of disappearing.",
  "ddl-depend.html")
X(DROP_CONSTRAINT, "drop-constraint", DROP, NOTICE, "ALTER TABLE ... DROP CONSTRAINT", 0, 0,
  "a constraint is dropped, and rows may break it from then on",
  "Rows written meanwhile can make it impossible to add %i again in a downgrade.",
  "ddl-constraints.html")
X(DROP_COLUMN_DROPS_INDEX, "drop-column-drops-index", DROP, WARNING, "ALTER TABLE ... DROP COLUMN", 0, 0,
  "an index goes with one of its columns, also when it has others",
  "Build the index that the other queries need first: CREATE INDEX CONCURRENTLY %n ON %t (...); then drop %i by name.",
  "sql-altertable.html")
X(DROP_COLUMN_DROPS_CONSTRAINT, "drop-column-drops-constraint", DROP, WARNING, "ALTER TABLE ... DROP COLUMN", 0, 0,
  "a key or constraint goes with one of its columns",
  "Drop it by name, so that it is a decision: ALTER TABLE %t DROP CONSTRAINT %i; and add what replaces it before.",
  "sql-altertable.html")
X(DROP_UNIQUE_INDEX, "drop-unique-index", DROP, WARNING, "DROP INDEX of a unique index", 0, 0,
  "a unique index is dropped, and rows may repeat from then on",
  "Make the index that replaces it first; rows that repeat meanwhile keep it from coming back.",
  "indexes-unique.html")
X(DROP_VIEW, "drop-view", DROP, WARNING, "DROP VIEW", 0, 0,
  "a view is dropped that running code may read",
  "Deploy code that does not read %t first.",
  "sql-dropview.html")
X(DROP_TRIGGER, "drop-trigger", DROP, WARNING, "DROP TRIGGER", 0, 0,
  "a trigger is dropped, and what it kept up is not kept up any more",
  "Bound the wait for the lock: SET LOCAL lock_timeout = '2s'; and make what replaces %i in the same transaction.",
  "sql-droptrigger.html")
X(DROP_ROUTINE, "drop-routine", DROP, WARNING, "DROP FUNCTION, PROCEDURE, ROUTINE, AGGREGATE", 0, 0,
  "a routine that running code may call is dropped",
  "Drop it when nothing calls it any more; CREATE OR REPLACE keeps its rights and what depends on it.",
  "sql-dropfunction.html")
X(DROP_FOREIGN, "drop-foreign", DROP, WARNING, "DROP FOREIGN TABLE, SERVER, USER MAPPING, FOREIGN DATA WRAPPER", 0, 0,
  "the way to rows of another server is dropped, with its options and passwords",
  "Deploy code that does not use %i first; note its options, for a downgrade.",
  "ddl-foreign-data.html")
X(DROP_AND_RECREATE, "drop-and-recreate", DROP, ERROR, "DROP, then CREATE under the same name", 0, 0,
  "a table, sequence or column is dropped and made again, without what it held",
  "Change what is there with ALTER, or rename the old one away and copy from it.",
  "sql-altertable.html")

/* Rewrites: the whole table is written again while nobody can use it. */
X(ADD_COLUMN_VOLATILE_DEFAULT, "add-column-volatile-default", REWRITE, WARNING, "ALTER TABLE ... ADD COLUMN ... DEFAULT", 0, 0,
  "a new column with a volatile default rewrites the table",
  "Add the column without it, set the default for new rows, and fill old rows in batches: ALTER TABLE %t ADD COLUMN %c %y; ALTER TABLE %t ALTER COLUMN %c SET DEFAULT ...;",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")
X(ADD_COLUMN_SERIAL, "add-column-serial", REWRITE, WARNING, "ALTER TABLE ... ADD COLUMN ... serial", 0, 0,
  "a new serial column rewrites the table",
  "Add a plain column, give new rows a value, fill old rows in batches: ALTER TABLE %t ADD COLUMN %c bigint; CREATE SEQUENCE %i OWNED BY %t.%c; ALTER TABLE %t ALTER COLUMN %c SET DEFAULT nextval('%i');",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")
X(ADD_COLUMN_IDENTITY, "add-column-identity", REWRITE, WARNING, "ALTER TABLE ... ADD COLUMN ... GENERATED AS IDENTITY", 0, 0,
  "a new identity column rewrites the table",
  "Add a plain column, fill it in batches, and make it an identity column when it is NOT NULL: ALTER TABLE %t ADD COLUMN %c %y; later ALTER TABLE %t ALTER COLUMN %c ADD GENERATED BY DEFAULT AS IDENTITY (START ...);",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")
X(ADD_COLUMN_GENERATED_STORED, "add-column-generated-stored", REWRITE, WARNING, "ALTER TABLE ... ADD COLUMN ... GENERATED ALWAYS AS (...) STORED", 0, 0,
  "a new stored generated column rewrites the table",
  "Add a plain column that a trigger keeps, and fill old rows in batches: ALTER TABLE %t ADD COLUMN %c %y; or compute it in a view.",
  "ddl-generated-columns.html")
X(ADD_COLUMN_CONSTRAINED_DOMAIN, "add-column-constrained-domain", REWRITE, WARNING, "ALTER TABLE ... ADD COLUMN of a domain", 0, 0,
  "a new column of a domain with constraints rewrites the table",
  "Add the column with the domain's base type and a check that is validated later: ALTER TABLE %t ADD CONSTRAINT %i CHECK (...) NOT VALID; ALTER TABLE %t VALIDATE CONSTRAINT %i;",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")
X(ALTER_COLUMN_TYPE_REWRITE, "alter-column-type-rewrite", REWRITE, WARNING, "ALTER TABLE ... ALTER COLUMN TYPE", 0, 0,
  "the new type of a column makes the server rewrite the table",
  "Add a column of the new type, keep both in step with a trigger, fill it in batches, and switch over: ALTER TABLE %t ADD COLUMN %n %y;",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")
X(SET_PERSISTENCE, "set-persistence", REWRITE, WARNING, "ALTER TABLE ... SET LOGGED, SET UNLOGGED", 0, 0,
  "SET LOGGED and SET UNLOGGED rewrite the table",
  "Do it when %t is small or unused; an unlogged table is empty after a crash and on replicas.",
  "sql-altertable.html")
X(SET_TABLESPACE, "set-tablespace", REWRITE, WARNING, "ALTER TABLE ... SET TABLESPACE", 0, 0,
  "SET TABLESPACE copies the table while nobody can use it",
  "Do it in a maintenance window, or copy %t on line with a tool made for that.",
  "manage-ag-tablespaces.html")
X(SET_ACCESS_METHOD, "set-access-method", REWRITE, WARNING, "ALTER TABLE ... SET ACCESS METHOD", 15, 0,
  "SET ACCESS METHOD rewrites the table",
  "Make a new table with that access method, fill it in batches, and switch over by renaming.",
  "sql-altertable.html")
X(VACUUM_FULL, "vacuum-full", REWRITE, WARNING, "VACUUM (FULL)", 0, 0,
  "VACUUM FULL rewrites the table while nobody can use it",
  "Use plain VACUUM, or a tool that repacks a table on line: VACUUM (ANALYZE) %t;",
  "sql-vacuum.html")
X(CLUSTER, "cluster", REWRITE, WARNING, "CLUSTER", 0, 0,
  "CLUSTER rewrites the table while nobody can use it",
  "Use a tool that repacks a table on line.",
  "sql-cluster.html")
X(REFRESH_MATVIEW, "refresh-matview", REWRITE, WARNING, "REFRESH MATERIALIZED VIEW", 0, 0,
  "REFRESH MATERIALIZED VIEW keeps readers out until it is done",
  "Refresh it beside its readers, which needs a unique index on it: REFRESH MATERIALIZED VIEW CONCURRENTLY %t;",
  "sql-refreshmaterializedview.html")
X(SET_EXPRESSION_STORED, "set-expression-stored", REWRITE, WARNING, "ALTER TABLE ... ALTER COLUMN SET EXPRESSION", 17, 0,
  "a new expression of a stored generated column rewrites the table",
  "Add a column with the new expression kept by a trigger, fill it in batches, and switch over by renaming.",
  "sql-altertable.html")
X(REFRESH_MATVIEW_CONCURRENT, "refresh-matview-concurrent", REWRITE, NOTICE, "REFRESH MATERIALIZED VIEW CONCURRENTLY", 0, 0,
  "a refresh beside the readers compares all rows and stops other refreshes",
  "Run it outside of the deploy, with nothing else in its transaction: REFRESH MATERIALIZED VIEW CONCURRENTLY %t;",
  "sql-refreshmaterializedview.html")

/* Scans: a whole table is read under a lock that stops its users. */
X(SET_NOT_NULL_SCAN, "set-not-null-scan", SCAN, WARNING, "ALTER TABLE ... SET NOT NULL", 0, 0,
  "SET NOT NULL reads the whole table while nobody can use it",
  "Prove it before, in transactions of their own: ALTER TABLE %t ADD CONSTRAINT %i CHECK (%c IS NOT NULL) NOT VALID; ALTER TABLE %t VALIDATE CONSTRAINT %i; ALTER TABLE %t ALTER COLUMN %c SET NOT NULL; ALTER TABLE %t DROP CONSTRAINT %i;",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")
X(ADD_CHECK_VALID, "add-check-valid", SCAN, WARNING, "ALTER TABLE ... ADD CHECK", 0, 0,
  "a CHECK constraint is verified at once, while nobody can use the table",
  "Validate it in another transaction: ALTER TABLE %t ADD CONSTRAINT %i CHECK (...) NOT VALID; ALTER TABLE %t VALIDATE CONSTRAINT %i;",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")
X(ADD_FK_VALID, "add-fk-valid", SCAN, WARNING, "ALTER TABLE ... ADD FOREIGN KEY", 0, 0,
  "a foreign key is checked at once, while nobody can write either table",
  "Validate it in another transaction: ALTER TABLE %t ADD CONSTRAINT %i FOREIGN KEY (%k) REFERENCES %r NOT VALID; ALTER TABLE %t VALIDATE CONSTRAINT %i;",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")
X(ADD_UNIQUE_CONSTRAINT, "add-unique-constraint", SCAN, WARNING, "ALTER TABLE ... ADD UNIQUE", 0, 0,
  "a UNIQUE constraint builds its index while nobody can use the table",
  "Build the index first: CREATE UNIQUE INDEX CONCURRENTLY %i ON %t (%k); ALTER TABLE %t ADD CONSTRAINT %i UNIQUE USING INDEX %i;",
  "sql-altertable.html")
X(ADD_PRIMARY_KEY, "add-primary-key", SCAN, WARNING, "ALTER TABLE ... ADD PRIMARY KEY", 0, 0,
  "a PRIMARY KEY builds its index or checks its columns while nobody can use the table",
  "Make the columns NOT NULL and build the index first: CREATE UNIQUE INDEX CONCURRENTLY %i ON %t (%k); ALTER TABLE %t ADD CONSTRAINT %i PRIMARY KEY USING INDEX %i;",
  "sql-altertable.html")
X(ADD_EXCLUSION_CONSTRAINT, "add-exclusion-constraint", SCAN, WARNING, "ALTER TABLE ... ADD EXCLUDE", 0, 0,
  "an EXCLUDE constraint builds its index while nobody can use the table",
  "There is no way to add it without the lock: do it while %t is small or unused.",
  "sql-createtable.html#SQL-CREATETABLE-EXCLUDE")
X(CREATE_INDEX_NONCONCURRENT, "create-index-nonconcurrent", SCAN, WARNING, "CREATE INDEX", 0, 0,
  "an index is built while nobody can write the table",
  "Build it beside its writers, outside a transaction: CREATE %uINDEX CONCURRENTLY %i ON %t (%k);",
  "sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY")
X(REINDEX_NONCONCURRENT, "reindex-nonconcurrent", SCAN, WARNING, "REINDEX", 0, 0,
  "an index is built again while nobody can use it",
  "Build it beside its users, outside a transaction: REINDEX %o CONCURRENTLY %t;",
  "sql-reindex.html#SQL-REINDEX-CONCURRENTLY")
X(ALTER_TYPE_RECHECK, "alter-type-recheck", SCAN, WARNING, "ALTER TABLE ... ALTER COLUMN TYPE", 0, 0,
  "a change of type rewrites nothing, but checks constraints or builds indexes again",
  "Drop %i before, and bring it back NOT VALID or CONCURRENTLY afterwards.",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")
X(ALTER_DOMAIN_CONSTRAINT, "alter-domain-constraint", SCAN, WARNING, "ALTER DOMAIN ... ADD, VALIDATE CONSTRAINT, SET NOT NULL", 0, 0,
  "a constraint of a domain is checked in every table that uses it",
  "Validate it in another transaction: ALTER DOMAIN %y ADD CONSTRAINT %i CHECK (...) NOT VALID; ALTER DOMAIN %y VALIDATE CONSTRAINT %i;",
  "sql-alterdomain.html")
X(ATTACH_PARTITION_SCAN, "attach-partition-scan", SCAN, WARNING, "ALTER TABLE ... ATTACH PARTITION", 0, 0,
  "attaching a partition reads all of it, unless a valid CHECK proves its bounds",
  "Prove its bounds before, in transactions of their own: ALTER TABLE %t ADD CONSTRAINT %i CHECK (...) NOT VALID; ALTER TABLE %t VALIDATE CONSTRAINT %i;",
  "ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE")
X(VALIDATE_CONSTRAINT, "validate-constraint", SCAN, INFO, "ALTER TABLE ... VALIDATE CONSTRAINT", 0, 0,
  "VALIDATE CONSTRAINT reads the whole table, with its users going on",
  "Nothing to do: this is the safe way; it may take long.",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")
X(SET_NOT_NULL_DROPS_PROOF, "set-not-null-drops-proof", SCAN, WARNING, "ALTER TABLE ... SET NOT NULL, DROP CONSTRAINT", 0, 0,
  "the check that would spare the scan of SET NOT NULL is dropped by the same command",
  "Use two commands: ALTER TABLE %t ALTER COLUMN %c SET NOT NULL; ALTER TABLE %t DROP CONSTRAINT %i;",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")
X(NOT_NULL_NOT_VALID, "not-null-not-valid", SCAN, INFO, "ALTER TABLE ... ADD CONSTRAINT ... NOT NULL ... NOT VALID", 18, 0,
  "a NOT NULL constraint holds for new rows only until it is validated",
  "In another transaction, with the users of the table going on: ALTER TABLE %t VALIDATE CONSTRAINT %i;",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")
X(ADD_COLUMN_CHECK, "add-column-check", SCAN, WARNING, "ALTER TABLE ... ADD COLUMN ... CHECK", 0, 0,
  "a CHECK of a new column is verified at once, while nobody can use the table",
  "Add the column without it, and validate it in another transaction: ALTER TABLE %t ADD CONSTRAINT %i CHECK (...) NOT VALID; ALTER TABLE %t VALIDATE CONSTRAINT %i;",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")
X(ADD_COLUMN_UNIQUE, "add-column-unique-or-pk", SCAN, WARNING, "ALTER TABLE ... ADD COLUMN ... UNIQUE, PRIMARY KEY", 0, 0,
  "a unique key of a new column builds its index while nobody can use the table",
  "Add the column without it, fill it, and build the index first: CREATE UNIQUE INDEX CONCURRENTLY %i ON %t (%k); ALTER TABLE %t ADD CONSTRAINT %i UNIQUE USING INDEX %i;",
  "sql-altertable.html")
X(PK_USING_INDEX_NULLABLE, "pk-using-index-nullable", SCAN, WARNING, "ALTER TABLE ... ADD PRIMARY KEY USING INDEX", 0, 0,
  "a PRIMARY KEY USING INDEX reads the whole table, because a column may be null",
  "Prove each column before, in transactions of their own: ALTER TABLE %t ADD CONSTRAINT %n CHECK (%c IS NOT NULL) NOT VALID; ALTER TABLE %t VALIDATE CONSTRAINT %n;",
  "sql-altertable.html")
X(ALTER_DOMAIN_SET_NOT_NULL, "alter-domain-set-not-null", SCAN, WARNING, "ALTER DOMAIN ... SET NOT NULL", 0, 0,
  "NOT NULL of a domain is checked in every table that uses it, and cannot be checked later",
  "Use a check instead, which can be validated in another transaction: ALTER DOMAIN %y ADD CONSTRAINT %i CHECK (VALUE IS NOT NULL) NOT VALID; ALTER DOMAIN %y VALIDATE CONSTRAINT %i;",
  "sql-alterdomain.html")
X(ENFORCE_CONSTRAINT, "enforce-constraint", SCAN, WARNING, "ALTER TABLE ... ALTER CONSTRAINT ... ENFORCED", 18, 0,
  "a constraint that becomes ENFORCED is checked for all rows at once",
  "Make it anew, and validate it in another transaction: ALTER TABLE %t DROP CONSTRAINT %i; ALTER TABLE %t ADD CONSTRAINT %i ... NOT VALID; ALTER TABLE %t VALIDATE CONSTRAINT %i;",
  "sql-altertable.html")
X(ALTER_TYPE_FK_REVALIDATE, "alter-type-fk-revalidate", SCAN, WARNING, "ALTER TABLE ... ALTER COLUMN TYPE", 0, 0,
  "foreign keys at the column are made and checked again, with the tables at their other ends locked",
  "Drop the foreign key before, and bring it back in steps: ALTER TABLE %t DROP CONSTRAINT %i; ALTER TABLE %t ADD CONSTRAINT %i ... NOT VALID; ALTER TABLE %t VALIDATE CONSTRAINT %i;",
  "sql-altertable.html")
X(CREATE_MATVIEW_WITH_DATA, "create-matview-with-data", SCAN, NOTICE, "CREATE MATERIALIZED VIEW, CREATE TABLE AS, SELECT INTO", 0, 0,
  "a query is run and its result stored inside the migration's transaction",
  "Make it empty, with WITH NO DATA, and fill it in a transaction of its own: REFRESH MATERIALIZED VIEW %t;",
  "sql-creatematerializedview.html")

/* Locks: held for a short time, but strong, and after a wait that stops all others. */
X(DROP_INDEX_NONCONCURRENT, "drop-index-nonconcurrent", LOCK, WARNING, "DROP INDEX", 0, 0,
  "DROP INDEX locks the table against reading and writing",
  "Drop it outside a transaction: DROP INDEX CONCURRENTLY %i; that cannot drop the index of a constraint.",
  "sql-dropindex.html")
X(DETACH_PARTITION_BLOCKING, "detach-partition-blocking", LOCK, WARNING, "ALTER TABLE ... DETACH PARTITION", 0, 0,
  "DETACH PARTITION locks the whole partitioned table",
  "From 14 on, outside a transaction: ALTER TABLE %r DETACH PARTITION %t CONCURRENTLY;",
  "sql-altertable.html")
X(CREATE_PARTITION_OF, "create-partition-of", LOCK, NOTICE, "CREATE TABLE ... PARTITION OF", 0, 0,
  "CREATE TABLE ... PARTITION OF locks the partitioned table",
  "Attach a table of its own, which lets reading and writing go on: CREATE TABLE %n (LIKE %t INCLUDING ALL); ALTER TABLE %t ATTACH PARTITION %n FOR VALUES ...;",
  "ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE")
X(FK_LOCKS_REFERENCED, "fk-locks-referenced", LOCK, NOTICE, "CREATE TABLE ... REFERENCES", 0, 0,
  "a foreign key of a new table locks the table that it refers to against writing",
  "Bound the wait, and keep the transaction short: SET LOCAL lock_timeout = '2s';",
  "explicit-locking.html#LOCKING-TABLES")
X(CREATE_TRIGGER, "create-trigger", LOCK, NOTICE, "CREATE TRIGGER", 0, 0,
  "CREATE TRIGGER locks the table against writing",
  "Bound the wait, and keep the transaction short: SET LOCAL lock_timeout = '2s';",
  "sql-createtrigger.html")
X(EXPLICIT_LOCK_TABLE, "explicit-lock-table", LOCK, WARNING, "LOCK TABLE", 0, 0,
  "LOCK TABLE stops others until the transaction ends",
  "Bound the wait, keep the transaction short, and take the weakest mode that does: SET LOCAL lock_timeout = '2s';",
  "sql-lock.html")
X(LOCK_TAKEN, "lock-taken", LOCK, INFO, "any statement", 0, 0,
  "a statement without a rule of its own takes a lock that others wait for",
  "Bound the wait, and keep the transaction short: SET LOCAL lock_timeout = '2s';",
  "explicit-locking.html#LOCKING-TABLES")
X(DROP_TABLE_FK_FANOUT, "drop-table-fk-fanout", LOCK, WARNING, "DROP TABLE of a table with foreign keys", 0, 0,
  "dropping a table locks every table that its foreign keys point at",
  "Drop the foreign keys first, each in a transaction of its own: SET LOCAL lock_timeout = '2s'; ALTER TABLE %t DROP CONSTRAINT %i;",
  "explicit-locking.html#LOCKING-TABLES")
X(ADD_COLUMN_REFERENCES, "add-column-references", LOCK, NOTICE, "ALTER TABLE ... ADD COLUMN ... REFERENCES", 0, 0,
  "a new column with a foreign key locks the referenced table against writing",
  "Take both locks one after the other: ALTER TABLE %t ADD COLUMN %c %y; then ALTER TABLE %t ADD CONSTRAINT %i FOREIGN KEY (%k) REFERENCES %r NOT VALID; ALTER TABLE %t VALIDATE CONSTRAINT %i;",
  "explicit-locking.html#LOCKING-TABLES")
X(MULTIPLE_FKS_ONE_TX, "multiple-fks-one-tx", LOCK, WARNING, "several foreign keys in one transaction", 0, 0,
  "foreign keys to different tables in one transaction lock all of these until it ends",
  "Add each foreign key in a transaction of its own, with SET LOCAL lock_timeout = '2s'.",
  "explicit-locking.html#LOCKING-DEADLOCKS")

/* Renames: nothing is lost, but code that runs now uses the old name. */
X(RENAME_TABLE, "rename-table", RENAME, WARNING, "ALTER TABLE, VIEW ... RENAME TO", 0, 0,
  "running code uses the old name of a table",
  "Leave a view of the old name in the same transaction, and drop it in a later deploy: CREATE VIEW %t AS SELECT * FROM %n;",
  "sql-altertable.html")
X(RENAME_COLUMN, "rename-column", RENAME, WARNING, "ALTER TABLE ... RENAME COLUMN", 0, 0,
  "running code uses the old name of a column",
  "Add a column %n to %t, write both, move the reads, and drop %c in a later deploy.",
  "sql-altertable.html")
X(RENAME_SCHEMA, "rename-schema", RENAME, WARNING, "ALTER SCHEMA ... RENAME, ALTER ... SET SCHEMA", 0, 0,
  "running code uses the old name of a schema, or finds an object in the old one",
  "Deploy code that knows both names first.",
  "sql-alterschema.html")
X(RENAME_ENUM_VALUE, "rename-enum-value", RENAME, WARNING, "ALTER TYPE ... RENAME VALUE", 0, 0,
  "running code uses the old label of an enum",
  "Add a new label, write it, change old rows, and leave the old label alone: ALTER TYPE %y ADD VALUE %n;",
  "sql-altertype.html")
X(RENAME_OTHER, "rename-other", RENAME, WARNING, "ALTER TYPE, DOMAIN, SEQUENCE, FUNCTION, PROCEDURE, AGGREGATE ... RENAME TO", 0, 0,
  "running code knows a type, sequence or routine by its old name",
  "Make another one under the new name beside it, move the code over, then drop the old one.",
  "ddl-alter.html")

/* Data: rows are removed, overwritten or refused. */
X(TRUNCATE, "truncate", DATA, ERROR, "TRUNCATE", 0, 0,
  "all rows of a table are removed",
  "Delete in batches with a condition, or take a backup of %t first.",
  "sql-truncate.html")
X(DELETE_WITHOUT_WHERE, "delete-without-where", DATA, ERROR, "DELETE", 0, 0,
  "DELETE without a condition removes all rows",
  "Add the condition that was meant: DELETE FROM %t WHERE ...; delete many rows in batches.",
  "sql-delete.html")
X(UPDATE_WITHOUT_WHERE, "update-without-where", DATA, ERROR, "UPDATE", 0, 0,
  "UPDATE without a condition overwrites all rows",
  "Add the condition that was meant, such as that a column IS NULL: UPDATE %t SET ... WHERE ...; update many rows in batches.",
  "sql-update.html")
X(CATALOG_WRITE, "catalog-write", DATA, ERROR, "INSERT, UPDATE, DELETE", 0, 0,
  "rows of a system catalog are written by hand",
  "Use the command that makes such a change; a wrong row can make the database unusable.",
  "catalogs-overview.html")
X(ALTER_TYPE_NARROWING, "alter-type-narrowing", DATA, ERROR, "ALTER TABLE ... ALTER COLUMN TYPE", 0, 0,
  "the new type of a column refuses, cuts or rounds values",
  "Look for values that do not fit first; a check of the new limit shows them: ALTER TABLE %t ADD CONSTRAINT %i CHECK (...) NOT VALID; ALTER TABLE %t VALIDATE CONSTRAINT %i;",
  "sql-altertable.html")
X(ALTER_TYPE_DEPENDENCY, "alter-type-dependency", DATA, ERROR, "ALTER TABLE ... ALTER COLUMN TYPE", 0, 0,
  "a change of type fails because something depends on the column",
  "Drop what depends on %c in the same transaction and make it again afterwards.",
  "ddl-depend.html")
X(ADD_NOT_NULL_NO_DEFAULT, "add-not-null-no-default", DATA, ERROR, "ALTER TABLE ... ADD COLUMN ... NOT NULL", 0, 0,
  "a new NOT NULL column without a default fails when the table has rows",
  "Give it a default, or add it nullable, fill it, and SET NOT NULL in a later step: ALTER TABLE %t ADD COLUMN %c %y;",
  "sql-altertable.html")
X(TRUNCATE_CASCADE, "truncate-cascade", DATA, ERROR, "TRUNCATE ... CASCADE", 0, 0,
  "tables that the statement does not name are emptied too",
  "Name each table that is meant, without CASCADE: TRUNCATE %r, %t;",
  "sql-truncate.html")
X(TRUNCATE_RESTART_IDENTITY, "truncate-restart-identity", DATA, WARNING, "TRUNCATE ... RESTART IDENTITY", 0, 0,
  "sequences begin again, and numbers that were given out before come back",
  "Leave RESTART IDENTITY away: TRUNCATE %t;",
  "sql-truncate.html")
X(DML_ROWS_OVER_LIMIT, "dml-rows-over-limit", DATA, WARNING, "INSERT ... SELECT, UPDATE, DELETE, MERGE", 0, 0,
  "one statement changes more rows than safedeploy.max_dml_rows",
  "Change the rows of %t in batches, each in a transaction of its own.",
  "sql-update.html")
X(CREATE_UNLOGGED, "create-unlogged", DATA, WARNING, "CREATE UNLOGGED TABLE, ALTER TABLE ... SET UNLOGGED", 0, 0,
  "an unlogged table is emptied by a crash and is not replicated",
  "Leave UNLOGGED away for rows that somebody would miss.",
  "sql-createtable.html#SQL-CREATETABLE-UNLOGGED")
X(ALTER_TYPE_LOSSY_USING, "alter-type-lossy-using", DATA, ERROR, "ALTER TABLE ... ALTER COLUMN TYPE ... USING", 0, 0,
  "USING does not read the column, so that all its values are lost",
  "Convert the old value in USING, or keep it: ALTER TABLE %t ADD COLUMN %n %y;",
  "sql-altertable.html")
X(ALTER_TYPE_TIMEZONE_DEPENDENT, "alter-type-timezone-dependent", DATA, WARNING, "ALTER TABLE ... ALTER COLUMN TYPE timestamp, timestamptz", 0, 0,
  "what timestamps mean after the change depends on the TimeZone of the session that runs it",
  "Say which zone is meant: ALTER TABLE %t ALTER COLUMN %c TYPE %y USING %c AT TIME ZONE 'UTC';",
  "datatype-datetime.html")

/* Transactions: statements that do not fit the transaction they run in. */
X(CONCURRENTLY_IN_TRANSACTION, "concurrently-in-transaction", TRANSACTION, ERROR, "CONCURRENTLY, VACUUM, CREATE DATABASE and the like", 0, 0,
  "a statement fails inside a transaction block",
  "Put it into a migration of its own that the tool runs without a transaction.",
  "sql-begin.html")
X(OWN_COMMIT, "own-commit", TRANSACTION, WARNING, "BEGIN, COMMIT, ROLLBACK", 0, 0,
  "the script has transaction control of its own",
  "Leave BEGIN and COMMIT to the migration tool, or tell the tool to run this script without a transaction.",
  "sql-commit.html")
X(NOT_VALID_VALIDATE_SAME_TX, "not-valid-validate-same-tx", TRANSACTION, WARNING, "ALTER TABLE ... VALIDATE CONSTRAINT", 0, 0,
  "a constraint is validated in the transaction that added it, under its strong lock",
  "Put it into a transaction of its own, after the one that adds it: ALTER TABLE %t VALIDATE CONSTRAINT %i;",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")

/* Opaque: text whose effect cannot be told from reading it. */
X(OPAQUE_DYNAMIC_SQL, "opaque-dynamic-sql", OPAQUE, WARNING, "DO, CALL, EXECUTE, COPY PROGRAM, functions", 0, 0,
  "text that is put together at run time, or code that is not analysed",
  "Rehearse it on a clone and look at what it really does.",
  "plpgsql-statements.html#PLPGSQL-STATEMENTS-EXECUTING-DYN")
X(SYNTAX_ERROR, "syntax-error", OPAQUE, ERROR, "any text", 0, 0,
  "the server's parser refuses the statement",
  "Correct the statement; what follows it is analysed on its own.",
  "sql-syntax.html")
X(UNANALYSABLE, "unanalysable", OPAQUE, WARNING, "psql commands, COPY data", 0, 0,
  "text that the server's parser never sees",
  "Run it on a clone and look at what it does.",
  "app-psql.html")
X(STANDARD_CONFORMING_STRINGS_OFF, "standard-conforming-strings-off", OPAQUE, ERROR, "SET standard_conforming_strings", 0, 0,
  "strings are read in another way than they are analysed",
  "Leave standard_conforming_strings on, and write E'...' where backslashes are meant as escapes.",
  "runtime-config-compatible.html")
X(MISSING_OBJECT, "missing-object", OPAQUE, WARNING, "any statement with a target", 0, 0,
  "the target is neither in the database nor made earlier in the script",
  "Check the name and the search_path, and that the database is the one meant.",
  "ddl-schemas.html#DDL-SCHEMAS-PATH")
X(EXISTING_OBJECT, "existing-object", OPAQUE, WARNING, "CREATE", 0, 0,
  "what the script makes is there already",
  "Check whether the script has been run before; IF NOT EXISTS hides a table of another shape.",
  "sql-createtable.html")
X(NO_RULE, "no-rule", OPAQUE, INFO, "any statement", 0, 0,
  "no rule judges this kind of statement",
  "Rehearse it on a clone and look at what it really does.",
  "sql-commands.html")

/* Failures of keys and constraints: the statement is refused, as far as the catalog and its statistics tell. */
X(REFUSED, "refused", FAILURE, ERROR, "ALTER TABLE, ALTER TYPE, REFERENCES", 0, 0,
  "the server refuses the statement because of what its target is",
  "Give %t what the statement needs first.",
  "sql-altertable.html")
X(CONSTRAINT_USING_BAD_INDEX, "constraint-using-bad-index", FAILURE, ERROR, "ALTER TABLE ... ADD ... USING INDEX", 0, 0,
  "an index cannot become that of a constraint",
  "Build one that can: a valid, unique btree index of plain columns, in their usual order and without a condition.",
  "sql-altertable.html")
X(SET_NOT_NULL_HAS_NULLS, "set-not-null-has-nulls", FAILURE, ERROR, "ALTER TABLE ... SET NOT NULL", 0, 0,
  "SET NOT NULL fails, because the column has NULL",
  "Fill them in batches first: UPDATE %t SET %c = ... WHERE %c IS NULL;",
  "sql-altertable.html")
X(UNIQUE_DUPLICATES, "create-unique-index-duplicates", FAILURE, ERROR, "CREATE UNIQUE INDEX, ALTER TABLE ... ADD UNIQUE, PRIMARY KEY", 0, 0,
  "a unique key fails, because values repeat",
  "Look at them, and decide: SELECT %c, count(*) FROM %t GROUP BY %c HAVING count(*) > 1;",
  "indexes-unique.html")
X(ROWS_REFUSE, "rows-refuse", FAILURE, ERROR, "CHECK, FOREIGN KEY, EXCLUDE, ALTER COLUMN TYPE, ATTACH PARTITION, ADD COLUMN ... NOT NULL", 0, 0,
  "the statement fails, because rows that are there do not meet what it demands",
  "Correct these rows first, in batches; new ones can be kept out by a constraint that is NOT VALID.",
  "sql-altertable.html")
X(FK_TYPE_MISMATCH, "fk-type-mismatch", FAILURE, WARNING, "REFERENCES", 0, 0,
  "the columns at both ends of a foreign key have different types",
  "Give it the type of the column that it refers to: %c %y",
  "ddl-constraints.html#DDL-CONSTRAINTS-FK")

/* Workload: work for nothing, work with each write, and things that are in use. */
X(DROP_INDEX_IN_USE, "drop-index-in-use", WORKLOAD, WARNING, "DROP INDEX", 0, 0,
  "an index is dropped that queries have used",
  "Look which queries use it, and build what replaces %i first.",
  "monitoring-stats.html")
X(OBJECT_STILL_USED, "object-still-used", WORKLOAD, WARNING, "DROP TABLE, DROP MATERIALIZED VIEW", 0, 0,
  "a table is dropped that was read or written",
  "See that nobody uses it any more: SELECT * FROM pg_stat_user_tables WHERE relid = '%t'::regclass;",
  "monitoring-stats.html")
X(LARGE_TABLE, "large-table", WORKLOAD, WARNING, "any statement that reads or rewrites a table under a lock", 0, 0,
  "a table larger than safedeploy.large_table is read or rewritten while its users wait",
  "Rehearse it on a clone of that size, and look how long it takes; the finding beside this one has a way without the wait.",
  "explicit-locking.html#LOCKING-TABLES")
X(HOT_TABLE, "hot-table", WORKLOAD, WARNING, "statements that lock strongly", 0, 0,
  "a table that is in constant use is locked against writing or against everything",
  "Bound the wait, so that it stops others for a moment only, and try again: SET LOCAL lock_timeout = '1s'; do it when %t is used least.",
  "explicit-locking.html#LOCKING-TABLES")
X(FK_MISSING_INDEX, "fk-missing-index", WORKLOAD, NOTICE, "REFERENCES", 0, 0,
  "no index begins with the columns of a foreign key",
  "Build it before rows of the referenced table are deleted: CREATE INDEX CONCURRENTLY %i ON %t (%k);",
  "ddl-constraints.html#DDL-CONSTRAINTS-FK")
X(INDEX_OVERLOAD, "index-overload", WORKLOAD, NOTICE, "CREATE INDEX", 0, 0,
  "a table with many indexes gets another one",
  "Drop those that nobody uses first: SELECT indexrelname, idx_scan FROM pg_stat_user_indexes WHERE relid = '%t'::regclass ORDER BY idx_scan;",
  "monitoring-stats.html")
X(INDEX_REDUNDANT, "index-redundant", WORKLOAD, NOTICE, "CREATE INDEX", 0, 0,
  "an index that is there already begins with the same columns",
  "Leave it away: %i serves its queries.",
  "indexes-multicolumn.html")
X(BUILD_THEN_REWRITE, "build-then-rewrite", WORKLOAD, NOTICE, "CREATE INDEX, then a rewrite", 0, 0,
  "an index is built and then built again by a rewrite of its table",
  "Rewrite %t first, then build its indexes.",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")
X(ALTER_TYPE_STATS_LOST, "alter-type-stats-lost", WORKLOAD, INFO, "ALTER TABLE ... ALTER COLUMN TYPE", 0, 0,
  "the statistics of a column are lost with its old type, so that plans may change",
  "Collect them again right after it: ANALYZE %t (%c);",
  "planner-stats.html")

/* Partitioned tables: what is done to one of them reaches others. */
X(DROP_PARTITION, "drop-partition", PARTITION, NOTICE, "DROP TABLE of a partition", 0, 0,
  "dropping a partition locks the partitioned table against reading and writing",
  "Detach it first, from 14 on and outside a transaction: ALTER TABLE %r DETACH PARTITION %t CONCURRENTLY; DROP TABLE %t;",
  "ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE")
X(CREATE_INDEX_PARTITIONED, "create-index-partitioned", PARTITION, WARNING, "CREATE INDEX on a partitioned table", 0, 0,
  "an index is built on every partition while nobody can write any of them",
  "Make it on the parent alone, then on each partition beside its writers, and attach these: CREATE %uINDEX %i ON ONLY %t (%k); CREATE %uINDEX CONCURRENTLY %n ON ... (%k); ALTER INDEX %i ATTACH PARTITION %n;",
  "ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE")
X(ATTACH_PARTITION_DEFAULT_SCAN, "attach-partition-default-scan", PARTITION, WARNING, "ALTER TABLE ... ATTACH PARTITION, CREATE TABLE ... PARTITION OF", 0, 0,
  "the default partition is locked and searched for rows of a new partition",
  "Prove before that it has none of them, in transactions of their own: ALTER TABLE %t ADD CONSTRAINT %i CHECK (NOT (...)) NOT VALID; ALTER TABLE %t VALIDATE CONSTRAINT %i;",
  "ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE")
X(ATTACH_PARTITION_BUILDS, "attach-partition-builds-index", PARTITION, WARNING, "ALTER TABLE ... ATTACH PARTITION", 0, 0,
  "a table that lacks an index of its new parent gets it built while it is locked against everything",
  "Build it before, beside readers and writers: CREATE %uINDEX CONCURRENTLY %i ON %t (%k);",
  "ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE")
X(DETACH_CONCURRENTLY_FAILS, "detach-concurrently-fails", PARTITION, ERROR, "ALTER TABLE ... DETACH PARTITION", 14, 0,
  "DETACH PARTITION is refused, because of a default partition or of an earlier one that was not ended",
  "With a default partition there is no way but the blocking one: SET LOCAL lock_timeout = '2s'; ALTER TABLE %r DETACH PARTITION %t;",
  "sql-altertable.html")
X(PARTITIONED_ALTER_FANOUT, "partitioned-alter-fanout", PARTITION, NOTICE, "ALTER TABLE of a partitioned table", 0, 0,
  "a strong lock of a partitioned table is taken of each partition too",
  "Bound the wait, and try again when it is over: SET LOCAL lock_timeout = '2s';",
  "explicit-locking.html#LOCKING-TABLES")
X(PARTITION_KEY_NOT_IN_UNIQUE, "partition-key-not-in-unique", PARTITION, ERROR, "UNIQUE, PRIMARY KEY, CREATE UNIQUE INDEX", 0, 0,
  "a unique key of a partitioned table is refused, because it lacks columns of the partition key",
  "Add the columns of the partition key to it, or make it on each partition of %t.",
  "ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-LIMITATIONS")
X(FK_NOT_VALID_PARTITIONED, "fk-not-valid-partitioned", PARTITION, ERROR, "ALTER TABLE ... ADD FOREIGN KEY ... NOT VALID", 0, 17,
  "a NOT VALID foreign key of a partitioned table is refused",
  "Add it to each partition NOT VALID, validate these, and then add it to the parent, which takes them over: ALTER TABLE %t ADD CONSTRAINT %i FOREIGN KEY (%k) REFERENCES %r;",
  "ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-LIMITATIONS")
X(DEFAULT_PARTITION, "default-partition", PARTITION, OFF, "PARTITION OF ... DEFAULT, ATTACH PARTITION ... DEFAULT", 0, 0,
  "a default partition makes each later partition expensive to attach",
  "Leave it away, and make partitions in good time.",
  "ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE")
X(MANAGED_PARTITIONS, "managed-partitions", PARTITION, WARNING, "partitions of tables that an extension manages", 0, 0,
  "an extension makes and drops the partitions of this table, and keeps its own record of them",
  "Use the functions of the extension, so that its record stays right; or take the table out of its care first.",
  "ddl-partitioning.html")
X(INHERIT_CHANGE, "inherit-change", PARTITION, NOTICE, "ALTER TABLE ... INHERIT, NO INHERIT", 0, 0,
  "queries of the parent get or lose the rows of a table, which is locked against everything",
  "Bound the wait: SET LOCAL lock_timeout = '2s';",
  "ddl-inherit.html")

X(CREATE_DOMAIN_CONSTRAINT, "create-domain-constraint", STYLE, OFF, "CREATE DOMAIN ... CHECK, NOT NULL", 0, 0,
  "constraints of a domain are costly to change: every table with it is checked, and ADD COLUMN rewrites",
  "Make the domain without them, and check in the tables.",
  "sql-createdomain.html")

/* Failure, application, timeout, style and security: begin. */

/* Failures: the server will refuse the statement, or it leaves something broken behind. */
X(CONCURRENTLY_IN_FUNCTION, "concurrently-in-function", FAILURE, ERROR, "CONCURRENTLY, VACUUM and the like in routines and DO", 0, 0,
  "a statement fails inside a routine or DO block",
  "Take it out of the routine and run it as a statement of its own, outside a transaction.",
  "sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY")
X(CONCURRENTLY_ON_PARTITIONED, "concurrently-on-partitioned", FAILURE, ERROR, "CREATE INDEX, DROP INDEX ... CONCURRENTLY", 0, 0,
  "an index of a partitioned table cannot be built or dropped concurrently",
  "Build it on each partition, and join the indexes: CREATE INDEX %i ON ONLY %t (%k); CREATE INDEX CONCURRENTLY ... ON a partition; ALTER INDEX %i ATTACH PARTITION ...;",
  "ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE")
X(REFRESH_CONCURRENTLY_NO_UNIQUE, "refresh-concurrently-no-unique", FAILURE, ERROR, "REFRESH MATERIALIZED VIEW CONCURRENTLY", 0, 0,
  "a materialized view without a unique index, or without rows, cannot be refreshed concurrently",
  "Refresh it once without CONCURRENTLY, and give it an index: CREATE UNIQUE INDEX ON %t (...);",
  "sql-refreshmaterializedview.html")
X(ENUM_VALUE_SAME_TX, "enum-value-same-tx", FAILURE, ERROR, "statements behind ALTER TYPE ... ADD VALUE", 0, 0,
  "a new label of an enum is used by the transaction that added it",
  "Commit the new label of %y first, and use it in another migration.",
  "sql-altertype.html#SQL-ALTERTYPE-NOTES")
X(DROP_CONSTRAINT_BACKED_INDEX, "drop-constraint-backed-index", FAILURE, ERROR, "DROP INDEX", 0, 0,
  "the index of a constraint can only go with the constraint",
  "Drop the constraint, which drops the index: ALTER TABLE %t DROP CONSTRAINT %i;",
  "sql-dropindex.html")
X(DROP_DEPENDENCY, "drop-dependency", FAILURE, ERROR, "DROP, ALTER TABLE ... DROP COLUMN, DROP CONSTRAINT", 0, 0,
  "something depends on what is dropped, and nothing says CASCADE",
  "Drop or change what depends on it first, by name.",
  "ddl-depend.html")
X(REPLACE_VIEW_COLUMNS, "replace-view-columns", FAILURE, ERROR, "CREATE OR REPLACE VIEW", 0, 0,
  "a view can be replaced only by one that begins with the same columns",
  "Add new columns at the end, or make the view anew in one transaction: DROP VIEW %t; CREATE VIEW %t AS ...;",
  "sql-createview.html")
X(REPLACE_FUNCTION_SIGNATURE, "replace-function-signature", FAILURE, ERROR, "CREATE OR REPLACE FUNCTION, PROCEDURE", 0, 0,
  "a routine cannot be replaced by one that returns something else or names its parameters otherwise",
  "Make one of another name, or drop it and make it anew in one transaction.",
  "sql-createfunction.html")
X(DROP_NOT_NULL_ON_PK, "drop-not-null-on-pk", FAILURE, ERROR, "ALTER TABLE ... ALTER COLUMN DROP NOT NULL", 0, 0,
  "a column of a primary key or an identity column stays NOT NULL",
  "Drop the primary key or the identity first, if it is not needed any more.",
  "sql-altertable.html")
X(INVALID_INDEX, "invalid-index", FAILURE, ERROR, "CREATE INDEX ... IF NOT EXISTS", 0, 0,
  "an INVALID index of that name makes IF NOT EXISTS do nothing",
  "Drop it first, outside a transaction: DROP INDEX CONCURRENTLY IF EXISTS %i;",
  "sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY")
X(IF_NOT_EXISTS_DRIFT, "if-not-exists-drift", FAILURE, WARNING, "CREATE TABLE, CREATE INDEX, ADD COLUMN ... IF NOT EXISTS", 0, 0,
  "what is there already has another shape",
  "Compare %t with what the statement wants, and change it by a migration of its own.",
  "sql-createtable.html")
X(NOT_RERUNNABLE, "not-rerunnable", FAILURE, INFO, "CREATE, DROP, ADD COLUMN outside a transaction", 0, 0,
  "a script without a transaction fails when it is run again after a failure half-way",
  "Use IF EXISTS and IF NOT EXISTS, or one statement a migration; drop an index before it is built again: an INVALID one may be there.",
  "sql-createtable.html")
X(INSUFFICIENT_PRIVILEGE, "insufficient-privilege", FAILURE, WARNING, "any change", 0, 0,
  "the role that runs the script lacks a right that the statement needs",
  "Run the script as the owner, or make the role the owner: ALTER TABLE %t OWNER TO %n;",
  "ddl-priv.html")
X(IDENTIFIER_TOO_LONG, "identifier-too-long", FAILURE, WARNING, "any name", 0, 0,
  "a name of more than 63 bytes is cut off without an error",
  "Choose a shorter name: two long ones that begin alike become the same.",
  "sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS")
X(DUPLICATE_COLUMN_ASSIGN, "duplicate-column-assign", FAILURE, ERROR, "INSERT, UPDATE, CREATE TABLE", 0, 0,
  "a column is named twice",
  "Name %c once.",
  "sql-update.html")
X(CHECK_NOT_IMMUTABLE, "check-not-immutable", FAILURE, WARNING, "CHECK constraints", 0, 0,
  "a CHECK that depends on the time, on settings or on other rows lets a restore fail",
  "Compare columns with constants only; keep what depends on time in a trigger.",
  "ddl-constraints.html#DDL-CONSTRAINTS-CHECK-CONSTRAINTS")
X(INDEX_NOT_IMMUTABLE, "index-not-immutable", FAILURE, ERROR, "CREATE INDEX on expressions, generated columns", 0, 0,
  "an index or generated column needs an immutable expression",
  "Use immutable functions only, such as timezone('UTC', ...) for a timestamptz, or declare your own function IMMUTABLE if it is.",
  "xfunc-volatility.html")
X(LOCK_TABLE_EXHAUSTION, "lock-table-exhaustion", FAILURE, WARNING, "DDL on partitioned tables and schemas", 0, 0,
  "one transaction needs a large part of the server's lock table",
  "Change the partitions in several transactions, or raise max_locks_per_transaction.",
  "runtime-config-locks.html")
X(DISK_HEADROOM, "disk-headroom", FAILURE, ERROR, "statements that copy a table", 0, 0,
  "the disk has no room for the copy of a table",
  "Free some space first, or change %t in a way that does not copy it.",
  "diskusage.html")
X(UNCOMMITTED_TX, "uncommitted-tx", FAILURE, ERROR, "BEGIN", 0, 0,
  "the script begins a transaction and never ends it",
  "End it with COMMIT.",
  "sql-begin.html")
X(TX_NESTING, "tx-nesting", FAILURE, WARNING, "BEGIN, COMMIT, SAVEPOINT, LOCK, SET LOCAL", 0, 0,
  "a statement about transactions stands where it fails or does nothing",
  "Put it inside BEGIN and COMMIT, once.",
  "sql-begin.html")

/* Applications: the change succeeds, and what runs now breaks on it. */
X(CACHED_PLAN_CHANGE, "cached-plan-change", APPLICATION, INFO, "ALTER TABLE ... ADD, DROP COLUMN, TYPE", 0, 0,
  "prepared statements that select all columns fail once when the columns change",
  "Name the columns in prepared statements, or let clients prepare again: DISCARD ALL, or reconnect.",
  "sql-prepare.html")
X(RENAME_INDEX_CONSTRAINT, "rename-index-constraint", APPLICATION, NOTICE, "ALTER INDEX RENAME, ALTER TABLE RENAME CONSTRAINT", 0, 0,
  "code may know an index or constraint by its name",
  "Look for %i in ON CONFLICT ON CONSTRAINT clauses and in what handles errors.",
  "sql-insert.html#SQL-ON-CONFLICT")
X(NOT_NULL_THEN_DROP_DEFAULT, "not-null-then-drop-default", APPLICATION, WARNING, "ADD COLUMN NOT NULL DEFAULT, then DROP DEFAULT", 0, 0,
  "a new NOT NULL column loses its default before running code knows it",
  "Keep the default until all running code writes %c; drop it in a later deploy: ALTER TABLE %t ALTER COLUMN %c DROP DEFAULT;",
  "sql-altertable.html")
X(NEW_RESTRICTION, "new-restriction", APPLICATION, NOTICE, "new constraints, unique indexes, NOT NULL, triggers", 0, 0,
  "running code may write what is refused from now on",
  "Deploy code that keeps to the rule first.",
  "ddl-constraints.html")
X(DROP_NOT_NULL, "drop-not-null", APPLICATION, NOTICE, "ALTER TABLE ... ALTER COLUMN DROP NOT NULL", 0, 0,
  "running code does not expect null in the column",
  "Deploy code that can read null in %c first.",
  "sql-altertable.html")
X(DROP_DEFAULT, "drop-default", APPLICATION, WARNING, "ALTER TABLE ... ALTER COLUMN DROP DEFAULT", 0, 0,
  "a NOT NULL column loses its default",
  "Deploy code that always writes %c first.",
  "sql-altertable.html")
X(CHANGE_DEFAULT, "change-default", APPLICATION, NOTICE, "ALTER TABLE ... ALTER COLUMN SET DEFAULT", 0, 0,
  "new rows get another value than running code expects",
  "Deploy code that does not rely on the default of %c first.",
  "sql-altertable.html")
X(PLPGSQL_BODY_BREAK, "plpgsql-body-break", APPLICATION, WARNING, "DROP, RENAME", 0, 0,
  "the text of a routine uses what goes or gets another name",
  "Make the routines anew in the same transaction.",
  "plpgsql-implementation.html")
X(FUNCTION_SEMANTICS, "function-semantics", APPLICATION, NOTICE, "CREATE OR REPLACE, ALTER FUNCTION", 0, 0,
  "a routine that is in use behaves in another way",
  "Make a routine of another name, and move its callers one by one; build indexes on it again.",
  "sql-createfunction.html")
X(ENUM_ORDERING, "enum-ordering", APPLICATION, INFO, "ALTER TYPE ... ADD VALUE", 0, 0,
  "a new label without BEFORE or AFTER sorts last",
  "Say where %i belongs: ALTER TYPE %y ADD VALUE %i AFTER ...;",
  "sql-altertype.html")
X(JSON_COLUMN, "json-column", APPLICATION, WARNING, "ALTER TABLE ... ADD COLUMN, TYPE json", 0, 0,
  "a json column has no equality, which SELECT DISTINCT of all columns needs",
  "Use jsonb: ALTER TABLE %t ADD COLUMN %c jsonb;",
  "datatype-json.html")
X(REPLICA_IDENTITY, "replica-identity", APPLICATION, WARNING, "REPLICA IDENTITY, DROP of a key", 0, 0,
  "logical replication cannot tell the rows of a table apart",
  "Give %t a replica identity before the old one goes: ALTER TABLE %t REPLICA IDENTITY USING INDEX ...;",
  "logical-replication-publication.html")
X(PUBLICATION_DDL, "publication-ddl", APPLICATION, WARNING, "ALTER TABLE, DROP TABLE of replicated tables", 0, 0,
  "logical replication copies rows, but not this change",
  "Make the same change on the other servers: on subscribers first when something is added, last when something goes.",
  "logical-replication-restrictions.html")
X(SEQUENCE_RESET, "sequence-reset", APPLICATION, WARNING, "ALTER SEQUENCE, INSERT of numbered rows", 0, 0,
  "a sequence may give out numbers that are taken",
  "Set it behind the largest number: SELECT setval(pg_get_serial_sequence('%t', '%c'), max(%c)) FROM %t;",
  "functions-sequence.html")

/* Timeouts: how long locks are waited for and held, and the shape of transactions. */
X(NO_LOCK_TIMEOUT, "no-lock-timeout", TIMEOUT, INFO, "statements that lock strongly", 0, 0,
  "nothing ends the wait for a lock, and everybody else waits behind it",
  "Begin the script with SET LOCAL lock_timeout = '5s'; and let the tool try again.",
  "runtime-config-client.html#GUC-LOCK-TIMEOUT")
X(LOCK_TIMEOUT_BAD, "lock-timeout-bad", TIMEOUT, WARNING, "SET lock_timeout", 0, 0,
  "lock_timeout is switched off, too long, or set too late",
  "Set it once, for the transaction, before anything is locked: SET LOCAL lock_timeout = '5s';",
  "runtime-config-client.html#GUC-LOCK-TIMEOUT")
X(NO_STATEMENT_TIMEOUT, "no-statement-timeout", TIMEOUT, OFF, "statements that lock strongly", 0, 0,
  "nothing limits how long a statement holds its lock",
  "SET LOCAL statement_timeout = '1min'; before it.",
  "runtime-config-client.html#GUC-STATEMENT-TIMEOUT")
X(TIMEOUT_KILLS_CONCURRENTLY, "timeout-kills-concurrently", TIMEOUT, WARNING, "CONCURRENTLY, VALIDATE CONSTRAINT", 0, 0,
  "a time-out ends what takes long on purpose",
  "SET statement_timeout = 0; SET lock_timeout = 0; before it, and set them back behind it.",
  "sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY")
X(NO_IDLE_TX_TIMEOUT, "no-idle-tx-timeout", TIMEOUT, OFF, "statements that lock against everything", 0, 0,
  "a transaction that is left open keeps its locks for ever",
  "SET LOCAL idle_in_transaction_session_timeout = '1min'; before it.",
  "runtime-config-client.html#GUC-IDLE-IN-TRANSACTION-SESSION-TIMEOUT")
X(NO_APPLICATION_NAME, "no-application-name", TIMEOUT, OFF, "statements that lock strongly", 0, 0,
  "others cannot see whose lock they wait for",
  "SET application_name = 'deploy ...'; or set it in the tool's connection.",
  "runtime-config-logging.html#GUC-APPLICATION-NAME")
X(MULTI_TABLE_AX, "multi-table-ax", TIMEOUT, NOTICE, "DDL on several tables in one transaction", 0, 0,
  "one transaction locks several tables against everything, which can deadlock",
  "One transaction a table.",
  "explicit-locking.html#LOCKING-DEADLOCKS")
X(CUMULATIVE_LOCK_BUDGET, "cumulative-lock-budget", TIMEOUT, WARNING, "several statements in one transaction that read or write tables under a lock", 0, 0,
  "one transaction holds its locks longer than safedeploy.lock_budget, statement after statement",
  "One transaction a statement, the longest first: each keeps only its own lock, and only as long.",
  "explicit-locking.html#LOCKING-TABLES")
X(STATEMENT_AFTER_AX, "statement-after-ax", TIMEOUT, WARNING, "a long statement behind a strong lock", 0, 0,
  "a table is read as a whole while another statement's lock keeps everybody out",
  "Commit the statement that locks %t first.",
  "explicit-locking.html")
X(DDL_THEN_BACKFILL, "ddl-then-backfill", TIMEOUT, WARNING, "UPDATE, DELETE, INSERT ... SELECT, COPY behind DDL", 0, 0,
  "rows are changed while the lock of an earlier statement keeps others out",
  "Change the rows in a migration of their own, in batches, without the DDL.",
  "explicit-locking.html")
X(UNBATCHED_BACKFILL, "unbatched-backfill", TIMEOUT, WARNING, "UPDATE, DELETE of many rows", 0, 0,
  "one statement changes very many rows",
  "Change some thousand rows a transaction, by ranges of a key of %t, and let autovacuum keep up.",
  "sql-update.html")
X(MULTIPLE_ALTER_SAME_TABLE, "multiple-alter-same-table", TIMEOUT, INFO, "ALTER TABLE", 0, 0,
  "several ALTER TABLEs of one table could be one",
  "Put the changes into one command, separated by commas: ALTER TABLE %t ..., ...;",
  "sql-altertable.html#SQL-ALTERTABLE-NOTES")
X(RULE_DDL, "rule-ddl", TIMEOUT, WARNING, "CREATE RULE, DROP RULE, ENABLE and DISABLE RULE", 0, 0,
  "a rule changes what statements on a table mean, under a lock against everything",
  "Use a trigger or a view in place of a rule on %t.",
  "rules.html")
X(RELOPTION_LOCK, "reloption-lock", TIMEOUT, NOTICE, "ALTER TABLE ... SET (...)", 0, 0,
  "an option of a table that most others are not like locks it against everything",
  "Set it in a statement of its own, with lock_timeout set.",
  "sql-createtable.html#SQL-CREATETABLE-STORAGE-PARAMETERS")
X(NOOP_STILL_LOCKS, "noop-still-locks", TIMEOUT, NOTICE, "ALTER TABLE", 0, 0,
  "a statement changes nothing, and locks the table all the same",
  "Leave it out.",
  "sql-altertable.html")
X(AUTOVACUUM_OFF, "autovacuum-off", TIMEOUT, WARNING, "autovacuum_enabled = false", 0, 0,
  "nothing cleans the table any more",
  "Tune it in place of switching it off: ALTER TABLE %t SET (autovacuum_vacuum_cost_delay = 10);",
  "routine-vacuuming.html")
X(SAVEPOINTS, "savepoints", TIMEOUT, NOTICE, "SAVEPOINT, EXCEPTION in loops", 0, 0,
  "very many subtransactions slow down every session that looks at the same rows",
  "Commit in batches, or catch errors outside the loop.",
  "subxacts.html")
X(NO_ANALYZE, "no-analyze", TIMEOUT, INFO, "CREATE INDEX on expressions", 0, 0,
  "the planner has no statistics until somebody gathers them",
  "ANALYZE %t; at the end of the script.",
  "sql-analyze.html")

/* Security: who may do what. */
X(RLS_ENABLE, "rls-enable", SECURITY, WARNING, "ALTER TABLE ... ENABLE, FORCE ROW LEVEL SECURITY", 0, 0,
  "row security hides every row that no policy shows",
  "Make the policies in the same transaction: CREATE POLICY ... ON %t FOR SELECT TO ... USING (...);",
  "ddl-rowsecurity.html")
X(POLICY_CHANGE, "policy-change", SECURITY, NOTICE, "CREATE, ALTER, DROP POLICY", 0, 0,
  "other rows can be seen and written than before",
  "Try the queries of each role on a clone first.",
  "sql-createpolicy.html")
X(GRANT_WIDEN, "grant-widen", SECURITY, NOTICE, "GRANT, ALTER DEFAULT PRIVILEGES, CREATE and ALTER ROLE", 0, 0,
  "privileges go further than one role and one object",
  "Name the role, the privileges and the objects.",
  "sql-grant.html")
X(REVOKE_PRIVILEGE, "revoke-privilege", SECURITY, NOTICE, "REVOKE", 0, 0,
  "privileges are taken away that running code may need",
  "Deploy code that does without them first; a downgrade has to give them back: GRANT ... ON %t TO ...;",
  "sql-revoke.html")
X(SECURITY_DEFINER_SEARCH_PATH, "security-definer-search-path", SECURITY, WARNING, "CREATE, ALTER FUNCTION ... SECURITY DEFINER", 0, 0,
  "a caller can put his own objects in front of those that a SECURITY DEFINER routine means",
  "Fix the path: ALTER ROUTINE %i SET search_path = pg_catalog, pg_temp;",
  "sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY")
X(DISABLE_TRIGGER, "disable-trigger", SECURITY, WARNING, "ALTER TABLE ... DISABLE TRIGGER, session_replication_role", 0, 0,
  "triggers, foreign keys among them, do not check what is written",
  "Put it into one transaction with what needs it, and the end of it too: ALTER TABLE %t ENABLE TRIGGER %i;",
  "sql-altertable.html")

/* Style: advice on new tables, off by default. */
X(PREFER_BIGINT, "prefer-bigint", STYLE, OFF, "CREATE TABLE", 0, 0,
  "a primary key of integer or smallint runs out of numbers",
  "Use bigint: changing it later rewrites the table.",
  "datatype-numeric.html#DATATYPE-INT")
X(PREFER_IDENTITY, "prefer-identity", STYLE, OFF, "CREATE TABLE, ADD COLUMN", 0, 0,
  "serial is not a type, and its sequence has privileges of its own",
  "Use bigint GENERATED BY DEFAULT AS IDENTITY.",
  "ddl-identity-columns.html")
X(PREFER_TEXT, "prefer-text", STYLE, OFF, "CREATE TABLE, ADD COLUMN", 0, 0,
  "varchar(n) and char(n) have limits that are hard to change",
  "Use text, and a CHECK of the length where there has to be one.",
  "datatype-character.html")
X(PREFER_TIMESTAMPTZ, "prefer-timestamptz", STYLE, OFF, "CREATE TABLE, ADD COLUMN", 0, 0,
  "timestamp without time zone does not say which moment it means",
  "Use timestamptz.",
  "datatype-datetime.html")
X(OTHER_TYPE_ADVICE, "other-type-advice", STYLE, OFF, "CREATE TABLE, ADD COLUMN, CREATE TYPE", 0, 0,
  "money, timetz, json and enums are rarely what is needed",
  "Use numeric, timestamptz, jsonb, or a table of values.",
  "datatype.html")
X(NO_PRIMARY_KEY, "no-primary-key", STYLE, OFF, "CREATE TABLE", 0, 0,
  "rows of a table without a primary key cannot be told apart, nor be replicated",
  "Give it a primary key.",
  "ddl-constraints.html#DDL-CONSTRAINTS-PRIMARY-KEYS")
X(NAMING, "naming", STYLE, OFF, "new names", 0, 0,
  "a name that is a reserved word or has capitals has to be quoted everywhere",
  "Use lower case, digits and underscores.",
  "sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS")
X(COLUMN_ORDER, "column-order", STYLE, OFF, "CREATE TABLE", 0, 0,
  "columns in another order take less room in each row",
  "Put columns of 8 bytes first, then those of 4, 2 and 1, and those of any length last.",
  "storage-page-layout.html")
X(INDEX_STYLE, "index-style", STYLE, OFF, "CREATE INDEX", 0, 0,
  "an index without a name, or of many columns",
  "Name it, and keep to the columns that queries use together.",
  "indexes-multicolumn.html")
X(FK_STYLE, "fk-style", STYLE, OFF, "FOREIGN KEY", 0, 0,
  "a foreign key does not say what happens on DELETE, or deletes rows of another table",
  "Say ON DELETE RESTRICT, or what is meant.",
  "ddl-constraints.html#DDL-CONSTRAINTS-FK")
X(UNQUALIFIED_NAME, "unqualified-name", STYLE, OFF, "any statement with a table", 0, 0,
  "which table is meant depends on search_path",
  "Write the schema too.",
  "ddl-schemas.html#DDL-SCHEMAS-PATH")

/* Failure, application, timeout, style and security: end. */

/* clang-format on */
