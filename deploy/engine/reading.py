"""Asks ahead: what all operations want to know first is fetched in a few round trips, however many they are.

An operation of pyinfra asks its facts one by one and each costs two round trips, so a hundred operations that have
nothing to do cost minutes on a slow line. Here each is begun and given up at the first question without an answer; the
questions of all are asked together, and those who were given up begin again. That takes as many rounds as one question
leads to another within an operation, which is two or three. It only fills the connector's memory: what an operation
then does is decided by pyinfra as ever, and one that cannot be begun says why when its turn comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from pyinfra.api import State

from coopinfra.deploy.engine.connector import Connector, NotAskedYet


def read_ahead(state: State, *others: Callable[[], Iterator[Any]]) -> int:
    """Fetch what the operations called so far ask before they change anything; return the number of round trips.

    others: what else asks something, and does so before its first value
    """
    host, connector = next(iter(state.inventory)), _connector(state)
    operations = {each: state.ops[host][each].command_generator for each in state.get_op_order()}
    waiting: dict[str, Callable[[], Iterator[Any]]] = {
        **operations,
        **{f"other {number}": each for number, each in enumerate(others)},
    }
    heard: dict[str, tuple[str, ...]] = {}
    acting = set()
    rounds = 0
    while waiting:
        with connector.collecting() as questions:
            for name, begin in tuple(waiting.items()):
                asking = connector.hearing()
                with suppress(NotAskedYet):
                    if _acts(begin):
                        acting.add(name)
                    heard[name] = tuple(asking)
                    del waiting[name]
        if questions:
            connector.ask(tuple(questions))
            rounds += 1
    connector.foresight.expect({each: heard[each] for each in operations}, acting)
    return rounds


def ask_again(state: State, questions: tuple[str, ...]) -> None:
    """Ask at once what a comparison of the same server with the same plan asked."""
    _connector(state).ask(questions)


def asked_so_far(state: State) -> tuple[str, ...]:
    """Return all that was asked so far, in the server's own words."""
    return _connector(state).questions


def _connector(state: State) -> Connector:
    connector = next(iter(state.inventory)).connector
    assert isinstance(connector, Connector)
    return connector


def _acts(begin: Callable[[], Iterator[Any]]) -> bool:
    """Run an operation to its first command, which is not carried out; tell whether there is one."""
    try:
        return next(begin(), None) is not None
    except NotAskedYet:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, it comes again where it is reported
        return False
