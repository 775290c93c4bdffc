"""What stands in a file in the place of a secret until the engine, in memory, puts the value there; pure.

Plans, transcripts, differences and books hold markers, never values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from coopinfra.roles.contract import Part

MARKER = re.compile(rb"@coopinfra-secret:([a-z0-9-]+/[a-z0-9-]+/[a-z0-9-]+)@")


def marker(part: Part[Any], name: str) -> str:
    """Return the marker of a secret that the part's role declares."""
    return f"@coopinfra-secret:{part.server.id}/{part.role}/{name}@"


def markers_in(content: bytes) -> tuple[str, ...]:
    """Return the places of the secrets that a file's content wants, in its order, each once."""
    return tuple(dict.fromkeys(found.decode() for found in MARKER.findall(content)))


def reveal(content: bytes, values: Mapping[str, bytes]) -> bytes:
    """Put values, by `server/role/name`, in the place of markers; raise KeyError for one that is not there."""
    return MARKER.sub(lambda found: values[found[1].decode()], content)
