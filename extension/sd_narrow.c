/*
 * sd_narrow.c
 *	  Whether a change of type can lose or refuse values.
 *
 * Pairs of built-in types are a table; types of one family are compared by
 * their modifiers.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

#include "sd_narrow.h"

/* Conversions that lose or refuse values whatever the modifiers. */
static const struct
{
	Oid from;
	Oid to;
	const char *how;
} lossy[] = {
	{ INT8OID, INT4OID, "Numbers above 2147483647 are refused." },
	{ INT8OID, INT2OID, "Numbers above 32767 are refused." },
	{ INT4OID, INT2OID, "Numbers above 32767 are refused." },
	{ INT8OID, FLOAT8OID, "Numbers of more than 15 digits lose their last ones." },
	{ INT8OID, FLOAT4OID, "Numbers of more than 6 digits lose their last ones." },
	{ INT4OID, FLOAT4OID, "Numbers of more than 6 digits lose their last ones." },
	{ INT8OID, OIDOID, "Negative and large numbers are refused." },
	{ INT2OID, BOOLOID, "Every number but 0 becomes true." },
	{ INT4OID, BOOLOID, "Every number but 0 becomes true." },
	{ FLOAT8OID, FLOAT4OID, "Numbers of more than 6 digits lose their last ones." },
	{ FLOAT8OID, INT8OID, "Fractions are rounded away." },
	{ FLOAT8OID, INT4OID, "Fractions are rounded away and large numbers refused." },
	{ FLOAT8OID, INT2OID, "Fractions are rounded away and large numbers refused." },
	{ FLOAT4OID, INT8OID, "Fractions are rounded away." },
	{ FLOAT4OID, INT4OID, "Fractions are rounded away and large numbers refused." },
	{ FLOAT4OID, INT2OID, "Fractions are rounded away and large numbers refused." },
	{ FLOAT8OID, NUMERICOID, "Only 15 digits are kept." },
	{ FLOAT4OID, NUMERICOID, "Only 6 digits are kept." },
	{ NUMERICOID, INT8OID, "Fractions are rounded away and large numbers refused." },
	{ NUMERICOID, INT4OID, "Fractions are rounded away and large numbers refused." },
	{ NUMERICOID, INT2OID, "Fractions are rounded away and large numbers refused." },
	{ NUMERICOID, FLOAT8OID, "Numbers of more than 15 digits lose their last ones." },
	{ NUMERICOID, FLOAT4OID, "Numbers of more than 6 digits lose their last ones." },
	{ NUMERICOID, CASHOID, "Fractions beyond the currency's are rounded away." },
	{ TIMESTAMPOID, DATEOID, "The time of day is lost." },
	{ TIMESTAMPTZOID, DATEOID, "The time of day is lost." },
	{ TIMESTAMPOID, TIMEOID, "The date is lost." },
	{ TIMESTAMPTZOID, TIMEOID, "The date is lost." },
	{ TIMESTAMPTZOID, TIMETZOID, "The date is lost." },
	{ TIMESTAMPTZOID, TIMESTAMPOID, "Points in time become local times of the session's TimeZone." },
	{ TIMETZOID, TIMEOID, "The time zone is lost." },
	{ INTERVALOID, TIMEOID, "Days and months are lost." },
	{ TEXTOID, NAMEOID, "Strings are cut at 63 bytes." },
	{ VARCHAROID, NAMEOID, "Strings are cut at 63 bytes." },
	{ TEXTOID, CHAROID, "Only the first byte is kept." },
	{ VARCHAROID, CHAROID, "Only the first byte is kept." },
	{ BPCHAROID, CHAROID, "Only the first byte is kept." },
	{ INETOID, CIDROID, "Bits to the right of the netmask are lost." },
	{ MACADDR8OID, MACADDROID, "Addresses of eight bytes are refused." },
	{ JSONOID, JSONBOID, "Order of keys, repeated keys and white space are lost." },
};

/* is_string tells whether a type is a string of characters with an optional limit. */
static bool
is_string(Oid type)
{
	return type == TEXTOID || type == VARCHAROID || type == BPCHAROID;
}

/* limit_of returns how many characters or bits fit, or -1 for no limit. */
static int
limit_of(Oid type, int32 typmod)
{
	if (type == TEXTOID)
		return -1;
	if (type == BITOID || type == VARBITOID)
		return typmod < 0 ? -1 : typmod;
	return typmod < (int32) VARHDRSZ ? -1 : typmod - (int32) VARHDRSZ;
}

/* digits_of returns how many digits a number may have before its point, or -1 for no limit. */
static int
digits_of(Oid type, int32 typmod, int *scale)
{
	*scale = 0;
	switch (type)
	{
		case INT2OID:
			return 5;
		case INT4OID:
			return 10;
		case INT8OID:
			return 19;
		case NUMERICOID:
			if (typmod < (int32) VARHDRSZ)
				break;
			/* from 15 on the scale is a signed number of eleven bits */
			*scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
			return (((typmod - VARHDRSZ) >> 16) & 0xffff) - *scale;
		default:
			break;
	}
	*scale = -1;
	return -1;
}

static SdTruth
string_narrows(Oid old_type, int32 old_typmod, Oid new_type, int32 new_typmod, bool explicit_cast,
			   const char **how)
{
	int from = is_string(old_type) ? limit_of(old_type, old_typmod) : -1;
	int to = limit_of(new_type, new_typmod);

	if (to < 0 || (from >= 0 && from <= to))
		return SD_NO;
	*how = explicit_cast ? psprintf("Strings are cut at %d characters.", to) :
						   psprintf("Strings of more than %d characters are refused.", to);
	return SD_YES;
}

static SdTruth
numeric_narrows(Oid old_type, int32 old_typmod, int32 new_typmod, const char **how)
{
	int old_scale;
	int new_scale;
	int from = digits_of(old_type, old_typmod, &old_scale);
	int to = digits_of(NUMERICOID, new_typmod, &new_scale);

	if (to < 0 && new_scale < 0)
		return SD_NO;
	if (old_type == NUMERICOID && (old_scale < 0 && from < 0))
		*how = psprintf("Fractions are rounded to %d digits and large numbers refused.", new_scale);
	else if (new_scale < old_scale)
		*how = psprintf("Fractions are rounded to %d digits.", new_scale);
	else if (to < from)
		*how = psprintf("Numbers of more than %d digits before the point are refused.", to);
	else
		return SD_NO;
	return SD_YES;
}

/* precision_of returns the digits of a second's fraction; 6 is the most. */
static int
precision_of(Oid type, int32 typmod)
{
	if (typmod < 0)
		return 6;
	return type == INTERVALOID ? (typmod & 0xffff) : typmod;
}

static bool
has_precision(Oid type)
{
	return type == TIMESTAMPOID || type == TIMESTAMPTZOID || type == TIMEOID || type == TIMETZOID ||
		   type == INTERVALOID;
}

SdTruth
sd_type_narrows(Oid old_type, int32 old_typmod, Oid new_type, int32 new_typmod, bool explicit_cast,
				const char **how)
{
	*how = NULL;
	old_type = getBaseTypeAndTypmod(old_type, &old_typmod);
	new_type = getBaseTypeAndTypmod(new_type, &new_typmod);
	for (int i = 0; i < lengthof(lossy); i++)
	{
		if (lossy[i].from == old_type && lossy[i].to == new_type)
		{
			*how = lossy[i].how;
			return SD_YES;
		}
	}
	if (is_string(new_type))
		return string_narrows(old_type, old_typmod, new_type, new_typmod, explicit_cast, how);
	if ((new_type == BITOID || new_type == VARBITOID) && (old_type == BITOID || old_type == VARBITOID))
	{
		int from = limit_of(old_type, old_typmod);
		int to = limit_of(new_type, new_typmod);

		if (to < 0 || (from >= 0 && from <= to))
			return SD_NO;
		*how = psprintf("Bit strings of more than %d bits are %s.", to,
						explicit_cast ? "cut" : "refused");
		return SD_YES;
	}
	if (new_type == NUMERICOID && (old_type == NUMERICOID || old_type == INT2OID ||
								   old_type == INT4OID || old_type == INT8OID))
		return numeric_narrows(old_type, old_typmod, new_typmod, how);
	if (has_precision(old_type) && has_precision(new_type))
	{
		if (precision_of(new_type, new_typmod) >= precision_of(old_type, old_typmod))
			return SD_NO;
		*how = psprintf("Fractions of a second are rounded to %d digits.",
						precision_of(new_type, new_typmod));
		return SD_YES;
	}
	return old_type == new_type ? SD_NO : SD_UNKNOWN;
}
