"""What is true of a healthy web server; asked at the server's own address, whatever DNS says by now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from coopinfra.roles.contract import Check, Part
from coopinfra.roles.declarations import Vhost
from coopinfra.roles.nginx import NginxSettings
from coopinfra.roles.primitives.checking import is_active, succeeds

HEADERS = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN"}


def checks(part: Part[NginxSettings]) -> Iterator[Check]:
    """Yield what holds for every site, then what holds for the server as a whole."""
    address = part.server.address
    for vhost in part.all(Vhost):
        for name in vhost.names:
            yield _outside(f"http://{name}/ leads to https", _leads(f"http://{name}/", f"https://{name}/", address))
        for name in vhost.redirects_from:
            to = f"https://{vhost.domain}/"
            yield _outside(f"https://{name}/ leads to {vhost.domain}", _leads(f"https://{name}/", to, address))
        for name in vhost.served:
            yield _outside(f"https://{name}/ comes with headers that protect", _protects(part, f"https://{name}/"))
            yield _outside(f"{name} refuses TLS 1.1", _refuses_old_tls(name, address))
    yield _outside(f"a name that {part.server.id} does not know gets no site", _unknown(address))
    yield is_active(f"the web server of {part.server.id} runs", "nginx.service")
    yield succeeds(f"the web server of {part.server.id} accepts its own configuration", "nginx -t -q")


def _outside(sentence: str, run: Callable[[Any], str | None]) -> Check:
    return Check(sentence, run, where="outside")


def _leads(url: str, to: str, address: str) -> Callable[[Any], str | None]:
    def run(outside: Any) -> str | None:
        # A placeholder will do here: `certificates` asks whether it is a real one.
        answer = outside.get(url, address=address, verify=False)
        leads_to = answer.headers["Location"]
        found = answer.problem or f"{answer.status} to {leads_to}"
        return None if answer.status == 308 and leads_to == to else found

    return run


def _protects(part: Part[NginxSettings], url: str) -> Callable[[Any], str | None]:
    wanted = dict(HEADERS)
    if part.settings.hsts_days:
        wanted["Strict-Transport-Security"] = f"max-age={part.settings.hsts_days * 86400}"

    def run(outside: Any) -> str | None:
        answer = outside.get(url, address=part.server.address, verify=False)
        found = {name: answer.headers[name] for name in wanted}
        different = [f"{name}: {value}" for name, value in found.items() if value != wanted[name]]
        return answer.problem or ", ".join(different) or None

    return run


def _refuses_old_tls(name: str, address: str) -> Callable[[Any], str | None]:
    def run(outside: Any) -> str | None:
        return None if outside.tls_version_refused(name, "TLSv1.1", address=address) else "it does not, or is not there"

    return run


def _unknown(address: str) -> Callable[[Any], str | None]:
    def run(outside: Any) -> str | None:
        for scheme, port in (("http", 80), ("https", 443)):
            if not outside.connects(address, port):
                return f"nothing answers on port {port}"
            answer = outside.get(f"{scheme}://unknown.invalid/", address=address, verify=False)
            if answer.status or answer.certificate:
                return f"{scheme} answers with {answer.status or 'a certificate'}"
        return None

    return run
