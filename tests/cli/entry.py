"""The command as its entry point runs it, for tests in the same process."""

import sys

from coopinfra.cli.main import main


def run_command(monkeypatch, capsys, *arguments):
    """Run the command with these arguments; return exit code, stdout and stderr."""
    monkeypatch.setattr(sys, "argv", ["coopinfra", *arguments])
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    return code, *capsys.readouterr()
