-- What functions in SQL write too, with the rights of their owner: whole statements, of everybody but superusers.
CREATE TRIGGER written_by_functions BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON safedeploy.drift_event
	FOR EACH STATEMENT EXECUTE FUNCTION safedeploy.refuse_write('owned');
ALTER TABLE safedeploy.drift_event ENABLE ALWAYS TRIGGER written_by_functions;

CREATE TRIGGER written_by_functions BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON safedeploy.run_statement
	FOR EACH STATEMENT EXECUTE FUNCTION safedeploy.refuse_write('owned');
ALTER TABLE safedeploy.run_statement ENABLE ALWAYS TRIGGER written_by_functions;

CREATE TRIGGER written_by_functions BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON safedeploy.applied_migration
	FOR EACH STATEMENT EXECUTE FUNCTION safedeploy.refuse_write('owned');
ALTER TABLE safedeploy.applied_migration ENABLE ALWAYS TRIGGER written_by_functions;
