CREATE TYPE safedeploy.finding AS (
	statement integer,
	position  integer,
	line      integer,
	rule      text,
	severity  text,
	object    text,
	lock_mode text,
	rewrites  boolean,
	scans     boolean,
	rows      bigint,
	bytes     bigint,
	data_loss text,
	message   text,
	detail    text,
	hint      text,
	context   jsonb,
	probe     jsonb
);
COMMENT ON TYPE safedeploy.finding IS 'one hazard of one statement; NULL means not known, never harmless';
