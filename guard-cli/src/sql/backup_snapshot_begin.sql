-- What a backup reads is read by one snapshot.
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY
