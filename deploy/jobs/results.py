"""What became of a server in a deploy, and how it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TypeVar

from coopinfra.deploy.checks.run import Outcome
from coopinfra.deploy.engine.converge import NOTES
from coopinfra.deploy.engine.events import Event, Report
from coopinfra.deploy.engine.lock import Interrupted
from coopinfra.deploy.engine.pyinfra_run import Operation
from coopinfra.deploy.organisation.problems import CoopinfraError
from coopinfra.roles.primitives.changes import Change

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """What a deploy did on one server."""

    server: str
    operations: tuple[Operation, ...]
    waiting: tuple[Outcome, ...]
    interrupted: tuple[Interrupted, ...] = ()
    reverted_first: bool = False
    seconds: float = 0
    changes: tuple[Change, ...] = ()
    """What differed before, and is as declared now."""

    @property
    def changed(self) -> tuple[str, ...]:
        """The operations that changed something."""
        return tuple(each.name for each in self.operations if each.changed and each.name not in NOTES)

    def as_data(self) -> dict[str, object]:
        """Return what programs and the run's log get."""
        return {
            "result": "changed" if self.changed else "unchanged",
            "seconds": round(self.seconds, 1),
            "changed": list(self.changed),
            "changes": [asdict(change) for change in self.changes],
            "interrupted": [str(each) for each in self.interrupted],
            "reverted_first": self.reverted_first,
            "waiting": [
                {"for": each.waits_for, "sentence": each.sentence, "found": each.found} for each in self.waiting
            ],
        }


def told(work: Callable[[], T], server: str, report: Report) -> T:
    """Report what became of a server, unless it is only prepared so far."""
    try:
        result = work()
    except CoopinfraError as error:
        problems = [{"message": each.message, "hint": each.hint} for each in error.problems]
        report(Event("result", server, result={"result": error.kind, "problems": problems}))
        raise
    if isinstance(result, Result):
        report(Event("result", server, result=result.as_data()))
    return result
