"""Somebody with a key of their own and a copy of a site, who pushes it."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from boxes import Operator

ROSA = {f"GIT_{who}_{what}": "rosa" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
ALONE = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", **ROSA}


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
    def login(self) -> str:
        return f"highbeam-{self.site}-push@web1.highbeam.example"

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

    def git(self, *words: str, given: str = "") -> str:
        """Run git in the copy; return what it prints."""
        environ = {**os.environ, **ALONE}
        argv = ("git", "-C", str(self.copy), *words)
        ran = subprocess.run(argv, input=given, capture_output=True, text=True, env=environ, check=False)
        assert ran.returncode == 0, f"{words} ended with {ran.returncode}: {ran.stderr}"
        return ran.stdout.strip()

    def begin(self, files: dict[str, str]) -> None:
        """Make the copy, with a first commit."""
        self.copy.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit(files)

    def commit(self, files: dict[str, str]) -> str:
        """Write files by their names, and commit; return the commit."""
        for name, text in files.items():
            (self.copy / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self.git("rev-parse", "HEAD")

    def strange(self, *entries: str, content: str = "x") -> str:
        """Return a commit with entries more, `MODE TYPE @ NAME`, that no working tree has; `@` stands for a blob."""
        blob = self.git("hash-object", "-w", "--stdin", given=content)
        lines = [f"{kind.replace('@', blob)}\t{name}" for kind, _, name in (each.rpartition(" ") for each in entries)]
        tree = self.git("mktree", "--missing", given="\n".join([self.git("ls-tree", "HEAD"), *lines]))
        return self.git("commit-tree", "-p", "HEAD", "-m", "strange", tree)

    def over_git(self, *words: str) -> tuple[str, ...]:
        """Return the command that runs git in the copy, for what reaches the server."""
        known = (*(f"{name}={value}" for name, value in ALONE.items()), f"GIT_SSH_COMMAND={shlex.join(self.ssh)}")
        return ("env", *known, "git", "-C", str(self.copy), *words)

    def push(self, *refs: str, to: str = "") -> subprocess.CompletedProcess[str]:
        """Push the branch, or what is named, with git's options in front."""
        options = [each for each in refs if each.startswith("-")]
        named = [each for each in refs if not each.startswith("-")]
        address = f"ssh://{self.login}/{to or self.site}"
        return self.operator.outside(*self.over_git("push", *options, address, *(named or ["main"])))

    def asks(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Ask sshd for something with this key."""
        return self.operator.outside(*self.ssh, *words)
