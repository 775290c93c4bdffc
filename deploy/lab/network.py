"""The lab's network: a namespace with a bridge for the boxes, an outside client, and a way out through the host."""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from coopinfra.deploy.lab.processes import command
from coopinfra.deploy.lab.state import PREFIX, RUN, BoxSpec, Lab
from coopinfra.deploy.organisation.problems import CoopinfraError, Problem

# As several providers do: the box has one address and a gateway that is on the link although in no subnet of its own.
# So any address works beside any other, and no address of the real internet is shadowed but the boxes' own.
GATEWAY = "172.31.1.1"
GATEWAY6 = "fe80::1"
CLIENT = "198.51.100.7"
CLIENT6 = "2001:db8:ffff::7"
POOL = ipaddress.IPv4Network("10.94.0.0/16")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
FILTER = ("ip", "filter", "FORWARD")
# Says that it was us who turned forwarding on; forgotten with a reboot, as forwarding is.
TURNED_ON = "forwarding-turned-on"

# A bridge takes the least address of its ports. This one has its own, or boxes would look for it in the wrong place for
# some seconds whenever another box comes or goes.
INSIDE = f"""\
link set lo up
addr add {CLIENT}/32 dev lo
addr add {CLIENT6}/128 dev lo
link add boxes address 02:00:00:00:00:01 type bridge
addr add {GATEWAY}/32 dev boxes
addr add {GATEWAY6}/64 dev boxes nodad
link set boxes up
"""

# A box without a way out is answered at once instead of being left to wait. What does get out is counted.
RULES = """\
table inet lab {
    set way_out { type ipv4_addr; }
    counter out { }
    chain forward {
        type filter hook forward priority filter;
        iifname "boxes" oifname "uplink" ip saddr != @way_out reject with icmpx admin-prohibited
        iifname "boxes" oifname "uplink" counter name out
    }
    chain postrouting {
        type nat hook postrouting priority srcnat;
        oifname "uplink" masquerade
    }
}
"""

HOST_RULES = """\
table ip {name} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat;
        ip saddr {peer} oifname != "{name}" masquerade
    }}
}}
"""


def inside(lab: Lab, *argv: str, given: str = "") -> str:
    """Run a command in the lab's network."""
    # Not `ip netns exec`: it mounts a /sys without cgroups, on which systemd-nspawn gives up.
    return command("nsenter", f"--net={lab.network}", "--", *argv, given=given, works_in=lab.folder)


def create(lab: Lab) -> str:
    """Make the namespace and its way out; return the subnet of the way out."""
    with _alone():
        # Not under /run/netns: the first `ip netns add` leaves a mount there that outlives every namespace.
        lab.network.touch()
        command("unshare", f"--net={lab.network}", "true", works_in=lab.folder)
        host, peer, subnet = _free()
        link = ("ip", "link", "add", lab.key, "type", "veth", "peer", "name", "uplink", "netns", str(lab.network))
        command(*link, works_in=lab.folder)
        command("ip", "addr", "add", f"{host}/{subnet.prefixlen}", "dev", lab.key)
        if FORWARDING.read_text().strip() == "0":
            (RUN / TURNED_ON).touch()
            FORWARDING.write_text("1\n")
    command("ip", "link", "set", lab.key, "up")
    command("nft", "--file", "-", given=HOST_RULES.format(name=lab.key, peer=peer))
    uplink = f"addr add {peer}/{subnet.prefixlen} dev uplink\nlink set uplink up\nroute add default via {host}\n"
    inside(lab, "ip", "-batch", "-", given=INSIDE + uplink)
    inside(lab, "nft", "--file", "-", given=RULES)
    _let_pass(lab.key)
    settings = (
        "ipv4/ip_forward=1 ipv6/conf/all/forwarding=1 ipv4/conf/all/send_redirects=0 ipv4/conf/boxes/send_redirects=0"
    )
    write = 'for pair in $1; do echo "${pair#*=}" > "/proc/sys/net/${pair%%=*}"; done'
    inside(lab, "sh", "-ec", write, "sh", settings)
    return str(subnet)


def connect(lab: Lab, spec: BoxSpec, *more: str) -> None:
    """Lead a box's addresses to the bridge, and let it out if it may."""
    lines = [f"route replace {address}/32 dev boxes src {CLIENT}" for address in (spec.address, *more)]
    if spec.ipv6:
        lines.append(f"-6 route replace {spec.ipv6}/128 dev boxes src {CLIENT6}")
    for line in lines:
        inside(lab, "ip", *line.split())
    if spec.way_out:
        inside(lab, "nft", "add", "element", "inet", "lab", "way_out", f"{{ {spec.address} }}")


def disconnect(lab: Lab, spec: BoxSpec) -> None:
    """Take back what `connect` gave."""
    for argv in (
        ("ip", "route", "del", f"{spec.address}/32"),
        ("ip", "-6", "route", "del", f"{spec.ipv6}/128"),
        ("nft", "delete", "element", "inet", "lab", "way_out", f"{{ {spec.address} }}"),
    ):
        # What was never given cannot be taken back.
        with suppress(CoopinfraError):
            inside(lab, *argv)


def cut_off(lab: Lab) -> None:
    """Let nothing out of a lab any more, not even what is under way, and begin to count."""
    inside(lab, "nft", "flush", "set", "inet", "lab", "way_out")
    inside(lab, "nft", "reset", "counter", "inet", "lab", "out")


def packets_out(lab: Lab) -> int:
    """Return how many packets of boxes have left a lab since it was cut off."""
    said = json.loads(inside(lab, "nft", "--json", "list", "counter", "inet", "lab", "out"))
    return next(int(each["counter"]["packets"]) for each in said["nftables"] if "counter" in each)


def remove(lab: Lab) -> None:
    """Remove everything that `create` made, as far as it got."""
    remove_by_key(lab.key)


def remove_by_key(key: str) -> None:
    """Remove what lies outside a lab's folder; what is not there is fine."""
    with suppress(CoopinfraError):
        command("ip", "link", "del", key)
    with suppress(CoopinfraError):
        command("nft", "delete", "table", "ip", key)
    namespace = RUN / key
    while any(line.split()[4] == str(namespace) for line in Path("/proc/self/mountinfo").read_text().splitlines()):
        command("umount", "--lazy", str(namespace))
    namespace.unlink(missing_ok=True)
    _let_pass_no_more(key)
    with _alone():
        if (RUN / TURNED_ON).exists() and not left_over():
            FORWARDING.write_text("0\n")
            (RUN / TURNED_ON).unlink()
        with suppress(OSError):
            RUN.rmdir()


def left_over() -> tuple[str, ...]:
    """Name the keys of all labs of which something lies outside their folders."""
    files = {path.name for path in RUN.glob(f"{PREFIX}*")}
    links = {link["ifname"] for link in json.loads(command("ip", "-json", "link"))}
    tables = {line.split()[2] for line in command("nft", "list", "tables", "ip").splitlines()}
    return tuple(sorted(name for name in files | links | tables if name.startswith(PREFIX)))


def _let_pass(key: str) -> None:
    # A host with Docker drops what is forwarded, and an accept elsewhere does not outweigh that.
    with suppress(CoopinfraError):
        if "policy drop" in command("nft", "list", "chain", *FILTER):
            for direction in ("iifname", "oifname"):
                command("nft", "insert", "rule", *FILTER, direction, key, "accept", "comment", f'"{key}"')


def _let_pass_no_more(key: str) -> None:
    with suppress(CoopinfraError):
        for line in command("nft", "--handle", "list", "chain", *FILTER).splitlines():
            if f'comment "{key}"' in line:
                command("nft", "delete", "rule", *FILTER, "handle", line.split()[-1])


def _free() -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address, ipaddress.IPv4Network]:
    routes = json.loads(command("ip", "-json", "-4", "route", "show", "table", "all"))
    words = [route["dst"] for route in routes if route["dst"][0].isdigit()]
    taken = [network for word in words if (network := ipaddress.IPv4Network(word)).overlaps(POOL)]
    for subnet in POOL.subnets(new_prefix=30):
        if not any(subnet.overlaps(other) for other in taken):
            return subnet[1], subnet[2], subnet
    raise CoopinfraError(Problem(f"no subnet of {POOL} is free on this machine", hint="`ip route` shows who takes it"))


@contextmanager
def _alone() -> Iterator[None]:
    # One for all users of this machine: subnets and forwarding are shared by their labs.
    while True:
        RUN.mkdir(mode=0o755, exist_ok=True)
        with suppress(FileNotFoundError):
            descriptor = os.open(RUN, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_still(descriptor):
                break
            os.close(descriptor)
    try:
        yield
    finally:
        os.close(descriptor)


def _is_still(descriptor: int) -> bool:
    # Whoever was last may have removed the folder while we waited for it.
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), RUN.stat())
    return False
