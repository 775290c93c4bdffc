"""A WordPress of somebody else's host: what its database or its export says, and the folder with what people uploaded.

Its texts, people and pictures come along; its programs never do, for nobody can tell an intruder's from the others.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from coopinfra.deploy.imports.finding import Brought, NotBrought, Origin
from coopinfra.deploy.imports.wordpress import findings as found
from coopinfra.deploy.imports.wordpress import uploads
from coopinfra.deploy.imports.wordpress.database import extract, scripts_in
from coopinfra.deploy.imports.wordpress.export import read as export
from coopinfra.deploy.imports.wordpress.export.findings import of_what_it_says
from coopinfra.deploy.imports.wordpress.export.pictures import attached
from coopinfra.deploy.imports.wordpress.export.rows import PREFIX, Rows
from coopinfra.roles.types import Refused, check_email, check_line, check_slug
from coopinfra.roles.website.kinds.wordpress.imports import DATABASE, FACTS

CONFIGURED = re.compile(r"^\s*\$table_prefix\s*=\s*['\"](\w+)['\"]", re.MULTILINE)
MULTISITE = re.compile(r"^\s*define\(\s*['\"]MULTISITE['\"]\s*,\s*true\s*\)", re.MULTILINE | re.IGNORECASE)


def fits(origin: Origin) -> bool:
    """Tell whether it is a WordPress, or said to be one by giving a dump."""
    path = origin.path
    return path.exists() and (origin.dump is not None or (path / "wp-config.php").is_file() or export.is_one(path))


def bring(origin: Origin, to: Path, domains: tuple[str, ...]) -> Brought:
    """Keep what it says and its uploads, and say what will not work."""
    path, dump = origin.path, origin.dump
    if dump is None and export.is_one(path):
        return _bring_export(path, None, origin, to, domains[0])
    if not path.is_dir():
        raise NotBrought(f"`{path}` is no folder", "unpack it, and name the folder with `wp-content` in it")
    if dump is None:
        hint = "export it at the old host (phpMyAdmin: Export, SQL) and name the file with `--dump`"
        raise NotBrought(f"`{path}` is a WordPress, whose texts lie in a database", hint)
    if export.is_one(dump):
        return _bring_export(dump, path, origin, to, domains[0])
    return _bring_dump(path, dump, origin, to, domains[0])


def _bring_dump(path: Path, dump: Path, origin: Origin, to: Path, domain: str) -> Brought:
    configuration = found.text_of(path / "wp-config.php")
    said = CONFIGURED.search(configuration)
    _make(to)
    database = extract(dump, to / DATABASE, said[1] if said else "")
    if MULTISITE.search(configuration) or {"blogs", "site"} <= database.made:
        hint = "have its host make the one that is wanted a WordPress of its own, and dump that"
        raise NotBrought("it is several sites in one WordPress (multisite), which is not run here", hint)
    addresses = tuple(dict.fromkeys((*database.addresses, *origin.was)))
    _know(to, {"prefix": database.prefix, "charset": database.charset, "addresses": addresses})
    folder = uploads.folder_of(path)
    taken = uploads.take(folder or to / "uploads", to / "uploads", database.attached)
    size = taken.bytes + (to / DATABASE).stat().st_size
    findings = (
        *found.of_code(path, database),
        *found.of_people(database),
        *found.of_database(database),
        *taken.findings,
        *found.at_the_end(addresses, domain, size, has_folder=folder is not None),
    )
    who = database.administrators
    emails = (database.text("admin_email"), *(each.email for each in who))
    title = html.unescape(database.text("blogname"))
    settings = tuple(_settings(title, [each.login for each in who], emails, domain, to.name))
    return Brought(settings, len(taken.names), size, findings)


def _bring_export(file: Path, folder: Path | None, origin: Origin, to: Path, domain: str) -> Brought:
    """Bring in what WordPress exports, and the pictures of it that lie in a folder."""
    said = export.read(file)
    _make(to)
    # The library of wordpress.com is unpacked to years; of another host there is the folder of its uploads.
    media = folder and (uploads.folder_of(folder) or folder)
    taken = uploads.take(media or to / "uploads", to / "uploads", attached(said))
    rows = Rows(said, taken.names)
    text = "".join(f"{each}\n" for each in rows.statements())
    (to / DATABASE).write_text(text, encoding="utf-8", newline="\n")
    (to / DATABASE).chmod(0o600)
    addresses = tuple(dict.fromkeys((said.address, *origin.was)))
    _know(to, {"prefix": PREFIX, "charset": "utf8mb4", "addresses": addresses, "options": rows.options})
    size = taken.bytes + (to / DATABASE).stat().st_size
    findings = (
        *of_what_it_says(said, rows),
        *found.of_scripts(scripts_in(text.encode()), addresses),
        *taken.findings,
        *found.at_the_end(addresses, domain, size, has_folder=media is not None),
    )
    settings = tuple(
        _settings(
            said.title, [each.login for each in said.authors], [each.email for each in said.authors], domain, to.name
        )
    )
    return Brought(settings, len(taken.names), size, findings)


def _make(to: Path) -> None:
    to.mkdir(mode=0o700, parents=True)
    # Names, addresses and passwords of people are in there.
    (to / ".gitignore").write_text("*\n")


def _know(to: Path, facts: Mapping[str, object]) -> None:
    (to / FACTS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _settings(title: str, logins: Iterable[str], emails: Iterable[str], domain: str, name: str) -> Iterator[str]:
    yield f"domain: {domain}"
    yield "kind: wordpress"
    yield f"title: {json.dumps(_first([title.strip()], check_line) or domain)}"
    if login := _first(logins, check_slug):
        yield f"administrator: {login}"
    yield f"administrator_email: {_first(emails, check_email) or f'admin@{domain}'}"
    yield f"imported: sites/{name}"


def _first(values: Iterable[str], check: Callable[[str], str]) -> str:
    """Return the first that may stand in org.yml; empty where none may."""
    for value in values:
        try:
            if value:
                return check(value)
        except Refused:
            continue
    return ""
