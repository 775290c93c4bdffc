"""Says of every server what is true and what is not."""

from __future__ import annotations

from dataclasses import dataclass

from coopinfra.deploy.checks.run import Outcome, checks_of, run_checks
from coopinfra.deploy.engine.reach import Target, connect
from coopinfra.deploy.jobs.backup_outcomes import outcomes as backup_outcomes
from coopinfra.deploy.jobs.fleet import on_each, targets
from coopinfra.deploy.organisation.problems import CoopinfraError
from coopinfra.deploy.planning.plan import Plan, ServerPlan


@dataclass(frozen=True)
class Checked:
    """Every outcome of one server."""

    server: str
    outcomes: tuple[Outcome, ...]

    @property
    def red(self) -> tuple[Outcome, ...]:
        """The sentences that are not true."""
        return tuple(outcome for outcome in self.outcomes if outcome.found is not None)


def check(plan: Plan) -> tuple[Checked | CoopinfraError, ...]:
    """Run every role's checks on every server of a plan, and from outside."""

    def one(pair: tuple[ServerPlan, Target]) -> Checked:
        server, target = pair
        with connect(target) as connection:
            outcomes = run_checks(checks_of(server), connection)
            # Of backups the server that has them is the last to ask.
            return Checked(server.server.id, (*outcomes, *backup_outcomes(plan, server)))

    return on_each(one, zip(plan.servers, targets(plan), strict=True))
