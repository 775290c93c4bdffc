"""Kinds of text that settings are made of: domains, email addresses, short names.

A validator refuses with `refuse(sentence, hint)`; whoever reads org.yml adds the place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Annotated, NoReturn, TypeVar

from pydantic import AfterValidator, Field

from coopinfra.roles.contract import check_path
from coopinfra.roles.settings import Table

V = TypeVar("V")

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LONGEST_LINE = 300
SLUG = re.compile(r"[a-z][a-z0-9-]{0,30}")
LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+)*")


class Refused(ValueError):
    """A value that cannot be: what is wrong with it, and what to write instead."""

    def __init__(self, sentence: str, hint: str) -> None:
        """Keep both apart, for the problem that is made of them."""
        super().__init__(f"{sentence} ({hint})" if hint else sentence)
        self.sentence, self.hint = sentence, hint


def quoted(value: object) -> str:
    """Put a refused value in backticks: at most 60 characters, nothing that could steer a terminal."""
    text = str(value)
    # Characters that print nothing or turn the writing around are shown by their code.
    shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text[:61])
    return f"`{shown[:59]}…`" if len(shown) > 60 or len(text) > 60 else f"`{shown}`"


def refuse(sentence: str, hint: str = "") -> NoReturn:
    """Refuse a value from within a validator."""
    raise Refused(sentence, hint)


def check_line(value: str) -> str:
    """Return text that is one line, or refuse it."""
    if not value.strip():
        refuse("this text is empty", "write something, or leave the line out")
    if value != value.strip():
        refuse(f"{quoted(value)} starts or ends with a space", f"write {quoted(value.strip())}")
    # The joiners are part of how Persian and Indian names are written.
    if unseen := next((each for each in value if not each.isprintable() and each not in "\u200c\u200d"), ""):
        what = (
            "is more than one line" if unseen in "\r\n" else f"has a character that cannot be seen, U+{ord(unseen):04X}"
        )
        refuse(f"{quoted(value)} {what}", "write it in one line, with plain spaces")
    if len(value) > LONGEST_LINE:
        refuse(f"{quoted(value)} has {len(value)} characters", f"{LONGEST_LINE} are the most that fit")
    return value


def check_slug(value: str) -> str:
    """Return a short name that is safe in paths, units and commands, or refuse it."""
    if not SLUG.fullmatch(value):
        simple = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-").lstrip("0123456789-")[:31].rstrip("-")
        rule = "use a to z, 0 to 9 and `-`, a letter first, 31 characters at most"
        refuse(f"{quoted(value)} is not a short name", f"{rule}, as in `{simple or 'main'}`")
    return value


def check_domain(value: str) -> str:
    """Return a domain as everybody writes it, or refuse it with the way to mend it."""
    said = f"{quoted(value)} is not a domain"
    for slip, what, mended in _SLIPS:
        if found := slip.search(value):
            refuse(f"{said}: {what}", f"write {quoted(slip.sub(mended, value) or found[0])}")
    if _is_address(value):
        refuse(f"{said}: it is an address", "write the name that leads to this address, such as `www.example.org`")
    if value.startswith("*."):
        refuse(f"{said}: it is a wildcard", "write every name that you need")
    if not value.isascii():
        refuse(f"{said} that machines can read", _spelt_for_machines(value))
    if value != value.lower():
        refuse(f"{said}: it has capital letters", f"write {quoted(value.lower())}")
    _check_labels(said, value)
    return value


# What people paste together with a domain, and what is left of it.
_SLIPS = (
    (re.compile(r"^[a-zA-Z][a-zA-Z+.-]*://([^/]*).*", re.DOTALL), "it is a whole link", r"\1"),
    (re.compile(r"/.*", re.DOTALL), "it has a path", ""),
    (re.compile(r".*@", re.DOTALL), "it is an email address", ""),
    (re.compile(r"(?<=[^:]):[0-9]+$"), "it has a port", ""),
    (re.compile(r"(?<=[^.])\.$"), "it ends with a dot", ""),
)


def _check_labels(said: str, value: str) -> None:
    labels = value.split(".")
    if len(labels) == 1:
        refuse(f"{said}: it has no dot", "write the whole name, such as `www.example.org`")
    if "_" in value:
        refuse(f"{said}: it has an underscore", f"did you mean {quoted(value.replace('_', '-'))}?")
    for label in labels:
        if not LABEL.fullmatch(label):
            rule = "between two dots stand 1 to 63 letters, digits or `-`, with no `-` at either end"
            refuse(f"{said}: {quoted(label)} cannot be a part of one" if label else f"{said}: two dots meet", rule)
    if labels[-1].isdigit() or len(value) > 253:
        refuse(f"{said}: no such name can exist", "it ends with letters and has 253 characters at most")


def check_email(value: str) -> str:
    """Return an email address of the plain kind, or refuse it."""
    local, _, domain = value.rpartition("@")
    if not local or not LOCAL_PART.fullmatch(local) or len(local) > 64:
        refuse(f"{quoted(value)} is not an email address", "write it as `name@example.org`")
    try:
        check_domain(domain)
    except Refused as error:
        refuse(f"{quoted(value)} is not an email address: {error.sentence}", error.hint)
    return value


def _is_address(value: str) -> bool:
    try:
        ip_address(value.strip("[]"))
    except ValueError:
        return False
    return True


def _spelt_for_machines(value: str) -> str:
    try:
        return f"write {quoted(value.lower().encode('idna').decode())}"
    except UnicodeError:
        return "use a to z, 0 to 9, `-` and dots"


def check_server_name(value: str) -> str:
    """Return the name of a server, `vault1` or another organisation's `collective/vault1`, or refuse it."""
    names = value.split("/")
    if len(names) > 2:
        refuse(f"{quoted(value)} is not a server", "write `vault1`, or `collective/vault1` if it is another's")
    for name in names:
        check_slug(name)
    return value


def check_server_path(value: str) -> str:
    """Accept the path of a file or folder on the server."""
    try:
        check_path(value)
    except ValueError:
        refuse(f"{quoted(value)} is not the path of a file or folder on the server", "write it as `/srv/shared`")
    return value.rstrip("/")


Line = Annotated[str, AfterValidator(check_line)]
Slug = Annotated[str, AfterValidator(check_slug), Field(json_schema_extra={"pattern": f"^{SLUG.pattern}$"})]
ServerName = Annotated[str, AfterValidator(check_server_name)]
ServerPath = Annotated[str, AfterValidator(check_server_path)]
Domain = Annotated[str, AfterValidator(check_domain), Field(json_schema_extra={"format": "hostname"})]
EmailAddress = Annotated[str, AfterValidator(check_email), Field(json_schema_extra={"format": "email"})]
BySlug = Annotated[Mapping[Slug, V], AfterValidator(Table)]
"""A table whose keys are short names: `sites: BySlug[Site]`."""
