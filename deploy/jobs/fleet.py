"""Work on several servers at once; one that fails hides no other's result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
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
    known_hosts = Path(plan.folder) / "known_hosts"
    return tuple(Target(plan.organisation.id, each.server, identity, known_hosts) for each in plan.servers)


def on_each(work: Callable[[A], B], items: Iterable[A]) -> tuple[B | CoopinfraError, ...]:
    """Run `work` on every item at once; an error that an operator can fix takes the place of the result.

    Threads, not greenlets: pyinfra keeps its context for each, and nothing has to be patched before it is imported.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return tuple(pool.map(lambda item: _caught(work, item), items))


def _caught(work: Callable[[A], B], item: A) -> B | CoopinfraError:
    try:
        return work(item)
    except CoopinfraError as error:
        return error
