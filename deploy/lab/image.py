"""Templates of boxes: built once from Debian packages, cached by what they are made of."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from coopinfra.deploy.lab import sources
from coopinfra.deploy.lab.processes import command, end, environment, failure, templates_in_use
from coopinfra.deploy.lab.recipes import Recipe, recipe_of
from coopinfra.deploy.lab.state import alone
from coopinfra.deploy.organisation.problems import CoopinfraError

Report = Callable[[str], None]
BUILDING = ".building-"

# In a mount namespace of its own, so that a build that is killed leaves no mount behind.
INSTALL = """
set -e
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
cp -L --remove-destination /etc/resolv.conf "$1/etc/resolv.conf"
chroot "$1" sh -ec '
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    apt-get -o Dpkg::Options::=--force-unsafe-io install --yes --no-install-recommends "$@"
    apt-get clean
    rm -rf /var/lib/apt/lists/*
' install $2
"""


def images_folder() -> Path:
    """Return the folder of this user's images."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache).resolve() / "coopinfra/images"


def template(name: str, report: Report) -> Path:
    """Return the tree of an image; build it, and what it stands on, if this has not been done."""
    recipe = recipe_of(name)
    origin = sources.read()
    ready = images_folder() / _title(recipe, origin)
    if ready.is_dir():
        os.utime(ready)
        return ready
    base = template(recipe.base, report) if recipe.base else None
    images_folder().mkdir(parents=True, exist_ok=True)
    with alone(images_folder(), waits=True):
        _end_killed_builds()
        if not ready.is_dir():
            _build(recipe, origin, base, ready, report)
    return ready


def prune() -> int:
    """Remove the images that no box stands on; return the bytes that this frees."""
    folder, freed = images_folder(), 0
    if not folder.is_dir():
        return 0
    with alone(folder):
        _end_killed_builds()
        used = templates_in_use()
        for image in sorted(folder.iterdir()):
            if image not in used:
                freed += sum(path.lstat().st_blocks * 512 for path in _everything(image))
                shutil.rmtree(image)
    with suppress(OSError):
        folder.rmdir()
        folder.parent.rmdir()
    return freed


def sweep() -> None:
    """Remove what builds that were killed have left; a build that goes on is left alone."""
    if not images_folder().is_dir():
        return
    try:
        with alone(images_folder()):
            _end_killed_builds()
    except CoopinfraError:
        return


def _title(recipe: Recipe, origin: sources.Sources) -> str:
    made_of = [INSTALL]
    step: Recipe | None = recipe
    while step:
        made_of += [repr(step), repr(origin)]
        step = recipe_of(step.base) if step.base else None
    return f"{recipe.name}-{hashlib.sha256(repr(made_of).encode()).hexdigest()[:12]}"


def _build(recipe: Recipe, origin: sources.Sources, base: Path | None, ready: Path, report: Report) -> None:
    started = time.monotonic()
    report(f"building the image `{recipe.name}` (once; kept in {images_folder()})")
    building = Path(tempfile.mkdtemp(prefix=BUILDING, dir=images_folder()))
    tree = building / "root"
    try:
        if base:
            command("cp", "--archive", "--reflink=auto", str(base), str(tree), works_in=building)
            _watched(("unshare", "--mount", "sh", "-c", INSTALL, "sh", str(tree), " ".join(recipe.packages)), building)
        else:
            _watched(_from_nothing(recipe, origin, tree), building, given=origin.lines, report=report)
        _finish(recipe, tree)
        tree.rename(ready)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    report(f"built `{recipe.name}` in {time.monotonic() - started:.0f} s")


def _from_nothing(recipe: Recipe, origin: sources.Sources, tree: Path) -> tuple[str, ...]:
    options = tuple(f"--aptopt={option}" for option in origin.options)
    included = f"--include={','.join(recipe.packages)}"
    return ("mmdebstrap", "--mode=root", "--variant=minbase", included, *options, sources.SUITE, str(tree), "-")


def _watched(argv: tuple[str, ...], building: Path, *, given: str = "", report: Report | None = None) -> None:
    said = list[str]()
    with subprocess.Popen(
        argv,
        env=environment(building),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(given)
        process.stdin.close()
        for line in process.stdout:
            said.append(line)
            if report and line.startswith("I: "):
                report(f"  {line[3:].strip()}")
    if process.returncode:
        raise failure(argv, process.returncode, "".join(said))


def _finish(recipe: Recipe, tree: Path) -> None:
    for path, mode, text in recipe.files:
        target = tree / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)
    if recipe.units:
        command("systemctl", f"--root={tree}", "enable", *recipe.units)
    # Every box gets keys and an identity of its own.
    for key in (tree / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (tree / "etc/machine-id").write_text("")


def _end_killed_builds() -> None:
    # Called by whoever holds the folder, so nobody builds now.
    for building in images_folder().glob(f"{BUILDING}*"):
        end(building)
        shutil.rmtree(building, ignore_errors=True)


def _everything(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
