"""Runs single steps of an Alembic history in one process.

  alembic_steps.py ALEMBIC_INI

Starting Alembic anew for each of hundreds of steps costs minutes, most of them
spent on imports.  Reads one JSON list a line and answers with one JSON object a
line: {"ok": true, ...} or {"ok": false, "error": text}.

  ["revisions"]                 -> "revisions": from the first to the head
  ["ensure", URL]               creates the version table
  ["upgrade", URL, REVISION]
  ["downgrade", URL, REVISION]  "base" for the revision before the first
"""

import json
import os
import sys

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

# env.py may print; answers have a descriptor of their own.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

config = Config(sys.argv[1])
script = ScriptDirectory.from_config(config)


def run(url, steps):
    os.environ["DATABASE_URL"] = url
    with EnvironmentContext(config, script, fn=steps):
        script.run_env()


def ensure(url):
    def steps(revision, context):
        context._ensure_version_table()
        context.connection.commit()
        return []

    run(url, steps)


def upgrade(url, target):
    run(url, lambda revision, context: script._upgrade_revs(target, revision))


def downgrade(url, target):
    run(url, lambda revision, context: script._downgrade_revs(target, revision))


def revisions():
    return {"revisions": [r.revision for r in reversed(list(script.walk_revisions()))]}


commands = {"revisions": revisions, "ensure": ensure, "upgrade": upgrade, "downgrade": downgrade}

for line in sys.stdin:
    name, *arguments = json.loads(line)
    try:
        answer = {"ok": True, **(commands[name](*arguments) or {})}
    except Exception as error:
        answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
    answers.write(json.dumps(answer) + "\n")
