"""Runs tasks over our own connection and connector, as `coopinfra deploy` does.

`ours.py ADDRESS KEY KNOWN_HOSTS WHAT`, where WHAT is one of `operations SOURCES CHANGED VALUE`, `primitives CHANGED
VALUE`, `put-files SOURCES NUMBER`, `bundled-files NUMBER`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import paramiko

import as_primitives
import as_pyinfra
from coopinfra.deploy.engine.identity import Identity
from coopinfra.deploy.engine.pyinfra_run import on_server, run
from coopinfra.deploy.engine.reach import Target, connect_as
from coopinfra.deploy.engine.reading import read_ahead
from coopinfra.roles.facts import Operator, Server


def tasks_of(what: str, words: list[str]) -> Callable[[], None]:
    """Return what calls the operations."""
    return {
        "operations": lambda: as_pyinfra.hundred_tasks(Path(words[0]), int(words[1]), words[2]),
        "primitives": lambda: as_primitives.hundred_tasks(int(words[0]), words[1]),
        "put-files": lambda: as_pyinfra.many_files(Path(words[0]), int(words[1])),
        "bundled-files": lambda: as_primitives.many_files(int(words[0])),
    }[what]


def main() -> None:
    """Connect, call the operations, ask ahead, run, and say how many of them changed something."""
    address, key, known_hosts, what, *words = sys.argv[1:]
    server = Server("box", "box.example", address, ())
    identity = Identity(Operator("root", "Bench", ()), paramiko.Ed25519Key.from_private_key_file(key))
    connection = connect_as(Target("bench", server, identity, Path(known_hosts)), "root")
    try:
        with on_server(connection) as state:
            tasks_of(what, words)()
            read_ahead(state)
            done = run(state, lambda *_: None)
    finally:
        connection.close()
    print(f"{sum(operation.changed for operation in done)} of {len(done)} operations changed something")


if __name__ == "__main__":
    main()
