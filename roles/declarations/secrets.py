"""What nobody else may know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from coopinfra.roles.declarations.kinds import Fact

SecretKind: TypeAlias = Literal[
    "random",  # letters and digits for programs
    "login",  # a password for programs, whose hash the other side may have in clear
    "password",  # for people: groups of letters that are read aloud without mistakes
    "given",  # what only somebody else can make, such as a token of a provider
    "password-hash",  # made from a password; the form that crypt(3) of the server knows
    "htpasswd",  # made from a password; one line for a web server
    "dkim-rsa",
    "dkim-ed25519",
    "tls-key",
    "certificate",  # made from a tls-key
    "ssh-key",
    "age-key",
    "wireguard-key",
    "vapid",
    "onion-key",
]


@dataclass(frozen=True)
class Secret(Fact):
    """Something that nobody else may know: made once on the operator's side, before the server exists.

    Templates write it with `secret(name)`; what the world may know of it is `part.public(name)`. `made_from` names
    secrets of the same role. `subject` is what it speaks of: the user of a password, the name in a certificate.
    """

    name: str
    kind: SecretKind
    made_from: str = ""
    subject: str = ""
    deployed: bool = True
    """False: it stays with the operators, and no server ever gets it. Else a file of the role's holds it.

    From when on it is needed needs no saying: all secrets are there, and proved, before the first phase begins.
    """
    stays: str = ""
    """Why a new value would take away more than it protects; empty for most."""

    def __post_init__(self) -> None:
        """Refuse what cannot be made: our bug, never the operator's."""
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", self.name):
            raise ValueError(f"{self.name!r} cannot be the name of a secret")
        if bool(self.made_from) != (self.kind in ("password-hash", "htpasswd", "certificate")):
            raise ValueError(f"secret {self.name!r}: only hashes and certificates are made from others")
