"""A server that records what operations would run on it, and answers facts as it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyinfra.api import Config, Inventory, State
from pyinfra.api.connect import connect_all
from pyinfra.api.operations import run_ops
from pyinfra.api.state import BaseStateCallback, StateStage
from pyinfra.context import ctx_config, ctx_host, ctx_state

from coopinfra.roles.contract import Part


class _Names(BaseStateCallback):
    def __init__(self, recorded: list[str], commands: list[str]) -> None:
        self.recorded, self.commands = recorded, commands

    def operation_host_start(self, state: State, host: Any, op_hash: str) -> None:
        self._flush()
        self.recorded.append(next(iter(state.op_meta[op_hash].names)))

    def _flush(self) -> None:
        self.recorded += [f"    {line}" for command in self.commands for line in command.splitlines()]
        self.commands.clear()


def recorded(phase: Callable[[Part[Any]], None], part: Part[Any], answers: Mapping[str, str]) -> list[str]:
    """Return the names of a phase's operations, each followed by the commands that it ran, facts included.

    answers: part of a fact's command -> what the server prints
    """
    data = {"fake_responses": dict(answers), "fake_delay": 0, "fake_delay_jitter": 0}
    inventory = Inventory(([("@fake/web1", data)], {}))
    state = State(inventory, Config(), check_for_changes=False)
    connect_all(state)
    state.set_stage(StateStage.Prepare)
    host = next(iter(inventory))
    lines: list[str] = []
    names = _Names(lines, host.connector.executed_commands)
    state.add_callback_handler(names)
    try:
        with ctx_state.use(state), ctx_host.use(host), ctx_config.use(state.config.copy()):
            phase(part)
            state.set_stage(StateStage.Execute)
            run_ops(state)
            names._flush()
    finally:
        for context in (ctx_state, ctx_host, ctx_config):
            context.reset()
    assert not state.failed_hosts
    return lines
