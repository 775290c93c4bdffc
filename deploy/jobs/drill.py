"""Tries whether a server comes back from its backups: in a throw-away box without a way out, from nothing but them.

What it looks at before it makes a box are the backups as such: that they open, how old they are, and whose clock says
so. Then the box: the same roles, the newest backup, every table and file compared with what was noted at the time, the
roles' own checks, and each page. A drill that looked at nothing is red.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from coopinfra.deploy.backups.findings import Drill, Finding, Notes, of_promise, of_secrets, of_times
from coopinfra.deploy.backups.repository import NotReadable, Repository
from coopinfra.deploy.backups.snapshots import Snapshot, choose, read_snapshots
from coopinfra.deploy.jobs.backup import Copies, newest_at_keeper
from coopinfra.deploy.jobs.backup_disk import readable, require_plugged_in
from coopinfra.deploy.jobs.backup_repository import repository_of
from coopinfra.deploy.jobs.drill_box import try_in_a_box
from coopinfra.deploy.jobs.drill_receipt import is_due, write
from coopinfra.deploy.jobs.secrets import Keeping, keep
from coopinfra.deploy.lab import host
from coopinfra.deploy.lab.state import alone
from coopinfra.deploy.organisation.problems import CoopinfraError
from coopinfra.deploy.receipts.chain import Receipt
from coopinfra.roles.contract import File
from coopinfra.roles.declarations import Kept

Report = Callable[[str], None]
Drilled = tuple[Drill, Receipt]


def drills(
    names: Iterable[str], server: str, place: str, report: Report, *, due: bool = False
) -> Iterator[Drilled | CoopinfraError]:
    """Drill one organisation after the other, and go on after whatever becomes of one.

    due: leave out the servers that were brought back lately
    """
    host.require(report, {**host.NEEDS, "restic": "restic"})
    for name in names:
        try:
            kept = keep(name)
            chosen = _chosen(kept, server, place, due=due)
        except CoopinfraError as error:
            yield error
            continue
        for copy in chosen:
            yield _noted(kept, copy, report)


def _chosen(kept: Keeping, server: str, place: str, *, due: bool) -> tuple[Copies, ...]:
    """Return every server with its first place, or those named."""
    found: dict[str, Copies] = {}
    for copy in readable(kept.plan, server, place):
        found.setdefault(copy.server.server.id, copy)
    return tuple(copy for name, copy in found.items() if not due or is_due(kept.plan, name, copy.kept.drill_days))


def _noted(kept: Keeping, copy: Copies, report: Report) -> Drilled | CoopinfraError:
    """Drill one server and write the receipt, green or red; none where a disk is not there to be read."""
    try:
        require_plugged_in(copy)
        # Boxes of one organisation have one name, and of a drill that was killed the next one removes them.
        with alone(Path(kept.org.folder)):
            done = _one(kept, copy, report)
            return done, write(kept.plan, done)
    except CoopinfraError as error:
        return error


def _one(kept: Keeping, copy: Copies, report: Report) -> Drill:
    began, started, notes = datetime.now(UTC), monotonic(), Notes(report)
    done = Drill(kept.org.id, copy.server.server.id, copy.kept.place, began)
    try:
        repository = repository_of(kept, copy)
        snapshot = _look(kept, copy, repository, notes)
        if snapshot:
            done = replace(done, snapshot=snapshot.id, age_hours=(began - snapshot.time).total_seconds() / 3600)
            if all(each.is_true for each in notes.findings):
                try_in_a_box(kept, copy, repository, snapshot, notes)
                minutes = (monotonic() - started) / 60
                notes.findings += of_promise(minutes, kept.plan.organisation.promises.back_within)
    except CoopinfraError as error:
        notes.findings.append(Finding("the drill came to its end", "; ".join(each.message for each in error.problems)))
    return replace(
        done,
        findings=tuple(notes.findings),
        minutes=(monotonic() - started) / 60,
        packets_out=notes.packets_out,
        seconds=dict(notes.seconds),
    )


def _look(kept: Keeping, copy: Copies, repository: Repository, notes: Notes) -> Snapshot | None:
    """Judge the backups as such; return the newest one, if it can be had, with the time of its data."""
    notes.report(f"{copy.server.server.id}: reading what {copy.kept.place} keeps")
    opens = "the backups open with the key in the inventory, and nothing else lies among them"
    began = monotonic()
    try:
        found = read_snapshots(repository.run("snapshots", "--json"), copy.server.server.id, copy.kept.place)
    except NotReadable as error:
        notes.findings.append(Finding(opens, str(error.problems[0].message)))
        return None
    notes.findings.append(Finding(opens))
    if not found:
        notes.findings.append(Finding("there is a backup", "there is none"))
        return None
    newest = choose(found)
    taken = _taken(repository, newest, Kept.stage.format(kept.org.id))
    notes.findings += of_times(newest, taken, datetime.now(UTC), newest_at_keeper(copy), copy.kept.stale_hours)
    notes.findings += _says_what_is_in_it(kept, copy, repository, newest)
    notes.step("look", began)
    return replace(newest, time=min(taken, newest.time))


def _taken(repository: Repository, snapshot: Snapshot, stage: str) -> datetime:
    """Return when the server began to copy what is in a backup; of one that does not say so, when it was sent."""
    try:
        return datetime.fromtimestamp(int(repository.file(snapshot.id, f"{stage}/taken")), UTC)
    except (NotReadable, ValueError):
        return snapshot.time


def _says_what_is_in_it(kept: Keeping, copy: Copies, repository: Repository, snapshot: Snapshot) -> Iterator[Finding]:
    stage, says = Kept.stage.format(kept.org.id), "the newest backup says what is in it"
    try:
        listed = repository.file(snapshot.id, f"{stage}/list").splitlines()
        manifest = repository.file(snapshot.id, f"{stage}/manifest.json")
        json.loads(manifest)
    except (NotReadable, ValueError) as error:
        yield Finding(says, str(error) or "nothing can be read of it")
        return
    data = [line for line in listed if line.startswith(("dump ", "path "))]
    yield Finding(says, "" if data else "it names neither databases nor files, so it proves nothing")
    files = (each for each in copy.server.files if isinstance(each, File) and each.sealed)
    own = ("/etc/coopinfra/backups/", "/etc/coopinfra/backup-server/")
    yield from of_secrets(manifest, {each.path: each.sealed for each in files if not each.path.startswith(own)})
