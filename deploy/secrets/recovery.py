"""The recovery key of an organisation: opens every secret, and lies on paper, on nobody's machine."""

from __future__ import annotations

from dataclasses import dataclass, field

from coopinfra.deploy.organisation.org import Org
from coopinfra.deploy.secrets.readers import recovery_file


@dataclass(frozen=True)
class Recovery:
    """A pair that was just made; the private half is printed, and nowhere else."""

    public: str
    private: str = field(repr=False)


def make_recovery() -> Recovery:
    """Make a pair, in memory only."""
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    return Recovery(str(identity.to_public()), str(identity))


def enlist(org: Org, recovery: Recovery) -> None:
    """Write down the public half, for which everything is encrypted from now on."""
    path = recovery_file(org.folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as stream:
        stream.write(f"{recovery.public}\n")


def sheet(org: Org, recovery: Recovery) -> str:
    """Return the page to print: what it is, how to keep it, how to use it without any of us."""
    return f"""\
RECOVERY SHEET of {org.name}

Whoever has this page can read every secret of {org.name}. Print it, put it into an envelope, close it, and
keep it where the organisation keeps its papers; never on a computer that is in use every day.

    {recovery.private}

It belongs to the public key {recovery.public}.

When nobody is left who can read the secrets:

1. Get a copy of the inventory (the folder `{org.id}` with `org.yml` and `secrets`), and of the backup.
2. Type the line above into a file, such as `recovery.txt`.
3. One secret at a time, with the program `age`, which every Debian has:
       age --decrypt -i recovery.txt secrets/SERVER/ROLE/NAME.age
   or all that coopinfra does, as before:
       COOPINFRA_AGE_IDENTITY=recovery.txt coopinfra deploy {org.id}
4. Afterwards print a new sheet: remove `secrets/recovery.pub`, run `coopinfra secrets recovery-sheet {org.id}`.
"""
