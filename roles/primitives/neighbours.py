"""The other organisations on a machine: what each of them left there at its last deploy, as far as it is public.

Whatever several of them declare alike, such as the web server, belongs to all: it goes with the last one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from pyinfra.api import FactBase

from coopinfra.roles.primitives.manifest import Manifest, manifest_path, read_manifest

DIVIDER = "= "


@dataclass(frozen=True)
class Neighbours:
    """What lies on the machine for others, by organisation, and how much memory the machine has."""

    manifests: dict[str, Manifest] = field(default_factory=dict)
    megabytes: int = 0
    """0: not known."""

    def have(self, kind: str) -> set[str]:
        """Return the names of one kind, such as `units`, that any of them has."""
        return {name for each in self.manifests.values() for name in getattr(each, kind)}

    def left(self, path: str, digest: str, rights: str) -> bool:
        """Tell whether one of them left it there just so; a directory has no digest."""
        return any(
            (path in each.directories or each.files.get(path) == digest) and each.rights.get(path) == rights
            for each in self.manifests.values()
        )

    def without_shared(self, gone: Manifest) -> Manifest:
        """Return what of something that is to be removed nobody else has."""
        files = self.have("files")
        return replace(
            gone,
            files={path: digest for path, digest in gone.files.items() if path not in files},
            access=tuple(path for path in gone.access if path not in files),
            directories=self._not_theirs("directories", gone),
            users=self._not_theirs("users", gone),
            units=self._not_theirs("units", gone),
            releases=self._not_theirs("releases", gone),
        )

    def _not_theirs(self, kind: str, gone: Manifest) -> tuple[str, ...]:
        theirs = self.have(kind)
        return tuple(name for name in getattr(gone, kind) if name not in theirs)

    def conflicts(self, new: Manifest) -> Iterator[tuple[str, str]]:
        """Yield what only one organisation may have and both have: the other, and what it is."""
        for other, theirs in sorted(self.manifests.items()):
            for claim, role in sorted(new.claims.items()):
                if claim in theirs.claims and not (_is_shared(claim) and theirs.claims[claim] == role):
                    yield other, claim

    def memory_missing(self, new: Manifest) -> int:
        """Return by how many megabytes all limits together are more than the machine has; 0 where they fit."""
        wanted = new.memory + sum(each.memory for each in self.manifests.values())
        return max(0, wanted - self.megabytes) if new.memory and self.megabytes else 0


@dataclass(frozen=True)
class Machine:
    """What lies on a machine: what one organisation left there, and what all others did."""

    own: Manifest
    neighbours: Neighbours


class ServerManifests(FactBase[Machine]):
    """What one organisation left on the server at its last deploy, and the public half of what the others did."""

    def command(self, organisation: str) -> str:
        """Return the shell command: each manifest after a line with its organisation's name, the own one first."""
        own, every = manifest_path(organisation), manifest_path("*")
        return (
            "sed -n 's/^MemTotal: *\\([0-9]*\\) kB$/\\1/p' /proc/meminfo; "
            f"echo '{DIVIDER}{organisation}'; cat {own} 2>/dev/null; "
            f"for path in {every}; do [ -f $path ] && [ $path != {own} ] || continue; "
            f'folder=${{path%/*}}; echo; echo "{DIVIDER}${{folder##*/}}"; cat $path; done; true'
        )

    def process(self, output: Iterable[str]) -> Machine:
        """Parse each manifest; of the others nothing is kept that is not public."""
        memory, *texts = re.split(rf"^{DIVIDER}(.*)$", "\n".join(output), flags=re.MULTILINE)
        (_, own), *others = [(name, read_manifest(text)) for name, text in zip(texts[::2], texts[1::2], strict=True)]
        megabytes = int(memory.strip() or 0) // 1024
        return Machine(own, Neighbours({name: each.public() for name, each in others}, megabytes))

    @staticmethod
    def default() -> Machine:
        """Nothing was ever deployed."""
        return Machine(Manifest(), Neighbours())


def _is_shared(claim: str) -> bool:
    """Tell whether one daemon may serve several organisations at that: on a port, where the same role asks for it."""
    return bool(re.match("port ", claim))
