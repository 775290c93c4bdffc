"""A server's backups as this machine reads them: by restic and the inventory's secrets; no server is asked."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any
from urllib.parse import urlsplit

from coopinfra.deploy.organisation.problems import CoopinfraError, Problem

SECONDS_TO_ANSWER = 20
# A cache would hold what the keeper may have lost since.
READS = ("restic", "--quiet", "--no-lock", "--no-cache")


class NotReadable(CoopinfraError):
    """The backups cannot be read, or something among them is none."""

    exit_code = 1
    kind = "backups"


@dataclass(frozen=True)
class Door:
    """A way to a server's backups for a key that may remove some of them: `ssh` is the command that opens it."""

    name: str
    ssh: str
    key: str = field(repr=False)
    """The password of the backups, which stays here."""

    def run(self, *words: str) -> str:
        """Return what restic prints; raise NotReadable with what it complains of."""
        # Over there a command answers that is set for the key: it is told the name, and speaks as rclone does.
        to_there = ("-o", f"rclone.program={self.ssh}", "-o", "rclone.args=", "--repo", f"rclone:{self.name}")
        environ = {**os.environ, "RESTIC_PASSWORD": self.key, "LC_ALL": "C"}
        # Of this run alone: an older one would hold what the keeper may have lost since.
        with TemporaryDirectory() as cache:
            argv = ("restic", "--quiet", "--cache-dir", cache, *to_there, *words)
            return _said(
                argv, environ, "is it open to this key? It has to stand under `prunes` over there, and be deployed"
            )


class Repository(ABC):
    """Where they are, and what reads them; a secret goes to restic in its environment, never as a word."""

    def run(self, *words: str) -> str:
        """Return what restic prints; raise NotReadable with what it complains of, also where it goes on."""
        with self._restic(*words) as (argv, environ):
            return _said(argv, environ)

    def file(self, snapshot: str, path: str) -> str:
        """Return a text file of a backup."""
        return self.run("dump", snapshot, path)

    def nodes(self, snapshot: str, path: str) -> tuple[Mapping[str, Any], ...]:
        """Return what restic says of a file or folder, and of all that is in it."""
        lines = self.run("ls", "--json", "--recursive", snapshot, path).splitlines()
        return tuple(node for node in map(json.loads, lines) if "path" in node and "type" in node)

    @contextmanager
    def stream(self, snapshot: str, folder: str = "/") -> Iterator[IO[bytes]]:
        """Give a folder of a backup as a tar archive, all by default; raise NotReadable where it is not all of it."""
        with self._restic("dump", "--archive", "tar", snapshot, folder) as (argv, environ):
            process = subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            assert process.stdout
            yield process.stdout
            process.stdout.close()
            said = process.communicate()[1].decode(errors="replace")
            if process.returncode:
                raise NotReadable(Problem(_last(said) or f"restic ended with {process.returncode}"))

    @abstractmethod
    def _restic(self, *words: str) -> AbstractContextManager[tuple[tuple[str, ...], dict[str, str]]]:
        """Give the command and its environment."""


@dataclass(frozen=True)
class Served(Repository):
    """Backups at a server that keeps them, as it gives them out."""

    url: str
    login: str
    password: str = field(repr=False)
    key: str = field(repr=False)
    certificate: str = field(repr=False)

    def _answers(self) -> None:
        """Raise NotReadable where nobody is there: restic would try for a quarter of an hour."""
        found = urlsplit(self.url.removeprefix("rest:"))
        try:
            socket.create_connection((found.hostname or "", found.port or 443), timeout=SECONDS_TO_ANSWER).close()
        except OSError as error:
            raise NotReadable(Problem(f"{found.netloc} does not answer: {error.strerror or error}")) from error

    @contextmanager
    def _restic(self, *words: str) -> Iterator[tuple[tuple[str, ...], dict[str, str]]]:
        self._answers()
        with TemporaryDirectory() as scratch:
            certificate = Path(scratch) / "certificate.pem"
            certificate.write_text(self.certificate)
            address = self.url.replace("https://", f"https://{self.login}:{self.password}@", 1)
            environ = {**os.environ, "RESTIC_REPOSITORY": address, "RESTIC_PASSWORD": self.key, "LC_ALL": "C"}
            yield (*READS, "--cacert", str(certificate), *words), environ


@dataclass(frozen=True)
class Plugged(Repository):
    """Backups on a disk that is plugged in at a server; `ssh` is the command that hands out its files there."""

    name: str
    ssh: str
    key: str = field(repr=False)

    @contextmanager
    def _restic(self, *words: str) -> Iterator[tuple[tuple[str, ...], dict[str, str]]]:
        # Over there an answer begins in the disk's folder; `disk` is nobody's name, as the command is given.
        to_there = ("-o", f"sftp.command={self.ssh}", "--repo", f"sftp:disk:{self.name}")
        yield (*READS, *to_there, *words), {**os.environ, "RESTIC_PASSWORD": self.key, "LC_ALL": "C"}


def _said(argv: tuple[str, ...], environ: Mapping[str, str], hint: str = "") -> str:
    """Run restic and return what it prints; raise NotReadable with what it complains of, also where it goes on."""
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False, errors="replace")
    if done.returncode or done.stderr.strip():
        raise NotReadable(Problem(_last(done.stderr) or f"restic ended with {done.returncode}", hint))
    return done.stdout


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return "; ".join(lines[-3:])[:300]
