"""The files of a WordPress on its server."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Directory, File
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.website import pool
from coopinfra.roles.website.answers import FILES
from coopinfra.roles.website.kinds.wordpress import export, imports
from coopinfra.roles.website.kinds.wordpress.parts import CORE, SCRIPTS, cron_unit, pools, settle_unit, uploads
from coopinfra.roles.website.kinds.wordpress.settings import WordpressSite
from coopinfra.roles.website.place import Place, data_of
from coopinfra.roles.website.pool import MEDIA, UNITS

LANGUAGES = {"en": "", "es": "es_ES", "fr": "fr_FR", "de": "de_DE", "pt": "pt_PT", "it": "it_IT", "nl": "nl_NL"}
"""The names that WordPress has for the languages of organisations."""


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
    yield Directory(place.settings)
    for each, folder in {visitors: "wordpress-public", own: "wordpress"}.items():
        yield Directory(f"{place.settings}/{folder}")
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
    yield Directory(data_of(part))
    yield Directory(place.data)
    yield Directory(uploads(place), user=own.user)


def php_text(value: str) -> str:
    """Quote a text for PHP."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
