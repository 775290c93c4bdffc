"""The real command, ended from outside: in a sentence, and with exit code 3."""

import pty
import signal
import subprocess
import sys

import pytest

# As it is at a prompt: `init` has asked its first question, and nobody answers. Whoever runs the tests by `nohup` would
# hand on a signal that is ignored.
ASKING = ["env", "--default-signal", sys.executable, "-m", "coopinfra.cli.main", "init", "acme"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_ended_says_so_and_ends_with_3(number, tmp_path):
    _ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ASKING, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not process.stderr.read(1).strip():
        pass
    process.send_signal(number)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 3, said
    assert said.endswith("interrupted; the next run goes on from here\n")
    assert "Traceback" not in said
