"""Sites that people publish by `git push`: what goes live, what is refused, and all that their keys cannot do."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from coopinfra.deploy.lab import lab as labs
from faults import locked_by_bruno, on_box, wait_for
from misuses import ARCHIVES, MORE, SAID, STRANGE, TRIES, WAS_HERE, archive
from pushing import Pusher, make_key

pytestmark = pytest.mark.timeout(480)

BUILD = "{}\nmkdir -p public\n(echo '<!doctype html><p>'; cat *.txt 2>/dev/null || true) >public/index.html\n"
PAGE = "<!doctype html><p>{}\n"
SITES = """
          pages:
            domain: pages.highbeam.example
            source: {push: {rosa: "%(rosa)s"}}
            build: {command: sh make.sh, minutes: 1}
          letters:
            domain: letters.highbeam.example
            kind: python
            source: {push: {rosa: "%(rosa)s"}, ref: live}
            asgi: letters:app
            health: /release
          board:
            domain: board.highbeam.example
            kind: node
            source: {push: {rosa: "%(rosa)s"}, ref: live}
            start: node server.js
            valkey: board
            health: /release
          notes:
            domain: notes.highbeam.example
            kind: php
            source: {push: {rosa: "%(rosa)s"}}
"""
APPS = Path(__file__).parent / "apps"
# Where the release is named, and what in its place is no answer.
UNWELL = {
    "letters": ("letters.py", "said = RELEASE", 'raise RuntimeError("no stock left")'),
    "board": ("server.js", "response.end(release)", 'response.writeHead(500).end(console.error("no stock left"))'),
}


CORE = ("a shell", "a command after", "another site", "sftp")


def with_pushers(text, **keys):
    """Return org.yml with the main site pushed by some, in the place of its folder."""
    pushers = ", ".join(f'{name}: "{key}"' for name, key in keys.items())
    return text.replace("source: {folder: sites/main}", f"source: {{push: {{{pushers}}}}}")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {name: (folder / name, make_key(folder, name)) for name in ("rosa", "sam")}


@pytest.fixture(scope="module")
def rosa(machine, keys):
    org, public = machine.folder / "org.yml", {name: key for name, (_, key) in keys.items()}
    org.write_text(with_pushers(org.read_text().rstrip("\n"), **public) + SITES % public)
    machine.publish()
    said = machine.ok("deploy", "highbeam", "--yes").stderr
    assert "waits for the first `git push ssh://highbeam-main-push@web1.highbeam.example/main main`" in said, said
    pusher = Pusher(machine, keys["rosa"][0], keys["rosa"][0].with_name("main"))
    pusher.begin({"index.html": PAGE.format("first")})
    return pusher


@pytest.fixture(scope="module")
def pushed(rosa):
    """The site of finished pages, published at least once."""
    ran = rosa.push()
    assert ran.returncode == 0, ran.stderr
    return rosa


@pytest.fixture(scope="module")
def pages(rosa):
    """The site that is built on the server, published once."""
    pusher = replace(rosa, site="pages", copy=rosa.copy.with_name("pages"))
    pusher.begin({"make.sh": BUILD.format("true")})
    assert pusher.push().returncode == 0
    return pusher


@pytest.fixture(scope="module")
def applications(rosa):
    """One of each kind, published once."""
    pushers = {name: replace(rosa, site=name, copy=rosa.copy.with_name(name)) for name in UNWELL}
    for name, pusher in pushers.items():
        pusher.begin({path.name: path.read_text() for path in (APPS / name).iterdir() if path.is_file()})
        ran = pusher.push("HEAD:live")
        assert ran.returncode == 0, ran.stderr
    return pushers


def shown(pusher, path="/"):
    host = "www" if pusher.site == "main" else pusher.site
    ran = pusher.operator.outside("curl", "-sS", "--max-time", "20", f"https://{host}.highbeam.example{path}")
    return ran.stdout.strip() or ran.stderr


def live(pusher, files):
    """Push something that goes live; return what the server said."""
    pusher.commit(files)
    ran = pusher.push()
    assert ran.returncode == 0, ran.stderr
    return ran.stderr


def state(pusher):
    """What is there of a site: releases, the one that is served, and the commit that counts."""
    path, login = f"/srv/sites/highbeam-{pusher.site}", f"highbeam-{pusher.site}-push"
    return pusher.operator.root(
        f"ls -A {path} {path}/releases; readlink {path}/current; "
        f"runuser -u {login} -- git -C /srv/data/highbeam-{pusher.site}.git for-each-ref"
    )


def test_a_push_goes_live_and_says_so_and_plan_has_nothing_to_change(rosa):
    before, planned = shown(rosa), rosa.operator.ok("plan", "highbeam").stdout

    ran = rosa.push()
    commit = rosa.git("rev-parse", "HEAD")

    assert ran.returncode == 0, ran.stderr
    assert f"remote: www.highbeam.example shows {commit[:12]} now: https://www.highbeam.example/" in ran.stderr
    assert "We are working on this site" in before
    assert planned == "web1: nothing to change\n"
    assert shown(rosa).endswith("<p>first")
    assert rosa.operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"
    releases = rosa.operator.ok("site", "releases", "highbeam").stdout
    assert f"*{commit[:12]}" in releases
    assert "pushed by rosa at 20" in releases
    assert f"commit {commit}" in releases


@pytest.mark.parametrize(
    "what", ["link", "dots", *(pytest.param(each, marks=pytest.mark.rest) for each in ("submodule", "git", "many"))]
)
def test_what_a_commit_may_not_hold_is_refused_with_its_reason_and_nothing_is_kept(pushed, what):
    entries, said = STRANGE[what]
    before = state(pushed)

    ran = pushed.push(f"{pushed.strange(*entries)}:main")

    assert ran.returncode == 1, ran.stderr
    assert said in ran.stderr, ran.stderr
    assert state(pushed) == before
    assert "www.highbeam.example shows" in live(pushed, {"index.html": PAGE.format(f"after {what}")}), "the control"


@pytest.mark.parametrize(
    "what", [*CORE, *(pytest.param(each, marks=pytest.mark.rest) for each in MORE if each not in CORE)]
)
def test_the_key_does_nothing_but_to_push_its_site(rosa, what):
    options, command = MORE[what]

    ran = rosa.asks(*options, rosa.login, *filter(None, [command]))

    assert ran.returncode != 0
    assert ran.stderr.strip() == SAID.get(what, ran.stderr.strip())
    assert what in SAID or "this key is for the site main and nothing else" in ran.stderr, ran
    assert "uid=" not in ran.stdout
    assert "root:x" not in ran.stdout


def test_what_the_key_cannot_do_an_operators_can(rosa):
    """The control: the same words are understood by the same server."""
    argv = labs.ssh_argv(rosa.operator.lab, "web1")
    greeting = shlex.join([*argv[:-1], "-s", argv[-1], "sftp"])

    assert "uid=" in rosa.operator.outside(*argv, "id").stdout
    assert "root:x" in rosa.operator.outside(*argv, "cat /etc/passwd").stdout
    assert rosa.operator.outside(*argv[:-1], "-tt", argv[-1], "tty").stdout.startswith("/dev/pts/")
    # The first message of SFTP, which a server answers with its version.
    hello = rf"(printf '\0\0\0\5\1\0\0\0\3'; sleep 2) | {greeting} | od -An -tx1"
    assert rosa.operator.outside("sh", "-c", hello).stdout.split()[4:5] == ["02"]


def test_nothing_is_forwarded_by_two_locks_and_with_both_open_it_is(rosa):
    keys, sshd = "/etc/ssh/authorized_keys.d/highbeam-main-push", "/etc/ssh/sshd_config.d/00-coopinfra.conf"
    forwards = lambda: rosa.asks("-W127.0.0.1:22", rosa.login).stdout  # noqa: E731
    listens = lambda: rosa.asks("-N", "-oExitOnForwardFailure=yes", "-R8000:127.0.0.1:80", rosa.login)  # noqa: E731

    locked, refused = forwards(), listens()
    rosa.operator.root(f"cp -p {keys} /run/kept-keys; cp -p {sshd} /run/kept-sshd; sed -i 's/^restrict,//' {keys}")
    one_lock = forwards()
    rosa.operator.root(f"sed -i 's/^DisableForwarding.*//' {sshd}; systemctl reload ssh.service")
    try:
        open_to_all = forwards()
    finally:
        rosa.operator.root(f"cp -p /run/kept-keys {keys}; cp -p /run/kept-sshd {sshd}; systemctl reload ssh.service")
        rosa.operator.root("touch /run/coopinfra/units/ssh.service")

    assert (locked, one_lock) == ("", "")
    assert "remote port forwarding failed" in refused.stderr
    assert open_to_all.startswith("SSH-2.0"), "the control"


def test_somebody_else_fetches_what_was_pushed_and_goes_on_from_there(rosa, keys):
    live(rosa, {"index.html": PAGE.format("rosa's")})
    sam = replace(rosa, key=keys["sam"][0], copy=rosa.copy.with_name("sams"))
    sam.begin({"index.html": PAGE.format("sam's own")})
    refused = sam.push()
    forced = sam.push("--force")
    fetched = sam.operator.outside(*sam.over_git("fetch", "--quiet", f"ssh://{sam.login}/main", "main"))
    sam.git("reset", "--quiet", "--hard", "FETCH_HEAD")

    went = live(sam, {"index.html": PAGE.format("sam's")})
    rosa.git("pull", "--quiet", "--ff-only", str(sam.copy), "main")

    assert refused.returncode == 1
    assert "this would take away what was pushed before" in forced.stderr
    assert fetched.returncode == 0, fetched.stderr
    assert "www.highbeam.example shows" in went
    assert shown(rosa).endswith("<p>sam's")
    assert "pushed by sam at" in rosa.operator.ok("site", "releases", "highbeam").stdout


@pytest.mark.parametrize(
    ("refs", "said"),
    [
        (("main:other",), "the site is made of the branch main, and this is other"),
        (("main:refs/tags/v1",), "the site is made of the branch main, and this is v1"),
        ((":main",), "the branch main is what is served, and cannot be removed"),
        (("main", "main:other"), "this pushes several branches or tags"),
        (("main:refs/heads/../../config",), "refs/heads/../../config"),
        (("main:config",), "this is config"),
        (("--push-option=ci.skip", "main"), "the receiving end does not support push options"),
        (("--receive-pack=id", "main"), "this key is for the site main and nothing else"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_push_of_anything_but_its_branch_is_refused(rosa, refs, said):
    before = state(rosa)

    rosa.commit({"index.html": PAGE.format("not this way")})
    ran = rosa.push(*refs)
    rosa.git("reset", "--quiet", "--hard", "HEAD^")

    assert ran.returncode != 0
    assert said in ran.stderr, ran.stderr
    assert state(rosa) == before


def test_a_site_is_built_on_the_server_and_one_that_cannot_be_is_refused(pages):
    ran = live(pages, {"a.txt": "built\n", "make.sh": BUILD.format("echo building for $(id -un)")})
    before = state(pages)
    pages.commit({"make.sh": "echo no such theme; exit 4\n"})
    refused = pages.push()
    pages.git("reset", "--quiet", "--hard", "HEAD^")

    assert "remote: building for highbeam-pages-build" in ran
    assert shown(pages).endswith("built")
    assert refused.returncode == 1
    assert "remote: no such theme" in refused.stderr
    assert "remote: its build failed" in refused.stderr
    assert "the release before is served still" in refused.stderr
    assert state(pages) == before
    assert shown(pages).endswith("built")


def test_a_build_reaches_nothing_that_is_not_its_own(pages):
    tries = "\n".join(f"if {each} >/dev/null 2>&1; then echo reached: {what}; fi" for what, each in TRIES.items())
    listener = pages.operator.start(sys.executable, "-m", "http.server", "--bind", "198.51.100.7", "8000")
    try:
        said = live(pages, {"make.sh": BUILD.format(f"id\n{tries}")})
        by_root = [what for what, each in TRIES.items() if on_box(pages.operator, f"({each}) >/dev/null 2>&1")]
    finally:
        listener.kill()
        listener.communicate()
        pages.operator.root("rm -f /usr/local/here")

    assert "uid=" in said
    assert "reached" not in said
    assert by_root == [*TRIES], "the control"


@pytest.mark.parametrize(
    ("leaves", "said"),
    [
        ("ln -s /etc/passwd public/passwd", "its build made ./passwd, which is no plain file"),
        ("rm -r public; ln -s /etc public", "its build left nothing in public"),
        ("rm -r public", "its build left nothing in public"),
        pytest.param("mkfifo public/pipe", "its build made ./pipe, which is no plain file", marks=pytest.mark.rest),
        pytest.param("sleep 300", "its build did not end within 1 minutes, and was ended", marks=pytest.mark.rest),
        pytest.param("rm public/index.html; touch public/a", "it has no start page", marks=pytest.mark.rest),
    ],
)
def test_what_a_build_leaves_is_refused_where_it_leads_elsewhere_and_so_is_one_that_does_not_end(pages, leaves, said):
    before = state(pages)

    pages.commit({"make.sh": BUILD.format("true") + leaves + "\n"})
    ran = pages.push()
    pages.git("reset", "--quiet", "--hard", "HEAD^")

    assert ran.returncode == 1, ran.stderr
    assert said in ran.stderr, ran.stderr
    assert state(pages) == before


@pytest.mark.rest
def test_a_build_that_fills_the_disk_is_ended_before_it_is_full_for_all(pages):
    path, before = "/srv/sites/highbeam-pages", state(pages)
    pages.operator.root(
        "mkdir -p /run/small && mount -t tmpfs -o size=150m tmpfs /run/small "
        f"&& cp -a {path} /run/small/ && mount --bind /run/small/highbeam-pages {path}"
    )
    try:
        pages.commit(
            {"make.sh": "for each in $(seq 300); do head -c 1M /dev/zero >big$each; sleep 0.02; done; sleep 50\n"}
        )
        ran = pages.push()
        after, room = state(pages), pages.operator.root(f"df --output=pcent {path} | tail -n 1")
    finally:
        pages.operator.root(f"umount {path}; umount /run/small")
        pages.git("reset", "--quiet", "--hard", "HEAD^")

    assert ran.returncode == 1
    assert "its build found the disk full" in ran.stderr, ran.stderr
    assert after == before
    assert int(room.strip(" %\n")) < 10


@pytest.mark.parametrize("name", UNWELL)
def test_an_application_that_is_not_well_is_refused_and_one_that_is_answers(applications, name):
    pusher, (file, well, unwell) = applications[name], UNWELL[name]
    before, commit = state(pusher), pusher.git("rev-parse", "HEAD")
    good = (pusher.copy / file).read_text()
    pusher.commit({file: good.replace(well, unwell)})
    refused = pusher.push("HEAD:live")
    after, still = state(pusher), shown(pusher, "/release")
    pusher.commit({file: good.replace('"first"', '"second"')})

    went = pusher.push("HEAD:live")

    assert refused.returncode == 1
    assert "no stock left" in refused.stderr
    assert "asked for /release, it answers with 500" in refused.stderr
    assert (after, still) == (before, "first")
    assert went.returncode == 0, went.stderr
    assert shown(pusher, "/release") == "second"
    assert pusher.operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"
    pusher.operator.ok("site", "rollback", "highbeam", name, "--to", commit[:12])
    assert shown(pusher, "/release") == "first"


@pytest.fixture(scope="module")
def notes(rosa):
    """The site in PHP, published once."""
    pusher = replace(rosa, site="notes", copy=rosa.copy.with_name("notes"))
    pusher.begin({"index.php": "<?php echo 'first by ', PHP_SAPI;"})
    ran = pusher.push()
    assert ran.returncode == 0, ran.stderr
    return pusher


def test_a_site_in_php_is_pushed_and_one_that_php_cannot_read_is_refused(notes):
    seen = shown(notes)
    notes.commit({"index.php": "<?php echo 'second"})
    refused = notes.push()
    still = shown(notes)

    second = live(notes, {"index.php": "<?php echo 'second';"})

    assert (seen, still) == ("first by fpm-fcgi", "first by fpm-fcgi")
    assert refused.returncode == 1
    assert "syntax error" in refused.stderr
    assert "notes.highbeam.example shows" in second
    assert shown(notes) == "second"


def test_once_all_are_pushed_nothing_is_red_or_to_change_and_no_deploy_publishes_them(rosa, pages, applications, notes):
    ran = rosa.operator.run("site", "deploy", "highbeam", "pages", "--yes")

    assert ran.returncode == 2
    assert f"git push ssh://{pages.login}/pages" in ran.stderr
    assert rosa.operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"
    assert rosa.operator.red() == {}


def test_while_somebody_deploys_a_push_is_refused_and_nothing_of_it_is_kept(rosa):
    before = state(rosa)
    rosa.commit({"index.html": PAGE.format("after the deploy")})

    with locked_by_bruno(rosa.operator):
        refused = rosa.push()
        meanwhile = state(rosa)
    went = rosa.push()

    assert refused.returncode == 1
    assert "somebody is at work on this server: push again in some minutes" in refused.stderr
    assert meanwhile == before
    assert went.returncode == 0, went.stderr


def test_killed_in_the_middle_the_old_release_is_served_and_the_next_push_goes_live(pages):
    before, page = state(pages), shown(pages)
    pages.commit({"make.sh": BUILD.format("sleep 50")})
    argv = labs.exec_argv(pages.operator.lab, pages.over_git("push", f"ssh://{pages.login}/pages", "main"))
    push = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    wait_for("the build", lambda: builds(pages), seconds=60)
    os.killpg(push.pid, signal.SIGKILL)
    push.wait()
    # And what the server still does for it, as a power cut would.
    pages.operator.root(
        "pkill -9 -f '[h]ighbeam-pages/(publish|release)' || true; pkill -9 -u highbeam-pages-push || true"
    )
    went_on, served = builds(pages), shown(pages)

    said = live(pages, {"make.sh": BUILD.format("true"), "a.txt": "after\n"})

    assert went_on, "the control: the build goes on by itself"
    assert served == page
    assert "pages.highbeam.example shows" in said
    assert shown(pages).endswith("after")
    left = set(state(pages).splitlines()) - set(before.splitlines())
    assert not [each for each in left if "incoming" in each or "trial" in each], left


def builds(pages):
    return on_box(pages.operator, "[ $(systemctl show -P ActiveState highbeam-pages@build) = activating ]")


@pytest.mark.parametrize(
    "what",
    ["through a link", *(pytest.param(each, marks=pytest.mark.rest) for each in ARCHIVES if each != "through a link")],
)
def test_the_publisher_trusts_nobody_who_has_got_hold_of_the_account(pushed, what):
    root, site = pushed.operator.root, "/srv/sites/highbeam-main"
    before, identifier = state(pushed), "a" * 40
    root(f"mkdir -p /run/a/b/c/d/e; echo {archive(ARCHIVES[what])} | base64 -d >/run/archive")
    publish = f"sudo -n /etc/coopinfra/sites/highbeam-main/publish {identifier} rosa"
    strange = "find {} ! -type f ! -type d -o -type f -links +1 -o -perm /6000 -o ! -user root; ls /" + WAS_HERE

    said = root(f"cd /; runuser -u highbeam-main-push -- {publish} </run/archive 2>&1; echo ended with $?")
    found = root(f"{strange.format(site + '/releases')} 2>/dev/null || true")
    if "ended with 0" in said:
        root(f"ln -sfn {before_release(before)} {site}/current; rm -r {site}/releases/{identifier[:12]} {site}/notes/*")
    control = root(f"cd /run/a/b/c/d/e && tar -xPf /run/archive; {strange.format('/run/a')} 2>/dev/null || true")
    root(f"rm -rf /run/a /{WAS_HERE}")

    assert found == "", said
    assert control, "the control"
    assert state(pushed) == before


def before_release(said):
    return next(line for line in said.splitlines() if line.startswith("releases/"))


def test_the_account_becomes_root_for_nothing_else(rosa):
    tries = {
        "id": "sudo -n id",
        "shell": "sudo -n -s",
        "path": "sudo -n /etc/coopinfra/sites/highbeam-main/../highbeam-pages/publish",
        "of another site": "sudo -n /etc/coopinfra/sites/highbeam-pages/publish",
        "who": f"sudo -n /etc/coopinfra/sites/highbeam-main/publish {'a' * 40} '\"; id; \"'",
        "commit": "sudo -n /etc/coopinfra/sites/highbeam-main/publish ../../x rosa",
        "hook": "touch /etc/coopinfra/sites/highbeam-main/hooks/update",
        "rewrite": "sh -c 'echo >>/etc/coopinfra/sites/highbeam-main/hooks/pre-receive'",
        "keys": "sh -c 'echo >>/etc/ssh/authorized_keys.d/highbeam-main-push'",
        "other repository": "ls /srv/data/highbeam-pages.git",
    }
    worked = [
        name
        for name, each in tries.items()
        if on_box(rosa.operator, f"runuser -u highbeam-main-push -- {each} </dev/null 2>/dev/null")
    ]

    assert worked == []
    assert on_box(rosa.operator, "runuser -u highbeam-main-push -- ls /srv/data/highbeam-main.git >/dev/null"), (
        "the control"
    )


def test_who_is_taken_out_of_org_yml_is_out_after_a_deploy_and_so_is_a_site_that_nobody_pushes(rosa, keys):
    sam = replace(rosa, key=keys["sam"][0])
    org = rosa.operator.folder / "org.yml"
    good = org.read_text()
    allowed = sam.asks(sam.login, "git-upload-pack 'main'")
    org.write_text(good.replace(f', sam: "{keys["sam"][1]}"', ""))
    planned = rosa.operator.ok("plan", "highbeam").stdout
    rosa.operator.ok("deploy", "highbeam", "--yes")
    refused = sam.asks(sam.login, "git-upload-pack 'main'")

    live(rosa, {"index.html": PAGE.format("without sam")})

    assert "refs/heads/main" in allowed.stdout, "the control"
    assert "/etc/ssh/authorized_keys.d/highbeam-main-push" in planned
    assert "Permission denied (publickey)" in refused.stderr
    org.write_text(good)
    rosa.operator.ok("deploy", "highbeam", "--yes")
    assert "refs/heads/main" in sam.asks(sam.login, "git-upload-pack 'main'").stdout
