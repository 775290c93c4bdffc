"""What is wrong only between settings: told from the values as they stand, so that other problems do not hide it."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.deploy.organisation.document import Document, Location, Value
from coopinfra.roles.keys import same_key

LONGEST_HOST_NAME = 64
OWNERS = ("address", "ipv6", "port", "first_login", "tenants")
"""What a server entry says of a machine itself."""


def check_organisation(document: Document) -> None:
    """Find servers that share an address, and names that are too long together."""
    seen: dict[str, str] = {}
    domain = document.values.get("domain") if isinstance(document.values, dict) else None
    for name, server in _group(document.values, "servers"):
        _check_place(document, name, server)
        for kind in ("address", "ipv6", "machine"):
            address = server.get(kind)
            if isinstance(address, str) and seen.setdefault(address, name) != name:
                line = document.line(("servers", name, kind), of_value=True)
                what, hint = (
                    ("are one machine", "write all its roles under one of them")
                    if kind == "machine"
                    else ("have one address", "each machine has an address of its own")
                )
                document.complain(line, f"`{seen[address]}` and `{name}` {what}, `{address}`", hint)
        if isinstance(domain, str) and len(domain) < 254 and len(f"{name}.{domain}") > LONGEST_HOST_NAME:
            line = document.line(("servers", name))
            hint = f"a machine's whole name has {LONGEST_HOST_NAME} characters at most: shorten the server's"
            document.complain(line, f"`{name}` makes a name too long for a machine with this `domain`", hint)


def _check_place(document: Document, name: str, server: dict[str, Value]) -> None:
    """Find servers that are nowhere, or in two places, and what only the owner of a machine says of it."""
    if "machine" in server:
        for setting in (each for each in OWNERS if each in server):
            line = document.line(("servers", name, setting))
            hint = "leave one of the two out" if setting == "address" else "leave it out, or `machine`"
            document.complain(line, f"`{setting}` of `{name}` is said by whoever owns the machine", hint)
    elif "address" not in server:
        hint = (
            "add `address: 203.0.113.10` (the IPv4 address that the world reaches it at), or `machine` with a machine "
            "of another organisation"
        )
        document.complain(document.line(("servers", name)), f"`{name}` has no `address`", hint)


def check_collective(document: Document) -> None:
    """Find operators who share a key or cannot log in at all."""
    seen: dict[str, tuple[str, int]] = {}
    operators = tuple(_group(document.values, "operators"))
    for login, operator in operators:
        for at, key in _keys(login, operator):
            line = document.line(at, of_value=True)
            owner, first = seen.setdefault(same_key(key), (login, line))
            if line != first:
                both = (
                    f"`{owner}` and `{login}` have the same key" if owner != login else f"`{login}` has one key twice"
                )
                document.complain(line, both, f"it is in line {first} already: each person has keys of their own")
    if operators and not any(operator.get("ssh_keys") for _, operator in operators):
        message = "no operator has an SSH key, so nobody could log in any more"
        line = document.line(("operators",))
        document.complain(line, message, "add `ssh_keys: [ssh-ed25519 AAAA…]`; the line is in `~/.ssh/id_ed25519.pub`")


def _group(values: Value, name: str) -> Iterator[tuple[str, dict[str, Value]]]:
    group = values.get(name) if isinstance(values, dict) else None
    if isinstance(group, dict):
        yield from ((key, value) for key, value in group.items() if isinstance(value, dict))


def _keys(login: str, operator: dict[str, Value]) -> Iterator[tuple[Location, str]]:
    keys = operator.get("ssh_keys")
    if isinstance(keys, list):
        for number, key in enumerate(keys):
            if isinstance(key, str):
                yield ("operators", login, "ssh_keys", number), key
