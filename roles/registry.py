"""Finds the roles: every folder beside this file that holds a `checks.py`. Never imports pyinfra."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from coopinfra.roles.contract import Check, Directory, File, Part, Trial
from coopinfra.roles.declarations import Declaration, Fact, Need
from coopinfra.roles.facts import Server
from coopinfra.roles.settings import Settings

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Role:
    """One role: what its folder holds, imported no earlier than it is asked for."""

    name: str

    @property
    def folder(self) -> Path:
        """Where its templates, examples and runbook section lie; Python's names have no dashes."""
        return FOLDER / self.name.replace("-", "_")

    @property
    def package(self) -> str:
        """What its folder is called where it is imported."""
        return f"coopinfra.roles.{self.folder.name}"

    @property
    def settings(self) -> type[Settings]:
        """The model of what a client may choose."""
        model: type[Settings] = self._module().SETTINGS
        return model

    @property
    def provides(self) -> tuple[type[Need], ...]:
        """The kinds of need that it serves."""
        kinds: tuple[type[Need], ...] = self._module().PROVIDES
        return kinds

    @property
    def reads(self) -> tuple[type[Fact], ...]:
        """The kinds of fact that it is told, whoever on its server states them."""
        kinds: tuple[type[Fact], ...] = getattr(self._module(), "READS", ())
        return kinds

    @property
    def only_on(self) -> str:
        """Where it has a place: on `own` machines, on `shared` ones of others, or empty for both."""
        return str(getattr(self._module(), "ONLY_ON", ""))

    def fits(self, server: Server) -> bool:
        """Tell whether it has a place on a server."""
        return self.only_on in ("", "shared" if server.tenancy else "own")

    def declare(self, part: Part[Any]) -> tuple[Declaration, ...]:
        """Return what follows from its settings."""
        return tuple(self._module().declare(part))

    def files(self, part: Part[Any]) -> tuple[File | Directory, ...]:
        """Return every file that it writes."""
        return tuple(self._module("files").files(part)) if self._has("files") else ()

    def checks(self, part: Part[Any]) -> tuple[Check, ...]:
        """Return what is true on a healthy server."""
        return tuple(self._module("checks").checks(part))

    def trials(self, part: Part[Any]) -> tuple[Trial, ...]:
        """Return how its secrets are tried on the living server."""
        module = self._module("checks")
        return tuple(module.trials(part)) if hasattr(module, "trials") else ()

    def for_the_book(self, part: Part[Any]) -> Mapping[str, object]:
        """Return what its section of the books is told beside the part; most need nothing."""
        module = self._module()
        return dict(module.for_the_book(part)) if hasattr(module, "for_the_book") else {}

    def operations(self) -> ModuleType | None:
        """Import its pyinfra operations, if it has any; only a process that deploys calls this."""
        return self._module("operations") if self._has("operations") else None

    def _has(self, name: str) -> bool:
        return (self.folder / f"{name}.py").is_file()

    def _module(self, name: str = "") -> ModuleType:
        return import_module(".".join(filter(None, (self.package, name))))


@cache
def roles() -> dict[str, Role]:
    """Return every role by name."""
    names = (path.parent.name.replace("_", "-") for path in sorted(FOLDER.glob("*/checks.py")))
    return {name: Role(name) for name in names}


def providers(kind: type[Need]) -> Iterator[Role]:
    """Yield the roles that serve one kind of need."""
    return (role for role in roles().values() if kind in role.provides)
