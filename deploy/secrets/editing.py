"""A secret in somebody's editor: in a folder that exists in memory only, for nobody else, and gone afterwards."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from coopinfra.deploy.organisation.problems import InputError, Problem

IN_MEMORY = ("/run/user/{user}", "/dev/shm")  # noqa: S108 - a file system in memory, and a folder of our own in it


def edited(value: bytes) -> bytes:
    """Show a value in $EDITOR and return what was saved."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    folders = [Path(each.format(user=os.geteuid())) for each in IN_MEMORY]
    memory = next((folder for folder in folders if os.access(folder, os.W_OK) and _is_memory(folder)), None)
    if memory is None:
        hint = "use `coopinfra secrets set`"
        raise InputError(Problem("this machine has no folder that is in memory only", hint))
    with TemporaryDirectory(dir=memory, prefix="coopinfra-") as scratch:
        path = Path(scratch) / "secret"
        path.write_bytes(value)
        # What an editor keeps beside the file, or in TMPDIR, goes with the folder.
        ran = subprocess.run(
            [*shlex.split(editor), str(path)], env={**os.environ, "TMPDIR": scratch, "HOME": scratch}, check=False
        )
        if ran.returncode:
            raise InputError(Problem(f"`{editor}` ended with {ran.returncode}, and nothing was changed", "try again"))
        return path.read_bytes().removesuffix(b"\n")


def _is_memory(folder: Path) -> bool:
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    return any(mount[1] == str(folder) and mount[2] == "tmpfs" for mount in mounts)
