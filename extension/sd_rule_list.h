/*
 * sd_rule_list.h
 *	  Every rule: X(id, name, family, usual severity, summary, hint).
 *
 * To be included where X is defined.  A rule has fixtures of both kinds, one
 * that fires and one that must not, in regress/fixtures/rules/<name>.sql.
 */

/* clang-format off */

/* Drops: objects go, with what they hold and what depends on them. */
X(DROP_TABLE, "drop-table", DROP, ERROR,
  "a table is dropped with its rows",
  "Stop using the table first and rename it away; drop it in a later deploy, after a backup.")
X(DROP_COLUMN, "drop-column", DROP, ERROR,
  "a column is dropped with its values",
  "Deploy code that does not use the column first; keep a copy of its values if a downgrade must bring them back.")
X(DROP_SCHEMA, "drop-schema", DROP, ERROR,
  "a schema is dropped with all that is in it",
  "Drop the objects one by one, so that each of them is a decision.")
X(DROP_DATABASE, "drop-database", DROP, ERROR,
  "a whole database is dropped",
  "Rename the database and drop it when nobody has missed it; take a backup first.")
X(DROP_OWNED, "drop-owned", DROP, ERROR,
  "everything that a role owns is dropped",
  "REASSIGN OWNED to another role first, then drop what is left by name.")
X(DROP_SEQUENCE, "drop-sequence", DROP, WARNING,
  "a sequence is dropped with its last value",
  "Note the last value, so that a downgrade does not give out the same numbers again.")
X(DROP_MATVIEW, "drop-matview", DROP, WARNING,
  "a materialized view is dropped with its rows and indexes",
  "Check that its query can still be run and how long that takes before dropping the stored result.")
X(DROP_TYPE_CASCADE, "drop-type-cascade", DROP, ERROR,
  "dropping a type with CASCADE drops every column of that type",
  "Change the columns to another type first, then drop the type without CASCADE.")
X(DROP_CASCADE, "drop-cascade", DROP, WARNING,
  "CASCADE drops objects that the script does not name",
  "Drop the dependent objects by name, so that a new one makes the statement fail in place of disappearing.")
X(DROP_CONSTRAINT, "drop-constraint", DROP, NOTICE,
  "a constraint is dropped, and rows may break it from then on",
  "Rows written meanwhile can make it impossible to add the constraint again in a downgrade.")

/* Rewrites: the whole table is written again while nobody can use it. */
X(ADD_COLUMN_VOLATILE_DEFAULT, "add-column-volatile-default", REWRITE, WARNING,
  "a new column with a volatile default rewrites the table",
  "Add the column without a default, set the default for new rows, and fill old rows in batches.")
X(ADD_COLUMN_SERIAL, "add-column-serial", REWRITE, WARNING,
  "a new serial column rewrites the table",
  "Add a plain integer column, fill it in batches, and attach a sequence to it afterwards.")
X(ADD_COLUMN_IDENTITY, "add-column-identity", REWRITE, WARNING,
  "a new identity column rewrites the table",
  "Add a plain integer column, fill it in batches, and make it an identity column afterwards.")
X(ADD_COLUMN_GENERATED_STORED, "add-column-generated-stored", REWRITE, WARNING,
  "a new stored generated column rewrites the table",
  "Add a plain column that a trigger keeps, and fill old rows in batches; or compute it in a view.")
X(ADD_COLUMN_CONSTRAINED_DOMAIN, "add-column-constrained-domain", REWRITE, WARNING,
  "a new column of a domain with constraints rewrites the table",
  "Add the column with the domain's base type and a NOT VALID check, and validate that later.")
X(ALTER_COLUMN_TYPE_REWRITE, "alter-column-type-rewrite", REWRITE, WARNING,
  "the new type of a column makes the server rewrite the table",
  "Add a column of the new type, keep both in step with a trigger, fill it in batches, and switch over.")
X(SET_PERSISTENCE, "set-persistence", REWRITE, WARNING,
  "SET LOGGED and SET UNLOGGED rewrite the table",
  "Do it when the table is small or unused; an unlogged table is empty after a crash and on replicas.")
X(SET_TABLESPACE, "set-tablespace", REWRITE, WARNING,
  "SET TABLESPACE copies the table while nobody can use it",
  "Do it in a maintenance window, or copy the table on line with a tool made for that.")
X(SET_ACCESS_METHOD, "set-access-method", REWRITE, WARNING,
  "SET ACCESS METHOD rewrites the table",
  "Make a new table with that access method, fill it in batches, and switch over by renaming.")
X(VACUUM_FULL, "vacuum-full", REWRITE, WARNING,
  "VACUUM FULL rewrites the table while nobody can use it",
  "Use plain VACUUM, or a tool that repacks a table on line.")
X(CLUSTER, "cluster", REWRITE, WARNING,
  "CLUSTER rewrites the table while nobody can use it",
  "Use a tool that repacks a table on line.")
X(REFRESH_MATVIEW, "refresh-matview", REWRITE, WARNING,
  "REFRESH MATERIALIZED VIEW keeps readers out until it is done",
  "Use REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on the view.")

/* Scans: a whole table is read under a lock that stops its users. */
X(SET_NOT_NULL_SCAN, "set-not-null-scan", SCAN, WARNING,
  "SET NOT NULL reads the whole table while nobody can use it",
  "Add CHECK (column IS NOT NULL) NOT VALID, VALIDATE it in another transaction, then SET NOT NULL and drop the check.")
X(ADD_CHECK_VALID, "add-check-valid", SCAN, WARNING,
  "a CHECK constraint is verified at once, while nobody can use the table",
  "Add it NOT VALID, and VALIDATE CONSTRAINT in another transaction.")
X(ADD_FK_VALID, "add-fk-valid", SCAN, WARNING,
  "a foreign key is checked at once, while nobody can write either table",
  "Add it NOT VALID, and VALIDATE CONSTRAINT in another transaction.")
X(ADD_UNIQUE_CONSTRAINT, "add-unique-constraint", SCAN, WARNING,
  "a UNIQUE constraint builds its index while nobody can use the table",
  "CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT ... UNIQUE USING INDEX.")
X(ADD_PRIMARY_KEY, "add-primary-key", SCAN, WARNING,
  "a PRIMARY KEY builds its index or checks its columns while nobody can use the table",
  "Make the columns NOT NULL and CREATE UNIQUE INDEX CONCURRENTLY first, then ADD PRIMARY KEY USING INDEX.")
X(ADD_EXCLUSION_CONSTRAINT, "add-exclusion-constraint", SCAN, WARNING,
  "an EXCLUDE constraint builds its index while nobody can use the table",
  "There is no way to add it without the lock: do it while the table is small or unused.")
X(CREATE_INDEX_NONCONCURRENT, "create-index-nonconcurrent", SCAN, WARNING,
  "an index is built while nobody can write the table",
  "Use CREATE INDEX CONCURRENTLY, outside a transaction.")
X(REINDEX_NONCONCURRENT, "reindex-nonconcurrent", SCAN, WARNING,
  "an index is built again while nobody can use it",
  "Use REINDEX CONCURRENTLY, outside a transaction.")
X(ALTER_TYPE_RECHECK, "alter-type-recheck", SCAN, WARNING,
  "a change of type rewrites nothing, but checks constraints or builds indexes again",
  "Drop the constraint or index before, and bring it back NOT VALID or CONCURRENTLY afterwards.")
X(ALTER_DOMAIN_CONSTRAINT, "alter-domain-constraint", SCAN, WARNING,
  "a constraint of a domain is checked in every table that uses it",
  "Add it NOT VALID, and VALIDATE CONSTRAINT in another transaction.")
X(ATTACH_PARTITION_SCAN, "attach-partition-scan", SCAN, WARNING,
  "attaching a partition reads all of it, and of the default partition",
  "Add a CHECK constraint that implies the bounds NOT VALID, validate it, then attach.")
X(VALIDATE_CONSTRAINT, "validate-constraint", SCAN, INFO,
  "VALIDATE CONSTRAINT reads the whole table, with its users going on",
  "Nothing to do: this is the safe way; it may take long.")

/* Locks: held for a short time, but strong, and after a wait that stops all others. */
X(DROP_INDEX_NONCONCURRENT, "drop-index-nonconcurrent", LOCK, WARNING,
  "DROP INDEX locks the table against reading and writing",
  "Use DROP INDEX CONCURRENTLY, outside a transaction; it cannot drop the index of a constraint.")
X(DETACH_PARTITION_BLOCKING, "detach-partition-blocking", LOCK, WARNING,
  "DETACH PARTITION locks the whole partitioned table",
  "Use DETACH PARTITION ... CONCURRENTLY (14 and later), outside a transaction.")
X(CREATE_PARTITION_OF, "create-partition-of", LOCK, NOTICE,
  "CREATE TABLE ... PARTITION OF locks the partitioned table",
  "Create the table on its own and ATTACH PARTITION, which lets reading and writing go on.")
X(FK_LOCKS_REFERENCED, "fk-locks-referenced", LOCK, NOTICE,
  "a foreign key of a new table locks the table that it refers to against writing",
  "Set lock_timeout, and keep the transaction short.")
X(CREATE_TRIGGER, "create-trigger", LOCK, NOTICE,
  "CREATE TRIGGER locks the table against writing",
  "Set lock_timeout, and keep the transaction short.")
X(EXPLICIT_LOCK_TABLE, "explicit-lock-table", LOCK, WARNING,
  "LOCK TABLE stops others until the transaction ends",
  "Set lock_timeout, keep the transaction short, and take the weakest mode that does.")
X(LOCK_TAKEN, "lock-taken", LOCK, INFO,
  "a statement without a rule of its own takes a lock that others wait for",
  "Set lock_timeout, and keep the transaction short.")

/* Renames: nothing is lost, but code that runs now uses the old name. */
X(RENAME_TABLE, "rename-table", RENAME, WARNING,
  "running code uses the old name of a table",
  "Create a view of the old name in the same transaction and drop it in a later deploy.")
X(RENAME_COLUMN, "rename-column", RENAME, WARNING,
  "running code uses the old name of a column",
  "Add a new column, write both, move the reads, and drop the old one in a later deploy.")
X(RENAME_SCHEMA, "rename-schema", RENAME, WARNING,
  "running code uses the old name of a schema, or finds an object in the old one",
  "Deploy code that knows both names first.")
X(RENAME_ENUM_VALUE, "rename-enum-value", RENAME, WARNING,
  "running code uses the old label of an enum",
  "Add a new label, write it, change old rows, and leave the old label alone.")

/* Data: rows are removed, overwritten or refused. */
X(TRUNCATE, "truncate", DATA, ERROR,
  "all rows of a table are removed",
  "Delete in batches with a condition, or take a backup of the table first.")
X(DELETE_WITHOUT_WHERE, "delete-without-where", DATA, ERROR,
  "DELETE without a condition removes all rows",
  "Add the condition that was meant; delete many rows in batches.")
X(UPDATE_WITHOUT_WHERE, "update-without-where", DATA, ERROR,
  "UPDATE without a condition overwrites all rows",
  "Add the condition that was meant, such as the column IS NULL; update many rows in batches.")
X(CATALOG_WRITE, "catalog-write", DATA, ERROR,
  "rows of a system catalog are written by hand",
  "Use the command that makes such a change; a wrong row can make the database unusable.")
X(ALTER_TYPE_NARROWING, "alter-type-narrowing", DATA, ERROR,
  "the new type of a column refuses, cuts or rounds values",
  "Look for values that do not fit first; add a CHECK of the new limit before changing the type.")
X(ALTER_TYPE_DEPENDENCY, "alter-type-dependency", DATA, ERROR,
  "a change of type fails because something depends on the column",
  "Drop what depends on the column in the same transaction and make it again afterwards.")
X(ADD_NOT_NULL_NO_DEFAULT, "add-not-null-no-default", DATA, ERROR,
  "a new NOT NULL column without a default fails when the table has rows",
  "Give it a default, or add it nullable, fill it, and SET NOT NULL in a later step.")

/* Transactions: statements that do not fit the transaction they run in. */
X(CONCURRENTLY_IN_TRANSACTION, "concurrently-in-transaction", TRANSACTION, ERROR,
  "a statement fails inside a transaction block",
  "Put it into a migration of its own that the tool runs without a transaction.")
X(OWN_COMMIT, "own-commit", TRANSACTION, WARNING,
  "the script has transaction control of its own",
  "Leave BEGIN and COMMIT to the migration tool, or tell the tool to run this script without a transaction.")
X(NOT_VALID_VALIDATE_SAME_TX, "not-valid-validate-same-tx", TRANSACTION, WARNING,
  "a constraint is validated in the transaction that added it, under its strong lock",
  "VALIDATE CONSTRAINT in a transaction of its own.")

/* Opaque: text whose effect cannot be told from reading it. */
X(OPAQUE_DYNAMIC_SQL, "opaque-dynamic-sql", OPAQUE, WARNING,
  "text that is put together at run time, or code that is not analysed",
  "Rehearse it on a clone and look at what it really does.")
X(SYNTAX_ERROR, "syntax-error", OPAQUE, ERROR,
  "the server's parser refuses the statement",
  "Correct the statement; what follows it is analysed on its own.")
X(UNANALYSABLE, "unanalysable", OPAQUE, WARNING,
  "text that the server's parser never sees",
  "Run it on a clone and look at what it does.")
X(STANDARD_CONFORMING_STRINGS_OFF, "standard-conforming-strings-off", OPAQUE, ERROR,
  "strings are read in another way than they are analysed",
  "Leave standard_conforming_strings on, and write E'...' where backslashes are meant as escapes.")
X(MISSING_OBJECT, "missing-object", OPAQUE, WARNING,
  "the target is neither in the database nor made earlier in the script",
  "Check the name and the search_path, and that the database is the one meant.")
X(EXISTING_OBJECT, "existing-object", OPAQUE, WARNING,
  "what the script makes is there already",
  "Check whether the script has been run before; IF NOT EXISTS hides a table of another shape.")
X(NO_RULE, "no-rule", OPAQUE, INFO,
  "no rule judges this kind of statement",
  "Rehearse it on a clone and look at what it really does.")

/* clang-format on */
