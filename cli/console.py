"""Talk to people: everything here goes to stderr, so that stdout stays readable for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable

from coopinfra.deploy.organisation.problems import CoopinfraError, Problem


def say(text: str = "", *, style: str = "") -> None:
    """Print one line for people; `style` is rich's, and absent where colour is not wanted."""
    if style and _colour():
        from rich.console import Console

        Console(stderr=True, highlight=False, soft_wrap=True).print(text, style=style, markup=False)
    else:
        print(text, file=sys.stderr)


def say_problems(error: CoopinfraError) -> None:
    """Print every problem of an error, each with its place and what to do."""
    for problem in error.problems:
        place = f"{problem.place}: " if problem.place else ""
        say(f"error: {place}{problem.message}", style="bold red")
        if problem.hint:
            say(f"  hint: {problem.hint}")


def print_json(value: object) -> None:
    """Print one JSON document to stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def problems_as_data(problems: Iterable[Problem]) -> list[dict[str, object]]:
    """Turn problems into what `--json` prints."""
    return [{"file": p.file, "line": p.line, "message": p.message, "hint": p.hint} for p in problems]


def _colour() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")
