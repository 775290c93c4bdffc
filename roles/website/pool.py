"""PHP of one site: a daemon and a system user of its own, which reach nothing but what the site is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from coopinfra.roles.contract import Directory, File
from coopinfra.roles.declarations import Declaration, Packages, Unit, User, WorksOn
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.website import reach
from coopinfra.roles.website.place import Place
from coopinfra.roles.website.reach import Reach

VERSION = "8.4"
"""The one of Debian 13."""
EXTENSIONS = ("curl", "gd", "intl", "mbstring", "mysql", "pgsql", "xml", "zip")
UNITS = "/etc/systemd/system"
MEDIA = (
    "avif|bmp|gif|ico|jpe?g|png|webp|aac|flac|m4a|mp3|oga|ogg|opus|wav|m4v|mov|mp4|ogv|webm|"
    "pdf|epub|od[pst]|docx?|xlsx?|pptx?|csv|txt|zip|ics|vcf|woff2?"
)
"""Endings of what people upload and visitors are shown: nothing that a browser would run in the site's name."""


@dataclass(frozen=True)
class Pool:
    """One daemon: who it is, and which folders of the server it sees; all else of the site's machine it does not."""

    place: Place[Any]
    user: str
    suffix: str = ""
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    """What it sees elsewhere than where it lies, as systemd's BindReadOnlyPaths names it."""
    sees: tuple[str, ...] = ()
    """What it sees of the folders that hold nothing else for it, such as libraries of Debian's."""
    variables: tuple[tuple[str, str], ...] = ()
    reach: Reach | None = None
    """The hosts that its programs may connect to, if there are any."""

    @property
    def id(self) -> str:
        """What it is called on the server."""
        return f"{self.place.id}{self.suffix}"

    @property
    def unit(self) -> str:
        """What runs it."""
        return f"{self.id}.service"

    @property
    def socket(self) -> str:
        """Where the web server reaches it."""
        return f"/run/{self.id}/socket"

    @property
    def configuration(self) -> str:
        """Where its two files lie, without their endings."""
        return f"{self.folder}/fpm"

    @property
    def folder(self) -> str:
        """What it sees of our configuration: a folder, for a file that is replaced would stay what it was."""
        return f"/etc/coopinfra/php/{self.id}"

    @property
    def bound(self) -> str:
        """What it sees and cannot change, as systemd names it."""
        # Who asks others has to know whom to trust.
        trust = ("/etc/ssl/certs",) if self.reach else ()
        return " ".join((self.place.path, self.folder, *self.reads, *self.binds, *self.sees, *trust))

    @property
    def version(self) -> str:
        """Which PHP it runs."""
        return VERSION


def declare(pool: Pool) -> Iterator[Declaration]:
    """State the packages, the user and the unit."""
    extensions = tuple(f"php{VERSION}-{extension}" for extension in EXTENSIONS)
    # The first keeps Apache out, which PHP would bring along by itself.
    yield Packages((f"php{VERSION}", f"php{VERSION}-fpm", *extensions))
    yield User(pool.user, full_name=f"Site {pool.place.name}")
    reads = (pool.place.current, f"{pool.configuration}.conf", f"{pool.configuration}.ini", f"/etc/php/{VERSION}/fpm")
    yield from reach.declare(pool.reach)
    yield Unit(pool.unit, reads=reads, reload=True)
    yield WorksOn(pool.unit, pool.place.belongs_to)


def files(pool: Pool, *beside: str) -> Iterator[File | Directory]:
    """Yield its unit and its configuration; Debian's own pool, which all sites would share, never starts.

    beside: units that run as it does, and so reach what it does
    """
    part = pool.place.part
    stock = f"php{VERSION}-fpm.service.d/coopinfra.conf"
    yield template(part, f"php/{stock}.j2", to=f"{UNITS}/{stock}")
    yield template(part, "php/system/site.service.j2", to=f"{UNITS}/{pool.unit}", pool=pool)
    yield Directory(pool.folder)
    for ending in ("conf", "ini"):
        yield template(part, f"php/fpm.{ending}.j2", to=f"{pool.configuration}.{ending}", pool=pool)
    yield from reach.files(pool.reach, pool.unit, *beside)
