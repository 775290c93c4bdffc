"""The way back to an earlier release: tried before it is served, and never half."""

from __future__ import annotations

from coopinfra.deploy.engine.connection import Connection, ServerError
from coopinfra.deploy.engine.converge import units_of
from coopinfra.deploy.engine.lock import hold, holder_now
from coopinfra.deploy.engine.pyinfra_run import on_server, run
from coopinfra.deploy.engine.reach import connect
from coopinfra.deploy.jobs.site import Place, find_release
from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.roles.declarations import Release, Unit
from coopinfra.roles.primitives.release_scripts import (
    ReleasesFound,
    activate_command,
    parse_releases,
    releases_command,
    trial_command,
)
from coopinfra.roles.primitives.units import units


def roll_back(place: Place, to: str = "", wait: float = 0) -> tuple[str, str]:
    """Serve an earlier release of one site, by default the one before; return the ids of the old and the new one."""
    release = find_release(place)
    with (
        connect(place.target) as connection,
        hold(connection, holder_now(place.target.identity.operator.login), wait=wait) as lock,
    ):
        lock.step(f"Roll back {release.path}")
        try:
            pair = _switch(connection, place, release, to)
        except (InputError, ServerError) as error:
            lock.end(error.kind)
            raise
        lock.end("done")
        return pair


def _switch(connection: Connection, place: Place, release: Release, to: str) -> tuple[str, str]:
    found = _found(connection, release)
    wanted = to or _before(found)
    if wanted not in found.kept:
        kept = ", ".join(found.kept) or "none"
        raise InputError(Problem(f"`{release.name}` has no release `{wanted}`", f"on the server are: {kept}"))
    refused = f"{place.target.label}: `{wanted}` did not pass its trial; {found.current} is served still"
    if release.trial:
        _command(connection, trial_command(release, wanted), refused)
    _command(connection, activate_command(release.path, wanted), f"{place.target.label}: cannot go back")
    running = units_of(place.server, release)
    try:
        _restart(connection, running)
    except ServerError as error:
        _command(connection, activate_command(release.path, found.current), f"{place.target.label}: cannot return")
        _restart(connection, running)
        hint = f"{found.current} is served again; look at `site logs`"
        raise ServerError(*(Problem(each.message, hint) for each in error.problems)) from error
    return found.current, wanted


def _restart(connection: Connection, running: tuple[Unit, ...]) -> None:
    """Let units take on the release: they see by the link that they run an older one."""
    if running:
        with on_server(connection) as state:
            units(name="Start, reload or restart units", wanted=running)
            run(state, lambda *_: None)


def _command(connection: Connection, command: str, failed: str) -> None:
    answer = connection.run(command)
    if answer.code:
        raise ServerError(Problem(f"{failed}: {answer.err.strip()}", "choose another with `--to`"))


def _found(connection: Connection, release: Release) -> ReleasesFound:
    return parse_releases(connection.run(releases_command((release.path,))).out.splitlines())[release.path]


def _before(found: ReleasesFound) -> str:
    """Return the newest release that is not served; empty when there is none."""
    return next((release for release in found.kept if release != found.current), "nothing earlier")
