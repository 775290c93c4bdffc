"""Keys that may do one thing on a server: whole, and nobody's who logs in with them every day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from coopinfra.deploy.organisation.keys import check_ssh_key, same_key
from coopinfra.deploy.organisation.models import OperatorEntry
from coopinfra.deploy.planning.plan import Declared
from coopinfra.roles.declarations import Door
from coopinfra.roles.types import Refused


def wrong_keys(
    declared: Iterable[Declared], operators: Mapping[str, OperatorEntry]
) -> Iterator[tuple[str, str, str, str]]:
    """Yield the role that declares a wrong key, what is wrong with it, what to do, and the key as it is written."""
    owners = {same_key(key): login for login, each in operators.items() for key in each.ssh_keys}
    for each in declared:
        if not isinstance(each.declaration, Door):
            continue
        key = each.declaration.key
        try:
            check_ssh_key(key)
        except Refused as error:
            yield each.role, error.sentence, error.hint, key
            continue
        if owner := owners.get(same_key(key)):
            message = f"`{each.role}` opens to a key that `{owner}` logs in with every day"
            yield each.role, message, "make one for it alone, and keep it apart: `ssh-keygen -t ed25519 -f FILE`", key
