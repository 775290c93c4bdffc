"""Where the files of sites come from, whoever deploys them."""

from __future__ import annotations

from pathlib import Path

from coopinfra.deploy.engine.events import Event, Report
from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.planning.plan import Plan
from coopinfra.roles.declarations import Release
from coopinfra.roles.primitives.source import Source, SourceError, find_source


def find_sources(plan: Plan, report: Report = lambda _: None, only: str = "") -> dict[Release, Source]:
    """Read, fetch or make the files of every site; raise InputError that lists all that cannot be had.

    only: the name of one site, which is all that is wanted
    """
    sources, problems = {}, []
    for release in plan.all(Release):
        if release.pushed or only not in ("", release.name):
            continue
        if release.making:
            # It may take minutes, the first time.
            report(Event("making", text=f"making `{release.name}`: {release.making.command}"))
        try:
            sources[release] = find_source(release, Path(plan.folder))
        except SourceError as error:
            problems.append(Problem(error.sentence, error.hint))
        if release.making:
            report(Event("making"))
    if problems:
        raise InputError(*problems)
    return sources
