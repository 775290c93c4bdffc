"""Boxes need root: ask sudo for it, once, and go on as the same command."""

from __future__ import annotations

import os
import shutil
import sys

from coopinfra.cli.console import say

# What decides where things lie and how they look; root's own would lead elsewhere.
KEPT = ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "COOPINFRA_INVENTORIES", "NO_COLOR", "TERM", "COLUMNS")


def become_root() -> None:
    """Start this command anew through sudo; does nothing for root, for somebody who only asks, and without sudo."""
    if os.geteuid() == 0 or {"-h", "--help"} & set(sys.argv) or not shutil.which("sudo"):
        return
    say("boxes need root: asking sudo")
    command = [sys.executable, "-m", "coopinfra.cli.main", *sys.argv[1:]]
    os.execvp("sudo", ["sudo", f"--preserve-env={','.join(KEPT)}", "--", *command])  # noqa: S606 - the same command
