-- Applied heads, from the version table that takes the place of @TABLE@.
SELECT version_num FROM @TABLE@ ORDER BY version_num COLLATE "C"
