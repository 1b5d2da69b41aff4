-- Fingerprint of the schema as it is.
SELECT safedeploy.fingerprint()
