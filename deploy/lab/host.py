"""Whether boxes can run on this machine, and what it lacks for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from coopinfra.deploy.lab.processes import PLAIN, failure
from coopinfra.deploy.organisation.problems import CoopinfraError, Problem

# Each command that we start, and the Debian package that has it.
NEEDS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "nft": "nftables",
    "nsenter": "util-linux",
    "setsid": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    # What an outside client looks with.
    "curl": "curl",
}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
INSTEAD = "use Vagrant (see the Vagrantfile), a server of your own, or `coopinfra plan --offline`"


class NoBoxes(CoopinfraError):
    """This machine cannot run boxes."""

    kind = "no-boxes"


def why_not() -> str:
    """Say in one sentence why boxes cannot run here; empty if they can."""
    if sys.platform != "linux":
        return "boxes need Linux, and this is another system"
    if os.geteuid() != 0:
        return "boxes need root, and we are not root"
    if not Path("/usr/bin/apt-get").exists():
        return "boxes are built from Debian packages, and this system has no apt"
    for flag, what in {"--net": "network", "--mount": "mount", "--pid": "process"}.items():
        if subprocess.run(["unshare", flag, "--fork", "true"], capture_output=True, check=False).returncode:
            return f"boxes need namespaces, and a new {what} namespace is refused here"
    return ""


def require(report: Callable[[str], None], needs: Mapping[str, str] = NEEDS) -> None:
    """Raise if boxes cannot run here; install what is needed (command -> Debian package) and this machine lacks."""
    if reason := why_not():
        hint = f"run it with sudo, or {INSTEAD}" if "root" in reason else INSTEAD
        raise NoBoxes(Problem(reason, hint=hint))
    missing = {package for name, package in needs.items() if not shutil.which(name)}
    if not KEYRING.exists():
        missing.add("debian-archive-keyring")
    if missing:
        _install(tuple(sorted(missing)), report)


def _install(packages: tuple[str, ...], report: Callable[[str], None]) -> None:
    report(f"installing on this machine: {' '.join(packages)}")
    environ = {**os.environ, **PLAIN, "DEBIAN_FRONTEND": "noninteractive"}
    install = ("apt-get", "install", "--yes", "--no-install-recommends", *packages)
    for argv in (("apt-get", "update"), install):
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace", env=environ, check=False)
        if done.returncode:
            raise failure(argv, done.returncode, done.stderr)
