"""A site's releases on its server, and the way back to an earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from coopinfra.deploy.engine.connection import Connection, ServerError
from coopinfra.deploy.engine.lock import hold, holder_now
from coopinfra.deploy.engine.reach import Target, connect
from coopinfra.deploy.jobs.fleet import targets
from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.planning.plan import Plan
from coopinfra.roles.declarations import Release
from coopinfra.roles.primitives.release_scripts import ReleasesFound, activate_command, parse_releases, releases_command


@dataclass(frozen=True)
class Site:
    """A site as it is on its server."""

    name: str
    server: str
    path: str
    found: ReleasesFound


def sites(plan: Plan) -> tuple[Site, ...]:
    """Ask every server which releases of which sites it holds."""
    return tuple(site for target, releases in _by_server(plan) for site in _ask(target, releases))


def roll_back(plan: Plan, name: str, to: str = "") -> tuple[str, str]:
    """Serve an earlier release of one site, by default the one before; return the ids of the old and the new one."""
    for target, releases in _by_server(plan):
        for release in releases:
            if release.name == name:
                return _roll_back(target, release, to)
    names = ", ".join(f"`{release.name}`" for release in plan.all(Release)) or "none"
    raise InputError(Problem(f"there is no site `{name}`", f"the sites are {names}"))


def _by_server(plan: Plan) -> Iterator[tuple[Target, tuple[Release, ...]]]:
    for server, target in zip(plan.servers, targets(plan), strict=True):
        if server.releases:
            yield target, server.releases


def _ask(target: Target, releases: tuple[Release, ...]) -> Iterator[Site]:
    connection = connect(target)
    try:
        found = _found(connection, releases)
    finally:
        connection.close()
    for release in releases:
        yield Site(release.name, target.server.id, release.path, found[release.path])


def _found(connection: Connection, releases: tuple[Release, ...]) -> dict[str, ReleasesFound]:
    command = releases_command(tuple(release.path for release in releases))
    return parse_releases(connection.run(command).out.splitlines())


def _roll_back(target: Target, release: Release, to: str) -> tuple[str, str]:
    connection = connect(target)
    try:
        with hold(connection, holder_now(target.identity.operator.login)) as lock:
            lock.step(f"Roll back {release.path}")
            found = _found(connection, (release,))[release.path]
            wanted = to or _before(found)
            if wanted not in found.kept:
                kept = ", ".join(found.kept) or "none"
                raise InputError(Problem(f"`{release.name}` has no release `{wanted}`", f"on the server are: {kept}"))
            answer = connection.run(activate_command(release.path, wanted))
            if answer.code:
                raise ServerError(Problem(f"{target.label}: cannot go back: {answer.err.strip()}"))
            lock.end("done")
            return found.current, wanted
    finally:
        connection.close()


def _before(found: ReleasesFound) -> str:
    """Return the newest release that is not served; empty when there is none."""
    return next((release for release in found.kept if release != found.current), "nothing earlier")
