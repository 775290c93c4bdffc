"""Times websites beside stock nginx and PHP-FPM: `.venv/bin/python tests/bench/web.py [--rounds N] [--only PARTS]`.

Prints tables of one run, and asserts nothing. Takes about twenty minutes, and needs what the lab needs and `ab`
(apache2-utils). How each figure is had:

    requests   what `ab` counts from the outside client in a second over TLS, eight at once; ours and stock by
               turns, and of each turn the quotient: whatever else the machine does falls on both. Both are asked over
               IPv6, and for the same paths
    deploy     seconds of `site deploy` with one line changed, and of `site rollback`, process and connection included
    memory     proportional set size (PSS) of all processes in the site's control groups, when nobody has asked for a
               while and right after eight asked at once; what is shared is divided among those who share it
"""

from __future__ import annotations

import argparse
import math
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import hosting
from coopinfra.deploy.jobs.lab import publish_zone
from coopinfra.deploy.lab import host
from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab.state import BoxSpec, Lab
from hosting import CHANGED, COMMENTS, KINDS, PICTURE, STOCK_HOSTING, STOCK_WORDPRESS
from measuring import DidNotWork, timed
from table import Goal, verdicts

ROOT = Path(__file__).parents[2]
LAB = "web"
OURS = BoxSpec("web1", "203.0.113.10", "2001:db8::10", organisation="highbeam")
STOCK = BoxSpec("stock", "203.0.113.20", "2001:db8::20")
COMMAND = (sys.executable, "-m", "coopinfra.cli.main")
PARTS = ("requests", "deploys", "memory")
SECONDS = 1
"""Short, so that what else the machine does falls on both; there are many turns for it."""
IDLE_SECONDS = 40
"""After which PHP has ended the processes that nobody asks."""
SERVER_MEGABYTES = 1024

# Their PSS in kB, of the processes whose numbers come.
PSS = r"""
total=0
while read -r process; do
    each=$(sed -n 's/^Pss: *\([0-9]*\) kB/\1/p' /proc/$process/smaps_rollup 2>/dev/null || true)
    total=$((total + ${each:-0}))
done
echo $total
"""
OF_SITE = """
for unit in $(systemctl list-units --plain --no-legend --state=active --type=service '{named}*' | cut -d' ' -f1); do
    cat "/sys/fs/cgroup$(systemctl show -P ControlGroup "$unit")/cgroup.procs"
done
"""
OF_ALL = "cd /proc; ls -d [0-9]*"


@dataclass(frozen=True)
class Load:
    """What `ab` found."""

    per_second: float
    half_ms: float
    most_ms: float
    """Within which 99 of 100 were answered; not a number where fewer were asked for."""


@dataclass(frozen=True)
class Asked:
    """One thing that is asked for, of both."""

    what: str
    ours: str
    stock: str
    keeps: bool = True
    """One connection for many requests, as browsers do."""


ASKED = (
    Asked("a static page", "https://www.highbeam.example/", "https://[2001:db8::20]/"),
    Asked("100 KB of static file", f"https://www.highbeam.example/{PICTURE}", f"https://[2001:db8::20]/{PICTURE}"),
    Asked(
        "a static page, each by a new connection",
        "https://www.highbeam.example/",
        "https://[2001:db8::20]/",
        keeps=False,
    ),
    Asked("the smallest page by PHP", "https://tools.highbeam.example/index.php", "https://[2001:db8::20]/index.php"),
    Asked("the front page of WordPress", "https://shop.highbeam.example/", "https://[2001:db8::20]/blog/"),
)


class Benchmark:
    """One run: its lab, and the figures so far."""

    def __init__(self, lab: Lab, rounds: int) -> None:
        self.lab, self.rounds = lab, rounds
        self.folder = lab.inventories / "highbeam"
        self.ratios: dict[str, float] = {}

    def set_up(self) -> None:
        """Deploy a site of each kind, and make the stock machine with the same pages."""
        self.lab = labs.add_box(labs.add_box(self.lab, OURS), STOCK)
        hosting.write(self.folder)
        publish_zone(self.lab, "highbeam")
        say("deploying a site of each kind")
        self.ours("deploy", "highbeam", "--yes")
        say("installing the stock machine")
        labs.shell(self.lab, STOCK.name, STOCK_WORDPRESS, given="<?php // Plugin Name: None\n")
        labs.shell(self.lab, STOCK.name, STOCK_HOSTING)
        for name in ("sites/main/index.html", f"sites/main/{PICTURE}", "sites/tools/index.php"):
            given = (self.folder / name).read_bytes()
            put = labs.shell_argv(self.lab, STOCK.name, f"cat >/var/www/html/{Path(name).name}")
            subprocess.run(put, input=given, check=True)

    def ours(self, *words: str) -> float:
        """Run one of our commands; return its seconds."""
        return timed(labs.exec_argv(self.lab, (*COMMAND, *words)), folder=ROOT)[0]

    def requests(self) -> Iterator[str]:
        """Ask both by turns."""
        yield f"{'':<44}{'req/s':>16}{'ratio':>8}{'least..most':>14}{'half within':>18}{'99 of 100':>18}"
        for asked in ASKED:
            ours, stock = [], []
            for number in range(self.rounds + 1):
                pair = [(asked.ours, ours), (asked.stock, stock)]
                for url, loads in pair if number % 2 else reversed(pair):
                    loads.append(self._load(url, keeps=asked.keeps))
                say(f"{asked.what}: {ours[-1].per_second:.0f} ours, {stock[-1].per_second:.0f} stock")
            # The first of all warms up.
            ours, stock = ours[1:], stock[1:]
            times = sorted(mine.per_second / theirs.per_second for mine, theirs in zip(ours, stock, strict=True))
            self.ratios[asked.what] = median(times)
            both = [
                " / ".join(f"{median(getattr(each, figure) for each in loads):.{digits}f}" for loads in (ours, stock))
                for figure, digits in (("per_second", 0), ("half_ms", 1), ("most_ms", 1))
            ]
            spread = f"{times[0]:.2f}..{times[-1]:.2f}"
            yield (f"  {asked.what:<42}{both[0]:>16}{median(times):>8.2f}{spread:>14}{both[1]:>15} ms{both[2]:>15} ms")

    def _load(self, url: str, *, keeps: bool = True) -> Load:
        with tempfile.NamedTemporaryFile() as file:
            options = (
                # A page that says how long it took to make is not always as long.
                "-ql",
                *(("-k",) if keeps else ()),
                "-c",
                "8",
                "-t",
                str(SECONDS),
                "-n",
                "1000000",
                "-e",
                file.name,
            )
            ran = labs.run(self.lab, ("ab", *options, url))
            figures = dict(re.findall(r"(?m)^([A-Za-z0-9 -]+):\s+([0-9.]+)", ran.stdout))
            if ran.returncode or float(figures["Failed requests"]) or "Non-2xx responses" in figures:
                raise DidNotWork(f"{url}:\n{ran.stdout}{ran.stderr}")
            within = dict(line.split(",") for line in Path(file.name).read_text().splitlines()[1:])
        return Load(float(figures["Requests per second"]), float(within["50"]), float(within["99"]) or math.nan)

    def deploys(self) -> Iterator[str]:
        """Change a line of each kind's source, deploy that, and go back."""
        yield f"{'':<24}{'deploy':>10}{'rollback':>10}"
        for kind, source in CHANGED.items():
            there, back, path = [], [], self.folder / source
            for number in range(3):
                path.write_text(f"{path.read_text().rstrip()}\n{COMMENTS[path.suffix].format(number)}\n")
                there.append(self.ours("site", "deploy", "highbeam", KINDS[kind], "--yes"))
                back.append(self.ours("site", "rollback", "highbeam", KINDS[kind]))
                say(f"{kind}: {there[-1]:.1f} s, back {back[-1]:.1f} s")
            yield f"  {kind:<22}{median(there):>8.1f} s{median(back):>8.1f} s"

    def memory(self) -> Iterator[str]:
        """Look at each site when it is idle, and when it has just been asked."""
        time.sleep(IDLE_SECONDS)
        idle = {kind: self._pss(OF_SITE, name) for kind, name in KINDS.items()}
        rest = self._pss(OF_ALL) - sum(idle.values())
        yield f"{'':<24}{'idle':>10}{'asked':>10}{'of such in 1 GB, idle':>24}"
        for kind, name in KINDS.items():
            domain = "www" if kind == "static" else name
            labs.run(self.lab, ("ab", "-q", "-c", "8", "-n", "40", f"https://{domain}.highbeam.example/"))
            asked = self._pss(OF_SITE, name)
            fit = f"{(SERVER_MEGABYTES - rest) / idle[kind]:.0f}" if idle[kind] else "-"
            yield f"  {kind:<22}{idle[kind]:>7.1f} MB{asked:>7.1f} MB{fit:>24}"
        yield f"  {'all else that runs':<22}{rest:>7.1f} MB"
        yield (
            f"How many fit is computed: {SERVER_MEGABYTES} MB less all else, the kernel not counted, divided by what "
            "one takes that nobody asks."
        )

    def _pss(self, processes: str, site: str = "") -> float:
        return sum(
            int(labs.shell(self.lab, OURS.name, f"{{ {each}\n}} | {{ {PSS} }}").stdout) / 1024
            for each in (
                (processes.format(named=f"highbeam-{site}"), processes.format(named=f"valkey@highbeam-{site}"))
                if site
                else (processes,)
            )
        )

    def goals(self) -> Iterator[Goal]:
        """Set the goal beside what was found: no slower, for all that is closed."""
        for asked in ASKED:
            yield Goal(f"times stock's requests, {asked.what}", self.ratios.get(asked.what), 1, at_least=True)


def say(line: str) -> None:
    """Say at once what happens; the tables come at the end."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Run the parts, and print the tables whatever became of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=25, help="turns of requests, after one to warm up")
    options = parser.parse_args()
    host.require(say)
    host.require(say, {"ab": "apache2-utils"})
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "inventories", Path(folder) / "inventories")
        labs.up(LAB, (), Path(folder) / "inventories", say)
        lines = list[str]()
        try:
            bench = Benchmark(labs.load(LAB), options.rounds)
            bench.set_up()
            for part in options.only.split(","):
                lines.append(f"\n{part}")
                lines.extend(getattr(bench, part)())
            lines.append(f"\n{verdicts(bench.goals())}")
        finally:
            labs.down(LAB)
            print("\n".join(lines))


if __name__ == "__main__":
    main()
