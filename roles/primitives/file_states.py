"""Files as they are on a server, and what of them is not as declared."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from pyinfra.api import FactBase

from coopinfra.roles.contract import Directory, File
from coopinfra.roles.primitives.changes import Change
from coopinfra.roles.primitives.manifest import Manifest, digest, manifest_path, read_manifest
from coopinfra.roles.primitives.markers import markers_in


@dataclass(frozen=True)
class Found:
    """One path as it is on the server."""

    mode: str
    user: str
    group: str
    kind: str
    digest: str = ""
    changed: float = 0
    """Seconds since 1970; the time that nobody can set back, see ctime in inode(7)."""


@dataclass(frozen=True)
class FilesFound:
    """What the server holds at the paths that were asked for, and what the last deploy left."""

    manifest: Manifest
    paths: dict[str, Found]


class ServerFiles(FactBase[FilesFound]):
    """Type, owner, mode and sha256 of many paths and of those in the manifest, and the manifest, in one command."""

    def command(self, organisation: str, paths: tuple[str, ...]) -> str:
        """Return the shell command; `paths` are plain, see `contract.check_path`."""
        manifest = manifest_path(organisation)
        # What the last deploy wrote is looked at too, also where nobody declares it any more; there a path has a digest
        # if it is a file, and rights in any case.
        written = (
            r"""$(sed -En 's/^ *"(\/[^"]*)": "([0-9a-f]{64}|[^":]+:[^": ]+ [0-7]{4})",?$/\1/p' """
            f"{manifest} 2>/dev/null | sort -u)"
        )
        return (
            f"cat {manifest} 2>/dev/null; printf '\\n=\\n'; set -- {' '.join(paths)} {written}; "
            'stat -c \'%04a|%U|%G|%F|%Z|%n\' -- "$@" 2>/dev/null; echo =; sha256sum -- "$@" 2>/dev/null; true'
        )

    def process(self, output: Iterable[str]) -> FilesFound:
        """Parse the three sections, which a line with nothing but `=` divides."""
        lines = iter(output)
        manifest, states = (list(takewhile(lambda line: line != "=", lines)) for _ in range(2))
        digests = {path: value for value, path in (line.split("  ", 1) for line in lines)}
        found = {}
        for line in states:
            mode, user, group, kind, changed, path = line.split("|", 5)
            found[path] = Found(mode, user, group, kind, digests.get(path, ""), float(changed))
        return FilesFound(read_manifest("\n".join(manifest)), found)


class FileContents(FactBase[dict[str, bytes]]):
    """The contents of some files, for a diff; those above 64 kB come cut."""

    def command(self, paths: tuple[str, ...]) -> str:
        """Return the shell command, which prints each path and its content in base64."""
        return "; ".join(f"echo {path}; head -c 65536 {path} | base64 -w0; echo" for path in paths)

    def process(self, output: Iterable[str]) -> dict[str, bytes]:
        """Pair the lines."""
        lines = iter(output)
        return {path: b64decode(content) for path, content in zip(lines, lines, strict=False)}

    @staticmethod
    def default() -> dict[str, bytes]:
        """None was asked for."""
        return {}


def holds_secrets(file: File) -> bool:
    """Tell whether a file's content is known here only with markers in place of its secrets."""
    return bool(file.sealed or markers_in(file.content))


def files_that_differ(
    files: Iterable[File | Directory], found: FilesFound
) -> tuple[tuple[File | Directory, Change], ...]:
    """Return what is not on the server as declared, each with the reason."""
    return tuple((each, change) for each in files if (change := _difference(each, found)))


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
    if isinstance(wanted, File) and not _is_right(wanted, there, found.manifest):
        same = wanted.sealed and there.digest == found.manifest.files.get(wanted.path)
        reasons.append("content, or only how its secrets are encrypted" if same else "content")
    if (there.user, there.group) != (wanted.user, wanted.group):
        reasons.append(f"owner {there.user}:{there.group}")
    if there.mode != wanted.mode:
        reasons.append(f"mode {there.mode}")
    return Change(what, "change", wanted.path, ", ".join(reasons)) if reasons else None


def _is_right(wanted: File, there: Found, manifest: Manifest) -> bool:
    if not wanted.sealed:
        return there.digest == digest(wanted.content)
    # Of one that holds secrets, only this is known without them: nobody touched it, and nothing of it has changed here.
    return there.digest == manifest.files.get(wanted.path) and wanted.sealed == manifest.sealed.get(wanted.path)
