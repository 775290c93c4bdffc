"""A receipt that was changed, left out, or signed by somebody else is found."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from coopinfra.deploy.receipts.chain import Signer, problems, read_receipts, write_receipt


def _key(path: Path) -> Signer:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return Signer("ada", str(path), path.with_suffix(".pub").read_text().strip())


@pytest.fixture
def ada(tmp_path: Path) -> Signer:
    return _key(tmp_path / "ada")


@pytest.fixture
def folder(tmp_path: Path, ada: Signer) -> Path:
    for result in ("green", "red", "green"):
        write_receipt(tmp_path / "receipts", "drill", {"result": result}, f"# It was {result}\n", ada)
    return tmp_path / "receipts"


def wrong(folder: Path, *signers: Signer) -> list[str]:
    return [each.message for each in problems(folder, "drill", [(each.login, each.public_key) for each in signers])]


def test_a_chain_that_nobody_touched_is_whole_and_in_order(folder: Path, ada: Signer) -> None:
    assert wrong(folder, ada) == []
    assert [each.data["result"] for each in read_receipts(folder, "drill")] == ["green", "red", "green"]
    assert (folder / "drill-2.md").read_text() == "# It was red\n"


def test_after_the_ninth_comes_the_tenth(folder: Path, ada: Signer) -> None:
    for _ in range(8):
        write_receipt(folder, "drill", {"result": "green"}, "", ada)

    assert [each.number for each in read_receipts(folder, "drill")] == list(range(1, 12))
    assert wrong(folder, ada) == []


def test_one_that_was_changed_breaks_the_chain(folder: Path, ada: Signer) -> None:
    path = folder / "drill-2.json"
    path.write_text(path.read_text().replace('"red"', '"green"'))

    assert wrong(folder, ada) == [
        "drill-2.json is not as its signature says",
        "drill-3.json follows another receipt than the one that lies there",
    ]


def test_one_that_was_changed_and_signed_anew_still_breaks_the_chain(folder: Path, ada: Signer) -> None:
    first = json.loads((folder / "drill-1.json").read_text())
    for name in ("drill-2", "drill-3"):
        (folder / f"{name}.json").rename(folder / f"{name}.kept")
    (folder / "drill-1.json").unlink()
    write_receipt(folder, "drill", {**first, "result": "better"}, "", ada)
    for name in ("drill-2", "drill-3"):
        (folder / f"{name}.kept").rename(folder / f"{name}.json")

    assert wrong(folder, ada) == ["drill-2.json follows another receipt than the one that lies there"]


def test_one_that_was_left_out_is_missed(folder: Path, ada: Signer) -> None:
    (folder / "drill-2.json").unlink()

    assert wrong(folder, ada) == ["drill-2.json is missing"]


def test_what_somebody_else_signed_does_not_count(folder: Path, tmp_path: Path) -> None:
    mallory = _key(tmp_path / "mallory")

    assert len(wrong(folder, mallory)) == 3
    assert len(wrong(folder)) == 3


def test_one_without_a_signature_or_that_is_no_receipt_is_found(folder: Path, ada: Signer) -> None:
    (folder / "drill-3.json.sig").unlink()
    (folder / "drill-1.json").write_text("[]")

    assert "drill-3.json is not as its signature says" in wrong(folder, ada)
    assert "drill-1.json is not as its signature says" in wrong(folder, ada)
