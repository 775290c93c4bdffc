"""Puts every program of an organisation that shares a machine into the slice whose memory is limited."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from coopinfra.deploy.planning.plan import Declared
from coopinfra.roles.contract import Directory, File
from coopinfra.roles.declarations import Unit
from coopinfra.roles.facts import Tenancy

FOLDER = "/etc/systemd/system"


def in_slice(
    tenancy: Tenancy | None, files: Iterable[tuple[str, File | Directory]], declared: Iterable[Declared]
) -> Iterator[tuple[str, File | Directory]]:
    """Yield a file for each service that carries the organisation's name, with the role that it is of.

    What has no such name, such as the web server, serves all who are on the machine.
    """
    if not tenancy:
        return
    files = tuple(files)
    folders = {each.path for _, each in files if isinstance(each, Directory)}
    services = {each.path.removeprefix(f"{FOLDER}/"): role for role, each in files if isinstance(each, File)}
    services |= {each.declaration.name: each.role for each in declared if isinstance(each.declaration, Unit)}
    text = f"# Written by coopinfra; changes here are lost.\n[Service]\nSlice={tenancy.slice}\n"
    for name, role in sorted(services.items()):
        if re.fullmatch(rf"([a-z0-9-]+@)?{tenancy.organisation}-[A-Za-z0-9_-]+(@[A-Za-z0-9_-]*)?\.service", name):
            folder = f"{FOLDER}/{name}.d"
            if folder not in folders:
                # So that it goes with the service.
                yield role, Directory(folder)
            yield role, File(f"{folder}/tenant.conf", text.encode())
