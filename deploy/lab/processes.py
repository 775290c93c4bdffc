"""Commands that the lab runs, and how to find and end what an earlier run left behind.

Whatever we start carries the folder that it works for in its environment. So leftovers are found without a record of
them, also after the run that started them was killed in the middle.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coopinfra.deploy.organisation.problems import CoopinfraError, Problem

MARK = "COOPINFRA_WORKS_IN"
# The folder of the box that a process keeps running.
BOX = "COOPINFRA_BOX"
# The output of the commands is read here; in another language it would not be understood.
PLAIN = {"LC_ALL": "C.UTF-8", "LANGUAGE": "C"}
SECONDS_TO_DIE = 20.0
PAUSE = 0.02


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return our environment with the mark of the folder in it."""
    return {**os.environ, **PLAIN, MARK: str(folder), **more}


def command(*argv: str, given: str = "", works_in: Path | None = None, **more: str) -> str:
    """Run a command, feed it text, return what it prints; raise its last words if it fails."""
    environ = environment(works_in, **more) if works_in else {**os.environ, **PLAIN, **more}
    # Warnings may hold letters of any encoding; they must not become an error of ours.
    done = subprocess.run(argv, input=given, text=True, capture_output=True, env=environ, errors="replace", check=False)
    if done.returncode:
        raise failure(argv, done.returncode, done.stderr or done.stdout)
    return done.stdout


def failure(argv: tuple[str, ...], code: int, output: str) -> CoopinfraError:
    """Say which command failed, with the end of what it said."""
    words = " / ".join(line.strip() for line in output.strip().splitlines()[-4:])
    shown = shlex.join(argv)
    shown = shown if len(shown) <= 120 else f"{shown[:117]}..."
    return CoopinfraError(
        Problem(f"`{shown}` ended with {code}: {words}", hint="run it by hand to see more; `lab prune` cleans up")
    )


def wait_until(what: str, seconds: float, *, is_true: Iterator[bool]) -> None:
    """Pull answers until one is true; raise after so many seconds."""
    deadline = time.monotonic() + seconds
    for answer in is_true:
        if answer:
            return
        if time.monotonic() > deadline:
            raise CoopinfraError(Problem(f"{what} did not happen within {seconds:.0f} s", hint="see its console.log"))
        time.sleep(PAUSE)


def running() -> Iterator[Path]:
    """List the folders in /proc of all processes."""
    return (path for path in Path("/proc").iterdir() if path.name.isdigit())


def marked(folder: Path, **more: str) -> frozenset[int]:
    """Find the processes that were started for a folder (and carry these variables too)."""
    wanted = {f"{name}={value}".encode() for name, value in {MARK: str(folder), **more}.items()}
    return frozenset(int(path.name) for path in running() if wanted <= _variables(path))


def working() -> Iterator[tuple[str, Path]]:
    """Yield the folders that processes were started for, each with the root that its path begins at."""
    return ((folder, path / "root") for folder, path in _told(MARK))


@contextmanager
def work(folder: Path) -> Iterator[None]:
    """Show that somebody works for a folder; that ends with us, however we end."""
    # It reads what we never write, and so ends when our end of the pipe is closed.
    with subprocess.Popen(("cat",), stdin=subprocess.PIPE, env=environment(folder)):
        yield


def in_network(namespace: Path) -> frozenset[int]:
    """Find the processes that live in a network namespace."""
    try:
        found = namespace.stat()
    except FileNotFoundError:
        return frozenset()
    wanted = (found.st_dev, found.st_ino)
    return frozenset(int(path.name) for path in running() if _identity(path / "ns/net") == wanted)


def children(parents: frozenset[int]) -> frozenset[int]:
    """Return the processes and all their descendants."""
    parent_of = {int(path.name): _parent(path) for path in running()}
    found = set(parents)
    while more := {pid for pid, parent in parent_of.items() if parent in found} - found:
        found |= more
    return frozenset(found)


def ancestors() -> frozenset[int]:
    """Return ourselves and whoever started us, all the way up."""
    found, pid = set[int](), os.getpid()
    while pid and pid not in found:
        found.add(pid)
        pid = _parent(Path(f"/proc/{pid}"))
    return frozenset(found)


def end(folder: Path, namespace: Path | None = None, **more: str) -> None:
    """Kill everything that works for a folder or lives in its network, and wait until it is gone.

    SIGKILL at once: boxes are disposable, and an init that ignores other signals is one more thing to be proof against.
    """
    spared = ancestors()

    def gone() -> Iterator[bool]:
        while True:
            roots = marked(folder, **more) | (in_network(namespace) if namespace else frozenset())
            victims = children(roots - spared) - spared
            for pid in victims:
                _kill(pid)
            yield not victims

    wait_until(f"the end of what runs in `{folder}`", SECONDS_TO_DIE, is_true=gone())


def templates_in_use() -> frozenset[Path]:
    """Return the images that running boxes stand on, whoever's they are."""
    return frozenset(Path(home, "template").resolve() for home, _ in _told(BOX))


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _told(name: str) -> Iterator[tuple[str, Path]]:
    label = f"{name}=".encode()
    for path in running():
        for variable in _variables(path):
            if variable.startswith(label):
                yield os.fsdecode(variable.removeprefix(label)), path


def _variables(path: Path) -> frozenset[bytes]:
    try:
        return frozenset((path / "environ").read_bytes().split(b"\0"))
    except OSError:
        return frozenset()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _parent(path: Path) -> int:
    try:
        # The name of the program, in parentheses, may hold spaces and parentheses itself.
        fields = (path / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0
    # A zombie is gone; it only waits for its parent to notice.
    return 0 if fields[0] in "ZX" else int(fields[1])
