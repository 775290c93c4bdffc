"""What is true of a healthy website, seen as a visitor sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from coopinfra.roles.contract import Check, Part, Trial
from coopinfra.roles.website import PREVIEW_USER, WebsiteSettings, places, push
from coopinfra.roles.website.kinds import kind_of


def checks(part: Part[WebsiteSettings]) -> Iterator[Check]:
    """Yield for each site what its kind promises, and who gets it: everybody, or nobody without password."""
    addresses = " and ".join(part.server.addresses)
    for place in places(part):
        site = place.site
        yield from kind_of(place).checks(place)
        if place.is_pushed:
            yield from push.checks(place)
        url = f"https://{site.domain}/"
        leads = f"the DNS zone of {site.domain} to lead to {addresses} and nowhere else"
        pushed = f"the first `git push {place.push_url} {place.branch}`, or " if place.is_pushed else ""
        yield Check(
            f"{url} asks for a password" if site.preview_password else f"{url} shows its start page to anybody",
            _asks(url) if site.preview_password else _shows(url),
            where="outside",
            waits_for=f"{pushed}{leads}",
        )


def trials(part: Part[WebsiteSettings]) -> Iterator[Trial]:
    """Yield how the password of each site that has one is tried: as a visitor would."""
    for place in places(part):
        if place.site.preview_password:
            yield Trial(f"{place.name}-password", _accepts(f"https://{place.site.domain}/", part.server.address))


def _shows(url: str) -> Callable[[Any], str | None]:
    def run(outside: Any) -> str | None:
        answer = outside.get(url)
        kind = answer.headers.get_content_type()
        if answer.problem or answer.status != 200:
            return answer.problem or f"it answers with {answer.status}"
        return None if kind == "text/html" and answer.body.strip() else f"it shows {len(answer.body)} bytes of {kind}"

    return run


def _asks(url: str) -> Callable[[Any], str | None]:
    def run(outside: Any) -> str | None:
        answer = outside.get(url)
        return answer.problem or (None if answer.status == 401 else f"it answers with {answer.status}")

    return run


def _accepts(url: str, address: str) -> Callable[[Any, str], bool | None]:
    def accepts(outside: Any, value: str) -> bool | None:
        # At its own address, for the world's DNS is another question; but never to whom the certificate does not prove.
        answer = outside.get(url, address=address, login=(PREVIEW_USER, value))
        return {200: True, 401: False}.get(answer.status)

    return accepts
