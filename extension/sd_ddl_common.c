/*
 * sd_ddl_common.c
 *	  Facets that are the same for all kinds: owner, comment, labels.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl.h"

void
sd_ddl_owner(SdDdl *ddl)
{
	const char *old = sd_ddl_old(ddl, "owner", "name", NULL);
	const char *new = sd_ddl_new(ddl, "owner", "name", NULL);

	if (old != NULL && (new == NULL || strcmp(old, new) != 0))
		sd_ddl_step(ddl, "ALTER %s OWNER TO %s", sd_ddl_address(ddl->writer, ddl->identity),
					quote_identifier(old));
}

void
sd_ddl_comment(SdDdl *ddl, const char *target, SdNode *old, SdNode *new)
{
	if (sd_ddl_equal(old, new))
		return;
	sd_ddl_step(ddl, "COMMENT ON %s IS %s", target,
				old ? sd_ddl_literal(sd_ddl_scalar(old)) : "NULL");
}

void
sd_ddl_labels(SdDdl *ddl, const char *target, SdNode *old, SdNode *new)
{
	sd_ddl_mark(old);
	sd_ddl_mark(new);
	for (SdNode *label = new ? new->first : NULL; label != NULL; label = label->next)
		if (old == NULL || sd_map_find(old, sd_ddl_key(label)) == NULL)
			sd_ddl_step(ddl, "SECURITY LABEL FOR %s ON %s IS NULL",
						quote_identifier(sd_ddl_key(label)), target);
	for (SdNode *label = old ? old->first : NULL; label != NULL; label = label->next)
		if (new == NULL || !sd_ddl_equal(label, sd_map_find(new, sd_ddl_key(label))))
			sd_ddl_step(ddl, "SECURITY LABEL FOR %s ON %s IS %s", quote_identifier(sd_ddl_key(label)),
						target, sd_ddl_literal(sd_ddl_scalar(label)));
}

static SdNode *
peek(SdNode *side, const char *facet, const char *key)
{
	SdNode *map = side ? sd_map_find(side, facet) : NULL;
	SdNode *node = map && map->type == SD_NODE_MAP ? sd_map_find(map, key) : NULL;

	sd_ddl_mark(node);
	return node;
}

void
sd_ddl_common(SdDdl *ddl)
{
	const SdDdlKind *writer = ddl->writer;
	const char *address = sd_ddl_address(writer, ddl->identity);

	if (writer->has_owner)
		sd_ddl_owner(ddl);
	if (writer->acl_keyword != NULL)
		sd_ddl_privileges(ddl, psprintf("%s %s", writer->acl_keyword, ddl->identity), NULL,
						  writer->acl_type, peek(ddl->old, "security", "acl"),
						  peek(ddl->new, "security", "acl"), sd_ddl_old(ddl, "owner", "name", NULL),
						  sd_ddl_new(ddl, "owner", "name", NULL));
	if (writer->has_comment)
		sd_ddl_comment(ddl, address, peek(ddl->old, "comment", "self"),
					   peek(ddl->new, "comment", "self"));
	sd_ddl_labels(ddl, address, peek(ddl->old, "security", "security_labels"),
				  peek(ddl->new, "security", "security_labels"));
}
