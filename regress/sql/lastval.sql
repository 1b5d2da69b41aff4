-- What the library writes by itself leaves the session's own lastval() alone.
CREATE TABLE lastval_old (id integer);
CREATE SEQUENCE lastval_mine START 4711;
\c -
LOAD 'safedeploy';
SELECT safedeploy.forget_drift('infinity') >= 0 AS emptied;
SELECT nextval('lastval_mine');

-- the record of drift
CREATE TABLE lastval_t (id integer);
SELECT lastval(), (SELECT count(*) FROM safedeploy.drift WHERE tag = 'CREATE TABLE') AS recorded;

-- the record of what is permitted and warned of, written when the transaction ends
SET safedeploy.protect = warn;
SELECT safedeploy.permit('TRUNCATE lastval_old', ARRAY['rows of table public.lastval_old'], 'test') > 0 AS permitted;
SELECT lastval();
TRUNCATE lastval_old;
SELECT lastval(), (SELECT verdict FROM safedeploy.permit_use ORDER BY id DESC LIMIT 1);
DROP TABLE lastval_old;
SELECT lastval(), (SELECT verdict FROM safedeploy.permit_use ORDER BY id DESC LIMIT 1);
RESET safedeploy.protect;

-- a trace of a run
SET safedeploy.run_id = '00000000-0000-4000-8000-00000000a0a0';
SET safedeploy.trace = on;
ALTER TABLE lastval_t ADD COLUMN b integer;
RESET safedeploy.trace;
RESET safedeploy.run_id;
SELECT lastval(), (SELECT count(*) FROM safedeploy.run_statement WHERE tag = 'ALTER TABLE' AND run_id = '00000000-0000-4000-8000-00000000a0a0') AS recorded;
DELETE FROM safedeploy.run_statement WHERE run_id = '00000000-0000-4000-8000-00000000a0a0';

-- tokens and snapshots
SELECT safedeploy.unlock('lastval', safedeploy.try_lock('lastval')) AS unlocked;
SELECT safedeploy.drop_snapshot(safedeploy.take_snapshot());
SELECT lastval();

-- and each of these sequences goes on from where it was, whoever draws
SELECT last_value AS before FROM safedeploy.drift_event_id_seq \gset
SELECT nextval('safedeploy.drift_event_id_seq') - :before AS one;
DROP TABLE lastval_t;
SELECT max(id) - :before AS two FROM safedeploy.drift;
SELECT nextval('safedeploy.drift_event_id_seq') - :before AS three;

DROP SEQUENCE lastval_mine;
