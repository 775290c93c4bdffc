"""The zone as it is printed."""

from __future__ import annotations

import dns.zone

from coopinfra.deploy.dns.records import normal_value, wanted_records
from coopinfra.deploy.dns.zone import zone_text
from coopinfra.roles.declarations import Record
from plans_by_hand import plan_of, plan_with

WWW = Record("A", "www.highbeam.example", "192.0.2.10")


def test_the_zone_reads_as_a_person_would_type_it() -> None:
    text = zone_text(
        plan_of(
            ("website", "web1", WWW),
            ("website", "web1", Record("A", "highbeam.example", "192.0.2.10")),
            ("website", "web1", Record("AAAA", "highbeam.example", "2001:DB8:0::10", ttl=300)),
            ("certificates", "web1", Record("CAA", "highbeam.example", '0 issue "letsencrypt.org"')),
        )
    )

    assert text == (
        "; DNS records of High Beam Coffee Roasters (highbeam.example), as `coopinfra dns highbeam` prints them.\n"
        "; SOA and NS records are not here: whoever keeps the zone has them already.\n"
        "; A form that asks for short names wants them without `.highbeam.example.`, and `@` for the domain itself.\n"
        "\n"
        "; Where names lead to (asked for by website on web1)\n"
        "highbeam.example.     3600 IN A     192.0.2.10\n"
        "highbeam.example.      300 IN AAAA  2001:db8::10\n"
        "www.highbeam.example. 3600 IN A     192.0.2.10\n"
        "\n"
        "; Who may issue certificates (asked for by certificates on web1)\n"
        'highbeam.example.     3600 IN CAA   0 issue "letsencrypt.org"\n'
    )


def test_a_name_server_can_read_the_zone() -> None:
    key = "v=DKIM1; p=" + "A" * 600
    text = zone_text(plan_with(WWW, Record("TXT", "k._domainkey.highbeam.example", key)))
    soa = "$ORIGIN highbeam.example.\n@ 60 IN SOA ns1 hostmaster 1 60 60 60 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"

    zone = dns.zone.from_text(soa + text, origin="highbeam.example")

    strings = zone["k._domainkey"].rdatasets[0][0].strings
    assert b"".join(strings) == key.encode()
    assert [len(string) for string in strings] == [255, 255, 101]
    assert zone["www"].rdatasets[0][0].address == "192.0.2.10"


def test_a_text_is_the_same_however_it_is_quoted_or_cut() -> None:
    assert normal_value("TXT", "v=spf1 mx -all") == normal_value("TXT", '"v=spf1 " "mx -all"') == '"v=spf1 mx -all"'
    assert normal_value("TXT", 'say "a\\b"') == '"say \\"a\\\\b\\""'
    assert normal_value("TXT", '""') == '""'


def test_who_asks_for_the_same_record_is_named_beside_the_others() -> None:
    plan = plan_of(("website", "web1", WWW), ("base", "web2", WWW), ("base", "web2", WWW))

    (record,) = wanted_records(plan)

    assert record.asked_by == ("website on web1", "base on web2")
    assert zone_text(plan).count("192.0.2.10") == 1


def test_the_values_of_one_name_share_the_shortest_lifetime() -> None:
    records = wanted_records(plan_with(WWW, Record("A", "www.highbeam.example", "192.0.2.11", ttl=60)))

    assert [record.ttl for record in records] == [60, 60]


def test_a_plan_without_records_prints_only_comments() -> None:
    assert all(line.startswith(";") for line in zone_text(plan_with()).splitlines() if line)
