CREATE TYPE safedeploy.change AS (
	seq integer,
	op text,
	kind text,
	identity text,
	path text,
	old jsonb,
	new jsonb,
	facet text,
	class text,
	severity text,
	data_loss text,
	cause integer,
	confidence text,
	summary text,
	object text,
	hits text[]
);
COMMENT ON TYPE safedeploy.change IS
'one difference between two schema snapshots. op: add, drop, alter, rename, move, recreate, rewrite, reorder, unknown (an object that one of the snapshots could not read); kind: of the changed thing; identity: the top-level object, by its new name unless it was dropped; path: inside the facet''s document, NULL for the whole object; class: real, cosmetic, order, physical (same definition, but the thing was made anew or rewritten), environment (of what surrounds the schema); severity: info, additive, caution, locking, breaking, security, destructive; data_loss: none, possible, certain; cause: seq of the change this one follows from; confidence: exact (same database, matched by OID) or textual (matched by name); summary: one sentence; object: kind of the top-level object; hits: earlier objects that the change hits, as kind and identity: the object itself as it was, what a new one is attached to, those whose changes follow from this one, and those that depend on what changed';
