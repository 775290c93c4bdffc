"""What the books say of drills: when somebody last tried whether a server comes back, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from coopinfra.deploy.planning.plan import Plan
from coopinfra.deploy.receipts.chain import last_of
from coopinfra.roles.declarations import Kept


def drills(plan: Plan, say: Callable[..., str]) -> Iterator[str]:
    """Yield a sentence for each server that has backups, from its last receipt."""
    for server in plan.servers:
        if not server.all(Kept):
            continue
        name = server.server.id
        receipt = last_of(Path(plan.folder) / "receipts", "drill", name)
        if receipt is None:
            yield say("people_back_never", server=name)
            continue
        day = str(receipt.data.get("began", ""))[:10]
        if receipt.data.get("result") != "green":
            yield say("people_back_not", server=name, day=day)
            continue
        minutes, hours = (float(str(receipt.data.get(each, 0))) for each in ("minutes", "age_hours"))
        yield say("people_back_did", server=name, day=day, minutes=f"{max(minutes, 1):.0f}", hours=f"{hours:.1f}")
