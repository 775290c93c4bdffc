"""The script that keeps a server's certificates, run by a real shell; DNS, the authority and systemd are stand-ins."""

from __future__ import annotations

import os
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from coopinfra.roles.certificates import CertificatesSettings
from coopinfra.roles.contract import Part
from coopinfra.roles.facts import Organisation, Server
from coopinfra.roles.primitives.rendering import template

HERE = "203.0.113.10"
WWW, BARE, SHOP = "www.highbeam.example", "highbeam.example", "shop.highbeam.example"
DIRECTORY = "https://authority.example/directory"

# Each stand-in is told by files beside it what to say, and notes how it was called.
GETENT = """#!/bin/sh
eval name=\\${$#}
while read -r known address; do [ "$known." != "$name" ] || echo "$address STREAM $known"; done <"$WORLD/dns"
"""
CERTBOT = """#!/bin/sh
set -eu
echo "$*" >>"$WORLD/asked"
[ ! -s "$WORLD/busy" ] || { sed -i 1d "$WORLD/busy"; echo 'Another instance of Certbot is already running.'; exit 1; }
[ ! -e "$WORLD/refuses" ] || { printf '  Domain: www.highbeam.example\\n  Detail: refused\\n'; exit 1; }
name='' names='' server=''
[ "$1" != delete ] || { shift; while [ $# -gt 0 ]; do case $1 in --cert-name) name=$2 ;; esac; shift; done
    [ ! -e "$WORLD/slow" ] || sleep 1
    [ -e "$WORLD/certbot/renewal/$name.conf" ] || { echo "No certificate found with name $name"; exit 1; }
    rm -r "$WORLD/certbot/live/$name" "$WORLD/certbot/renewal/$name.conf"; exit; }
while [ $# -gt 0 ]; do
    case $1 in
        --cert-name) name=$2 ;;
        --domain) names="$names,DNS:$2" ;;
        --server) server=$2 ;;
    esac
    shift
done
mkdir -p "$WORLD/certbot/live/$name" "$WORLD/certbot/renewal"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$(cat "$WORLD/days")" -subj "/CN=real" \\
    -addext "subjectAltName=${names#,}" -keyout "$WORLD/certbot/live/$name/privkey.pem" \\
    -out "$WORLD/certbot/live/$name/fullchain.pem" 2>/dev/null
echo "server = $server" >"$WORLD/certbot/renewal/$name.conf"
"""
SYSTEMCTL = """#!/bin/sh
case $1 in is-active) exit 0 ;; esac
echo "$*" >>"$WORLD/systemctl"
"""


class World:
    """One server's certificates, its DNS, its authority."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("bin", "lists", "kept", "certbot", "stamps"):
            (folder / name).mkdir()
        for name, text in (("getent", GETENT), ("certbot", CERTBOT), ("systemctl", SYSTEMCTL)):
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
        (folder / "script").write_bytes(self._script())
        (folder / "days").write_text("90")
        self.dns({})
        self.want([WWW, BARE])

    def _script(self) -> bytes:
        organisation = Organisation("highbeam", "High Beam", "", "highbeam.example", ("en",), "UTC", "02:00-05:00", ())
        server = Server("web1", "web1.highbeam.example", HERE, ())
        part = Part("certificates", organisation, server, CertificatesSettings())
        places = {name: str(self.folder / name) for name in ("lists", "certbot")}
        script = template(
            part, "coopinfra/certificates.j2", to="/script", folder=str(self.folder / "kept"), **places
        ).content
        # The one place outside of the folders that it is told.
        return script.replace(b"/run/coopinfra/units", str(self.folder / "stamps").encode())

    def want(self, *certificates: list[str], directory: str = DIRECTORY) -> None:
        lines = [f"directory {directory}", "ca_bundle -", "email -", "alarm_days 20", f"addresses {HERE} 2001:db8::10"]
        lines += [f"certificate /srv/acme nginx.service {' '.join(names)}" for names in certificates]
        (self.folder / "lists/highbeam").write_text("\n".join(lines) + "\n")

    def dns(self, records: dict[str, list[str]]) -> None:
        lines = [f"{name} {address}\n" for name, addresses in records.items() for address in addresses]
        (self.folder / "dns").write_text("".join(lines))

    def begin(self, *words: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "WORLD": str(self.folder), "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        return subprocess.Popen(
            ["sh", str(self.folder / "script"), *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str, code: int = 0) -> str:
        running = self.begin(*words)
        said, _ = running.communicate()
        assert running.returncode == code, said
        return said

    def asked(self) -> list[str]:
        """Return the names of each request to the authority since the last look, and forget them."""
        path = self.folder / "asked"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [" ".join(word for before, word in pairwise(line.split()) if before == "--domain") for line in lines]

    def shown(self, name: str = WWW) -> str:
        """Return subject and names of what readers see."""
        chain = self.folder / "kept" / name / "fullchain.pem"
        command = ["openssl", "x509", "-in", str(chain), "-noout", "-subject", "-ext", "subjectAltName"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def tree(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in (self.folder / "kept").rglob("*")}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_placeholder_is_there_before_anything_is_issued(world: World) -> None:
    assert world.run("missing").split() == [WWW]

    world.run("placeholders")

    assert world.run("missing") == ""
    assert f"DNS:{WWW}, DNS:{BARE}" in world.shown()
    assert (world.folder / "kept" / WWW / "privkey.pem").stat().st_mode & 0o777 == 0o600
    before = world.tree()
    world.run("placeholders")
    assert world.tree() == before


def test_nothing_is_asked_for_while_no_name_leads_here(world: World) -> None:
    world.dns({WWW: ["198.51.100.1"], BARE: [HERE, "198.51.100.1"]})

    said = world.run("tend")

    assert world.asked() == []
    assert f"{WWW} does not lead to {HERE}" in said
    assert f"{BARE} does not lead to {HERE}" in said


def test_names_are_asked_for_as_they_come_and_readers_reload(world: World) -> None:
    world.dns({WWW: [HERE, "2001:db8::10"]})
    assert world.run("due").split() == [WWW]

    world.run("tend")

    assert world.asked() == [WWW]
    assert "CN = real" in world.shown() or "CN=real" in world.shown()
    assert (world.folder / "systemctl").read_text() == "reload-or-restart nginx.service\n"
    assert (world.folder / "stamps/nginx.service").exists()
    assert world.run("due") == ""
    world.run("tend")
    assert world.asked() == []

    world.dns({WWW: [HERE], BARE: [HERE]})
    world.run("tend")

    assert world.asked() == [f"{WWW} {BARE}"]
    assert f"DNS:{WWW}, DNS:{BARE}" in world.shown()
    assert len([path for path in world.tree() if path.count("/") == 1]) == 2, "the earlier ones are left over"


def test_a_name_that_left_takes_the_others_down_only_until_the_alarm(world: World) -> None:
    world.dns({WWW: [HERE], BARE: [HERE]})
    world.run("tend")
    world.dns({WWW: [HERE]})
    world.asked()

    world.run("tend")
    assert world.asked() == [], "a name that is away for an hour keeps its place"

    (world.folder / "days").write_text("10")
    world.want([WWW, BARE], directory="https://other.example/directory")
    world.dns({WWW: [HERE], BARE: [HERE]})
    world.run("tend", code=1)
    assert world.asked() == [f"{WWW} {BARE}"]
    world.dns({WWW: [HERE]})
    (world.folder / "days").write_text("90")
    world.run("tend")
    assert world.asked() == [WWW]


def test_a_name_that_is_no_longer_wanted_leaves_the_certificate(world: World) -> None:
    world.dns({WWW: [HERE], BARE: [HERE]})
    world.run("tend")
    world.asked()

    world.want([WWW])
    world.run("tend")

    assert world.asked() == [WWW]
    assert BARE not in world.shown().replace(WWW, "")


def test_another_authority_issues_anew(world: World) -> None:
    world.dns({WWW: [HERE], BARE: [HERE]})
    world.run("tend")
    world.asked()

    world.want([WWW, BARE], directory="https://other.example/directory")
    world.run("tend")

    assert world.asked() == [f"{WWW} {BARE}"]
    assert world.run("due") == ""


def test_a_refusal_fails_and_leaves_what_is_shown(world: World) -> None:
    world.dns({WWW: [HERE]})
    world.run("placeholders")
    before = world.shown()
    (world.folder / "refuses").touch()

    said = world.run("tend", code=1)

    assert "certificates: Detail: refused" in said
    assert "gave no certificate for www.highbeam.example" in said
    assert world.shown() == before


def test_few_days_left_are_an_alarm(world: World) -> None:
    world.dns({WWW: [HERE], BARE: [HERE]})
    (world.folder / "days").write_text("19")

    said = world.run("tend", code=1)

    assert "ALARM: the certificate of www.highbeam.example has less than 20 days left" in said
    (world.folder / "days").write_text("21")
    world.want([WWW, BARE], directory="https://other.example/directory")
    assert "ALARM" not in world.run("tend")


def test_a_renewal_is_handed_to_the_readers(world: World) -> None:
    world.dns({WWW: [HERE], BARE: [HERE], SHOP: [HERE]})
    world.want([WWW, BARE], [SHOP])
    world.run("tend")
    shop = world.shown(SHOP)
    live = world.folder / "certbot/live" / WWW
    newer = subprocess.run(
        ["sh", str(world.folder / "bin/certbot"), "--cert-name", WWW, "--domain", WWW, "--server", DIRECTORY],
        env={**os.environ, "WORLD": str(world.folder)},
        check=True,
    )
    assert newer.returncode == 0

    world.run("install", WWW)

    kept = world.folder / "kept" / WWW
    assert (kept / "fullchain.pem").read_bytes() == (live / "fullchain.pem").read_bytes()
    assert (kept / "privkey.pem").read_bytes() == (live / "privkey.pem").read_bytes()
    assert world.shown(SHOP) == shop


def test_what_no_list_names_is_removed_and_nothing_else(world: World) -> None:
    world.dns({WWW: [HERE], BARE: [HERE]})
    world.run("tend")
    before = world.tree(), sorted(path.name for path in (world.folder / "certbot").rglob("*"))
    world.dns({WWW: [HERE], BARE: [HERE], SHOP: [HERE]})
    world.want([WWW, BARE], [SHOP])
    world.run("tend")
    # Somebody's own, made by hand: certbot knows it, we never kept it.
    (world.folder / "certbot/renewal/by-hand.example.conf").touch()

    world.want([WWW, BARE])
    assert world.run("leftover").split() == [SHOP]
    world.run("clear")

    assert world.run("leftover") == ""
    (world.folder / "certbot/renewal/by-hand.example.conf").unlink()
    assert (world.tree(), sorted(path.name for path in (world.folder / "certbot").rglob("*"))) == before


@pytest.mark.parametrize("alone", [True, False])
def test_two_runs_at_once_wait_for_each_other(world: World, alone: bool) -> None:
    """The timer may begin while a deploy removes a certificate: both then delete the same one."""
    if not alone:
        script = (world.folder / "script").read_text()
        (world.folder / "script").write_text(script.replace("flock --wait 600 9", "true"))
    world.dns({WWW: [HERE], BARE: [HERE], SHOP: [HERE]})
    world.want([WWW, BARE], [SHOP])
    world.run("tend")
    world.want([WWW, BARE])
    (world.folder / "slow").touch()

    both = [world.begin("clear"), world.begin("tend")]
    said = "".join(each.communicate(timeout=30)[0] for each in both)

    worked = {each.returncode for each in both} == {0}
    assert worked == alone, said
    assert (f"certbot keeps {SHOP}: No certificate found" in said) != alone
    assert world.run("leftover") == ""


def test_certbots_own_timer_is_waited_for(world: World) -> None:
    world.dns({WWW: [HERE], BARE: [HERE]})
    (world.folder / "busy").write_text("once\ntwice\n")

    world.run("tend")

    assert world.asked() == [f"{WWW} {BARE}"] * 3
    assert "real" in world.shown()


def test_an_unknown_word_is_refused(world: World) -> None:
    assert "usage: certificates tend" in world.run("tent", code=2)
