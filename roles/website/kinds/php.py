"""Programs in PHP: each site has a daemon and a user of its own; its code is read-only, what it writes is never run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator

from coopinfra.roles.contract import Check, Directory, File
from coopinfra.roles.declarations import BackupPath, Database, Declaration, MariadbDatabase, PostgresqlDatabase
from coopinfra.roles.primitives.checking import is_active, owns, succeeds
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.settings import Field, WholeNumber, YesNo
from coopinfra.roles.types import quoted, refuse
from coopinfra.roles.website import pool, reach
from coopinfra.roles.website.answers import Cache, Size
from coopinfra.roles.website.place import Place, data_of
from coopinfra.roles.website.pool import MEDIA, Pool
from coopinfra.roles.website.reach import WithProgram, reach_of
from coopinfra.roles.website.sites import Source

DATABASES: dict[str, type[Database]] = {"mariadb": MariadbDatabase, "postgresql": PostgresqlDatabase}
# What PHP can read, and a start page to show first.
TRIAL = r"""sh -c '
cd "$0/{root}"
[ -e index.php ] || [ -e index.html ] || {{ echo "it has no start page (index.php)" >&2; exit 1; }}
find . -name "*.php" -print0 | runuser -u www-data -- xargs -0 -r -n 200 php{version} -n -l 2>&1 |
    grep -v "^No syntax errors" >&2 && exit 1
true
'"""
# A folder that the site writes to lies with its data, and outlives releases.
BUILD = """sh -c '
cd "$0"
for folder in {writable}; do
    brought=$(find "$folder" -type f ! -name ".*" -print -quit 2>/dev/null)
    [ -z "$brought" ] || {{ echo "$folder is written to by the site, and the release brings $brought" >&2; exit 1; }}
    rm -rf "$folder"
    mkdir -p "$(dirname "$folder")"
    ln -s "{data}/$folder" "$folder"
done
'"""


def _folder(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*", value):
        refuse(f"{quoted(value)} is not a folder of the site", "write it as `uploads` or `public/uploads`")
    return value


Folder = Annotated[str, AfterValidator(_folder)]


class WithPhp(WithProgram):
    """What every site that PHP answers for can be told."""

    memory: Size = Field(
        default="512M", description="The most memory that its programs may take; beyond, they are ended and start anew."
    )
    processes: WholeNumber = Field(default=5, ge=1, le=100, description="How many requests are answered at once.")
    cache: Cache = Field(default=Cache(), description="For how long browsers keep files that they were shown.")


class PhpSite(WithPhp):
    """A site in PHP."""

    kind: Literal["php"] = Field(description="What it is made of.")
    source: Source = Field(description="Where its files come from.")
    root: Folder | None = Field(
        default=None,
        description="The folder of the source that the world sees; left out where that is all of it.",
        examples=["public"],
    )
    writable: tuple[Folder, ...] = Field(
        default=(),
        description=(
            "Folders that it may write to. They outlive releases and are backed up. Visitors see pictures, sounds, "
            "films and documents in them; nothing in them is ever run."
        ),
        examples=[["uploads"]],
    )
    database: Literal["none", "mariadb", "postgresql"] = Field(
        default="none",
        description=(
            "A database of its own. PHP finds its name, user and socket in the environment: DB_NAME, DB_USER, "
            "DB_SOCKET; there is no password."
        ),
    )
    front_controller: YesNo = Field(
        default=False, description="Let `index.php` answer for paths that are no file, as frameworks want it."
    )


def _pool(place: Place[PhpSite]) -> Pool:
    engine = DATABASES.get(place.site.database)
    database = (("DB_NAME", place.id), ("DB_USER", place.user), ("DB_SOCKET", engine.socket)) if engine else ()
    return Pool(
        place,
        place.user,
        writes=tuple(_data(place)),
        variables=database,
        sees=("/usr/share/php",),
        reach=reach_of(place),
    )


def _data(place: Place[PhpSite]) -> Iterator[str]:
    return (f"{place.data}/{folder}" for folder in place.site.writable)


def declare(place: Place[PhpSite]) -> Iterator[Declaration]:
    """State its release, what runs it, its database, and what is to be kept of it."""
    build = BUILD.format(writable=" ".join(place.site.writable), data=place.data) if place.site.writable else ""
    trial = TRIAL.format(root=place.site.root or "", version=pool.VERSION)
    yield place.release(place.site.source, build=build, trial=trial)
    yield from pool.declare(_pool(place))
    if engine := DATABASES.get(place.site.database):
        yield engine(place.id, place.user, belongs_to=place.belongs_to)
    for path in _data(place):
        yield BackupPath(path, belongs_to=place.belongs_to)


def files(place: Place[PhpSite]) -> Iterator[File | Directory]:
    """Yield how the web server shows it, what runs it, and the folders that it writes to."""
    yield template(
        place.part,
        "php/sites/site.conf.j2",
        to=place.vhost_file,
        place=place,
        pool=_pool(place),
        root=f"{place.current}/{place.site.root}" if place.site.root else place.current,
        writable=tuple(_shown(place)),
        media=MEDIA,
    )
    yield from pool.files(_pool(place))
    if place.site.writable:
        yield Directory(data_of(place.part))
        yield Directory(place.data)
    for path in _data(place):
        yield Directory(path, user=place.user)


def _shown(place: Place[PhpSite]) -> Iterator[str]:
    """Name the writable folders that the world sees, as it sees them."""
    root = place.site.root
    for folder in place.site.writable:
        if root is None or folder.startswith(f"{root}/"):
            yield folder.removeprefix(f"{root}/")


def checks(place: Place[PhpSite]) -> Iterator[Check]:
    """Yield that its daemon runs, and that nothing of its code can be changed by it."""
    yield is_active(f"PHP of the site `{place.name}` runs", _pool(place).unit)
    yield from reach.checks(reach_of(place), _pool(place).unit)
    yield succeeds(
        f"the site `{place.name}` cannot change its own code",
        f"found=$(find {place.path} ! -user root -print -quit); "
        '[ -z "$found" ] || { echo "$found belongs to somebody else"; false; }',
    )
    for path in _data(place):
        yield owns(f"the site `{place.name}` has its folder {path} for itself", path, place.user)
