"""What the operator's side says of a server's backups, whatever the server itself believes; part of `check`."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.deploy.checks.run import Outcome
from coopinfra.deploy.jobs.backup import Copies, copies, state_of
from coopinfra.deploy.jobs.drill_receipt import wrong
from coopinfra.deploy.organisation.problems import CoopinfraError
from coopinfra.deploy.planning.plan import Plan, ServerPlan
from coopinfra.roles.declarations import Kept

ROLE = "backups"


def outcomes(plan: Plan, server: ServerPlan) -> Iterator[Outcome]:
    """Yield whether every keeper has a backup of a server that is young enough, and whether a drill proved it."""
    kept, alone = server.all(Kept), server.data_without_backups
    if alone:
        sentence = f"what cannot be made anew on {server.server.id} is backed up"
        yield Outcome(ROLE, sentence, "org.yml", f"nobody keeps a copy of {', '.join(alone)}", "`backups` in org.yml")
    if not kept:
        return
    for copy in copies(plan, server.server.id):
        sentence = f"{copy.kept.place} has a backup of {server.server.id} from the last {copy.kept.stale_hours} hours"
        yield Outcome(ROLE, sentence, "its keeper", _found(copy))
    days = kept[0].drill_days
    sentence = f"{server.server.id} was brought back from its backups in a drill in the last {days} days"
    yield Outcome(ROLE, sentence, "receipts", wrong(plan, server.server.id, days) or None, "`coopinfra backup drill`")


def _found(copy: Copies) -> str | None:
    try:
        return state_of(copy).wrong or None
    except CoopinfraError as error:
        return "; ".join(each.message for each in error.problems)
