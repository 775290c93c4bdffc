"""The list of what is kept, the keys to where it is kept, the schedule, and the script that does it."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.backups import LISTS, SCRIPT, STATE, VERIFY, BackupsSettings, paths, places, unit
from coopinfra.roles.contract import Directory, File, Part
from coopinfra.roles.declarations import BackupPath, Dump, Kept, WorksOn
from coopinfra.roles.primitives.changes import STATE as MANIFESTS
from coopinfra.roles.primitives.rendering import template

UNITS = "/etc/systemd/system"


def files(part: Part[BackupsSettings]) -> Iterator[File | Directory]:
    """Yield what is the same whoever deploys, then the organisation's own."""
    own = f"{LISTS}/{part.organisation.id}"
    yield Directory(LISTS, mode="0700")
    yield Directory(own, mode="0700")
    yield template(
        part,
        "coopinfra/backups.j2",
        to=SCRIPT,
        mode="0755",
        validate="sh -n {file}",
        lists=LISTS,
        state=STATE,
        manifest=MANIFESTS,
    )
    yield template(
        part,
        "coopinfra/restore.j2",
        to=Kept.restore,
        mode="0755",
        validate="sh -n {file}",
        lists=LISTS,
        state=STATE,
        backups=SCRIPT,
        manifest=MANIFESTS,
    )
    yield template(
        part, "tmpfiles.d/coopinfra-backups.conf.j2", to="/etc/tmpfiles.d/coopinfra-backups.conf", state=STATE
    )
    timed = (f"coopinfra-{does}@.{kind}" for does in ("backup", VERIFY) for kind in ("service", "timer"))
    for name in (*timed, "coopinfra-backup-clear@.service", "coopinfra-restore-clear@.service"):
        yield template(
            part, f"system/{name}.j2", to=f"{UNITS}/{name}", script=SCRIPT, restore=Kept.restore, state=STATE
        )
    yield template(part, "system/schedule.conf.j2", to=f"{UNITS}/{unit(part, 'timer')}.d/schedule.conf")
    kept = paths(part)
    yield template(
        part,
        "backups/list.j2",
        to=f"{own}/list",
        mode="0600",
        places=tuple(place for place in places(part) if not place.is_copy),
        paths=kept,
        left_out=(*part.settings.leave_out, *(left for path in part.all(BackupPath) for left in _left_out(path))),
        dumps=part.all(Dump),
        works=part.all(WorksOn),
    )
    for place in places(part):
        folder = f"{own}/{place.name}"
        yield Directory(folder, mode="0700")
        yield template(part, "backups/certificate.pem.j2", to=f"{folder}/certificate.pem", place=place)
        yield template(
            part,
            "backups/restic.env.j2",
            to=f"{folder}/restic.env",
            mode="0400",
            place=place,
            certificate=f"{folder}/certificate.pem",
        )


def _left_out(path: BackupPath) -> Iterator[str]:
    """Yield patterns that fit within that path alone, however a role has written them."""
    for pattern in path.without:
        yield pattern if pattern.startswith("/") else f"{path.path}/**/{pattern}"
