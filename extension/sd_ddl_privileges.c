/*
 * sd_ddl_privileges.c
 *	  GRANT and REVOKE that lead from one access list to another.
 *
 * Documents do not say who granted what.  All statements are the owner's, who
 * cannot take away what somebody with a grant option gave.  Where such grants may
 * stand in the way, the options are revoked with all that hangs on them, and what
 * is to stay is granted anew.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/formatting.h"

#include "sd_ddl_list.h"
#include "sd_ddl_table.h"

typedef struct Right
{
	const char *grantee; /* as the document names it */
	const char *name;
	bool grantable;
} Right;

/* Where the statements apply. */
typedef struct Target
{
	const char *prefix;	 /* "ALTER DEFAULT PRIVILEGES … " or "" */
	const char *on;		 /* what follows ON */
	const char *columns; /* " (c)" or "" */
	const char *owner;	 /* as a grantee */
} Target;

/* A grantee of a document as it stands in a statement. */
static const char *
grantee_sql(const char *grantee)
{
	if (strcmp(grantee, "PUBLIC") == 0)
		return "PUBLIC";
	/* a role of that name, or one in quotes, is quoted already */
	return grantee[0] == '"' ? grantee : quote_identifier(grantee);
}

/* An owner, who is named plainly, as a grantee. */
static const char *
owner_as_grantee(const char *owner)
{
	if (owner == NULL)
		return "";
	return strcmp(owner, "PUBLIC") == 0 || owner[0] == '"' ? quote_identifier(owner) : owner;
}

static Right *
find_right(List *rights, const char *grantee, const char *name)
{
	ListCell *lc;

	foreach (lc, rights)
	{
		Right *right = lfirst(lc);

		if (strcmp(right->grantee, grantee) == 0 && strcmp(right->name, name) == 0)
			return right;
	}
	return NULL;
}

static List *
add_right(List *rights, const char *grantee, const char *name, bool grantable)
{
	Right *right = find_right(rights, grantee, name);

	if (right == NULL)
	{
		right = palloc0(sizeof(Right));
		right->grantee = grantee;
		right->name = name;
		rights = lappend(rights, right);
	}
	right->grantable |= grantable;
	return rights;
}

/* Rights of a list; those of "from" are those of "to" by now. */
static List *
read_rights(SdNode *acl, const char *from, const char *to)
{
	List *rights = NIL;

	for (SdNode *member = acl->first; member != NULL; member = member->next)
	{
		const char *grantee = sd_ddl_key(member);

		if (from != NULL && strcmp(grantee, from) == 0)
			grantee = to;
		for (SdNode *item = member->first; item != NULL; item = item->next)
		{
			char *name = pnstrdup(item->str, item->len);
			bool grantable = item->len > 0 && name[item->len - 1] == '*';

			if (grantable)
				name[item->len - 1] = '\0';
			rights = add_right(rights, grantee, name, grantable);
		}
	}
	return rights;
}

static bool
is_lost(const Right *right, List *want)
{
	Right *wanted = find_right(want, right->grantee, right->name);

	return wanted == NULL || (right->grantable && !wanted->grantable);
}

/* Whether somebody but the owner may have granted a privilege that has to go. */
static bool
is_chained(const Target *target, List *have, List *want, const char *name)
{
	bool handed_on = false;
	bool lost = false;
	ListCell *lc;

	foreach (lc, have)
	{
		Right *right = lfirst(lc);

		if (strcmp(right->name, name) != 0)
			continue;
		handed_on |= right->grantable && strcmp(right->grantee, target->owner) != 0;
		lost |= is_lost(right, want);
	}
	return handed_on && lost;
}

static void
append_name(StringInfo buf, const Target *target, const Right *right)
{
	appendStringInfo(buf, "%s%s%s", buf->len > 0 ? ", " : "", right->name, target->columns);
}

static List *
grantees_of(List *rights)
{
	List *grantees = NIL;
	ListCell *lc;

	foreach (lc, rights)
	{
		const char *grantee = ((Right *) lfirst(lc))->grantee;

		/* rights of a grantee stand together but for a merged owner */
		if (grantees == NIL || strcmp(llast(grantees), grantee) != 0)
			grantees = lappend(grantees, unconstify(char *, grantee));
	}
	return grantees;
}

static void
revoke_from(SdDdl *ddl, const Target *target, List *have, List *want, const char *grantee)
{
	bool is_owner = strcmp(grantee, target->owner) == 0;
	StringInfoData buf[4]; /* whole privileges, options; the second two in a cascade */
	ListCell *lc;

	for (int i = 0; i < lengthof(buf); i++)
		initStringInfo(&buf[i]);
	foreach (lc, have)
	{
		Right *right = lfirst(lc);
		bool cascade;

		if (strcmp(right->grantee, grantee) != 0)
			continue;
		cascade = right->grantable && !is_owner && is_chained(target, have, want, right->name);
		if (find_right(want, grantee, right->name) == NULL)
			append_name(&buf[cascade ? 2 : 0], target, right);
		else if (cascade || is_lost(right, want))
			append_name(&buf[cascade ? 3 : 1], target, right);
	}
	for (int i = 0; i < lengthof(buf); i++)
		if (buf[i].len > 0)
			sd_ddl_step(ddl, "%sREVOKE %s%s ON %s FROM %s%s", target->prefix,
						i % 2 ? "GRANT OPTION FOR " : "", buf[i].data, target->on,
						grantee_sql(grantee), i >= 2 ? " CASCADE" : "");
}

static void
grant_to(SdDdl *ddl, const Target *target, List *have, List *want, const char *grantee)
{
	StringInfoData buf[2]; /* without and with the right to grant */
	ListCell *lc;

	initStringInfo(&buf[0]);
	initStringInfo(&buf[1]);
	foreach (lc, want)
	{
		Right *right = lfirst(lc);
		Right *present = find_right(have, grantee, right->name);

		if (strcmp(right->grantee, grantee) != 0)
			continue;
		/* what a cascade took is there again, granted by the owner */
		if (present == NULL || (right->grantable && !present->grantable) ||
			(strcmp(grantee, target->owner) != 0 && is_chained(target, have, want, right->name)))
			append_name(&buf[right->grantable], target, right);
	}
	for (int i = 0; i < 2; i++)
		if (buf[i].len > 0)
			sd_ddl_step(ddl, "%sGRANT %s ON %s TO %s%s", target->prefix, buf[i].data, target->on,
						grantee_sql(grantee), i ? " WITH GRANT OPTION" : "");
}

static void
write_privileges(SdDdl *ddl, const Target *target, List *have, List *want)
{
	ListCell *lc;

	foreach (lc, grantees_of(have))
		revoke_from(ddl, target, have, want, lfirst(lc));
	foreach (lc, grantees_of(want))
		grant_to(ddl, target, have, want, lfirst(lc));
}

/* What is revoked from somebody for a table goes for its columns too; grant that again. */
static void
restore_columns(SdDdl *ddl, const char *on, List *have, List *want)
{
	SdNode *security = ddl->old ? sd_map_find(ddl->old, "security") : NULL;
	SdNode *columns = security ? sd_map_find(security, "columns") : NULL;

	for (SdNode *column = columns ? columns->first : NULL; column != NULL; column = column->next)
	{
		SdNode *acl = sd_map_find(column, "acl");
		List *rights = acl ? read_rights(acl, NULL, NULL) : NIL;
		Target target = { "", on, psprintf(" (%s)", quote_identifier(sd_ddl_key(column))), "" };
		List *gone = NIL;
		ListCell *lc;

		foreach (lc, rights)
		{
			Right *right = lfirst(lc);
			Right *was = find_right(have, right->grantee, right->name);

			if (was != NULL && is_lost(was, want))
				gone = lappend(gone, right);
		}
		foreach (lc, grantees_of(gone))
			grant_to(ddl, &target, NIL, gone, lfirst(lc));
	}
}

/* Whether default privileges exist for a type of objects. */
static bool
takes_default_privileges(ObjectType type)
{
	return type == OBJECT_TABLE || type == OBJECT_SEQUENCE || type == OBJECT_FUNCTION ||
		   type == OBJECT_TYPE || type == OBJECT_SCHEMA;
}

void
sd_ddl_privileges(SdDdl *ddl, const char *on, const char *columns, ObjectType type, SdNode *old,
				  SdNode *new, const char *old_owner, const char *new_owner)
{
	Target target = { "", on, columns ? psprintf(" %s", columns) : "", owner_as_grantee(old_owner) };
	bool unknown = takes_default_privileges(type) && ddl->default_grantees != NIL && ddl->new == NULL;
	List *have = NIL;
	List *want;
	ListCell *lc;

	if (old == NULL && new == NULL && !unknown)
		return;
	want = read_rights(old ? old : sd_acl_default_node(type, target.owner), NULL, NULL);
	if (!unknown)
		have = read_rights(new ? new : sd_acl_default_node(type, target.owner),
						   new_owner && new ? owner_as_grantee(new_owner) : NULL, target.owner);
	else
	{
		/* default privileges may have given or taken anything */
		StringInfoData grantees;

		initStringInfo(&grantees);
		appendStringInfo(&grantees, "PUBLIC, %s", grantee_sql(target.owner));
		foreach (lc, ddl->default_grantees)
			if (strcmp(lfirst(lc), "PUBLIC") != 0 && strcmp(lfirst(lc), target.owner) != 0)
				appendStringInfo(&grantees, ", %s", grantee_sql(lfirst(lc)));
		sd_ddl_step(ddl, "REVOKE ALL ON %s FROM %s", on, grantees.data);
	}
	write_privileges(ddl, &target, have, want);
	if (type == OBJECT_TABLE && columns == NULL)
		restore_columns(ddl, on, have, want);
}

/*
 * Default privileges.  "for role r on tables" stands for the built-in default when
 * there is no entry; one in a schema adds to it and stands for nothing.
 */

typedef struct DefaultTarget
{
	Target target;
	SdNode *absent; /* what no entry means */
} DefaultTarget;

static DefaultTarget
default_target(const char *identity)
{
	static const struct
	{
		const char *name;
		ObjectType type;
	} types[] = { { "tables", OBJECT_TABLE },		{ "sequences", OBJECT_SEQUENCE },
				  { "functions", OBJECT_FUNCTION }, { "types", OBJECT_TYPE },
				  { "schemas", OBJECT_SCHEMA },		{ "large objects", OBJECT_LARGEOBJECT } };
	DefaultTarget result = { { .columns = "" } };
	char *role;
	char *schema = NULL;
	char *on;

	if (!sd_ddl_split(identity, " on ", &role, &on))
		elog(ERROR, "\"%s\" is not the identity of default privileges", identity);
	(void) sd_ddl_split(role, " in schema ", &role, &schema);
	role += strlen("for role ");
	result.target.prefix = psprintf("ALTER DEFAULT PRIVILEGES FOR ROLE %s%s%s ", role,
									schema ? " IN SCHEMA " : "", schema ? schema : "");
	result.target.on = asc_toupper(on, strlen(on));
	result.target.owner = owner_as_grantee(sd_ddl_unquote(role));
	result.absent = sd_node_map();
	for (int i = 0; i < lengthof(types) && schema == NULL; i++)
		if (pg_strcasecmp(types[i].name, on) == 0)
			result.absent = sd_acl_default_node(types[i].type, result.target.owner);
	return result;
}

/* From what is there to what was there; an entry that says nothing goes by itself. */
static void
write_default_privileges(SdDdl *ddl)
{
	DefaultTarget defaults = default_target(ddl->identity);
	SdNode *old = sd_ddl_node(ddl, ddl->old, "security", "acl", NULL);
	SdNode *new = sd_ddl_node(ddl, ddl->new, "security", "acl", NULL);

	sd_ddl_mark(old);
	sd_ddl_mark(new);
	write_privileges(ddl, &defaults.target, read_rights(new ? new : defaults.absent, NULL, NULL),
					 read_rights(old ? old : defaults.absent, NULL, NULL));
}

static bool
alter_default_privileges(SdDdl *ddl)
{
	write_default_privileges(ddl);
	return true;
}

/* Before anything is made that they would apply to. */
static void
drop_default_privileges(SdDdl *ddl)
{
	ddl->stage = SD_DDL_BEFORE;
	write_default_privileges(ddl);
}

/*
 * Privileges on objects of the server and of extensions: "on table s.t".  What an
 * object came with stands for a document that is not there.
 */
static List *
rights_of(SdNode *side, SdNode *other, const char *column)
{
	SdNode *lists[2];

	for (int i = 0; i < 2; i++)
	{
		SdNode *root = i == 0 ? side : other;
		SdNode *node = root ? sd_map_find(root, i == 0 ? "security" : "core") : NULL;

		if (node != NULL && column != NULL)
		{
			node = sd_map_find(node, "columns");
			node = node ? sd_map_find(node, column) : NULL;
		}
		lists[i] = node ? sd_map_find(node, i == 0 ? "acl" : "initial") : NULL;
		sd_ddl_mark(lists[i]);
	}
	if (lists[0] != NULL)
		return read_rights(lists[0], NULL, NULL);
	return lists[1] ? read_rights(lists[1], NULL, NULL) : NIL;
}

static void
write_column_privileges(SdDdl *ddl, const char *on, SdNode *side)
{
	SdNode *security = side ? sd_map_find(side, "security") : NULL;
	SdNode *columns = security ? sd_map_find(security, "columns") : NULL;

	for (SdNode *column = columns ? columns->first : NULL; column != NULL; column = column->next)
	{
		const char *name = sd_ddl_key(column);
		Target target = { "", on, psprintf(" (%s)", quote_identifier(name)), "" };

		/* the new side's columns first, the old one's that it does not have after them */
		if (side == ddl->old && sd_ddl_peek(ddl->new, "security", "columns", name) != NULL)
			continue;
		write_privileges(ddl, &target, rights_of(ddl->new, ddl->old, name),
						 rights_of(ddl->old, ddl->new, name));
	}
}

static void
write_foreign_privileges(SdDdl *ddl)
{
	const char *what = ddl->identity + strlen("on ");
	Target target = { "", what, "", "" };

	write_privileges(ddl, &target, rights_of(ddl->new, ddl->old, NULL),
					 rights_of(ddl->old, ddl->new, NULL));
	write_column_privileges(ddl, what, ddl->new);
	write_column_privileges(ddl, what, ddl->old);
}

static bool
alter_foreign_privileges(SdDdl *ddl)
{
	write_foreign_privileges(ddl);
	return true;
}

const SdDdlKind sd_ddl_privilege_kinds[] = { { .kind = "privileges",
											   .keyword = "PRIVILEGES",
											   .plain = true,
											   .create = write_foreign_privileges,
											   .alter = alter_foreign_privileges,
											   .drop = write_foreign_privileges },
											 { .kind = "default acl",
											   .keyword = "DEFAULT PRIVILEGES",
											   .plain = true,
											   .late = true,
											   .create = write_default_privileges,
											   .alter = alter_default_privileges,
											   .drop = drop_default_privileges },
											 { NULL } };
