"""One site on its server: what it is called there, and where its things lie."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Generic, TypeVar
from urllib.parse import unquote

from coopinfra.roles.contract import Part
from coopinfra.roles.declarations import Archive, Making, Release, Website
from coopinfra.roles.website.sites import Site, Source

S_co = TypeVar("S_co", bound=Site, covariant=True)

SSH_PORT = 22
LOGS = "/var/log/nginx"
AT_ONCE = 5
"""How many seconds' worth of requests may come at once: a page asks for many things."""
LONGEST_USER = 31
"""Of the 32 characters that the kernel's tools take, one is left for nothing to be cut in silence."""


@dataclass(frozen=True)
class Place(Generic[S_co]):
    """One site on its server. All its names carry the organisation's, for a machine may serve several."""

    part: Part[Any]
    name: str
    site: S_co

    @property
    def id(self) -> str:
        """What it is called on the server, where other organisations may have a site of the same name."""
        return f"{self.part.organisation.id}-{self.name}"

    @property
    def path(self) -> str:
        """Where its releases and its data lie."""
        return f"{sites_of(self.part)}/{self.id}"

    @property
    def data(self) -> str:
        """Where lies what it writes, which outlives its releases."""
        return f"{data_of(self.part)}/{self.id}"

    @property
    def belongs_to(self) -> str:
        """What its data come back with."""
        return f"website/{self.name}"

    @property
    def settings(self) -> str:
        """Where lies what we write for it and its programs read."""
        return f"/etc/coopinfra/sites/{self.id}"

    @property
    def user(self) -> str:
        """The system user that its programs run as, where it has any."""
        return _account(self.id)

    def account(self, what: str) -> str:
        """Return one more system user of the site, for a part of it that may do less."""
        return _account(f"{self.id}-{what}")

    @property
    def is_pushed(self) -> bool:
        """Whether people publish it by `git push`, rather than an operator by a deploy."""
        source: Source | None = getattr(self.site, "source", None)
        return source is not None and source.push is not None

    @property
    def push_url(self) -> str:
        """What they push to."""
        server = self.part.server
        port = f":{server.port}" if server.port != SSH_PORT else ""
        return f"ssh://{self.account('push')}@{server.host_name}{port}/{self.name}"

    @property
    def branch(self) -> str:
        """The branch of it that is served."""
        site: Any = self.site  # whoever asks has seen that it is pushed
        return str(site.source.ref)

    @property
    def current(self) -> str:
        """The link to the release that is served."""
        return f"{self.path}/current"

    @property
    def vhost_file(self) -> str:
        """What the web server includes for it."""
        return f"/etc/nginx/sites/{self.id}.conf"

    @property
    def pages(self) -> str:
        """Where the pages lie that its visitors get when something is wrong."""
        return pages_of(self.part)

    @property
    def log(self) -> str:
        """Where its visits are written down, with shortened addresses."""
        return f"{LOGS}/{self.id}.log"

    @property
    def website(self) -> Website:
        """What commands about it have to know."""
        site: Any = self.site  # each kind says which one it is
        return Website(self.name, site.kind, site.domain, self.path, self.log, self.user)

    @property
    def limit(self) -> str:
        """What stands where the web server hands requests to its program; empty where there is no limit."""
        most = self.site.requests_a_second
        return f"limit_req zone={self.id} burst={most * AT_ONCE} nodelay;" if most else ""

    @property
    def lifetime(self) -> str:
        """The web server's variable that says how long browsers keep it; of kinds with a setting `cache`."""
        return f"$lifetime_{self.id.replace('-', '_')}"

    @property
    def moved(self) -> tuple[tuple[str, str], ...]:
        """Paths as the web server compares them, decoded, and where each leads."""
        return tuple((unquote(old), new) for old, new in self.site.redirects.items())

    @property
    def password_file(self) -> str:
        """Where the web server reads who may see it; empty where everybody may."""
        return f"{self.settings}/htpasswd" if self.site.preview_password else ""

    def release(
        self,
        source: Source | None,
        *,
        build: str = "",
        trial: str = "",
        making: Making | None = None,
        archives: tuple[Archive, ...] = (),
    ) -> Release:
        """Return its release from `source`, if it has any, and `archives`; see `Release` for the others."""
        return Release(
            self.name,
            path=self.path,
            folder=source.folder if source else "",
            git=source.git if source else "",
            ref=source.ref if source and source.git else "",
            pushed=self.push_url if self.is_pushed else "",
            build=build,
            trial=trial,
            making=making,
            archives=archives,
        )


def _account(wanted: str) -> str:
    """Return `wanted`, cut where the kernel's tools would not take it, and still one of its own."""
    if len(wanted) <= LONGEST_USER:
        return wanted
    return f"{wanted[: LONGEST_USER - 7]}-{sha256(wanted.encode()).hexdigest()[:6]}"


def sites_of(part: Part[Any]) -> str:
    """Return where the sites of an organisation lie."""
    return f"{part.server.home}/sites"


def data_of(part: Part[Any]) -> str:
    """Return where their data lie, apart: what nobody declares any more is removed there, and data never."""
    return f"{part.server.home}/data"


def pages_of(part: Part[Any]) -> str:
    """Return where the pages of an organisation lie that visitors get when something is wrong."""
    return f"/etc/coopinfra/pages/{part.organisation.id}"
