CREATE VIEW safedeploy.rules AS
SELECT rule, family, severity, summary, hint FROM safedeploy.rule_catalog();
COMMENT ON VIEW safedeploy.rules IS 'every rule of safedeploy.analyze() with its family and usual severity';
