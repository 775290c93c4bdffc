"""Finds where the organisations lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.organisation.words import suggest
from coopinfra.roles.types import quoted

VARIABLE = "COOPINFRA_INVENTORIES"
SHIPPED = Path(__file__).parents[2] / "inventories"


def find_inventories() -> Path:
    """Return the folder of the organisations: as told, in or above the working directory, or the shipped example."""
    return _own() or SHIPPED


def new_inventories() -> Path:
    """Return the folder in which a new organisation belongs; it need not exist."""
    return _own() or Path.cwd() / "inventories"


def organisations() -> tuple[str, ...]:
    """Return the names of all organisations, sorted."""
    return tuple(sorted(path.parent.name for path in find_inventories().glob("*/org.yml")))


def org_folder(name: str) -> Path:
    """Return the folder of one organisation, or say which there are."""
    names = organisations()
    folder = find_inventories() / name
    if name in names or (_is_plain(name) and folder.is_dir()):
        return folder
    hint = suggest(name, names, "there are") if names else f"`coopinfra init {name}` makes one"
    raise InputError(Problem(f"there is no organisation {quoted(name)} in {find_inventories()}", hint))


def _is_plain(name: str) -> bool:
    return bool(name) and "/" not in name and "\0" not in name and not name.startswith(".")


def _own() -> Path | None:
    if told := os.environ.get(VARIABLE):
        folder = Path(told).expanduser()
        if not folder.is_dir():
            raise InputError(Problem(f"there is no folder {quoted(told)}", f"correct or unset `{VARIABLE}`"))
        return folder
    return next((folder for folder in _above(Path.cwd()) if _is_ours(folder)), None)


def _above(start: Path) -> Iterator[Path]:
    """Yield `inventories` in and above a folder, no further than its repository."""
    for folder in (start, *start.parents):
        yield folder / "inventories"
        if (folder / ".git").exists():
            return


def _is_ours(folder: Path) -> bool:
    # Other tools have folders of that name too.
    return (folder / "collective.yml").is_file() or any(folder.glob("*/org.yml"))
