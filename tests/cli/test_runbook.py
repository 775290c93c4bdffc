"""`coopinfra runbook`, as it is typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sample_organisation import ORG, write_inventories


@pytest.fixture
def inventories(tmp_path: Path) -> Path:
    return write_inventories(tmp_path / "inventories")


def run(inventories: Path, *words: str, where: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "coopinfra.cli.main", "runbook", *words],
        cwd=where,
        env={**os.environ, "COOPINFRA_INVENTORIES": str(inventories)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_books_lie_where_it_says(inventories: Path, tmp_path: Path) -> None:
    done = run(inventories, "highbeam", where=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "runbooks/highbeam/runbook.md\n"
        "runbooks/highbeam/runbook.html\n"
        "runbooks/highbeam/runbook.es.md\n"
        "runbooks/highbeam/runbook.es.html\n"
    )
    assert all((tmp_path / line).stat().st_size > 3000 for line in done.stdout.splitlines())


def test_a_second_run_writes_the_same_bytes(inventories: Path, tmp_path: Path) -> None:
    names = [
        Path(name)
        for name in json.loads(run(inventories, "highbeam", "--out", "a", "--json", where=tmp_path).stdout)["files"]
    ]
    again = run(inventories, "highbeam", "--out", "b", where=tmp_path)

    assert again.returncode == 0
    assert len(names) == 4
    for name in names:
        assert (tmp_path / name).read_bytes() == (tmp_path / "b" / name.name).read_bytes()


def test_a_language_without_words_is_named(inventories: Path, tmp_path: Path) -> None:
    (inventories / "highbeam/org.yml").write_text(ORG.replace("[en, es]", "[fr, es]"))

    done = run(inventories, "highbeam", where=tmp_path)

    assert done.returncode == 0
    assert done.stdout == "runbooks/highbeam/runbook.md\nrunbooks/highbeam/runbook.html\n"
    assert "there are no words for books in `fr` yet" in done.stderr
    assert 'lang="es"' in (tmp_path / "runbooks/highbeam/runbook.html").read_text()


def test_a_folder_that_cannot_be_written_ends_with_2(inventories: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")

    done = run(inventories, "highbeam", "--out", "taken", where=tmp_path)

    assert done.returncode == 2
    assert "error: `taken` cannot be written: " in done.stderr
    assert "hint: name another folder with `--out`" in done.stderr
