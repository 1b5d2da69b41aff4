-- What has been given out so far: fencing tokens and ids of snapshots.
SELECT t.last_value, s.last_value FROM safedeploy.fencing_token AS t, safedeploy.snapshot_id_seq AS s
