CREATE TYPE safedeploy.fault AS (
	seq bigint,
	run_id uuid,
	what text,
	detail text
);
COMMENT ON TYPE safedeploy.fault IS
'What verify_ledger() finds: the event (seq) or run that it concerns, a word for what is wrong, and a sentence about it.';
