"""Where a site's files come from, on the operator's side: a folder beside org.yml, or git; never imports pyinfra."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from coopinfra.roles.declarations import Release
from coopinfra.roles.primitives.archives import ArchiveError, files_of
from coopinfra.roles.primitives.workshop import MakingFailed, make

LEFT_BY_BUILDERS = ("node_modules",)


class SourceError(Exception):
    """The files of a site cannot be had: why, and what to do."""

    def __init__(self, sentence: str, hint: str) -> None:
        """Keep both apart, for the problem that is made of them."""
        super().__init__(sentence)
        self.sentence, self.hint = sentence, hint


@dataclass(frozen=True)
class Source:
    """The files of one release: their names and modes, and an id that follows from the content alone."""

    id: str
    files: tuple[tuple[str, Path], ...]
    note: str = ""
    """What was run to make them, as JSON, for whoever asks where a release comes from."""

    def archive(self) -> IO[bytes]:
        """Pack them, owned by root, in the same order every time."""
        stream = TemporaryFile()  # noqa: SIM115 - whoever uploads it closes it
        with tarfile.open(fileobj=stream, mode="w") as archive:
            for name, path in self.files:
                member = tarfile.TarInfo(name)
                member.size = path.stat().st_size
                member.mode = 0o644
                with path.open("rb") as content:
                    archive.addfile(member, content)
        stream.seek(0)
        return stream


def find_source(release: Release, home: Path) -> Source:
    """Read the files that `release` names, relative to `home`, or make them. Raises SourceError.

    From git, they are fetched first; so are archives.
    """
    brought = tuple(sorted(_brought(release, home)))
    if not release.folder and not release.git:
        return _summed(brought)
    source = _own(release, home)
    return replace(_summed(tuple(sorted((*source.files, *brought)))), note=source.note) if brought else source


def _brought(release: Release, home: Path) -> Iterator[tuple[str, Path]]:
    for archive in release.archives:
        try:
            yield from files_of(archive, home, _cache("archives"))
        except ArchiveError as error:
            raise SourceError(f"`{release.name}`: {error.sentence}", error.hint) from error


def _own(release: Release, home: Path) -> Source:
    folder = home / release.folder if release.folder else _checked_out(release)
    if release.making is None:
        return _read(folder)
    # Where people build by hand, what came out lies around, and it is none of the source.
    source = _read(folder, without=(release.making.output, *LEFT_BY_BUILDERS))
    workshop = _cache("made") / sha256(f"{home.resolve()} {release.path}".encode()).hexdigest()[:16]
    try:
        made, note = make(release.making, source.files, source.id, workshop)
    except MakingFailed as error:
        raise SourceError(f"`{release.name}` was not made: {error.sentence}", error.hint) from error
    return replace(_read(made), note=note)


def _read(folder: Path, without: tuple[str, ...] = ()) -> Source:
    return _summed(tuple(sorted(_walk(folder, without))))


def _summed(files: tuple[tuple[str, Path], ...]) -> Source:
    summed = sha256()
    for name, path in files:
        with path.open("rb") as content:
            summed.update(f"{name}\0{path.stat().st_size}\0".encode())
            while block := content.read(2**20):
                summed.update(block)
    return Source(summed.hexdigest()[:12], files)


def _walk(folder: Path, without: tuple[str, ...] = ()) -> Iterator[tuple[str, Path]]:
    left_out = {folder / name for name in without}
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git" and Path(parent) / name not in left_out]
        for name in (*names, *(each for each in folders if (Path(parent) / each).is_symlink())):
            path = Path(parent) / name
            if path.is_symlink() or not path.is_file():
                raise SourceError(f"`{path}` is a link or no plain file", "put the file itself there")
            yield str(path.relative_to(folder)), path


def _cache(name: str) -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().resolve() / "coopinfra" / name


def _checked_out(release: Release) -> Path:
    """Fetch one ref into the cache and check it out into a folder named after its commit."""
    cache = _cache("sources")
    bare = cache / sha256(release.git.encode()).hexdigest()[:16]
    bare.mkdir(parents=True, exist_ok=True)
    _git(bare, "init", "--bare", "--quiet")
    # `--` and `+ref`: neither the address nor the ref can be read as an option.
    _git(bare, "fetch", "--quiet", "--depth=1", "--", release.git, f"+{release.ref}:refs/coopinfra/wanted")
    commit = _git(bare, "rev-parse", "refs/coopinfra/wanted").strip()
    tree = cache / f"{bare.name}-{commit}"
    tree.mkdir(exist_ok=True)
    _git(bare, f"--work-tree={tree}", "checkout", "--quiet", "--force", commit, "--", ".")
    return tree


def _git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    ran = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, env=environment, check=False
    )
    if ran.returncode:
        said = (ran.stderr.strip().splitlines() or ["nothing"])[-1]
        raise SourceError(f"git says: {said}", "is the address right, and may you read it?")
    return ran.stdout
