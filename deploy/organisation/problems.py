"""What an operator can fix: problems with a place and a hint, and the errors that carry them.

Exit codes: 1 the world disagrees, 2 the input is wrong, 3 a server failed, refused or could not be reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: what, where, and what to do about it."""

    message: str
    hint: str = ""
    file: str = ""
    line: int | None = None

    @property
    def place(self) -> str:
        """`file:line`, as much of it as is known."""
        return f"{self.file}:{self.line}" if self.file and self.line else self.file


class CoopinfraError(Exception):
    """What an operator can fix; anything else is our bug and keeps its traceback."""

    exit_code: ClassVar[int] = 3
    kind: ClassVar[str] = "failed"

    def __init__(self, *problems: Problem) -> None:
        """Keep every problem that one run has found, in the order of the file."""
        super().__init__("\n".join(describe(problem) for problem in problems))
        self.problems = problems


class InputError(CoopinfraError):
    """The files of the operator are wrong; nothing was touched."""

    exit_code = 2
    kind = "input"


class PlanError(InputError):
    """The files are well-formed but contradict each other."""

    kind = "plan"


class Disagreement(CoopinfraError):
    """The world is not as it was declared: a check failed, the server differs."""

    exit_code = 1
    kind = "disagreement"


def describe(problem: Problem) -> str:
    """Render one problem as `place: message` with its hint on a second line."""
    text = f"{problem.place}: {problem.message}" if problem.place else problem.message
    return f"{text}\n  hint: {problem.hint}" if problem.hint else text


def raise_all(problems: Iterable[Problem], error: type[CoopinfraError] = InputError) -> None:
    """Raise one error that lists all problems, if there are any."""
    found = tuple(problems)
    if found:
        raise error(*found)
