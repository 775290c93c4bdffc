"""What people type all day starts fast: it loads neither the engine nor anything else that takes its time."""

import subprocess
import sys

import pytest

HEAVY = {"pyinfra", "paramiko", "gevent", "cryptography", "testinfra", "rich", "dns"}


def loaded(*words):
    """What a fresh process has loaded after a command, since this one has loaded everything."""
    program = (
        f"import sys; sys.argv = ['coopinfra', *{words!r}]\n"
        "from coopinfra.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('\\nloaded:', *{name.partition('.')[0] for name in sys.modules})"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(ran.stdout.rpartition("loaded:")[2].split())


@pytest.mark.parametrize(
    "words", [("validate",), ("schema",), ("plan", "highbeam", "--offline"), ("--help",)], ids=lambda words: words[0]
)
def test_it_loads_nothing_heavy(words):
    found = loaded(*words)

    assert "typer" in found
    assert found & HEAVY == set()


def test_the_same_look_finds_what_a_deploy_loads():
    assert {"pyinfra", "paramiko", "gevent"} <= loaded("deploy", "nobody")
