/*
 * sd_rules_on.c
 *	  Which of the rules that are off by default may report: safedeploy.rules_on.
 */
#include "postgres.h"

#include "utils/guc.h"
#include "utils/varlena.h"

#include "sd_compat.h"
#include "sd_guc.h"
#include "sd_rules.h"

/* The setting, looked up: a byte for each rule; NULL when it names none. */
static const bool *rules_on = NULL;

/* switch_on marks what a name of the list means; false when it means nothing. */
static bool
switch_on(bool *on, const char *name)
{
	bool known = strcmp(name, "all") == 0;
	bool everything = known;

	for (int i = 0; i < SD_RULE_COUNT; i++)
	{
		if (everything || strcmp(name, sd_rules[i].name) == 0 ||
			strcmp(name, sd_family_name(sd_rules[i].family)) == 0)
			on[i] = known = true;
	}
	return known;
}

bool
sd_rules_on_check(char **newval, void **extra, GucSource source)
{
	char *copy = pstrdup(*newval);
	bool on[SD_RULE_COUNT] = { 0 };
	List *names = NIL;
	ListCell *cell;

	if (!SplitIdentifierString(copy, ',', &names))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	foreach (cell, names)
	{
		if (!switch_on(on, lfirst(cell)))
		{
			GUC_check_errdetail("There is no rule or family of rules \"%s\".", (char *) lfirst(cell));
			return false;
		}
	}
	pfree(copy);
	if (names == NIL)
		return true;
	list_free(names);
	*extra = sd_guc_alloc(sizeof(on));
	if (*extra == NULL)
		return false;
	memcpy(*extra, on, sizeof(on));
	return true;
}

void
sd_rules_on_assign(const char *newval, void *extra)
{
	rules_on = extra;
}

bool
sd_rules_are_switched_on(void)
{
	return rules_on != NULL;
}

bool
sd_rule_is_on(SdRuleId rule)
{
	return sd_rules[rule].severity != SD_OFF || (rules_on != NULL && rules_on[rule]);
}
