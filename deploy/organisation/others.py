"""Reads another organisation of the same inventories, or says why it cannot be had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from coopinfra.deploy.organisation.org import Org
from coopinfra.deploy.organisation.problems import CoopinfraError, InputError, Problem
from coopinfra.deploy.organisation.words import suggest
from coopinfra.roles.types import quoted


def read_other(org: Org, name: str, load: Callable[[Path], Org]) -> Org:
    """Return the organisation of that name; raise InputError with one problem, whose place the caller knows.

    load: reads an organisation's folder
    """
    folder = org.folder.parent / name
    if not (folder / "org.yml").is_file():
        names = {path.parent.name for path in org.folder.parent.glob("*/org.yml")}
        raise InputError(
            Problem(f"there is no organisation {quoted(name)}", suggest(name, names - {org.id}, "there are"))
        )
    try:
        return load(folder)
    except CoopinfraError as error:
        # Whoever deploys this organisation may not be the one who can mend the other.
        count = f"{len(error.problems)} mistakes" if len(error.problems) > 1 else "a mistake"
        raise InputError(Problem(f"`{name}/org.yml` has {count}", f"see `coopinfra validate {name}`")) from error
