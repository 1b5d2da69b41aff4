/*
 * sd_ddl_table.c
 *	  The writers of relations and enums.
 */
#include "postgres.h"

#include "sd_ddl_table.h"

const SdDdlKind sd_ddl_table_kinds[] = {
	{ "sequence", .keyword = "SEQUENCE", .acl_keyword = "SEQUENCE", .acl_type = OBJECT_SEQUENCE,
	  .has_owner = true, .has_comment = true, .can_rename = true, .can_move = true,
	  .loss = SD_DIFF_CERTAIN, .lost = "values that the sequence has given out",
	  .create = sd_ddl_create_sequence, .alter = sd_ddl_alter_sequence },
	{ "enum", .keyword = "TYPE", .acl_keyword = "TYPE", .acl_type = OBJECT_TYPE, .has_owner = true,
	  .has_comment = true, .can_rename = true, .can_move = true, .is_type = true,
	  .create = sd_ddl_create_enum, .alter = sd_ddl_alter_enum },
	{ .kind = NULL }
};
