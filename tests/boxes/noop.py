"""Compares highbeam's server with its plan and converges it though nothing differs; run in a lab by test_budget.py.

Prints how many exec channels each took, and which operations changed something. With `forgetful`, nothing is asked
ahead and no answer is kept, as pyinfra does by itself.
"""

import json
import sys
from dataclasses import replace

from coopinfra.deploy.engine.connection import Connection
from coopinfra.deploy.engine.connector import Connector
from coopinfra.deploy.engine.converge import converge
from coopinfra.deploy.engine.pyinfra_run import on_server, run
from coopinfra.deploy.engine.reading import read_ahead
from coopinfra.deploy.jobs import deploy
from coopinfra.deploy.organisation.load import load_named
from coopinfra.deploy.planning.make import make_plan


def as_pyinfra_does(self, question, timeout):
    self._questions[question] = None
    return self.connection.run(question, timeout=timeout)


def counted(self, command):
    channels.append(command)
    return open_one(self, command)


# At the class: pyinfra hands out copies of what a host's data holds, and each would count for itself.
channels, open_one = [], Connection.open
Connection.open = counted
forgetful = "forgetful" in sys.argv
if forgetful:
    Connector._answer = as_pyinfra_does
# An example's own role is on its first server.
plan = make_plan(load_named("highbeam"))
plan = replace(plan, servers=plan.servers[:1])
(prepared,) = deploy.prepare(plan, lambda event: None)
if isinstance(prepared, Exception):
    raise prepared
compared = len(channels)
with on_server(prepared.connection) as state:
    converge(prepared.plan, prepared.sources, guard=lambda: None, wait=120)
    None if forgetful else read_ahead(state)
    done = run(state, lambda *_: None)
counts = {"compare": compared, "converge": len(channels) - compared, "operations": len(done)}
prepared.connection.close()
sys.stdout.write(json.dumps(counts | {"changed": [each.name for each in done if each.changed]}))
