-- For a comparison that stores what it needs and takes it back.
BEGIN ISOLATION LEVEL REPEATABLE READ
