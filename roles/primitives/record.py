"""Keeps on the server what was written there."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra import host
from pyinfra.api import StringCommand, operation

from coopinfra.roles.primitives.changes import STATE
from coopinfra.roles.primitives.manifest import Manifest, manifest_path
from coopinfra.roles.primitives.neighbours import ServerManifests

# What arrives cut short, by a line that broke, is not put in place: of an empty manifest nothing would ever be removed.
WRITE = """
set -eu
umask 077
install -d -m 0755 {above}
install -d -m 0700 {state} {folder}
cat >{path}.new
[ "$(stat -c %s {path}.new)" = {size} ]
mv -fT {path}.new {path}
"""


@operation()
def record(organisation: str, manifest: Manifest) -> Generator[StringCommand, None, None]:
    """Write the manifest of one organisation unless it is there already."""
    if host.get_fact(ServerManifests, organisation=organisation).own == manifest:
        host.noop("the manifest is as it should be")
        return
    text, path = manifest.text(), manifest_path(organisation)
    script = WRITE.format(
        above=STATE.rsplit("/", 1)[0],
        state=STATE,
        folder=f"{STATE}/{organisation}",
        path=path,
        size=len(text.encode()),
    )
    # pyinfra ends what it gives to a command with a line break of its own.
    yield StringCommand("sh", "-c", shlex.quote(script), _stdin=text.removesuffix("\n"))
