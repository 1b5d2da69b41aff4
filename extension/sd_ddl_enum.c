/*
 * sd_ddl_enum.c
 *	  Enums: labels are renamed and added in place; one that has to go takes a new type.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl_table.h"

static char *
labels_sql(SdNode *labels)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (SdNode *label = labels ? labels->first : NULL; label != NULL; label = label->next)
		appendStringInfo(&buf, "%s%s", label == labels->first ? "" : ", ",
						 sd_ddl_literal(sd_ddl_scalar(label)));
	return buf.data;
}

void
sd_ddl_create_enum(SdDdl *ddl)
{
	sd_ddl_step(ddl, "CREATE TYPE %s AS ENUM (%s)", ddl->identity,
				labels_sql(sd_ddl_node(ddl, ddl->old, "core", "labels", NULL)));
}

static bool
has_label(SdNode *labels, SdNode *label)
{
	for (SdNode *other = labels->first; other != NULL; other = other->next)
		if (sd_ddl_equal(label, other))
			return true;
	return false;
}

/* Labels of new, in their order, are a part of those of old in theirs. */
static bool
is_subsequence(SdNode *new, SdNode *old)
{
	SdNode *label = new->first;

	for (SdNode *other = old->first; other != NULL && label != NULL; other = other->next)
		if (sd_ddl_equal(label, other))
			label = label->next;
	return label == NULL;
}

/*
 * Labels that differ at the same place of lists of the same length were renamed,
 * provided that neither list has the other's label.
 */
static bool
rename_labels(SdDdl *ddl, SdNode *old, SdNode *new)
{
	if (old->len != new->len)
		return false;
	for (SdNode *x = old->first, *y = new->first; x != NULL; x = x->next, y = y->next)
		if (!sd_ddl_equal(x, y) && (has_label(new, x) || has_label(old, y)))
			return false;
	for (SdNode *x = old->first, *y = new->first; x != NULL; x = x->next, y = y->next)
		if (!sd_ddl_equal(x, y))
			sd_ddl_step(ddl, "ALTER TYPE %s RENAME VALUE %s TO %s", ddl->identity,
						sd_ddl_literal(sd_ddl_scalar(y)), sd_ddl_literal(sd_ddl_scalar(x)));
	return true;
}

bool
sd_ddl_alter_enum(SdDdl *ddl)
{
	SdNode *old = sd_ddl_node(ddl, ddl->old, "core", "labels", NULL);
	SdNode *new = sd_ddl_node(ddl, ddl->new, "core", "labels", NULL);
	const char *before = NULL;

	if (old == NULL || new == NULL || sd_ddl_equal(old, new) || rename_labels(ddl, old, new))
		return true;
	if (!is_subsequence(new, old))
		return false;
	for (SdNode *label = old->first; label != NULL; label = label->next)
	{
		const char *literal = sd_ddl_literal(sd_ddl_scalar(label));

		if (!has_label(new, label))
		{
			if (before != NULL)
				sd_ddl_step(ddl, "ALTER TYPE %s ADD VALUE %s AFTER %s", ddl->identity, literal,
							before);
			else if (new->first != NULL)
				sd_ddl_step(ddl, "ALTER TYPE %s ADD VALUE %s BEFORE %s", ddl->identity, literal,
							sd_ddl_literal(sd_ddl_scalar(new->first)));
			else
				sd_ddl_step(ddl, "ALTER TYPE %s ADD VALUE %s", ddl->identity, literal);
		}
		before = literal;
	}
	return true;
}
