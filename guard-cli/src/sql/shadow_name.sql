-- Name of the warm shadow of a database; parameters: where the database is (its system identifier, or "here" when
-- the shadow is on the same server), the database.  Each role has its own, since nobody else may copy or drop it.
SELECT pg_catalog.concat('migguard_shadow_',
                         pg_catalog.lpad(pg_catalog.to_hex(pg_catalog.hashtextextended(
                             pg_catalog.concat_ws('/', $1::pg_catalog.text, current_user::pg_catalog.text, $2::pg_catalog.text), 0)), 16, '0'))
