/*
 * sd_effect_resolve.c
 *	  The object that a statement names, found without locking it.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_transform.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_ts_parser.h"
#include "catalog/pg_ts_template.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "commands/policy.h"
#include "commands/proclang.h"
#include "commands/publicationcmds.h"
#include "commands/trigger.h"
#include "foreign/foreign.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "parser/parse_oper.h"
#include "parser/parse_type.h"
#include "rewrite/rewriteSupport.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_effect.h"
#include "sd_predict.h"
#include "sd_try.h"

typedef struct Question
{
	SdEffectContext *context;
	ObjectType type;
	Node *object;
	Oid relation; /* what a trigger, rule, policy, constraint or column is of */
	ObjectAddress answer;
} Question;

/* ask_of_relation finds a part of a relation. */
static void
ask_of_relation(Question *question, const char *name)
{
	ObjectAddress *answer = &question->answer;

	switch (question->type)
	{
		case OBJECT_COLUMN:
			ObjectAddressSubSet(*answer, RelationRelationId, question->relation,
								get_attnum(question->relation, name));
			break;
		case OBJECT_TABCONSTRAINT:
			ObjectAddressSet(*answer, ConstraintRelationId,
							 get_relation_constraint_oid(question->relation, name, true));
			break;
		case OBJECT_TRIGGER:
			ObjectAddressSet(*answer, TriggerRelationId,
							 get_trigger_oid(question->relation, name, true));
			break;
		case OBJECT_RULE:
			ObjectAddressSet(*answer, RewriteRelationId,
							 get_rewrite_oid(question->relation, name, true));
			break;
		case OBJECT_POLICY:
			ObjectAddressSet(*answer, PolicyRelationId,
							 get_relation_policy_oid(question->relation, name, true));
			break;
		default:
			break;
	}
}

/* ask_by_list finds an object by a list of name parts. */
static void
ask_by_list(Question *question)
{
	ObjectAddress *answer = &question->answer;
	List *names = castNode(List, question->object);

	switch (question->type)
	{
		case OBJECT_COLLATION:
			ObjectAddressSet(*answer, CollationRelationId, get_collation_oid(names, true));
			break;
		case OBJECT_CONVERSION:
			ObjectAddressSet(*answer, ConversionRelationId, get_conversion_oid(names, true));
			break;
		case OBJECT_STATISTIC_EXT:
			ObjectAddressSet(*answer, StatisticExtRelationId, get_statistics_object_oid(names, true));
			break;
		case OBJECT_TSPARSER:
			ObjectAddressSet(*answer, TSParserRelationId, get_ts_parser_oid(names, true));
			break;
		case OBJECT_TSDICTIONARY:
			ObjectAddressSet(*answer, TSDictionaryRelationId, get_ts_dict_oid(names, true));
			break;
		case OBJECT_TSTEMPLATE:
			ObjectAddressSet(*answer, TSTemplateRelationId, get_ts_template_oid(names, true));
			break;
		case OBJECT_TSCONFIGURATION:
			ObjectAddressSet(*answer, TSConfigRelationId, get_ts_config_oid(names, true));
			break;
		case OBJECT_OPCLASS:
		{
			Oid method = get_am_oid(strVal(linitial(names)), true);

			if (OidIsValid(method))
				ObjectAddressSet(*answer, OperatorClassRelationId,
								 get_opclass_oid(method, list_copy_tail(names, 1), true));
			break;
		}
		case OBJECT_OPFAMILY:
		{
			Oid method = get_am_oid(strVal(linitial(names)), true);

			if (OidIsValid(method))
				ObjectAddressSet(*answer, OperatorFamilyRelationId,
								 get_opfamily_oid(method, list_copy_tail(names, 1), true));
			break;
		}
		default:
			break;
	}
}

/* ask finds an object that is no relation and no part of one; it may fail. */
static void
ask(void *arg)
{
	Question *question = arg;
	ObjectAddress *answer = &question->answer;
	Node *object = question->object;

	switch (question->type)
	{
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
		{
			TypeName *name = IsA(object, List) ? makeTypeNameFromNameList((List *) object) :
												 castNode(TypeName, object);
			Type type = LookupTypeName(NULL, name, NULL, true);

			ObjectAddressSet(*answer, TypeRelationId,
							 sd_renamed_type(question->context, name->names));
			if (OidIsValid(answer->objectId) && name->arrayBounds != NIL)
				answer->objectId = get_array_type(answer->objectId);
			if (type == NULL)
				break;
			if (!OidIsValid(answer->objectId) &&
				!sd_is_renamed(question->context, TypeRelationId, typeTypeId(type)))
				answer->objectId = typeTypeId(type);
			ReleaseSysCache(type);
			break;
		}
		case OBJECT_AGGREGATE:
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			ObjectAddressSet(*answer, ProcedureRelationId,
							 LookupFuncWithArgs(question->type, castNode(ObjectWithArgs, object),
												true));
			break;
		case OBJECT_OPERATOR:
			ObjectAddressSet(*answer, OperatorRelationId,
							 LookupOperWithArgs(castNode(ObjectWithArgs, object), true));
			break;
		case OBJECT_SCHEMA:
			ObjectAddressSet(*answer, NamespaceRelationId, LookupNamespaceNoError(strVal(object)));
			break;
		case OBJECT_EXTENSION:
			ObjectAddressSet(*answer, ExtensionRelationId, get_extension_oid(strVal(object), true));
			break;
		case OBJECT_FDW:
			ObjectAddressSet(*answer, ForeignDataWrapperRelationId,
							 get_foreign_data_wrapper_oid(strVal(object), true));
			break;
		case OBJECT_FOREIGN_SERVER:
			ObjectAddressSet(*answer, ForeignServerRelationId,
							 get_foreign_server_oid(strVal(object), true));
			break;
		case OBJECT_LANGUAGE:
			ObjectAddressSet(*answer, LanguageRelationId, get_language_oid(strVal(object), true));
			break;
		case OBJECT_ACCESS_METHOD:
			ObjectAddressSet(*answer, AccessMethodRelationId, get_am_oid(strVal(object), true));
			break;
		case OBJECT_EVENT_TRIGGER:
			ObjectAddressSet(*answer, EventTriggerRelationId,
							 get_event_trigger_oid(strVal(object), true));
			break;
		case OBJECT_PUBLICATION:
			ObjectAddressSet(*answer, PublicationRelationId,
							 get_publication_oid(strVal(object), true));
			break;
		case OBJECT_CAST:
		{
			List *types = castNode(List, object);
			Oid source = typenameTypeId(NULL, linitial_node(TypeName, types));
			Oid target = typenameTypeId(NULL, lsecond_node(TypeName, types));

			ObjectAddressSet(*answer, CastRelationId, get_cast_oid(source, target, true));
			break;
		}
		case OBJECT_TRANSFORM:
		{
			Oid type = typenameTypeId(NULL, linitial_node(TypeName, castNode(List, object)));
			Oid language = get_language_oid(strVal(lsecond(castNode(List, object))), true);

			ObjectAddressSet(*answer, TransformRelationId, get_transform_oid(type, language, true));
			break;
		}
		default:
			if (IsA(object, List))
				ask_by_list(question);
			break;
	}
}

ObjectAddress
sd_resolve(SdEffectContext *context, ObjectType type, Node *object)
{
	Question question = { context, type, object };
	SdRelation relation;
	List *names;

	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_INDEX:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_FOREIGN_TABLE:
			relation = sd_scope_relation_list(context->scope, castNode(List, object));
			if (sd_is_old(context, &relation))
				ObjectAddressSet(question.answer, RelationRelationId, relation.oid);
			break;
		case OBJECT_COLUMN:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			names = list_copy(castNode(List, object));
			if (list_length(names) < 2)
				break;
			relation =
				sd_scope_relation_list(context->scope, list_truncate(names, list_length(names) - 1));
			if (!sd_is_old(context, &relation))
				break;
			question.relation = relation.oid;
			ask_of_relation(&question, strVal(llast(castNode(List, object))));
			break;
		default:
			if (!sd_try(ask, &question, NULL))
				question.answer = InvalidObjectAddress;
			break;
	}
	if (OidIsValid(question.answer.objectId) &&
		sd_is_gone(context, question.answer.classId, question.answer.objectId))
		question.answer = InvalidObjectAddress;
	return question.answer;
}

Oid
sd_resolve_relation(SdEffectContext *context, ObjectType type, Node *object)
{
	SdRelation relation;
	List *names;

	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_INDEX:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_FOREIGN_TABLE:
			relation = sd_scope_relation_list(context->scope, castNode(List, object));
			break;
		case OBJECT_COLUMN:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			names = list_copy(castNode(List, object));
			if (list_length(names) < 2)
				return InvalidOid;
			relation =
				sd_scope_relation_list(context->scope, list_truncate(names, list_length(names) - 1));
			break;
		default:
			return InvalidOid;
	}
	return sd_is_old(context, &relation) ? relation.oid : InvalidOid;
}

void
sd_uses_type(SdEffectContext *context, const TypeName *name, LOCKMODE mode)
{
	Type type;
	Oid relation;

	/* serial is no type, and of the server's own types nobody locks a relation */
	if (name == NULL || name->names == NIL || (name->typmods == NIL && sd_is_plain_type(name)))
		return;
	type = LookupTypeName(NULL, name, NULL, true);
	if (type == NULL)
		return;
	relation = ((Form_pg_type) GETSTRUCT(type))->typrelid;
	ReleaseSysCache(type);
	sd_locks(context, relation, mode);
}
