"""Where Debian's packages come from: what this machine's own apt says, never what we think."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

SUITE = "trixie"
PUBLIC = "http://deb.debian.org/debian"
PUBLIC_SECURITY = "http://deb.debian.org/debian-security"
# Suites by which Debian's own archive is told from other people's repositories.
DEBIAN = re.compile(r"(bookworm|trixie|forky|stable|testing|sid|unstable)(-updates|-security)?")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True)
class Sources:
    """The archive, the security archive and apt's proxies."""

    archive: str
    security: str
    proxies: tuple[tuple[str, str], ...] = ()

    @property
    def lines(self) -> str:
        """Return the sources of a box, one a line."""
        wanted = ((self.archive, SUITE), (self.archive, f"{SUITE}-updates"), (self.security, f"{SUITE}-security"))
        return "".join(f"deb [signed-by={KEYRING}] {address} {suite} main\n" for address, suite in wanted)

    @property
    def options(self) -> tuple[str, ...]:
        """Return the settings of apt in a box."""
        return tuple(f'{name} "{value}";' for name, value in self.proxies)


def read(folder: Path = Path("/etc/apt")) -> Sources:
    """Read this machine's sources; without any of Debian's, take the public ones."""
    found = dict[bool, str]()
    for path in (folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))):
        if path.suffix in (".list", ".sources") and path.is_file():
            text = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
            for address, suite in _one_line(text) if path.suffix == ".list" else _stanzas(text):
                if address.startswith(("http://", "https://")) and DEBIAN.fullmatch(suite):
                    found.setdefault(suite.endswith("-security"), address.rstrip("/"))
    return Sources(found.get(False, PUBLIC), found.get(True, PUBLIC_SECURITY), _proxies())


def _one_line(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^\s*deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", text, re.MULTILINE)


def _stanzas(text: str) -> list[tuple[str, str]]:
    found = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = {
            key.lower(): value.split()
            for key, value in re.findall(r"^([\w-]+):((?:.*)(?:\n[ \t].*)*)", stanza, re.MULTILINE)
        }
        if fields.get("enabled", ["yes"]) != ["no"] and "deb" in fields.get("types", []):
            found += [(address, suite) for address in fields.get("uris", []) for suite in fields.get("suites", [])]
    return found


def _proxies() -> tuple[tuple[str, str], ...]:
    # Per-host settings come along; a script for `Auto-Detect` would not exist in a box.
    done = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True)
    return tuple(re.findall(r'^(Acquire::https?::Proxy(?:::[\w.-]+)?) "(.+)";$', done.stdout, re.MULTILINE))
