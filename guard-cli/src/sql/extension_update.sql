-- Brings the extension to the version that the server has on disk.
ALTER EXTENSION safedeploy UPDATE
