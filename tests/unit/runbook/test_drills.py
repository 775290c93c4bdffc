"""The page for people says whether their server came back, and never more than the last receipt does."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coopinfra.deploy.runbook.drills import drills
from coopinfra.deploy.runbook.words import fill, words
from coopinfra.roles.declarations import Kept

KEPT = Kept("vault1", "collective", "vault1", "vault1.lantern.example", "highbeam.web1", "login-vault1", 6, 14, 35)


def said(folder: Path, *, kept: bool = True) -> list[str]:
    server = SimpleNamespace(server=SimpleNamespace(id="web1"), all=lambda _: (KEPT,) if kept else ())
    plan: Any = SimpleNamespace(folder=str(folder), servers=(server,))
    return list(drills(plan, lambda key, **values: fill(words("en")[key], values)))


def write(folder: Path, number: int, **data: object) -> None:
    (folder / "receipts").mkdir(exist_ok=True)
    whole = {"server": "web1", "began": "2026-11-25T12:00:00+00:00", **data}
    (folder / f"receipts/drill-{number}.json").write_text(json.dumps(whole))


def test_it_says_that_nobody_tried_and_nothing_where_there_are_no_backups(tmp_path: Path) -> None:
    assert "Nobody has tried yet" in said(tmp_path)[0]
    assert said(tmp_path, kept=False) == []


@pytest.mark.parametrize(
    ("result", "words_of_it"), [("green", "On 2026-11-25 we tried"), ("red", "Not all of it did."), ("", "Not all")]
)
def test_it_says_what_the_last_one_says(tmp_path: Path, result: str, words_of_it: str) -> None:
    write(tmp_path, 1, result="green", minutes=3, age_hours=1)
    write(tmp_path, 2, result=result, minutes=14.2, age_hours=5.96)

    (sentence,) = said(tmp_path)

    assert words_of_it in sentence
    assert ("back after 14 minutes. Work of 6.0 hours" in sentence) is (result == "green")
