"""The release before this checkout, as its operators have it, and what the CHANGELOG asks of them."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path


class NoRelease(Exception):
    """There is no release that could be found from here."""


@dataclass(frozen=True)
class Release:
    """A released commit and its version."""

    commit: str
    version: str


def git(folder: Path, *words: str) -> str:
    """Ask git about a checkout; empty when it does not know."""
    return subprocess.run(("git", "-C", folder, *words), capture_output=True, text=True, check=False).stdout.strip()


def version_at(folder: Path, commit: str) -> str:
    """Return the version that a commit calls itself; empty before there was one."""
    text = git(folder, "show", f"{commit}:pyproject.toml")
    return str(tomllib.loads(text)["project"]["version"]) if text else ""


def before(folder: Path) -> Release:
    """Find the release before a checkout: by the newest tag below it, else by its history.

    A release that is tagged at this very commit is what is deployed, not what it is deployed over.
    """
    if tag := git(folder, "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD^"):
        commit = git(folder, "rev-parse", f"{tag}^{{commit}}")
        return Release(commit, version_at(folder, commit))
    # A clone may lack the tags. Work on a version begins with a commit that calls it `.dev`, right after the release.
    for commit in git(folder, "log", "--format=%H", "-G^version = ", "--", "pyproject.toml").split():
        version, parent = version_at(folder, commit), git(folder, "rev-parse", "--verify", "--quiet", f"{commit}^")
        if parent and ".dev" in version and ".dev" not in (released := version_at(folder, parent)):
            return Release(parent, released)
    raise NoRelease(f"no release is found in the history of {folder}; in a shallow clone: git fetch --unshallow --tags")


def checkout(folder: Path, release: Release) -> Path:
    """Lay a release out with an environment of its own, as its own launcher makes it; kept in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").resolve() / "coopinfra/releases"
    place = cache / f"{release.version}-{release.commit[:12]}"
    cache.mkdir(parents=True, exist_ok=True)
    # It takes the lock, so that of two runs one waits for the other.
    lay_out = 'test -e "$3" || { rm -rf "$3.new" && mkdir "$3.new" && git -C "$1" archive "$2" | tar -xC "$3.new"; }'
    finish = 'test -e "$3" || mv "$3.new" "$3"; "$3/coopinfra" --version'
    words = ("flock", cache, "sh", "-euc", f"{lay_out}\n{finish}", "sh", folder, release.commit, place)
    said = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert said.split() == ["coopinfra", release.version]
    return place


def by_hand(changelog: str, since: str) -> str:
    """Return the commands that the CHANGELOG tells operators of a version to run before their next `deploy`."""
    newer = changelog.partition(f"\n## [{since}]")[0]
    within = re.MULTILINE | re.DOTALL
    sections = re.findall(r"^### Before the next deploy\n(.*?)(?=^##|\Z)", newer, within)
    # The newest version stands first, and the oldest is what operators begin with.
    return "".join(
        block for section in reversed(sections) for block in re.findall(r"^```sh\n(.*?)^```", section, within)
    )
