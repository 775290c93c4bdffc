"""Finds the machines that an organisation shares: what their owners say of them in public, or why it is not let in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from coopinfra.deploy.organisation.document import Document, Location
from coopinfra.deploy.organisation.org import Machine, Org
from coopinfra.deploy.organisation.others import read_other
from coopinfra.deploy.organisation.problems import InputError
from coopinfra.deploy.organisation.words import suggest
from coopinfra.roles.registry import roles
from coopinfra.roles.settings import Settings
from coopinfra.roles.types import quoted


def find_machines(org: Org, document: Document, load_owner: Callable[[Path], Org]) -> dict[str, Machine]:
    """Return the machine of each server that has none of its own; add to the document what is wrong with it.

    load_owner: reads another organisation's folder, and none whose machines that one shares in turn
    """
    found = {}
    for name, server in org.servers.items():
        at = ("servers", name)
        _check_roles(document, at, server.roles, shared=bool(server.machine))
        machine = _find(org, document, (*at, "machine"), server.machine, load_owner) if server.machine else None
        if machine:
            found[name] = machine
    return found


def _find(org: Org, document: Document, at: Location, wanted: str, load_owner: Callable[[Path], Org]) -> Machine | None:
    owner, _, name = wanted.partition("/")

    def complain(message: str, hint: str) -> None:
        document.complain(document.line(at, of_value=True), message, hint)

    if owner == org.id:
        complain(f"`{wanted}` is a machine of its own", "write its `address` instead")
        return None
    try:
        owners = read_other(org, owner, load_owner)
    except InputError as error:
        complain(error.problems[0].message, error.problems[0].hint)
        return None
    entry = owners.servers.get(name)
    if entry is None:
        complain(f"`{owner}` has no server {quoted(name)}", suggest(name, owners.servers, "there are"))
    elif entry.machine:
        complain(
            f"`{wanted}` is on a machine of others itself, `{entry.machine}`", "name that one, if its owner agrees"
        )
    elif org.id not in entry.tenants:
        hint = f"whoever decides about it adds `tenants: {{{org.id}: {{}}}}` to `servers.{name}` of {owner}/org.yml"
        complain(f"`{owner}` does not let `{org.id}` onto `{name}`", hint)
    else:
        return Machine(owner, name, f"{name}.{owners.domain}", entry, entry.tenants[org.id], owners.operators())
    return None


def _check_roles(document: Document, at: Location, named: Mapping[str, Settings], *, shared: bool) -> None:
    """Find roles that have no place on a server, and settings that the owner of the machine decides."""
    for role, settings in named.items():
        where = (*at, "roles", role)
        only_on = roles()[role].only_on
        if shared and only_on == "own":
            message, hint = f"`{role}` is about the whole machine", "leave it to the machine's owner"
        elif not shared and only_on == "shared":
            message, hint = f"`{role}` is for servers on a machine of others", "leave it out: this machine is its own"
        else:
            for setting in settings.of_machine() if shared else ():
                if setting in settings.model_fields_set:
                    message = f"`{setting}` of `{role}` is one for all who share the machine"
                    document.complain(document.line((*where, setting)), message, "leave it to the machine's owner")
            continue
        document.complain(document.line(where), message, hint)
