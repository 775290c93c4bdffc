"""What a lab has on the machine around it: the file of its network, a link into it, and rules that let it out.

All of it is found by the lab's key alone, so that it can be removed when nothing else is known of the lab.
"""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from coopinfra.deploy.lab.processes import command, work, working
from coopinfra.deploy.lab.state import PREFIX, RUN, Lab, key_of
from coopinfra.deploy.organisation.problems import CoopinfraError, Problem

POOL = ipaddress.IPv4Network("10.94.0.0/16")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
FILTER = ("ip", "filter", "FORWARD")
# Says that it was us who turned forwarding on; forgotten with a reboot, as forwarding is.
TURNED_ON = "forwarding-turned-on"

RULES = """\
table ip {name} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat;
        ip saddr {peer} oifname != "{name}" masquerade
    }}
}}
"""


@contextmanager
def made(lab: Lab) -> Iterator[ipaddress.IPv4Network]:
    """Make the network, which still is empty, and its way out; yield the subnet of that: our end is 1, the lab's is 2.

    Somebody is seen to work for the lab meanwhile, so that nobody takes it for what a killed one has left.
    """
    with work(lab.folder):
        with _alone():
            # Not under /run/netns: the first `ip netns add` leaves a mount there that outlives every namespace.
            lab.network.touch()
            command("unshare", f"--net={lab.network}", "true", works_in=lab.folder)
            subnet = _free()
            link = ("ip", "link", "add", lab.key, "type", "veth", "peer", "name", "uplink", "netns", str(lab.network))
            command(*link, works_in=lab.folder)
            command("ip", "addr", "add", f"{subnet[1]}/{subnet.prefixlen}", "dev", lab.key)
            if FORWARDING.read_text().strip() == "0":
                (RUN / TURNED_ON).touch()
                FORWARDING.write_text("1\n")
        command("ip", "link", "set", lab.key, "up")
        command("nft", "--file", "-", given=RULES.format(name=lab.key, peer=subnet[2]))
        _let_pass(lab.key)
        yield subnet


def remove(key: str) -> None:
    """Remove what `made` made for a lab of this key, as far as it got; what is not there is fine."""
    with _alone():
        with suppress(CoopinfraError):
            command("ip", "link", "del", key)
        with suppress(CoopinfraError):
            command("nft", "delete", "table", "ip", key)
        namespace = RUN / key
        while any(line.split()[4] == str(namespace) for line in Path("/proc/self/mountinfo").read_text().splitlines()):
            command("umount", "--lazy", str(namespace))
        namespace.unlink(missing_ok=True)
        _let_pass_no_more(key)
        if (RUN / TURNED_ON).exists() and not _left_over():
            FORWARDING.write_text("0\n")
            (RUN / TURNED_ON).unlink()


def strays() -> tuple[str, ...]:
    """Name the keys of what nobody's lab has left: no process works for it.

    Its network does not tell: of one that was made among other mounts, as within a lab, only the file is seen here.
    """
    with _alone():
        living = {key for folder, root in working() if (key := _key_there(folder, root))}
        return tuple(key for key in _left_over() if key not in living)


def _key_there(folder: str, root: Path) -> str:
    with suppress(OSError):
        return key_of(folder, root)
    return ""


def _left_over() -> tuple[str, ...]:
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


def _free() -> ipaddress.IPv4Network:
    routes = json.loads(command("ip", "-json", "-4", "route", "show", "table", "all"))
    words = [route["dst"] for route in routes if route["dst"][0].isdigit()]
    taken = [network for word in words if (network := ipaddress.IPv4Network(word)).overlaps(POOL)]
    for subnet in POOL.subnets(new_prefix=30):
        if not any(subnet.overlaps(other) for other in taken):
            return subnet
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
        with suppress(OSError):
            RUN.rmdir()
        os.close(descriptor)


def _is_still(descriptor: int) -> bool:
    # Whoever was last may have removed the folder while we waited for it.
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), RUN.stat())
    return False
