CREATE EVENT TRIGGER safedeploy_drift ON ddl_command_end
	EXECUTE FUNCTION safedeploy.record_ddl();
CREATE EVENT TRIGGER safedeploy_drift_drop ON sql_drop
	EXECUTE FUNCTION safedeploy.record_ddl();
ALTER EVENT TRIGGER safedeploy_drift ENABLE ALWAYS;
ALTER EVENT TRIGGER safedeploy_drift_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER safedeploy_drift IS
'tells the record of drift what a statement has changed, in sessions with the library';
COMMENT ON EVENT TRIGGER safedeploy_drift_drop IS
'tells the record of drift what a statement has dropped, in sessions with the library';
