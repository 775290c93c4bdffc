"""The parts of the lab that need no lab: what is read from this machine, and what is written for people."""

from __future__ import annotations

import pytest
import yaml

from coopinfra.deploy.lab.internet import resolvers
from coopinfra.deploy.lab.inventories import with_operator
from coopinfra.deploy.lab.sources import PUBLIC, PUBLIC_SECURITY, _one_line, _stanzas, read
from coopinfra.deploy.lab.state import blank
from coopinfra.deploy.organisation.problems import CoopinfraError, InputError

STANZAS = """\
Types: deb
# a remark
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: https://security.example/debian-security
Suites: bookworm-security

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie
"""


def write(folder, **files):
    (folder / "sources.list.d").mkdir()
    for name, text in files.items():
        (folder / "sources.list.d" / name.replace("_", ".")).write_text(text)
    return folder


def test_sources_of_this_machine_are_taken(tmp_path):
    found = read(write(tmp_path, debian_sources=STANZAS))

    assert found.archive == "http://mirror.example/debian"
    assert found.security == "https://security.example/debian-security"
    assert "http://mirror.example/debian trixie-updates main" in found.lines
    assert "off.example" not in found.lines


def test_sources_of_others_are_not_taken_for_debians(tmp_path):
    text = (
        "deb https://packages.example/apt noble main\ndeb cdrom:[Debian]/ bookworm main\n# deb http://x/ trixie main\n"
    )

    found = read(write(tmp_path, other_list=text))

    assert (found.archive, found.security) == (PUBLIC, PUBLIC_SECURITY)


def test_both_forms_of_sources_are_understood():
    one_line = _one_line(
        "deb [arch=amd64 signed-by=/x.gpg] http://a.example/debian trixie main contrib\ndeb-src http://b trixie"
    )

    assert one_line == [("http://a.example/debian", "trixie")]
    assert _stanzas("Types: deb\nURIs:\n http://a http://b\nSuites: trixie\n") == [
        ("http://a", "trixie"),
        ("http://b", "trixie"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "name: Us\noperators:\n    ada:\n        name: Ada\n",
        "name: Us\noperators: # all of us\n\n  # the first\n  ada:\n    name: Ada\n",
        "name: Us\r\noperators:\r\n  ada:\r\n    name: Ada\r\nemail: a@b.example\r\n",
        "name: Us\n",
        "name: Us\noperators:\n",
    ],
)
def test_the_labs_operator_joins_the_others(text):
    before, after = yaml.safe_load(text), yaml.safe_load(with_operator(text, "ssh-ed25519 AAAA demo"))

    assert after["operators"].pop("demo")["ssh_keys"] == ["ssh-ed25519 AAAA demo"]
    assert after == {**before, "operators": before.get("operators") or {}}


def test_the_operator_of_a_lab_around_makes_room_for_the_own_one():
    around = with_operator("name: Lab\noperators:\n  ada:\n    name: Ada\n", "ssh-ed25519 AAAA around", "age1around")

    within = yaml.safe_load(with_operator(around, "ssh-ed25519 AAAA within"))

    assert within["operators"]["demo"]["ssh_keys"] == ["ssh-ed25519 AAAA within"]
    assert list(within["operators"]) == ["demo", "ada"]
    assert "around" not in str(within)


def test_a_local_stub_is_left_out_for_the_resolvers_behind_it(tmp_path):
    (tmp_path / "stub").write_text("nameserver 127.0.0.53\n")
    (tmp_path / "real").write_text("nameserver 192.0.2.1\nnameserver fe80::1%eth0\n")

    assert resolvers(tmp_path / "stub", tmp_path / "real") == ["192.0.2.1"]


def test_a_resolver_that_boxes_cannot_reach_is_named(tmp_path):
    (tmp_path / "local").write_text("nameserver 127.0.0.1\nnameserver ::1\n")

    with pytest.raises(CoopinfraError, match=r"`127\.0\.0\.1`, `::1`"):
        resolvers(tmp_path / "local", tmp_path / "absent")


@pytest.mark.parametrize("name", ["", "Demo", "-x", "a/b", "..", "a" * 32, "a b", "1st"])
def test_a_labs_name_is_a_plain_word(name):
    with pytest.raises(InputError, match="cannot be the name of a lab"):
        blank(name)


def test_names_outside_a_labs_folder_fit_an_interface():
    names = {blank(name).key for name in ("a", "b", "a" * 31)}

    assert len(names) == 3
    assert all(len(name) <= 15 for name in names)
