"""Replaces a secret, on the servers too, and proves that the old value no longer works there and the new one does."""

from __future__ import annotations

from dataclasses import dataclass

from coopinfra.deploy.checks.outside import Outside
from coopinfra.deploy.engine.events import Report
from coopinfra.deploy.jobs.deploy import Prepared, apply, prepare
from coopinfra.deploy.jobs.secrets import Keeping, refuse_derived
from coopinfra.deploy.jobs.secrets_ready import origin_of, refuse_unsigned, revealing
from coopinfra.deploy.organisation.problems import CoopinfraError, Disagreement, InputError, Problem
from coopinfra.deploy.planning.make import make_plan
from coopinfra.deploy.secrets import kinds, making
from coopinfra.deploy.secrets.store import wanted_by_files
from coopinfra.roles.contract import Trial
from coopinfra.roles.registry import roles


@dataclass(frozen=True)
class Rotated:
    """What a rotation did: the places of what is new, and whether that was tried on the living server."""

    paths: tuple[str, ...]
    tried: bool


def reaches_servers(kept: Keeping, path: str) -> bool:
    """Tell whether a secret, or what is made from it, lies in a file of a server."""
    wanted = wanted_by_files(kept.plan)
    return path in wanted or any(each in wanted for each, _ in kept.store.made_from(path))


def rotate(kept: Keeping, path: str, report: Report, *, given: bytes = b"", unproven: bool = False) -> Rotated:
    """Replace one secret and all that is made from it, deploy, and try both values.

    given: the new value, where only somebody else can make one
    unproven: go on where no role says how the secret is tried, or where the old one does not work either
    """
    secret = kept.declared(path)
    refuse_derived(kept, path, secret)
    old = kept.read(path).value
    trial = _trial(kept, path)
    deploys = reaches_servers(kept, path)
    if deploys:
        _refuse_blind(path, trial, old, unproven=unproven)
    making.put_with_derived(kept.store, path, secret, given or kinds.make(secret), kept.readers.all)
    paths = (path, *(each for each, _ in kept.store.made_from(path)))
    if not deploys:
        return Rotated(paths, tried=False)
    _deploy(kept, path, report)
    if trial:
        _prove(kept, path, trial, old)
    return Rotated(paths, tried=trial is not None)


def _trial(kept: Keeping, path: str) -> Trial | None:
    server, role, name = path.split("/")
    part = next(part for plan, part in kept.plan.walk() if (plan.server.id, part.role) == (server, role))
    return next((trial for trial in roles()[role].trials(part) if trial.secret == name), None)


def _refuse_blind(path: str, trial: Trial | None, old: bytes, *, unproven: bool) -> None:
    """Refuse a rotation that could prove nothing: that the old value is refused afterwards says something only then."""
    if unproven:
        return
    hint = "`--unproven` rotates it nevertheless"
    if trial is None:
        raise InputError(Problem(f"no role says how `{path}` is tried on a server, so nothing could be proven", hint))
    if not trial.accepts(Outside(), old.decode()):
        raise Disagreement(
            Problem(f"the server does not accept `{path}` as it is now, so nothing could be proven", f"deploy; {hint}")
        )


def _deploy(kept: Keeping, path: str, report: Report) -> None:
    plan = make_plan(kept.org)
    prepared = prepare(plan, report, revealing(kept, plan), origin_of(kept.org))
    ready = tuple(each for each in prepared if isinstance(each, Prepared))
    refuse_unsigned(kept.org, ready)
    failed = [each for each in (*prepared, *apply(ready, report)) if isinstance(each, CoopinfraError)]
    if failed:
        problems = [problem for error in failed for problem in error.problems]
        hint = f"mend it and run `coopinfra deploy {kept.org.id}`; the old value is in git"
        raise type(failed[0])(*problems, Problem(f"`{path}` is new in the inventory, and not everywhere else", hint))


def _prove(kept: Keeping, path: str, trial: Trial, old: bytes) -> None:
    outside, new = Outside(), kept.read(path).value
    if trial.accepts(outside, new.decode()) is not True:
        raise Disagreement(Problem(f"the server does not accept the new `{path}`", f"coopinfra check {kept.org.id}"))
    if trial.accepts(outside, old.decode()) is not False:
        raise Disagreement(Problem(f"the server still accepts the old `{path}`", f"coopinfra check {kept.org.id}"))
