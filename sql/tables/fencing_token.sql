CREATE SEQUENCE safedeploy.fencing_token AS bigint NO CYCLE;
COMMENT ON SEQUENCE safedeploy.fencing_token IS
'Source of the fencing tokens of all deploy locks of this database.  Strictly increasing, with gaps: a token of a statement that fails, and up to 32 at a crash, are never issued.';
REVOKE ALL ON SEQUENCE safedeploy.fencing_token FROM PUBLIC;
-- A restored database goes on above every token that the dumped one has issued.
SELECT pg_catalog.pg_extension_config_dump('safedeploy.fencing_token', '');
