"""What a backup holds, as it says itself, and what of it somebody wants back; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.organisation.words import suggest
from coopinfra.roles.primitives.manifest import Manifest
from coopinfra.roles.settings import Table

SITES = "website"
"""The role whose parts people call sites."""


@dataclass(frozen=True)
class Wish:
    """What somebody wants back, several joined; none for all of it. `into`: a folder, or in place."""

    path: str = ""
    database: str = ""
    site: str = ""
    service: str = ""
    into: str = ""

    @property
    def is_all(self) -> bool:
        """Whether nothing of it is named."""
        return not (self.path or self.database or self.site or self.service)


@dataclass(frozen=True)
class Contents:
    """What a backup holds."""

    files: Mapping[str, int] = field(default_factory=lambda: Table({}))
    """The number of files of each path."""
    databases: tuple[str, ...] = ()
    belongs: tuple[tuple[str, str, str], ...] = ()
    """Role, or its part such as `website/shop`; `path` or `database`; which one."""
    releases: tuple[str, ...] = ()
    """Of coopinfra: the one that the backup was made with, and the one that the server has."""

    def wanted(self, wish: Wish) -> tuple[tuple[str, str], ...]:
        """Return kind and name of all that a wish means; raise InputError where the backup has nothing of it."""
        if wish.is_all:
            return (*(("path", path) for path in self.files), *(("database", name) for name in self.databases))
        found = [("path", wish.path)] if wish.path else []
        found += [("database", self._database(wish.database))] if wish.database else []
        found += self._of(f"{SITES}/{wish.site}") if wish.site else []
        found += self._of(wish.service) if wish.service else []
        return tuple(dict.fromkeys(found))

    def owner(self, kind: str, name: str) -> str:
        """Return what something belongs to, or the folder that it is in; empty where the backup does not say."""
        fits = [each for each in self.belongs if each[1] == kind and f"{name}/".startswith(f"{each[2]}/")]
        return max(fits, key=lambda each: len(each[2]))[0] if fits else ""

    def _database(self, name: str) -> str:
        """Return what the backup calls a database: people may leave out its engine."""
        found = [each for each in self.databases if name in (each, each.partition("-")[2])]
        if len(found) != 1:
            hint = f"it holds {', '.join(f'`{each}`' for each in self.databases) or 'none'}"
            raise InputError(Problem(f"the backup holds no database `{name}`, or several", hint))
        return found[0]

    def _of(self, owner: str) -> list[tuple[str, str]]:
        """Return what belongs to a role with all its parts, or to one of them."""
        found = [(kind, name) for each, kind, name in self.belongs if each == owner or each.startswith(f"{owner}/")]
        if not found:
            known = {part for each, *_ in self.belongs for part in (each, each.partition("/")[0])}
            what, there = ("site", {each.removeprefix(f"{SITES}/") for each in known if each.startswith(f"{SITES}/")})
            if not owner.startswith(f"{SITES}/"):
                what, there = "service", {each for each in known if "/" not in each}
            name = owner.removeprefix(f"{SITES}/")
            hint = suggest(name, there, "it holds") or "it names none: `--path` and `--database` bring back each"
            raise InputError(Problem(f"the backup holds nothing of a {what} `{name}`", hint))
        return found


def read_contents(said: str) -> Contents:
    """Read what the server's script prints of a backup: its numbers of files, and the list of what is in it."""
    lines = [line.split(" ", 2) for line in said.splitlines()]
    return Contents(
        Table({each[2]: int(each[1]) for each in lines if each[0] == "files"}),
        tuple(each[1] for each in lines if each[0] == "dump"),
        tuple((each[1], *each[2].split(" ", 1)) for each in lines if each[0] == "of"),  # type: ignore[misc]
        tuple(each[1] for each in lines if each[0] == "release"),
    )


def refuse_older(server: str, made: str, there: str) -> None:
    """Raise InputError where a server has an older release than a backup was made with: it may not know what came."""
    if Manifest(release=made).is_later_than(there):
        message = f"{server} was deployed by coopinfra {there}, and the backup is of {made}"
        raise InputError(Problem(message, "deploy it with the newer release first"))
