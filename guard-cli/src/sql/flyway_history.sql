-- Flyway's history, from the table that takes the place of @TABLE@.
SELECT installed_rank, version, description, type, script, checksum, success
FROM @TABLE@
ORDER BY installed_rank
