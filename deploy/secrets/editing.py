"""A secret in somebody's editor: in a folder that exists in memory only, for nobody else, and gone afterwards."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from coopinfra.deploy.organisation.problems import InputError, Problem

IN_MEMORY = ("/run/user/{user}", "/dev/shm")  # noqa: S108 - a file system in memory, and a folder of our own in it
# Waits until nobody holds its standard input open any more, and then removes the folder.
SWEEP = ("sh", "-c", 'cat >/dev/null; rm -rf -- "$1"', "sh")


def edited(value: bytes) -> bytes:
    """Show a value in $EDITOR and return what was saved; the new line that editors put at the end does not count."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with _in_memory() as scratch:
        path = Path(scratch) / "secret"
        path.touch(mode=0o600)
        path.write_bytes(value)
        # What an editor keeps beside the file, or in TMPDIR, goes with the folder.
        ran = subprocess.run(
            [*shlex.split(editor), str(path)], env={**os.environ, "TMPDIR": scratch, "HOME": scratch}, check=False
        )
        if ran.returncode:
            raise InputError(Problem(f"`{editor}` ended with {ran.returncode}, and nothing was changed", "try again"))
        saved = path.read_bytes()
        return saved if value.endswith(b"\n") else saved.removesuffix(b"\n")


@contextmanager
def _in_memory() -> Iterator[str]:
    """Give a folder of our own in memory, which goes with this process however that ends."""
    folders = [Path(each.format(user=os.geteuid())) for each in IN_MEMORY]
    memory = next((folder for folder in folders if os.access(folder, os.W_OK) and _is_memory(folder)), None)
    if memory is None:
        hint = "use `coopinfra secrets set`"
        raise InputError(Problem("this machine has no folder that is in memory only", hint))
    scratch = mkdtemp(dir=memory, prefix="coopinfra-")
    # In a session of its own, so that neither Ctrl-C nor a terminal that closes ends it before its work.
    sweeper = subprocess.Popen([*SWEEP, scratch], stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield scratch
    finally:
        sweeper.communicate()


def _is_memory(folder: Path) -> bool:
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    return any(mount[1] == str(folder) and mount[2] == "tmpfs" for mount in mounts)
