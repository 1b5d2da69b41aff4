CREATE TYPE safedeploy.probe_result AS (
	statement    integer,
	line         integer,
	kind         text,
	rule         text,
	object       text,
	verdict      text,
	rows_checked bigint,
	rows_bad     bigint,
	example      text,
	complete     boolean,
	bound        text,
	elapsed_ms   double precision,
	detail       text
);
COMMENT ON TYPE safedeploy.probe_result IS 'what the rows of a table say to a demand of one statement; verdict is will fail, holds or unknown, which is never to be read as harmless; rows_checked is NULL when no row was looked at or an index told; complete says that rows_bad counts all, and bound (rows, time) what ended the count before; rule is the one under which analyze() reports such rows; example names the primary key of one of them';
