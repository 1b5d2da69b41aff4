CREATE VIEW safedeploy.permits AS
SELECT p.id, p.made_at, p.made_by, p.statement, p.objects, p.reason, p.expires_at, p.uses,
	u.used, p.run_id, p.token, p.for_role,
	CASE
		WHEN u.revoked THEN 'revoked'
		WHEN p.uses OPERATOR(pg_catalog.<=) u.used THEN 'used up'
		WHEN p.expires_at OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp() THEN 'expired'
		ELSE 'open'
	END AS state
FROM safedeploy.permit p
CROSS JOIN LATERAL (
	SELECT pg_catalog.count(*) FILTER (WHERE x.verdict OPERATOR(pg_catalog.=) 'permitted' AND x.committed) AS used,
		COALESCE(pg_catalog.bool_or(x.verdict OPERATOR(pg_catalog.=) 'revoked'), false) AS revoked
	FROM safedeploy.permit_use x
	WHERE x.permit_id OPERATOR(pg_catalog.=) p.id) u;
COMMENT ON VIEW safedeploy.permits IS
'permits for destructive statements, with how often each was used and whether it is open, used up, expired or revoked';
REVOKE ALL ON TABLE safedeploy.permits FROM PUBLIC;
