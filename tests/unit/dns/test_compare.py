"""The comparison of what is wanted with what was said."""

from __future__ import annotations

import pytest

from coopinfra.deploy.dns.compare import View, compare, places_to_ask
from coopinfra.deploy.dns.records import Wanted
from coopinfra.deploy.dns.report import details

A = Wanted("www.highbeam.example", "A", "192.0.2.10", 3600)
TXT = Wanted("highbeam.example", "TXT", '"ours"', 3600)
CAA = Wanted("highbeam.example", "CAA", '0 issue "letsencrypt.org"', 3600)


def saying(record: Wanted, *values: str, server: str = "ns1.", **more: tuple[str, ...]) -> View:
    return View(server, "192.0.2.53", {record.place: values} | {(record.name, type): v for type, v in more.items()})


@pytest.mark.parametrize(
    ("record", "found", "statuses", "agrees"),
    [
        (A, ("192.0.2.10",), ["ok"], True),
        (A, (), ["missing"], False),
        (A, ("192.0.2.99",), ["different"], False),
        (A, ("192.0.2.10", "192.0.2.99"), ["ok", "extra"], False),
        (TXT, ('"ours"', '"theirs"'), ["ok", "extra"], True),
        (TXT, ('"theirs"',), ["missing", "extra"], False),
        (CAA, ('0 issue "other.example"',), ["different"], False),
        (CAA, (CAA.value, '0 iodef "mailto:a@b.example"'), ["ok", "extra"], True),
    ],
)
def test_each_record_is_judged(record: Wanted, found: tuple[str, ...], statuses: list[str], agrees: bool) -> None:
    findings = compare((record,), [saying(record, *found)])

    assert [finding.status for finding in findings] == statuses
    assert all(finding.agrees for finding in findings) == agrees


def test_what_is_there_instead_is_shown() -> None:
    (finding,) = compare((A,), [saying(A, "192.0.2.99")])

    assert details(finding) == "wanted 192.0.2.10; there is 192.0.2.99"


def test_a_forgotten_address_of_the_other_kind_is_found() -> None:
    assert (A.name, "AAAA") in places_to_ask((A,))

    findings = compare((A,), [saying(A, A.value, AAAA=("2001:db8::99",))])

    assert [(finding.type, finding.status, finding.agrees) for finding in findings] == [
        ("A", "ok", True),
        ("AAAA", "extra", False),
    ]


def test_servers_that_disagree_are_named() -> None:
    findings = compare((A,), [saying(A, A.value), saying(A, "192.0.2.99", server="ns2.")])

    assert [(finding.status, finding.servers) for finding in findings] == [
        ("ok", ("ns1. (192.0.2.53)",)),
        ("different", ("ns2. (192.0.2.53)",)),
    ]


def test_servers_that_agree_are_not_named() -> None:
    findings = compare((A,), [saying(A, A.value), saying(A, A.value, server="ns2.")])

    assert [(finding.status, finding.servers) for finding in findings] == [("ok", ())]


@pytest.mark.parametrize(
    "view", [View("ns1.", "192.0.2.53", problem="does not answer"), View("ns1.", "::1", unreachable=True)]
)
def test_silence_is_never_agreement(view: View) -> None:
    findings = compare((A,), [view])

    assert [(finding.status, finding.agrees) for finding in findings] == [("unknown", False)]


def test_one_silent_server_does_not_hide_another() -> None:
    findings = compare((A,), [View("ns2.", "192.0.2.54", problem="does not answer"), saying(A, A.value)])

    assert [finding.status for finding in findings] == ["ok"]
