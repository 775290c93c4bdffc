"""What an organisation was promised, and its plan cannot keep."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from coopinfra.deploy.organisation.org import Org
from coopinfra.deploy.organisation.problems import Problem
from coopinfra.deploy.planning.plan import ServerPlan
from coopinfra.roles.declarations import Kept
from coopinfra.roles.facts import Promises


def too_seldom(org: Org, promises: Promises, servers: list[ServerPlan]) -> Iterator[Problem]:
    """Find backups that leave more of a server's work unsaved than may be lost, until the next one has arrived."""
    for server in servers:
        for each in server.declared:
            kept, promised = each.declaration, promises.lose_at_most
            if promised and isinstance(kept, Kept) and timedelta(hours=kept.every_hours) >= promised:
                name = server.server.id
                file, line = org.place("servers", name, "roles", each.role, "every")
                message = (
                    f"`{each.role}` on `{name}` makes one every {kept.every_hours}h, and `lose_at_most: "
                    f"{org.promises.lose_at_most}` is promised"
                )
                hint = "make them more often; the newest is as old as that just before the next one has come"
                yield Problem(message, hint, file, line)
                break
