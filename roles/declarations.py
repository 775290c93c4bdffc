"""What roles tell each other: frozen facts, which touch nothing and ask nobody.

A *need* finds exactly one provider on its server, a role that lists the kind in its `PROVIDES`. An *item* is acted on
by the primitives. A *fact* is read by whoever is there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from coopinfra.roles.contract import check_path

SecretKind: TypeAlias = Literal[
    "random",  # letters and digits for programs
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
class Declaration:
    """What follows from the settings of one role."""

    @property
    def claims(self) -> tuple[str, ...]:
        """What nobody else on the server may claim too."""
        return ()


class Need(Declaration):
    """A declaration that exactly one provider serves."""


class Item(Declaration):
    """A declaration that the primitives act on."""


class Fact(Declaration):
    """A declaration that is read by whoever is there."""


@dataclass(frozen=True)
class Packages(Need):
    """Debian packages; all roles' packages go in one transaction (`base`)."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Port(Need):
    """A port that the world may reach (`base`)."""

    number: int
    protocol: Literal["tcp", "udp"] = "tcp"

    @property
    def claims(self) -> tuple[str, ...]:
        """One port has one owner."""
        return (f"port {self.number}/{self.protocol}",)


@dataclass(frozen=True)
class Vhost(Need):
    """A site that the web server answers for (`nginx`), over TLS.

    `include` is a file of whoever declares it: what the web server does for its names, as directives within a server.
    """

    domain: str
    aliases: tuple[str, ...] = ()
    include: str = ""
    redirects_from: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse paths that the server's scripts could misread."""
        check_path(self.include)

    @property
    def served(self) -> tuple[str, ...]:
        """The names under which its files are shown."""
        return (self.domain, *self.aliases)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name under which it is reached, the main one first."""
        return (*self.served, *self.redirects_from)

    @property
    def claims(self) -> tuple[str, ...]:
        """One domain has one site."""
        return self.names


@dataclass(frozen=True)
class Certificate(Need):
    """One TLS certificate (`certificates`): its names, who reloads it, and where the challenge is answered."""

    names: tuple[str, ...]
    webroot: str
    readers: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Where `fullchain.pem` and `privkey.pem` lie: from the first minute, as a placeholder until it is issued."""
        return f"/var/lib/coopinfra/certificates/{self.names[0]}"


@dataclass(frozen=True)
class User(Item):
    """An account on the server. Its SSH keys are a `File` of the role that declares it."""

    name: str
    full_name: str = ""
    groups: tuple[str, ...] = ()
    shell: str = "/usr/sbin/nologin"
    home: str = "/nonexistent"
    system: bool = True

    @property
    def claims(self) -> tuple[str, ...]:
        """One account has one owner."""
        return (f"user {self.name}",)


@dataclass(frozen=True)
class Unit(Item):
    """A systemd unit that is enabled and runs no older than its program and what it `reads` (files or folders).

    `reload` prefers a reload to a restart; `validate` runs before either. `answers` is a real request that must succeed
    after either, else the files of that deploy are put back. `access` marks what could lock us out.
    """

    name: str
    reads: tuple[str, ...] = ()
    reload: bool = False
    validate: str = ""
    answers: str = ""
    access: bool = False

    def __post_init__(self) -> None:
        """Refuse paths that the server's scripts could misread."""
        for path in self.reads:
            check_path(path)

    @property
    def claims(self) -> tuple[str, ...]:
        """One unit has one owner."""
        return (f"unit {self.name}",)


@dataclass(frozen=True)
class Making:
    """How a site is made of its source on the operator's side: by a shell command, which leaves it in `output`."""

    command: str
    output: str
    version: str = ""
    """The command that tells the builder's version; by default the first word of the other, with `--version`."""
    minutes: int = 10


@dataclass(frozen=True)
class Release(Item):
    """Files of a site, published at once: `path`/current leads to the newest of `path`/releases.

    They come from a `folder` beside org.yml, or from `git` at `ref`, as they are or made by `making`; the newest `keep`
    stay for a rollback. People call it by its `name`. `build` makes of the files what is served, and `trial` says
    whether that may be served: commands of the server, which get the folder of the new release and its id as
    arguments. Where one of them fails, the release never is, and the one before stays untouched.
    """

    name: str
    path: str
    folder: str = ""
    git: str = ""
    ref: str = ""
    build: str = ""
    trial: str = ""
    keep: int = 5
    making: Making | None = None

    def __post_init__(self) -> None:
        """Refuse paths that the server's scripts could misread."""
        check_path(self.path)

    @property
    def current(self) -> str:
        """What a web server serves."""
        return f"{self.path}/current"

    @property
    def claims(self) -> tuple[str, ...]:
        """One path has one source."""
        return (self.path,)


@dataclass(frozen=True)
class Record(Fact):
    """A DNS record; `name` is absolute without the last dot, `value` as in a zone file."""

    type: Literal["A", "AAAA", "CAA", "CNAME", "MX", "SRV", "TXT"]
    name: str
    value: str
    ttl: int = 3600


@dataclass(frozen=True)
class Website(Fact):
    """A site on this server, for the commands that people give about it by its `name`."""

    name: str
    kind: str
    domain: str
    path: str
    log: str
    user: str
    """The account that its programs run as, where one of that name is declared."""

    @property
    def current(self) -> str:
        """The link to the release that is served."""
        return f"{self.path}/current"

    @property
    def closed(self) -> str:
        """The file that closes it for maintenance while it is there."""
        return f"{self.path}/closed"


@dataclass(frozen=True)
class Link(Fact):
    """Something to click on, for the organisation's people."""

    title: str
    url: str
    for_whom: Literal["everybody", "members", "operators"] = "everybody"


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
    """False: it stays with the operators, and no server ever gets it."""
    phase: Literal["install", "configure", "activate"] = "configure"
    """From when on the server needs it."""

    def __post_init__(self) -> None:
        """Refuse what cannot be made: our bug, never the operator's."""
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", self.name):
            raise ValueError(f"{self.name!r} cannot be the name of a secret")
        if bool(self.made_from) != (self.kind in ("password-hash", "htpasswd", "certificate")):
            raise ValueError(f"secret {self.name!r}: only hashes and certificates are made from others")
