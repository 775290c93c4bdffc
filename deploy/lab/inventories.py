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
    public_key = lab.ssh_key.with_suffix(".pub").read_text().strip()
    collective.write_text(with_operator(text, public_key, _make_identity(lab)))


def _make_identity(lab: Lab) -> str:
    """Make the age identity of the lab's operator, in clear as it protects nothing, and return its public half."""
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    lab.age_identity.touch(mode=0o600)
    lab.age_identity.write_text(f"{identity}\n")
    return str(identity.to_public())


def with_operator(text: str, public_key: str, age_key: str = "") -> str:
    """Add the lab's operator to the text of `collective.yml`, in front of the others and as far in as they.

    Where there is one already, we are a lab within a lab, as when a drill is tested: it is that one's, and goes.
    """
    text = re.sub(rf"(?m)^( +){OPERATOR}:\n(?:\1 +.*\n)*", "", text)
    match = re.search(r"^operators:[ \t]*(?:#.*)?\r?\n", text, re.MULTILINE)
    if not match:
        return f"{text.rstrip()}\noperators:\n{_operator('  ', public_key, age_key)}"
    following = re.match(r"(?:[ \t]*(?:#.*)?\r?\n)*( +)\S", text[match.end() :])
    indent = following[1] if following else "  "
    return text[: match.end()] + _operator(indent, public_key, age_key) + text[match.end() :]


def pin(lab: Lab, box: Box) -> None:
    """Write a box's host key to where `trust` would, in the place of an earlier one of that address."""
    line = f"{box.address} {box.host_key}\n"
    (lab.home(box.name) / "known_hosts").write_text(line)
    organisation = lab.inventories / box.spec.organisation
    if box.spec.organisation and organisation.is_dir():
        known = organisation / "known_hosts"
        others = known.read_text().splitlines(keepends=True) if known.exists() else []
        known.write_text("".join(other for other in others if other.split()[:1] != [box.address]) + line)


def _operator(indent: str, public_key: str, age_key: str) -> str:
    lines = [
        "name: Demo operator of the lab",
        f'ssh_keys: ["{public_key}"]',
        *([f"age_keys: [{age_key}]"] * bool(age_key)),
    ]
    return f"{indent}{OPERATOR}:\n" + "".join(f"{indent}{indent}{line}\n" for line in lines)
