"""Asks ahead: what all operations want to know first is fetched in a few round trips, however many they are.

An operation of pyinfra asks its facts one by one and each costs two round trips, so a hundred operations that have
nothing to do cost minutes on a slow line. Here each is begun and given up at the first question without an answer; the
questions of all are asked together, and those who were given up begin again. That takes as many rounds as one question
leads to another within an operation, which is two or three. It only fills the connector's memory: what an operation
then does is decided by pyinfra as ever, and one that cannot be begun says why when its turn comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pyinfra.api import State

from coopinfra.deploy.engine.connector import Connector, NotAskedYet


def read_ahead(state: State, *others: Callable[[], Iterator[Any]]) -> int:
    """Fetch what the operations called so far ask before they change anything; return the number of round trips.

    others: what else asks something, and does so before its first value
    """
    host = next(iter(state.inventory))
    connector = host.connector
    assert isinstance(connector, Connector)
    waiting = [state.ops[host][operation].command_generator for operation in state.get_op_order()]
    waiting += others
    rounds = 0
    while waiting:
        with connector.collecting() as questions:
            waiting = [begin for begin in waiting if not _has_asked_all(begin)]
        if questions:
            connector.ask(tuple(questions))
            rounds += 1
    return rounds


def _has_asked_all(begin: Callable[[], Iterator[Any]]) -> bool:
    """Run an operation to its first command, which is not carried out."""
    try:
        next(begin(), None)
    except NotAskedYet:
        return False
    except Exception:  # noqa: BLE001 - whatever it is, it comes again where it is reported
        return True
    return True
