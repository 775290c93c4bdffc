"""WordPress: the core is Debian's, all code is root's, and visitors meet a part that can change nothing."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.declarations import Archive, BackupPath, Declaration, Packages, Secret, Unit, WorksOn
from coopinfra.roles.website import pool
from coopinfra.roles.website.kinds.wordpress import export, imports
from coopinfra.roles.website.kinds.wordpress.checks import checks
from coopinfra.roles.website.kinds.wordpress.files import files
from coopinfra.roles.website.kinds.wordpress.parts import (
    CORE,
    SCRIPTS,
    cron_unit,
    database,
    pools,
    settle_unit,
    uploads,
)
from coopinfra.roles.website.kinds.wordpress.settings import WordpressSite
from coopinfra.roles.website.place import Place
from coopinfra.roles.website.pool import UNITS

__all__ = ["checks", "declare", "files"]

GATE_USER = "editor"
# Debian's themes and languages beside the site's own; what people upload outlives releases.
BUILD = """sh -c '
set -e
cd "$0"
mkdir -p wp-content/plugins wp-content/themes
[ ! -e wp-content/uploads ] || {{ echo "uploads are data and come by another way" >&2; exit 1; }}
ln -s {uploads} wp-content/uploads
ln -sf {scripts}/db-error.php wp-content/db-error.php
[ -e wp-content/languages ] || ln -s {core}/wp-content/languages wp-content/languages
for theme in {core}/wp-content/themes/*/; do
    [ -e "wp-content/themes/$(basename "$theme")" ] || ln -s "${{theme%/}}" wp-content/themes/
done
'"""
TRIAL = """sh -c '
cd "$0"
find . -name "*.php" -print0 | xargs -0 -r -n 200 php{version} -n -l 2>&1 | grep -v "^No syntax errors" >&2 && exit 1
true
'"""


def declare(place: Place[WordpressSite]) -> Iterator[Declaration]:
    """State the core, its release, what runs it, its database, its passwords, and what is to be kept of it."""
    site, name = place.site, place.name
    yield Packages(("wordpress", "wordpress-l10n", "wordpress-theme-twentytwentyfive"))
    archives = tuple(
        Archive(f"wp-content/{folder}/{each}", pinned.sha256, pinned.url, pinned.file)
        for folder, chosen in (("plugins", site.plugins), ("themes", site.themes))
        for each, pinned in chosen.items()
    )
    yield place.release(
        site.source,
        build=BUILD.format(uploads=uploads(place), core=CORE, scripts=SCRIPTS),
        trial=TRIAL.format(version=pool.VERSION),
        archives=archives,
    )
    yield from imports.declare(place, pools(place)[1].user)
    yield database(place)
    yield Secret(f"{name}-salt", "random")
    yield Secret(f"{name}-administrator", "password", deployed=False)
    yield Secret(f"{name}-administrator-hash", "password-hash", made_from=f"{name}-administrator")
    if site.mode != "single":
        yield Secret(f"{name}-gate", "password", deployed=False)
        yield Secret(f"{name}-gate-htpasswd", "htpasswd", made_from=f"{name}-gate", subject=GATE_USER)
    visitors, own = pools(place)
    # Before its pages are asked for: installed, brought to the core's version, its plugins switched on.
    brought = imports.current(place)
    yield Unit(settle_unit(place), reads=(place.current, f"{place.settings}/wordpress", SCRIPTS, *brought))
    for each in dict.fromkeys((own, visitors)):
        yield from pool.declare(each)
    yield Unit(f"{place.id}-cron.timer", reads=(f"{UNITS}/{place.id}-cron.timer",))
    # An older database is brought to the core's version, too.
    for unit in (settle_unit(place), f"{place.id}-cron.timer", cron_unit(place)):
        yield WorksOn(unit, place.belongs_to)
    yield BackupPath(uploads(place), belongs_to=place.belongs_to)
    if site.mode == "static-export":
        yield from export.declare(place)
