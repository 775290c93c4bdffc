"""Runs operations on one server through pyinfra's API: one State for one server, results read by ourselves."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from pyinfra.api import Config, Inventory, State
from pyinfra.api.connect import connect_all
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.operations import run_ops
from pyinfra.api.state import BaseStateCallback, StateStage
from pyinfra.context import ctx_config, ctx_host, ctx_state

from coopinfra.deploy.engine.connection import Connection, ServerError
from coopinfra.deploy.organisation.problems import Problem

Step = Callable[[str, int, int], None]
"""Called with an operation's name, its number, and how many there are."""


class _InThisThread(threading.local):
    # What the plain `pyinfra` command has set before it loads us; it is one for all of its threads.
    module: Any = ctx_state.context._container.module  # noqa: SLF001 - there is no other way in


# pyinfra keeps the host and the configuration apart for each thread, but one state for the whole process. Ours are one
# for each server, several at once: without this they would take each other's.
ctx_state.context._container = _InThisThread()  # noqa: SLF001 - there is no other way in


@dataclass(frozen=True)
class Operation:
    """One operation of a run: its name, and whether it changed anything."""

    name: str
    changed: bool


class OperationFailed(ServerError):
    """A command on the server failed."""

    kind = "operation"


class _Steps(BaseStateCallback):
    def __init__(self, report: Step) -> None:
        self.report, self.current = report, ""

    # pyinfra declares its callbacks static and calls them on the instance.
    def operation_host_start(self, state: State, host: Any, op_hash: str) -> None:  # type: ignore[override]
        self.current, order = _name(state, op_hash), state.get_op_order()
        self.report(self.current, order.index(op_hash) + 1, len(order))

    def operation_host_success(self, state: State, host: Any, op_hash: str, retry_count: int = 0) -> None:  # type: ignore[override]
        host.connector.flush()


@contextmanager
def on_server(connection: Connection) -> Iterator[State]:
    """Make pyinfra's state for one server, in which facts can be read and operations called."""
    # pyinfra logs every command and its failures; whoever called us says both in our words.
    logging.getLogger("pyinfra").setLevel(logging.CRITICAL + 1)
    inventory = Inventory(([(f"@coop/{connection.label}", {"connection": connection})], {}))
    # The preview was made already; what an operation finds when its turn comes decides.
    state = State(inventory, Config(), check_for_changes=False)
    connect_all(state)
    state.set_stage(StateStage.Prepare)
    host = next(iter(inventory))
    try:
        with ctx_state.use(state), ctx_host.use(host), ctx_config.use(state.config.copy()):
            yield state
    except (PyinfraError, ValueError) as error:
        # An operation's failure is read from its results; what comes here is a fact that could not be had, or whose
        # answer (ValueError) makes no sense.
        raise OperationFailed(
            Problem(f"{connection.label}: a question to the server failed: {error}", "run `deploy` again")
        ) from error
    finally:
        # `use` forgets to clean up after an exception, and the next server of this thread would inherit.
        for context in (ctx_state, ctx_host, ctx_config):
            context.reset()


def would_change(state: State, operations: Iterable[str]) -> dict[str, str]:
    """Return, by their hashes, the names of those of some operations that would change something."""
    host = next(iter(state.inventory))
    return {each: _name(state, each) for each in operations if state.ops[host][each].operation_meta.will_change}


def run(state: State, report: Step) -> tuple[Operation, ...]:
    """Run the operations called so far, in order; raise OperationFailed at the first that fails.

    report: called as each operation begins; what it raises keeps that operation from beginning
    """
    host = next(iter(state.inventory))
    steps = _Steps(report)
    state.add_callback_handler(steps)
    state.set_stage(StateStage.Execute)
    try:
        # "No hosts remaining": the results below say which operation it was, and why.
        with suppress(PyinfraError):
            run_ops(state, serial=True)
    except ServerError as error:
        raise _during(error, steps.current) from error
    done = []
    for op_hash in state.get_op_order():
        meta = state.ops[host][op_hash].operation_meta
        if not meta.is_complete():
            break
        if not meta.did_succeed():
            raise OperationFailed(_failure(host.name, _name(state, op_hash), meta.stdout_lines + meta.stderr_lines))
        done.append(Operation(_name(state, op_hash), meta.did_change()))
    if state.failed_hosts:
        raise OperationFailed(Problem(f"{host.name}: pyinfra gave up after `{done[-1].name if done else 'nothing'}`"))
    return tuple(done)


def _during(error: ServerError, operation: str) -> ServerError:
    """Name the operation that was under way."""
    return type(error)(*(replace(each, message=f"{each.message}, during `{operation}`") for each in error.problems))


def _failure(server: str, operation: str, lines: list[str]) -> Problem:
    said = "\n    ".join(lines[-15:]) or "it said nothing"
    return Problem(f"{server}: `{operation}` failed:\n    {said}", "mend the cause and run `deploy` again: it goes on")


def _name(state: State, op_hash: str) -> str:
    return ", ".join(sorted(state.get_op_meta(op_hash).names))
