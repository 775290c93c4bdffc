"""Checks the files of some organisations, or of all, together: no organisation's problem hides another's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from coopinfra.deploy.organisation.load import load_named
from coopinfra.deploy.organisation.places import find_inventories, organisations
from coopinfra.deploy.organisation.problems import CoopinfraError, InputError, Problem, raise_all
from coopinfra.deploy.planning.make import make_plan


@dataclass(frozen=True)
class Valid:
    """One organisation whose files are right."""

    name: str
    servers: int
    roles: int


def validate(names: Iterable[str]) -> tuple[Valid, ...]:
    """Read and plan each organisation; raise one error with the problems of all."""
    wanted = tuple(dict.fromkeys(names)) or organisations()
    if not wanted:
        message = f"there is no organisation in {find_inventories()}"
        raise InputError(Problem(message, "`coopinfra init NAME` makes one"))
    valid: list[Valid] = []
    problems: list[Problem] = []
    for name in wanted:
        try:
            org = load_named(name)
            make_plan(org)
        except CoopinfraError as error:
            problems += error.problems
        else:
            roles = sum(len(server.roles) for server in org.servers.values())
            valid.append(Valid(name, len(org.servers), roles))
    # What is wrong in collective.yml is wrong for every organisation, and said once.
    raise_all(dict.fromkeys(problems))
    return tuple(valid)
