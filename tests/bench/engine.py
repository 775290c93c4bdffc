"""Times the engine over a link with a real delay: `.venv/bin/python tests/bench/engine.py [--only PARTS] [--rtt MS]`.

Prints one table of one run, and asserts nothing: each goal stands at its end with what was found. Takes three quarters
of an hour, most of which pyinfra and Ansible wait for the line. Needs what the lab needs, and installs ansible-core
into an environment of its own, once. How each figure is had:

    seconds    the whole process, from its start to its end
    channels   sessions that sshd names in its log (commands, and sftp)
    trips      round trips: the seconds at the longest delay less those at none, divided by the delay
    CPU here   user and system time of the process and all that it waits for
    CPU there  the same of all processes of the box, the living and the ended

The hundred tasks are done by each contender on a machine of its own: from nothing, again, with one template changed,
with 25 changed.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import fleet
import tasks
from contenders import (
    ANSIBLE,
    CONTENDERS,
    FOR_ANSIBLE,
    OPERATIONS,
    PRIMITIVES,
    STOCK,
    UNASKED,
    Run,
    ansible_folder,
    stock_unasked,
)
from coopinfra.deploy.jobs.lab import publish_zone
from coopinfra.deploy.lab import host
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab.state import BoxSpec, Lab
from coopinfra.deploy.organisation.load import load_org
from coopinfra.deploy.planning.make import make_plan
from delayed_link import Link, delayed_link
from measuring import DidNotWork, Measure, bare_box, measure, timed
from table import Goal, Key, ratio, table, verdicts

ROOT = Path(__file__).parents[2]
LAB = "bench"
BOX = BoxSpec("web1", "203.0.113.10", "2001:db8::10", organisation="highbeam")
COMMAND = (sys.executable, "-m", "coopinfra.cli.main")
"""The same installation, whatever PATH says inside the lab."""
EMPTY, NOTHING, ONE, MANY = "from empty", "nothing to do", "1 file changed", "25 files changed"
SAYS_NOTHING = "nothing to change"
STEPS = {EMPTY: (0, "first"), NOTHING: (0, "first"), ONE: (1, "second"), MANY: (25, "third")}
"""How many templates get which value."""
PARTS = ("tasks", "files", "demo", "fleet")
OURS, ALONE = "coopinfra", "apt-get alone"
TURNS = 3


class Benchmark:
    """One run: its lab, its delays, and the figures so far."""

    def __init__(self, lab: Lab, milliseconds: tuple[int, ...], servers: int, scratch: Path) -> None:
        self.lab, self.milliseconds, self.servers, self.scratch = lab, milliseconds, servers, scratch
        self.longest = max(milliseconds)
        self.figures: dict[Key, Measure] = {}

    def note(self, what: str, who: str, milliseconds: int, found: Measure) -> Measure:
        """Keep a figure, and say it, since all of them take long."""
        self.figures[what, who, milliseconds] = found
        say(f"{what}, {who}, {milliseconds} ms: {found.seconds:.2f} s")
        return found

    def tasks(self) -> None:
        """Let each contender do the hundred tasks."""
        tasks.write_sources(self.scratch / "sources")
        for who, converge in CONTENDERS.items():
            for milliseconds in self.milliseconds:
                self._hundred(who, converge, milliseconds)

    def _hundred(self, who: str, converge: Callable[[Run], Measure], milliseconds: int) -> None:
        prepare = FOR_ANSIBLE if who == ANSIBLE else ""
        with bare_box(self.lab, BOX, prepare) as lab, delayed_link(lab, milliseconds / 1000) as link:
            for step, (changed, value) in STEPS.items():
                run = Run(link, BOX.name, self.scratch, changed, value)
                self.note(f"100 tasks, {step}", who, milliseconds, converge(run))
                if (who, step) == (STOCK, NOTHING):
                    self.note(f"100 tasks, {step}", UNASKED, milliseconds, stock_unasked(run))

    def files(self) -> None:
        """Write ten and four hundred files, and look at them again."""
        folder = self.scratch / "many"
        folder.mkdir()
        with bare_box(self.lab, BOX) as lab, delayed_link(lab, self.longest / 1000) as link:
            run = Run(link, BOX.name, self.scratch)
            for number in (10, 400):
                for step in (EMPTY, NOTHING):
                    self.note(
                        f"{number} files, {step}", PRIMITIVES, self.longest, run.ours("bundled-files", str(number))
                    )
                found = run.ours("put-files", str(folder), str(number))
                self.note(f"{number} files, {NOTHING}", OPERATIONS, self.longest, found)

    def demo(self) -> None:
        """Deploy the example onto bare machines, in turn with installations of the same packages on others."""
        publish_zone(self.lab, "highbeam")
        # In turn, since how fast packages arrive and are unpacked changes from minute to minute.
        for turn in range(1, TURNS + 1):
            self._packages(turn)
            self._example(self.longest, turn)
        for milliseconds in sorted(set(self.milliseconds) - {self.longest}):
            self._example(milliseconds, 1)

    def _example(self, milliseconds: int, turn: int) -> None:
        with bare_box(self.lab, BOX) as lab, delayed_link(lab, milliseconds / 1000) as link:
            for step, words in (
                (EMPTY, ("deploy", "highbeam", "--yes")),
                (NOTHING, ("deploy", "highbeam", "--yes")),
                ("check", ("check", "highbeam")),
            ):
                found = measure(link, BOX.name, (*COMMAND, *words), folder=ROOT)
                if step == NOTHING and SAYS_NOTHING not in found.said:
                    raise DidNotWork(f"something was left to do:\n{found.said}")
                self.note(f"the example, {step}", in_turn(OURS, turn), milliseconds, found)

    def _packages(self, turn: int) -> None:
        names = make_plan(load_org(self.lab.inventories / "highbeam")).servers[0].packages
        install = f"apt-get -q update && apt-get -q install -y --no-install-recommends {shlex.join(names)}"
        with bare_box(self.lab, BOX) as lab, delayed_link(lab, self.longest / 1000) as link:
            argv = labs.ssh_argv(lab, BOX.name, f"export DEBIAN_FRONTEND=noninteractive; {install}")
            found = measure(link, BOX.name, argv, folder=ROOT)
            self.note(f"the example, {EMPTY}", in_turn(ALONE, turn), self.longest, found)

    def fleet(self) -> None:
        """Deploy to many machines at once, from nothing and again."""
        for spec in fleet.specs(self.servers):
            self.lab = labs.add_box(labs.load(self.lab.name), spec)
        publish_zone(self.lab, fleet.NAME)
        with delayed_link(self.lab, self.longest / 1000) as link:
            for step in (EMPTY, NOTHING):
                found = self._deploy(link)
                if step == NOTHING and found.said.count(SAYS_NOTHING) != self.servers:
                    raise DidNotWork(f"something was left to do on one of the servers:\n{found.said}")
                self.note(f"{self.servers} servers, {step}", OURS, self.longest, found)

    def _deploy(self, link: Link) -> Measure:
        took, cpu, said = timed(link.argv(*COMMAND, "deploy", fleet.NAME, "--yes"), folder=ROOT)
        return Measure(took, None, cpu, None, 0.0, said)

    def goals(self) -> Iterator[Goal]:
        """Set each goal beside what was found at the longest delay."""
        found, far = self.figures, self.longest

        def figure(what: str, who: str, of: Callable[[Measure], float]) -> float | None:
            each = found.get((what, who, far))
            return of(each) if each else None

        def quotient(first: float | None, second: float | None) -> float | None:
            return first / second if first is not None and second else None

        again = f"the example, {NOTHING}"
        yield Goal("exec channels, the example, nothing to do", figure(again, OURS, lambda m: m.channels), 6)
        yield Goal("seconds after connecting, the same", figure(again, OURS, lambda m: m.connected), 3)
        for rival in (STOCK, UNASKED, ANSIBLE):
            times = ratio(found, f"100 tasks, {NOTHING}", rival, PRIMITIVES, far)
            yield Goal(f"times faster than {rival}, 100 tasks as primitives, nothing to do", times, 25, at_least=True)
        times = ratio(found, f"100 tasks, {MANY}", STOCK, PRIMITIVES, far)
        yield Goal(f"times faster than {STOCK}, 25 files changed", times, 20, at_least=True)
        for who, steps in ((PRIMITIVES, (EMPTY, NOTHING)), (OPERATIONS, (NOTHING,))):
            for step in steps:
                few, many = (figure(f"{number} files, {step}", who, lambda m: m.channels) for number in (10, 400))
                more = many - few if many is not None and few is not None else None
                yield Goal(f"more channels for 400 files than for 10, {who}, {step}", more, 0)
        empty = f"the example, {EMPTY}"
        ours, alone = (
            [each for turn in range(1, TURNS + 1) if (each := figure(empty, in_turn(who, turn), lambda m: m.seconds))]
            for who in (OURS, ALONE)
        )
        times = median(ours) / median(alone) if ours and alone else None
        yield Goal(f"times as long as apt-get alone, the example from empty, medians of {TURNS}", times, 1.3)
        fleet_again = f"{self.servers} servers, {NOTHING}"
        all_at_once = figure(fleet_again, OURS, lambda m: m.seconds)
        one = figure(again, OURS, lambda m: m.seconds)
        yield Goal(f"times as long as one server, {self.servers} at once", quotient(all_at_once, one), 4)
        yield Goal(
            f"seconds of CPU here for each of {self.servers}",
            figure(fleet_again, OURS, lambda m: m.cpu_here / self.servers),
            0.4,
        )
        yield Goal("seconds of `check`", figure("the example, check", OURS, lambda m: m.seconds), 10)


def in_turn(who: str, turn: int) -> str:
    """Name who did it, and the how manieth time."""
    return who if turn == 1 else f"{who}, time {turn}"


def say(line: str) -> None:
    """Say at once what happens; the table comes at the end."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Run the parts, and print the table whatever became of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--rtt", default="0,100", help="delays in milliseconds, there and back")
    # Each box takes some of the kernel's inotify instances (fs.inotify.max_user_instances), and 128 are common.
    parser.add_argument("--servers", type=int, default=20, help="how many at once, for `fleet`")
    options = parser.parse_args()
    host.require(say)
    parts = options.only.split(",")
    if "tasks" in parts:
        ansible_folder()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        shutil.copytree(ROOT / "inventories", scratch / "inventories")
        fleet.write(scratch / "inventories", options.servers)
        labs.up(LAB, (), scratch / "inventories", say)
        try:
            delays = tuple(int(each) for each in options.rtt.split(","))
            bench = Benchmark(labs.load(LAB), delays, options.servers, scratch)
            for part in parts:
                getattr(bench, part)()
        finally:
            labs.down(LAB)
            print(table(bench.figures, PRIMITIVES))
            print(f"\nAt {bench.longest} ms:\n{verdicts(bench.goals())}")


if __name__ == "__main__":
    main()
