"""The check against name servers that really answer, on the loopback."""

from __future__ import annotations

import dns.resolver
import pytest

from coopinfra.deploy.dns.ask import Asker
from coopinfra.deploy.dns.check import DnsReport, check_records
from coopinfra.deploy.dns.report import as_data, details, servers
from coopinfra.roles.declarations import Record
from dns_server import HERE, Habits, serving
from plans_by_hand import plan_with

WWW = Record("A", "www.highbeam.example", "192.0.2.10")
SECOND = "127.0.0.2"


def holding(*values: str, **habits: bool) -> Habits:
    """Be the zone's only server, holding these addresses of www."""
    return Habits(
        {
            ("highbeam.example", "NS"): ["ns1.registrar.example."],
            ("ns1.registrar.example", "A"): [HERE],
            ("www.highbeam.example", "A"): list(values),
        },
        **habits,
    )


def checked(habits: Habits, *records: Record, timeout: float = 1.0) -> DnsReport:
    """Check against one server, which is the resolver too."""
    with serving(habits) as port:
        return check_records(plan_with(*(records or (WWW,))), asker(port, timeout))


def asker(port: int, timeout: float = 1.0) -> Asker:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.lifetime = [HERE], port, 1.0
    return Asker(resolver, port=port, timeout=timeout)


def test_a_record_that_is_there_is_ok() -> None:
    report = checked(holding("192.0.2.10"))

    assert report.agrees
    assert [finding.status for finding in report.findings] == ["ok"]
    assert servers(report) == [f"highbeam.example: ns1.registrar.example. {HERE} answered"]


@pytest.mark.parametrize(("values", "status"), [((), "missing"), (("192.0.2.99",), "different")])
def test_a_record_that_is_not_there_is_a_disagreement(values: tuple[str, ...], status: str) -> None:
    report = checked(holding(*values))

    assert not report.agrees
    assert [finding.status for finding in report.findings] == [status]
    assert as_data(report)["agrees"] is False


def test_an_answer_that_does_not_fit_is_fetched_over_tcp() -> None:
    habits = holding("192.0.2.10", truncates=True)

    report = checked(habits)

    assert report.agrees
    assert ("www.highbeam.example", "A", "udp") in habits.asked
    assert ("www.highbeam.example", "A", "tcp") in habits.asked


def test_an_alias_that_leads_to_the_right_address_is_ok() -> None:
    habits = holding()
    habits.records["www.highbeam.example", "CNAME"] = ["web1.highbeam.example."]
    habits.records["web1.highbeam.example", "A"] = ["192.0.2.10"]

    assert checked(habits).agrees


def test_an_alias_that_leads_elsewhere_is_shown() -> None:
    habits = holding()
    habits.records["www.highbeam.example", "CNAME"] = ["shops.other.example."]

    report = checked(habits)

    assert details(report.findings[0]) == "wanted 192.0.2.10; there is CNAME shops.other.example."
    assert not report.agrees


@pytest.mark.parametrize(
    ("habit", "said"),
    [
        ("authoritative", "does not serve the zone of www.highbeam.example"),
        ("refuses", "answers REFUSED"),
        ("silent", "does not answer"),
        ("talks_nonsense", "answers what is not DNS"),
    ],
)
def test_a_server_that_is_of_no_use_is_named_and_nothing_agrees(habit: str, said: str) -> None:
    good, bad = holding(), holding("192.0.2.10", **{habit: habit != "authoritative"})
    good.records["ns1.registrar.example", "A"] = [SECOND]

    with serving(good) as port, serving(bad, SECOND, port):
        report = check_records(plan_with(WWW), asker(port, timeout=0.1))

    assert said in servers(report)[0]
    assert [finding.status for finding in report.findings] == ["unknown"]
    assert not report.agrees


def test_two_servers_that_disagree_are_told_apart() -> None:
    first, second = holding("192.0.2.10"), holding("192.0.2.99")
    first.records["highbeam.example", "NS"].append("ns2.registrar.example.")
    first.records["ns2.registrar.example", "A"] = [SECOND]

    with serving(first) as port, serving(second, SECOND, port):
        report = check_records(plan_with(WWW), asker(port))

    assert [(finding.status, finding.servers) for finding in report.findings] == [
        ("ok", (f"ns1.registrar.example. ({HERE})",)),
        ("different", (f"ns2.registrar.example. ({SECOND})",)),
    ]


def test_the_servers_of_a_parent_are_asked_where_a_name_has_none() -> None:
    habits = holding()
    habits.records["deep.shop.highbeam.example", "A"] = ["192.0.2.10"]

    report = checked(habits, Record("A", "deep.shop.highbeam.example", "192.0.2.10"))

    assert report.agrees
    assert [zone.name for zone in report.zones] == ["highbeam.example"]


def test_a_domain_that_nobody_serves_is_said_to_be_so() -> None:
    report = checked(Habits())

    assert not report.agrees
    assert servers(report) == ["www.highbeam.example: no name server is known for it"]


def test_a_text_is_compared_whole() -> None:
    habits = holding()
    habits.records["highbeam.example", "TXT"] = ['"v=spf1 " "mx -all"', '"somebody else\'s"']

    report = checked(habits, Record("TXT", "highbeam.example", "v=spf1 mx -all"))

    assert [finding.status for finding in report.findings] == ["ok", "extra"]
    assert report.agrees
