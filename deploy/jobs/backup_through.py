"""Puts back through this machine what the server that shall have it does not reach.

That is what another server of the organisation has sent, or what lies on a disk that is plugged in at a keeper. All is
read here, with the inventory's secrets as in a drill, and streamed: no server gets a key of another's, and nothing of
it lies on this machine.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from coopinfra.deploy.backups.contents import Contents, Wish, read_contents, refuse_older
from coopinfra.deploy.backups.repository import Repository
from coopinfra.deploy.backups.snapshots import choose, read_snapshots
from coopinfra.deploy.engine.connection import Connection, ServerError
from coopinfra.deploy.engine.reach import Target, connect
from coopinfra.deploy.jobs.backup import Copies, of_one_server, run
from coopinfra.deploy.jobs.backup_disk import readable, require_plugged_in
from coopinfra.deploy.jobs.backup_repository import repository_of
from coopinfra.deploy.jobs.backup_restore import Prepared, Restored, judged, run_script
from coopinfra.deploy.jobs.fleet import targets
from coopinfra.deploy.jobs.secrets import Keeping
from coopinfra.deploy.organisation.problems import InputError, Problem, raise_all
from coopinfra.deploy.organisation.words import suggest
from coopinfra.deploy.planning.plan import Plan, ServerPlan
from coopinfra.roles.declarations import BackupPath, Dump, Kept
from coopinfra.roles.primitives.manifest import manifest_path, read_manifest

ARRIVING = "/var/lib/coopinfra/backups/{}/arriving"
FREE = "backups"
"""Whose paths need no role that takes them: files that an organisation keeps by itself."""


@dataclass(frozen=True)
class Move:
    """A backup that goes onto a server through this machine; `prepared` is for that server."""

    prepared: Prepared
    repository: Repository


def prepare(kept: Keeping, wish: Wish, to: str, at: str, server: str, place: str) -> Move:  # noqa: PLR0917 - as typed
    """Find the backup, and whether another server takes what is wanted of it; nothing is touched.

    to: that other server; empty for the one that the backup is of
    """
    if not shutil.which("restic"):
        raise InputError(Problem("restic is not on this machine", "on Debian: apt-get install restic"))
    found = of_one_server(readable(kept.plan, server, place))
    require_plugged_in(found)
    other, target = _taker(kept.plan, to, found) if to else (found.server, found.target)
    repository = repository_of(kept, found)
    listed = read_snapshots(repository.run("snapshots", "--json"), found.server.server.id, found.kept.place)
    snapshot, stage = choose(listed, at), Kept.stage.format(kept.org.id)
    contents = _contents(repository, snapshot.id, stage)
    copies = replace(found, server=other, target=target)
    prepared = Prepared(copies, snapshot, wish, contents, contents.wanted(wish))
    if to:
        raise_all(not_taken(other, contents, prepared.wanted))
    _refuse_older(copies, repository.file(snapshot.id, f"{stage}/manifest.json"))
    return Move(prepared, repository)


def restore(move: Move) -> Restored:
    """Stream what is wanted to the server, put it back there, and look whether that is well."""
    prepared = move.prepared
    organisation = prepared.copies.server.organisation
    arriving = ARRIVING.format(organisation)
    stage = Kept.stage.format(organisation)
    paths = tuple(name for kind, name in prepared.wanted if kind == "path")
    with connect(prepared.copies.target) as connection:
        try:
            run(connection, f"rm -rf {arriving} && mkdir -p -m 0700 {arriving}")
            nodes = {path: move.repository.nodes(prepared.snapshot.id, path) for path in (stage, *paths)}
            _refuse_small(
                connection, arriving, sum(int(node.get("size", 0)) for each in nodes.values() for node in each)
            )
            for path, found in nodes.items():
                is_file = any(node["path"] == path and node["type"] != "dir" for node in found)
                _send(connection, move, arriving, path, alone=is_file)
            return judged(connection, prepared, run_script(connection, arriving, prepared))
        finally:
            run(connection, f"rm -rf {arriving}")


def _taker(plan: Plan, to: str, found: Copies) -> tuple[ServerPlan, Target]:
    pairs = {each.server.id: (each, target) for each, target in zip(plan.servers, targets(plan), strict=True)}
    able = [name for name, (server, _) in pairs.items() if server.all(Kept) and name != found.server.server.id]
    if to not in able:
        hint = suggest(to, able, "there are") or "give another server the role `backups` first, which brings the script"
        raise InputError(Problem(f"`{to}` is no other server with `backups`", hint))
    return pairs[to]


def _contents(repository: Repository, snapshot: str, stage: str) -> Contents:
    totals = repository.file(snapshot, f"{stage}/totals").splitlines()
    listed = repository.file(snapshot, f"{stage}/list")
    return read_contents("\n".join((*(f"files {line}" for line in totals), listed)))


def not_taken(other: ServerPlan, contents: Contents, wanted: tuple[tuple[str, str], ...]) -> Iterator[Problem]:
    """Find what nobody on the other server would use: its role, or that part of it, is not declared there."""
    dumps = {each.name for each in other.all(Dump)}
    paths = tuple(each.path for each in other.all(BackupPath))
    for kind, name in wanted:
        owner = contents.owner(kind, name)
        taken = name in dumps if kind == "database" else any(f"{name}/".startswith(f"{path}/") for path in paths)
        if not taken and (kind == "database" or owner not in ("", FREE)):
            hint = f"write {owner or 'its role'} under `{other.server.id}` in org.yml, and deploy first"
            yield Problem(f"nothing on `{other.server.id}` takes {name}", hint)


def _refuse_older(copies: Copies, manifest: str) -> None:
    with connect(copies.target) as connection:
        there = read_manifest(run(connection, f"cat {manifest_path(copies.server.organisation)}"))
    refuse_older(copies.target.label, read_manifest(manifest).release, there.release)


def _refuse_small(connection: Connection, folder: str, wanted: int) -> None:
    free = int(run(connection, f"df --output=avail -B1 {folder} | tail -n 1"))
    if wanted >= free:
        raise ServerError(Problem(f"{connection.label}: {wanted} bytes are to come and {free} are free", "make room"))


def _send(connection: Connection, move: Move, arriving: str, path: str, *, alone: bool) -> None:
    """Stream a folder; of a file the folder that it is in, of which it alone is unpacked."""
    folder = str(PurePosixPath(path).parent) if alone else path
    argv = ("tar", "--extract", "--preserve-permissions", "--numeric-owner", f"--directory={arriving}")
    with move.repository.stream(move.prepared.snapshot.id, folder) as archive:
        answer = connection.run(shlex.join((*argv, *(("--", path.lstrip("/")) if alone else ()))), archive)
    if answer.code:
        raise ServerError(Problem(f"{connection.label}: {path} could not be unpacked: {answer.err.strip()[-300:]}"))
