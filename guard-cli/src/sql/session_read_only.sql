-- Keeps this session from writing, and each statement of it below parameter 1 milliseconds.
SELECT pg_catalog.set_config('default_transaction_read_only', 'on', false),
       pg_catalog.set_config('statement_timeout', $1, false)
