"""`org.yml` and `collective.yml` -> `Org`: every problem of both at once, or an object that can be trusted."""

from __future__ import annotations

from os.path import abspath
from pathlib import Path
from typing import TypeVar, cast

from coopinfra.deploy.organisation.contradictions import check_collective, check_organisation
from coopinfra.deploy.organisation.document import Document, Value
from coopinfra.deploy.organisation.fields import span
from coopinfra.deploy.organisation.machines import find_machines
from coopinfra.deploy.organisation.models import Collective, Entry, OrganisationFile
from coopinfra.deploy.organisation.org import Org
from coopinfra.deploy.organisation.places import org_folder
from coopinfra.deploy.organisation.problems import InputError, Problem, raise_all
from coopinfra.deploy.organisation.reading import read_document
from coopinfra.deploy.organisation.words import check_values, suggest
from coopinfra.roles.facts import Contact, Operator, Organisation, Owned, Promises, Server, Tenancy
from coopinfra.roles.registry import roles
from coopinfra.roles.settings import Settings, Table
from coopinfra.roles.types import Refused, check_slug, quoted

MOST_PROBLEMS = 100
E = TypeVar("E", bound=Entry)


def load_named(name: str) -> Org:
    """Read the organisation of that name."""
    return load_org(org_folder(name))


def load_org(folder: Path) -> Org:
    """Read one organisation; raise one error that lists every problem of its two files.

    Of an organisation whose machine it shares, the public half of that machine is read too.
    """
    org, document = _load_alone(folder)
    machines = find_machines(org, document, lambda folder: _load_alone(folder)[0])
    raise_all(document.problems)
    return org.model_copy(update={"machines": Table(machines)})


def _load_alone(folder: Path) -> tuple[Org, Document]:
    folder = Path(abspath(folder))  # noqa: PTH100 - resolve() would follow a link and change the organisation's name
    document = read_document(folder / "org.yml", f"{folder.name}/org.yml")
    shared = read_document(folder.parent / "collective.yml", "collective.yml")
    _check_name(document, folder.name)
    said = _checked(document, OrganisationFile, _with_roles(document))
    collective = _checked(shared, Collective, shared.values)
    check_organisation(document)
    check_collective(shared)
    raise_all(
        problem for each in (document, shared) for problem in sorted(each.problems, key=lambda one: one.line or 0)
    )
    org = Org.put_together(document, said, folder, collective)
    if not any(each.ssh_keys for each in org.operators().values()):
        message = f"nobody with an SSH key works for `{org.id}` today, so nobody could log in any more"
        hint = "see `organisations`, `since` and `until` of the operators"
        raise InputError(Problem(message, hint, shared.file, shared.line(("operators",))))
    return org, document


def _in_order(document: Document) -> list[Problem]:
    """Return a file's problems from top to bottom; nobody reads a thousand."""
    problems = sorted(document.problems, key=lambda problem: problem.line or 0)
    if len(problems) <= MOST_PROBLEMS:
        return problems
    left_out = f"there are {len(problems) - MOST_PROBLEMS} more problems below"
    return [*problems[:MOST_PROBLEMS], Problem(left_out, "mend these first", document.file)]


def _check_name(document: Document, name: str) -> None:
    try:
        check_slug(name)
    except Refused as error:
        document.complain(None, f"the folder's name {error.sentence}", error.hint)


def _checked(document: Document, model: type[E], value: Value) -> E:
    """Check one file against its model; where that fails, the document's problems say so."""
    fatal = bool(document.problems) and document.values is None
    return cast("E", None if fatal else check_values(document, model, value))


def _with_roles(document: Document) -> Value:
    """Return the values with every role's settings made by the role's own model."""
    servers = document.values.get("servers") if isinstance(document.values, dict) else None
    if not isinstance(document.values, dict) or not isinstance(servers, dict):
        return document.values
    replaced = {name: _server_with_roles(document, name, server) for name, server in servers.items()}
    return {**document.values, "servers": cast("Value", replaced)}


def _server_with_roles(document: Document, server: str, values: Value) -> object:
    if not isinstance(values, dict) or not isinstance(values.get("roles"), dict):
        return values
    named = cast("dict[str, Value]", values["roles"])
    return {**values, "roles": {role: _settings(document, server, role, value) for role, value in named.items()}}


def _settings(document: Document, server: str, role: str, value: Value) -> Settings:
    at = ("servers", server, "roles", role)
    settings = None
    if role in roles():
        settings = check_values(document, roles()[role].settings, value, at)
    elif not document.is_doubtful(at):
        hint = suggest(role, roles(), "there are")
        document.complain(document.line(at), f"there is no role {quoted(role)}", hint)
    return cast("Settings", settings or Settings())


def to_organisation(org: Org) -> Organisation:
    """Return the organisation's public facts, as roles are told them."""
    return Organisation(
        id=org.id,
        name=org.name,
        kind=org.kind,
        domain=org.domain,
        languages=org.languages,
        time_zone=org.time_zone,
        quiet_hours=org.quiet_hours,
        contacts=tuple(Contact(each.name, each.does, each.email, each.phone) for each in org.contacts),
        owns=tuple(
            Owned(each.what, each.held_by, each.paid_until.isoformat() if each.paid_until else "", each.costs)
            for each in org.owns
        ),
        promises=Promises(span(org.promises.lose_at_most), span(org.promises.back_within)),
    )


def to_server(org: Org, name: str) -> Server:
    """Return what roles are told about one machine."""
    machine = org.machines.get(name)
    server = machine.entry if machine else org.servers[name]
    operators = machine.operators if machine else org.operators()
    return Server(
        id=name,
        host_name=machine.host_name if machine else f"{name}.{org.domain}",
        address=server.address,
        operators=tuple(
            Operator(login, each.name, each.ssh_keys, each.email, each.phone) for login, each in operators.items()
        ),
        ipv6=server.ipv6,
        port=server.port,
        first_login=server.first_login,
        tenancy=Tenancy(org.id, machine.owner, machine.name, machine.lets.memory_megabytes, machine.lets.disk_gigabytes)
        if machine
        else None,
    )
