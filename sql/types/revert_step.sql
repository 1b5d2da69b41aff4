CREATE TYPE safedeploy.revert_step AS (
	seq integer,
	sql text,
	kind text,
	identity text,
	level text,
	transactional boolean,
	data_loss text,
	reason text
);
COMMENT ON TYPE safedeploy.revert_step IS
'one statement of a way back. sql: the statement, without a semicolon; NULL for what no statement brings back, and reason says why; kind, identity: the object concerned; level: full, structural (the definition comes back, what was in it does not) or none (then sql is NULL); transactional: false for a statement that cannot run in a transaction block; data_loss: none, possible, certain: by the statement itself or by the change that it takes back, reason says which';
