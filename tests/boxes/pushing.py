"""Somebody with a key of their own and a copy of a site, who pushes it."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from boxes import Operator

ACCOUNT = "highbeam-{site}-push@web1.highbeam.example"


def make_key(folder: Path, name: str) -> str:
    """Make a key; return its public half."""
    path = folder / name
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)), check=True)
    return path.with_suffix(".pub").read_text().strip()


@dataclass(frozen=True)
class Pusher:
    """Somebody who pushes one site from a computer in the lab."""

    operator: Operator
    key: Path
    copy: Path
    site: str = "main"

    @property
    def account(self) -> str:
        return ACCOUNT.format(site=self.site)

    @property
    def ssh(self) -> tuple[str, ...]:
        """The ssh command with this key alone."""
        options = (
            "StrictHostKeyChecking=accept-new",
            f"UserKnownHostsFile={self.key}.known",
            "IdentitiesOnly=yes",
            "LogLevel=ERROR",
            "ConnectTimeout=20",
        )
        return ("ssh", "-F", "none", "-i", str(self.key), *(f"-o{option}" for option in options))

    def git(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run git in the copy, and reach the server from within the lab."""
        who = ("-c", "user.name=Rosa", "-c", "user.email=rosa@highbeam.example", "-c", "init.defaultBranch=main")
        command = ("env", f"GIT_SSH_COMMAND={shlex.join(self.ssh)}", "GIT_CONFIG_GLOBAL=/dev/null", "git")
        ran = self.operator.outside(*command, "-C", str(self.copy), *who, *words)
        assert not check or ran.returncode == 0, f"git {words} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}"
        return ran

    def begin(self, **files: str) -> None:
        """Make the copy, with a first commit."""
        self.copy.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet")
        self.commit(**files)

    def commit(self, **files: str) -> str:
        """Write files by their names, in which `__` stands for a dot, and commit all there is; return the commit."""
        for name, text in files.items():
            (self.copy / name.replace("__", ".")).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self.git("rev-parse", "HEAD").stdout.strip()

    def push(self, *words: str, site: str = "") -> subprocess.CompletedProcess[str]:
        """Push to the server."""
        address = f"ssh://{self.account}/{site or self.site}"
        return self.git("push", *(words or (address, "main")), check=False)

    def push_to(self, *refs: str, site: str = "") -> subprocess.CompletedProcess[str]:
        """Push named refs, with what git calls options in front."""
        options = tuple(each for each in refs if each.startswith("-"))
        named = tuple(each for each in refs if not each.startswith("-"))
        return self.git("push", *options, f"ssh://{self.account}/{site or self.site}", *named, check=False)

    def asks(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Ask sshd for something with this key."""
        return self.operator.outside(*self.ssh, *words)

    def undo(self) -> None:
        """Take the last commit back, here."""
        self.git("reset", "--quiet", "--hard", "HEAD^")
