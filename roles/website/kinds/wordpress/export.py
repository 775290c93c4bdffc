"""WordPress as finished pages: who visits meets files alone, who writes does so under another name."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Directory, File
from coopinfra.roles.declarations import Declaration, Link, Packages, Record, Unit, User, Vhost, WorksOn
from coopinfra.roles.primitives.rendering import template
from coopinfra.roles.website.answers import FILES
from coopinfra.roles.website.kinds.wordpress.settings import WordpressSite
from coopinfra.roles.website.place import Place
from coopinfra.roles.website.pool import MEDIA, UNITS, Pool

SCRIPT = "/usr/local/lib/coopinfra/wordpress/export"


def vhost_file(place: Place[WordpressSite]) -> str:
    """Return what the web server includes for where people write."""
    return f"/etc/nginx/sites/{place.id}-edit.conf"


def pages(place: Place[WordpressSite]) -> str:
    """Return where the finished pages lie: the newest, and the ones before."""
    return f"{place.data}/pages"


def user(place: Place[WordpressSite]) -> str:
    """Return who makes them: somebody else than WordPress, which therefore cannot change what visitors get."""
    return place.account("export")


def declare(place: Place[WordpressSite]) -> Iterator[Declaration]:
    """State where people write, who makes the pages, and when: at each change, and every hour."""
    domain, server = place.site.edit_domain or "", place.part.server
    yield Vhost(domain, include=vhost_file(place))
    yield Record("A", domain, server.address)
    if server.ipv6:
        yield Record("AAAA", domain, server.ipv6)
    yield Link(f"Write on {place.site.domain}", f"https://{domain}/wp-admin/", "members")
    yield Packages(("python3-minimal",))
    yield User(user(place), full_name=f"Pages of {place.name}")
    timer, path = f"{place.id}-export.timer", f"{place.id}-export.path"
    yield Unit(path, reads=(f"{UNITS}/{path}",))
    # Visitors have pages as soon as the deploy ends, and it fails where they cannot be made.
    makes = f"{place.id}-export.service"
    made = f"systemctl start {makes}"
    yield Unit(timer, reads=(f"{UNITS}/{timer}", place.current, f"{place.settings}/wordpress", SCRIPT), answers=made)
    for unit in (path, timer):
        yield WorksOn(unit, place.belongs_to)
    yield WorksOn(makes, place.belongs_to, afterwards=True)


def files(place: Place[WordpressSite], own: Pool) -> Iterator[File | Directory]:
    """Yield how the web server shows the pages, and what makes them."""
    part = place.part
    conf = "export/sites/site.conf.j2"
    yield template(part, conf, to=place.vhost_file, place=place, pages=pages(place), media=MEDIA, shown=FILES)
    yield template(part, "export/wordpress/export.j2", to=SCRIPT, mode="0755")
    for ending in ("service", "timer", "path"):
        yield template(
            part,
            f"export/system/site.{ending}.j2",
            to=f"{UNITS}/{place.id}-export.{ending}",
            place=place,
            pool=own,
            maker=user(place),
            pages=pages(place),
            script=SCRIPT,
        )
    yield Directory(pages(place), user=user(place))
