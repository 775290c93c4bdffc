"""What is in the lab's network: a bridge for the boxes, an outside client, and a way out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from coopinfra.deploy.lab import uplink
from coopinfra.deploy.lab.processes import command
from coopinfra.deploy.lab.state import BoxSpec, Lab
from coopinfra.deploy.organisation.problems import CoopinfraError

# As several providers do: the box has one address and a gateway that is on the link although in no subnet of its own.
# So any address works beside any other, and no address of the real internet is shadowed but the boxes' own.
GATEWAY = "172.31.1.1"
GATEWAY6 = "fe80::1"
CLIENT = "198.51.100.7"
CLIENT6 = "2001:db8:ffff::7"

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

SETTINGS = (
    "ipv4/ip_forward=1 ipv6/conf/all/forwarding=1 ipv4/conf/all/send_redirects=0 ipv4/conf/boxes/send_redirects=0"
)


def inside(lab: Lab, *argv: str, given: str = "") -> str:
    """Run a command in the lab's network."""
    # Not `ip netns exec`: it mounts a /sys without cgroups, on which systemd-nspawn gives up.
    return command("nsenter", f"--net={lab.network}", "--", *argv, given=given, works_in=lab.folder)


@contextmanager
def created(lab: Lab) -> Iterator[str]:
    """Make the network with its way out, and hold it until a box runs there; yield the subnet of the way out."""
    with uplink.made(lab) as subnet:
        host, peer = subnet[1], subnet[2]
        way_out = f"addr add {peer}/{subnet.prefixlen} dev uplink\nlink set uplink up\nroute add default via {host}\n"
        inside(lab, "ip", "-batch", "-", given=INSIDE + way_out)
        inside(lab, "nft", "--file", "-", given=RULES)
        write = 'for pair in $1; do echo "${pair#*=}" > "/proc/sys/net/${pair%%=*}"; done'
        inside(lab, "sh", "-ec", write, "sh", SETTINGS)
        yield str(subnet)


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
