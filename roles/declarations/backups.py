"""What cannot be made anew: how it is copied while it is used, and put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from coopinfra.roles.contract import check_path
from coopinfra.roles.declarations.kinds import Fact


@dataclass(frozen=True)
class Dump(Fact):
    """How something is copied while it is used, and put back, in commands for root.

    `dump FOLDER` leaves `file`, and in `counts` what was in it at the same moment, one `table rows fingerprint` a line.
    `restore FOLDER` puts `file` into an empty place that a deploy has made, or that `empty` has emptied. `count` prints
    the lines for what is there now, so that both can be compared.
    """

    name: str
    dump: str
    restore: str
    count: str
    empty: str
    file: str
    counts: str


@dataclass(frozen=True)
class BackupPath(Fact):
    """A file or folder that cannot be made anew; backups take it after all dumps, so that it has what they refer to."""

    path: str
    without: tuple[str, ...] = ()
    """What of it need not be kept, such as thumbnails: patterns as restic's `--exclude`."""

    def __post_init__(self) -> None:
        """Refuse paths that the server's scripts could misread."""
        check_path(self.path)


@dataclass(frozen=True)
class Kept(Fact):
    """A server that keeps the backups of this one (`backup-server`), for the commands about them."""

    place: str
    """What it is called on this server."""
    organisation: str
    server: str
    host: str
    repository: str
    """What the backups are called over there."""
    login: str
    """The secret of this server that lets it add to them."""
    every_hours: int
    """Between two backups."""
    stale_hours: int
    """The age of the newest backup from which on something is wrong."""
    drill_days: int
    """Likewise the age of the last drill."""
    is_copy: bool = False
    """Whether it is fetched from another that keeps them, and this server sends nothing there."""

    port: ClassVar[int] = 8000
    script: ClassVar[str] = "/usr/local/lib/coopinfra/backups"
    restore: ClassVar[str] = "/usr/local/lib/coopinfra/restore"
    key: ClassVar[str] = "key"
    """The secret of this server that reads them."""
    keeper: ClassVar[str] = "/usr/local/lib/coopinfra/backup-server"
    """The script over there."""
    doctor: ClassVar[str] = "/usr/local/lib/coopinfra/backup-doctor"
    """The one over there that looks for what should not be among them."""
    door: ClassVar[str] = "coopinfra-backups"
    """The account over there for keys that may do one thing alone."""
