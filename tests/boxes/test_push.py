"""Sites that people publish by `git push`: what goes live, what is refused, and all that their keys cannot do."""

from __future__ import annotations

import pytest

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
