-- What is wrong with the ledger, also against a head that was kept, when one is given.
SELECT f.seq, f.run_id, f.what, f.detail FROM safedeploy.verify_ledger($1) AS f
