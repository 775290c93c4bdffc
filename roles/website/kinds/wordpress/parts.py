"""What a WordPress consists of: who makes its pages, its data, its units."""

from __future__ import annotations

from coopinfra.roles.declarations import Grant, MariadbDatabase
from coopinfra.roles.website.kinds.wordpress.settings import WordpressSite
from coopinfra.roles.website.place import Place
from coopinfra.roles.website.pool import Pool
from coopinfra.roles.website.reach import reach_of

CORE = "/usr/share/wordpress"
SCRIPTS = "/usr/local/lib/coopinfra/wordpress"


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


def settle_unit(place: Place[WordpressSite]) -> str:
    """Return what installs it and keeps it settled."""
    return f"{place.id}-settle.service"


def cron_unit(place: Place[WordpressSite]) -> str:
    """Return what does what is due."""
    return f"{place.id}-cron.service"
