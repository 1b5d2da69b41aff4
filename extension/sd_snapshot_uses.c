/*
 * sd_snapshot_uses.c
 *	  What the document of an object says about other objects.
 *
 * Names are the most common case, and few changes of an object change its name:
 * a use of a name is kept with a hash of what the name was.  Anything else, an
 * expression above all, counts as affected by whatever changes about an object
 * that it names.  System objects are not noted: when one of them changes, all
 * is read again.
 *
 * Uses go by OID alone.  That an OID may stand for several objects of different
 * catalogs makes more documents be read again than need be, and none fewer.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "sd_snapshot_reuse.h"

SdUses *
sd_uses_create(MemoryContext cxt, Size limit)
{
	SdUses *uses = MemoryContextAllocZero(cxt, sizeof(SdUses));

	uses->cxt = cxt;
	uses->limit = limit;
	return uses;
}

/* Room for one more; false when there is none. */
static bool
grow(SdUses *uses, void **items, Size count, Size *size, Size width)
{
	if (count < *size)
		return true;
	if (*size * 2 * width > uses->limit)
	{
		uses->overflow = true;
		return false;
	}
	*size = *size ? *size * 2 : 256;
	if (*items == NULL)
		*items = MemoryContextAllocHuge(uses->cxt, *size * width);
	else
		*items = repalloc_huge(*items, *size * width);
	return true;
}

static void
add_use(SdUses *uses, Oid used, SdKey user)
{
	SdUse *last = uses->count > 0 ? &uses->uses[uses->count - 1] : NULL;

	if (used < FirstNormalObjectId || used == user.oid)
		return;
	if (last != NULL && last->used == used && last->user.oid == user.oid)
		return;
	if (!grow(uses, (void **) &uses->uses, uses->count, &uses->size, sizeof(SdUse)))
		return;
	uses->uses[uses->count].used = used;
	uses->uses[uses->count++].user = user;
}

void
sd_use(SdSnap *snap, Oid used)
{
	if (snap->uses != NULL)
		add_use(snap->uses, used, snap->subject);
}

void
sd_use_by(SdSnap *snap, Oid classid, Oid oid, Oid used)
{
	SdKey user = { classid, oid };

	if (snap->uses != NULL)
		add_use(snap->uses, used, user);
}

void
sd_use_all(SdSnap *snap, const Oid *oids, int count)
{
	for (int i = 0; i < count; i++)
		sd_use(snap, oids[i]);
}

uint64
sd_name_hash(const char *name)
{
	return hash_bytes_extended((const unsigned char *) name, strlen(name), 0);
}

void
sd_use_name(SdSnap *snap, Oid used, Oid classid, Oid oid, int32 sub, uint64 hash)
{
	SdUses *uses = snap->uses;
	SdNameUse *use;

	if (uses == NULL || used < FirstNormalObjectId || used == snap->subject.oid)
		return;
	if (!grow(uses, (void **) &uses->names, uses->ncount, &uses->nsize, sizeof(SdNameUse)))
		return;
	use = &uses->names[uses->ncount++];
	use->used = used;
	use->user = snap->subject;
	use->classid = classid;
	use->oid = oid;
	use->sub = sub;
	use->hash = hash;
}

/*
 * Constants may name objects in their values: those of type regclass and its
 * like, and of whatever may contain such a value.
 */
static bool
may_hold_oids(Oid type)
{
	HeapTuple tuple;
	const char *name;
	bool result;

	if (type >= FirstNormalObjectId)
		return true;
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		return true;
	name = NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname);
	result = strncmp(name, "reg", 3) == 0 || strncmp(name, "_reg", 4) == 0;
	ReleaseSysCache(tuple);
	return result;
}

typedef struct OidList
{
	Oid *oids;
	int count;
	int size;
} OidList;

static void
add_oid(OidList *list, uint64 value)
{
	if (value < FirstNormalObjectId || value > PG_UINT32_MAX)
		return;
	for (int i = 0; i < list->count; i++)
		if (list->oids[i] == value)
			return;
	if (list->count == list->size)
	{
		list->size = list->size ? list->size * 2 : 8;
		list->oids = list->oids ? repalloc(list->oids, list->size * sizeof(Oid)) :
								  palloc(list->size * sizeof(Oid));
	}
	list->oids[list->count++] = (Oid) value;
}

/* "LENGTH [ BYTE BYTE … ]", the bytes in decimal; every four of them may be an OID. */
static const char *
read_value(OidList *list, const char *p, bool holds_oids)
{
	uint8 word[sizeof(Oid)];
	int count = 0;

	while (*p != '[' && *p != '\0')
	{
		if (*p == '<') /* "<>": NULL */
			return p;
		p++;
	}
	while (*p != ']' && *p != '\0')
	{
		if ((*p >= '0' && *p <= '9') || *p == '-')
		{
			char *end;

			word[count++] = (uint8) strtol(p, &end, 10);
			p = end;
			if (count == sizeof(Oid))
			{
				Oid oid;

				memcpy(&oid, word, sizeof(Oid));
				if (holds_oids)
					add_oid(list, oid);
				count = 0;
			}
		}
		else
			p++;
	}
	return p;
}

/*
 * Every number in the text of a node that can be the OID of a user's object.
 * Many are none, which does no harm.
 */
static void
read_numbers(OidList *list, const char *node)
{
	static const char type_field[] = ":consttype ";
	static const char value_field[] = ":constvalue ";
	bool holds_oids = true;

	for (const char *p = node; *p != '\0';)
	{
		if (*p == ':' && strncmp(p, type_field, strlen(type_field)) == 0)
			holds_oids = may_hold_oids(strtoul(p + strlen(type_field), NULL, 10));
		else if (*p == ':' && strncmp(p, value_field, strlen(value_field)) == 0)
		{
			p = read_value(list, p, holds_oids);
			continue;
		}
		if (*p >= '1' && *p <= '9' && p > node && (p[-1] == ' ' || p[-1] == '('))
		{
			char *end;

			add_oid(list, strtoull(p, &end, 10));
			p = end;
		}
		else
			p++;
	}
}

/* In the current context. */
const Oid *
sd_node_oids(SdSnap *snap, const char *node, int *count)
{
	OidList list = { 0 };

	if (snap->uses != NULL)
		read_numbers(&list, node);
	*count = list.count;
	return list.oids;
}

void
sd_use_node(SdSnap *snap, const char *node)
{
	int count;
	const Oid *oids;

	if (snap->uses == NULL || node == NULL)
		return;
	oids = sd_node_oids(snap, node, &count);
	sd_use_all(snap, oids, count);
}

static int
compare_uses(const void *a, const void *b)
{
	const SdUse *x = a;
	const SdUse *y = b;

	if (x->used != y->used)
		return x->used < y->used ? -1 : 1;
	return x->user.oid < y->user.oid ? -1 : x->user.oid > y->user.oid;
}

static int
compare_name_uses(const void *a, const void *b)
{
	const SdNameUse *x = a;
	const SdNameUse *y = b;

	return x->used < y->used ? -1 : x->used > y->used;
}

static void
sort(SdUses *uses)
{
	Size kept = 0;

	if (uses->count > 0)
		qsort(uses->uses, uses->count, sizeof(SdUse), compare_uses);
	for (Size i = 0; i < uses->count; i++)
		if (kept == 0 || memcmp(&uses->uses[kept - 1], &uses->uses[i], sizeof(SdUse)) != 0)
			uses->uses[kept++] = uses->uses[i];
	uses->count = uses->sorted = kept;
	if (uses->ncount > 0)
		qsort(uses->names, uses->ncount, sizeof(SdNameUse), compare_name_uses);
	uses->nsorted = uses->ncount;
	uses->searched = 0;
}

/* Most users are not in the subset, which one bit of their OID tells of nearly all of them. */
#define FILTER_BITS 65536

static bool
is_made_anew(SdSubset *subset, const uint8 *filter, SdKey user)
{
	uint32 bit = user.oid % FILTER_BITS;

	return (filter[bit / 8] & (1 << bit % 8)) != 0 && sd_subset_has(subset, user.classid, user.oid);
}

/* Takes out what the documents of the subset used when they were made last. */
static void
forget_uses(SdUses *uses, SdSubset *subset)
{
	uint8 *filter = palloc0(FILTER_BITS / 8);
	Size kept = 0;
	Size sorted = 0;

	for (int i = 0; i < subset->count; i++)
		filter[subset->keys[i].oid % FILTER_BITS / 8] |= 1 << subset->keys[i].oid % 8;
	for (Size i = 0; i < uses->count; i++)
	{
		if (is_made_anew(subset, filter, uses->uses[i].user))
			continue;
		uses->uses[kept++] = uses->uses[i];
		sorted = i < uses->sorted ? kept : sorted;
	}
	uses->count = kept;
	uses->sorted = sorted;
	kept = sorted = 0;
	for (Size i = 0; i < uses->ncount; i++)
	{
		if (is_made_anew(subset, filter, uses->names[i].user))
			continue;
		uses->names[kept++] = uses->names[i];
		sorted = i < uses->nsorted ? kept : sorted;
	}
	uses->ncount = kept;
	uses->nsorted = sorted;
	pfree(filter);
}

void
sd_uses_replace(SdUses *uses, SdSubset *subset, const SdUses *fresh)
{
	forget_uses(uses, subset);
	for (Size i = 0; i < fresh->count; i++)
		add_use(uses, fresh->uses[i].used, fresh->uses[i].user);
	for (Size i = 0; i < fresh->ncount; i++)
	{
		if (!grow(uses, (void **) &uses->names, uses->ncount, &uses->nsize, sizeof(SdNameUse)))
			return;
		uses->names[uses->ncount++] = fresh->names[i];
	}
}

/* First of the sorted items of a given width that begins with the OID, or the first after it. */
static Size
find_first(const char *items, Size width, Size count, Oid used)
{
	Size low = 0;
	Size high = count;

	while (low < high)
	{
		Size middle = low + (high - low) / 2;

		if (*(const Oid *) (items + middle * width) < used)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Adds a user to the subset; false when its document cannot be read by its key. */
static bool
add_user(SdSubset *subset, SdKey user)
{
	switch (user.classid)
	{
		case RelationRelationId:
		case TypeRelationId:
		case ProcedureRelationId:
		case StatisticExtRelationId:
			sd_subset_add(subset, user.classid, user.oid);
			return true;
		default:
			return false;
	}
}

/* Objects that count as changed. */
typedef struct Changed
{
	SdSnap *snap;
	SdUses *uses;
	List *oids;
	HTAB *seen;
} Changed;

static void
add_changed(Changed *changed, Oid oid)
{
	bool found;

	(void) hash_search(changed->seen, &oid, HASH_ENTER, &found);
	if (!found)
		changed->oids = lappend_oid(changed->oids, oid);
}

/*
 * A type contains what it uses: an element, an attribute, labels.  So a value of
 * it prints otherwise when that changes, and its users are affected as well.
 */
static bool
follow_use(Changed *changed, SdKey user)
{
	if (user.classid == TypeRelationId)
		add_changed(changed, user.oid);
	return add_user(changed->snap->subset, user);
}

static bool
follow_object(Changed *changed, Oid used)
{
	SdUses *uses = changed->uses;
	Size i = find_first((const char *) uses->uses, sizeof(SdUse), uses->sorted, used);

	for (; i < uses->sorted && uses->uses[i].used == used; i++)
		if (!follow_use(changed, uses->uses[i].user))
			return false;
	for (i = uses->sorted; i < uses->count; i++)
		if (uses->uses[i].used == used && !follow_use(changed, uses->uses[i].user))
			return false;
	return true;
}

/* A name that is still what it was affects nobody. */
static bool
follow_name(Changed *changed, const SdNameUse *use)
{
	SdSnap *snap = changed->snap;

	return sd_name_hash_now(snap, use->classid, use->oid, use->sub) == use->hash ||
		   add_user(snap->subset, use->user);
}

static bool
follow_names(Changed *changed, Oid used)
{
	SdUses *uses = changed->uses;
	Size i = find_first((const char *) uses->names, sizeof(SdNameUse), uses->nsorted, used);

	for (; i < uses->nsorted && uses->names[i].used == used; i++)
		if (!follow_name(changed, &uses->names[i]))
			return false;
	for (i = uses->nsorted; i < uses->ncount; i++)
		if (uses->names[i].used == used && !follow_name(changed, &uses->names[i]))
			return false;
	return true;
}

/* A part has no document of its own; what has it uses it. */
static bool
is_part(Oid classid)
{
	return classid == ConstraintRelationId || classid == TriggerRelationId ||
		   classid == RewriteRelationId || classid == PolicyRelationId;
}

/*
 * Sorts when so much has been looked through for want of order as sorting costs.  So
 * the first fingerprint does not pay for what most sessions never need.
 */
#define SEARCHES_AS_SORTING 32

static void
sort_when_due(SdUses *uses)
{
	Size rest = uses->count - uses->sorted + uses->ncount - uses->nsorted;

	uses->searched += rest;
	if (uses->searched > SEARCHES_AS_SORTING * (uses->count + uses->ncount))
		sort(uses);
}

bool
sd_uses_follow(SdSnap *snap, SdUses *uses, SdKey *keys, int count)
{
	Changed changed = { .snap = snap, .uses = uses };

	changed.seen = sd_hash(snap, "safedeploy changed objects", sizeof(Oid), sizeof(Oid));
	for (int i = 0; i < count; i++)
	{
		if (!is_part(keys[i].classid) && !add_user(snap->subset, keys[i]))
			return false;
		add_changed(&changed, keys[i].oid);
	}
	/* the list grows meanwhile */
	for (int i = 0; i < list_length(changed.oids); i++)
	{
		Oid oid = list_nth_oid(changed.oids, i);

		CHECK_FOR_INTERRUPTS();
		sort_when_due(uses);
		if (!follow_object(&changed, oid) || !follow_names(&changed, oid))
			return false;
	}
	return true;
}
