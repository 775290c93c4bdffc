"""Sites in PHP and WordPress on a real Debian 13: people write in a browser, visitors read, and nobody breaks in."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import browser
from coopinfra.deploy.lab import host
from coopinfra.deploy.lab import lab as labs

pytestmark = pytest.mark.timeout(600)

BLOG = "https://blog.highbeam.example"
SITES = """\
          blog:
            domain: blog.highbeam.example
            kind: wordpress
            title: "High Beam's blog"
            administrator: rosa
            administrator_email: rosa@highbeam.example
"""
# The smallest picture that is one.
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def operator(machine):
    org = machine.folder / "org.yml"
    org.write_text(org.read_text().rstrip("\n") + "\n" + SITES)
    machine.publish()
    machine.ok("deploy", "highbeam", "--yes")
    return machine


def ask(operator, url, *options):
    """Ask as a visitor; return the status and the body."""
    ran = operator.outside("curl", "-sS", "--max-time", "30", "-w", "\n%{http_code}", *options, url)
    body, _, status = ran.stdout.rpartition("\n")
    return int(status), body


def secret(operator, name):
    return operator.ok("secrets", "show", "highbeam", f"web1/website/{name}").stdout.strip()


def test_a_further_deploy_has_nothing_to_change_and_all_checks_are_green(operator):
    ran = operator.ok("deploy", "highbeam", "--yes")

    assert "web1: nothing to change" in ran.stderr
    assert " 0 red" in operator.ok("check", "highbeam").stdout


def test_somebody_logs_in_writes_and_uploads_in_a_browser_and_visitors_see_it(operator, tmp_path):
    host.require(print, browser.NEEDS)
    (tmp_path / "beam.png").write_bytes(PICTURE)
    told = {
        "url": BLOG,
        "gate": f"editor:{secret(operator, 'blog-gate')}",
        "user": "rosa",
        "password": secret(operator, "blog-administrator"),
        "title": "The first harvest",
        "text": "Roasted on Tuesday.",
        "picture": str(tmp_path / "beam.png"),
    }

    argv = (sys.executable, str(Path(browser.__file__)))
    ran = labs.run(operator.lab, argv, given=json.dumps(told))

    assert ran.returncode == 0, ran.stderr
    made = json.loads(ran.stdout)
    status, page = ask(operator, made["post"])
    assert status == 200
    assert "The first harvest" in page
    assert "Roasted on Tuesday." in page
    assert "The first harvest" in ask(operator, BLOG)[1]
    assert "/wp-content/uploads/" in made["picture"]
    assert ask(operator, made["picture"], "-o", "/dev/null")[0] == 200
    wrong = ask(operator, f"{BLOG}/wp-login.php", "-u", f"editor:{told['password']}")
    assert wrong[0] == 401, "the control: the gate has a password of its own"
