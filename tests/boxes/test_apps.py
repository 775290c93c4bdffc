"""Applications in Python and Node on one server: built there, tried, served without a gap, and kept to themselves."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from coopinfra.deploy.lab import lab as labs
from faults import on_box, running, wait_for
from test_budget import COMPARE, CONVERGE, count

pytestmark = pytest.mark.timeout(600)

APPS = Path(__file__).parent / "apps"
SITES = """
          shop:
            domain: shop.highbeam.example
            kind: python
            source: {folder: apps/shop}
            wsgi: shop:application
            health: /release
            migrate: python shop.py migrate
            build: {command: sh build.sh, minutes: 1}
            postgresql: shop
            requests_a_second: 0
            secrets: {PAYMENT_TOKEN: random}
            environment: {GREETING: 'it''s "100%" $HOME'}
            workers:
              packer: {command: python shop.py work}
            jobs:
              count: {command: python shop.py count, at: "*:*:0/4"}
          letters:
            domain: letters.highbeam.example
            kind: python
            source: {folder: apps/letters}
            asgi: letters:app
            health: /release
            requests_a_second: 0
          board:
            domain: board.highbeam.example
            kind: node
            source: {folder: apps/board}
            start: node server.js
            requests_a_second: 0
            valkey: board
"""
# A change of a table that takes its time, all of it or nothing.
MIGRATION = (
    '    with connect() as database:\n        database.execute("CREATE',
    (
        "    with psycopg.connect(os.environ['DATABASE_URL']) as database:\n"
        "        database.execute('ALTER TABLE orders ADD COLUMN IF NOT EXISTS note text')\n"
        "        database.execute('SELECT pg_sleep(40)')\n"
        '        database.execute("CREATE'
    ),
)
# Asks again and again over new connections, four at once, until its input ends, and sends as often as it asks.
LOAD = """
import collections, concurrent.futures, json, select, sys, urllib.request
counted = collections.Counter()
def ask(number):
    while not select.select([sys.stdin], [], [], 0)[0]:
        if number == 0 and len(counted) == 0:
            print("begun", flush=True)
        for data in (None, b"a=b"):
            try:
                with urllib.request.urlopen(sys.argv[1], data, timeout=20) as answer:
                    counted[answer.read().decode()] += 1
            except OSError as error:
                counted[f"failed: {error}"] += 1
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    list(pool.map(ask, range(4)))
print(json.dumps(counted))
"""
PIDS = "export SHOP=$(systemctl show -P MainPID highbeam-shop@web)"
SECRET = "/etc/coopinfra/sites/highbeam-shop/secrets/PAYMENT_TOKEN"
OUTSIDE = "http://198.51.100.7:8000/"
# What the board tries at the shop and the world, and the same by somebody for whom it works.
TRIES = {
    f"cat {SECRET}": f"cat {SECRET}",
    "cat /proc/$SHOP/environ": "cat /proc/$SHOP/environ",
    "ls /srv/data/highbeam-shop": "ls /srv/data/highbeam-shop",
    "cat /etc/coopinfra/sites/highbeam-shop/run": "cat /etc/coopinfra/sites/highbeam-shop/run",
    "ls /srv/sites/highbeam-shop/current": "runuser -u highbeam-board ls /srv/sites/highbeam-shop/current",
    "touch /srv/app/here": "touch /srv/sites/highbeam-board/current/here",
    "touch /usr/local/here": "touch /usr/local/here",
    "ls /run/dbus": "runuser -u highbeam-board ls /run/dbus",
    "kill -0 $SHOP": "runuser -u highbeam-shop -- kill -0 $SHOP",
    f"curl -sS --max-time 5 {OUTSIDE}": f"runuser -u highbeam-board -- curl -sS --max-time 5 {OUTSIDE}",
    "curl -sS --unix-socket /run/highbeam-shop.socket http://x/": "curl -sS --unix-socket /run/highbeam-shop.socket http://x/",
    "psql -d highbeam-shop -c SELECT": "runuser -u highbeam-shop -- psql -d highbeam-shop -c SELECT",
}


@pytest.fixture(scope="module")
def operator(machine):
    org = machine.folder / "org.yml"
    org.write_text(org.read_text().rstrip("\n") + SITES)
    shutil.copytree(APPS, machine.folder / "apps")
    machine.publish()
    machine.ok("deploy", "highbeam", "--yes")
    return machine


@contextmanager
def edited(operator, name, old, new):
    """Change a file of an application beside org.yml, and put it back."""
    path = operator.folder / name
    good = path.read_text()
    assert old in good
    path.write_text(good.replace(old, new))
    try:
        yield
    finally:
        path.write_text(good)


@contextmanager
def under_load(operator, url):
    """Ask again and again; yield what holds the count of each answer, once it has ended."""
    argv = labs.exec_argv(operator.lab, [sys.executable, "-c", LOAD, url])
    load, counted = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True), {}
    try:
        assert load.stdout.readline() == "begun\n"
        yield counted
    finally:
        counted.update(json.loads(load.communicate(timeout=90)[0].splitlines()[-1]))


def ask(operator, url, *options):
    """Ask as a visitor; return the body, or what curl says of the answer."""
    ran = operator.outside("curl", "-sS", "--fail", "--max-time", "20", *options, url)
    return ran.stdout or ran.stderr


def state(operator, site="shop"):
    """What is there of a site: releases, the one that is served, and what runs for it."""
    path = f"/srv/sites/highbeam-{site}"
    units = (
        f"systemctl list-units --plain --no-legend --state=active 'highbeam-{site}@*' | cut -d' ' -f1 | grep -v job-"
    )
    return operator.root(f"ls -A {path} {path}/releases; readlink {path}/current; {units}")


def test_applications_answer_and_their_workers_and_jobs_do_their_part(operator):
    before = ask(operator, "https://shop.highbeam.example/")
    ordered = ask(operator, "https://shop.highbeam.example/order", "-d", "a=b")
    # The job says something every few seconds, so what the program said at its start may be long ago.
    operator.root("systemctl restart highbeam-shop@web.service; systemctl start highbeam-shop@job-count.service")
    said = operator.root("cat /srv/data/highbeam-shop/count")

    assert before == "first: 0 orders, 0 packed"
    assert "1 orders" in ordered
    wait_for("the packed order", lambda: "1 packed" in ask(operator, "https://shop.highbeam.example/"), seconds=10)
    assert "1 orders, a token of 40" in said
    assert ask(operator, "https://board.highbeam.example/") == "first: a cache"
    assert ask(operator, "https://letters.highbeam.example/", "-4") == "first: https for 198.51.100.7"
    assert operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"
    assert operator.red() == {}
    counted = count(operator)
    assert (counted["changed"], counted["compare"] <= COMPARE, counted["converge"] <= CONVERGE) == ([], True, True)


@pytest.mark.parametrize(
    ("site", "file"),
    [
        ("shop", "shop.py"),
        pytest.param("board", "server.js", marks=pytest.mark.rest),
        pytest.param("letters", "letters.py", marks=pytest.mark.rest),
    ],
)
def test_under_load_neither_a_deploy_nor_the_way_back_fails_a_request(operator, site, file):
    url = f"https://{site}.highbeam.example/release"

    with edited(operator, f"apps/{site}/{file}", '"first"', '"second"'), under_load(operator, url) as counted:
        operator.ok("site", "deploy", "highbeam", site, "--yes")
        operator.ok("site", "rollback", "highbeam", site)
    with under_load(operator, url) as control:
        units = f"highbeam-{site}@web.socket highbeam-{site}@web.service"
        operator.root(f"systemctl stop {units}; sleep 2; systemctl start {units}; sleep 1")

    # Shown with `-s`.
    sys.stderr.write(f"{site}: {counted}, and without a socket that is held: {control}\n")
    assert {each.partition(":")[0] for each in counted} == {"first", "second"}, counted
    assert min(counted.values()) > 10
    assert [answer for answer in control if answer.startswith("failed: HTTP Error 502")], "the control"
    assert operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"


# Connects, lets the program be restarted, and sends a moment later what it wants.
LATE = """
import http.client, socket, subprocess, sys, time
connection = socket.socket(socket.AF_UNIX)
connection.connect("/run/highbeam-letters.socket")
time.sleep(0.3)
subprocess.run(["systemctl", "restart", "--no-block", "highbeam-letters@web.service"], check=True)
time.sleep(float(sys.argv[1]))
connection.sendall(b"POST /release HTTP/1.0\\r\\nContent-Length: 3\\r\\n\\r\\na=b")
print(connection.recv(100).decode().partition("\\r")[0])
"""


def test_what_a_program_has_taken_and_not_read_yet_when_it_is_restarted_is_answered(operator):
    launcher = "/usr/local/lib/coopinfra/asgi"

    def late(waits):
        operator.root(f"sed -i 's/^SECONDS = .*/SECONDS = {waits}/' {launcher}; systemctl restart highbeam-letters@web")
        wait_for("the program", lambda: "first" in ask(operator, "https://letters.highbeam.example/release"))
        return operator.root(f"python3 -c {shlex.quote(LATE)} 0.8 2>&1 || true")

    operator.root(f"cp -a {launcher} {launcher}.kept")
    answered, control = late(1.5), late(0)
    operator.root(f"mv {launcher}.kept {launcher}; systemctl restart highbeam-letters@web")

    assert "200" in answered
    assert "200" not in control, "by itself uvicorn closes it"


def test_a_release_that_is_not_well_never_goes_live(operator):
    before = state(operator)
    sick = (
        'if path == "/slow"',
        'if path == "/release":\n        raise RuntimeError("no stock left")\n    if path == "/slow"',
    )

    with edited(operator, "apps/shop/shop.py", *sick):
        ran = operator.run("site", "deploy", "highbeam", "shop", "--yes")

    assert ran.returncode == 3
    assert "asked for /release, it answers with 500" in ran.stderr
    assert "no stock left" in ran.stderr
    assert "the release before is served still" in ran.stderr
    assert state(operator) == before
    assert ask(operator, "https://shop.highbeam.example/release") == "first"


def test_an_application_reaches_nobody_elses_secrets_files_or_network(operator):
    listener = operator.start(sys.executable, "-m", "http.server", "--bind", "198.51.100.7", "8000")
    try:
        worked = {each: on_box(operator, as_the_board(each)) for each in TRIES}
        planted = {each: on_box(operator, by_whom_it_works(each)) for each in TRIES}
    finally:
        listener.kill()
        listener.communicate()
        operator.root("rm -f /usr/local/here /srv/sites/highbeam-board/current/here")

    assert [each for each, did in worked.items() if did] == []
    assert [each for each, did in planted.items() if not did] == [], "the control"


def as_the_board(command):
    """Return the command that runs another as a program of the board: as its user, and seeing what it sees."""
    user = "--reuid=highbeam-board --regid=highbeam-board --clear-groups --no-new-privs"
    inside = "nsenter -t $(systemctl show -P MainPID highbeam-board@web) -m -n -i"
    return f"{PIDS}; {inside} setpriv {user} sh -c '{command}' >/dev/null 2>&1"


def by_whom_it_works(command):
    return f"{PIDS}; cd /; {TRIES[command]} >/dev/null 2>&1"


def test_killed_in_the_middle_the_old_release_is_served_and_the_next_run_finishes(operator):
    before = state(operator)
    with edited(operator, "apps/shop/shop.py", '"first"', '"third"'):
        with edited(operator, "apps/shop/build.sh", "true", "sleep 50"):
            with running(operator, "site", "deploy", "highbeam", "shop", "--yes") as deploy:
                wait_for("the build", lambda: builds(operator), seconds=120)
                deploy.signal(9)
            # And what the server still does for it, as a power cut would; systemd goes on with what it was asked for.
            operator.root("pkill -9 -f '[.]incoming' || true")
            went_on, served = builds(operator), ask(operator, "https://shop.highbeam.example/release")

        ran = operator.ok("site", "deploy", "highbeam", "shop", "--yes")
        shown = ask(operator, "https://shop.highbeam.example/release")
    operator.ok("site", "deploy", "highbeam", "shop", "--yes")

    assert went_on, "the control: the build goes on by itself"
    assert (served, shown) == ("first", "third")
    assert "stopped at: Publish /srv/sites/highbeam-shop" in ran.stderr, ran.stderr
    assert not builds(operator)
    left = set(state(operator).splitlines()) - set(before.splitlines())
    assert all(re.fullmatch("[0-9a-f]{12}", each) for each in left), left


@pytest.mark.rest
def test_killed_in_the_middle_of_a_migration_the_data_is_as_it_was_and_the_next_run_finishes(operator):
    columns = (
        "cd / && runuser -u highbeam-shop -- psql -XAtq -d highbeam-shop -c \"SELECT string_agg(column_name, ',')"
        " FROM information_schema.columns WHERE table_name = 'orders'\""
    )
    migrating = "pgrep -f 'shop.py migrat[e]' >/dev/null"
    before = operator.root(columns)
    rows = operator.root("/usr/local/lib/coopinfra/postgresql count highbeam-shop")
    program = "apps/shop/shop.py"
    with edited(operator, program, *MIGRATION), edited(operator, program, '"first"', '"fourth"'):
        with running(operator, "site", "deploy", "highbeam", "shop", "--yes") as deploy:
            wait_for("the migration", lambda: on_box(operator, migrating), seconds=120)
            deploy.signal(9)
            operator.root("sleep 1; pkill -9 -f 'shop.py migrat[e]'")
        # What the killed one has locked is free again without anybody's help: the page asks that table.
        wait_for("the page", lambda: ask(operator, "https://shop.highbeam.example/").startswith("first:"), seconds=60)
        between = operator.root(columns), ask(operator, "https://shop.highbeam.example/release")
        same = operator.root("/usr/local/lib/coopinfra/postgresql count highbeam-shop") == rows

        with edited(operator, program, "pg_sleep(40)", "pg_sleep(0)"):
            operator.ok("site", "deploy", "highbeam", "shop", "--yes")
            after = operator.root(columns), ask(operator, "https://shop.highbeam.example/release")
    operator.ok("site", "deploy", "highbeam", "shop", "--yes")

    assert between == (before, "first")
    assert same, "no order was lost or added"
    assert after == (f"{before.strip()},note\n", "fourth")


@pytest.mark.rest
@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("build.sh", "true", "echo no such theme; exit 4", "no such theme\n    its build failed"),
        ("build.sh", "true", "sleep 300", "its build did not end within 1 minutes, and was ended"),
        ("build.sh", "true", "head -c 200M /dev/zero >big", "its build found the disk full"),
        ("build.sh", "true", "curl -sS --max-time 5 http://198.51.100.7:8000/", "its build failed"),
        ("requirements.txt", "psycopg==", "psycopg-not-hashed\npsycopg==", "fetching what it needs failed"),
        ("requirements.txt", "gunicorn==", "# gunicorn==", "fetching what it needs failed"),
    ],
    ids=["fails", "hangs", "full", "network", "unhashed", "nothing"],
)
def test_a_release_that_cannot_be_made_is_refused_with_its_reason_and_nothing_is_left(operator, file, old, new, said):
    path = "/srv/sites/highbeam-shop"
    before = state(operator)
    if "disk full" in said:
        operator.root(
            "mkdir -p /run/small && mount -t tmpfs -o size=150m tmpfs /run/small "
            f"&& cp -a {path} /run/small/ && mount --bind /run/small/highbeam-shop {path}"
        )
    try:
        with edited(operator, f"apps/shop/{file}", old, new):
            ran = operator.run("site", "deploy", "highbeam", "shop", "--yes")
        served, after = ask(operator, "https://shop.highbeam.example/release"), state(operator)
    finally:
        if "disk full" in said:
            operator.root(f"umount {path}; umount /run/small")

    assert ran.returncode == 3
    assert said in ran.stderr, ran.stderr
    assert "the release before is served still" in ran.stderr
    assert (served, after) == ("first", before)


@pytest.mark.rest
def test_logs_have_what_programs_wrote_and_a_shell_is_that_of_the_application(operator):
    # The job says something every few seconds, so what the program said at its start may be long ago.
    operator.root("systemctl restart highbeam-shop@web.service; systemctl start highbeam-shop@job-count.service")
    ask(operator, "https://shop.highbeam.example/release")
    said = operator.ok("site", "logs", "highbeam", "shop").stdout
    argv = operator.argv("site", "shell", "highbeam", "shop")
    ran = subprocess.run(
        labs.exec_argv(operator.lab, argv), input="id -un\nexit\n", capture_output=True, text=True, check=False
    )

    assert "/release" in said
    assert "gunicorn" in said
    assert "job-count" in said
    assert "highbeam-shop" in ran.stdout, ran.stderr


def builds(operator):
    return on_box(operator, "[ $(systemctl show -P ActiveState highbeam-shop@build) = activating ]")
