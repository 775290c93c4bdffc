"""Replaces a secret, on the servers too, and proves that the old value no longer works there and the new one does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from coopinfra.deploy.checks.outside import Outside
from coopinfra.deploy.engine.events import Report
from coopinfra.deploy.jobs.deploy import Prepared, apply, prepare
from coopinfra.deploy.jobs.secrets import Keeping, refuse_change, refuse_nothing_new
from coopinfra.deploy.jobs.secrets_ready import origin_of, refuse_unsigned, revealing
from coopinfra.deploy.organisation.problems import CoopinfraError, Disagreement, InputError, Problem
from coopinfra.deploy.planning.at_rest import ciphertext, public_half
from coopinfra.deploy.planning.make import make_plan
from coopinfra.deploy.secrets import kinds, making
from coopinfra.deploy.secrets.store import replace_file, wanted_by_files
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
    refuse_change(kept, path, secret)
    old = kept.read(path).value
    value = given if secret.kind == "given" else kinds.make(secret)
    refuse_nothing_new(value, old)
    paths = (path, *(each for each, _ in kept.store.made_from(path)))
    if not reaches_servers(kept, path):
        making.put_with_derived(kept.store, path, secret, value, kept.readers.all)
        return Rotated(paths, tried=False)
    trial = _trial(kept, path)
    _refuse_blind(path, trial, old, unproven=unproven)
    with _or_put_back(kept, paths):
        making.put_with_derived(kept.store, path, secret, value, kept.readers.all)
        ready = _ready(kept, paths, report)
    _finish(kept, path, ready, report, lambda: _has(trial, old, value))
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


@contextmanager
def _or_put_back(kept: Keeping, paths: tuple[str, ...]) -> Iterator[None]:
    """Put the files of secrets back, if what is done with them fails: no server has been touched yet."""
    places = [place(kept.org.folder, path) for path in paths for place in (ciphertext, public_half)]
    before = {file: file.read_bytes() if file.is_file() else None for file in places}
    try:
        yield
    except BaseException as error:
        for file, content in before.items():
            if content is None:
                file.unlink(missing_ok=True)
            else:
                replace_file(file, content)
        if isinstance(error, CoopinfraError):
            said = Problem(f"nothing was changed: `{paths[0]}` is the old one, here and on the server", "try again")
            raise type(error)(*error.problems, said) from error
        raise


def _ready(kept: Keeping, paths: tuple[str, ...], report: Report) -> Prepared:
    """Reach the one server where these secrets lie, and compare it with the plan that has the new ones."""
    plan = make_plan(kept.org)
    alone = tuple(each for each in plan.servers if each.server.id == paths[0].split("/")[0])
    plan = replace(plan, servers=alone)
    (prepared,) = prepare(plan, report, revealing(kept, plan), origin_of(kept.org, paths))
    if isinstance(prepared, CoopinfraError):
        raise prepared
    refuse_unsigned(kept.org, (prepared,), paths)
    return prepared


def _finish(kept: Keeping, path: str, ready: Prepared, report: Report, has: Callable[[], str]) -> None:
    """Bring the server to its plan. Where that fails, the new value stays here: one that leaked never comes back."""
    (failed,) = apply((ready,), report)
    if isinstance(failed, CoopinfraError):
        message = f"`{path}` is the new one in the inventory, and {has()}"
        hint = f"mend it and run `coopinfra deploy {kept.org.id}`, which brings the new one; then rotate once more"
        raise type(failed)(*failed.problems, Problem(message, hint)) from failed


def _has(trial: Trial | None, old: bytes, new: bytes) -> str:
    for value, name in ((new, "new"), (old, "old")) if trial else ():
        if trial and trial.accepts(Outside(), value.decode()):
            return f"the server accepts the {name} one"
    return "which of the two the server has is not known"


def _prove(kept: Keeping, path: str, trial: Trial, old: bytes) -> None:
    outside, new = Outside(), kept.read(path).value
    if trial.accepts(outside, new.decode()) is not True:
        raise Disagreement(Problem(f"the server does not accept the new `{path}`", f"coopinfra check {kept.org.id}"))
    if trial.accepts(outside, old.decode()) is not False:
        raise Disagreement(Problem(f"the server still accepts the old `{path}`", f"coopinfra check {kept.org.id}"))
