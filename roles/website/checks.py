"""What is true of a healthy website, seen as a visitor sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from coopinfra.roles.contract import Check, Part
from coopinfra.roles.primitives.checking import succeeds
from coopinfra.roles.website import WebsiteSettings, release_of


def checks(part: Part[WebsiteSettings]) -> Iterator[Check]:
    """Yield for each site that its start page is published, and that visitors get it."""
    addresses = " and ".join(part.server.addresses)
    for name, site in part.settings.sites.items():
        current = release_of(part, name).current
        yield succeeds(
            f"the site `{name}` has a release with a start page",
            f"[ -s {current}/index.html ] || {{ echo there is no {current}/index.html; false; }}",
        )
        yield Check(
            f"https://{site.domain}/ shows its start page to anybody",
            _shows(f"https://{site.domain}/"),
            where="outside",
            waits_for=f"the DNS zone of {site.domain} to lead to {addresses} and nowhere else",
        )


def _shows(url: str) -> Callable[[Any], str | None]:
    def run(outside: Any) -> str | None:
        answer = outside.get(url)
        kind = answer.headers.get_content_type()
        if answer.problem or answer.status != 200:
            return answer.problem or f"it answers with {answer.status}"
        return None if kind == "text/html" and answer.body.strip() else f"it shows {len(answer.body)} bytes of {kind}"

    return run
