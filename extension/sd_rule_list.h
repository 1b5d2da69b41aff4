/*
 * sd_rule_list.h
 *	  Every rule: X(id, name, family, usual severity, summary, hint).
 *
 * To be included where X is defined.  A rule has fixtures of both kinds, one
 * that fires and one that must not, in regress/fixtures/rules/<name>.sql.
 */

/* Drops: objects go, with what they hold and what depends on them. */
X(DROP_TABLE, "drop-table", DROP, ERROR, "a table is dropped with its rows",
  "Stop using the table first and rename it away; drop it in a later deploy, after a backup.")
X(DROP_COLUMN, "drop-column", DROP, ERROR, "a column is dropped with its values",
  "Deploy code that does not use the column first; keep a copy of its values if a downgrade must "
  "bring them back.")
X(DROP_SCHEMA, "drop-schema", DROP, ERROR, "a schema is dropped with all that is in it",
  "Drop the objects one by one, so that each of them is a decision.")
X(DROP_TYPE_CASCADE, "drop-type-cascade", DROP, ERROR,
  "dropping a type with CASCADE drops every column of that type",
  "Change the columns to another type first, then drop the type without CASCADE.")
X(DROP_CASCADE, "drop-cascade", DROP, WARNING, "CASCADE drops objects that the script does not name",
  "Drop the dependent objects by name, so that a new one makes the statement fail in place of "
  "disappearing.")
X(TRUNCATE, "truncate", DATA, ERROR, "all rows of a table are removed",
  "Delete in batches with a condition, or take a backup of the table first.")

/* Renames: nothing is lost, but code that runs now uses the old name. */
X(RENAME_TABLE, "rename-table", RENAME, WARNING, "running code uses the old name of a table",
  "Create a view of the old name in the same transaction and drop it in a later deploy.")
X(RENAME_COLUMN, "rename-column", RENAME, WARNING, "running code uses the old name of a column",
  "Add a new column, write both, move the reads, and drop the old one in a later deploy.")

/* Opaque: text whose effect cannot be told from reading it. */
X(SYNTAX_ERROR, "syntax-error", OPAQUE, ERROR, "the server's parser refuses the statement",
  "Correct the statement; what follows it is analysed on its own.")
X(UNANALYSABLE, "unanalysable", OPAQUE, WARNING, "text that the server's parser never sees",
  "Run it on a clone and look at what it does.")
X(MISSING_OBJECT, "missing-object", OPAQUE, WARNING,
  "the target is neither in the database nor made earlier in the script",
  "Check the name and the search_path, and that the database is the one meant.")
