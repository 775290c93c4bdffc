"""Sites that people publish by `git push`: what goes live, what is refused, and all that their keys cannot do."""

from __future__ import annotations

import shlex

import pytest

from coopinfra.deploy.lab import lab as labs
from pushing import Pusher, make_key

pytestmark = pytest.mark.timeout(480)

PAGE = "<!doctype html><p>{}\n"
SUBMODULE = "160000 commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904 theme"
# What a commit may not hold, and what the server says of it.
STRANGE = {
    "link": (["120000 blob @ secret.txt"], "secret.txt is a link"),
    "submodule": ([SUBMODULE], "theme is a submodule"),
    "dots": (["100644 blob @ .."], "hasDotdot"),
    "git": (["100644 blob @ .git"], "hasDotgit"),
    "many": ([f"100644 blob @ page{number}" for number in range(50_001)], "it has more than 50000 files"),
}


def source(**keys):
    return "{push: {" + ", ".join(f'{name}: "{key}"' for name, key in keys.items()) + "}}"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def rosa(machine, keys):
    key = make_key(keys, "rosa")
    org = machine.folder / "org.yml"
    org.write_text(org.read_text().replace("source: {folder: sites/main}", f"source: {source(rosa=key)}"))
    machine.publish()
    said = machine.ok("deploy", "highbeam", "--yes").stdout
    assert "waits for the first `git push ssh://highbeam-main-push@web1.highbeam.example/main main`" in said, said
    pusher = Pusher(machine, keys / "rosa", keys / "copy")
    pusher.begin({"index.html": PAGE.format("first")})
    return pusher


def shown(pusher, path="/"):
    ran = pusher.operator.outside("curl", "-sS", "--max-time", "20", f"https://www.highbeam.example{path}")
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
    assert " 0 red" in rosa.operator.ok("check", "highbeam").stdout
    releases = rosa.operator.ok("site", "releases", "highbeam").stdout
    assert f"*{commit[:12]}" in releases
    assert "pushed by rosa at 20" in releases
    assert f"commit {commit}" in releases


@pytest.mark.parametrize(
    "what", ["link", "dots", *(pytest.param(each, marks=pytest.mark.rest) for each in ("submodule", "git", "many"))]
)
def test_what_a_commit_may_not_hold_is_refused_with_its_reason_and_nothing_is_kept(rosa, what):
    entries, said = STRANGE[what]
    before = state(rosa)

    ran = rosa.push(f"{rosa.strange(*entries)}:main")

    assert ran.returncode == 1, ran.stderr
    assert said in ran.stderr, ran.stderr
    assert state(rosa) == before
    assert "www.highbeam.example shows" in live(rosa, {"index.html": PAGE.format(f"after {what}")}), "the control"


# Ways to do more with the key than to push its own site: options of ssh, and the command that is asked for.
MORE = {
    "a shell": (("-tt",), ""),
    "a command": ((), "id"),
    "a command after": ((), "git-receive-pack 'main'; id"),
    "a command within": ((), "git-receive-pack '$(id)'"),
    "another program of git": ((), "git-upload-archive 'main'"),
    "an option": ((), "git-upload-pack --strict 'main'"),
    "a program in an option": ((), "git-upload-pack '--upload-pack=id'"),
    "a file": ((), "git-upload-pack '/srv/data/highbeam-main.git'"),
    "another site": ((), "git-receive-pack 'letters'"),
    "a folder above": ((), "git-upload-pack '../highbeam-letters.git'"),
    "scp": ((), "scp -f /etc/passwd"),
    "the publisher": ((), "sudo /etc/coopinfra/sites/highbeam-main/publish"),
    "the environment": (("-oSetEnv=GIT_CONFIG_COUNT=1 LD_PRELOAD=/tmp/x SSH_ORIGINAL_COMMAND=x",), "id"),
    "sftp": (("-s",), "sftp"),
}


@pytest.mark.parametrize("what", MORE)
def test_the_key_does_nothing_but_to_push_its_site(rosa, what):
    options, command = MORE[what]

    ran = rosa.asks(*options, rosa.login, *filter(None, [command]))

    assert ran.returncode != 0
    assert "this key is for the site main and nothing else" in ran.stderr + ran.stdout, ran
    assert "uid=" not in ran.stdout
    assert "root:x" not in ran.stdout


def test_what_the_key_cannot_do_an_operators_can(rosa):
    """The control: the same words are understood by the same server."""
    argv = labs.ssh_argv(rosa.operator.lab, "web1")
    sftp = (*argv[:-1], "-s", argv[-1], "sftp")

    assert "uid=" in rosa.operator.outside(*argv, "id").stdout
    assert "root:x" in rosa.operator.outside(*argv, "cat /etc/passwd").stdout
    assert rosa.operator.outside("sh", "-c", f"printf '\\0\\0\\0\\5\\1\\0\\0\\0\\3' | {shlex.join(sftp)}").stdout


def test_nothing_is_forwarded_by_two_locks_and_with_both_open_it_is(rosa):
    keys, sshd = "/etc/ssh/authorized_keys.d/highbeam-main-push", "/etc/ssh/sshd_config.d/00-coopinfra.conf"
    forwards = lambda: rosa.asks("-W127.0.0.1:22", rosa.login).stdout  # noqa: E731
    listens = lambda: rosa.asks("-N", "-oExitOnForwardFailure=yes", "-R8000:127.0.0.1:80", rosa.login)  # noqa: E731

    locked, refused = forwards(), listens()
    rosa.operator.root(f"cp -p {keys} /run/keys; cp -p {sshd} /run/sshd; sed -i 's/^restrict,//' {keys}")
    one_lock = forwards()
    rosa.operator.root(f"sed -i 's/^DisableForwarding.*//' {sshd}; systemctl reload ssh.service")
    try:
        open_to_all = forwards()
    finally:
        rosa.operator.root(f"cp -p /run/keys {keys}; cp -p /run/sshd {sshd}; systemctl reload ssh.service")

    assert (locked, one_lock) == ("", "")
    assert "remote port forwarding failed" in refused.stderr
    assert open_to_all.startswith("SSH-2.0"), "the control"
