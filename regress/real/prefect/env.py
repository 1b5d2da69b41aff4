"""Runs the revisions that prefect ships on a plain psycopg2 connection.

prefect's own environment drives asyncpg, which ignores PGOPTIONS; its settings that
matter to migrations (a transaction for each revision, schemas) are kept.
"""

import os

from alembic import context
from sqlalchemy import create_engine, pool
from sqlalchemy.engine import make_url

url = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg2")
options = dict(include_schemas=True, transaction_per_migration=True)

if context.is_offline_mode():
    context.configure(url=url, literal_binds=True, dialect_opts={"paramstyle": "named"}, **options)
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()
