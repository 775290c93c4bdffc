"""First deploys of bare machines: a provider's image, and ones that are killed in the middle."""

from __future__ import annotations

from dataclasses import replace

import pytest

from boxes import WEB1, kill, machines, read_until

pytestmark = pytest.mark.timeout(480)

# Half of the files; the others are of its kind.
STEPS = ("Write files",)
OTHER_STEPS = (
    "Install Debian packages",
    "Make accounts",
    "Write what decides about access",
    "Prove that we can still get in",
    "Publish /srv/sites/highbeam-main",
    "Start, reload or restart units",
)


def test_a_provider_image_is_deployed_without_dns_and_says_what_waits(fresh):
    spec = replace(WEB1, image="provider", first_boot_seconds=10)
    operator = fresh(spec)
    org = operator.folder / "org.yml"
    org.write_text(org.read_text().replace("    address: 203", "    first_login: debian\n    address: 203"))

    ran = operator.ok("deploy", "highbeam", "--yes")

    assert "waits for" in ran.stderr
    for left_by_the_provider in (
        "sudo rule /etc/sudoers.d/90-cloud-init-users",
        "key /home/debian/.ssh/authorized_keys",
    ):
        assert f"here before the first deploy, and stays: {left_by_the_provider}" in ran.stderr
    again = operator.ok("deploy", "highbeam", "--yes")
    assert "web1: nothing to change" in again.stderr
    assert operator.ok("plan", "highbeam").stdout == "web1: nothing to change\n"


@pytest.fixture(scope="module")
def reached(lab):
    """The state that a deploy reaches which nobody interrupts."""
    with machines(lab) as make:
        operator = make()
        operator.publish()
        operator.ok("deploy", "highbeam", "--yes")
        return operator.tree()


@pytest.mark.parametrize("step", [*STEPS, *(pytest.param(step, marks=pytest.mark.rest) for step in OTHER_STEPS)])
def test_killed_in_the_middle_the_next_run_names_it_and_reaches_the_same_state(reached, fresh, step):
    operator = fresh()
    process = operator.start(*operator.argv("deploy", "highbeam", "--yes"))
    read_until(process, step)
    kill(process)

    ran = operator.ok("deploy", "highbeam", "--yes")

    assert "finished what was interrupted" in ran.stderr
    assert f"stopped at: {step}" in ran.stderr
    assert operator.differs_from(reached) == []
    assert "web1: nothing to change" in operator.ok("deploy", "highbeam", "--yes").stderr
