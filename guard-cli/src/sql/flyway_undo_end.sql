-- Run by psql behind an undo file, in its transaction: takes the row of the version out of
-- Flyway's history @TABLE@, which makes the version pending again.
;
\set QUIET on
RESET ROLE;
WITH gone AS (
	DELETE FROM @TABLE@
	WHERE installed_rank = :'migguard_rank'::pg_catalog.int4 AND version = :'migguard_version' AND success
	RETURNING 1
)
SELECT pg_catalog.count(*) = 1 AS undone FROM gone \gset migguard_
\if :migguard_undone
\else
DO $migguard$
BEGIN
	RAISE EXCEPTION 'the history of Flyway was changed by another session' USING ERRCODE = 'object_not_in_prerequisite_state';
END
$migguard$;
\endif
