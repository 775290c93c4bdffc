"""What cannot be made anew: how it is copied while it is used, and put back."""

from __future__ import annotations

from dataclasses import dataclass

from coopinfra.roles.contract import check_path
from coopinfra.roles.declarations.kinds import Fact


@dataclass(frozen=True)
class Dump(Fact):
    """How something is copied while it is used, and put back, in commands for root.

    `dump FOLDER` leaves `file`, and in `counts` what was in it at the same moment, one `table rows fingerprint` a line.
    `restore FOLDER` puts `file` into an empty place that a deploy has made. `count` prints the lines for what is there
    now, so that both can be compared.
    """

    name: str
    dump: str
    restore: str
    count: str
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
