"""The organisation's own rules of the firewall, keys of those who push, and the slice that its programs run in."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import File, Part
from coopinfra.roles.declarations import Login, Port
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.tenant import FIREWALL, RULES, TenantSettings


def files(part: Part[TenantSettings]) -> Iterator[File]:
    """Yield the rules that let in what the organisation's roles declare, its keys, and its limit of memory."""
    yield template(
        part,
        "nftables.d/organisation.nft.j2",
        to=f"{RULES}/{part.organisation.id}.nft",
        # It holds rules of a chain of the owner's file, so only all together can be judged.
        validate=f"nft -c -f {FIREWALL}",
        access=True,
        ports=sorted({(port.protocol, port.number) for port in part.all(Port)}),
    )
    for login in part.all(Login):
        yield File(login.path, login.text, access=True)
    slice_name = part.server.tenancy.slice if part.server.tenancy else ""
    yield template(part, "system/coopinfra-organisation.slice.j2", to=f"/etc/systemd/system/{slice_name}")
