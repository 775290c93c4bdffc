"""Archives of somebody else's, on the operator's side: fetched once, and unpacked only if they are what was pinned."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from urllib.error import URLError
from urllib.request import urlopen
from zipfile import BadZipFile, ZipFile

from coopinfra.roles.declarations import Archive

LARGEST = 500 * 2**20
"""Bytes, unpacked: what is larger would fill an operator's disk, and is no plugin."""
SECONDS = 60
"""For each answer of whoever has it."""


class ArchiveError(Exception):
    """An archive cannot be had, or is not the one that was pinned: why, and what to do."""

    def __init__(self, sentence: str, hint: str) -> None:
        """Keep both apart, for the problem that is made of them."""
        super().__init__(sentence)
        self.sentence, self.hint = sentence, hint


def files_of(archive: Archive, home: Path, cache: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of an archive by their names in the release. Raises ArchiveError.

    home: what `archive.file` is relative to
    cache: where it is kept by its checksum, unpacked
    """
    folder = cache / archive.sha256
    if not folder.is_dir():
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        staged = Path(mkdtemp(dir=cache))
        try:
            _unpack(archive, _content(archive, home), staged)
            staged.rename(folder)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield f"{archive.to}/{path.relative_to(folder)}", path


def _content(archive: Archive, home: Path) -> bytes:
    where = archive.file or archive.url
    try:
        if archive.file:
            content = (home / archive.file).read_bytes()
        else:
            with urlopen(archive.url, timeout=SECONDS) as answer:  # noqa: S310 - the settings take https alone
                content = answer.read(LARGEST)
    except (OSError, URLError) as error:
        raise ArchiveError(f"`{where}` cannot be had: {error}", "is the address right, and is it there?") from error
    found = sha256(content).hexdigest()
    if found != archive.sha256:
        raise ArchiveError(
            f"`{where}` is not what was pinned: its SHA-256 is {found}",
            "somebody changed it: compare both before you write another checksum into org.yml",
        )
    return content


def _unpack(archive: Archive, content: bytes, to: Path) -> None:
    from io import BytesIO

    name = archive.file or archive.url
    try:
        with ZipFile(BytesIO(content)) as packed:
            members = [each for each in packed.infolist() if not each.is_dir()]
            if sum(each.file_size for each in members) > LARGEST:
                raise ArchiveError(f"`{name}` holds more than {LARGEST // 2**20} MB", "is it the right one?")
            around = _folder_around([each.filename for each in members])
            for each in members:
                path = to / _inside(name, each.filename.removeprefix(around))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(packed.read(each))
    except BadZipFile as error:
        raise ArchiveError(f"`{name}` is no zip archive: {error}", "name the archive itself") from error


def _folder_around(names: list[str]) -> str:
    tops = {name.partition("/")[0] for name in names}
    return f"{tops.pop()}/" if len(tops) == 1 and all("/" in name for name in names) else ""


def _inside(archive: str, name: str) -> str:
    if name.startswith("/") or ".." in PurePosixPath(name).parts or re.search(r"[\\\0]", name):
        raise ArchiveError(f"`{archive}` holds `{name}`, which leads out of it", "do not use it")
    return name
