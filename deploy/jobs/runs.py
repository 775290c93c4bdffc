"""A run's beginning, and what is known of earlier ones: here and in the servers' journals."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version

from coopinfra.deploy.engine.events import Report
from coopinfra.deploy.engine.identity import find_identity
from coopinfra.deploy.engine.journal import read_journals
from coopinfra.deploy.engine.lock import Holder, holder_now
from coopinfra.deploy.engine.reach import connect
from coopinfra.deploy.engine.run_log import read_logs, run_log, runs_folder
from coopinfra.deploy.jobs.fleet import targets
from coopinfra.deploy.jobs.render import describe_server
from coopinfra.deploy.jobs.trust import find_server
from coopinfra.deploy.organisation.places import org_folder
from coopinfra.deploy.planning.make import plan_of
from coopinfra.deploy.planning.plan import Plan
from coopinfra.roles.primitives.manifest import manifest_of


@dataclass(frozen=True)
class Begun:
    """A run that has begun: who runs it, and the listener that keeps its log."""

    holder: Holder
    log: Report


@contextmanager
def begin_run(plan: Plan) -> Iterator[Begun]:
    """Name a run after this moment, and keep its log until it ends."""
    holder = holder_now(find_identity(plan.collective.operators).operator.login)
    about = {
        "operator": holder.operator,
        "organisation": plan.organisation.id,
        "servers": [each.server.id for each in plan.servers],
        "release": version("coopinfra"),
        "plan": plan_digest(plan),
    }
    with run_log(runs_folder(plan.organisation.id), holder.run, about) as log:
        yield Begun(holder, log)


def plan_digest(plan: Plan) -> str:
    """Return one short text that is the same for the same plan, and another for any other."""
    parts = [
        text
        for each in plan.servers
        for text in (*describe_server(each), manifest_of(each.files, each.users, each.units, each.releases).text())
    ]
    return f"sha256:{sha256(json.dumps(parts).encode()).hexdigest()}"


def runs_of(organisation: str) -> Mapping[str, tuple[dict[str, object], ...]]:
    """Return what this machine knows of an organisation's runs, the oldest first."""
    return read_logs(runs_folder(org_folder(organisation).name))


def journals(organisation: str, server: str) -> Mapping[str, tuple[dict[str, object], ...]]:
    """Ask one server what it knows of everybody's runs, the oldest first."""
    plan = plan_of(organisation)
    wanted = find_server(plan, server).server
    with connect(next(target for target in targets(plan) if target.server == wanted)) as connection:
        return read_journals(connection)
