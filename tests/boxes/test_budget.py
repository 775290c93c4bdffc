"""The round-trip budget: each role's example, deployed and then found to need nothing, within so many exec channels."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from examples import examples

pytestmark = pytest.mark.timeout(480)

COMPARE, CONVERGE = 4, 3
GIT = re.compile(r"source:\n +git: .*\n +ref: .*")
# What builds its site is not on every machine that runs the tests.
BUILDER, BUILD = "command: hugo --minify, version: hugo version", "command: 'cp -r . /tmp/made && mv /tmp/made public'"


def deployable(text):
    """Let an example be deployed in a lab: its SSH is where a new machine has it, its sites have their files here."""
    return GIT.sub("source: {folder: sites/main}", text.replace("    port: 2222\n", "")).replace(BUILDER, BUILD)


def count(operator, *words):
    ran = operator.outside(sys.executable, str(Path(__file__).with_name("noop.py")), *words)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


# Whoever names the most of a role's settings has the most to ask for.
EXAMPLES = [pytest.param(each, marks=() if each.path.stem == "full" else pytest.mark.rest) for each in examples()]


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_a_roles_example_that_needs_nothing_stays_within_the_budget(machine, example):
    (machine.folder / "org.yml").write_text(deployable(example.path.read_text()))
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
