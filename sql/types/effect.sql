CREATE TYPE safedeploy.effect AS (
	statement integer,
	effect    text,
	kind      text,
	object    text,
	lock_mode text,
	certain   boolean,
	detail    text
);
COMMENT ON TYPE safedeploy.effect IS 'what one statement does to one object, predicted by predict() or observed by a trace; effect is lock (lock_mode is the strongest mode that the statement newly holds on the relation when it ends, catalogs and toast left out, indexes only above AccessShareLock), rewrite (the table gets a new file by copying), build (an index is built or built again), scan (all of a relation is read), drop, new (made by the statement: nobody else can use it yet) or opaque (cannot be told, and detail says why; never to be read as harmless)';
