"""Where the files of sites come from, whoever deploys them."""

from __future__ import annotations

from pathlib import Path

from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.planning.plan import Plan
from coopinfra.roles.declarations import Release
from coopinfra.roles.primitives.source import Source, SourceError, find_source


def find_sources(plan: Plan) -> dict[Release, Source]:
    """Read or fetch the files of every site; raise InputError that lists all that cannot be had."""
    sources, problems = {}, []
    for release in plan.all(Release):
        try:
            sources[release] = find_source(release, Path(plan.folder))
        except SourceError as error:
            message, _, hint = str(error).partition("|")
            problems.append(Problem(message, hint))
    if problems:
        raise InputError(*problems)
    return sources
