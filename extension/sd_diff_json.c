/*
 * sd_diff_json.c
 *	  Small readers of jsonb for the diff.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "sd_diff.h"

bool
sd_diff_get(JsonbContainer *container, const char *key, JsonbValue *value)
{
	JsonbValue *found;

	if (container == NULL || !JsonContainerIsObject(container))
		return false;
	found = getKeyJsonValueFromContainer(container, key, strlen(key), NULL);
	if (found == NULL)
		return false;
	*value = *found;
	return true;
}

char *
sd_diff_get_string(JsonbContainer *container, const char *key)
{
	JsonbValue value;

	return sd_diff_get(container, key, &value) ? sd_diff_value_string(&value) : NULL;
}

JsonbContainer *
sd_diff_find(Jsonb *document, const char *first, const char *second)
{
	JsonbValue value;

	if (document == NULL || !sd_diff_get(&document->root, first, &value) || value.type != jbvBinary)
		return NULL;
	if (second == NULL)
		return value.val.binary.data;
	if (!sd_diff_get(value.val.binary.data, second, &value) || value.type != jbvBinary)
		return NULL;
	return value.val.binary.data;
}

bool
sd_diff_value_equal(const JsonbValue *a, const JsonbValue *b)
{
	if (a == NULL || b == NULL || a->type != b->type)
		return false;
	switch (a->type)
	{
		case jbvNull:
			return true;
		case jbvString:
			return a->val.string.len == b->val.string.len &&
				   memcmp(a->val.string.val, b->val.string.val, a->val.string.len) == 0;
		case jbvNumeric:
			return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(a->val.numeric),
													NumericGetDatum(b->val.numeric)));
		case jbvBool:
			return a->val.boolean == b->val.boolean;
		case jbvBinary:
			return compareJsonbContainers(a->val.binary.data, b->val.binary.data) == 0;
		default:
			elog(ERROR, "unexpected type %d of a jsonb value", (int) a->type);
	}
	return false;
}

char *
sd_diff_value_string(const JsonbValue *value)
{
	if (value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

char *
sd_diff_jsonb_string(Jsonb *value)
{
	JsonbValue scalar;

	if (value == NULL || !JB_ROOT_IS_SCALAR(value) || !JsonbExtractScalar(&value->root, &scalar))
		return NULL;
	return sd_diff_value_string(&scalar);
}

bool
sd_diff_value_is_object(const JsonbValue *value)
{
	return value != NULL && value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data);
}

bool
sd_diff_value_is_array(const JsonbValue *value)
{
	return value != NULL && value->type == jbvBinary &&
		   JsonContainerIsArray(value->val.binary.data) &&
		   !JsonContainerIsScalar(value->val.binary.data);
}

Jsonb *
sd_diff_string_jsonb(const char *text)
{
	JsonbValue value;

	value.type = jbvString;
	value.val.string.val = unconstify(char *, text);
	value.val.string.len = strlen(text);
	return JsonbValueToJsonb(&value);
}
