"""Kinds of text that only the organisation file has: addresses, languages, times."""

from __future__ import annotations

import re
from datetime import timedelta
from difflib import get_close_matches
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

from coopinfra.roles.types import SLUG, check_slug, quoted, refuse

# ISO 639-1: https://www.loc.gov/standards/iso639-2/php/English_list.php
CODES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el "
    "en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu "
    "ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na "
    "nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so "
    "sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
LANGUAGES = frozenset(CODES.split())
COMMON_SLIPS = {"jp": "ja", "cz": "cs", "dk": "da", "ua": "uk", "gr": "el", "cn": "zh", "se": "sv", "ee": "et"}

# Accounts that Debian brings along or daemons are given; an operator of that name would take them over.
SYSTEM_ACCOUNTS = (
    "root daemon bin sys sync games man lp mail news uucp proxy backup list irc nobody sshd messagebus postgres mysql "
    "www-data debian-tor"
)
TAKEN = frozenset(SYSTEM_ACCOUNTS.split())

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def check_ipv4(value: str) -> str:
    """Return an IPv4 address that a server can be reached at, or refuse it."""
    return _check_address(value, IPv4Address, "IPv4", "203.0.113.10")


def check_ipv6(value: str) -> str:
    """Return an IPv6 address in its short form, or refuse it."""
    return _check_address(value, IPv6Address, "IPv6", "2001:db8::10")


def _check_address(value: str, kind: type[IPv4Address] | type[IPv6Address], name: str, example: str) -> str:
    said = f"{quoted(value)} is not an {name} address"
    if "/" in value:
        refuse(f"{said}: it is a network", f"write {quoted(value.partition('/')[0])}")
    try:
        address = ip_address(value)
    except ValueError:
        plain = re.sub(r"\b0+(?=\d)", "", value) if name == "IPv4" else value.partition("%")[0].strip("[]")
        better = plain if plain != value and _is_address(plain) else ""
        refuse(said, f"write {quoted(better)}" if better else f"it looks like `{example}`; a name does not do here")
    if not isinstance(address, kind):
        other = "write it under `ipv6`" if name == "IPv4" else "write it under `address`"
        refuse(f"{said}, but the other kind", other)
    what = next((words for attribute, words in _UNREACHABLE if getattr(address, attribute, False)), "")
    if what:
        refuse(f"{quoted(value)} is {what}", f"write the address that the server is reached at, such as `{example}`")
    if "%" in value:
        refuse(f"{said} of the whole internet", f"write {quoted(value.partition('%')[0])}")
    return str(address)


_UNREACHABLE = (
    ("is_unspecified", "every address and none"),
    ("is_loopback", "the address of each machine itself"),
    ("is_multicast", "an address of many machines at once"),
    ("is_link_local", "an address that only the next cable knows"),
    ("ipv4_mapped", "an IPv4 address in disguise"),
    ("is_reserved", "an address that nobody can have"),
)


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def check_language(value: str) -> str:
    """Return a language code of two letters, or refuse it."""
    if value not in LANGUAGES:
        guess = COMMON_SLIPS.get(value.lower(), value.lower()[:2])
        hint = f"did you mean `{guess}`?" if guess in LANGUAGES else "use two letters, such as `en`, `es`, `de`"
        refuse(f"{quoted(value)} is not the code of a language", hint)
    return value


def check_time_zone(value: str) -> str:
    """Return the name of a time zone, or refuse it; a machine without the list of zones accepts what looks like one."""
    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError):
        zones = _zones()
        if zones or not re.fullmatch(r"[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_-]+){1,2}|UTC", value):
            said = f"{quoted(value)} is not a time zone"
            if found := get_close_matches(value, zones, n=1) or _zones_of_city(value, zones):
                refuse(said, f"did you mean `{found[0]}`?")
            refuse(said, "write it as continent and city, such as `Europe/Madrid`")
    return value


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zones_of_city(value: str, zones: frozenset[str]) -> list[str]:
    city = value.rpartition("/")[2].strip().replace(" ", "_").lower()
    return sorted(zone for zone in zones if city and zone.lower().endswith(f"/{city}"))


def check_quiet_hours(value: str) -> str:
    """Return a span of hours as `02:00-05:00`, or refuse it."""
    clock = r"([01]\d|2[0-3]):[0-5]\d"
    if not re.fullmatch(f"{clock}-{clock}", value):
        refuse(f"{quoted(value)} is not a span of hours", 'write it as `"02:00-05:00"`, with 24 hours to the day')
    if value[:5] == value[6:]:
        refuse(f"{quoted(value)} is no time at all", "let it end later than it starts")
    return value


def check_span(value: str) -> str:
    """Return a length of time as `30m`, `4h` or `2d`, or refuse it."""
    if not re.fullmatch(r"[1-9][0-9]{0,3}[mhd]", value):
        refuse(f"{quoted(value)} is not a length of time", "write minutes, hours or days, as `30m`, `4h` or `2d`")
    return value


def check_hours(value: str) -> str:
    """Return a length of time of whole hours, or refuse it."""
    if check_span(value).endswith("m"):
        refuse(f"{quoted(value)} is shorter than anything is backed up", "write hours or days, as `4h` or `2d`")
    return value


def span(value: str) -> timedelta | None:
    """Return a length of time that was checked; None where it was left out."""
    return timedelta(**{UNITS[value[-1]]: int(value[:-1])}) if value else None


def check_date(value: object) -> object:
    """Refuse dates that are not written as 2027-03-01: other ways mean different days to different people."""
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        refuse(f"{quoted(value)} is not a date", "write year, month and day, as in `2027-03-01`")
    return value


def check_account(value: str) -> str:
    """Return the name of an account on a server, or refuse it."""
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", value):
        refuse(f"{quoted(value)} is not the name of an account", "a new machine mostly accepts `root` or `debian`")
    return value


def check_login(value: str) -> str:
    """Return a name that an operator's account may have, or refuse it."""
    if check_slug(value) in TAKEN:
        refuse(f"{quoted(value)} is an account of the system", "take the person's own name")
    return value


def check_machine(value: str) -> str:
    """Return the name of another organisation's machine, as `organisation/server`, or refuse it."""
    owner, slash, server = value.partition("/")
    if not slash:
        refuse(f"{quoted(value)} is not the name of a machine", "write organisation and server: `lantern/shared1`")
    check_slug(owner)
    check_slug(server)
    return value


IPv4 = Annotated[str, AfterValidator(check_ipv4), Field(json_schema_extra={"format": "ipv4"})]
IPv6 = Annotated[str, AfterValidator(check_ipv6), Field(json_schema_extra={"format": "ipv6"})]
Language = Annotated[str, AfterValidator(check_language), Field(json_schema_extra={"enum": sorted(LANGUAGES)})]
TimeZone = Annotated[str, AfterValidator(check_time_zone)]
QuietHours = Annotated[str, AfterValidator(check_quiet_hours)]
Login = Annotated[str, AfterValidator(check_login), Field(json_schema_extra={"pattern": f"^{SLUG.pattern}$"})]
MachineName = Annotated[str, AfterValidator(check_machine)]
Span = Annotated[str, AfterValidator(check_span)]
Hours = Annotated[str, AfterValidator(check_hours)]
Account = Annotated[str, AfterValidator(check_account)]
DateText = BeforeValidator(check_date)
