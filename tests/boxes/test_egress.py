"""What the programs of a site reach: the hosts that it names, each at its port, and nothing else."""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest

from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab import network
from coopinfra.deploy.lab.internet import AUTHORITY, AUTHORITY_NAME, NAME_SERVER
from coopinfra.deploy.lab.network import CLIENT
from coopinfra.deploy.lab.tree import RESOLVER
from faults import wait_for

pytestmark = pytest.mark.timeout(480)

HOOKS = "hooks.elsewhere.example"
REACHES = f"            reaches: ['{HOOKS}:80', '{HOOKS}:8000', '{AUTHORITY_NAME}:443']\n"
CALLER = """
          {name}:
            domain: {name}.highbeam.example
            kind: python
            source: {{folder: apps/caller}}
            wsgi: caller:application
            processes: 1
            requests_a_second: 0
"""
PHONE = """
          phone:
            domain: phone.highbeam.example
            kind: php
            source: {folder: apps/phone}
"""
SITES = CALLER.format(name="caller") + REACHES + CALLER.format(name="mute") + PHONE + REACHES
METADATA = "169.254.169.254"
# What nobody named: each is reached by root on the same server.
UNNAMED = [
    ("tcp", HOOKS, 8001),  # another port
    ("tcp", CLIENT, 80),  # the same by its address
    ("tcp", AUTHORITY, 443),
    ("tcp", NAME_SERVER, 53),  # another host
    ("tcp", METADATA, 80),  # a provider's network
    ("tcp", "127.0.0.1", 22),  # what listens on the server
    ("tcp", "127.0.0.1", 443),
    ("tcp", "127.0.0.1", 5432),
    ("tcp", "203.0.113.10", 22),
    ("tcp", "203.0.113.10", 443),
    ("tcp", "2001:db8::10", 443),  # IPv6
    ("tcp", "2001:db8:c0de::53", 22),
    ("udp", RESOLVER, 53),  # names
    ("udp", NAME_SERVER, 53),
    ("tcp", RESOLVER, 53),
    ("lookup", "ns1.dns.example", 80),
    ("raw", CLIENT, 0),  # no port at all
    ("abstract", "planted", 0),
]
# Listens as a database and a daemon would, and where files have no say.
PLANTED = """
import socket, threading
database, hidden = socket.create_server(("127.0.0.1", 5432)), socket.socket(socket.AF_UNIX)
hidden.bind(chr(0) + "planted")
hidden.listen(50)
threading.Event().wait()
"""


@pytest.fixture(scope="module")
def operator(machine):
    org = machine.folder / "org.yml"
    org.write_text(org.read_text().rstrip("\n") + SITES)
    shutil.copytree(Path(__file__).parent / "apps", machine.folder / "apps")
    machine.publish()
    hooks_lead_to(machine, CLIENT)
    with listening(machine, 80), listening(machine, 8000), listening(machine, 8001):
        machine.ok("deploy", "highbeam", "--yes")
        yield machine


@contextmanager
def listening(operator, port):
    """Answer on a port of the outside client's, and where a provider answers its machines."""
    listener = operator.start(sys.executable, "-m", "http.server", "--bind", "0.0.0.0", str(port))
    try:
        answers = ("curl", "-s", f"http://{CLIENT}:{port}/")
        wait_for("the listener", lambda: operator.outside(*answers).returncode == 0, seconds=20)
        yield
    finally:
        listener.kill()
        listener.communicate()


def hooks_lead_to(operator, *addresses):
    """Let the owner of the name change where it leads."""
    records = [f"hooks {'AAAA' if ':' in address else 'A'} {address}" for address in addresses]
    labs.publish(operator.lab, "elsewhere.example", "\n".join(records))


def tries(operator, how, host, port, site="caller"):
    """Return what a program of a site says that it got."""
    question = urlencode({"how": how, "host": host, "port": port})
    url = f"https://{site}.highbeam.example/?{question}"
    return operator.outside("curl", "-sS", "--fail", "--max-time", "20", url).stdout


def by_root(operator, how, host, port):
    """Return what root on the same server gets."""
    return operator.root(f"python3 /srv/sites/highbeam-caller/current/caller.py {how} {host} {port}").strip()


def test_a_site_reaches_the_hosts_that_it_names_and_the_certificate_proves_them(operator):
    hooked, proven = tries(operator, "http", HOOKS, 80), tries(operator, "tls", AUTHORITY_NAME, 443)
    url = f"https://phone.highbeam.example/?url=https://{AUTHORITY_NAME}/directory"

    assert "Server: SimpleHTTP" in hooked
    assert proven.startswith("HTTP/1.1 200"), proven
    assert operator.outside("curl", "-sS", url).stdout == "reached: 200"
    assert operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"
    assert operator.red() == {}


def test_it_reaches_nothing_else_and_a_site_beside_it_nothing_at_all(operator):
    network.inside(operator.lab, "ip", "address", "add", f"{METADATA}/32", "dev", "lo")
    operator.root(f"systemd-run --quiet --unit=planted python3 -c '{PLANTED}'")
    try:
        got = {each: tries(operator, *each) for each in UNNAMED}
        mute = {each: tries(operator, *each, site="mute") for each in [*UNNAMED, ("http", HOOKS, 80)]}
        control = {each: by_root(operator, *each) for each in UNNAMED}
        phoned = operator.outside("curl", "-sS", f"https://phone.highbeam.example/?url=http://{HOOKS}:8001/").stdout
    finally:
        operator.root("systemctl stop planted")
        network.inside(operator.lab, "ip", "address", "delete", f"{METADATA}/32", "dev", "lo")

    # Shown with `-s`.
    sys.stderr.write("".join(f"{' '.join(map(str, each))}: {said}\n" for each, said in got.items()))
    assert {each: said for each, said in got.items() if not said.startswith("failed")} == {}
    assert {each: said for each, said in mute.items() if not said.startswith("failed")} == {}
    assert phoned.startswith("failed"), phoned
    assert {each: said for each, said in control.items() if said.startswith("failed") or not said} == {}, "the control"


def test_it_follows_the_name_and_is_never_led_to_the_server_itself_or_a_providers_network(operator):
    network.inside(operator.lab, "ip", "address", "add", f"{METADATA}/32", "dev", "lo")
    operator.root("systemd-run --quiet --unit=planted python3 -m http.server --bind :: 8000")
    got, control = {}, {}
    try:
        hooks_lead_to(operator, AUTHORITY)
        followed = tries(operator, "http", HOOKS, 80)
        for address in ("127.0.0.1", "203.0.113.10", METADATA, "2001:db8::10", "::1", "::ffff:127.0.0.1"):
            hooks_lead_to(operator, address)
            got[address], control[address] = (ask(operator, "http", HOOKS, 8000) for ask in (tries, by_root))
        found = operator.red()
        hooks_lead_to(operator, "127.0.0.1", CLIENT)
        mixed = tries(operator, "http", HOOKS, 8000)
    finally:
        network.inside(operator.lab, "ip", "address", "delete", f"{METADATA}/32", "dev", "lo")
        hooks_lead_to(operator, CLIENT)
        operator.root("systemctl stop planted")

    assert "Server: nginx" in followed
    assert {address: said for address, said in got.items() if not said.startswith("failed")} == {}
    assert {address: said for address, said in control.items() if "SimpleHTTP" not in said} == {}, "the control"
    said = "hooks.elsewhere.example leads to ::ffff:127.0.0.1, which is not an address of the open internet"
    assert found == {
        f"the site `{site}` reaches {HOOKS}:{port}": said for site in ("caller", "phone") for port in (80, 8000)
    }
    assert "Server: SimpleHTTP" in mixed
    assert "leads to 127.0.0.1" in operator.root("journalctl -u highbeam-caller@reach.service -o cat")
    assert operator.red() == {}


@pytest.mark.rest
def test_after_a_reboot_it_is_as_before_and_without_the_setting_all_of_it_is_gone(operator):
    labs.reboot(operator.lab, "web1")
    operator.root("systemctl is-system-running --wait || true")
    rebooted = tries(operator, "http", HOOKS, 80), tries(operator, "tcp", CLIENT, 80), operator.red()
    org = operator.folder / "org.yml"
    good = org.read_text()
    org.write_text(good.replace(REACHES, ""))
    operator.ok("deploy", "highbeam", "--yes")
    closed = tries(operator, "http", HOOKS, 80)
    left = operator.root(
        "ip netns list; ls /usr/local/lib/coopinfra/reach /etc/systemd/system/highbeam-*.d 2>/dev/null;"
        "systemctl list-units --all --plain --no-legend 'highbeam-*@reach*' 'highbeam-*@network*'"
    )
    planned = operator.ok("plan", "highbeam").stdout
    org.write_text(good)
    operator.ok("deploy", "highbeam", "--yes")

    assert "SimpleHTTP" in rebooted[0]
    assert rebooted[1].startswith("failed")
    assert rebooted[2] == {}
    assert closed.startswith("failed")
    assert (left, planned) == ("", "web1: nothing to change\n")
    assert "SimpleHTTP" in tries(operator, "http", HOOKS, 80)


@pytest.mark.rest
def test_a_program_that_lives_elsewhere_turns_the_check_red(operator):
    operator.root(
        "mkdir -p /run/systemd/system/highbeam-caller@web.service.d;"
        "printf '[Service]\\nNetworkNamespacePath=\\n' >/run/systemd/system/highbeam-caller@web.service.d/zz.conf;"
        "systemctl daemon-reload; systemctl restart highbeam-caller@web"
    )
    opened, found = tries(operator, "tcp", CLIENT, 8001), operator.red()
    operator.root(
        "rm -r /run/systemd/system/highbeam-caller@web.service.d; systemctl daemon-reload;"
        "systemctl restart highbeam-caller@web"
    )

    assert opened == "reached"
    assert found == {
        "the programs of the site `caller` reach nothing else": "they are not in the network that leads nowhere"
    }
    assert operator.red() == {}
