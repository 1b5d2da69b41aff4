CREATE VIEW safedeploy.rules AS
SELECT rule, family, severity, applies_to, since, until, summary, hint, reference FROM safedeploy.rule_catalog();
COMMENT ON VIEW safedeploy.rules IS 'every rule of safedeploy.analyze(): its family, usual severity (off: reports only when safedeploy.rules_on names it), statements, first and last major version of the server, NULL without a bound, and the safer way';
