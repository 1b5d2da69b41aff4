/*
 * sd_policy_class.h
 *	  What can be protected, by class, and which of it a session leaves alone.
 *
 * A class is either a kind of object that can be dropped, or a way in which a
 * statement takes rows or values away.  safedeploy.protect_classes chooses.
 */
#ifndef SD_POLICY_CLASS_H
#define SD_POLICY_CLASS_H

#include "catalog/objectaddress.h"
#include "utils/guc.h"

/* X(id, name, protected by default) */
#define SD_PROTECT_CLASSES(X)               \
	X(TABLE, "table", true)                 \
	X(FOREIGN_TABLE, "foreign_table", true) \
	X(COLUMN, "column", true)               \
	X(MATVIEW, "matview", true)             \
	X(VIEW, "view", true)                   \
	X(SEQUENCE, "sequence", true)           \
	X(SCHEMA, "schema", true)               \
	X(TYPE, "type", true)                   \
	X(DATABASE, "database", true)           \
	X(TRUNCATE, "truncate", true)           \
	X(NARROWING, "narrowing", true)         \
	X(DELETE, "delete", false)              \
	X(UPDATE, "update", false)              \
	X(INDEX, "index", false)                \
	X(CONSTRAINT, "constraint", false)      \
	X(FUNCTION, "function", false)          \
	X(LARGE_OBJECT, "large_object", false)

typedef enum SdProtectClass
{
	SD_PROTECT_NONE = -1,
#define SD_PROTECT_ID(id, name, enabled) SD_PROTECT_##id,
	SD_PROTECT_CLASSES(SD_PROTECT_ID)
#undef SD_PROTECT_ID
		SD_PROTECT_COUNT
} SdProtectClass;

/* The classes that safedeploy.protect_classes names, one bit each. */
extern uint32 sd_protect_mask;

/* The classes that are looked at only because a trace puts them on record. */
extern uint32 sd_protect_watched;

/* True for what is looked at; a permit has to name only what is enforced. */
static inline bool
sd_protects(SdProtectClass class)
{
	return class != SD_PROTECT_NONE && ((sd_protect_mask | sd_protect_watched) & (1U << class)) != 0;
}

static inline bool
sd_protect_is_enforced(SdProtectClass class)
{
	return class != SD_PROTECT_NONE && (sd_protect_mask & (1U << class)) != 0;
}

/* Hooks of the setting: a list of classes, where "default" and "all" stand for several. */
extern bool sd_protect_classes_check(char **newval, void **extra, GucSource source);
extern void sd_protect_classes_assign(const char *newval, void *extra);

/* The class of an object that is dropped, or SD_PROTECT_NONE. */
extern SdProtectClass sd_protect_class_of(const ObjectAddress *object);

/* True for what is temporary or was made by this very session: its loss is its own business. */
extern bool sd_protect_is_own(const ObjectAddress *object);

/* Notes that the session has made an object. */
extern void sd_protect_made(const ObjectAddress *object);

/* "table public.t": kind and identity, as the server names the object. */
extern char *sd_protect_object_name(const ObjectAddress *object);

#endif
