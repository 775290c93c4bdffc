"""`coopinfra site` where no server is asked: what it refuses, and bringing a site in."""

from __future__ import annotations

import json
import shutil

import pytest

from coopinfra.deploy.organisation.places import org_folder
from entry import run_command


@pytest.fixture
def coopinfra(monkeypatch, capsys, tmp_path):
    shutil.copytree(org_folder("highbeam").parent, tmp_path / "inventories")
    monkeypatch.setenv("COOPINFRA_INVENTORIES", str(tmp_path / "inventories"))
    return lambda *arguments: run_command(monkeypatch, capsys, *arguments)


@pytest.fixture
def old(tmp_path):
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "index.html").write_text('<a href="http://roasters.example/">here</a>')
    (folder / "mail.php").write_text("<?php")
    return folder


def test_a_directory_is_brought_in_and_what_will_not_work_is_said(coopinfra, old, tmp_path):
    code, out, err = coopinfra("site", "import", "highbeam", "beans", str(old), "--was", "roasters.example")

    assert code == 0
    assert out == "beans:\n  domain: beans.highbeam.example\n  source: {folder: sites/beans}\n"
    assert "left out: programs, which a static site does not run" in err
    assert "    mail.php\n" in err
    assert "links that name the domain" in err
    assert sorted(path.name for path in (tmp_path / "inventories/highbeam/sites/beans").iterdir()) == ["index.html"]


def test_the_same_as_data(coopinfra, old):
    _, out, _ = coopinfra("site", "import", "highbeam", "beans", str(old), "--json")

    data = json.loads(out)
    assert data["files"] == 1
    assert [each["files"] for each in data["findings"] if each["left_out"]] == [["mail.php"]]


def test_the_lines_that_it_prints_make_a_valid_site(coopinfra, old, tmp_path):
    out = coopinfra("site", "import", "highbeam", "beans", str(old))[1]
    org = tmp_path / "inventories/highbeam/org.yml"
    org.write_text(org.read_text().rstrip("\n") + "\n" + "".join(f"          {line}\n" for line in out.splitlines()))

    assert coopinfra("validate", "highbeam")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("main", "OLD"), "is there already, and nothing of it was changed"),
        (("Beans", "OLD"), "`Beans` is not a short name"),
        (("beans", "/nowhere"), "is no site that can be brought in"),
        (("beans", "OLD", "--domain", "https://x.example/"), "is not a domain: it is a whole link"),
        (("beans", "INVENTORIES"), "holds the inventory itself"),
    ],
)
def test_what_cannot_be_brought_in_is_refused_and_leaves_nothing(coopinfra, old, tmp_path, words, said):
    places = {"OLD": str(old), "INVENTORIES": str(tmp_path / "inventories")}

    code, _, err = coopinfra("site", "import", "highbeam", *(places.get(word, word) for word in words))

    assert code == 2
    assert said in err
    assert not (tmp_path / "inventories/highbeam/sites/beans").exists()
