# shellcheck shell=bash
# For benchmarks: sourced after server.sh, with a server running.

sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

# best COMMAND...: milliseconds of the fastest of five runs (SD_BENCH_RUNS), which are processes
best() {
	local from to run
	for ((run = 0; run < ${SD_BENCH_RUNS:-5}; run++)); do
		from=$(date +%s%N)
		"$@" >/dev/null || return 1
		to=$(date +%s%N)
		echo $(((to - from) / 10000))
	done | sort -n | awk 'NR == 1 { printf "%.2f\n", $1 / 100 }'
}

# best_statement SQL: milliseconds of the fastest of five runs in one session, without its connection
best_statement() {
	{
		printf '%s\n' '\timing on'
		for _ in $(seq "${SD_BENCH_RUNS:-5}"); do echo "$1;"; done
	} | sql -o /dev/null | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | sort -n | head -n 1
}

# ratio A B: A / B
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# peak_memory SQL: the most private memory, in MB, that the backend of a statement had
peak_memory() {
	local pid peak=0 now out
	out=$(mktemp)
	sql -c 'SELECT pg_backend_pid()' -c 'SELECT pg_sleep(0.5)' -c "$1" >"$out" &
	until [ -s "$out" ]; do sleep 0.05; done
	pid=$(head -n 1 "$out")
	while now=$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
		[ "$now" -le "$peak" ] || peak=$now
		sleep 0.01
	done
	wait $!
	rm -f "$out"
	echo $((peak / 1024))
}

# fill_tables COUNT MIXED: makes schema "bench" with tables of 10 columns with a primary key, 2
# indexes and 1 foreign key.  With MIXED = true one index is of expressions and partial, each table
# has a check, and there are a view, a function and a trigger for each ten tables and a comment
# for each two.
fill_tables() {
	sql -c 'CREATE SCHEMA bench' -c "DO \$\$
	BEGIN
		CREATE FUNCTION bench.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		FOR i IN 1..$1 LOOP
			EXECUTE format('CREATE TABLE bench.t%s (id bigint PRIMARY KEY, b integer NOT NULL DEFAULT 0, c text, d numeric(10, 2),
				e timestamptz DEFAULT now(), f varchar(20), g boolean, h date, i bigint REFERENCES bench.t%s, j text)', i, greatest(i - 1, 1));
			EXECUTE format('CREATE INDEX t%s_b ON bench.t%s (b)', i, i);
			IF NOT $2 THEN
				EXECUTE format('CREATE INDEX t%s_c ON bench.t%s (c, f)', i, i);
			ELSE
				EXECUTE format('CREATE INDEX t%s_c ON bench.t%s (lower(c), f) WHERE g', i, i);
				EXECUTE format('ALTER TABLE bench.t%s ADD CHECK (d > 0)', i);
				IF i % 2 = 0 THEN
					EXECUTE format('COMMENT ON COLUMN bench.t%s.c IS %L', i, 'comment ' || i);
				END IF;
				IF i % 10 = 0 THEN
					EXECUTE format('CREATE VIEW bench.v%s AS SELECT t.id, t.b, upper(t.c) AS c FROM bench.t%s t JOIN bench.t%s u ON u.id = t.i WHERE t.g', i, i, i - 1);
					EXECUTE format('CREATE FUNCTION bench.f%s(a integer) RETURNS integer LANGUAGE sql AS %L', i, 'SELECT a + ' || i);
					EXECUTE format('CREATE TRIGGER tr BEFORE UPDATE ON bench.t%s FOR EACH ROW EXECUTE FUNCTION bench.touch()', i);
				END IF;
			END IF;
			IF i % 500 = 0 THEN
				COMMIT;
			END IF;
		END LOOP;
	END \$\$" -c 'VACUUM ANALYZE'
}
