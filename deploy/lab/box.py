"""A box while it runs: boot, look inside, reboot, pull the plug."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from coopinfra.deploy.lab import cgroups
from coopinfra.deploy.lab.limits import short_of_inotify
from coopinfra.deploy.lab.processes import BOX, children, end, environment, marked, wait_until
from coopinfra.deploy.lab.state import Box, Lab
from coopinfra.deploy.organisation.problems import CoopinfraError, Problem

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
# The disk is put together where only this box sees it, so that its mounts end with it, however it ends. The template
# lies below a layer: a copy takes seconds where the kernel is slow with many files. A state folder that cannot carry a
# layer (it is one itself) gets that copy. Nothing is synced: a box does not outlive the machine.
# Then, without a unit of the host's systemd around it, nspawn leaves a guest that reboots to whoever started it. The
# kernel may still hold the link of the guest before, and the next one could not have it.
RUN_BOX = f"""
cd "$1" && link=$2 && shift 2 && rm -rf work/work || exit 1
{cgroups.ENTER}
mount -t overlay -o lowerdir=template,upperdir=layer,workdir=work,redirect_dir=on,volatile overlay root || {{
    echo "no layer here, so the template is copied"
    test -e copied || {{
        cp --archive --reflink=auto template/. root/ && cp --archive --remove-destination layer/. root/ && touch copied
    }}
}} || exit 1
while ip link delete "$link" 2>/dev/null; "$@"; test $? = 133; do :; done
"""


def boot(lab: Lab, name: str) -> None:
    """Start a box; it goes on without us, as one tree of processes."""
    home, has_systemd = lab.home(name), Path("/run/systemd/system").is_dir()
    argv = (
        *("nsenter", f"--net={lab.network}", "--", "unshare", "--mount", "--", "sh", "-c", RUN_BOX, "box", str(home)),
        link(lab.key, name),
        *("systemd-nspawn", "--quiet", "--boot", "--register=no", *(() if has_systemd else ("--keep-unit",))),
        *(f"--directory={home}/root", f"--machine={lab.key}-{name}", f"--hostname={name}", "--console=read-only"),
        *("--network-bridge=boxes", "--resolv-conf=off", "--timezone=off", "--link-journal=no"),
        # For disks within a disk: no udev of its own makes these.
        *(f"--bind={path}" for path in sorted(Path("/dev").glob("loop*")) if not path.is_dir()),
    )
    # On a host with cgroup v1 the guest would inherit that layout, which Debian 13 no longer boots with.
    environ = environment(lab.folder, **{BOX: str(home), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
    with (home / "console.log").open("ab") as console:
        # Forks, so that it is nobody's child who would have to wait for it.
        fork = ("setsid", "--fork", *argv)
        subprocess.run(fork, stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=environ, check=True)


def link(key: str, name: str) -> str:
    """Name what the host has of a box, by its lab's key: its link, as systemd-nspawn calls it, and its cgroup."""
    return f"vb-{key}-{name}"


def wait_for_ssh(lab: Lab, box: Box) -> None:
    """Wait until a box answers on its SSH port."""
    waits = (sys.executable, "-I", "-c", WAIT_FOR_SSH, box.address, str(SECONDS_TO_BOOT))
    argv = ("nsenter", f"--net={lab.network}", "--", *waits)
    if subprocess.run(argv, env=environment(lab.folder), check=False).returncode:
        silent = Problem(
            f"`{box.name}` does not answer at {box.address}; its console ends with: {last_words(lab, box.name)}"
        )
        why = short_of_inotify()
        raise CoopinfraError(silent, *([why] if why else []))


def last_words(lab: Lab, name: str) -> str:
    """Return the end of a box's console, in one line; what could not come up is removed, and its console with it."""
    console = lab.home(name) / "console.log"
    lines = console.read_text(errors="replace").splitlines() if console.exists() else []
    return " / ".join(line.strip() for line in lines[-4:] if line.strip())


def init_of(lab: Lab, name: str) -> int:
    """Return the process that is the box's init, as the host sees it; 0 if the box does not run."""
    for pid in sorted(children(marked(lab.folder, **{BOX: str(lab.home(name))}))):
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
    enter = shell_argv(lab, name, command)
    done = subprocess.run(
        enter, input=given, capture_output=True, text=True, errors="replace", env=environment(lab.folder), check=False
    )
    if check and done.returncode:
        words, shown = " / ".join((done.stderr or done.stdout).strip().splitlines()[-4:]), command.splitlines()[0][:80]
        raise CoopinfraError(Problem(f"`{shown}` on `{name}` ended with {done.returncode}: {words}"))
    return done


def shell_argv(lab: Lab, name: str, command: str) -> tuple[str, ...]:
    """Return what runs a command as root inside a box, for who feeds it more than text."""
    pid = init_of(lab, lab.box(name).name)
    if not pid:
        raise CoopinfraError(Problem(f"the box `{name}` does not run", hint=f"`coopinfra lab down {lab.name}`"))
    clean = (
        "env",
        "-i",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/root",
        "LC_ALL=C.UTF-8",
        "sh",
        "-c",
        f"cd /\n{command}",
    )
    return ("nsenter", f"--target={pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--", *clean)


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
    end(lab.folder, None, **{BOX: str(lab.home(name))})
    cgroups.remove(link(lab.key, name))


def runs(lab: Lab, name: str) -> bool:
    """Tell whether a box runs."""
    return bool(init_of(lab, name))
