"""The example in docs/roles.md, tried as it stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/roles.md").read_text()
BLOCK = re.compile(r"\*\*`roles/(holding_page/[^`]+)`\*\*.*?```\w+\n(.*?)```", re.DOTALL)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the roles, add the page's one, and link to everything else."""
    package = tmp_path / "source/coopinfra"
    package.mkdir(parents=True)
    for name in ("cli", "deploy", "templates"):
        (package / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "roles", package / "roles", ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in BLOCK.findall(PAGE):
        target = package / "roles" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    inventories = tmp_path / "inventories"
    (inventories / "highbeam").mkdir(parents=True)
    shutil.copy(ROOT / "inventories/collective.yml", inventories)
    shutil.copy(package / "roles/holding_page/examples/minimal.yml", inventories / "highbeam/org.yml")
    return tmp_path


def coopinfra(copy: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "coopinfra.cli.main", *words],
        env={**os.environ, "PYTHONPATH": str(copy / "source"), "COOPINFRA_INVENTORIES": str(copy / "inventories")},
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_shows_every_file_of_a_role() -> None:
    shown = {path.partition("/")[2] for path, _ in BLOCK.findall(PAGE)}

    assert shown == {
        "__init__.py",
        "files.py",
        "templates/holding.conf.j2",
        "templates/index.html.j2",
        "checks.py",
        "runbook.md.j2",
        "examples/minimal.yml",
    }


def test_one_folder_is_enough_for_plan_dns_and_runbook(copy: Path) -> None:
    coopinfra(copy, "plan", "highbeam", "--offline", "--out", "files")
    zone = coopinfra(copy, "dns", "highbeam")
    coopinfra(copy, "runbook", "highbeam", "--out", "book")

    files = copy / "files/web1/files"
    assert "We are on our way." in (files / "srv/holding/highbeam/index.html").read_text()
    assert "soon.highbeam.example" in (files / "etc/nginx/conf.d/highbeam.conf").read_text()
    assert "soon.highbeam.example. 3600 IN A     203.0.113.10" in zone
    book = (copy / "book/runbook.md").read_text()
    assert "There is a page that announces what is to come." in book
    assert "### holding-page on web1" in book
