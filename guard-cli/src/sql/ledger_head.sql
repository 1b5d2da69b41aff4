-- The ledger's head, to be kept outside of the database.
SELECT safedeploy.ledger_head()
