"""All files of a server in one step: one fact, one upload, one command; each replaced atomically or not at all."""

from __future__ import annotations

import shlex
import tarfile
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TypeAlias, TypeGuard

from pyinfra import host
from pyinfra.api import FileUploadCommand, StringCommand, operation

from coopinfra.roles.contract import Directory, File
from coopinfra.roles.primitives.changes import STATE
from coopinfra.roles.primitives.file_states import Found, ServerFiles, files_that_differ
from coopinfra.roles.primitives.manifest import digest

Reveal: TypeAlias = Callable[[bytes], bytes]
SCRIPT = Path(__file__).with_name("bundle.sh")


@operation()
def bundle(
    organisation: str,
    files: tuple[File | Directory, ...],
    *,
    removed: tuple[str, ...] = (),
    emptied: tuple[str, ...] = (),
    reveal: Reveal | None = None,
) -> Generator[FileUploadCommand | StringCommand, None, None]:
    """Bring every file and directory to its declared state, and remove what is no longer declared.

    organisation: whose manifest and staging folder are used
    removed, emptied: files to remove, and directories to remove if they are empty then
    reveal: puts values in the place of markers; without it, no file that holds secrets is written
    """
    found = host.get_fact(ServerFiles, organisation=organisation, paths=paths_of(files, removed, emptied))
    differing = [each for each, _ in files_that_differ(files, found)]
    changed = [each for each in differing if not (reveal and _is_there(each, found.paths.get(each.path), reveal))]
    gone = [path for path in (*removed, *emptied) if path in found.paths]
    if not changed and not gone:
        host.noop("every file is as declared")
        return
    folder = f"{STATE}/{organisation}"
    if reveal is None and any(_is_sealed(each) for each in changed):
        yield StringCommand("echo the secrets were not opened, so nothing is written >&2; false")
        return
    shown = [replace(each, content=reveal(each.content)) if reveal and _is_sealed(each) else each for each in changed]
    yield FileUploadCommand(BytesIO(_archive(shown, removed, emptied)), f"{folder}/incoming.tar")
    yield StringCommand("sh", "-c", shlex.quote(_script()), "bundle", folder)


def paths_of(files: Iterable[File | Directory], *more: tuple[str, ...]) -> tuple[str, ...]:
    """Return every path that is asked for, so that whoever compares asks just what the bundle asks."""
    return (*(each.path for each in files), *(path for paths in more for path in paths))


def _is_sealed(each: File | Directory) -> TypeGuard[File]:
    return isinstance(each, File) and bool(each.sealed)


def _is_there(wanted: File | Directory, there: Found | None, reveal: Reveal) -> bool:
    """Tell whether a file that holds secrets lies there just so, as after they were only encrypted anew."""
    return (
        _is_sealed(wanted)
        and there is not None
        and there.kind == "regular file"
        and (there.user, there.group, there.mode) == (wanted.user, wanted.group, wanted.mode)
        and there.digest == digest(reveal(wanted.content))
    )


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
