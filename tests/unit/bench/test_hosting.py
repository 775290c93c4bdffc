"""The benchmark of websites hosts a site of each kind, and asks stock for the same pages."""

from __future__ import annotations

import shutil
from pathlib import Path

import hosting
from coopinfra.deploy.organisation.load import load_org
from coopinfra.deploy.planning.make import make_plan
from coopinfra.roles.declarations import Website
from hosting import CHANGED, KINDS

ROOT = Path(__file__).parents[3]


def test_the_benchmark_has_a_site_of_each_kind_that_it_measures(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "inventories", tmp_path / "inventories")
    hosting.write(tmp_path / "inventories/highbeam")

    plan = make_plan(load_org(tmp_path / "inventories/highbeam"))

    assert sorted(site.name for site in plan.servers[0].all(Website)) == sorted(KINDS.values())
    assert set(CHANGED) < set(KINDS)
