"""Finds a provider for every need, orders the roles, and renders their files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache, partial
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from coopinfra.deploy.organisation.load import load_named, to_organisation, to_server
from coopinfra.deploy.organisation.org import Org
from coopinfra.deploy.organisation.problems import PlanError, Problem, raise_all
from coopinfra.deploy.planning.at_rest import public_halves, seal, undeclared
from coopinfra.deploy.planning.peers import find_peers
from coopinfra.deploy.planning.plan import Collective, Declared, Plan, ServerPlan, of_role
from coopinfra.deploy.planning.promises import too_seldom
from coopinfra.deploy.planning.slices import in_slice
from coopinfra.roles.contract import Part
from coopinfra.roles.declarations import Declaration, Login, Need, Release
from coopinfra.roles.facts import Organisation, Peer, Server
from coopinfra.roles.keys import same_key
from coopinfra.roles.registry import providers, roles
from coopinfra.roles.settings import Settings, Table


def plan_of(organisation: str) -> Plan:
    """Read the organisation of that name and make its plan; raise every problem of its files, or of the plan."""
    return make_plan(load_named(organisation))


def make_plan(org: Org) -> Plan:
    """Make the whole plan; raise one PlanError that lists every contradiction."""
    organisation = to_organisation(org)
    servers, problems = [], []
    for name in org.servers:
        planned = _Planner(org, name, organisation, to_server(org, name))
        servers.append(planned.plan())
        problems += planned.problems
    problems += _claimed_twice_in_public(org, servers)
    problems += too_seldom(org, organisation.promises, servers)
    raise_all(problems, PlanError)
    return Plan(organisation, _collective(org), tuple(servers), str(org.folder))


def _collective(org: Org) -> Collective:
    anyone = to_server(org, next(iter(org.servers)))
    return Collective(org.collective.name, org.collective.email, org.collective.phone, anyone.operators)


class _Planner:
    """The roles of one server while providers are still being found; holds state, hence a class."""

    def __init__(self, org: Org, name: str, organisation: Organisation, server: Server) -> None:
        self.org, self.name, self.organisation, self.server = org, name, organisation, server
        self.settings: dict[str, Settings] = {
            role: self._with_machine(role, settings) for role, settings in org.servers[name].roles.items()
        }
        self.problems: list[Problem] = []
        self.lost: dict[str, tuple[Problem, ...]] = {}
        self._public = cache(partial(public_halves, Path(org.folder), name))
        self._peers = cache(self._find_peers)

    def plan(self) -> ServerPlan:
        declared = self._settle()
        ordered = self._order(declared)
        by_role = {role: self._part(role, declared) for role in ordered}
        declared = tuple(sorted(declared, key=lambda each: ordered.index(each.role)))
        files = [(role, file) for role, part in by_role.items() for file in roles()[role].files(part)]
        files += in_slice(self.server.tenancy, files, declared)
        self.problems += self._contradictions(declared, ((role, file.path) for role, file in files))
        self.problems += self._missing_sources(declared)
        self.problems += self._keys_of_operators(declared)
        self.problems += (problem for problems in self.lost.values() for problem in problems)
        for role, path in undeclared(self.name, declared, files):
            self._complain(role, f"`{role}` writes the secret `{path}` and does not declare it", "a bug of the role")
        return ServerPlan(
            organisation=self.organisation.id,
            server=self.server,
            parts=tuple(by_role.values()),
            declared=declared,
            files=tuple(seal(self.org.folder, file) for _, file in files),
            joined=tuple(role for role in ordered if role not in self.org.servers[self.name].roles),
            writers=Table({file.path: role for role, file in files}),
        )

    def _settle(self) -> tuple[Declared, ...]:
        """Let every role declare again until nobody asks for anything new."""
        declared: tuple[Declared, ...] = ()
        for _ in range(2 * len(roles()) + 2):
            now = tuple(
                self._with_provider(role, of_role(role, declaration))
                for role in tuple(self.settings)
                for declaration in roles()[role].declare(self._part(role, declared))
            )
            if now == declared:
                return declared
            declared = now
            self.problems.clear()
        raise AssertionError(f"the roles of {self.name} keep asking each other for more")

    def _part(self, role: str, declared: tuple[Declared, ...]) -> Part[Any]:
        reads = roles()[role].reads
        given = tuple(
            each.declaration for each in declared if each.provider == role or isinstance(each.declaration, reads)
        )
        settings, peers = self.settings[role], self._peers(role)
        return Part(role, self.organisation, self.server, settings, given, self._public(role), peers)

    def _find_peers(self, role: str) -> Table[str, Peer]:
        peers, self.lost[role] = find_peers(self.org, self.name, role, self.settings[role].servers_named)
        return peers

    def _with_provider(self, role: str, declaration: Declaration) -> Declared:
        provider = self._provider(role, type(declaration)) if isinstance(declaration, Need) else ""
        return Declared(role, declaration, provider)

    def _provider(self, role: str, kind: type[Need]) -> str:
        """Return the one role that serves `kind`: what org.yml names wins, else the only one there is joins."""
        able = [each.name for each in providers(kind) if each.fits(self.server)]
        named = [name for name in able if name in self.org.servers[self.name].roles]
        found = named or able
        if len(found) == 1:
            self._join(found[0])
            return found[0]
        what = kind.__name__
        self._complain(
            role,
            f"`{role}` on `{self.name}` needs {what}, which "
            + (f"`{'` and `'.join(found)}` provide" if found else "no role provides"),
            f"name one of them under `servers.{self.name}.roles`" if found else "this is a bug of the role",
        )
        return ""

    def _join(self, role: str) -> None:
        if role not in self.settings:
            try:
                self.settings[role] = self._with_machine(role, roles()[role].settings())
            except ValidationError:
                self.settings[role] = roles()[role].settings.model_construct()
                self._complain(role, f"`{role}` has settings without a default", f"name `{role}` and set them")

    def _with_machine(self, role: str, settings: Settings) -> Settings:
        """Return settings with what the owner of a shared machine decides for all who are on it."""
        machine = self.org.machines.get(self.name)
        owners = machine.entry.roles.get(role) if machine else None
        decided = {name: getattr(owners, name) for name in settings.of_machine()} if owners else {}
        return settings.model_copy(update=decided)

    def _order(self, declared: tuple[Declared, ...]) -> list[str]:
        """Put providers before those who need them."""
        graph: dict[str, set[str]] = {role: set() for role in sorted(self.settings)}
        for each in declared:
            if each.provider not in ("", each.role):
                graph[each.role].add(each.provider)
        try:
            return list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            raise AssertionError(f"roles need each other in a circle: {error.args[1]}") from error

    def _contradictions(self, declared: Iterable[Declared], paths: Iterable[tuple[str, str]]) -> Iterator[Problem]:
        claims = [(each.role, claim) for each in declared for claim in each.declaration.claims]
        owners: dict[str, list[str]] = defaultdict(list)
        for role, claim in (*claims, *paths):
            owners[claim].append(role)
        for claim, claimants in owners.items():
            if len(claimants) > 1:
                yield self._problem(
                    claimants[-1],
                    f"{_who(claimants)} on `{self.name}` both claim `{claim}`"
                    if len(set(claimants)) > 1
                    else f"`{claimants[0]}` on `{self.name}` claims `{claim}` {len(claimants)} times",
                    "give it to one of them alone",
                    value=claim,
                )

    def _missing_sources(self, declared: Iterable[Declared]) -> Iterator[Problem]:
        home = Path(self.org.folder).resolve()
        for each in declared:
            if isinstance(each.declaration, Release) and each.declaration.folder:
                wanted = each.declaration.folder
                folder = (home / wanted).resolve()
                if not folder.is_relative_to(home) or folder == home:
                    message, hint = f"`{wanted}` is outside the organisation's folder", "put the site's files in it"
                elif not folder.is_dir():
                    message, hint = f"there is no folder `{wanted}`", f"make it beside org.yml: {self.org.id}/{wanted}"
                    if each.declaration.reader:
                        hint = (
                            "it lies with whoever brought it in, as git leaves it out; if the site is there already, "
                            "take `imported` out of org.yml"
                        )
                elif not any(folder.iterdir()):
                    message, hint = f"the folder `{wanted}` is empty", "put the site's files in it"
                else:
                    continue
                yield self._problem(each.role, message, hint, value=wanted)

    def _keys_of_operators(self, declared: Iterable[Declared]) -> Iterator[Problem]:
        """Find keys that are to run one command, and are an operator's."""
        owners = {same_key(key): each.login for each in self.server.operators for key in each.ssh_keys}
        for each in declared:
            for words, key in each.declaration.keys if isinstance(each.declaration, Login) else ():
                if owner := owners.get(same_key(key)):
                    message = f"the key for `{words.split()[0]}` is the one with which `{owner}` logs in as an operator"
                    yield self._problem(each.role, message, "make one of its own: `ssh-keygen -t ed25519`", value=key)

    def _complain(self, role: str, message: str, hint: str) -> None:
        problem = self._problem(role, message, hint)
        if problem not in self.problems:
            self.problems.append(problem)

    def _problem(self, role: str, message: str, hint: str, value: str = "") -> Problem:
        file, line = self.org.place("servers", self.name, "roles", role, value=value)
        return Problem(message, hint, file, line)


def _who(claimants: list[str]) -> str:
    return " and ".join(f"`{role}`" for role in dict.fromkeys(claimants))


def _claimed_twice_in_public(org: Org, servers: list[ServerPlan]) -> Iterator[Problem]:
    """Find domains that two servers of one organisation answer for: the world would reach only one."""
    from coopinfra.roles.declarations import Vhost

    seen: dict[str, str] = {}
    for server in servers:
        for domain in (claim for vhost in server.all(Vhost) for claim in vhost.claims):
            if seen.setdefault(domain, server.server.id) != server.server.id:
                file, line = org.place("servers", server.server.id, value=domain)
                yield Problem(
                    f"`{seen[domain]}` and `{server.server.id}` both answer for `{domain}`",
                    "leave it with one of them",
                    file,
                    line,
                )
