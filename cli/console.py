"""Talk to people: on stderr, but for `show`, so that stdout stays readable for programs.

What a server says may be meant for the terminal: it is made harmless here, whoever quotes it.
"""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Iterable

from coopinfra.deploy.organisation.problems import CoopinfraError, Problem

MOST_LETTERS = 20_000
"""Longer texts are cut: nobody reads them, and they come from a server that has gone mad."""


def harmless(text: str) -> str:
    """Show control characters, and what turns the direction of writing, as JSON's escapes; lines and tabs stay."""
    return "".join(letter if _is_harmless(letter) else _escaped(letter) for letter in text)


def _is_harmless(letter: str) -> bool:
    # Cc: control characters. Cf: invisible ones, among them those that show a text backwards. Cs: halves of letters.
    return letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs")


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def show(text: str) -> None:
    """Print to stdout what was asked for."""
    print(harmless(text))


def say(text: str = "", *, style: str = "") -> None:
    """Print one line for people; `style` is rich's, and absent where colour is not wanted."""
    text = harmless(text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}... (cut)")
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
    # What is escaped within a text is escaped as JSON escapes, so it stays what it was for a program.
    show(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_line(value: object) -> None:
    """Print JSON to stdout in one line, at once: whoever reads it may be waiting for it."""
    print(harmless(json.dumps(value, ensure_ascii=False, default=str)), flush=True)


def forget_stdout() -> None:
    """Go on without anybody who reads stdout: they have seen enough, as in `coopinfra plan ... | head`."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def problems_as_data(problems: Iterable[Problem]) -> list[dict[str, object]]:
    """Turn problems into what `--json` prints."""
    return [{"file": p.file, "line": p.line, "message": p.message, "hint": p.hint} for p in problems]


def _colour() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")
