"""What has to be done about secrets: `verify` for their files, `audit` for who could ever read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from coopinfra.deploy.jobs.secrets import Keeping
from coopinfra.deploy.organisation.problems import raise_all
from coopinfra.deploy.secrets.envelope import SecretError
from coopinfra.deploy.secrets.history import could_read, spans
from coopinfra.deploy.secrets.judging import judge


@dataclass(frozen=True)
class Finding:
    """One secret about which something has to be done, and why."""

    path: str
    todo: str
    why: str


def verify(kept: Keeping) -> int:
    """Prove every declared secret, or raise one error that names all that is wrong; return how many there are."""
    raise_all(judge(kept.store, kept.readers, kept.identities), SecretError)
    return len(kept.store.declared)


def audit(kept: Keeping) -> tuple[Finding, ...]:
    """Return what must be rotated or encrypted anew: what somebody can or could read who may not any more."""
    readers = kept.readers.all
    listed = spans(kept.org.folder.parent, kept.org.id, datetime.now(UTC))
    findings = []
    for path, envelope in kept.store.read(kept.store.on_disk(), kept.identities).items():
        former = could_read(listed, envelope.created, readers)
        others = {key: "somebody who was never listed" for key in envelope.readers if key not in readers}
        if former or others:
            who = sorted(set((others | former).values()))
            findings.append(Finding(path, "rotate", f"{', '.join(who)} could read it, and may not any more"))
        elif set(envelope.readers) != set(readers):
            missing = sorted({kept.readers.owner(key) for key in set(readers) - set(envelope.readers)})
            findings.append(Finding(path, "reencrypt", f"{', '.join(missing)} cannot read it yet"))
    return tuple(findings)
