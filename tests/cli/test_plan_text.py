"""What `plan` and `deploy` say of a server, whole."""

import pytest

from coopinfra.cli.plan import preview_as_data, preview_lines
from coopinfra.deploy.engine.preview import Preview
from coopinfra.roles.primitives.changes import Change
from coopinfra.roles.primitives.drift import Drift

DIFF = "--- server:/etc/motd\n+++ plan:/etc/motd\n@@ -1 +1 @@\n-by hand\n+declared\n"
HAND = Drift(
    "file", "/etc/motd", "content", 100, "changed 2026-11-25 03:10 UTC; ada ran `sudo vim /etc/motd` right before"
)
KEY = Drift("key", "/root/.ssh/authorized_keys", "owned by root")


@pytest.fixture
def preview():
    return Preview(
        "web1",
        (
            Change("package", "install", "nginx", "1.26.3-3", role="nginx"),
            Change("file", "change", "/etc/motd", "content", role="base"),
            Change("unit", "reload", "nginx.service", "/etc/nginx/nginx.conf changes", role="nginx"),
            Change("file", "remove", "/etc/old"),
        ),
        {"/etc/motd": DIFF},
        interrupted=False,
        drift=(HAND, KEY),
    )


def test_drift_comes_first_and_changes_go_by_role(preview):
    assert (
        "\n".join(preview_lines(preview, diffs=True))
        == """\
web1: 2 differences from the last deploy, by other hands
  file /etc/motd (content)
    changed 2026-11-25 03:10 UTC; ada ran `sudo vim /etc/motd` right before
  key /root/.ssh/authorized_keys (owned by root)
web1: 4 changes
  nginx
    install package nginx (1.26.3-3)
    reload unit nginx.service (/etc/nginx/nginx.conf changes)
  base
    change file /etc/motd (content)
      --- server:/etc/motd
      +++ plan:/etc/motd
      @@ -1 +1 @@
      -by hand
      +declared
  no longer declared
    remove file /etc/old"""
    )


def test_a_deploy_says_the_same_without_the_differences(preview):
    assert preview_lines(preview, diffs=False) == [
        line for line in preview_lines(preview, diffs=True) if not line.startswith("      ")
    ]


def test_drift_that_a_deploy_would_not_undo_is_said_beside_nothing_to_change():
    assert preview_lines(Preview("web1", (), {}, interrupted=False, drift=(KEY,)), diffs=True) == [
        "web1: 1 difference from the last deploy, by other hands",
        "  key /root/.ssh/authorized_keys (owned by root)",
        "web1: nothing to change",
    ]


def test_an_interrupted_deploy_and_what_was_there_before_the_first_are_said():
    change = Change("file", "create", "/etc/motd", role="base")

    assert preview_lines(Preview("web1", (change,), {}, interrupted=True, inherited=(KEY,)), diffs=True) == [
        "web1: 1 change",
        "  the last deploy did not come to its end; this one finishes it",
        "  here before the first deploy, and stays: key /root/.ssh/authorized_keys (owned by root)",
        "  base",
        "    create file /etc/motd",
    ]


def test_programs_get_the_same_as_data(preview):
    data = preview_as_data(preview)

    assert list(data) == ["server", "interrupted", "drift", "inherited", "changes"]
    assert data["drift"][0] == {"what": "file", "subject": "/etc/motd", "detail": "content", "by": HAND.by}
    assert data["changes"][1] == {
        "role": "base",
        "what": "file",
        "action": "change",
        "subject": "/etc/motd",
        "detail": "content",
        "diff": DIFF,
    }
