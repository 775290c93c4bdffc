"""Takes an organisation off a machine that it shares: its part goes, and nothing of the others is touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from pyinfra import host

from coopinfra.deploy.engine.connection import ServerError
from coopinfra.deploy.engine.lock import hold, holder_now
from coopinfra.deploy.engine.pyinfra_run import on_server
from coopinfra.deploy.engine.reach import Target, connect
from coopinfra.deploy.jobs.fleet import targets
from coopinfra.deploy.organisation.problems import InputError, Problem
from coopinfra.deploy.organisation.words import suggest
from coopinfra.deploy.planning.plan import Plan, ServerPlan
from coopinfra.roles.contract import Directory
from coopinfra.roles.declarations import BackupPath, Certificate, Database, Declaration, Unit
from coopinfra.roles.facts import Tenancy
from coopinfra.roles.primitives.changes import STATE
from coopinfra.roles.primitives.neighbours import Neighbours, ServerManifests
from coopinfra.roles.registry import roles

DISKS = "/var/lib/coopinfra/disks"


@dataclass(frozen=True)
class Data:
    """Something that cannot be made anew: what it is, and the command that removes it."""

    what: str
    removal: str


@dataclass(frozen=True)
class Leaving:
    """An organisation's part of a shared machine, and what is to be of it: nothing."""

    target: Target
    plan: Plan
    """What a deploy leaves behind that leaves nothing of the organisation."""
    tenancy: Tenancy
    data: tuple[Data, ...]
    certificates: tuple[str, ...]
    """Commands that remove those that are still there; who goes last takes along what would have done it."""


def find_leaving(plan: Plan, name: str = "") -> Leaving:
    """Ask the machine who else is on it; return what leaving it means.

    name: the server in org.yml; may be left out where only one is on a machine of others
    """
    server, target = _shared(plan, name)
    assert server.server.tenancy
    with connect(target) as connection, on_server(connection):
        neighbours = host.get_fact(ServerManifests, organisation=plan.organisation.id).neighbours
    left = replace(plan, servers=(without_everything(server, neighbours),))
    certificates = tuple(_removal(each) for each in server.all(Certificate))
    return Leaving(target, left, server.server.tenancy, tuple(_data(server)), certificates)


def without_everything(server: ServerPlan, neighbours: Neighbours) -> ServerPlan:
    """Return the plan of a server on which the organisation has nothing any more.

    What serves the others too goes on, and is told of what is gone: so these units stay declared.
    """
    assert server.server.tenancy
    theirs = neighbours.have("units")
    # They cannot be asked for a site that is gone.
    kept = (replace(each, declaration=_silent(each.declaration)) for each in server.declared)
    # There is nothing to limit any more, so nothing is set aside anew either.
    left = replace(server.server, tenancy=replace(server.server.tenancy, memory_megabytes=0, disk_gigabytes=0))
    return ServerPlan(
        organisation=server.organisation,
        server=left,
        # Providers tidy up: certificates that nobody reads any more.
        parts=tuple(replace(part, given=(), server=left) for part in server.parts if roles()[part.role].provides),
        declared=tuple(each for each in kept if isinstance(each.declaration, Unit) and each.declaration.name in theirs),
        files=(),
    )


def end(leaving: Leaving, *, with_data: bool) -> None:
    """Remove the data where that is wanted, certificates that nobody was left to remove, and the note of the deploy."""
    commands = [each.removal for each in leaving.data] if with_data else []
    commands += leaving.certificates
    commands.append(f"rm -rf -- {STATE}/{leaving.target.organisation}")
    with (
        connect(leaving.target) as connection,
        hold(connection, holder_now(leaving.target.identity.operator.login)) as lock,
    ):
        for command in commands:
            lock.step(command)
            answer = connection.run(command)
            if answer.code:
                lock.end("failed")
                message = f"{leaving.target.label}: `{command}` failed: {answer.err.strip()}"
                raise ServerError(Problem(message, "mend the cause, and run `leave` again: it goes on"))
        lock.end("done")


def _shared(plan: Plan, name: str) -> tuple[ServerPlan, Target]:
    pairs = {each.server.id: (each, target) for each, target in zip(plan.servers, targets(plan), strict=True)}
    shared = [each for each, (server, _) in pairs.items() if server.server.tenancy]
    if name and name not in pairs:
        message = f"there is no server `{name}` in {plan.organisation.id}/org.yml"
        raise InputError(Problem(message, suggest(name, pairs, "there are")))
    if name and name not in shared:
        message = f"`{name}` is a machine of its own, which nobody else is on"
        raise InputError(Problem(message, "who gives it up resets it at the provider's"))
    if not name and len(shared) != 1:
        message = f"`{plan.organisation.id}` is on {len(shared) or 'no'} machines of others"
        hint = f"name one: {', '.join(f'`{each}`' for each in shared)}" if shared else "there is nothing to leave"
        raise InputError(Problem(message, hint))
    return pairs[name or shared[0]]


def _silent(declaration: Declaration) -> Declaration:
    return replace(declaration, answers="") if isinstance(declaration, Unit) else declaration


def _removal(certificate: Certificate) -> str:
    folder, name = certificate.folder, certificate.names[0]
    return (
        f"[ ! -e {folder} ] || {{ {{ [ ! -f /etc/letsencrypt/renewal/{name}.conf ] || "
        f"certbot delete --quiet --non-interactive --cert-name {name}; }} && "
        f'rm -rf -- "$(readlink -f {folder})" {folder}; }}'
    )


def _data(server: ServerPlan) -> Iterator[Data]:
    for database in server.all(Database):
        yield Data(f"the database {database.name} ({database.engine})", database.removal)
    for path in dict.fromkeys(_data_paths(server)):
        yield Data(path, f"rm -rf -- {path}")
    tenancy = server.server.tenancy
    if tenancy and tenancy.disk_gigabytes:
        yield Data(f"its disk of {tenancy.disk_gigabytes} GB", f"rm -f -- {DISKS}/{tenancy.organisation}.img")


def _data_paths(server: ServerPlan) -> Iterator[str]:
    """Yield what is kept, and of sites all that they have, which includes what can be made anew."""
    sites = PurePosixPath(server.server.home, "data")
    kept = [each.path for each in server.all(BackupPath)]
    folders = [each.path for each in server.files if isinstance(each, Directory)]
    for path in (*kept, *folders):
        if sites in PurePosixPath(path).parents:
            yield str(sites / PurePosixPath(path).relative_to(sites).parts[0])
        elif path in kept:
            yield path
