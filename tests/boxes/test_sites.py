"""Several sites on one server, asked by a client from outside: names, moved pages, limits, maintenance, releases."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from coopinfra.deploy.lab import lab as labs
from faults import held, on_box, running, wait_for

pytestmark = pytest.mark.timeout(480)

SITES = """
            also: [coffee.highbeam.example]
            redirects: {/menu.html: /menu/}
            requests_a_second: 0
          blog:
            domain: blog.highbeam.example
            source: {folder: sites/blog}
            build: {command: sh make.sh, output: pages, version: echo pages 1.0}
          members:
            domain: members.highbeam.example
            kind: proxy
            to: http://127.0.0.1:8080
            upload_size: 1M
            requests_a_second: 2
      nginx:
        http3: true
"""
BUILDER = "mkdir pages; { date; echo made with ${SECRET:-nothing}; } >pages/index.html; cp *.css pages\n"
PROGRAM = """
import http.server
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"])); self.do_GET()
http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Answer).serve_forever()
"""
# Asks again and again, over new connections, until its input ends; counts each answer, and what was none.
LOAD = """
import collections, json, select, sys, urllib.request
counted = collections.Counter()
while not select.select([sys.stdin], [], [], 0)[0]:
    try:
        with urllib.request.urlopen(sys.argv[1], timeout=10) as answer:
            counted[answer.read().decode().strip()] += 1
    except OSError as error:
        counted[f"failed: {error}"] += 1
print(json.dumps(counted))
"""


# A QUIC packet of a version that nobody speaks: whoever speaks QUIC answers with the versions that it does. RFC 9000, 6
QUIC = """
import socket, sys
greeting = b"\\xc0\\x1a\\x2a\\x3a\\x4a\\x08whatever\\x08somebody".ljust(1200, b"\\0")
for port in map(int, sys.argv[1:]):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(3)
        line.sendto(greeting, ("203.0.113.10", port))
        try:
            print(port, (1).to_bytes(4, "big") in line.recv(2000))
        except OSError as error:
            print(port, type(error).__name__)
"""


@pytest.fixture(scope="module")
def operator(machine):
    org = machine.folder / "org.yml"
    org.write_text(org.read_text().rstrip("\n") + SITES)
    blog = machine.folder / "sites/blog"
    blog.mkdir()
    (blog / "make.sh").write_text(BUILDER)
    (blog / "look.0a1b2c3d4e.css").write_text("a { color: red }\n")
    machine.publish()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET", "of the operator")
        machine.ok("deploy", "highbeam", "--yes")
    machine.root(
        f"cat >/run/program.py <<'END'\n{PROGRAM}END\n"
        "apt-get install -yqq python3-minimal curl >/dev/null 2>&1; "
        "systemd-run --quiet --unit=program python3 /run/program.py"
    )
    return machine


@contextmanager
def under_load(operator):
    """Ask for the start page again and again; yield what holds the count of each answer, once it has ended."""
    argv = labs.exec_argv(operator.lab, [sys.executable, "-c", LOAD, "https://www.highbeam.example/"])
    load, counted = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True), {}
    try:
        yield counted
    finally:
        counted.update(json.loads(load.communicate(timeout=60)[0]))


def ask(operator, url, *options):
    """Ask as a visitor; return the status, the headers and the body."""
    ran = operator.outside("curl", "-sS", "-i", "--max-time", "20", *options, url)
    head, _, body = ran.stdout.replace("\r\n", "\n").partition("\n\n")
    while body.startswith("HTTP/"):
        head, _, body = body.partition("\n\n")
    lines = head.splitlines() or ["- 0"]
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    return int(lines[0].split()[1]), headers, body


def test_each_site_answers_under_each_of_its_names_and_moved_pages_lead_on(operator):
    shown = {name: ask(operator, f"https://{name}.highbeam.example/") for name in ("www", "coffee", "blog", "members")}
    moved = ask(operator, "https://www.highbeam.example/menu.html")

    assert {name: status for name, (status, _, _) in shown.items()} == dict.fromkeys(shown, 200)
    assert shown["www"][2] == shown["coffee"][2] != shown["blog"][2]
    assert shown["members"][2] == "ok"
    assert (moved[0], moved[1]["location"]) == (308, "https://www.highbeam.example/menu/")
    assert " 0 red" in operator.ok("check", "highbeam").stdout


def test_a_site_is_made_without_the_operators_secrets_and_what_was_run_is_recorded(operator):
    page = ask(operator, "https://blog.highbeam.example/")[2]
    again = operator.ok("deploy", "highbeam", "--yes").stderr
    listed = operator.ok("site", "releases", "highbeam").stdout

    assert "made with nothing" in page
    assert "web1: nothing to change" in again
    assert re.search(r"made of [0-9a-f]{12} by `sh make.sh` \(pages 1.0\) in [0-9.]+ s, which ended with 0", listed)


@pytest.mark.parametrize(
    ("command", "said"),
    [("echo no such theme; exit 4", "ended with 4\n    no such theme"), ("mkdir pages; touch pages/x", "start page")],
)
def test_a_site_that_cannot_be_made_or_shown_never_goes_live(operator, command, said):
    script, served = operator.folder / "sites/blog/make.sh", operator.root("ls -l /srv/sites/highbeam-blog/current")
    script.write_text(command)

    ran = operator.run("site", "deploy", "highbeam", "blog", "--yes")
    script.write_text(BUILDER)

    assert ran.returncode == (2 if "exit" in command else 3)
    assert said in ran.stderr
    assert operator.root("ls -l /srv/sites/highbeam-blog/current") == served
    assert operator.root("ls -A /srv/sites/highbeam-blog/releases | wc -l").strip() == "1"
    assert ask(operator, "https://blog.highbeam.example/")[0] == 200


def test_browsers_keep_what_never_changes_and_ask_again_for_pages(operator):
    page, style = (ask(operator, f"https://blog.highbeam.example/{path}")[1] for path in ("", "look.0a1b2c3d4e.css"))

    assert page["cache-control"] == "max-age=0"
    assert style["cache-control"] == "max-age=31536000"
    assert ask(operator, "https://www.highbeam.example/style.css")[1]["cache-control"] == "max-age=3600"
    for headers in (page, style):
        assert headers["x-content-type-options"] == "nosniff", "a header of one answer must not cost those of all"
    squeezed = ask(operator, "https://www.highbeam.example/style.css", "-I", "-H", "Accept-Encoding: br")[1]
    assert squeezed["content-encoding"] == "br"


def test_what_is_missing_too_large_too_often_or_dead_is_told_in_the_organisations_languages(operator):
    missing = ask(operator, "https://www.highbeam.example/nowhere")
    hidden = ask(operator, "https://www.highbeam.example/.git/config")
    large = ask(operator, "https://members.highbeam.example/", "-F", "file=@/bin/bash", "-H", "Expect:")
    # At once, as one after another may be slow enough to be let through.
    at_once = ("curl", "-sZ", "--parallel-max", "40", "-o", "/dev/null", "-w", "%{http_code}\n")
    often = operator.outside(*at_once, "https://members.highbeam.example/?[1-40]").stdout.split()
    time.sleep(2)
    operator.root("systemctl stop program")
    dead = ask(operator, "https://members.highbeam.example/")

    for status, headers, body in (missing, hidden, dead):
        assert 'lang="en"' in body, status
        assert 'lang="es"' in body, status
        assert headers["x-content-type-options"] == "nosniff"
    assert (missing[0], hidden[0], large[0], dead[0]) == (404, 404, 413, 502)
    assert "too large" in large[2]
    assert set(often) == {"200", "429"}
    assert 10 <= often.count("200") <= 16, often


def test_maintenance_closes_a_site_at_once_without_a_deploy_and_no_other(operator):
    operator.ok("site", "maintenance", "highbeam", "main", "on")
    closed = ask(operator, "https://www.highbeam.example/beam.svg")
    sent = ask(operator, "https://coffee.highbeam.example/", "-d", "a=b")
    other = ask(operator, "https://blog.highbeam.example/")
    listed = operator.data("site", "list", "highbeam")
    deployed = operator.ok("deploy", "highbeam", "--yes").stderr
    still = ask(operator, "https://www.highbeam.example/")[0]
    operator.ok("site", "maintenance", "highbeam", "main", "off")

    assert (closed[0], sent[0], still, other[0]) == (503, 503, 503, 200)
    assert closed[1]["retry-after"] == "120"
    assert "We are working on this site" in closed[2]
    assert "Estamos trabajando en este sitio" in closed[2]
    assert {site["name"]: site["maintenance"] for site in listed} == {"main": True, "blog": False, "members": False}
    assert "web1: nothing to change" in deployed
    assert ask(operator, "https://www.highbeam.example/")[0] == 200


def test_one_site_is_published_alone_and_under_load_neither_that_nor_the_way_back_fails_a_request(operator):
    page = operator.folder / "sites/main/index.html"
    good = page.read_text()
    org = operator.folder / "org.yml"
    text = org.read_text()
    org.write_text(text.replace("upload_size: 1M", "upload_size: 2M"))
    first, second = good.strip(), "<h1>The second</h1>"

    with under_load(operator) as counted:
        page.write_text(second)
        ran = operator.ok("site", "deploy", "highbeam", "main", "--yes")
        operator.ok("site", "rollback", "highbeam", "main")
    with under_load(operator) as control:
        operator.root("cd /srv/sites/highbeam-main && mv current aside && sleep 1 && mv -T aside current")
    page.write_text(good)
    org.write_text(text)

    assert "publish release /srv/sites/highbeam-main" in ran.stderr
    assert "other changes wait for `coopinfra deploy highbeam`" in ran.stderr
    assert set(counted) == {first, second}, {answer[:80]: count for answer, count in counted.items()}
    # Shown with `-s`.
    sys.stderr.write(f"{counted[first]} and {counted[second]} requests to the one and the other, 0 failed\n")
    assert counted[second] > 10
    assert [answer for answer in control if answer.startswith("failed: ")], (
        "the control: the link was away for a second"
    )
    assert operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"


@pytest.mark.rest
def test_browsers_see_a_change_that_is_as_long_as_what_was_there(operator):
    page = operator.folder / "sites/main/index.html"
    good = page.read_text()
    url = "https://www.highbeam.example/"
    page.write_text(good.replace("e", "a", 1))

    old = ask(operator, url)[1]
    same = ask(operator, url, "-H", f"If-None-Match: {old['etag']}")[0]
    operator.ok("site", "deploy", "highbeam", "main", "--yes")
    changed = ask(operator, url, "-H", f"If-None-Match: {old['etag']}")
    operator.ok("site", "rollback", "highbeam", "main")
    back = ask(operator, url)[1]
    page.write_text(good)

    assert same == 304, "the control"
    assert changed[0] == 200
    assert changed[1]["content-length"] == old["content-length"]
    assert changed[1]["last-modified"] != old["last-modified"]
    assert back["etag"] == old["etag"]


def test_the_log_of_a_site_has_its_own_visits_with_shortened_addresses(operator):
    ask(operator, "https://blog.highbeam.example/only-here")

    lines = operator.ok("site", "logs", "highbeam", "blog", "--lines", "20").stdout.splitlines()
    addresses = {line.split()[0] for line in lines}

    assert any("/only-here" in line for line in lines)
    assert "/only-here" not in operator.ok("site", "logs", "highbeam", "main").stdout
    assert addresses
    assert all(address.endswith((".0", "::")) for address in addresses), addresses
    assert operator.root("grep -rl only-here /var/log/nginx").split() == ["/var/log/nginx/highbeam-blog.log"]
    with running(operator, "site", "logs", "highbeam", "blog", "--follow", "--lines", "0") as followed:
        wait_for("what is followed", lambda: on_box(operator, "pgrep -f 'tail -n 0 -[F]' >/dev/null"), seconds=20)
        assert followed.process.poll() is None
    assert not on_box(
        operator, "pgrep -f 'tail -n 0 -[F]' >/dev/null && sleep 5 && pgrep -f 'tail -n 0 -[F]' >/dev/null"
    )


def test_a_shell_is_that_of_the_sites_user_in_its_folder(operator):
    argv = operator.argv("site", "shell", "highbeam", "main")
    ran = subprocess.run(
        labs.exec_argv(operator.lab, argv),
        input="id -un; pwd; env; exit\n",
        capture_output=True,
        text=True,
        check=False,
    )

    assert "www-data" in ran.stdout, ran.stderr
    assert "/srv/sites/highbeam-main" in ran.stdout


def test_http3_answers_over_udp_and_says_so(operator):
    headers = ask(operator, "https://www.highbeam.example/")[1]
    inside = operator.root(
        "curl -s -o /dev/null -w '%{http_version} %{http_code}' --http3-only --max-time 10 "
        "--resolve www.highbeam.example:443:203.0.113.10 https://www.highbeam.example/"
    )

    outside = operator.outside(sys.executable, "-c", QUIC, "443", "444")

    assert headers["alt-svc"] == 'h3=":443"; ma=86400'
    assert inside == "3 200"
    assert outside.stdout.splitlines() == ["443 True", "444 TimeoutError"]


def test_killed_in_the_middle_of_a_release_the_old_one_is_served_and_the_next_run_finishes(operator):
    page = operator.folder / "sites/main/index.html"
    good = page.read_text()
    page.write_text("<h1>The third</h1>")
    with held(operator, "/usr/bin/tar", in_place=True) as tar:
        with running(operator, "site", "deploy", "highbeam", "main", "--yes") as deploy:
            tar.wait()
            deploy.signal(9)
        served = ask(operator, "https://www.highbeam.example/")[2]
        # And what the server still does for it, as a power cut would.
        operator.root("pkill -9 -f '[.]incoming' || true")

    ran = operator.ok("site", "deploy", "highbeam", "main", "--yes")

    assert served == good
    assert "The third" in ask(operator, "https://www.highbeam.example/")[2]
    assert "changed" in ran.stderr
    assert operator.root("ls -A /srv/sites/highbeam-main/releases | grep -c '^[.]' || true").strip() == "0"


def test_with_a_full_disk_the_old_release_is_served_and_nothing_is_left_of_the_new(operator):
    site = "/srv/sites/highbeam-main"
    look = f"ls -A {site} {site}/releases; readlink {site}/current"
    operator.root(
        f"mkdir -p /run/small && mount -t tmpfs -o size=2m tmpfs /run/small && cp -a {site} /run/small/ "
        f"&& mount --bind /run/small/highbeam-main {site}"
    )
    big = operator.folder / "sites/main/big.bin"
    big.write_bytes(b"x" * 1_500_000)
    before = operator.root(look)

    ran = operator.run("site", "deploy", "highbeam", "main", "--yes")
    after = operator.root(look)
    served = ask(operator, "https://www.highbeam.example/")[0]
    big.unlink()
    operator.root(f"umount {site}; umount /run/small")

    assert ran.returncode == 3
    assert "No space left on device" in ran.stderr, ran.stderr
    assert "the release before is served still" in ran.stderr, ran.stderr
    assert (after, served) == (before, 200)
