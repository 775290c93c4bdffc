"""How people reach what an organisation has: sites, their names and certificates, links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from coopinfra.roles.contract import check_path
from coopinfra.roles.declarations.kinds import Fact, Need


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
