CREATE TYPE safedeploy.statement AS (
	number        integer,
	position      integer,
	line          integer,
	length        integer,
	kind          text,
	transactional boolean,
	text          text
);
COMMENT ON TYPE safedeploy.statement IS 'one statement of a script; position and length count characters, position and line begin at 1';
