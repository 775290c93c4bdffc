"""Finds commands of ours in text, and says which do not exist."""

from __future__ import annotations

import re

from typer.main import get_command

from coopinfra.cli.main import make_app

# What the launcher knows besides the verbs of the command.
LAUNCHER_ONLY = {"test"}


def problems_with(command: str) -> list[str]:
    """Say what of a command line does not exist."""
    group = get_command(make_app())
    words = re.sub(r"\s#.*", "", command).split()
    while words and hasattr(group, "commands"):
        name = words.pop(0)
        if name in LAUNCHER_ONLY:
            return []
        if name not in group.commands:
            return [f"there is no command {name}"]
        group = group.commands[name]
    options = {option for parameter in group.params for option in parameter.opts}
    return [f"there is no option {word}" for word in words if word.startswith("-") and word not in options]


def commands_in(text: str) -> list[str]:
    """Return every command that stands on a line of its own or in backticks, without our name."""
    return re.findall(r"(?:^\s*|`)(?:\./)?coopinfra ([a-z][^`\n]*)", text, re.MULTILINE)
