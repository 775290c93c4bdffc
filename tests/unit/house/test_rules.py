"""The house rules bite: each is broken once, and the linter that holds it must say so."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
DEPLOY = ["jobs", "dns", "checks", "backups", "runbook", "engine", "secrets", "lab", "receipts", "planning"]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """An empty house with our rules: every room there, nothing in it that breaks them."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / ".src", tmp_path / ".src", symlinks=True)
    folders = [
        *(f"deploy/{room}" for room in (*DEPLOY, "organisation")),
        "roles/primitives",
        "roles/website",
        "roles/nginx",
    ]
    for folder in ("cli", "deploy", "roles", "templates", "inventories", *folders):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "__init__.py").write_text('"""A room."""\n')
    (tmp_path / "roles/contract.py").write_text('"""The contract."""\n')
    (tmp_path / "roles/website/files.py").write_text('"""The files."""\n\nimport coopinfra.roles.contract\n')
    return tmp_path


def lint(house: Path, program: str, *arguments: str) -> tuple[int, str]:
    # Before the installed package, which is the real checkout.
    environ = {"PYTHONPATH": str(house / ".src"), "PATH": "/usr/bin:/bin", "COLUMNS": "200"}
    command = [BIN / program, *arguments]
    done = subprocess.run(command, cwd=house, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_empty_house_breaks_no_contract(house: Path) -> None:
    code, output = lint(house, "lint-imports", "--no-cache")

    assert code == 0, output
    assert "5 kept, 0 broken" in output


@pytest.mark.parametrize(
    ("place", "imports", "contract"),
    [
        ("roles/website/files.py", "coopinfra.roles.nginx", "a role never imports another role"),
        ("roles/primitives/extra.py", "coopinfra.roles.nginx", "a role never imports another role"),
        ("roles/website/files.py", "pyinfra", "what a role says"),
        ("roles/website/__init__.py", "pyinfra", "what a role says"),
        ("roles/website/files.py", "coopinfra.deploy.organisation", "cli talks"),
        ("deploy/planning/extra.py", "coopinfra.cli", "cli talks"),
        ("deploy/dns/extra.py", "coopinfra.deploy.checks", "inside deploy"),
        ("deploy/engine/extra.py", "coopinfra.deploy.lab", "inside deploy"),
        ("deploy/planning/extra.py", "coopinfra.deploy.engine", "inside deploy"),
        ("deploy/cellar/__init__.py", "sys", "inside deploy"),
        ("deploy/planning/extra.py", "paramiko", "what is read and planned"),
    ],
)
def test_an_import_across_the_lines_is_found(house: Path, place: str, imports: str, contract: str) -> None:
    (house / place).parent.mkdir(exist_ok=True)
    (house / place).write_text(f'"""Breaks a line."""\n\nimport {imports}\n')

    code, output = lint(house, "lint-imports", "--no-cache")

    assert code == 1, output
    broken = [line for line in output.splitlines() if " BROKEN" in line]
    assert len(broken) == 1, output
    assert broken[0].startswith(contract)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("import deploy.planning", "TID251"),
        ("from roles import contract", "TID251"),
        ("from . import other", "TID252"),
        ("def undocumented() -> None: ...", "D103"),
        ("total = 1 if True else 2", ""),
    ],
)
def test_ruff_knows_the_house_style(house: Path, line: str, rule: str) -> None:
    (house / "deploy/extra.py").write_text(f'"""Breaks a rule, or not."""\n\n{line}\n')

    code, output = lint(house, "ruff", "check", "--no-cache", "--output-format", "concise", "deploy/extra.py")

    assert (code == 1) is bool(rule), output
    assert rule in output


def test_mypy_looks_into_the_folders(house: Path) -> None:
    for folder in ("cli", "deploy/planning", "roles/website"):
        (house / folder / "extra.py").write_text('"""Wrong."""\n\nnumber: int = "one"\n')

    code, output = lint(house, "mypy", "--cache-dir", "/dev/null")

    assert code == 1
    for folder in ("cli", "deploy/planning", "roles/website"):
        assert f"{folder}/extra.py:3: error: " in output
