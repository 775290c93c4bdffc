"""`coopinfra dns`, as it is typed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import dns.resolver
import pytest

from coopinfra.cli.main import main
from coopinfra.deploy.dns.ask import Asker
from dns_server import HERE, Habits, serving
from sample_organisation import write_inventories

ZONE = """\
; DNS records of High Beam Coffee Roasters (highbeam.example), as `coopinfra dns highbeam` prints them.
; SOA and NS records are not here: whoever keeps the zone has them already.
; A form that asks for short names wants them without `.highbeam.example.`, and `@` for the domain itself.

; Where names lead to (asked for by base on web1)
web1.highbeam.example. 3600 IN A     203.0.113.10
web1.highbeam.example. 3600 IN AAAA  2001:db8::10

; Where names lead to (asked for by website on web1)
highbeam.example.      3600 IN A     203.0.113.10
highbeam.example.      3600 IN AAAA  2001:db8::10
shop.highbeam.example. 3600 IN A     203.0.113.10
shop.highbeam.example. 3600 IN AAAA  2001:db8::10
www.highbeam.example.  3600 IN A     203.0.113.10
www.highbeam.example.  3600 IN AAAA  2001:db8::10

; Who may issue certificates (asked for by certificates on web1)
highbeam.example.      3600 IN CAA   0 issue "letsencrypt.org"
"""
NAMES = ("web1.highbeam.example", "highbeam.example", "shop.highbeam.example", "www.highbeam.example")
TABLE = """\
web1.highbeam.example  A     ok         203.0.113.10
web1.highbeam.example  AAAA  ok         2001:db8::10
www.highbeam.example   A     different  wanted 203.0.113.10; there is 192.0.2.99
www.highbeam.example   AAAA  missing    wanted 2001:db8::10; nothing is there
highbeam.example       CAA   ok         0 issue "letsencrypt.org"
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command and return its exit code and what it said."""
    monkeypatch.setenv("COOPINFRA_INVENTORIES", str(write_inventories(tmp_path)))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["coopinfra", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make the name server on this port the whole internet's."""

    def make(port: int) -> None:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port, resolver.lifetime = [HERE], port, 1.0
        monkeypatch.setattr("coopinfra.deploy.dns.ask.system_asker", lambda: Asker(resolver, port=port, timeout=1.0))

    return make


def everything() -> Habits:
    """Hold what the sample organisation wants."""
    held = {
        (name, type): [value] for name in NAMES for type, value in (("A", "203.0.113.10"), ("AAAA", "2001:db8::10"))
    }
    held["highbeam.example", "CAA"] = ['0 issue "letsencrypt.org"']
    held["highbeam.example", "NS"] = ["ns1.registrar.example."]
    held["ns1.registrar.example", "A"] = [HERE]
    return Habits(held)


def test_the_zone_goes_to_stdout(run: Run) -> None:
    assert run("dns", "highbeam") == (0, ZONE, "")


def test_the_records_can_be_read_by_a_program(run: Run) -> None:
    code, out, _ = run("dns", "highbeam", "--json")

    assert code == 0
    assert {
        "name": "www.highbeam.example",
        "type": "A",
        "value": "203.0.113.10",
        "ttl": 3600,
        "asked_by": ["website on web1"],
    } in json.loads(out)


def test_a_zone_that_is_as_it_should_be_ends_with_0(run: Run, world: Callable[[int], None]) -> None:
    with serving(everything()) as port:
        world(port)
        code, out, err = run("dns", "highbeam", "--check")

    assert code == 0
    assert [line.split()[2] for line in out.splitlines()] == ["ok"] * 9
    assert err == f"highbeam.example: ns1.registrar.example. {HERE} answered\n"


def test_what_is_wrong_in_the_zone_is_shown_and_ends_with_1(run: Run, world: Callable[[int], None]) -> None:
    habits = everything()
    habits.records["www.highbeam.example", "A"] = ["192.0.2.99"]
    habits.records["www.highbeam.example", "AAAA"] = []

    with serving(habits) as port:
        world(port)
        code, out, err = run("dns", "highbeam", "--check")

    assert code == 1
    assert [line for line in TABLE.splitlines() if line not in out.splitlines()] == []
    assert "error: 2 of 9 answers about `highbeam.example` are not what was declared" in err
    assert "hint: enter what `coopinfra dns highbeam` prints" in err


def test_the_check_is_one_document_for_programs(run: Run, world: Callable[[int], None]) -> None:
    habits = everything()
    habits.records["www.highbeam.example", "A"] = ["192.0.2.99"]

    with serving(habits) as port:
        world(port)
        code, out, _ = run("dns", "highbeam", "--check", "--json")

    assert code == 1
    report = json.loads(out)
    assert report["agrees"] is False
    assert [each["found"] for each in report["records"] if not each["agrees"]] == [["192.0.2.99"]]


def test_no_server_at_all_ends_with_1(run: Run, world: Callable[[int], None]) -> None:
    with serving(Habits()) as port:
        world(port)
        code, _, err = run("dns", "highbeam", "--check")

    assert code == 1
    assert "www.highbeam.example: no name server is known for it" in err


def test_an_organisation_that_is_not_there_ends_with_2(run: Run) -> None:
    code, out, err = run("dns", "highbeem")

    assert (code, out) == (2, "")
    assert "highbeam" in err
