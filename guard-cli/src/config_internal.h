/*
 * config_internal.h
 *	  What the parts of the settings share.
 */
#ifndef MG_CONFIG_INTERNAL_H
#define MG_CONFIG_INTERNAL_H

#include "config.h"

#define MG_NAMED_SECTIONS 3

/* Sections whose keys are names that the user chooses */
extern const char *const mg_named_sections[MG_NAMED_SECTIONS];

typedef struct MgValue
{
	const char *text; /* NULL: unset */
	const char *source;
	int line; /* where the file set it, 0: it did not */
} MgValue;

struct MgConfig
{
	MgArena *arena;
	const char *path;
	MgValue values[MG_SETTING_COUNT];
	MgNamed *named[MG_NAMED_SECTIONS];
	MgRuleSetting *rules;
	/* while the file is read */
	const char *at; /* rest of the text */
	int line;
	bool continued; /* the line begins with a blank */
	char *full_name;
	char *section; /* as the file has it; the library keeps 49 bytes */
	MgError *err;
};

/* config_value.c: false when the text is no such value */
extern bool mg_value_duration(const char *text, long long *ms);
extern bool mg_value_bool(const char *text, bool *value);
extern bool mg_value_level(const char *text, MgLevel *level);
extern bool mg_value_int(const char *text, int *value);
/* What a value of the setting must look like, as a sentence; NULL when this one does. */
extern const char *mg_value_wrong(MgArena *arena, const MgSettingInfo *info, const char *text);

/* config.c: checks and sets; a relative path is taken from directory, NULL being the working one */
extern bool mg_config_set_value(MgConfig *config, MgSetting setting, const char *text,
								const char *source, const char *directory, MgError *err);

/* config_rules.c: true for "rules" and what begins like it */
extern bool mg_config_is_rules(const char *section);
/* Takes a line of such a section. */
extern bool mg_config_take_rule(MgConfig *config, const char *section, const char *key,
								const char *text, MgError *err);

/* config_file.c */
extern bool mg_config_read_file(MgConfig *config, const char *path, bool must_exist, MgError *err);

#endif
