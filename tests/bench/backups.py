"""What backups cost beside restic alone, and how soon all is back: `.venv/bin/python tests/bench/backups.py [MB]`.

Two boxes, a server and its keeper. Each step is done by `coopinfra backup`, to the keeper over TLS, and by plain restic
into a folder of the same server, one after the other; the ratio says what our scripts, the network and the counting of
every file add. Prints, and asserts nothing: a machine that is busy is not a bug.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/boxes"))

from boxes import EXAMPLES, Operator  # noqa: E402 - found by the line above
from coopinfra.deploy.lab import lab as labs  # noqa: E402
from vault import BACKUPS, CLIENT, NAME, seed, sql, two_machines  # noqa: E402

SITE = (
    "website: {sites: {shop: {domain: shop.highbeam.example, kind: php, source: {folder: sites/main},"
    " writable: [uploads], database: postgresql}}}"
)
ORG = CLIENT.replace(BACKUPS, f"{BACKUPS}\n      {SITE}")
DATA = "/srv/shared/data"
# Half of it cannot be compressed, half is text in many files.
MAKE = (
    f"mkdir -p {DATA}/media {DATA}/text; for each in $(seq {{half}}); do"
    f" head -c 1000000 /dev/urandom >{DATA}/media/$each; done;"
    f" seq 1 100000000 | head -c {{half}}000000 | split --bytes=50000 --suffix-length=5 - {DATA}/text/"
)
# Every hundredth file is another one.
CHANGE = (
    f"find {DATA} -type f | sort | awk 'NR % 100 == 0' | while read -r file; do"
    ' size=$(stat -c %s "$file"); head -c "$size" /dev/urandom >"$file"; done'
)
PLAIN = "RESTIC_PASSWORD=x RESTIC_REPOSITORY=/root/plain RESTIC_CACHE_DIR=/root/cache restic --quiet"


def main() -> None:
    """Measure, and print a line as soon as it is known."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state
        labs.up("bench", (), EXAMPLES, _say)
        try:
            _measure(two_machines(labs.load("bench"), ORG), megabytes)
        finally:
            labs.down("bench")


def _measure(operator: Operator, megabytes: int) -> None:
    seed(operator)
    sql(operator, "INSERT INTO people SELECT n, md5(n::text) FROM generate_series(1001, 200000) n")
    operator.root(MAKE.format(half=megabytes // 2))
    operator.root("apt-get install --yes restic >/dev/null; " + f"{PLAIN} init")
    size = operator.root(f"du -sm {DATA} | cut -f1").strip()
    files = operator.root(f"find {DATA} -type f | wc -l").strip()
    print(f"{size} MB in {files} files, one database of 200,000 rows")
    print(f"{'':<34}{'ours':>9}{'restic':>9}{'ratio':>8}", flush=True)
    for step, change in (("first", ""), ("nothing changed", ""), ("1 % changed", CHANGE)):
        if change:
            operator.root(change)
        ours = _seconds(lambda: operator.ok("backup", "now", "highbeam"))
        _line(f"backup, {step}", ours, _seconds(lambda: operator.root(f"{PLAIN} backup /srv/shared")))
    into = ("backup", "restore", "highbeam", "--path", "/srv/shared", "--into", "/srv/ours")
    ours = _seconds(lambda: operator.ok(*into))
    plain = _seconds(lambda: operator.root(f"{PLAIN} restore latest --verify --target /srv/plain"))
    _line("restore of all files", ours, plain)
    _line(
        "all read and compared",
        _seconds(lambda: operator.ok("backup", "verify", "highbeam", "--whole")),
        _seconds(lambda: operator.root(f"{PLAIN} check --read-data")),
    )
    operator.root("rm -rf /srv/ours /srv/plain")
    restore = ("backup", "restore", "highbeam", "--yes")
    for what, words in (
        ("a site", ("--site", "shop")),
        ("a database", ("--database", NAME)),
        ("all of it", ("--all",)),
    ):
        _line(f"back in its place: {what}", _seconds(lambda words=words: operator.ok(*restore, *words)), None)
    ran = operator.run("backup", "drill", "highbeam", "--json")
    (done,) = json.loads(ran.stdout)
    _line(f"a lost server, in a drill ({done['result']})", done["minutes"] * 60, None)
    print("   of it " + ", ".join(f"{name} {seconds} s" for name, seconds in done["seconds"].items()))


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _line(what: str, ours: float, plain: float | None) -> None:
    beside = f"{plain:>9.1f}{ours / plain:>8.1f}" if plain else f"{'-':>9}{'-':>8}"
    print(f"{what:<34}{ours:>9.1f}{beside}", flush=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
