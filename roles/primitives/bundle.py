"""All files of a server in one step: one fact, one upload, one command; each replaced atomically or not at all."""

from __future__ import annotations

import shlex
import tarfile
from collections.abc import Generator, Iterable
from functools import cache
from io import BytesIO
from pathlib import Path

from pyinfra import host
from pyinfra.api import FileUploadCommand, StringCommand, operation

from coopinfra.roles.contract import Directory, File
from coopinfra.roles.primitives.changes import STATE
from coopinfra.roles.primitives.file_states import ServerFiles, files_that_differ
from coopinfra.roles.primitives.manifest import digest

SCRIPT = Path(__file__).with_name("bundle.sh")


@operation()
def bundle(
    organisation: str,
    files: tuple[File | Directory, ...],
    *,
    removed: tuple[str, ...] = (),
    emptied: tuple[str, ...] = (),
) -> Generator[FileUploadCommand | StringCommand, None, None]:
    """Bring every file and directory to its declared state, and remove what is no longer declared.

    organisation: whose manifest and staging folder are used
    removed, emptied: files to remove, and directories to remove if they are empty then
    """
    found = host.get_fact(ServerFiles, organisation=organisation, paths=paths_of(files, removed, emptied))
    changed = [each for each, _ in files_that_differ(files, found)]
    gone = [path for path in (*removed, *emptied) if path in found.paths]
    if not changed and not gone:
        host.noop("every file is as declared")
        return
    folder = f"{STATE}/{organisation}"
    yield FileUploadCommand(BytesIO(_archive(changed, removed, emptied)), f"{folder}/incoming.tar")
    yield StringCommand("sh", "-c", shlex.quote(_script()), "bundle", folder)


def paths_of(files: Iterable[File | Directory], *more: tuple[str, ...]) -> tuple[str, ...]:
    """Return every path that is asked for, so that whoever compares asks just what the bundle asks."""
    return (*(each.path for each in files), *(path for paths in more for path in paths))


@cache
def _script() -> str:
    return SCRIPT.read_text()


def _archive(changed: Iterable[File | Directory], removed: Iterable[str], emptied: Iterable[str]) -> bytes:
    files = [each for each in changed if isinstance(each, File)]
    folders = [each for each in changed if isinstance(each, Directory)]
    checks = [(file.validate.replace("{file}", f"{file.path}.coopinfra-new"), file) for file in files if file.validate]
    lists = {
        "files": [f"{n} {f.user} {f.group} {f.mode} {digest(f.content)} {f.path}" for n, f in enumerate(files)],
        "directories": [f"{each.user} {each.group} {each.mode} {each.path}" for each in folders],
        "before": dict.fromkeys(command for command, file in checks if "{file}" in file.validate),
        "after": dict.fromkeys(command for command, file in checks if "{file}" not in file.validate),
        "removed": removed,
        "emptied": emptied,
    }
    members = {name: "".join(f"{line}\n" for line in lines).encode() for name, lines in lists.items()}
    members |= {str(number): file.content for number, file in enumerate(files)}
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return stream.getvalue()
