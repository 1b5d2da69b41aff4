/*
 * sd_severity.h
 *	  Severity by the facts: the same statement on an empty table and on a large or
 *	  busy one do not weigh alike.
 */
#ifndef SD_SEVERITY_H
#define SD_SEVERITY_H

#include "sd_rules.h"

/* sd_severity_by_facts raises or lowers the severity of a finding, and says why in its detail. */
extern void sd_severity_by_facts(SdAnalysis *analysis, SdFinding *finding);

/* sd_is_large compares a size with safedeploy.large_table; an unknown one is not. */
extern bool sd_is_large(SdSize size);

#endif
