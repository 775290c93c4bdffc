"""Removes old backups: restic runs here, with a key over there that no server and no operator has every day.

It takes two: who reads the inventory's secrets has the password, and who has the other key may remove.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from coopinfra.deploy.backups.pruning import RULE, Pruning, read_arrivals, read_forget, reasons_not_to
from coopinfra.deploy.backups.repository import Door
from coopinfra.deploy.backups.snapshots import read_snapshots
from coopinfra.deploy.engine.reach import Target, connect, ssh_options
from coopinfra.deploy.jobs.backup import Copies, keeper_of, one_server, run
from coopinfra.deploy.jobs.drill_receipt import wrong
from coopinfra.deploy.jobs.secrets import Keeping, keep
from coopinfra.deploy.organisation.problems import CoopinfraError, InputError, Problem
from coopinfra.roles.declarations import Kept


class NotPruned(CoopinfraError):
    """Old backups are not removed while something is wrong with them."""

    exit_code = 1
    kind = "backups"


@dataclass(frozen=True)
class Prepared:
    """What would be removed, and the way to do it."""

    copies: Copies
    keeper: Target
    door: Door
    pruning: Pruning


def prepare(organisation: str, key: Path, server: str = "", place: str = "") -> Prepared:
    """Look at one server's backups and say which would go; nothing is touched.

    key: the private half of one that is listed under `prunes` at the place
    Raises one NotPruned with every reason not to.
    """
    for command in ("restic", "ssh"):
        if not shutil.which(command):
            raise InputError(Problem(f"this machine has no `{command}`", f"`apt-get install {command}`"))
    if not key.expanduser().is_file():
        raise InputError(Problem(f"there is no key `{key}`", "name the private half of one under `prunes:`"))
    kept = keep(organisation)
    found = one_server(kept.plan, server, place)
    keeper = keeper_of(found)
    door = _door(kept, found, keeper, key.expanduser())
    snapshots = read_snapshots(door.run("snapshots", "--json"), found.server.server.id, found.kept.place)
    with connect(keeper) as connection:
        came = read_arrivals(run(connection, f"{Kept.keeper} arrivals {found.kept.repository}"))
    why = [*reasons_not_to(snapshots, came, datetime.now(UTC), found.kept.every_hours), *_undrilled(kept, found)]
    if why:
        problems = [Problem(f"{found.kept.place}: {each}") for each in why]
        hint = f"`coopinfra backup list {organisation}` shows them, `coopinfra backup drill {organisation}` tries one"
        raise NotPruned(*problems, Problem("nothing was removed", hint))
    words = (word for pair in RULE.items() for word in pair)
    would = door.run("forget", "--dry-run", "--json", "--group-by", "", *words)
    return Prepared(found, keeper, door, read_forget(would, snapshots))


def prune(prepared: Prepared) -> None:
    """Remove exactly what was shown, and what of the data nothing refers to any more."""
    prepared.door.run("unlock")
    # By their ids: what has come since was not looked at, and must not decide about others.
    prepared.door.run("forget", *(each.id for each in prepared.pruning.goes))
    prepared.door.run("prune")
    with connect(prepared.keeper) as connection:
        run(connection, f"{Kept.doctor} accept {prepared.copies.kept.repository}")


def _undrilled(kept: Keeping, copy: Copies) -> Iterator[str]:
    if found := wrong(kept.plan, copy.server.server.id, copy.kept.drill_days):
        yield f"it is not known whether they come back: {found}"


def _door(kept: Keeping, copy: Copies, keeper: Target, key: Path) -> Door:
    path = f"{copy.server.server.id}/backups/{Kept.key}"
    password = kept.store.read((path,), kept.identities)[path].text
    options = ("-i", str(key), "-o", "IdentitiesOnly=yes", *ssh_options(keeper))
    login = f"{Kept.door}@{keeper.server.address}"
    return Door(copy.kept.repository, shlex.join(("ssh", *options, login)), password)
