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
    belongs_to: str = ""
    """The role, or its part such as `website/shop`, that it comes back with; left out: whoever declares it."""


@dataclass(frozen=True)
class BackupPath(Fact):
    """A file or folder that cannot be made anew; backups take it after all dumps, so that it has what they refer to."""

    path: str
    without: tuple[str, ...] = ()
    """What of it need not be kept, such as thumbnails: patterns as restic's `--exclude`."""
    belongs_to: str = ""
    """As of a dump."""

    def __post_init__(self) -> None:
        """Refuse paths that the server's scripts could misread."""
        check_path(self.path)


@dataclass(frozen=True)
class WorksOn(Fact):
    """A unit that works on data which backups keep: it does not run while they are put back.

    It would see what is half there, and go on with what lay there before: its sandbox holds folders, not their names.
    """

    unit: str
    belongs_to: str
    """Whose data, as of a dump."""
    afterwards: bool = False
    """Whether it is started when they are back, though it does not run all the time."""


@dataclass(frozen=True)
class Drawer(Fact):
    """A disk that gets a copy of all that a server keeps when somebody plugs it in there, and that drills read."""

    label: str
    days: int
    """The age of the last copy from which on something is wrong."""

    script: ClassVar[str] = "/usr/local/lib/coopinfra/backup-disk"


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
    stage: ClassVar[str] = "/var/lib/coopinfra/backups/{}/stage"
    """Where an organisation's backup says what is in it."""
    key: ClassVar[str] = "key"
    """The secret of this server that reads them."""
    verify_days: ClassVar[int] = 8
    """The age from which on something is wrong with the last reading of all of it: a seventh is read each day."""
    keeper: ClassVar[str] = "/usr/local/lib/coopinfra/backup-server"
    """The script over there."""
    doctor: ClassVar[str] = "/usr/local/lib/coopinfra/backup-doctor"
    """The one over there that looks for what should not be among them."""
    door: ClassVar[str] = "coopinfra-backups"
    """The account over there for keys that may do one thing alone."""

    @classmethod
    def unread(cls, said: str, place: str, now: float) -> tuple[float | None, str]:
        """Judge what the script says of reading: the hours since when all was read, and what is wrong with that.

        Not all was read yet: None, and nothing is wrong while the first backup is as young as all may be unread.
        """
        lines = (line.split() for line in said.splitlines())
        first, whole = next(((int(line[1]), int(line[2])) for line in lines if line[0] == place), (0, 0))
        age = (now - whole) / 3600 if whole else None
        late = (whole or first) and now - (whole or first) > cls.verify_days * 86400
        if not late:
            return age, ""
        return age, f"all of it was last read {age / 24:.0f} days ago" if age else "all of it was never read"
