-- Only commands that can reach a table of ours; a trigger of a table has its own tag.
CREATE EVENT TRIGGER safedeploy_guard ON ddl_command_end
	WHEN TAG IN ('ALTER TABLE', 'ALTER SEQUENCE', 'ALTER VIEW', 'ALTER FUNCTION', 'ALTER TYPE',
		'ALTER SCHEMA', 'ALTER EXTENSION', 'ALTER TRIGGER', 'ALTER RULE', 'ALTER POLICY', 'ALTER INDEX',
		'CREATE TABLE', 'CREATE FOREIGN TABLE', 'CREATE INDEX', 'CREATE TRIGGER', 'CREATE RULE',
		'CREATE POLICY', 'CREATE FUNCTION', 'CREATE VIEW')
	EXECUTE FUNCTION safedeploy.refuse_ddl();
CREATE EVENT TRIGGER safedeploy_guard_drop ON sql_drop
	EXECUTE FUNCTION safedeploy.refuse_drop();
ALTER EVENT TRIGGER safedeploy_guard ENABLE ALWAYS;
ALTER EVENT TRIGGER safedeploy_guard_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER safedeploy_guard IS
'keeps everybody but superusers from altering lock and ledger, also the owner of their tables';
COMMENT ON EVENT TRIGGER safedeploy_guard_drop IS
'keeps everybody but superusers from dropping what belongs to lock and ledger';

CREATE EVENT TRIGGER safedeploy_confirm_drop ON ddl_command_start
	WHEN TAG IN ('DROP EXTENSION')
	EXECUTE FUNCTION safedeploy.confirm_drop();
ALTER EVENT TRIGGER safedeploy_confirm_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER safedeploy_confirm_drop IS
'asks for CASCADE before the extension is dropped with a ledger that has runs';
