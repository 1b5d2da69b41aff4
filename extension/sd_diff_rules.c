/*
 * sd_diff_rules.c
 *	  What each change means, as one table.
 *
 * The first rule that fits decides.  Placeholders of the sentences:
 *
 *	  {thing}		member and object, or the object: column "c" of table "app.t"
 *	  {was}			the thing under its old name, of a rename or move
 *	  {object}		the object
 *	  {attribute}	what changed in the thing, in words
 *	  {is}			"is", or "are" when the object is many
 *	  {change} {follow}	the verb, "change" or "changes" as the attribute is many or one
 *	  {old} {new}	the values; a missing one reads "its default" or "nothing"
 *	  {key}			the last name of the path
 *	  {grantee} {granted} {revoked}	of a privilege
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_diff.h"

typedef struct SdDiffRule
{
	unsigned ops;		 /* any of these */
	SdDiffFacet facet;	 /* SD_DIFF_FACETS for any */
	const char *kinds;	 /* of the changed thing, separated by commas; NULL for any */
	const char *objects; /* kinds of the top-level object, likewise */
	const char *attribute; /* path in the thing, a trailing * for any rest, "" for the whole; NULL for any */
	bool (*when)(const SdDiffChange *change);
	SdDiffClass class;
	SdDiffSeverity severity;
	SdDiffLoss loss;
	const char *summary;
} SdDiffRule;

/* Value of an attribute of the member or object on the side where it stands. */
static bool
get_attribute(Jsonb *document, const char *first, const char *second, JsonbValue *value)
{
	if (document == NULL)
		return false;
	if (second == NULL)
		return sd_diff_get(&document->root, first, value);
	return sd_diff_get(sd_diff_find(document, first, NULL), second, value);
}

static bool
is_true(Jsonb *document, const char *first, const char *second)
{
	JsonbValue value;

	return get_attribute(document, first, second, &value) && value.type == jbvBool &&
		   value.val.boolean;
}

static bool
is_false(Jsonb *document, const char *first)
{
	JsonbValue value;

	return get_attribute(document, first, NULL, &value) && value.type == jbvBool &&
		   !value.val.boolean;
}

static bool
is_string(Jsonb *document, const char *key, const char *text)
{
	JsonbValue value;

	return get_attribute(document, key, NULL, &value) && value.type == jbvString &&
		   value.val.string.len == strlen(text) &&
		   memcmp(value.val.string.val, text, strlen(text)) == 0;
}

static bool
has(Jsonb *document, const char *first, const char *second)
{
	JsonbValue value;

	return get_attribute(document, first, second, &value);
}

static bool
gained(const SdDiffChange *change)
{
	return change->old == NULL && change->new != NULL;
}

static bool
lost(const SdDiffChange *change)
{
	return change->old != NULL && change->new == NULL;
}

static bool
needs_value(const SdDiffChange *change)
{
	return is_true(change->new, "not_null", NULL) && !has(change->new, "default", NULL) &&
		   !has(change->new, "generated", NULL) && !has(change->new, "identity", NULL);
}

static bool
is_computed(const SdDiffChange *change)
{
	return has(change->new, "generated", NULL) || has(change->new, "identity", NULL);
}

static SdDiffTypeChange
type_change(const SdDiffChange *change)
{
	char *old = sd_diff_jsonb_string(change->old);
	char *new = sd_diff_jsonb_string(change->new);

	/* only a sequence's type may stand at its default, and that is the wide one */
	return sd_diff_type_change(old ? old : "bigint", new ? new : "bigint");
}

static bool
type_is_free(const SdDiffChange *change)
{
	return type_change(change) == SD_DIFF_TYPE_FREE;
}

static bool
type_is_kept(const SdDiffChange *change)
{
	return type_change(change) != SD_DIFF_TYPE_LOSSY;
}

static bool
is_unvalidated(const SdDiffChange *change)
{
	return is_false(change->new, "validated");
}

static bool
was_key(const SdDiffChange *change)
{
	return is_string(change->old, "type", "primary key") || is_string(change->old, "type", "unique");
}

static bool
was_unique(const SdDiffChange *change)
{
	return is_true(change->old, "unique", NULL);
}

static bool
is_unique(const SdDiffChange *change)
{
	return is_true(change->new, "unique", NULL);
}

static bool
is_invalid(const SdDiffChange *change)
{
	return is_false(change->new, "valid");
}

/* The state of a trigger: anything that no longer fires for an ordinary session. */
static bool
is_switched_off(const SdDiffChange *change)
{
	char *state = sd_diff_jsonb_string(change->new);

	return state != NULL && (strcmp(state, "disabled") == 0 || strcmp(state, "replica") == 0);
}

static bool
is_restrictive(const SdDiffChange *change)
{
	return is_false(change->new, "permissive");
}

static bool
to_public(const SdDiffChange *change)
{
	return change->granted != NULL && strcmp(change->path[change->depth - 1], "PUBLIC") == 0;
}

static bool
passes_on(const SdDiffChange *change)
{
	return change->granted != NULL && strchr(change->granted, '*') != NULL;
}

static bool
is_revoked(const SdDiffChange *change)
{
	return change->granted == NULL;
}

/* An object that is born with rights for everyone which its kind does not have anyway. */
static bool
opens_to_public(const SdDiffChange *change)
{
	JsonbContainer *acl = sd_diff_find(change->new, "security", "acl");
	const char *kind = change->pair->kind;
	JsonbValue value;

	if (strcmp(kind, "default acl") == 0 ?
			strstr(change->pair->identity, " on functions") ||
				strstr(change->pair->identity, " on types") :
			strcmp(kind, "table") != 0 && strcmp(kind, "view") != 0 &&
				strcmp(kind, "materialized view") != 0 && strcmp(kind, "sequence") != 0 &&
				strcmp(kind, "foreign table") != 0 && strcmp(kind, "schema") != 0)
		return false;
	return sd_diff_get(acl, "PUBLIC", &value);
}

static bool
is_definer(const SdDiffChange *change)
{
	return is_true(change->new, "security", "security_definer");
}

/* Who calls such a function decides by search_path what the names in it mean. */
static bool
is_open_definer(const SdDiffChange *change)
{
	JsonbValue value;

	return is_definer(change) &&
		   !sd_diff_get(sd_diff_find(change->new, "core", "config"), "search_path", &value);
}

static bool
opens_definer(const SdDiffChange *change)
{
	return lost(change) && is_true(change->pair->new->definition, "security", "security_definer");
}

/* Without these default privileges everyone may use what is made from now on, as is built in. */
static bool
reopens_to_public(const SdDiffChange *change)
{
	const char *identity = change->pair->identity;
	JsonbValue value;

	return strstr(identity, " in schema ") == NULL &&
		   (strstr(identity, " on functions") || strstr(identity, " on types")) &&
		   !sd_diff_get(sd_diff_find(change->old, "security", "acl"), "PUBLIC", &value);
}

static bool
is_for_public(const SdDiffChange *change)
{
	return strncmp(change->pair->identity, "for PUBLIC ", strlen("for PUBLIC ")) == 0;
}

static bool
is_loosened(const SdDiffChange *change)
{
	return sd_diff_policy_direction(change) == SD_DIFF_WIDER;
}

static bool
is_tightened(const SdDiffChange *change)
{
	return sd_diff_policy_direction(change) == SD_DIFF_NARROWER;
}

static bool
was_restrictive(const SdDiffChange *change)
{
	return is_false(change->old, "permissive");
}

/* Whoever owns these lends his rights to every caller. */
static bool
lends_rights(const SdDiffChange *change)
{
	return strcmp(change->pair->kind, "view") == 0 ||
		   is_true(change->pair->new->definition, "security", "security_definer");
}

static bool
is_to_superuser(const SdDiffChange *change)
{
	return change->to_superuser;
}

/* A boolean option in text form that is on no longer. */
static bool
is_off_now(const SdDiffChange *change)
{
	char *value = sd_diff_jsonb_string(change->new);

	return value == NULL || strcmp(value, "false") == 0 || strcmp(value, "off") == 0 ||
		   strcmp(value, "0") == 0;
}

/* A view whose columns are the same is replaced without its users noticing. */
static bool
columns_are_same(const SdDiffChange *change)
{
	JsonbContainer *old = sd_diff_find(change->pair->old->definition, "core", "columns");
	JsonbContainer *new = sd_diff_find(change->pair->new->definition, "core", "columns");

	if (old == NULL || new == NULL)
		return false;
	return compareJsonbContainers(old, new) == 0;
}

/* Rows were counted before and none are there after the storage was replaced. */
static bool
seems_emptied(const SdDiffChange *change)
{
	return (change->pair->old->rows > 0 && change->pair->new->rows <= 0) ||
		   (change->pair->old->populated && !change->pair->new->populated);
}

static bool
to_unlogged(const SdDiffChange *change)
{
	char *value = sd_diff_jsonb_string(change->new);

	return value != NULL && strcmp(value, "unlogged") == 0;
}

static bool
is_boolean(Jsonb *value, bool *truth)
{
	JsonbValue scalar;

	if (value == NULL || !JB_ROOT_IS_SCALAR(value) || !JsonbExtractScalar(&value->root, &scalar) ||
		scalar.type != jbvBool)
		return false;
	*truth = scalar.val.boolean;
	return true;
}

/* A boolean is written only where it is not at its default. */
static bool
becomes_true(const SdDiffChange *change)
{
	bool truth;

	if (is_boolean(change->new, &truth))
		return truth;
	return is_boolean(change->old, &truth) && !truth;
}

static bool
becomes_false(const SdDiffChange *change)
{
	bool truth;

	if (is_boolean(change->new, &truth))
		return !truth;
	return is_boolean(change->old, &truth) && truth;
}

/* A membership as a whole, not an option of it. */
static bool
joins(const SdDiffChange *change)
{
	return change->depth == 2 && gained(change);
}

static bool
leaves(const SdDiffChange *change)
{
	return change->depth == 2 && lost(change);
}

static bool
is_superuser(const SdDiffChange *change)
{
	return is_true(change->new, "environment", "superuser");
}

/* An attribute of a role by which it passes checks that others do not. */
static bool
gains_power(const SdDiffChange *change)
{
	static const char *const powers[] = { "superuser", "bypassrls", "createrole", "replication",
										  "admin" };

	for (int i = 0; i < lengthof(powers); i++)
		if (strcmp(change->path[change->depth - 1], powers[i]) == 0)
			return becomes_true(change);
	return false;
}

#define ANY		 SD_DIFF_FACETS
#define ROUTINES "function,procedure,aggregate"

static const SdDiffRule rules[] = {
	/* what was not read may be anything */
	{ SD_DIFF_UNREAD, ANY, NULL, NULL, NULL, NULL, SD_DIFF_REAL, SD_DIFF_CAUTION, SD_DIFF_POSSIBLE,
	  "Whether {thing} changed is not known: it was not read. {unread}" },
	/* what surrounds the schema */
	{ SD_DIFF_ANY_OP, SD_DIFF_ENVIRONMENT, "privilege", NULL, NULL, to_public, SD_DIFF_SURROUNDINGS,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "PUBLIC is granted {granted} on {thing}." },
	{ SD_DIFF_ANY_OP, SD_DIFF_ENVIRONMENT, "privilege", NULL, NULL, is_revoked, SD_DIFF_SURROUNDINGS,
	  SD_DIFF_BREAKING, SD_DIFF_NONE, "{grantee} is revoked {revoked} on {thing}." },
	{ SD_DIFF_ANY_OP, SD_DIFF_ENVIRONMENT, "privilege", NULL, NULL, NULL, SD_DIFF_SURROUNDINGS,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "{grantee} is granted {granted} on {thing}." },
	{ SD_DIFF_RECREATE, SD_DIFF_ENVIRONMENT, NULL, NULL, "", NULL, SD_DIFF_PHYSICAL, SD_DIFF_INFO,
	  SD_DIFF_NONE, "{thing} is dropped and created again." },
	{ SD_DIFF_ADD, SD_DIFF_ENVIRONMENT, "parameter", NULL, "", NULL, SD_DIFF_SURROUNDINGS,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{thing} may be set by others than superusers." },
	{ SD_DIFF_ADD, SD_DIFF_ENVIRONMENT, "role", NULL, "", is_superuser, SD_DIFF_SURROUNDINGS,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{thing} is added and may do everything." },
	{ SD_DIFF_ADD, SD_DIFF_ENVIRONMENT, NULL, NULL, "", NULL, SD_DIFF_SURROUNDINGS,
	  SD_DIFF_ADDITIVE, SD_DIFF_NONE, "{thing} is added." },
	{ SD_DIFF_DROP, SD_DIFF_ENVIRONMENT, NULL, NULL, "", NULL, SD_DIFF_SURROUNDINGS,
	  SD_DIFF_BREAKING, SD_DIFF_NONE, "{thing} is dropped." },
	{ SD_DIFF_RENAME, SD_DIFF_ENVIRONMENT, NULL, NULL, "", NULL, SD_DIFF_SURROUNDINGS,
	  SD_DIFF_BREAKING, SD_DIFF_NONE, "{was} is renamed to {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_ENVIRONMENT, "role", NULL, NULL, gains_power, SD_DIFF_SURROUNDINGS,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{thing} has {attribute} now." },
	{ SD_DIFF_ALTER, SD_DIFF_ENVIRONMENT, "role", NULL, "member_of.*", joins, SD_DIFF_SURROUNDINGS,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{thing} is a member of {key} now." },
	{ SD_DIFF_ALTER, SD_DIFF_ENVIRONMENT, "role", NULL, "member_of.*", leaves, SD_DIFF_SURROUNDINGS,
	  SD_DIFF_BREAKING, SD_DIFF_NONE, "{thing} is not a member of {key} any more." },
	{ SD_DIFF_ALTER, SD_DIFF_ENVIRONMENT, NULL, NULL, "settings.*", NULL, SD_DIFF_SURROUNDINGS,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "Setting {key} of {thing} changes from {old} to {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_ENVIRONMENT, "role", NULL, NULL, becomes_true, SD_DIFF_SURROUNDINGS,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "{thing} has {attribute} now." },
	{ SD_DIFF_ALTER, SD_DIFF_ENVIRONMENT, "role", NULL, NULL, becomes_false, SD_DIFF_SURROUNDINGS,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "{thing} has {attribute} no longer." },
	{ SD_DIFF_ANY_OP, SD_DIFF_ENVIRONMENT, NULL, NULL, NULL, NULL, SD_DIFF_SURROUNDINGS,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "The {attribute} of {thing} {change} from {old} to {new}." },

	/* comments and order, whatever they are on */
	{ SD_DIFF_ANY_OP, SD_DIFF_COMMENT, NULL, NULL, NULL, gained, SD_DIFF_COSMETIC, SD_DIFF_INFO,
	  SD_DIFF_NONE, "A comment is set on {thing}." },
	{ SD_DIFF_ANY_OP, SD_DIFF_COMMENT, NULL, NULL, NULL, lost, SD_DIFF_COSMETIC, SD_DIFF_INFO,
	  SD_DIFF_NONE, "The comment on {thing} is removed." },
	{ SD_DIFF_ANY_OP, SD_DIFF_COMMENT, NULL, NULL, NULL, NULL, SD_DIFF_COSMETIC, SD_DIFF_INFO,
	  SD_DIFF_NONE, "The comment on {thing} changes." },
	{ SD_DIFF_REORDER, SD_DIFF_ORDER, NULL, NULL, NULL, NULL, SD_DIFF_COLUMN_ORDER, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "The columns of {object} stand in another order." },

	/* privileges on what the server or an extension brought along */
	{ SD_DIFF_ADD, ANY, "privileges", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_SECURITY_RISK,
	  SD_DIFF_NONE, "{thing} are not what it came with any more." },
	{ SD_DIFF_DROP, ANY, "privileges", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_CAUTION, SD_DIFF_NONE,
	  "{thing} are what it came with again." },

	/* whole objects that appear */
	{ SD_DIFF_ADD, ANY, ROUTINES, NULL, "", is_open_definer, SD_DIFF_REAL, SD_DIFF_SECURITY_RISK,
	  SD_DIFF_NONE,
	  "{thing} is added, runs with the rights of its owner and leaves search_path to its caller." },
	{ SD_DIFF_ADD, ANY, "user mapping", NULL, "", is_for_public, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{thing} is added and serves everyone." },
	{ SD_DIFF_ADD, ANY, ROUTINES, NULL, "", is_definer, SD_DIFF_REAL, SD_DIFF_SECURITY_RISK,
	  SD_DIFF_NONE, "{thing} is added and runs with the rights of its owner." },
	{ SD_DIFF_ADD, ANY, NULL, NULL, "", opens_to_public, SD_DIFF_REAL, SD_DIFF_SECURITY_RISK,
	  SD_DIFF_NONE, "{thing} {is} added with privileges for PUBLIC." },
	{ SD_DIFF_ADD, ANY, "event trigger,default acl", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "{thing} {is} added." },

	/* whole objects that go */
	{ SD_DIFF_DROP, ANY, "table", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_DESTRUCTIVE,
	  SD_DIFF_CERTAIN, "{thing} is dropped and its rows are lost." },
	{ SD_DIFF_DROP, ANY, "materialized view", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_DESTRUCTIVE,
	  SD_DIFF_CERTAIN, "{thing} is dropped and its stored rows are lost." },
	{ SD_DIFF_DROP, ANY, "sequence", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_DESTRUCTIVE,
	  SD_DIFF_CERTAIN, "{thing} is dropped and its position is lost." },
	{ SD_DIFF_DROP, ANY, "extension", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_BREAKING,
	  SD_DIFF_POSSIBLE, "{thing} is dropped with everything that belongs to it." },
	{ SD_DIFF_DROP, ANY, "event trigger", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_SECURITY_RISK,
	  SD_DIFF_NONE, "{thing} is dropped and no longer watches." },
	{ SD_DIFF_DROP, ANY, "default acl", NULL, "", reopens_to_public, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE,
	  "{thing} {is} dropped, and PUBLIC has the built-in rights on what is made from now on." },
	{ SD_DIFF_DROP, ANY, "default acl,statistics", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "{thing} {is} dropped." },

	/* whole objects that are the same under another name, or not the same under one name */
	{ SD_DIFF_RENAME, ANY, "default acl,statistics", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_INFO,
	  SD_DIFF_NONE, "{was} {is} renamed to {new}." },
	{ SD_DIFF_RENAME, SD_DIFF_CORE, "constraint,index,trigger,rule", NULL, "", NULL, SD_DIFF_REAL,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "{was} is renamed to {new}." },
	{ SD_DIFF_RENAME, SD_DIFF_SECURITY, "policy", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_INFO,
	  SD_DIFF_NONE, "{was} is renamed to {new}." },
	{ SD_DIFF_MOVE, ANY, NULL, NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_BREAKING, SD_DIFF_NONE,
	  "{was} is moved to another schema as {new}." },
	{ SD_DIFF_RECREATE, ANY, "table", NULL, "", NULL, SD_DIFF_PHYSICAL, SD_DIFF_DESTRUCTIVE,
	  SD_DIFF_CERTAIN, "{thing} was dropped and created anew, the rows it had are lost." },
	{ SD_DIFF_RECREATE, ANY, "sequence", NULL, "", NULL, SD_DIFF_PHYSICAL, SD_DIFF_DESTRUCTIVE,
	  SD_DIFF_CERTAIN, "{thing} was dropped and created anew, its position is lost." },
	{ SD_DIFF_RECREATE, ANY, "materialized view", NULL, "", NULL, SD_DIFF_PHYSICAL, SD_DIFF_CAUTION,
	  SD_DIFF_POSSIBLE, "{thing} was dropped and created anew, its stored rows are as of now." },
	{ SD_DIFF_RECREATE, ANY, "column", "table", "", NULL, SD_DIFF_PHYSICAL, SD_DIFF_DESTRUCTIVE,
	  SD_DIFF_CERTAIN, "{thing} was dropped and added anew, the values it had are lost." },
	{ SD_DIFF_RECREATE, ANY, "attribute", NULL, "", NULL, SD_DIFF_PHYSICAL, SD_DIFF_DESTRUCTIVE,
	  SD_DIFF_POSSIBLE, "{thing} was removed and added anew, the values it had are lost." },
	{ SD_DIFF_RECREATE, ANY, NULL, NULL, "", NULL, SD_DIFF_PHYSICAL, SD_DIFF_INFO, SD_DIFF_NONE,
	  "{thing} was dropped and created anew." },
	{ SD_DIFF_REWRITE, ANY, NULL, NULL, "", seems_emptied, SD_DIFF_PHYSICAL, SD_DIFF_CAUTION,
	  SD_DIFF_POSSIBLE, "{thing} has new storage and seems to have been emptied." },
	{ SD_DIFF_REWRITE, ANY, NULL, NULL, "", NULL, SD_DIFF_PHYSICAL, SD_DIFF_INFO, SD_DIFF_NONE,
	  "{thing} was rewritten." },

	/* columns */
	{ SD_DIFF_ADD, SD_DIFF_CORE, "column", "table", "", needs_value, SD_DIFF_REAL, SD_DIFF_BREAKING,
	  SD_DIFF_NONE, "{thing} is added, takes no nulls and has no default." },
	{ SD_DIFF_ADD, SD_DIFF_CORE, "column", "table", "", is_computed, SD_DIFF_REAL, SD_DIFF_LOCKING,
	  SD_DIFF_NONE, "{thing} is added and computed for every row." },
	{ SD_DIFF_DROP, SD_DIFF_CORE, "column", "table", "", NULL, SD_DIFF_REAL, SD_DIFF_DESTRUCTIVE,
	  SD_DIFF_CERTAIN, "{thing} is dropped and its values are lost." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column", "table", "type", type_is_free, SD_DIFF_REAL,
	  SD_DIFF_CAUTION, SD_DIFF_NONE,
	  "{thing} changes its type from {old} to {new}, which holds every value." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column", "table", "type", type_is_kept, SD_DIFF_REAL,
	  SD_DIFF_LOCKING, SD_DIFF_NONE,
	  "{thing} changes its type from {old} to {new} and is rewritten." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column,attribute", "table,composite type", "type", NULL,
	  SD_DIFF_REAL, SD_DIFF_BREAKING, SD_DIFF_POSSIBLE,
	  "{thing} changes its type from {old} to {new}, which may not hold every value." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column", NULL, "type", NULL, SD_DIFF_REAL, SD_DIFF_BREAKING,
	  SD_DIFF_NONE, "{thing} changes its type from {old} to {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column,domain", NULL, "not_null", gained, SD_DIFF_REAL,
	  SD_DIFF_BREAKING, SD_DIFF_NONE, "{thing} takes no nulls any more." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column,domain", NULL, "not_null", NULL, SD_DIFF_REAL,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "{thing} takes nulls now." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column,domain", NULL, "default", gained, SD_DIFF_REAL,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "{thing} gets the default {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column,domain", NULL, "default", lost, SD_DIFF_REAL,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "{thing} loses the default {old}." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column", NULL, "generated", lost, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "{thing} is no longer generated." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column", NULL, "generated*", NULL, SD_DIFF_REAL,
	  SD_DIFF_BREAKING, SD_DIFF_POSSIBLE, "{thing} is generated from {new} instead of {old}." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column", NULL, "identity", gained, SD_DIFF_REAL,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "{thing} becomes an identity column." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column", NULL, "identity", lost, SD_DIFF_REAL, SD_DIFF_BREAKING,
	  SD_DIFF_CERTAIN,
	  "{thing} is no longer an identity column and the position of its sequence is lost." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column", NULL, "collation", NULL, SD_DIFF_REAL, SD_DIFF_LOCKING,
	  SD_DIFF_NONE, "{thing} changes its collation from {old} to {new}." },

	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column", NULL, "inherited", becomes_true, SD_DIFF_REAL,
	  SD_DIFF_INFO, SD_DIFF_NONE, "{thing} is inherited now." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column", NULL, "inherited", NULL, SD_DIFF_REAL, SD_DIFF_INFO,
	  SD_DIFF_NONE, "{thing} is not inherited any more." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column", NULL, "local", becomes_true, SD_DIFF_REAL,
	  SD_DIFF_INFO, SD_DIFF_NONE, "{thing} is defined locally too." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column", NULL, "local", NULL, SD_DIFF_REAL, SD_DIFF_INFO,
	  SD_DIFF_NONE, "{thing} is not defined locally any more." },

	/* constraints */
	{ SD_DIFF_ADD, SD_DIFF_CORE, "constraint", NULL, "", is_unvalidated, SD_DIFF_REAL,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "{thing} is added without a check of the rows that are there." },
	{ SD_DIFF_ADD, SD_DIFF_CORE, "constraint", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_LOCKING,
	  SD_DIFF_NONE, "{thing} is added and holds for every row." },
	{ SD_DIFF_DROP, SD_DIFF_CORE, "constraint", NULL, "", was_key, SD_DIFF_REAL, SD_DIFF_BREAKING,
	  SD_DIFF_NONE, "{thing} is dropped and rows may repeat." },
	{ SD_DIFF_DROP, SD_DIFF_CORE, "constraint", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "{thing} is dropped." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "constraint", NULL, "validated", lost, SD_DIFF_REAL,
	  SD_DIFF_INFO, SD_DIFF_NONE, "{thing} is validated." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "constraint", NULL, "validated", NULL, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{thing} is not validated any more." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "constraint", NULL, "enforced", becomes_false, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{thing} is not enforced any more." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "constraint", NULL, "enforced", NULL, SD_DIFF_REAL,
	  SD_DIFF_LOCKING, SD_DIFF_NONE, "{thing} is enforced now." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "constraint", NULL, "triggers", is_switched_off, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{thing} is not enforced, its triggers are {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "constraint", NULL, "definition", NULL, SD_DIFF_REAL,
	  SD_DIFF_BREAKING, SD_DIFF_NONE, "{thing} changes from {old} to {new}." },

	/* indexes */
	{ SD_DIFF_ADD, SD_DIFF_CORE, "index", NULL, "", is_invalid, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "{thing} is added but not valid." },
	{ SD_DIFF_ADD, SD_DIFF_CORE, "index", NULL, "", is_unique, SD_DIFF_REAL, SD_DIFF_LOCKING,
	  SD_DIFF_NONE, "{thing} is added and no two rows may be alike in it." },
	{ SD_DIFF_DROP, SD_DIFF_CORE, "index", NULL, "", was_unique, SD_DIFF_REAL, SD_DIFF_BREAKING,
	  SD_DIFF_NONE, "{thing} is dropped and rows may repeat." },
	{ SD_DIFF_DROP, SD_DIFF_CORE, "index", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "{thing} is dropped and queries may be slower." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "index", NULL, "valid", lost, SD_DIFF_REAL, SD_DIFF_INFO,
	  SD_DIFF_NONE, "{thing} is valid now." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "index", NULL, "valid", NULL, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{thing} is not valid any more." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "index", NULL, "unique", gained, SD_DIFF_REAL, SD_DIFF_LOCKING,
	  SD_DIFF_NONE, "{thing} is unique now." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "index", NULL, "unique", NULL, SD_DIFF_REAL, SD_DIFF_BREAKING,
	  SD_DIFF_NONE, "{thing} is not unique any more." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "index", NULL, "definition", NULL, SD_DIFF_REAL, SD_DIFF_LOCKING,
	  SD_DIFF_NONE, "{thing} changes from {old} to {new}." },

	/* triggers and rules */
	{ SD_DIFF_ADD, SD_DIFF_CORE, "trigger,rule", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "{thing} is added." },
	{ SD_DIFF_DROP, SD_DIFF_CORE, "trigger", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_SECURITY_RISK,
	  SD_DIFF_NONE, "{thing} is dropped and no longer fires." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "trigger,event trigger,rule", NULL, "enabled", is_switched_off,
	  SD_DIFF_REAL, SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{thing} is switched from {old} to {new}." },

	{ SD_DIFF_ALTER, SD_DIFF_CORE, "trigger,event trigger,rule", NULL, "enabled", NULL,
	  SD_DIFF_REAL, SD_DIFF_CAUTION, SD_DIFF_NONE, "{thing} is switched from {old} to {new}." },

	/* row security */
	{ SD_DIFF_ADD, SD_DIFF_SECURITY, "policy", NULL, "", is_restrictive, SD_DIFF_REAL,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "{thing} is added and restricts." },
	{ SD_DIFF_ADD, SD_DIFF_SECURITY, "policy", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_SECURITY_RISK,
	  SD_DIFF_NONE, "{thing} is added and permits more rows." },
	{ SD_DIFF_DROP, SD_DIFF_SECURITY, "policy", NULL, "", was_restrictive, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{thing} is dropped and no longer restricts." },
	{ SD_DIFF_DROP, SD_DIFF_SECURITY, "policy", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_SECURITY_RISK,
	  SD_DIFF_NONE, "{thing} is dropped." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, "policy", NULL, "permissive", is_loosened, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE,
	  "{thing} is loosened: it permits rows now instead of restricting them." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, "policy", NULL, "permissive", NULL, SD_DIFF_REAL,
	  SD_DIFF_BREAKING, SD_DIFF_NONE,
	  "{thing} is tightened: it restricts rows now instead of permitting them." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, "policy", NULL, NULL, is_loosened, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE,
	  "{thing} is loosened: its {attribute} {change} from {old} to {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, "policy", NULL, NULL, is_tightened, SD_DIFF_REAL,
	  SD_DIFF_BREAKING, SD_DIFF_NONE,
	  "{thing} is tightened: its {attribute} {change} from {old} to {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, "policy", NULL, NULL, NULL, SD_DIFF_REAL, SD_DIFF_SECURITY_RISK,
	  SD_DIFF_NONE, "{thing} may be loosened: its {attribute} {change} from {old} to {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, "table", NULL, "rls", gained, SD_DIFF_REAL, SD_DIFF_BREAKING,
	  SD_DIFF_NONE, "Row security is switched on for {thing}." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, "table", NULL, "rls", NULL, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "Row security is switched off for {thing}." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, "table", NULL, "force_rls", gained, SD_DIFF_REAL,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "Row security binds the owner of {thing} too." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, "table", NULL, "force_rls", NULL, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "Row security no longer binds the owner of {thing}." },

	/* whose rights are used */
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, NULL, NULL, "security_definer", gained, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{thing} runs with the rights of its owner now." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, NULL, NULL, "security_definer", NULL, SD_DIFF_REAL,
	  SD_DIFF_BREAKING, SD_DIFF_NONE, "{thing} runs with the rights of its caller now." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, NULL, NULL, "security_invoker", is_off_now, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{thing} reads with the rights of its owner now." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, NULL, NULL, "security_invoker", NULL, SD_DIFF_REAL,
	  SD_DIFF_BREAKING, SD_DIFF_NONE, "{thing} reads with the rights of its caller now." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, NULL, NULL, "security_barrier", is_off_now, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{thing} is no longer a security barrier." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, NULL, NULL, "security_barrier", NULL, SD_DIFF_REAL,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "{thing} is a security barrier now." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, NULL, NULL, "leakproof", gained, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{thing} is trusted to be leakproof now." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, NULL, NULL, "leakproof", lost, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "{thing} is no longer trusted to be leakproof." },
	{ SD_DIFF_ANY_OP, SD_DIFF_SECURITY, "privilege", NULL, NULL, to_public, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "PUBLIC is granted {granted} on {thing}." },
	{ SD_DIFF_ADD, SD_DIFF_SECURITY, "privilege", NULL, NULL, passes_on, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE, "{grantee} is granted {granted} on {thing}." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, "privilege", NULL, NULL, passes_on, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE,
	  "{grantee} is granted {granted} and revoked {revoked} on {thing}." },
	{ SD_DIFF_ANY_OP, SD_DIFF_SECURITY, "privilege", NULL, NULL, is_revoked, SD_DIFF_REAL,
	  SD_DIFF_BREAKING, SD_DIFF_NONE, "{grantee} is revoked {revoked} on {thing}." },
	{ SD_DIFF_ADD, SD_DIFF_SECURITY, "privilege", NULL, NULL, NULL, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "{grantee} is granted {granted} on {thing}." },
	{ SD_DIFF_ALTER, SD_DIFF_SECURITY, "privilege", NULL, NULL, NULL, SD_DIFF_REAL, SD_DIFF_BREAKING,
	  SD_DIFF_NONE, "{grantee} is granted {granted} and revoked {revoked} on {thing}." },
	{ SD_DIFF_ANY_OP, SD_DIFF_SECURITY, NULL, NULL, NULL, NULL, SD_DIFF_REAL, SD_DIFF_SECURITY_RISK,
	  SD_DIFF_NONE, "The {attribute} of {thing} {change} from {old} to {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_OWNER, NULL, NULL, NULL, is_to_superuser, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE,
	  "{thing} is owned by the superuser {new} instead of {old}." },
	{ SD_DIFF_ALTER, SD_DIFF_OWNER, NULL, NULL, NULL, lends_rights, SD_DIFF_REAL,
	  SD_DIFF_SECURITY_RISK, SD_DIFF_NONE,
	  "{thing} is owned by {new} instead of {old} and uses the rights of its owner." },
	{ SD_DIFF_ALTER, SD_DIFF_OWNER, NULL, NULL, NULL, NULL, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "{thing} is owned by {new} instead of {old}." },

	/* types */
	{ SD_DIFF_ADD, SD_DIFF_CORE, "label,attribute", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "{thing} is added." },
	{ SD_DIFF_DROP, SD_DIFF_CORE, "label,attribute", NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_BREAKING,
	  SD_DIFF_POSSIBLE, "{thing} is removed, with the values that use it." },
	{ SD_DIFF_REORDER, SD_DIFF_CORE, NULL, NULL, NULL, NULL, SD_DIFF_REAL, SD_DIFF_BREAKING,
	  SD_DIFF_NONE, "The {attribute} of {thing} stand in another order." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "domain", NULL, "base", type_is_kept, SD_DIFF_REAL,
	  SD_DIFF_LOCKING, SD_DIFF_NONE, "{thing} is based on {new} instead of {old}." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "domain", NULL, "base", NULL, SD_DIFF_REAL, SD_DIFF_BREAKING,
	  SD_DIFF_POSSIBLE,
	  "{thing} is based on {new} instead of {old}, which may not hold every value." },

	/* the rest of tables, views, sequences, routines */
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "table,materialized view,sequence", NULL, "persistence",
	  to_unlogged, SD_DIFF_REAL, SD_DIFF_CAUTION, SD_DIFF_POSSIBLE,
	  "{thing} is unlogged now and empty after a crash." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, NULL, NULL, "persistence", NULL, SD_DIFF_REAL, SD_DIFF_LOCKING,
	  SD_DIFF_NONE, "{thing} is logged now." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "table", NULL, "partition_of", lost, SD_DIFF_REAL,
	  SD_DIFF_BREAKING, SD_DIFF_NONE, "{thing} is detached from {old}." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "table", NULL, "partition_of", NULL, SD_DIFF_REAL,
	  SD_DIFF_BREAKING, SD_DIFF_NONE, "{thing} is attached to {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "view,materialized view", NULL, "definition", columns_are_same,
	  SD_DIFF_REAL, SD_DIFF_CAUTION, SD_DIFF_NONE, "{thing} has another query and the same columns." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "view,materialized view", NULL, "definition", NULL, SD_DIFF_REAL,
	  SD_DIFF_BREAKING, SD_DIFF_NONE, "{thing} has another query and other columns." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "sequence", NULL, "type", type_is_kept, SD_DIFF_REAL,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "{thing} changes its type from {old} to {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "sequence", NULL, "type", NULL, SD_DIFF_REAL, SD_DIFF_BREAKING,
	  SD_DIFF_NONE, "{thing} changes its type from {old} to {new} and ends sooner." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, ROUTINES, NULL, "config.search_path", opens_definer,
	  SD_DIFF_REAL, SD_DIFF_SECURITY_RISK, SD_DIFF_NONE,
	  "{thing} runs with the rights of its owner and leaves search_path to its caller now." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, ROUTINES, NULL, "config.*", NULL, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "Setting {key} of {thing} changes from {old} to {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, ROUTINES, NULL, "body", NULL, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "{thing} has another body." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, ROUTINES, NULL, "returns", NULL, SD_DIFF_REAL, SD_DIFF_BREAKING,
	  SD_DIFF_NONE, "{thing} returns {new} instead of {old}." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, ROUTINES, NULL, "arguments", NULL, SD_DIFF_REAL,
	  SD_DIFF_BREAKING, SD_DIFF_NONE, "{thing} has other names or defaults of arguments." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "foreign table", NULL, "options.*", NULL, SD_DIFF_REAL,
	  SD_DIFF_BREAKING, SD_DIFF_NONE, "Option {key} of {thing} changes from {old} to {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "table,foreign table,extension,range,type", NULL, NULL, NULL,
	  SD_DIFF_REAL, SD_DIFF_BREAKING, SD_DIFF_NONE,
	  "The {attribute} of {thing} {change} from {old} to {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_VERSION, NULL, NULL, NULL, NULL, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "The {attribute} of {thing} {change} from {old} to {new}." },

	/* storage */
	{ SD_DIFF_ALTER, SD_DIFF_STORAGE, NULL, NULL, "tablespace", NULL, SD_DIFF_REAL, SD_DIFF_LOCKING,
	  SD_DIFF_NONE, "{thing} is kept in tablespace {new} instead of {old}." },
	{ SD_DIFF_ALTER, SD_DIFF_STORAGE, NULL, NULL, "access_method", NULL, SD_DIFF_REAL,
	  SD_DIFF_LOCKING, SD_DIFF_NONE, "{thing} is kept by access method {new} instead of {old}." },
	{ SD_DIFF_ALTER, SD_DIFF_STORAGE, "table", NULL, "replica_identity", NULL, SD_DIFF_REAL,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "The {attribute} of {thing} {change} from {old} to {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_STORAGE, NULL, NULL, "options.*", NULL, SD_DIFF_REAL, SD_DIFF_INFO,
	  SD_DIFF_NONE, "Option {key} of {thing} changes from {old} to {new}." },
	{ SD_DIFF_ALTER, SD_DIFF_STORAGE, NULL, NULL, NULL, NULL, SD_DIFF_REAL, SD_DIFF_INFO,
	  SD_DIFF_NONE, "The {attribute} of {thing} {change} from {old} to {new}." },

	/* publications and foreign options */
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "publication", NULL, "tables.*", gained, SD_DIFF_REAL,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "{thing} publishes table {key} now." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "publication", NULL, "tables.*", lost, SD_DIFF_REAL,
	  SD_DIFF_CAUTION, SD_DIFF_NONE, "{thing} does not publish table {key} any more." },
	{ SD_DIFF_ALTER, SD_DIFF_CORE, "column", NULL, "options.*", NULL, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "Option {key} of {thing} changes from {old} to {new}." },

	/* everything else */
	{ SD_DIFF_ADD, ANY, NULL, NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_ADDITIVE, SD_DIFF_NONE,
	  "{thing} is added." },
	{ SD_DIFF_DROP, ANY, NULL, NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_BREAKING, SD_DIFF_NONE,
	  "{thing} is dropped." },
	{ SD_DIFF_RENAME, ANY, NULL, NULL, "", NULL, SD_DIFF_REAL, SD_DIFF_BREAKING, SD_DIFF_NONE,
	  "{was} is renamed to {new}." },
	{ SD_DIFF_ALTER, ANY, NULL, NULL, NULL, becomes_true, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "{thing} is {attribute} now." },
	{ SD_DIFF_ALTER, ANY, NULL, NULL, NULL, becomes_false, SD_DIFF_REAL, SD_DIFF_CAUTION,
	  SD_DIFF_NONE, "{thing} is not {attribute} any more." },
	{ SD_DIFF_ANY_OP, ANY, NULL, NULL, NULL, NULL, SD_DIFF_REAL, SD_DIFF_CAUTION, SD_DIFF_NONE,
	  "The {attribute} of {thing} {change} from {old} to {new}." },
};

/* Kinds in an order in which each mostly needs only those before it. */
static const char *const kind_order[] = {
	"role",
	"role setting",
	"tablespace",
	"database",
	"parameter",
	"large objects",
	"schema",
	"extension",
	"language",
	"access method",
	"foreign data wrapper",
	"server",
	"user mapping",
	"collation",
	"conversion",
	"text search parser",
	"text search template",
	"text search dictionary",
	"text search configuration",
	"enum",
	"type",
	"composite type",
	"range",
	"domain",
	"sequence",
	"function",
	"procedure",
	"aggregate",
	"cast",
	"transform",
	"operator",
	"operator family",
	"operator class",
	"operator family members",
	"table",
	"foreign table",
	"view",
	"materialized view",
	"statistics",
	"publication",
	"subscription",
	"event trigger",
	"default acl",
	"privileges",
};

int
sd_diff_kind_rank(const char *kind)
{
	for (int i = 0; i < lengthof(kind_order); i++)
		if (strcmp(kind_order[i], kind) == 0)
			return i;
	return lengthof(kind_order);
}

/* Name is one of a list separated by commas; a NULL list holds every name. */
static bool
in_list(const char *list, const char *name)
{
	size_t length = strlen(name);

	while (list != NULL)
	{
		const char *comma = strchr(list, ',');
		size_t item = comma ? (size_t) (comma - list) : strlen(list);

		if (item == length && strncmp(list, name, length) == 0)
			return true;
		if (comma == NULL)
			return false;
		list = comma + 1;
	}
	return true;
}

static bool
matches(const char *pattern, const char *attribute)
{
	size_t length;

	if (pattern == NULL)
		return true;
	length = strlen(pattern);
	if (length > 0 && pattern[length - 1] == '*')
		return strncmp(pattern, attribute, length - 1) == 0;
	return strcmp(pattern, attribute) == 0;
}

/* Sentences for texts that say the same in other words. */
static const char *const follows[] = {
	[SD_DIFF_FOLLOWS_NOTHING] = NULL,
	[SD_DIFF_FOLLOWS_NAME] = "The {attribute} of {thing} {follow} the change of a name.",
	[SD_DIFF_FOLLOWS_TYPE] = "The {attribute} of {thing} {follow} the change of a type.",
};

void
sd_diff_judge(const SdDiff *diff, SdDiffChange *change)
{
	char *attribute = sd_diff_attribute(change);

	for (int i = 0; i < lengthof(rules); i++)
	{
		const SdDiffRule *rule = &rules[i];

		if (!(rule->ops & change->op) || (rule->facet != ANY && rule->facet != change->facet) ||
			!in_list(rule->kinds, change->kind) || !in_list(rule->objects, change->pair->kind) ||
			!matches(rule->attribute, attribute) || (rule->when && !rule->when(change)))
			continue;
		change->class = rule->class;
		/* a name that only follows another change breaks nothing of its own */
		change->severity = change->follows ? SD_DIFF_INFO : rule->severity;
		change->loss = change->follows ? SD_DIFF_NONE : rule->loss;
		change->summary =
			sd_diff_render(change, change->op == SD_DIFF_ALTER && follows[change->follows] ?
									   follows[change->follows] :
									   rule->summary);
		return;
	}
	elog(ERROR, "no rule for a change of %s", change->kind);
}

const char *
sd_diff_op_name(SdDiffOp op)
{
	switch (op)
	{
		case SD_DIFF_ADD:
			return "add";
		case SD_DIFF_DROP:
			return "drop";
		case SD_DIFF_ALTER:
			return "alter";
		case SD_DIFF_RENAME:
			return "rename";
		case SD_DIFF_MOVE:
			return "move";
		case SD_DIFF_RECREATE:
			return "recreate";
		case SD_DIFF_REWRITE:
			return "rewrite";
		case SD_DIFF_UNREAD:
			return "unknown";
		case SD_DIFF_REORDER:
			return "reorder";
	}
	return NULL;
}

const char *
sd_diff_class_name(SdDiffClass class)
{
	static const char *const names[] = { "real", "cosmetic", "order", "physical", "environment" };

	return names[class];
}

const char *
sd_diff_severity_name(SdDiffSeverity severity)
{
	static const char *const names[] = { "info",	 "additive", "caution",	   "locking",
										 "breaking", "security", "destructive" };

	return names[severity];
}

const char *
sd_diff_loss_name(SdDiffLoss loss)
{
	static const char *const names[] = { "none", "possible", "certain" };

	return names[loss];
}
