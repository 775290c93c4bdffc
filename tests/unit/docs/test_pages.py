"""The documentation says only what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from commands_exist import commands_in, problems_with
from coopinfra.cli.main import make_app
from coopinfra.deploy.runbook.page import anchor
from coopinfra.roles.registry import roles

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
ON_EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@ON_EACH_PAGE
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith("https://"):
            continue
        path, _, fragment = target.partition("#")
        found = (page.parent / path) if path else page
        assert found.exists(), target
        if fragment:
            headings = re.findall(r"^#+ (.+)$", found.read_text(), re.MULTILINE)
            assert fragment in {anchor(heading) for heading in headings}, target


@ON_EACH_PAGE
def test_commands_on_the_pages_exist(page: Path) -> None:
    for command in commands_in(page.read_text()):
        assert problems_with(command) == [], command


def test_commands_that_do_not_exist_are_noticed() -> None:
    assert problems_with("deploy highbeam --yes  # at once") == []
    assert problems_with("deplloy highbeam") == ["there is no command deplloy"]
    assert problems_with("deploy highbeam --now") == ["there is no option --now"]


def test_the_readme_begins_with_the_two_commands() -> None:
    blocks = re.findall(r"```\w*\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)

    assert blocks[:2] == ["./coopinfra demo\n", "./coopinfra test\n"]


def test_the_architecture_names_every_room_and_the_changelog_every_role_and_verb() -> None:
    architecture = (ROOT / "docs/architecture.md").read_text()
    changelog = (ROOT / "CHANGELOG.md").read_text()

    for folder in (ROOT / "deploy").iterdir():
        if (folder / "__init__.py").is_file():
            assert f"{folder.name}/" in architecture, folder.name
    for name in (*roles(), *get_command(make_app()).commands):  # type: ignore[attr-defined]
        assert f"`{name}" in changelog or f"./coopinfra {name}`" in changelog, name
