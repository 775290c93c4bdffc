"""The round-trip budget: from empty, and where nothing needs to be done, within so many exec channels."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from coopinfra.deploy.lab import lab as labs
from coopinfra.deploy.lab.state import BoxSpec
from examples import examples, plan_of

pytestmark = pytest.mark.timeout(480)

FROM_EMPTY, COMPARE, CONVERGE = 18, 4, 3
GIT = re.compile(r"source:\n +git: .*\n +ref: .*")
# This site in PHP has what the world sees in a folder of its own.
FROM_GIT = "{git: https://git.highbeam.example/rosa/orders.git, ref: v1.2}"
# What builds its site is not on every machine that runs the tests.
BUILDER, BUILD = "command: hugo --minify, version: hugo version", "command: 'cp -r . /tmp/made && mv /tmp/made public'"


def deployable(text):
    """Let an example be deployed in a lab: its SSH is where a new machine has it, its sites have their files here."""
    text = text.replace(FROM_GIT, "{folder: sites/orders}")
    return GIT.sub("source: {folder: sites/main}", text.replace("    port: 2222\n", "")).replace(BUILDER, BUILD)


def count(operator, *words, script="noop.py"):
    ran = operator.outside(sys.executable, str(Path(__file__).with_name(script)), *words)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def have_others(name, example):
    """Have a box for each further server of an example, such as the one that keeps its backups."""
    there = {box.address for box in labs.load(name).boxes}
    for each in plan_of(example.path.read_text()).servers[1:]:
        if each.server.address not in there:
            spec = BoxSpec(f"beside-{each.server.id}", each.server.address, organisation="highbeam")
            labs.add_box(labs.load(name), spec)


# The site with the most settings has the most to ask for; the others take turns. Applications and WordPress are counted
# where some are deployed; a tenant needs a machine of somebody else's, and asks for what a site's example asks for.
ELSEWHERE = ("website-applications", "website-wordpress", "tenant-full", "tenant-minimal")
EXAMPLES = [
    pytest.param(each, marks=() if str(each) == "website-full" else pytest.mark.rest)
    for each in examples()
    if str(each) not in ELSEWHERE
]


def test_the_sample_organisation_is_deployed_from_empty_within_the_budget(machine):
    machine.publish()

    counted = count(machine, script="from_empty.py")

    # With names that lead here, the examples below would ask for certificates, also of an authority that is nowhere.
    labs.publish(machine.lab, "highbeam.example", "")
    assert {"Install Debian packages", "Write files", "Start, reload or restart units"} <= set(counted["changed"])
    assert counted["channels"] <= FROM_EMPTY
    assert counted["said"] > 2 * FROM_EMPTY, "the control: each by itself, these would take more"


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_a_roles_example_that_needs_nothing_stays_within_the_budget(machine, example):
    (machine.folder / "org.yml").write_text(deployable(example.path.read_text()))
    seen = machine.folder / "sites/orders/public"
    seen.mkdir(parents=True, exist_ok=True)
    (seen / "index.php").write_text("<?php echo 'Orders';")
    have_others(machine.lab.name, example)
    machine.ok("deploy", "highbeam", "--yes")

    counted = count(machine)

    assert counted["changed"] == []
    assert counted["operations"] > 10, "the control: a whole converge was run"
    assert counted["compare"] <= COMPARE
    assert counted["converge"] <= CONVERGE


def test_the_control_without_asking_ahead_and_keeping_answers_the_same_takes_more(machine):
    counted = count(machine, "forgetful")

    assert counted["changed"] == []
    assert counted["compare"] > COMPARE
    assert counted["converge"] > CONVERGE
