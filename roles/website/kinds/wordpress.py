"""WordPress: the core is Debian's, all code is root's, and visitors meet a part that can change nothing."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Check, Directory, File
from coopinfra.roles.declarations import (
    Archive,
    BackupPath,
    Declaration,
    Grant,
    MariadbDatabase,
    Packages,
    Secret,
    Unit,
)
from coopinfra.roles.primitives.checking import is_active, owns, prints, succeeds
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.website import pool, reach
from coopinfra.roles.website.answers import FILES
from coopinfra.roles.website.kinds import wordpress_export as export
from coopinfra.roles.website.kinds import wordpress_import as imports
from coopinfra.roles.website.kinds.wordpress_settings import WordpressSite
from coopinfra.roles.website.place import Place
from coopinfra.roles.website.pool import MEDIA, UNITS, Pool
from coopinfra.roles.website.reach import reach_of

CORE = "/usr/share/wordpress"
SCRIPTS = "/usr/local/lib/coopinfra/wordpress"
GATE_USER = "editor"
ELEVATE = "UPDATE wp_usermeta SET meta_value = meta_value"
"""What somebody would have to be allowed who wants to be an administrator, without any effect."""
LETTERS = "--no-defaults --default-character-set=utf8mb4"
"""By itself the client has names with accents in another spelling, where nobody set a language."""
ATTACHED = 'SELECT meta_value FROM wp_postmeta WHERE meta_key = "_wp_attached_file"'
LANGUAGES = {"en": "", "es": "es_ES", "fr": "fr_FR", "de": "de_DE", "pt": "pt_PT", "it": "it_IT", "nl": "nl_NL"}
"""The names that WordPress has for the languages of organisations."""
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


def pools(place: Place[WordpressSite]) -> tuple[Pool, Pool]:
    """Return what visitors meet, and what people meet who write; the same but in `split`."""
    own = Pool(
        place,
        place.user,
        suffix="" if place.site.mode == "single" else "-admin",
        writes=(uploads(place),),
        binds=(f"{place.settings}/wordpress:/etc/wordpress",),
        sees=(CORE, SCRIPTS, place.pages, "/usr/share/php", "/usr/share/javascript"),
        reach=reach_of(place),
    )
    if place.site.mode != "split":
        return own, own
    visitors = Pool(
        place,
        place.account("public"),
        reads=(uploads(place),),
        binds=(f"{place.settings}/wordpress-public:/etc/wordpress",),
        sees=own.sees,
    )
    return visitors, own


def uploads(place: Place[WordpressSite]) -> str:
    """Return where lies what people upload."""
    return f"{place.data}/uploads"


def database(place: Place[WordpressSite]) -> MariadbDatabase:
    """Return its database: visitors read, comment, and do no more."""
    visitors, own = pools(place)
    if visitors == own:
        return MariadbDatabase(place.id, own.user, belongs_to=place.belongs_to)
    grants = (
        Grant(visitors.user, ("INSERT",), "wp_comments"),
        Grant(visitors.user, ("INSERT",), "wp_commentmeta"),
        Grant(visitors.user, ("UPDATE",), "wp_posts", ("comment_count",)),
    )
    return MariadbDatabase(place.id, own.user, (visitors.user,), grants, place.belongs_to)


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
    yield BackupPath(uploads(place), belongs_to=place.belongs_to)
    if site.mode == "static-export":
        yield from export.declare(place)


def settle_unit(place: Place[WordpressSite]) -> str:
    """Return what installs it and keeps it settled."""
    return f"{place.id}-settle.service"


def cron_unit(place: Place[WordpressSite]) -> str:
    """Return what does what is due."""
    return f"{place.id}-cron.service"


def files(place: Place[WordpressSite]) -> Iterator[File | Directory]:
    """Yield how the web server shows it, its configuration, what runs it, and the folder of what people upload."""
    part, site = place.part, place.site
    visitors, own = pools(place)
    gate = "" if site.mode == "single" else f"{place.settings}/gate"
    if site.mode == "static-export":
        yield from export.files(place, own)
    yield template(
        part,
        "wordpress/sites/site.conf.j2",
        to=export.vhost_file(place) if site.mode == "static-export" else place.vhost_file,
        place=place,
        domain=site.edit_domain or site.domain,
        visitors=visitors,
        own=own,
        gate=gate,
        core=CORE,
        media=MEDIA,
        shown=FILES,
    )
    if gate:
        line = f"{place.name}-gate-htpasswd"
        yield template(part, "wordpress/gate.j2", to=gate, user="www-data", mode="0400", line=line)
    for each, folder in {visitors: "wordpress-public", own: "wordpress"}.items():
        yield template(
            part,
            "wordpress/config-default.php.j2",
            to=f"{place.settings}/{folder}/config-default.php",
            user=each.user,
            mode="0400",
            place=place,
            own=own,
            pool=each,
            domain=site.edit_domain or site.domain,
            language=LANGUAGES.get(part.organisation.languages[0], ""),
            php=php_text,
        )
        yield from pool.files(each, *((settle_unit(place), cron_unit(place)) if each == own else ()))
    yield template(part, "wordpress/plugins.j2", to=f"{place.settings}/wordpress/plugins", place=place)
    for script in ("core.php", "settle.php", "import.php", "addresses.php", "db-error.php", "must-use/coopinfra.php"):
        yield template(part, f"wordpress/coopinfra/wordpress/{script}.j2", to=f"{SCRIPTS}/{script}")
    for task, unit in (("settle", settle_unit(place)), ("cron", cron_unit(place))):
        folder = imports.path(place) if place.site.imported and task == "settle" else ""
        to = f"{UNITS}/{unit}"
        yield template(part, "wordpress/system/site.service.j2", to=to, pool=own, task=task, imported=folder)
    yield template(part, "wordpress/system/site.timer.j2", to=f"{UNITS}/{place.id}-cron.timer", place=place)
    yield Directory(uploads(place), user=own.user)


def php_text(value: str) -> str:
    """Quote a text for PHP."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def checks(place: Place[WordpressSite]) -> Iterator[Check]:
    """Yield that it runs, and that neither its code nor what was uploaded can be turned against it."""
    visitors, own = pools(place)
    units = dict.fromkeys((visitors.unit, own.unit, settle_unit(place), f"{place.id}-cron.timer"))
    yield is_active(f"WordPress of the site `{place.name}` runs and is installed", *units)
    yield from reach.checks(own.reach, own.unit)
    yield succeeds(
        f"the site `{place.name}` cannot change its own code",
        f"found=$(find {place.path} {CORE} ! -user root -print -quit); "
        '[ -z "$found" ] || { echo "$found belongs to somebody else"; false; }',
    )
    yield succeeds(
        f"no program lies among what was uploaded to `{place.name}`",
        f"found=$(find {uploads(place)} -type f -regextype egrep -iregex '.*\\.(ph[^/]*|cgi|pl|sh|html?|js)' "
        '-print -quit); [ -z "$found" ] || { echo "$found"; false; }',
    )
    yield owns(f"the site `{place.name}` has what was uploaded to it for itself", uploads(place), own.user)
    yield succeeds(
        f"all uploads are there that the database of `{place.name}` names",
        f"named=$(runuser -u {own.user} -- mariadb {LETTERS} -N -r -e '{ATTACHED}' {place.id}) || exit 1;"
        f' missing=$(printf \'%s\\n\' "$named" | while IFS= read -r file; do [ -z "$file" ] ||'
        f' [ -e "{uploads(place)}/$file" ] || echo "$file"; done | head -n 3);'
        ' [ -z "$missing" ] || { echo "missing: $missing"; false; }',
        proves=(uploads(place), database(place).dump.name),
    )
    if visitors != own:
        yield prints(
            f"visitors of `{place.name}` cannot make anybody an administrator",
            f"runuser -u {visitors.user} -- mariadb --no-defaults -e '{ELEVATE}' {place.id} 2>&1 || true",
            lambda said: None if "denied" in said else said.strip()[:200] or "it can",
        )
