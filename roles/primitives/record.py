"""Keeps on the server what was written there."""

from __future__ import annotations

from collections.abc import Generator
from io import BytesIO

from pyinfra import host
from pyinfra.api import FileUploadCommand, StringCommand, operation

from coopinfra.roles.primitives.changes import STATE
from coopinfra.roles.primitives.manifest import Manifest, manifest_path
from coopinfra.roles.primitives.neighbours import ServerManifests


@operation()
def record(organisation: str, manifest: Manifest) -> Generator[FileUploadCommand | StringCommand, None, None]:
    """Write the manifest of one organisation unless it is there already."""
    if host.get_fact(ServerManifests, organisation=organisation).own == manifest:
        host.noop("the manifest is as it should be")
        return
    yield StringCommand(
        f"install -d -m 0755 {STATE.rsplit('/', 1)[0]} && install -d -m 0700 {STATE} {STATE}/{organisation}"
    )
    yield FileUploadCommand(BytesIO(manifest.text().encode()), manifest_path(organisation))
