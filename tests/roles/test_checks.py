"""Every check of every role is green on a healthy server, and red for each thing that it is there to find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any

import pytest

from coopinfra.deploy.checks.certificate import ServedCertificate
from coopinfra.deploy.checks.outside import Answer
from coopinfra.roles.contract import Check
from coopinfra.roles.registry import roles
from examples import plan_of

ORG = """\
name: High Beam Coffee Roasters
domain: highbeam.example
contacts: [{name: Rosa Ibarra, does: decides}]
servers:
  web1:
    address: 203.0.113.10
    roles:
      website:
        sites:
          main: {domain: www.highbeam.example, redirects_from: [highbeam.example], source: {folder: sites/main}}
"""
WWW, BARE = "https://www.highbeam.example/", "https://highbeam.example/"
HSTS = "max-age=15552000"


@dataclass(frozen=True)
class Ran:
    """What a command ended with."""

    stdout: str = ""
    rc: int = 0
    stderr: str = ""


@dataclass
class FakeHost:
    """A server: part of a command -> what it ends with; the first that fits counts, all else ends with success."""

    answers: Mapping[str, Ran]

    def run(self, command: str) -> Ran:
        if command.startswith("systemctl is-active"):
            units = command.split()[2:]
            return Ran("\n".join(self.answers.get(unit, Ran("active")).stdout for unit in units))
        return next((answer for part, answer in self.answers.items() if part in command), Ran())


HEALTHY = {
    "hostname --fqdn": Ran("web1.highbeam.example\n"),
    "sshd -T": Ran(
        "passwordauthentication no\nkbdinteractiveauthentication no\npermitrootlogin no\n"
        "authorizedkeysfile /etc/ssh/authorized_keys.d/%u\n"
    ),
    "ls /etc/ssh/authorized_keys.d": Ran("ada\n"),
    "nft list": Ran(
        "chain input {\n type filter hook input priority filter; policy drop;\n"
        " ip6 saddr fe80::/10 udp dport 546 accept\n tcp dport 22 jump ssh\n}\n"
        "chain declared {\n tcp dport 80 accept\n tcp dport 443 accept\n}\n"
    ),
    "apt-config dump": Ran('APT::Periodic::Unattended-Upgrade "1";\nAPT::Update::Error-Mode "any";\n'),
    "df --output": Ran("Use% IUse% Mounted on\n 26%    4% /\n  0%     - /boot/efi\n"),
}


def _answer(status: int, **headers: str) -> Answer:
    message = Message()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return Answer(status, message, b"<h1>High Beam</h1>" if status == 200 else b"", ServedCertificate())


def _certificate() -> ServedCertificate:
    names = ("www.highbeam.example", "highbeam.example")
    return ServedCertificate(names, "CN=Authority", datetime.now(UTC) + timedelta(days=89), self_signed=False)


PAGE = _answer(
    200,
    Content_Type="text/html; charset=utf-8",
    X_Content_Type_Options="nosniff",
    X_Frame_Options="SAMEORIGIN",
    Strict_Transport_Security=HSTS,
)


@dataclass
class FakeOutside:
    """The world's view of a healthy server, but for what a test changes."""

    answers: dict[str, Answer] = field(default_factory=dict)
    shown: ServedCertificate = field(default_factory=_certificate)
    closed: tuple[int, ...] = ()
    takes_old_tls: bool = False

    def get(self, url: str, **_: Any) -> Answer:
        healthy = {
            WWW: PAGE,
            BARE: _answer(308, Location=WWW),
            WWW.replace("https", "http"): _answer(308, Location=WWW),
            BARE.replace("https", "http"): _answer(308, Location=BARE),
        }
        return {**healthy, **self.answers}.get(url, Answer(problem="the connection was closed"))

    def certificate(self, _domain: str) -> ServedCertificate:
        return self.shown

    def connects(self, _address: str, port: int) -> bool:
        return port not in self.closed

    def tls_version_refused(self, *_: str, **__: str) -> bool:
        return not self.takes_old_tls


def checks() -> list[Check]:
    server = plan_of(ORG).servers[0]
    return [check for part in server.parts for check in roles()[part.role].checks(part)]


def red(host: FakeHost, outside: FakeOutside) -> dict[str, str]:
    """Return sentence and finding of every check that is not green."""
    found = {check.sentence: check.run(host if check.where == "server" else outside) for check in checks()}
    return {sentence: finding for sentence, finding in found.items() if finding is not None}


def test_every_check_is_green_on_a_healthy_server() -> None:
    assert red(FakeHost(HEALTHY), FakeOutside()) == {}


def _soon() -> ServedCertificate:
    return replace(_certificate(), not_after=datetime.now(UTC) + timedelta(days=19, hours=12))


SSHD, NFT, APT = HEALTHY["sshd -T"].stdout, HEALTHY["nft list"].stdout, HEALTHY["apt-config dump"].stdout
# What is wrong on the server, the sentences that turn red (their beginnings), and what they say was found.
SERVER = [
    ("hostname --fqdn", Ran("debian\n"), ["web1 knows its own name"], "it says `debian`"),
    (
        "sshd -T",
        Ran(SSHD.replace("permitrootlogin no", "permitrootlogin yes")),
        ["only operators"],
        "permitrootlogin yes",
    ),
    ("sshd -T", Ran("", 255, "no hostkeys available"), ["only operators can log in"], "no hostkeys available"),
    ("ls /etc/ssh", Ran("ada\nmallory\n"), ["web1 has the keys"], "a key of mallory"),
    (
        "ls /etc/ssh",
        # What another organisation on the machine has noted is no stranger's.
        Ran('ada\nmallory\nother-push\n=\n  "/etc/ssh/authorized_keys.d/other-push": "aa",\n'),
        ["web1 has the keys"],
        "a key of mallory",
    ),
    ("ls /etc/ssh", Ran(""), ["web1 has the keys"], "no key of ada"),
    ("nft list", Ran(NFT.replace("policy drop", "policy accept")), ["the firewall"], "it does not drop by default"),
    (
        "nft list",
        Ran(NFT.replace("dport 80", "dport 81")),
        ["the firewall"],
        "tcp dport 80 is closed, tcp dport 81 is open",
    ),
    ("nft list", Ran("", 1, "No such file or directory"), ["the firewall"], "No such file or directory"),
    (
        "apt-config dump",
        Ran(APT.replace("any", "never")),
        ["web1 installs"],
        '`APT::Update::Error-Mode "any";` is missing',
    ),
    ("apt-daily.timer", Ran("inactive"), ["web1 looks for updates"], "apt-daily.timer is inactive"),
    ("reboot-required", Ran("", 1), ["web1 waits for no reboot"], "failed"),
    ("timedatectl", Ran("", 1), ["the clock of web1"], "failed"),
    ("--failed", Ran("nginx.service loaded failed failed web"), ["no service of web1"], "nginx.service"),
    ("df --output", Ran("Use% IUse% Mounted on\n 91%    4% /\n"), ["the disks of web1"], "/ is 91% full"),
    ("df --output", Ran("Use% IUse% Mounted on\n 9%    95% /srv\n"), ["the disks of web1"], "95% of its files"),
    ("certbot.timer", Ran("failed"), ["web1 renews"], "certbot.timer is failed"),
    ("is-failed", Ran("", 1), ["the last request"], "failed"),
    ("certificates leftover", Ran("old.highbeam.example\n"), ["every certificate"], "old.highbeam.example"),
    ("nginx.service", Ran("failed"), ["the web server of web1 runs"], "nginx.service is failed"),
    ("nginx -t", Ran("", 1, "nginx: [emerg] unexpected }"), ["the web server of web1 accepts"], "unexpected }"),
    ("index.html", Ran("there is no x/index.html", 1), ["the site `main`"], "there is no x/index.html"),
]
NO_ANSWER = Answer(problem="no answer in time")
LEADS_ASTRAY = _answer(308, Location="https://elsewhere.example/")
CERTIFICATES = ["www.highbeam.example shows a certificate", "highbeam.example shows a certificate"]
# The same from outside.
OUTSIDE = [
    (FakeOutside(closed=(22,)), ["web1.highbeam.example answers"], "203.0.113.10 does not"),
    (FakeOutside(shown=ServedCertificate(problem="the name has no address here")), CERTIFICATES, "no address"),
    (FakeOutside(shown=replace(_certificate(), self_signed=True)), CERTIFICATES, "a placeholder"),
    (FakeOutside(shown=replace(_certificate(), names=("x.example",))), CERTIFICATES, "a certificate for x.example"),
    (FakeOutside(shown=_soon()), CERTIFICATES, "19 days left"),
    (
        FakeOutside({"http://highbeam.example/": LEADS_ASTRAY}),
        ["http://highbeam.example/ leads"],
        "308 to https://else",
    ),
    (FakeOutside({"http://www.highbeam.example/": PAGE}), ["http://www.highbeam.example/ leads"], "200 to None"),
    (FakeOutside({BARE: NO_ANSWER}), ["https://highbeam.example/ leads"], "no answer in time"),
    (
        FakeOutside({WWW: _answer(200, Content_Type="text/html")}),
        [f"{WWW} comes with headers"],
        "Content-Type-Options: None",
    ),
    (FakeOutside(takes_old_tls=True), ["www.highbeam.example refuses TLS 1.1"], "it does not"),
    (FakeOutside({"http://unknown.invalid/": PAGE}), ["a name that web1 does not know"], "http answers with 200"),
    (FakeOutside(closed=(443,)), ["a name that web1 does not know"], "nothing answers on port 443"),
    (
        FakeOutside({WWW: replace(PAGE, status=503)}),
        [f"{WWW} shows its start page"],
        "it answers with 503",
    ),
    (FakeOutside({WWW: replace(PAGE, body=b" ")}), [f"{WWW} shows its start page"], "it shows 1 bytes of text/html"),
]


@pytest.mark.parametrize(("command", "answer", "sentences", "finding"), SERVER)
def test_what_is_wrong_on_a_server_turns_its_check_red_and_no_other(
    command: str, answer: Ran, sentences: list[str], finding: str
) -> None:
    # First in order and last in value: it counts before what it stands in for.
    found = red(FakeHost({command: answer} | HEALTHY | {command: answer}), FakeOutside())

    _assert_only(found, sentences, finding)


@pytest.mark.parametrize(("outside", "sentences", "finding"), OUTSIDE)
def test_what_is_wrong_outside_turns_its_check_red_and_no_other(
    outside: FakeOutside, sentences: list[str], finding: str
) -> None:
    found = red(FakeHost(HEALTHY), outside)

    _assert_only(found, sentences, finding)


def test_no_check_is_left_without_something_that_turns_it_red() -> None:
    proven = [sentence for *_, sentences, _ in SERVER for sentence in sentences]
    proven += [sentence for _, sentences, _ in OUTSIDE for sentence in sentences]

    unproven = [check.sentence for check in checks() if not any(check.sentence.startswith(each) for each in proven)]

    assert unproven == []


def _assert_only(found: dict[str, str], sentences: list[str], finding: str) -> None:
    assert len(found) == len(sentences), found
    for sentence in sentences:
        assert any(said.startswith(sentence) for said in found), found
    assert all(finding in said for said in found.values()), found
