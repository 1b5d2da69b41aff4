-- ALWAYS, because session_replication_role = replica skips the others.
CREATE TRIGGER append_only_rows BEFORE INSERT OR UPDATE OR DELETE ON safedeploy.lock
	FOR EACH ROW EXECUTE FUNCTION safedeploy.refuse_write();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON safedeploy.lock
	FOR EACH STATEMENT EXECUTE FUNCTION safedeploy.refuse_write();
ALTER TABLE safedeploy.lock ENABLE ALWAYS TRIGGER append_only_rows;
ALTER TABLE safedeploy.lock ENABLE ALWAYS TRIGGER append_only_truncate;

CREATE TRIGGER append_only_rows BEFORE INSERT OR UPDATE OR DELETE ON safedeploy.run
	FOR EACH ROW EXECUTE FUNCTION safedeploy.refuse_write('hashed');
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON safedeploy.run
	FOR EACH STATEMENT EXECUTE FUNCTION safedeploy.refuse_write();
ALTER TABLE safedeploy.run ENABLE ALWAYS TRIGGER append_only_rows;
ALTER TABLE safedeploy.run ENABLE ALWAYS TRIGGER append_only_truncate;

CREATE TRIGGER append_only_rows BEFORE INSERT OR UPDATE OR DELETE ON safedeploy.event
	FOR EACH ROW EXECUTE FUNCTION safedeploy.refuse_write('hashed');
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON safedeploy.event
	FOR EACH STATEMENT EXECUTE FUNCTION safedeploy.refuse_write();
ALTER TABLE safedeploy.event ENABLE ALWAYS TRIGGER append_only_rows;
ALTER TABLE safedeploy.event ENABLE ALWAYS TRIGGER append_only_truncate;

CREATE TRIGGER append_only_rows BEFORE INSERT OR UPDATE OR DELETE ON safedeploy.permit
	FOR EACH ROW EXECUTE FUNCTION safedeploy.refuse_write();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON safedeploy.permit
	FOR EACH STATEMENT EXECUTE FUNCTION safedeploy.refuse_write();
ALTER TABLE safedeploy.permit ENABLE ALWAYS TRIGGER append_only_rows;
ALTER TABLE safedeploy.permit ENABLE ALWAYS TRIGGER append_only_truncate;

CREATE TRIGGER append_only_rows BEFORE INSERT OR UPDATE OR DELETE ON safedeploy.permit_use
	FOR EACH ROW EXECUTE FUNCTION safedeploy.refuse_write();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON safedeploy.permit_use
	FOR EACH STATEMENT EXECUTE FUNCTION safedeploy.refuse_write();
ALTER TABLE safedeploy.permit_use ENABLE ALWAYS TRIGGER append_only_rows;
ALTER TABLE safedeploy.permit_use ENABLE ALWAYS TRIGGER append_only_truncate;
