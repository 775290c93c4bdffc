"""The lab's internet: name servers, a resolver, and a certificate authority under the public one's name."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from coopinfra.deploy.lab.authority import make_authority
from coopinfra.deploy.lab.box import last_words, shell
from coopinfra.deploy.lab.network import CLIENT
from coopinfra.deploy.lab.processes import environment
from coopinfra.deploy.lab.state import BoxSpec, Lab
from coopinfra.deploy.lab.tree import RESOLVER, write
from coopinfra.deploy.organisation.problems import CoopinfraError, InputError, Problem

NAME_SERVER = "198.51.100.53"
AUTHORITY = "198.51.100.14"
# certbot's own default: a machine in the lab needs no setting that says where it is.
AUTHORITY_NAME = "acme-v02.api.letsencrypt.org"
BEYOND = "COOPINFRA_LAB_RESOLVERS"
"""Each lab has its resolver at the same address, so one within another could not ask that one."""
OWN_ZONE = "dns.example"
TAKEN = (NAME_SERVER, RESOLVER, AUTHORITY, CLIENT)
# The authority asks over IPv6 first where a name has such an address, as the public one does.
SPEC = BoxSpec("internet", NAME_SERVER, "2001:db8:c0de::53", image="internet")
MORE_ADDRESSES = (RESOLVER, AUTHORITY)

KNOT = f"""\
server:
    user: knot:knot
    listen: {NAME_SERVER}@53
template:
  - id: default
    storage: /etc/knot/zones
    file: "%s.zone"
    zonefile-sync: -1
    journal-content: none
    semantic-checks: on
include: /etc/knot/published.conf
"""
# Nothing is kept: what is published counts at once.
DNSMASQ = f"""\
no-resolv
no-hosts
cache-size=0
bind-interfaces
listen-address={RESOLVER}
servers-file=/etc/published.servers
address=/{AUTHORITY_NAME}/{AUTHORITY}
local=/{AUTHORITY_NAME}/
"""
NGINX = f"""\
server {{
    listen {AUTHORITY}:443 ssl;
    server_name {AUTHORITY_NAME};
    ssl_certificate /etc/pebble.pem;
    ssl_certificate_key /etc/pebble.pem;
    proxy_set_header Host $host;
    location = /directory {{ proxy_pass https://127.0.0.1:14000/dir; }}
    location / {{ proxy_pass https://127.0.0.1:14000; }}
}}
server {{
    listen {AUTHORITY}:80;
    location = /root.pem {{ proxy_pass https://127.0.0.1:15000/roots/0; }}
}}
"""
PEBBLE = {
    "listenAddress": "127.0.0.1:14000",
    "managementListenAddress": "127.0.0.1:15000",
    "certificate": "/etc/pebble.pem",
    "privateKey": "/etc/pebble.pem",
    "httpPort": 80,
    "tlsPort": 443,
    "ocspResponderURL": "",
    "externalAccountBindingRequired": False,
}
# Ready is what answers. The authority makes its root when it starts, so the root is asked for.
WAIT = f"""
import socket, sys, time, urllib.request
deadline = time.monotonic() + 60
while time.monotonic() < deadline:
    try:
        for address in ("{NAME_SERVER}", "{RESOLVER}"):
            socket.create_connection((address, 53), timeout=1).close()
        print(urllib.request.urlopen("http://{AUTHORITY}/root.pem", timeout=1).read().decode())
        sys.exit(0)
    except OSError:
        time.sleep(0.05)
sys.exit(1)
"""
# A zone that the name server refuses never takes the place of the one before.
LOAD = """
set -e
cat > "/etc/knot/zones/$1.zone.new"
kzonecheck -v -o "$1" "/etc/knot/zones/$1.zone.new" >&2
mv "/etc/knot/zones/$1.zone.new" "/etc/knot/zones/$1.zone"
cd /etc/knot/zones
for zone in *.zone; do printf '  - domain: %s\\n' "${zone%.zone}"; done | sed '1i zone:' > /etc/knot/published.conf
for zone in *.zone; do printf 'server=/%s/@\\n' "${zone%.zone}"; done | sed "s/@/$2/" > /etc/published.servers
pkill -HUP -x dnsmasq
knotc reload >&2
knotc -b zone-reload "$1" >&2
"""


def furnish(lab: Lab) -> str:
    """Write the settings of the lab's services into their box before it boots; return the lab's authority."""
    root, leaf = make_authority(AUTHORITY_NAME)
    own = f"$ORIGIN {OWN_ZONE}.\n$TTL 300\n@ SOA ns1 hostmaster 1 300 300 3600 60\n@ NS ns1\nns1 A {NAME_SERVER}\n"
    upstream = "".join(f"server={address}\n" for address in resolvers())
    for path, text in {
        "etc/knot/knot.conf": KNOT,
        "etc/knot/published.conf": f"zone:\n  - domain: {OWN_ZONE}\n",
        f"etc/knot/zones/{OWN_ZONE}.zone": own,
        "etc/dnsmasq.d/lab.conf": DNSMASQ + upstream,
        "etc/published.servers": f"server=/{OWN_ZONE}/{NAME_SERVER}\n",
        "etc/nginx/sites-enabled/default": NGINX,
        "etc/pebble.json": json.dumps({"pebble": PEBBLE}),
        "etc/pebble.pem": leaf,
    }.items():
        write(lab, SPEC.name, path, text, mode=0o600 if path.endswith(".pem") else 0o644)
    return root


def wait(lab: Lab) -> str:
    """Wait until names are resolved and certificates issued; return the root that issues them."""
    argv = ("nsenter", f"--net={lab.network}", "--", sys.executable, "-I", "-c", WAIT)
    done = subprocess.run(argv, capture_output=True, text=True, env=environment(lab.folder), check=False)
    if done.returncode:
        words = last_words(lab, SPEC.name)
        raise CoopinfraError(Problem(f"the lab's internet does not answer; its console ends with: {words}"))
    return done.stdout


def publish(lab: Lab, domain: str, records: str) -> None:
    """Serve a zone: the records as `coopinfra dns` prints them, in the place of an earlier version."""
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", domain) or domain in (OWN_ZONE, AUTHORITY_NAME):
        raise InputError(Problem(f"`{domain}` cannot be published", hint="a domain such as `highbeam.example`"))
    earlier = shell(lab, SPEC.name, f"cat /etc/knot/zones/{domain}.zone 2>/dev/null", check=False).stdout
    found = re.search(r" SOA \S+ \S+ (\d+) ", earlier)
    serial = max(int(time.time()), int(found[1]) + 1 if found else 0)
    name_server = f"ns1.{OWN_ZONE}."
    head = f"@ SOA {name_server} hostmaster.{OWN_ZONE}. {serial} 300 300 3600 60\n@ NS {name_server}\n"
    zone = f"$ORIGIN {domain}.\n$TTL 300\n{head}{records}\n"
    loaded = shell(lab, SPEC.name, f"set -- {domain} {NAME_SERVER}\n{LOAD}", given=zone, check=False)
    if loaded.returncode:
        said = " / ".join(loaded.stderr.strip().splitlines()[-4:])
        hint = "`coopinfra dns` prints what can be published; four lines of ours come before it"
        raise InputError(Problem(f"the name server refuses the zone `{domain}`: {said}", hint=hint))


def resolvers(etc: Path = Path("/etc/resolv.conf"), real: Path = Path("/run/systemd/resolve/resolv.conf")) -> list[str]:
    """Return the resolvers of this machine that a box can reach; within a lab, those of the machine around."""
    if beyond := os.environ.get(BEYOND):
        return beyond.split()
    found = _nameservers(etc)
    if "127.0.0.53" in found and real.exists():
        found = _nameservers(real)
    # The way out of a lab is IPv4 only.
    usable = [word for word in found if (ip := ipaddress.ip_address(word)).version == 4 and not ip.is_loopback]
    if not usable:
        shown = ", ".join(f"`{address}`" for address in found) or "none"
        raise CoopinfraError(
            Problem(
                f"boxes cannot reach the resolver of this machine ({shown} in `{etc}`)",
                hint="name one there that is not a loopback or IPv6 address",
            )
        )
    return usable


def _nameservers(path: Path) -> list[str]:
    text = path.read_text() if path.exists() else ""
    return [word.partition("%")[0] for word in re.findall(r"^\s*nameserver\s+(\S+)", text, re.MULTILINE)]
