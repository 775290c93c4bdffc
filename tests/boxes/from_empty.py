"""Deploys highbeam onto its bare server and counts exec channels; run in a lab by test_budget.py.

Prints how many there were, how many things were said in them (commands, questions, uploads), each of which would take
a channel by itself, and which operations changed something.
"""

import json
import sys

from coopinfra.deploy.engine.connection import Connection
from coopinfra.deploy.engine.connector import Connector
from coopinfra.deploy.jobs import deploy
from coopinfra.deploy.jobs.secrets_ready import make_ready


def counted(method, what, number):
    def counting(self, *arguments, **options):
        counts[what] += number(*arguments)
        return method(self, *arguments, **options)

    return counting


# At the classes: pyinfra hands out copies of what a host's data holds, and each would count for itself.
counts = {"channels": 0, "together": 0}
Connection.open = counted(Connection.open, "channels", lambda command: 1)
Connection.run_all = counted(Connection.run_all, "together", lambda commands, *_: len(commands) - 1)
Connector.put_file = counted(Connector.put_file, "together", lambda *_: 1)
ready = make_ready("highbeam")
prepared = deploy.prepare(ready.plan, lambda event: None, ready.reveal)
(result,) = deploy.apply(prepared, lambda event: None)
if isinstance(result, Exception):
    raise result
said = counts["channels"] + counts["together"]
sys.stdout.write(json.dumps({"channels": counts["channels"], "said": said, "changed": result.changed}))
