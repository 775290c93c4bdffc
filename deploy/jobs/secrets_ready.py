"""What a deploy needs of secrets before any server is asked: all there, readable, and for more than one person."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from coopinfra.deploy.engine.converge import Origin
from coopinfra.deploy.jobs.deploy import Prepared
from coopinfra.deploy.jobs.secrets import Keeping, generate, keep
from coopinfra.deploy.organisation.org import Org
from coopinfra.deploy.planning.plan import Plan
from coopinfra.deploy.secrets.authenticity import Deployed, NotSigned, check_signatures, head
from coopinfra.deploy.secrets.history import ever_there
from coopinfra.deploy.secrets.making import refuse_missing
from coopinfra.deploy.secrets.readers import refuse_one_reader
from coopinfra.deploy.secrets.store import values_of, wanted_by_files
from coopinfra.roles.primitives.markers import reveal


@dataclass(frozen=True)
class Ready:
    """A plan whose secrets are all there, and what puts them in the place of markers."""

    org: Org
    plan: Plan
    made: tuple[str, ...]
    reveal: Callable[[bytes], bytes]


def make_ready(organisation: str, *, one_reader: bool = False) -> Ready:
    """Make the secrets that are missing, refuse what cannot be gone on with, and read what the servers' files hold.

    one_reader: whoever calls knows that one person alone can read the secrets
    """
    kept = keep(organisation)
    if not kept.plan.secrets:
        return Ready(kept.org, kept.plan, (), _nothing)
    if not one_reader:
        refuse_one_reader(kept.org, kept.readers)
    refuse_missing(kept.store, ever_there(kept.org.folder))
    made = generate(kept)
    # Their clear halves are in the plan from now on; whoever gave a passphrase is not asked for it again.
    kept = replace(keep(organisation), identities=kept.identities) if made else kept
    return Ready(kept.org, kept.plan, made, revealing(kept, kept.plan))


def revealing(kept: Keeping, plan: Plan) -> Callable[[bytes], bytes]:
    """Decrypt what the files of a plan hold, or name every one that is not right; return what puts it in."""
    wanted = wanted_by_files(plan)
    values = values_of(kept.store.read(wanted, kept.identities)) if wanted else {}
    return lambda content: reveal(content, values)


def origin_of(org: Org, made: Iterable[str] = ()) -> Origin:
    """Return what to note on the servers: where signatures are asked for, the commit that holds all of it.

    made: the places of secrets that this very run made, and that nobody could commit yet
    """
    return Origin(head(org, made), signed=True) if org.collective.require_signed_commits else Origin("", signed=False)


def refuse_unsigned(org: Org, servers: Iterable[Prepared], made: Iterable[str] = ()) -> None:
    """Raise NotSigned unless all is signed, where signatures are asked for now or were at the last deploy.

    made: as for `origin_of`
    """
    servers = tuple(servers)
    if not org.collective.require_signed_commits and not any(each.preview.signed for each in servers):
        return
    try:
        deployed = (Deployed(each.plan.server.id, each.preview.commit, each.preview.signed) for each in servers)
        check_signatures(org, deployed, made)
    except NotSigned:
        for each in servers:
            each.connection.close()
        raise


def _nothing(content: bytes) -> bytes:
    return content


def places(made: Iterable[str], organisation: str) -> list[str]:
    """Say where secrets lie that were made."""
    return [f"made the secret {path}: {organisation}/secrets/{path}.age" for path in made]
