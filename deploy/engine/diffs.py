"""What a deploy would change within files, line by line; what holds secrets is never fetched."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from pyinfra import host

from coopinfra.roles.contract import Directory, File
from coopinfra.roles.primitives.changes import Change
from coopinfra.roles.primitives.file_states import FileContents, FilesFound, holds_secrets


def diffs(differing: Iterable[tuple[File | Directory, Change]], found: FilesFound) -> dict[str, str]:
    """Return path -> unified diff for the files of what differs; contents are fetched of text that may be shown."""
    files = [each for each, _ in differing if isinstance(each, File)]
    there = {path for path, each in found.paths.items() if each.digest}
    # Nor what a file held before it was free of secrets.
    hidden = {file.path for file in files if holds_secrets(file)} | set(found.manifest.sealed)
    asked = tuple(file.path for file in files if file.path in there - hidden)
    contents = host.get_fact(FileContents, paths=asked) if asked else {}
    return {
        file.path: _diff(file, contents.get(file.path, b""), hidden=file.path in there - set(asked)) for file in files
    }


def _diff(file: File, old: bytes, *, hidden: bool) -> str:
    if hidden:
        return "(holds secrets, so what is on the server is not shown)\n"
    try:
        before, after = old.decode().splitlines(keepends=True), file.content.decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        return "(not text)\n"
    return "".join(difflib.unified_diff(before, after, f"server:{file.path}", f"plan:{file.path}"))
