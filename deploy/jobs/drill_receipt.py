"""The receipt of a drill: for programs, and one page in plain words; and what the last one says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from coopinfra.deploy.backups.findings import Drill, spoken
from coopinfra.deploy.engine.identity import find_identity
from coopinfra.deploy.organisation.load import load_named
from coopinfra.deploy.organisation.problems import Problem
from coopinfra.deploy.planning.plan import Plan
from coopinfra.deploy.receipts.chain import Receipt, Signer, last_of, problems, read_receipts, write_receipt
from coopinfra.roles.declarations import Kept

KIND = "drill"


def folder(plan: Plan) -> Path:
    """Return where an organisation's receipts lie."""
    return Path(plan.folder) / "receipts"


def write(plan: Plan, drill: Drill) -> Receipt:
    """Write the next receipt of the chain, signed by whoever is at the keyboard."""
    identity = find_identity(plan.collective.operators)
    key = f"{identity.key.get_name()} {identity.key.get_base64()}"
    signer = Signer(identity.operator.login, identity.file, key)
    return write_receipt(folder(plan), KIND, drill.as_data(), in_words(plan, drill), signer)


def in_words(plan: Plan, drill: Drill) -> str:
    """Say on one page what was tried and what came of it."""
    promises = plan.organisation.promises
    result = "All of it came back." if drill.is_green else "NOT ALL OF IT CAME BACK. This has to be mended now."
    lines = [
        f"# {plan.organisation.name}: we tried whether {drill.server} comes back",
        "",
        f"{drill.began:%d %B %Y}. We took the newest copy of your data from {_spoken_place(drill.place)}.",
        "We built the server anew from it, on an empty machine that could not reach the internet.",
        "Afterwards that machine was thrown away.",
        "",
        f"**{result}**",
        "",
        f"- The data was {spoken(drill.age_hours)} old: so much would be lost.{_promised(promises.lose_at_most)}",
        f"- The server was back after {spoken(drill.minutes / 60)}.{_promised(promises.back_within)}",
        f"- {len(drill.findings)} things were looked at, {len(drill.false)} of them were wrong.",
        "",
        *(f"Wrong: {each.sentence}. Found: {each.found}.\n" for each in drill.false),
        *(f"- {each.sentence}" for each in drill.findings if each.is_true),
        "",
    ]
    return "\n".join(lines)


def _spoken_place(place: str) -> str:
    keeper, _, label = place.partition("/")
    return f"the disk `{label}`, which was plugged in at {keeper}" if label else place


def _promised(limit: timedelta | None) -> str:
    return f" Promised: {spoken(limit.total_seconds() / 3600)} at most." if limit else ""


def wrong(plan: Plan, server: str, days: int) -> str:
    """Say what is wrong with the last drills of a server; empty where all came back from every place that was tried.

    days: the age of the last one, from whichever place, from which on it says too little
    """
    broken = chain_problems(plan)
    if broken:
        return broken[0].message
    newest = last_of(folder(plan), KIND, server)
    if newest is None:
        return "nobody has ever tried"
    keepers = [kept.place for each in plan.servers if each.server.id == server for kept in each.all(Kept)]
    tried = _by_place(plan, server).items()
    # Of a place that is given up nobody can try it again.
    red = (_red(receipt) for place, receipt in tried if receipt == newest or place.partition("/")[0] in keepers)
    return next(filter(None, red), "") or _late(plan, newest, days)


def at_place(plan: Plan, server: str, place: str, days: int) -> tuple[float | None, int | None, str]:
    """Return of the last drill from one place the hours since, the most that they may be, and what is wrong with it.

    Somebody has to try each server in time, from one of its places. So the limit counts where the last one was tried.
    """
    newest, own = last_of(folder(plan), KIND, server), _by_place(plan, server).get(place)
    hours = _age(own).total_seconds() / 3600 if own else None
    broken = chain_problems(plan)
    if broken or newest is None:
        return hours, 24 * days, broken[0].message if broken else "nobody has ever tried"
    if own is None or own.number != newest.number:
        return hours, None, _red(own) if own else ""
    return hours, 24 * days, _red(own) or _late(plan, own, days)


def _by_place(plan: Plan, server: str) -> dict[str, Receipt]:
    """Return the last receipt about a server from each place."""
    found = read_receipts(folder(plan), KIND)
    return {str(each.data.get("place", "")): each for each in found if each.data.get("server") == server}


def _red(receipt: Receipt) -> str:
    if receipt.data.get("result") == "green":
        return ""
    return f"{receipt.path.name} says that not all came back from {receipt.data.get('place')}"


def _late(plan: Plan, receipt: Receipt, days: int) -> str:
    minutes, promised = float(str(receipt.data.get("minutes", 0))), plan.organisation.promises.back_within
    if promised and minutes * 60 > promised.total_seconds():
        return f"it took {spoken(minutes / 60)}, and {spoken(promised.total_seconds() / 3600)} were promised"
    age = _age(receipt)
    return f"the last one was {age.days} days ago" if age >= timedelta(days=days) else ""


def is_due(plan: Plan, server: str, days: int) -> bool:
    """Tell whether a server has to be drilled: never yet, too long ago, or not all came back."""
    receipt = last_of(folder(plan), KIND, server)
    return receipt is None or receipt.data.get("result") != "green" or _age(receipt) >= timedelta(days=days)


def _age(receipt: Receipt) -> timedelta:
    return datetime.now(UTC) - datetime.fromisoformat(str(receipt.data["began"]))


def chain_problems(plan: Plan) -> tuple[Problem, ...]:
    """Return all that is wrong with the chain of an organisation's receipts."""
    operators = load_named(plan.organisation.id).collective.operators
    keys = [(login, key) for login, each in operators.items() for key in each.ssh_keys]
    return tuple(problems(folder(plan), KIND, keys))
