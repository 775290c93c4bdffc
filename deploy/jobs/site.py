"""The sites of an organisation as they are on its servers: releases, maintenance, certificates."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from coopinfra.deploy.engine.batch import Answer
from coopinfra.deploy.engine.connection import ServerError
from coopinfra.deploy.engine.reach import Target, connect
from coopinfra.deploy.jobs.fleet import on_each, targets
from coopinfra.deploy.organisation.problems import CoopinfraError, InputError, Problem
from coopinfra.deploy.planning.plan import Plan, ServerPlan
from coopinfra.roles.declarations import Certificate, Release, Website
from coopinfra.roles.primitives.release_scripts import ReleasesFound, parse_releases, releases_command
from coopinfra.roles.settings import Table


@dataclass(frozen=True)
class SiteFound:
    """A site as it is on its server."""

    name: str
    kind: str
    domain: str
    server: str
    path: str
    found: ReleasesFound
    maintenance: bool
    certificate: str
    """Until when it is valid; `placeholder` or `none` where no authority has issued one yet."""
    notes: Mapping[str, Mapping[str, object]] = field(default_factory=lambda: Table({}))
    """What is known of a release that was made of its source: by its id."""


@dataclass(frozen=True)
class Place:
    """A site of the plan with all that belongs to it, and how to reach its server."""

    website: Website
    server: ServerPlan
    target: Target

    @property
    def release(self) -> Release | None:
        """What is published for it; None where something runs already."""
        return next((each for each in self.server.releases if each.path == self.website.path), None)

    @property
    def user(self) -> str:
        """Its own account, or that of the web server where no program of its own runs."""
        return self.website.user if any(each.name == self.website.user for each in self.server.users) else "www-data"

    @property
    def units(self) -> tuple[str, ...]:
        """The units that run what is published; of a timer, the one that it starts."""
        running = (unit.name for unit in self.server.units if self.website.current in unit.reads)
        return tuple(re.sub(r"\.timer$", ".service", name) for name in running)


def find_site(plan: Plan, name: str) -> Place:
    """Return one site by its short name; raise InputError that names them all."""
    for place in _places(plan):
        if place.website.name == name:
            return place
    names = ", ".join(f"`{place.website.name}`" for place in _places(plan)) or "none"
    raise InputError(Problem(f"there is no site `{name}`", f"the sites are {names}"))


def find_release(place: Place) -> Release:
    """Return what is published for a site; raise InputError for one that publishes nothing."""
    if place.release is None:
        message = f"`{place.website.name}` ({place.website.kind}) has no releases: something answers that runs already"
        raise InputError(Problem(message, "change whatever runs there"))
    return place.release


def find_source(place: Place) -> Release:
    """Return what a deploy publishes for a site; raise InputError for one that people push."""
    release = find_release(place)
    if release.pushed:
        message = f"`{release.name}` is published by whoever pushes it, and by no deploy"
        raise InputError(Problem(message, f"commit the change, and `git push {release.pushed}`"))
    return release


def sites(plan: Plan) -> tuple[tuple[SiteFound, ...] | CoopinfraError, ...]:
    """Ask every server that has sites how they are."""
    by_server: dict[str, list[Place]] = {}
    for place in _places(plan):
        by_server.setdefault(place.server.server.id, []).append(place)
    return on_each(lambda places: tuple(_ask(places)), by_server.values())


def close(place: Place, *, closed: bool) -> None:
    """Close a site for maintenance, or open it again: at once, whoever deploys meanwhile."""
    website = place.website
    command = f"install -d -m 0755 {website.path} && touch {website.closed}" if closed else f"rm -f {website.closed}"
    with connect(place.target) as connection:
        answer = connection.run(command)
    if answer.code:
        verb = "close" if closed else "open"
        raise ServerError(Problem(f"{place.target.label}: cannot {verb} `{website.name}`: {answer.err.strip()}"))


def _places(plan: Plan) -> Iterator[Place]:
    for server, target in zip(plan.servers, targets(plan), strict=True):
        for website in server.all(Website):
            yield Place(website, server, target)


def _ask(places: list[Place]) -> Iterator[SiteFound]:
    with connect(places[0].target) as connection:
        answers = connection.run_all([question for place in places for question in _questions(place)])
    for place, found, closed, certificate, notes in zip(places, *(answers[at::4] for at in range(4)), strict=True):
        website = place.website
        yield SiteFound(
            website.name,
            website.kind,
            website.domain,
            place.server.server.id,
            website.path,
            parse_releases(found.out.splitlines())[website.path],
            closed.code == 0,
            _valid_until(certificate),
            Table(dict(_notes(notes))),
        )


def _questions(place: Place) -> tuple[str, str, str, str]:
    website = place.website
    folders = [each.folder for each in place.server.all(Certificate) if website.domain in each.names]
    file = shlex.quote(f"{folders[0]}/fullchain.pem" if folders else "/nonexistent")
    return (
        releases_command((website.path,)),
        f"[ -f {website.closed} ]",
        f"openssl x509 -in {file} -noout -subject -issuer -enddate -dateopt iso_8601",
        f"cd {website.path}/notes 2>/dev/null && for each in *; do echo $each $(cat $each); done",
    )


def _valid_until(answer: Answer) -> str:
    said = dict(line.split("=", 1) for line in answer.out.splitlines() if "=" in line)
    if answer.code or "notAfter" not in said:
        return "none"
    # The placeholder is its own authority.
    return "placeholder" if said.get("subject") == said.get("issuer") else said["notAfter"].split()[0].rstrip("Z")


def _notes(answer: Answer) -> Iterator[tuple[str, Mapping[str, object]]]:
    for line in answer.out.splitlines():
        release, _, text = line.partition(" ")
        try:
            note = json.loads(text)
        except ValueError:
            continue
        if isinstance(note, dict) and note:
            yield release, note
