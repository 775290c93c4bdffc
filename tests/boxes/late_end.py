"""Runs commands on highbeam's first server over a slow end of input; run in a lab by test_faults_network.py.

paramiko's answer to the server's end overtakes the end of our input, as it does on a busy machine once in a while.
Prints how each command ended; with `told`, each is told that its input has ended, though it needs none.
"""

import json
import sys
import time
from io import BytesIO

import paramiko

from coopinfra.deploy.engine.connection import Unreachable
from coopinfra.deploy.engine.reach import connect
from coopinfra.deploy.jobs.fleet import targets
from coopinfra.deploy.organisation.load import load_named
from coopinfra.deploy.planning.make import make_plan


def late(channel, how):
    with channel.lock:
        end = channel._send_eof()
    time.sleep(0.5)
    if end is not None:
        channel.transport._send_user_message(end)


paramiko.Channel.shutdown = late
target = targets(make_plan(load_named("highbeam")))[0]
connection, ended = connect(target), []
for given in (None, b"x" * 10_000_000, None):
    try:
        if "told" in sys.argv:
            channel = connection.open("true")
            channel.shutdown_write()
            ended.append(channel.recv_exit_status())
        else:
            ended.append(connection.run("true", BytesIO(given) if given else None).code)
    except (Unreachable, OSError, EOFError, paramiko.SSHException) as error:
        ended.append(str(error))
connection.close()
sys.stdout.write(json.dumps(ended))
