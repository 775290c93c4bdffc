"""A box while it runs: boot, look inside, reboot, pull the plug."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from coopinfra.deploy.lab.processes import children, end, environment, marked, wait_until
from coopinfra.deploy.lab.state import Box, Lab
from coopinfra.deploy.organisation.problems import CoopinfraError, Problem

BOX = "COOPINFRA_BOX"
SECONDS_TO_BOOT = 60.0
# Python 3.11 cannot enter a namespace, so the one who waits is started there.
WAIT_FOR_SSH = """
import socket, sys, time
deadline = time.monotonic() + float(sys.argv[2])
while time.monotonic() < deadline:
    try:
        with socket.create_connection((sys.argv[1], 22), timeout=1) as connection:
            if connection.recv(4) == b"SSH-":
                sys.exit(0)
    except OSError:
        pass
    time.sleep(0.03)
sys.exit(1)
"""
# Without systemd on the host (or a unit of ours there) nspawn leaves a guest that reboots to whoever started it.
AGAIN_AFTER_REBOOT = 'while "$@"; test $? = 133; do :; done'


def boot(lab: Lab, name: str) -> None:
    """Start a box; it goes on without us, as one tree of processes."""
    here = Path("/run/systemd/system").is_dir()
    argv = (
        *("nsenter", f"--net={lab.network}", "--", "sh", "-c", AGAIN_AFTER_REBOOT, "box", "systemd-nspawn"),
        *("--quiet", "--boot", "--register=no", *(() if here else ("--keep-unit",)), "--console=read-only"),
        *(f"--directory={lab.tree(name)}", f"--machine={lab.key}-{name}", f"--hostname={name}"),
        *("--network-bridge=boxes", "--resolv-conf=off", "--timezone=off", "--link-journal=no"),
    )
    # On a host with cgroup v1 the guest would inherit that layout, which Debian 13 no longer boots with.
    environ = environment(lab.folder, **{BOX: name, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
    with (lab.folder / "boxes" / name / "console.log").open("ab") as console:
        # Forks, so that it is nobody's child who would have to wait for it.
        subprocess.run(
            ("setsid", "--fork", *argv), stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=environ, check=True
        )


def wait_for_ssh(lab: Lab, box: Box) -> None:
    """Wait until a box answers on its SSH port."""
    waits = (sys.executable, "-I", "-c", WAIT_FOR_SSH, box.address, str(SECONDS_TO_BOOT))
    argv = ("nsenter", f"--net={lab.network}", "--", *waits)
    if subprocess.run(argv, env=environment(lab.folder), check=False).returncode:
        console = lab.folder / "boxes" / box.name / "console.log"
        words = console.read_text(errors="replace").splitlines()[-3:]
        raise CoopinfraError(
            Problem(f"`{box.name}` does not answer at {box.address}: {' / '.join(words)}", hint=f"see `{console}`")
        )


def init_of(lab: Lab, name: str) -> int:
    """Return the process that is the box's init, as the host sees it; 0 if the box does not run."""
    for pid in sorted(children(marked(lab.folder, **{BOX: name}))):
        try:
            inside = Path(f"/proc/{pid}/status").read_text().partition("NSpid:")[2].splitlines()[0].split()
            # nspawn's helpers are process 1 of the new namespace for a moment before they become init.
            is_init = Path(f"/proc/{pid}/comm").read_text().strip() in ("systemd", "init")
        except (OSError, IndexError):
            continue
        if len(inside) > 1 and inside[-1] == "1" and is_init:
            return pid
    return 0


def shell(
    lab: Lab, name: str, command: str, *, given: str = "", check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command as root inside a box, not through SSH: for tests, faults and what the lab does to its own."""
    pid = init_of(lab, lab.box(name).name)
    if not pid:
        raise CoopinfraError(Problem(f"the box `{name}` does not run", hint=f"`coopinfra lab down {lab.name}`"))
    clean = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "sh", "-c", command)
    enter = ("nsenter", f"--target={pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--wd=/", "--", *clean)
    done = subprocess.run(
        enter, input=given, capture_output=True, text=True, errors="replace", env=environment(lab.folder), check=False
    )
    if check and done.returncode:
        words = " / ".join((done.stderr or done.stdout).strip().splitlines()[-4:])
        raise CoopinfraError(Problem(f"`{command[:80]}` on `{name}` ended with {done.returncode}: {words}"))
    return done


def reboot(lab: Lab, name: str) -> float:
    """Reboot a box as its admin would, wait for its SSH; return the seconds that it took."""
    started, before = time.monotonic(), init_of(lab, name)
    shell(lab, name, "systemctl reboot", check=False)

    def is_another() -> Iterator[bool]:
        while True:
            yield init_of(lab, name) not in (0, before)

    wait_until(f"the reboot of `{name}`", SECONDS_TO_BOOT, is_true=is_another())
    wait_for_ssh(lab, lab.box(name))
    return time.monotonic() - started


def kill(lab: Lab, name: str) -> None:
    """Pull the plug of a box; its disk stays as it was at that moment."""
    end(lab.folder, None, **{BOX: name})


def runs(lab: Lab, name: str) -> bool:
    """Tell whether a box runs."""
    return bool(init_of(lab, name))
