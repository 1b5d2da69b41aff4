/*
 * sd_hint_names.h
 *	  Placeholders of a rule's hint: X(letter, field, word for a name that is not known).
 *
 * To be included where X is defined.
 */

/* clang-format off */
X('t', table, "table_name")
X('c', column, "column_name")
X('i', item, "name")               /* a constraint or index */
X('y', type, "type_name")
X('k', columns, "...")
X('r', other, "other_table")       /* a referenced or parent table */
X('n', new_name, "new_name")
X('u', unique, "")                 /* "UNIQUE " or nothing */
X('o', object_kind, "TABLE")       /* a kind of object as REINDEX and COMMENT name it */
/* clang-format on */
