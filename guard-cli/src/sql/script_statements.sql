-- Statements of a script that cannot run inside a transaction block, that begin or
-- end one, and commands of psql.  Where it is not known, a transaction block is tried.
SELECT s.line, s.kind, coalesce(NOT s.transactional, false), s.text
FROM safedeploy.statements($1) AS s
WHERE NOT s.transactional
	OR s.kind IN ('BEGIN', 'START TRANSACTION', 'COMMIT', 'END', 'ROLLBACK', 'PREPARE TRANSACTION',
		'META COMMAND')
ORDER BY s.number
