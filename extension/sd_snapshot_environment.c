/*
 * sd_snapshot_environment.c
 *	  What surrounds the schema: roles, settings, tablespaces, the database itself,
 *	  privileges on parameters, large objects.
 *
 * None of it is in a dump of the database, and most is shared by the cluster.  So
 * it is read only when asked for, and its documents have one facet of their own.
 * Secrets (passwords, locations) are left out.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_db_role_setting.h"
#include "catalog/pg_largeobject.h"
#include "catalog/pg_largeobject_metadata.h"
#include "catalog/pg_tablespace.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "sd_compat_catalog.h"
#include "sd_snapshot_int.h"

/* Large objects are data, of which there may be any number: beyond this they are only counted. */
#define MAX_LARGE_OBJECTS 1000

typedef struct Membership
{
	Oid member;
	Oid role;
	SdMemberOptions options;
} Membership;

typedef struct LargeObject
{
	Oid oid;
	Oid owner;
	Acl *acl;
} LargeObject;

typedef struct Environment
{
	List *memberships; /* one a pair of roles, whoever granted it */
	SdNode *database_settings;
	LargeObject *large;
	int64 nlarge;
} Environment;

static SdNode *
environment_of(SdDoc *doc)
{
	return sd_doc_map(doc, SD_FACET_ENVIRONMENT);
}

/* Owner, privileges, comment and labels, all in the one facet. */
static void
doc_common(SdSnap *snap, SdDoc *doc, Oid classid, Oid oid, Oid owner, ObjectType objtype, Acl *acl)
{
	SdNode *map = environment_of(doc);
	SdNode *privileges = sd_acl_node(snap, acl, objtype, owner);
	SdNode *labels = sd_labels_node(snap, classid, oid, 0);

	if (privileges != NULL)
		sd_put(map, "acl", privileges);
	if (labels != NULL)
		sd_put(map, "security_labels", labels);
	if (OidIsValid(owner))
		sd_put_text(map, "owner", sd_role_name(snap, owner));
	sd_put_text(map, "comment", sd_comment(snap, classid, oid, 0));
	sd_doc_phys_oid(snap, doc, oid);
}

/* One membership may have been granted by several roles; what any of them allows holds. */
static bool
load_membership(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_auth_members form = (Form_pg_auth_members) GETSTRUCT(tuple);
	Environment *env = snap->environment;
	SdMemberOptions options = sd_compat_member_options(form);
	Membership *membership;
	ListCell *lc;

	foreach (lc, env->memberships)
	{
		membership = lfirst(lc);
		if (membership->member != form->member || membership->role != form->roleid)
			continue;
		membership->options.admin |= options.admin;
		membership->options.inherit |= options.inherit;
		membership->options.set |= options.set;
		return true;
	}
	membership = palloc(sizeof(Membership));
	membership->member = form->member;
	membership->role = form->roleid;
	membership->options = options;
	env->memberships = lappend(env->memberships, membership);
	return true;
}

static SdNode *
membership_node(const Membership *membership)
{
	SdNode *map = sd_node_map();

	sd_put_true(map, "admin", membership->options.admin);
	if (membership->options.chosen)
	{
		sd_put_bool(map, "inherit", membership->options.inherit);
		sd_put_false(map, "set", membership->options.set);
	}
	return map;
}

/* The roles that the server brings along are the same everywhere. */
static bool
emit_role(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_authid form = (Form_pg_authid) GETSTRUCT(tuple);
	Environment *env = snap->environment;
	bool no_end;
	Datum end = sd_attr(tuple, desc, Anum_pg_authid_rolvaliduntil, &no_end);
	SdDoc *doc;
	SdNode *map;
	ListCell *lc;

	if (form->oid < FirstNormalObjectId && form->oid != BOOTSTRAP_SUPERUSERID)
		return false;
	doc = sd_doc_begin_environment(snap, "role", quote_identifier(pstrdup(NameStr(form->rolname))));
	map = environment_of(doc);
	sd_put_true(map, "bypassrls", form->rolbypassrls);
	if (form->rolconnlimit >= 0)
		sd_put_int_text(map, "connection_limit", form->rolconnlimit);
	sd_put_true(map, "createdb", form->rolcreatedb);
	sd_put_true(map, "createrole", form->rolcreaterole);
	sd_put_false(map, "inherit", form->rolinherit);
	sd_put_true(map, "login", form->rolcanlogin);
	sd_put_true(map, "replication", form->rolreplication);
	sd_put_true(map, "superuser", form->rolsuper);
	/* "infinity" is how a limit is taken away */
	if (!no_end && !TIMESTAMP_IS_NOEND(DatumGetTimestampTz(end)))
		sd_put_text(map, "valid_until", pstrdup(timestamptz_to_str(DatumGetTimestampTz(end))));
	foreach (lc, env->memberships)
	{
		Membership *membership = lfirst(lc);

		if (membership->member == form->oid)
			sd_put(sd_map_map(map, "member_of"), sd_role_name(snap, membership->role),
				   membership_node(membership));
	}
	doc_common(snap, doc, AuthIdRelationId, form->oid, InvalidOid, OBJECT_ROLE, NULL);
	sd_doc_emit(snap, doc);
	return true;
}

/* Settings of other databases are not this one's surroundings. */
static bool
emit_setting(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_db_role_setting form = (Form_pg_db_role_setting) GETSTRUCT(tuple);
	SdNode *settings;
	SdDoc *doc;

	if (OidIsValid(form->setdatabase) && form->setdatabase != MyDatabaseId)
		return false;
	settings = sd_options_node(snap, sd_attr_array(tuple, desc, Anum_pg_db_role_setting_setconfig));
	if (settings == NULL)
		return false;
	if (!OidIsValid(form->setrole) && OidIsValid(form->setdatabase))
	{
		snap->environment->database_settings = settings;
		return true;
	}
	doc = sd_doc_begin_environment(snap, "role setting", NULL);
	if (!OidIsValid(form->setrole))
		doc->identity = "for all roles";
	else
		doc->identity = psprintf("for role %s%s", quote_identifier(sd_role_name(snap, form->setrole)),
								 OidIsValid(form->setdatabase) ? " in this database" : "");
	sd_put(environment_of(doc), "settings", settings);
	sd_doc_emit(snap, doc);
	return true;
}

static bool
emit_tablespace(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_tablespace form = (Form_pg_tablespace) GETSTRUCT(tuple);
	SdNode *options =
		sd_options_node(snap, sd_attr_array(tuple, desc, Anum_pg_tablespace_spcoptions));
	SdDoc *doc = sd_doc_begin_environment(snap, "tablespace",
										  quote_identifier(pstrdup(NameStr(form->spcname))));

	if (options != NULL)
		sd_put(environment_of(doc), "options", options);
	doc_common(snap, doc, TableSpaceRelationId, form->oid, form->spcowner, OBJECT_TABLESPACE,
			   (Acl *) sd_attr_array(tuple, desc, Anum_pg_tablespace_spcacl));
	sd_doc_emit(snap, doc);
	return true;
}

static bool
emit_database(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);
	Environment *env = snap->environment;
	SdDoc *doc;
	SdNode *map;

	if (form->oid != MyDatabaseId)
		return false;
	doc = sd_doc_begin_environment(snap, "database",
								   quote_identifier(pstrdup(NameStr(form->datname))));
	map = environment_of(doc);
	sd_put_false(map, "allow_connections", form->datallowconn);
	sd_put_text(map, "collate", sd_compat_datcollate(tuple, desc));
	sd_put_text(map, "collation_version", sd_compat_datcollversion(tuple, desc));
	if (form->datconnlimit >= 0)
		sd_put_int_text(map, "connection_limit", form->datconnlimit);
	sd_put_text(map, "ctype", sd_compat_datctype(tuple, desc));
	sd_put_text(map, "encoding", pg_encoding_to_char(form->encoding));
	sd_put_true(map, "is_template", form->datistemplate);
	sd_put_text(map, "locale", sd_compat_datlocale(tuple, desc));
	sd_put_text(map, "locale_provider", sd_compat_datlocprovider(form));
	sd_put_text(map, "locale_rules", sd_compat_daticurules(tuple, desc));
	if (env->database_settings != NULL)
		sd_put(map, "settings", env->database_settings);
	sd_put_text(map, "tablespace", sd_tablespace_name(snap, form->dattablespace));
	doc_common(snap, doc, DatabaseRelationId, form->oid, form->datdba, OBJECT_DATABASE,
			   (Acl *) sd_attr_array(tuple, desc, Anum_pg_database_datacl));
	sd_doc_emit(snap, doc);
	return true;
}

#if PG_VERSION_NUM >= 150000
static bool
emit_parameter(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_parameter_acl form = (Form_pg_parameter_acl) GETSTRUCT(tuple);
	Acl *acl = (Acl *) sd_attr_array(tuple, desc, Anum_pg_parameter_acl_paracl);
	SdNode *privileges = sd_acl_node(snap, acl, OBJECT_PARAMETER_ACL, BOOTSTRAP_SUPERUSERID);
	SdDoc *doc;

	if (privileges == NULL)
		return false;
	doc = sd_doc_begin_environment(snap, "parameter",
								   sd_attr_text(tuple, desc, Anum_pg_parameter_acl_parname));
	sd_put(environment_of(doc), "acl", privileges);
	/* nobody owns a parameter, but the first superuser's privileges are there by default */
	sd_put_text(environment_of(doc), "owner", sd_role_name(snap, BOOTSTRAP_SUPERUSERID));
	sd_doc_phys_oid(snap, doc, form->oid);
	sd_doc_emit(snap, doc);
	return true;
}
#endif

static bool
load_large_object(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_largeobject_metadata form = (Form_pg_largeobject_metadata) GETSTRUCT(tuple);
	Environment *env = snap->environment;

	if (env->nlarge < MAX_LARGE_OBJECTS)
	{
		LargeObject *large = &env->large[env->nlarge];

		large->oid = form->oid;
		large->owner = form->lomowner;
		large->acl = (Acl *) sd_attr_array(tuple, desc, Anum_pg_largeobject_metadata_lomacl);
	}
	env->nlarge++;
	return true;
}

static SdNode *
large_object_node(SdSnap *snap, const LargeObject *large)
{
	SdNode *map = sd_node_map();
	SdNode *privileges = sd_acl_node(snap, large->acl, OBJECT_LARGEOBJECT, large->owner);
	SdNode *labels = sd_labels_node(snap, LargeObjectRelationId, large->oid, 0);

	sd_put_text(map, "comment", sd_comment(snap, LargeObjectRelationId, large->oid, 0));
	if (labels != NULL)
		sd_put(map, "security_labels", labels);
	sd_put_text(map, "owner", sd_role_name(snap, large->owner));
	if (privileges != NULL)
		sd_put(map, "privileges", privileges);
	return map;
}

static void
emit_large_objects(SdSnap *snap)
{
	Environment *env = snap->environment;
	SdDoc *doc;
	SdNode *map;

	env->large = palloc(sizeof(LargeObject) * MAX_LARGE_OBJECTS);
	sd_scan(snap, LargeObjectMetadataRelationId, load_large_object);
	if (env->nlarge == 0)
		return;
	doc = sd_doc_begin_environment(snap, "large objects", "all");
	map = environment_of(doc);
	if (env->nlarge > MAX_LARGE_OBJECTS)
		sd_put_int_text(map, "count", env->nlarge);
	else
		for (int64 i = 0; i < env->nlarge; i++)
			sd_put(sd_map_map(map, "objects"), psprintf("%u", env->large[i].oid),
				   large_object_node(snap, &env->large[i]));
	sd_doc_emit(snap, doc);
}

void
sd_emit_environment(SdSnap *snap)
{
	snap->environment = palloc0(sizeof(Environment));
	sd_load_shared_comments(snap);
	sd_load_shared_labels(snap);
	sd_scan(snap, AuthMemRelationId, load_membership);
	sd_scan(snap, AuthIdRelationId, emit_role);
	sd_scan(snap, DbRoleSettingRelationId, emit_setting);
	sd_scan(snap, TableSpaceRelationId, emit_tablespace);
	sd_scan(snap, DatabaseRelationId, emit_database);
#if PG_VERSION_NUM >= 150000
	sd_scan(snap, ParameterAclRelationId, emit_parameter);
#endif
	emit_large_objects(snap);
}
