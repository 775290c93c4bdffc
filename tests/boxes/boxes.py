"""Somebody at a terminal in the lab, and bare machines to deploy onto."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab.state import BoxSpec, Lab

EXAMPLES = Path(__file__).parents[2] / "inventories"
WEB1 = BoxSpec("web1", "203.0.113.10", "2001:db8::10", organisation="highbeam")

# What decides about the look of a server; left out is what its daemons write by themselves.
TREE = r"""
find /etc /srv /usr/local /var/lib/coopinfra /var/spool/cron /home -xdev \
    \( -path /var/lib/coopinfra/state -o -path /etc/letsencrypt/accounts -o -path /etc/ld.so.cache \
       -o -regex '/etc/\(passwd\|group\|shadow\|gshadow\|subuid\|subgid\)-' \) -prune -o \
    -printf '%M %u:%g %p %l\n' | sed 's#\([/ ][.][a-z0-9.-]*[.]\)[A-Za-z0-9]\{6\}\b#\1XXXXXX#g' | sort
find /etc /usr/local -xdev -type f ! -name '*-' ! -path /etc/ld.so.cache ! -path '/etc/letsencrypt/*' \
    ! -path '/etc/ssh/ssh_host_*' ! -path /etc/machine-id ! -path /etc/.updated \
    -exec sha256sum {} + | sort -k2
"""

# Accounts, groups, packages, and what runs now and after the next boot; sessions come and go.
ACCOUNTS_AND_UNITS = r"""
echo accounts; getent passwd
echo groups; getent group
echo packages; dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n'
echo units; systemctl list-unit-files --plain --no-legend --no-pager | awk '{print $1, $2}'
echo running; systemctl list-units --plain --no-legend --no-pager --state=active \
    --type=service,socket,timer,path | awk '{print $1, $3}' | grep -v '^user\(-runtime-dir\)\?@' \
    | grep -Ev '^systemd-(ask-password|networkd-wait-online)'
"""


@dataclass(frozen=True)
class Operator:
    """Somebody at a terminal inside the lab."""

    lab: Lab
    program: tuple[str, ...] = (sys.executable, "-m", "coopinfra.cli.main")

    @property
    def folder(self) -> Path:
        return self.lab.inventories / "highbeam"

    def argv(self, *words: str) -> tuple[str, ...]:
        return (*self.program, *words)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return labs.run(self.lab, self.argv(*words))

    def ok(self, *words: str) -> subprocess.CompletedProcess[str]:
        ran = self.run(*words)
        assert ran.returncode == 0, f"{words} ended with {ran.returncode}:\n{ran.stdout}\n{ran.stderr}"
        return ran

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Start a command in the lab as the leader of a group, so that it can be killed as one."""
        return subprocess.Popen(
            labs.exec_argv(self.lab, argv),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def data(self, *words: str) -> object:
        return json.loads(self.ok(*words, "--json").stdout)

    def red(self, organisation: str = "highbeam") -> dict[str, str]:
        """What `check` finds wrong, by sentence, but that most boxes have no backups, and that nobody drilled them."""
        checked = json.loads(self.run("check", organisation, "--json").stdout)
        assert [one["error"] for one in checked if "error" in one] == [], "every server could be asked"
        found = {each["sentence"]: each["found"] for one in checked for each in one["checks"] if each["found"]}
        others = ("what cannot be made anew on", "was brought back from its backups in a drill")
        return {sentence: said for sentence, said in found.items() if not any(each in sentence for each in others)}

    def root(self, command: str, box: str = "web1") -> str:
        return labs.shell(self.lab, box, command).stdout

    def outside(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command as the outside client."""
        return labs.run(self.lab, argv)

    def plain_pyinfra(self, login: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Deploy by pyinfra's own command, without anything of our engine."""
        command, deploy = Path(sys.executable).with_name("pyinfra"), EXAMPLES.parent / "deploy"
        settings = ("env", "COOPINFRA_ORG=highbeam", f"COOPINFRA_LOGIN={login}")
        files = (f"{deploy}/inventory.py", f"{deploy}/site.py")
        return self.outside(*settings, str(command), *options, "-y", "--limit", "web1", *files)

    def tree(self) -> str:
        return self.root(TREE)

    def whole(self) -> dict[str, list[str]]:
        """All that a deploy decides: the tree, and lists of accounts, groups, packages, units and what runs."""
        # A slow machine may still be booting. What the boot alone starts and ends, as it pleases, is left out.
        self.root("systemctl is-system-running --wait || true")
        found: dict[str, list[str]] = {"tree": self.tree().splitlines()}
        for line in self.root(ACCOUNTS_AND_UNITS).splitlines():
            if line in ("accounts", "groups", "packages", "units", "running"):
                found[line] = []
            else:
                found[[*found][-1]].append(line)
        return found

    def differs_from(self, before: str) -> list[str]:
        """What of the tree is not as it was, line by line."""
        return sorted(set(self.tree().splitlines()) ^ set(before.splitlines()))

    def publish(self) -> None:
        labs.publish(self.lab, "highbeam.example", self.ok("dns", "highbeam").stdout)


@contextmanager
def machines(lab: Lab, inventories: Path = EXAMPLES) -> Iterator[Callable[..., Operator]]:
    """Hand out bare machines at the address of web1, and the inventories as they are in the repository."""
    made: list[str] = []

    def make(spec: BoxSpec = WEB1) -> Operator:
        shutil.rmtree(lab.inventories / "highbeam", ignore_errors=True)
        shutil.copytree(inventories / "highbeam", lab.inventories / "highbeam")
        made.append(spec.name)
        return Operator(labs.add_box(labs.load(lab.name), spec))

    try:
        yield make
    finally:
        for name in made:
            labs.remove_box(labs.load(lab.name), name)


def read_until(process: subprocess.Popen[str], text: str) -> None:
    """Read what a command says until a line has `text`; fail when it ends before."""
    said = ""
    assert process.stderr
    for line in process.stderr:
        said += line
        if text in line:
            return
    pytest.fail(f"it ended without {text!r}:\n{said}")


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a command and all that it started, as a power cut would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
