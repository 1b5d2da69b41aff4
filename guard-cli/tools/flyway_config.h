/*
 * flyway_config.h
 *	  Flyway's settings, from where Flyway takes them: files, environment, command line.
 */
#ifndef MG_FLYWAY_CONFIG_H
#define MG_FLYWAY_CONFIG_H

#include "err.h"

typedef struct MgFlywaySetting
{
	const char *key; /* without "flyway."; placeholders in lower case */
	const char *value;
	const char *source;
} MgFlywaySetting;

typedef struct MgFlywayConfig
{
	MgArena *arena;
	MgFlywaySetting *items;
	int count;
	int size;
} MgFlywayConfig;

extern void mg_flyway_config_init(MgFlywayConfig *config, MgArena *arena);

/* A later value of a key takes the place of an earlier. */
extern void mg_flyway_config_set(MgFlywayConfig *config, const char *key, const char *value,
								 const char *source);

/* The value, or fallback when the key is not set. */
extern const char *mg_flyway_config_get(const MgFlywayConfig *config, const char *key,
										const char *fallback);
extern bool mg_flyway_config_bool(const MgFlywayConfig *config, const char *key, bool fallback);

/* A setting of the chosen environment, which may also stand outside of it. */
extern const char *mg_flyway_config_environment(const MgFlywayConfig *config, const char *key);

/* Reads "key=value" lines (flyway.conf) or TOML, by the end of the name. */
extern bool mg_flyway_config_read(MgFlywayConfig *config, const char *path, MgError *err);

/* Takes all FLYWAY_* variables. */
extern void mg_flyway_config_environ(MgFlywayConfig *config);

/* Splits at commas, without blanks around. */
extern void mg_flyway_config_list(MgStrings *list, const char *value);

#endif
