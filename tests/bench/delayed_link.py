"""A link with a real delay: two TUN devices, one here and one in a network of its own, joined by this process.

TCP runs end to end over it, so what Nagle's algorithm, delayed acknowledgements and slow start cost on a long line they
cost here too; a proxy would end TCP on this side and hide that. The far network, its device and the link live as long
as the process: however it ends, nothing is left to clean up.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from coopinfra.deploy.lab.inside import exec_argv
from coopinfra.deploy.lab.processes import environment
from coopinfra.deploy.lab.state import Lab

HERE, FAR = "198.51.100.8", "198.51.100.9"
HERE6, FAR6 = "2001:db8:ffff::8", "2001:db8:ffff::9"
MTU = 1500
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
LET_GO = "let go"

# The lab's router knows the far client by these routes; the far client reaches everything through the link.
NEAR_SIDE = f"""\
addr add {HERE}/32 dev near
addr add {HERE6}/128 dev near nodad
link set near up
route add {FAR}/32 dev near
route add {FAR6}/128 dev near
"""
FAR_SIDE = f"""\
link set lo up
addr add {FAR}/32 dev far
addr add {FAR6}/128 dev far nodad
link set far up
route add 0.0.0.0/0 dev far src {FAR}
route add ::/0 dev far src {FAR6}
"""


@dataclass
class Line:
    """One direction: packets come out in order, each after the delay."""

    delay: float
    on_the_way: deque[tuple[float, bytes]] = field(default_factory=deque)

    def put(self, packet: bytes, now: float) -> None:
        """Send a packet on its way."""
        self.on_the_way.append((now + self.delay, packet))

    def arrived(self, now: float) -> Iterator[bytes]:
        """Take every packet off that is due."""
        while self.on_the_way and self.on_the_way[0][0] <= now:
            yield self.on_the_way.popleft()[1]

    def wait(self, now: float) -> float | None:
        """Return the seconds until the next packet is due; None when there is none."""
        return max(0.0, self.on_the_way[0][0] - now) if self.on_the_way else None


@contextmanager
def delayed_link(lab: Lab, round_trip: float) -> Iterator[Link]:
    """Hold a far client of the lab, `round_trip` seconds away from every box."""
    argv = ("nsenter", f"--net={lab.network}", "--", sys.executable, __file__, str(round_trip / 2))
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(lab.folder)
    )
    assert process.stdin
    assert process.stdout
    try:
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the delayed link did not come up: it ended with {process.wait()}")
        yield Link(lab, process.pid, round_trip)
    finally:
        process.stdin.close()
        process.wait()


@dataclass(frozen=True)
class Link:
    """A far client of a lab, as long as its process lives."""

    lab: Lab
    pid: int
    round_trip: float

    def argv(self, *argv: str) -> tuple[str, ...]:
        """Return the command that runs a command at the far client."""
        return exec_argv(self.lab, ("nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *argv))

    def measured(self, address: str) -> float:
        """Return the median of five TCP handshakes with a box: a round trip as TCP sees it."""
        program = (
            "import socket, statistics, sys, time\ntook = []\nfor _ in range(5):\n"
            "    start = time.perf_counter()\n    socket.create_connection((sys.argv[1], 22)).close()\n"
            "    took.append(time.perf_counter() - start)\nprint(statistics.median(took))"
        )
        argv = self.argv(sys.executable, "-I", "-c", program, address)
        return float(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


def _device(name: str) -> int:
    """Make a TUN device that goes when its descriptor is closed."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return descriptor


def _enter_new_network() -> None:
    # Python has no `unshare` before 3.12.
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")


def _configure(script: str) -> None:
    subprocess.run(("ip", "-batch", "-"), input=script, text=True, check=True)


def _carry(ends: tuple[int, int], lines: tuple[Line, Line]) -> None:
    """Carry packets both ways until standard input is closed: whoever started us has ended."""
    poll = select.epoll()
    for descriptor in (*ends, sys.stdin.fileno()):
        poll.register(descriptor, select.EPOLLIN)
    while True:
        now = time.monotonic()
        waits = [wait for line in lines if (wait := line.wait(now)) is not None]
        ready = {descriptor for descriptor, _ in poll.poll(min(waits) if waits else None)}
        if sys.stdin.fileno() in ready:
            return
        now = time.monotonic()
        for source, line in zip(ends, lines, strict=True):
            if source in ready:
                _take_in(source, line, now)
        for target, line in zip(reversed(ends), lines, strict=True):
            for packet in line.arrived(now):
                os.write(target, packet)


def _take_in(source: int, line: Line, now: float) -> None:
    try:
        while True:
            line.put(os.read(source, MTU), now)
    except BlockingIOError:
        return


def main() -> None:
    """Join the network that this process was started in with a new one, which it moves into."""
    delay = float(sys.argv[1])
    near = _device("near")
    _configure(NEAR_SIDE)
    _enter_new_network()
    far = _device("far")
    _configure(FAR_SIDE)
    print("ready", flush=True)
    _carry((near, far), (Line(delay), Line(delay)))


if __name__ == "__main__":
    main()
