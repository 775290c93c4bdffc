"""What is published as a whole: where its files come from, and how they are made."""

from __future__ import annotations

from dataclasses import dataclass

from coopinfra.roles.contract import check_path
from coopinfra.roles.declarations.kinds import Item


@dataclass(frozen=True)
class Making:
    """How a site is made of its source on the operator's side: by a shell command, which leaves it in `output`."""

    command: str
    output: str
    version: str = ""
    """The command that tells the builder's version; by default the first word of the other, with `--version`."""
    minutes: int = 10


@dataclass(frozen=True)
class Archive:
    """A zip archive of somebody else's, which goes into the folder `to` of a release, if it is what `sha256` says.

    It comes from `url`, or lies as `file` beside org.yml. A folder that such archives have around all is left out.
    """

    to: str
    sha256: str
    url: str = ""
    file: str = ""


@dataclass(frozen=True)
class Release(Item):
    """Files of a site, published at once: `path`/current leads to the newest of `path`/releases.

    They come from a `folder` beside org.yml, or from `git` at `ref`, as they are or made by `making`, and from
    `archives`; the newest `keep` stay for a rollback. People call it by its `name`. `build` makes of the files what is
    served, and `trial` says whether that may be served: commands of the server, which get the folder of the new release
    and its id as arguments. Where one of them fails, the release never is, and the one before stays untouched.
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
    archives: tuple[Archive, ...] = ()
    pushed: str = ""
    """Where people push it to, in the place of all these: the server makes it then, and a deploy publishes nothing."""

    reader: str = ""
    """The one group that may read it; empty where everybody on the server may."""

    def __post_init__(self) -> None:
        """Refuse paths that the server's scripts could misread."""
        check_path(self.path)

    @property
    def current(self) -> str:
        """What a web server serves."""
        return f"{self.path}/current"

    @property
    def origin(self) -> str:
        """Where its files come from, in a word or two."""
        return self.pushed or self.folder or f"{self.git} {self.ref}"

    @property
    def claims(self) -> tuple[str, ...]:
        """One path has one source."""
        return (self.path,)
