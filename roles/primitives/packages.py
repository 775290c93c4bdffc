"""Debian packages: the union of all roles' in one apt transaction, which starts no daemon."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterable, Mapping

from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation

from coopinfra.roles.primitives.changes import Change

# Daemons start later, when their configuration lies there: policy-rc.d is Debian's way to say so.
# https://www.debian.org/doc/debian-policy/ch-opersys.html#invoking-init-scripts
# `Error-Mode=any`: without it an update from a dead mirror ends with success. Nobody reads translated descriptions of
# packages on a server, and they take two seconds of a small one.
INSTALL = """
set -eu
# needrestart, where it is installed, would restart daemons: which ones and when is judged later, on evidence.
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
policy=/usr/sbin/policy-rc.d
# Each package that brings a unit has systemd read all units again, a third of a second each time. As nothing starts
# here, once is enough, at the end; where systemd itself was replaced, or a library of its, it starts itself anew then.
# https://systemd.io/ENVIRONMENT
export SYSTEMD_OFFLINE=1
tell_systemd() {{
    unset SYSTEMD_OFFLINE
    if grep -q ' /usr/.*(deleted)$' /proc/1/maps; then systemctl daemon-reexec; else systemctl daemon-reload; fi
}}
trap 'rm -f "$policy"; tell_systemd' EXIT
printf '#!/bin/sh\\n# Written by coopinfra for the time of one installation.\\nexit 101\\n' >"$policy"
chmod 0755 "$policy"
options="-o DPkg::Lock::Timeout={wait} -o APT::Update::Error-Mode=any -o Acquire::Languages=none"
# Neither waits for somebody else's lock by itself; their messages name the holder.
deadline=$(($(date +%s) + {wait}))
name_holder() {{
    # apt says `held by process 1`, dpkg `locked by another process with pid 1`.
    pid=$(echo "$said" | sed -n 's/.*process \\(with pid \\)\\?\\([0-9][0-9]*\\).*/\\2/p' | head -n 1)
    [ -z "$pid" ] || echo "that is: $(tr '\\0' ' ' <"/proc/$pid/cmdline"), waited for {wait} seconds" >&2
}}
patiently() {{
    until said=$("$@" 2>&1); do
        case $said in *"Could not get lock"* | *"lock was locked"*) ;; *) echo "$said" >&2; exit 1 ;; esac
        [ "$(date +%s)" -lt "$deadline" ] || {{ echo "$said" >&2; name_holder; exit 1; }}
        sleep 1
    done
}}
# What a cut cable has left half installed comes first.
patiently dpkg --configure -a
patiently apt-get $options update -q
apt-get $options install -q -y --no-install-recommends \\
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold {names}
"""


class PackageStates(FactBase[tuple[str, ...]]):
    """Which of some packages are installed."""

    def command(self, names: tuple[str, ...]) -> str:
        """Return the shell command."""
        return f"dpkg-query -W -f '${{Package}} ${{db:Status-Status}}\\n' {shlex.join(names)} 2>/dev/null; true"

    def process(self, output: Iterable[str]) -> tuple[str, ...]:
        """Keep those that are installed whole."""
        return tuple(line.split()[0] for line in output if line.split()[1:] == ["installed"])

    @staticmethod
    def default() -> tuple[str, ...]:
        """None of them is installed."""
        return ()


class PackageCandidates(FactBase[dict[str, str]]):
    """The versions that would be installed, for packages of which the server's lists know one."""

    def command(self, names: tuple[str, ...]) -> str:
        """Return the shell command."""
        return f"LC_ALL=C apt-cache policy {shlex.join(names)} 2>/dev/null; true"

    def process(self, output: Iterable[str]) -> dict[str, str]:
        """Keep each package's candidate."""
        found, name = {}, ""
        for line in output:
            if not line.startswith(" "):
                name = line.removesuffix(":")
            elif line.startswith("  Candidate: ") and not line.endswith("(none)"):
                found[name] = line.removeprefix("  Candidate: ")
        return found

    @staticmethod
    def default() -> dict[str, str]:
        """The server has no lists yet."""
        return {}


def packages_missing(
    names: Iterable[str], installed: Iterable[str], versions: Mapping[str, str] | None = None
) -> tuple[Change, ...]:
    """Return what would be installed, with its version where that is known."""
    known = versions or {}
    return tuple(
        Change("package", "install", name, known.get(name, "")) for name in sorted(set(names) - set(installed))
    )


@operation()
def packages(names: tuple[str, ...], wait: int = 120) -> Generator[StringCommand, None, None]:
    """Install what is missing of `names`, all at once; `wait` seconds at most for somebody else's apt."""
    installed = host.get_fact(PackageStates, names=names)
    missing = [change.subject for change in packages_missing(names, installed)]
    if not missing:
        host.noop("every package is installed")
        return
    yield StringCommand("sh", "-c", shlex.quote(INSTALL.format(wait=wait, names=shlex.join(missing))))
