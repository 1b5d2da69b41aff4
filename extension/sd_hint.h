/*
 * sd_hint.h
 *	  Hints with the names of the statement that is judged.
 */
#ifndef SD_HINT_H
#define SD_HINT_H

#include "nodes/parsenodes.h"

/* Names for the placeholders of a hint, quoted, or NULL. */
typedef struct SdHintNames
{
#define X(letter, field, word) const char *field;
#include "common/sd_hint_names.h"
#undef X
} SdHintNames;

/* sd_fill_hint returns a hint with its placeholders replaced. */
extern const char *sd_fill_hint(const char *hint, const SdHintNames *names);

/* sd_hint_columns joins a list of column names (String, or IndexElem) for %k; NULL when one is an expression. */
extern const char *sd_hint_columns(List *columns);

/* sd_hint_range returns a name as a statement has it. */
extern const char *sd_hint_range(const RangeVar *name);

/* sd_hint_referenced returns what REFERENCES of a foreign key is followed by. */
extern const char *sd_hint_referenced(const Constraint *constraint);

/* sd_hint_type returns a type as it can be written in a statement. */
extern const char *sd_hint_type(const TypeName *type);

/* sd_hint_item returns a constraint's or index's own name, or one as the server would choose. */
extern const char *sd_hint_item(const char *own, const char *table, const char *column,
								const char *label);

#endif
