"""Work on several servers at once; one that fails hides no other's result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from threading import Event, Thread
from typing import TypeVar

from coopinfra.deploy.engine.identity import find_identity
from coopinfra.deploy.engine.reach import Target
from coopinfra.deploy.organisation.problems import CoopinfraError
from coopinfra.deploy.planning.plan import Plan

A = TypeVar("A")
B = TypeVar("B")

AT_ONCE = 20


def targets(plan: Plan) -> tuple[Target, ...]:
    """Return how to reach every server of a plan, as the operator who is at the keyboard."""
    identity = find_identity(plan.collective.operators)
    return tuple(
        Target(plan.organisation.id, each.server, identity, plan.known_hosts(each.server)) for each in plan.servers
    )


def on_each(work: Callable[[A], B], items: Iterable[A]) -> tuple[B | CoopinfraError, ...]:
    """Run `work` on every item at once; an error that an operator can fix takes the place of the result.

    Threads, not greenlets: pyinfra keeps its context for each, and nothing has to be patched before it is imported.
    Whoever is told by a signal to end at once may leave while they work: they are daemons, unlike a pool's, which
    Python waits for.
    """
    items = tuple(items)
    done: dict[int, B | CoopinfraError] = {}
    bugs: list[BaseException] = []
    turns = count()

    def worker(ended: Event) -> None:
        while (turn := next(turns)) < len(items):
            try:
                done[turn] = work(items[turn])
            except CoopinfraError as error:
                done[turn] = error
            except BaseException as bug:  # noqa: BLE001 - raised below, where it is seen
                bugs.append(bug)
        ended.set()

    ends = [Event() for _ in range(min(AT_ONCE, len(items)))]
    for ended in ends:
        Thread(target=worker, args=(ended,), daemon=True).start()
    for ended in ends:
        # Not `join`: a signal in the wrong moment leaves that waiting for a thread which is gone (Python 3.11).
        ended.wait()
    if bugs:
        raise bugs[0]
    return tuple(done[turn] for turn in range(len(items)))
