/*
 * sd_effect_alter.c
 *	  Effects of ALTER TABLE and what is like it.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "commands/tablecmds.h"

#include "sd_compat.h"
#include "sd_effect.h"

void
sd_effect_alter_table(SdEffectContext *context, Node *statement)
{
	AlterTableStmt *stmt = (AlterTableStmt *) statement;

	(void) sd_locks_name(context, stmt->relation, AlterTableGetLockLevel(stmt->cmds));
}
