/*
 * sd_effect_drop_other.c
 *	  Effects of statements that drop something without being a DropStmt:
 *	  what all databases share, subscriptions, user mappings and the parts of
 *	  operator families.
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_tablespace.h"
#include "catalog/pg_user_mapping.h"
#include "commands/dbcommands.h"
#include "commands/tablespace.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_effect.h"
#include "sd_try.h"

static void
drop_one(SdEffectContext *context, Oid class, Oid object)
{
	if (OidIsValid(object) && !sd_is_gone(context, class, object))
		sd_effect_drop(context, sd_address(NIL, class, object, 0));
}

void
sd_effect_drop_role(SdEffectContext *context, Node *statement)
{
	ListCell *cell;

	foreach (cell, ((DropRoleStmt *) statement)->roles)
		drop_one(context, AuthIdRelationId, get_rolespec_oid(lfirst_node(RoleSpec, cell), true));
}

void
sd_effect_drop_database(SdEffectContext *context, Node *statement)
{
	drop_one(context, DatabaseRelationId, get_database_oid(((DropdbStmt *) statement)->dbname, true));
}

void
sd_effect_drop_tablespace(SdEffectContext *context, Node *statement)
{
	DropTableSpaceStmt *stmt = (DropTableSpaceStmt *) statement;

	drop_one(context, TableSpaceRelationId, get_tablespace_oid(stmt->tablespacename, true));
}

void
sd_effect_drop_subscription(SdEffectContext *context, Node *statement)
{
	DropSubscriptionStmt *stmt = (DropSubscriptionStmt *) statement;

	drop_one(context, SubscriptionRelationId, get_subscription_oid(stmt->subname, true));
}

/* A user mapping is named by its user and its server, and has no name of its own. */
void
sd_effect_drop_mapping(SdEffectContext *context, Node *statement)
{
	DropUserMappingStmt *stmt = (DropUserMappingStmt *) statement;
	Oid server = get_foreign_server_oid(stmt->servername, true);
	Oid user = stmt->user->roletype == ROLESPEC_PUBLIC ? ACL_ID_PUBLIC :
														 get_rolespec_oid(stmt->user, true);

	if (!OidIsValid(server) || (!OidIsValid(user) && stmt->user->roletype != ROLESPEC_PUBLIC))
		return;
	drop_one(context, UserMappingRelationId,
			 GetSysCacheOid2(USERMAPPINGUSERSERVER, Anum_pg_user_mapping_oid,
							 ObjectIdGetDatum(user), ObjectIdGetDatum(server)));
}

/* A part of an operator family, and the family that it is sought in. */
typedef struct PartOfFamily
{
	Oid family;
	const CreateOpClassItem *item;
	Oid class;
	Oid part;
} PartOfFamily;

/* find_part finds a part by its number and its types, which may not be there. */
static void
find_part(void *arg)
{
	PartOfFamily *question = arg;
	List *types = question->item->class_args;
	Oid left = typenameTypeId(NULL, linitial_node(TypeName, types));
	Oid right = typenameTypeId(NULL, llast_node(TypeName, types));
	bool is_operator = question->item->itemtype == OPCLASS_ITEM_OPERATOR;

	question->class = is_operator ? AccessMethodOperatorRelationId : AccessMethodProcedureRelationId;
	question->part =
		is_operator ?
			GetSysCacheOid4(AMOPSTRATEGY, Anum_pg_amop_oid, ObjectIdGetDatum(question->family),
							ObjectIdGetDatum(left), ObjectIdGetDatum(right),
							Int16GetDatum(question->item->number)) :
			GetSysCacheOid4(AMPROCNUM, Anum_pg_amproc_oid, ObjectIdGetDatum(question->family),
							ObjectIdGetDatum(left), ObjectIdGetDatum(right),
							Int16GetDatum(question->item->number));
}

/* sd_effect_alter_opfamily reports what ALTER OPERATOR FAMILY ... DROP takes away. */
void
sd_effect_alter_opfamily(SdEffectContext *context, Node *statement)
{
	AlterOpFamilyStmt *stmt = (AlterOpFamilyStmt *) statement;
	List *name = lcons(makeString(stmt->amname), stmt->opfamilyname);
	PartOfFamily part = { sd_resolve(context, OBJECT_OPFAMILY, (Node *) name).objectId };
	ListCell *cell;

	if (!stmt->isDrop || !OidIsValid(part.family))
		return;
	foreach (cell, stmt->items)
	{
		part.item = lfirst_node(CreateOpClassItem, cell);
		if (sd_try(find_part, &part, NULL))
			drop_one(context, part.class, part.part);
	}
}
