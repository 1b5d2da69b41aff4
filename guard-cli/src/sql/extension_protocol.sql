-- Version of the SQL API.
SELECT safedeploy.protocol_version()
