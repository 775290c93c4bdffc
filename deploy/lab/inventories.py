"""The lab's copy of the inventories: one more operator, and the boxes' host keys pinned."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from coopinfra.deploy.lab.state import Box, Lab

OPERATOR = "demo"


def copy(lab: Lab, inventories: Path | None) -> None:
    """Copy the operator's inventories into the lab and add the lab's operator to the collective's."""
    if inventories:
        shutil.copytree(inventories, lab.inventories, symlinks=True)
    else:
        lab.inventories.mkdir()
    collective = lab.inventories / "collective.yml"
    text = collective.read_text() if collective.exists() else "name: Lab\noperators:\n"
    collective.write_text(with_operator(text, lab.ssh_key.with_suffix(".pub").read_text().strip()))


def with_operator(text: str, public_key: str) -> str:
    """Add the lab's operator to the text of `collective.yml`, in front of the others and as far in as they."""
    match = re.search(r"^operators:[ \t]*(?:#.*)?\r?\n", text, re.MULTILINE)
    if not match:
        return f"{text.rstrip()}\noperators:\n{_operator('  ', public_key)}"
    following = re.match(r"(?:[ \t]*(?:#.*)?\r?\n)*( +)\S", text[match.end() :])
    indent = following[1] if following else "  "
    return text[: match.end()] + _operator(indent, public_key) + text[match.end() :]


def pin(lab: Lab, box: Box) -> None:
    """Write a box's host key to where `trust` would, in the place of an earlier one of that address."""
    line = f"{box.address} {box.host_key}\n"
    (lab.home(box.name) / "known_hosts").write_text(line)
    organisation = lab.inventories / box.spec.organisation
    if box.spec.organisation and organisation.is_dir():
        known = organisation / "known_hosts"
        others = known.read_text().splitlines(keepends=True) if known.exists() else []
        known.write_text("".join(other for other in others if other.split()[:1] != [box.address]) + line)


def _operator(indent: str, public_key: str) -> str:
    name = f"{indent}{OPERATOR}:\n"
    return f'{name}{indent}{indent}name: Demo operator of the lab\n{indent}{indent}ssh_keys: ["{public_key}"]\n'
