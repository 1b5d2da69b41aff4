-- Takes back what the transaction did.
ROLLBACK
