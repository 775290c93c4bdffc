"""What is true of a healthy WordPress: neither its code nor what was uploaded can be turned against it."""

from __future__ import annotations

from collections.abc import Iterator

from coopinfra.roles.contract import Check
from coopinfra.roles.primitives.checking import is_active, owns, prints, succeeds
from coopinfra.roles.website import reach
from coopinfra.roles.website.kinds.wordpress.parts import CORE, database, pools, settle_unit, uploads
from coopinfra.roles.website.kinds.wordpress.settings import WordpressSite
from coopinfra.roles.website.place import Place

ELEVATE = "UPDATE wp_usermeta SET meta_value = meta_value"
"""What somebody would have to be allowed who wants to be an administrator, without any effect."""
LETTERS = "--no-defaults --default-character-set=utf8mb4"
"""By itself the client has names with accents in another spelling, where nobody set a language."""
ATTACHED = 'SELECT meta_value FROM wp_postmeta WHERE meta_key = "_wp_attached_file"'


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
