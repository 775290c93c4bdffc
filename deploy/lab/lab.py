"""Labs as a whole: up, down, one box more or less, prune."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from coopinfra.deploy.lab import cgroups, host, image, internet, inventories, network, tree, uplink
from coopinfra.deploy.lab.authority import added_here, system_bundle
from coopinfra.deploy.lab.box import boot, kill, link, reboot, runs, shell, shell_argv, wait_for_ssh
from coopinfra.deploy.lab.inside import NAMES, exec_argv, run, ssh_argv
from coopinfra.deploy.lab.internet import publish
from coopinfra.deploy.lab.network import cut_off, packets_out
from coopinfra.deploy.lab.processes import command, end
from coopinfra.deploy.lab.specs import check_specs
from coopinfra.deploy.lab.state import (
    RUN,
    Box,
    BoxSpec,
    Lab,
    alone,
    as_data,
    blank,
    folders,
    is_up,
    labs_folder,
    load,
    names,
    save,
)
from coopinfra.deploy.organisation.problems import InputError, Problem

__all__ = [
    "Box",
    "BoxSpec",
    "Lab",
    "add_box",
    "as_data",
    "cut_off",
    "down",
    "exec_argv",
    "kill",
    "load",
    "names",
    "packets_out",
    "prune",
    "publish",
    "reboot",
    "remove_box",
    "run",
    "runs",
    "shell",
    "shell_argv",
    "ssh_argv",
    "start",
    "up",
]

Report = Callable[[str], None]


@dataclass(frozen=True)
class Pruned:
    """What `prune` has removed."""

    labs: tuple[str, ...]
    strays: tuple[str, ...]
    bytes: int


def silent(_line: str) -> None:
    """Report to nobody."""


def up(name: str, boxes: tuple[BoxSpec, ...], inventories: Path | None = None, report: Report = silent) -> Lab:
    """Bring up a lab with its internet and its boxes; undo all of it if that fails."""
    lab = blank(name)
    check_specs(boxes)
    host.require(report)
    if is_up(lab):
        raise InputError(Problem(f"the lab `{name}` is up already", hint=f"`coopinfra lab down {name}`"))
    if lab.folder.exists() or (RUN / lab.key).exists():
        report(f"removing what an earlier `{name}` has left")
        down(name)
    for recipe in sorted({"internet", *(spec.image for spec in boxes)}):
        image.template(recipe, report)
    started = time.monotonic()
    lab.folder.mkdir(parents=True, mode=0o700)
    try:
        with alone(lab.folder):
            lab = _found(lab, inventories)
            report(f"the lab `{name}` has its internet ({time.monotonic() - started:.1f} s)")
            return _add(lab, boxes, report)
    except BaseException:
        down(name)
        raise


def add_box(lab: Lab, spec: BoxSpec, report: Report = silent) -> Lab:
    """Add a box to a lab."""
    check_specs((*(box.spec for box in load(lab.name).boxes if box.name != internet.SPEC.name), spec))
    image.template(spec.image, report)
    with alone(lab.folder):
        return _add(load(lab.name), (spec,), report)


def remove_box(lab: Lab, name: str) -> Lab:
    """Remove a box and its disk from a lab."""
    with alone(lab.folder):
        box = load(lab.name).box(name)
        kill(lab, name)
        network.disconnect(lab, box.spec)
        tree.uproot(lab, name)
        return save(load(lab.name).without(name))


def start(lab: Lab, name: str) -> None:
    """Boot a box again whose plug was pulled, and wait for its SSH."""
    boot(lab, name)
    wait_for_ssh(lab, lab.box(name))


def down(name: str) -> None:
    """Remove a lab and everything of it, however far it came and however it ended."""
    lab = blank(name)
    if lab.folder.is_dir():
        with alone(lab.folder):
            _remove(lab)
    else:
        _remove(lab)


def prune(report: Report = silent) -> Pruned:
    """Remove all labs of this user, what nobody's killed labs have left, and all images."""
    gone = folders()
    for name in gone:
        report(f"removing the lab `{name}`")
        down(name)
    strays = uplink.strays()
    for key in strays:
        cgroups.remove(link(key, "*"))
        uplink.remove(key)
    return Pruned(gone, strays, image.prune())


def _found(lab: Lab, from_inventories: Path | None) -> Lab:
    """Make what every lab has: keys, network, internet, trust."""
    comment = f"operator of the lab {lab.name}"
    command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(lab.ssh_key))
    inventories.copy(lab, from_inventories)
    (lab.folder / "resolv.conf").write_text(f"nameserver {tree.RESOLVER}\n")
    (lab.folder / "nsswitch.conf").write_text(NAMES)
    spec, template = internet.SPEC, image.template(internet.SPEC.image, silent)
    with network.created(lab) as subnet:
        key = tree.plant(lab, spec, template, *internet.MORE_ADDRESSES)
        root = internet.furnish(lab)
        network.connect(lab, spec, *internet.MORE_ADDRESSES)
        boot(lab, spec.name)
        authorities = (root, internet.wait(lab))
    lab = replace(lab, subnet=subnet)
    (lab.folder / "authorities").mkdir()
    # What this machine reaches through an authority of its own network, a box reaches likewise.
    for text in (*authorities, *added_here()):
        (lab.folder / "authorities" / tree.hash_of(template, text)).write_text(text)
    lab.authorities.write_text(system_bundle() + "".join(authorities))
    box = Box(spec, key)
    inventories.pin(lab, box)
    return save(lab.with_box(box))


def _add(lab: Lab, boxes: tuple[BoxSpec, ...], report: Report) -> Lab:
    authorities = {path.name: path.read_text() for path in sorted((lab.folder / "authorities").iterdir())}

    def bring_up(spec: BoxSpec) -> Box:
        started = time.monotonic()
        box = Box(spec, tree.plant(lab, spec, image.template(spec.image, silent)))
        tree.trust(lab, spec.name, authorities)
        network.connect(lab, spec)
        boot(lab, spec.name)
        wait_for_ssh(lab, box)
        report(f"`{spec.name}` answers at {spec.address} ({time.monotonic() - started:.1f} s)")
        return box

    with ThreadPoolExecutor(max_workers=2) as pool:
        ready = tuple(pool.map(bring_up, boxes))
    for box in ready:
        inventories.pin(lab, box)
        lab = lab.with_box(box)
    return save(lab)


def _remove(lab: Lab) -> None:
    end(lab.folder, lab.network)
    cgroups.remove(link(lab.key, "*"))
    uplink.remove(lab.key)
    # Nothing is mounted here: the boxes' mounts live and end with their processes.
    shutil.rmtree(lab.folder, ignore_errors=True)
    image.sweep()
    for folder in (labs_folder(), labs_folder().parent):
        with suppress(OSError):
            folder.rmdir()
