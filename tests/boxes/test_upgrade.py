"""This checkout is deployed over the result of the last release; what the CHANGELOG asks for is all there is to do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from boxes import kill, machines
from coopinfra.deploy.lab import lab as labs
from releases import NoRelease, before, by_hand, checkout

ROOT = Path(__file__).parents[2]
SITE = "https://www.highbeam.example/"
# One line for each answer, as long as it runs.
VISITOR = "while :; do curl -s --max-time 5 -o /dev/null -w '%{http_code}\\n' \"$1\"; sleep 0.05; done"

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def release():
    """The last release in its own checkout; without the history there is none to be had."""
    try:
        found = before(ROOT)
    except NoRelease as error:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(error))
    return found, checkout(ROOT, found)


@pytest.fixture(scope="module")
def lab(state_home, release):
    """A lab in which the organisation is described as the release knew it."""
    labs.up("upgrade", (), release[1] / "inventories", lambda line: sys.stderr.write(f"{line}\n") and None)
    made = labs.load("upgrade")
    collective = made.inventories / "collective.yml"
    # Today's lab gives its operator a key for secrets, which the first release has no word for.
    kept = (line for line in collective.read_text().splitlines(keepends=True) if "age_keys:" not in line)
    collective.write_text("".join(kept))
    yield made
    labs.down("upgrade")


@pytest.fixture(scope="module")
def described(release):
    """How the release's operators describe their organisation, and what they run before the first deploy of ours."""
    found, folder = release
    return folder / "inventories", by_hand((ROOT / "CHANGELOG.md").read_text(), found.version)


def prepare(operator, commands):
    ran = operator.outside("sh", "-euc", f'cd "$COOPINFRA_INVENTORIES"\n{commands}')
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def fresh_tree(lab, described):
    """What this checkout makes of a bare machine for the same organisation."""
    inventories, commands = described
    with machines(lab, inventories) as make:
        operator = make()
        operator.publish()
        prepare(operator, commands)
        operator.ok("deploy", "highbeam", "--yes")
        return operator.tree()


@pytest.fixture(scope="module")
def operator(fresh_tree, lab, release, described):
    """Somebody whose machine the release has deployed, and who has updated their checkout."""
    inventories, commands = described
    with machines(lab, inventories) as make:
        operator = make()
        operator.publish()
        old = replace(operator, program=(str(release[1] / ".venv/bin/coopinfra"),))
        assert old.ok("--version").stdout.split()[1] == release[0].version
        old.ok("deploy", "highbeam", "--yes")
        assert old.ok("plan", "highbeam").stdout == "web1: nothing to change\n"
        prepare(operator, commands)
        yield operator


class Visitor:
    """Somebody who asks for the site over and over."""

    def __init__(self, operator, answers: Path) -> None:
        self.answers = answers
        with answers.open("w") as file:
            argv = labs.exec_argv(operator.lab, ("sh", "-c", VISITOR, "visitor", SITE))
            self.process = subprocess.Popen(argv, stdout=file, stderr=subprocess.DEVNULL, start_new_session=True)

    def leave(self) -> list[str]:
        kill(self.process)
        return self.answers.read_text().splitlines()


def test_the_result_of_the_release_is_no_drift_and_is_brought_up_while_the_site_is_served(operator, tmp_path):
    assert operator.run("plan", "highbeam").returncode == 0, "what merely waits is no drift"
    visitor = Visitor(operator, tmp_path / "answers")

    operator.ok("deploy", "highbeam", "--yes")

    answers = visitor.leave()
    assert set(answers) == {"200"}
    assert len(answers) > 10
    assert operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"
    assert " 0 red" in operator.ok("check", "highbeam").stdout


def test_the_tree_is_that_of_a_machine_which_never_saw_the_release(operator, fresh_tree):
    # Where a release of the site came from was not noted then; nobody can say it afterwards.
    assert [line for line in operator.differs_from(fresh_tree) if "/srv/sites/highbeam-main/notes" not in line] == []


def test_the_control_what_a_release_would_leave_behind_and_a_site_that_is_down_are_seen(operator, fresh_tree, tmp_path):
    operator.root("echo left >/etc/nginx/conf.d/of-a-release.conf.old && systemctl stop nginx")
    visitor = Visitor(operator, tmp_path / "answers")
    while not visitor.answers.read_text():
        time.sleep(0.05)

    assert set(visitor.leave()) == {"000"}
    assert len(operator.differs_from(fresh_tree)) >= 2
