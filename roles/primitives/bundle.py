"""All files of a server in one step: one fact, one upload, one command; each replaced atomically or not at all."""

from __future__ import annotations

import shlex
import tarfile
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from itertools import takewhile
from pathlib import Path

from pyinfra import host
from pyinfra.api import FactBase, FileUploadCommand, StringCommand, operation

from coopinfra.roles.contract import Directory, File
from coopinfra.roles.primitives.changes import STATE, Change
from coopinfra.roles.primitives.manifest import Manifest, digest, manifest_path, read_manifest

SCRIPT = Path(__file__).with_name("bundle.sh")


@dataclass(frozen=True)
class Found:
    """One path as it is on the server."""

    mode: str
    user: str
    group: str
    kind: str
    digest: str = ""


@dataclass(frozen=True)
class FilesFound:
    """What the server holds at the paths that were asked for, and what the last deploy left."""

    manifest: Manifest
    paths: dict[str, Found]


class ServerFiles(FactBase[FilesFound]):
    """Type, owner, mode and sha256 of many paths, and the manifest, in one command."""

    def command(self, organisation: str, paths: tuple[str, ...]) -> str:
        """Return the shell command; `paths` are plain, see `contract.check_path`."""
        listed = " ".join(paths)
        return (
            f"cat {manifest_path(organisation)} 2>/dev/null; printf '\\n=\\n'; "
            f"stat -c '%04a|%U|%G|%F|%n' -- {listed} 2>/dev/null; echo =; sha256sum -- {listed} 2>/dev/null; true"
        )

    def process(self, output: Iterable[str]) -> FilesFound:
        """Parse the three sections, which a line with nothing but `=` divides."""
        lines = iter(output)
        manifest, states = (list(takewhile(lambda line: line != "=", lines)) for _ in range(2))
        digests = {path: value for value, path in (line.split("  ", 1) for line in lines)}
        found = {}
        for line in states:
            mode, user, group, kind, path = line.split("|", 4)
            found[path] = Found(mode, user, group, kind, digests.get(path, ""))
        return FilesFound(read_manifest("\n".join(manifest)), found)


class FileContents(FactBase[dict[str, bytes]]):
    """The contents of some files, for a diff; those above 64 kB come cut."""

    def command(self, paths: tuple[str, ...]) -> str:
        """Return the shell command, which prints each path and its content in base64."""
        return "; ".join(f"echo {path}; head -c 65536 {path} | base64 -w0; echo" for path in paths)

    def process(self, output: Iterable[str]) -> dict[str, bytes]:
        """Pair the lines."""
        from base64 import b64decode

        lines = iter(output)
        return {path: b64decode(content) for path, content in zip(lines, lines, strict=False)}

    @staticmethod
    def default() -> dict[str, bytes]:
        """None was asked for."""
        return {}


def files_that_differ(
    files: Iterable[File | Directory], found: FilesFound
) -> tuple[tuple[File | Directory, Change], ...]:
    """Return what is not on the server as declared, each with the reason."""
    return tuple((each, change) for each in files if (change := _difference(each, found)))


def paths_to_remove(files: Iterable[File | Directory], manifest: Manifest) -> tuple[str, ...]:
    """Return the files that an earlier deploy wrote and nobody declares any more."""
    return tuple(sorted(set(manifest.files) - {each.path for each in files}))


def _difference(wanted: File | Directory, found: FilesFound) -> Change | None:
    there = found.paths.get(wanted.path)
    what = "file" if isinstance(wanted, File) else "directory"
    if there is None:
        return Change(what, "create", wanted.path)
    reasons = []
    if there.kind != ("directory" if isinstance(wanted, Directory) else "regular file") and (
        there.kind != "regular empty file"
    ):
        reasons.append(f"is a {there.kind}")
    if isinstance(wanted, File) and there.digest != digest(wanted.content):
        deployed = found.manifest.files.get(wanted.path)
        edited = deployed and there.digest != deployed and found.manifest.finished
        reasons.append("edited on the server since the last deploy" if edited else "content")
    if (there.user, there.group) != (wanted.user, wanted.group):
        reasons.append(f"owner {there.user}:{there.group}")
    if there.mode != wanted.mode:
        reasons.append(f"mode {there.mode}")
    return Change(what, "change", wanted.path, ", ".join(reasons)) if reasons else None


@operation()
def bundle(
    organisation: str,
    files: tuple[File | Directory, ...],
    *,
    removed: tuple[str, ...] = (),
    emptied: tuple[str, ...] = (),
    wait: int = 0,
    units: tuple[str, ...] = (),
) -> Generator[FileUploadCommand | StringCommand, None, None]:
    """Bring every file and directory to its declared state, and remove what is no longer declared.

    organisation: whose manifest and staging folder are used
    removed, emptied: files to remove, and directories to remove if they are empty then
    wait: seconds until the server reverts by itself unless the timer `coopinfra-revert` is stopped; 0 for never
    units: what to reload after such a revert
    """
    paths = (*(each.path for each in files), *removed, *emptied)
    found = host.get_fact(ServerFiles, organisation=organisation, paths=paths)
    changed = [each for each, _ in files_that_differ(files, found)]
    gone = [path for path in (*removed, *emptied) if path in found.paths]
    if not changed and not gone:
        host.noop("every file is as declared")
        return
    folder = f"{STATE}/{organisation}"
    yield FileUploadCommand(BytesIO(_archive(changed, removed, emptied)), f"{folder}/incoming.tar")
    yield StringCommand("sh", "-c", shlex.quote(_script()), "bundle", folder, str(wait), shlex.quote(" ".join(units)))


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
