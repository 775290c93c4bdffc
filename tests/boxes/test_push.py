"""Sites that people publish by `git push`: what goes live, what is refused, and all that their keys cannot do."""

from __future__ import annotations

import pytest

from faults import locked_by_bruno
from pushing import Pusher, make_key

pytestmark = pytest.mark.timeout(480)

PAGE = "<!doctype html><p>{}\n"


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
    said = machine.ok("deploy", "highbeam", "--yes").stderr
    assert "waits for the first `git push ssh://highbeam-main-push@web1.highbeam.example/main main`" in said, said
    pusher = Pusher(machine, keys / "rosa", keys / "copy")
    pusher.begin(index__html=PAGE.format("first"))
    return pusher


def shown(pusher, path="/"):
    ran = pusher.operator.outside("curl", "-sS", "--max-time", "20", f"https://www.highbeam.example{path}")
    return ran.stdout.strip() or ran.stderr


def test_a_push_goes_live_and_says_so_and_plan_has_nothing_to_change(rosa):
    before = shown(rosa)
    planned = rosa.operator.ok("plan", "highbeam").stdout

    ran = rosa.push()
    commit = rosa.git("rev-parse", "HEAD").stdout.strip()

    assert ran.returncode == 0, ran.stderr
    assert f"remote: www.highbeam.example shows {commit[:12]} now: https://www.highbeam.example/" in ran.stderr
    assert "We are working on this site" in before
    assert planned == "web1: nothing to change\n"
    assert shown(rosa).endswith("<p>first")
    assert rosa.operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"
    assert " 0 red" in rosa.operator.ok("check", "highbeam").stdout
    releases = rosa.operator.ok("site", "releases", "highbeam").stdout
    assert f"*{commit[:12]}" in releases
    assert f"pushed by rosa at 20" in releases
    assert f"commit {commit}" in releases
