"""How a command of an operator is run inside a lab, so that nothing but this file knows of labs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from coopinfra.deploy.lab.box import shell
from coopinfra.deploy.lab.internet import BEYOND, resolvers
from coopinfra.deploy.lab.inventories import OPERATOR
from coopinfra.deploy.lab.processes import MARK
from coopinfra.deploy.lab.state import Lab

# The mounts live in a namespace of their own: the host's files stay what they are. A host that resolves through
# nss-resolve would ask its own daemon past resolv.conf, so the order of sources is the lab's too.
ENTER = """
mount --bind "$1/resolv.conf" "$(readlink -f /etc/resolv.conf)" &&
mount --bind "$1/nsswitch.conf" "$(readlink -f /etc/nsswitch.conf)" &&
shift && exec "$@"
"""
NAMES = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nprotocols: files\nservices: files\n"


def variables(lab: Lab) -> dict[str, str]:
    """Return the variables by which commands in the lab find its inventories, key and authorities."""
    authorities = str(lab.authorities)
    return {
        "COOPINFRA_LAB": lab.name,
        BEYOND: " ".join(resolvers()),
        "COOPINFRA_INVENTORIES": str(lab.inventories),
        "COOPINFRA_SSH_KEY": str(lab.ssh_key),
        "COOPINFRA_AGE_IDENTITY": str(lab.age_identity),
        # Nothing is at stake here.
        "COOPINFRA_ONE_READER": "1",
        "SSL_CERT_FILE": authorities,
        "REQUESTS_CA_BUNDLE": authorities,
        "CURL_CA_BUNDLE": authorities,
        # The runs in a lab are none of the real servers'.
        "XDG_STATE_HOME": str(lab.folder / "state"),
        MARK: str(lab.folder),
        # So that `coopinfra` is this very installation.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def exec_argv(lab: Lab, argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command that runs a command inside the lab, for `os.execvp`."""
    enter = ("nsenter", f"--net={lab.network}", "--", "unshare", "--mount", "--", "sh", "-c", ENTER, "lab")
    named = (f"{name}={value}" for name, value in variables(lab).items())
    return ("env", *named, *enter, str(lab.folder), *argv)


def run(
    lab: Lab, argv: tuple[str, ...], *, given: str | None = None, folder: Path | None = None, capture: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command inside the lab and return what became of it; not captured, it talks to the terminal."""
    return subprocess.run(
        exec_argv(lab, argv),
        input=given,
        capture_output=capture,
        text=True,
        errors="replace",
        cwd=folder,
        env=dict(os.environ),
        check=False,
    )


def ssh_argv(lab: Lab, name: str, *words: str) -> tuple[str, ...]:
    """Return the plain ssh command to a box, with its pinned key: as the lab's operator once they have an account."""
    box = lab.box(name)
    known = lab.home(name) / "known_hosts"
    options = ("StrictHostKeyChecking=yes", f"UserKnownHostsFile={known}", "LogLevel=ERROR", "IdentitiesOnly=yes")
    flags = tuple(f"-o{option}" for option in options)
    user = box.user if shell(lab, name, f"id {OPERATOR}", check=False).returncode else OPERATOR
    return ("ssh", "-F", "none", "-i", str(lab.ssh_key), *flags, f"{user}@{box.address}", *words)
